//! Who the caller is, in headers of requests and answers.

use crate::world::{Answer, NAVIGATION, World, world_with};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{
    Gate, GateBuilder, GateLayer, HeaderSource, IdentityHeaders, Pattern,
    core::{gate::STRIPPED, secret::HeaderSecret},
};
use std::convert::Infallible;
use tower::{Layer as _, ServiceExt as _};

/// What the application saw, and what was answered.
struct Seen {
    request: HeaderMap,
    answer: HeaderMap,
}

/// A request past the gate to an application that claims in its answer to know the caller.
async fn pass(gate: &Gate, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<Seen> {
    let app = tower::service_fn(async |request: Request<Full<Bytes>>| {
        let mut response = Response::new(Full::<Bytes>::default());
        response
            .headers_mut()
            .insert("x-auth-request-user", "the-application".parse().unwrap());
        response.extensions_mut().insert(request.headers().clone());
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::default()).unwrap();
    let Ok(mut response) = GateLayer::new(gate).layer(app).oneshot(request).await;
    let request = response.extensions_mut().remove::<HeaderMap>()?;
    let answer = response.headers().clone();
    Some(Seen { request, answer })
}

fn gate(gate: GateBuilder) -> GateBuilder {
    gate.identity_headers(
        IdentityHeaders::forwarded()
            .header("X-Department", HeaderSource::groups())
            .basic_authorization(HeaderSecret::new("p")),
    )
    .bypass(Pattern::prefix("/assets"))
    .open(Pattern::path("/form"))
}

/// Every header of this name or another spelling of it.
fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let folded = |name: &str| name.replace(['_', '.'], "-");
    let found = headers.iter().filter(|(n, _)| folded(n.as_str()) == name);
    found.map(|(_, value)| value.to_str().unwrap()).collect()
}

const FORGED: &[(&str, &str)] = &[
    ("x-forwarded-user", "root"),
    ("X_FORWARDED_USER", "root"),
    ("x-forwarded-email", "root@example.com"),
    ("x-department", "admins"),
    ("x_department", "admins"),
    ("X.Department", "admins"),
    ("authorization", "Basic cm9vdDpw"),
    (
        "connection",
        "close, x-department, Authorization, x_forwarded_user",
    ),
];

async fn signed_in(build: impl FnOnce(GateBuilder) -> GateBuilder) -> (World, String) {
    let mut w = world_with(build);
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    (w, cookies)
}

#[tokio::test]
async fn whoever_is_signed_in_is_named_once_and_by_the_gate_alone() {
    let (w, cookies) = signed_in(gate).await;
    for path in ["/me", "/"] {
        let headers = [NAVIGATION, FORGED, &[("cookie", &*cookies)]].concat();
        let seen = pass(&w.gate, "GET", path, &headers).await.unwrap().request;
        assert_eq!(all(&seen, "x-forwarded-user"), ["alice"], "{path}");
        assert_eq!(all(&seen, "x-forwarded-email"), ["alice@example.com"]);
        assert_eq!(all(&seen, "x-department"), all(&seen, "x-forwarded-groups"));
        assert_eq!(all(&seen, "authorization"), ["Basic YWxpY2U6cA=="]);
        assert_eq!(all(&seen, "connection"), ["close"]);
    }
}

#[tokio::test]
async fn where_nobody_is_signed_in_or_the_gate_does_not_look_nobody_is_named() {
    let (w, cookies) = signed_in(gate).await;
    for (method, path, cookies) in [
        ("GET", "/", ""),
        ("GET", "/", "__Host-gate=forged"),
        ("GET", "/assets/logo.svg", ""),
        ("GET", "/assets/logo.svg", &*cookies),
        ("OPTIONS", "/assets/logo.svg", &*cookies),
        // Another site's form: whoever is signed in does not count.
        ("POST", "/form", &*cookies),
    ] {
        let from = [("sec-fetch-site", "cross-site"), ("cookie", cookies)];
        let headers = [FORGED, &from].concat();
        let seen = pass(&w.gate, method, path, &headers).await.unwrap();
        for name in [
            "x-forwarded-user",
            "x-forwarded-email",
            "x-department",
            "authorization",
        ] {
            assert_eq!(
                all(&seen.request, name),
                [""; 0],
                "{method} {path} {cookies}"
            );
        }
        assert_eq!(all(&seen.request, "connection"), ["close"]);
    }
}

#[tokio::test]
async fn without_the_adapter_no_header_names_anybody() {
    let (w, cookies) = signed_in(|gate| gate).await;
    let forged = STRIPPED.iter().map(|entry| entry.name.replace('*', "any"));
    let forged: Vec<_> = forged.collect();
    let mut headers: Vec<_> = forged.iter().map(|name| (&**name, "root")).collect();
    headers.extend([("cookie", &*cookies), ("authorization", "Basic cm9vdDpw")]);
    let seen = pass(&w.gate, "GET", "/me", &headers).await.unwrap();
    // What the application understands of credentials is its own.
    let names: Vec<_> = seen.request.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["authorization"]);
    // And so is what it answers.
    assert_eq!(
        all(&seen.answer, "x-auth-request-user"),
        ["the-application"]
    );
}

#[tokio::test]
async fn an_answer_names_the_caller_where_it_is_asked_to_and_the_application_does_not() {
    let (w, cookies) = signed_in(|gate| {
        gate.identity_response_headers(IdentityHeaders::auth_request())
            .bypass(Pattern::prefix("/assets"))
    })
    .await;
    let cookies = [("cookie", &*cookies)];
    let seen = pass(&w.gate, "GET", "/me", &cookies).await.unwrap();
    assert_eq!(all(&seen.answer, "x-auth-request-user"), ["alice"]);
    assert_eq!(
        all(&seen.answer, "x-auth-request-email"),
        ["alice@example.com"]
    );
    assert_eq!(seen.request.get("x-auth-request-user"), None);
    let seen = pass(&w.gate, "GET", "/", &[]).await.unwrap();
    assert_eq!(all(&seen.answer, "x-auth-request-user"), [""; 0]);
    let seen = pass(&w.gate, "GET", "/assets/a", &cookies).await.unwrap();
    assert_eq!(
        all(&seen.answer, "x-auth-request-user"),
        ["the-application"]
    );
    // The gate's own answers name nobody.
    let refused: Answer = w
        .request(
            "GET",
            "/vault",
            &[("accept", "application/json"), cookies[0]],
        )
        .await;
    assert!(
        refused
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("x-auth-request"))
    );
}

#[tokio::test]
async fn the_gates_own_cookies_stay_with_it_unless_it_is_told_otherwise() {
    for passes in [false, true] {
        let pass_on = |gate: GateBuilder| {
            if passes {
                gate.pass_own_cookies()
            } else {
                gate
            }
        };
        let (w, cookies) = signed_in(pass_on).await;
        let line = format!("theirs=1; {cookies}");
        let seen = pass(&w.gate, "GET", "/me", &[("cookie", &line)])
            .await
            .unwrap();
        let expected = if passes { &*line } else { "theirs=1" };
        assert_eq!(seen.request["cookie"], expected);
    }
}

#[tokio::test]
async fn trailers_that_claim_an_identity_are_taken_off_a_body() {
    let w = world_with(gate);
    let mut trailers = HeaderMap::new();
    for (name, value) in FORGED.iter().filter(|(name, _)| *name != "connection") {
        trailers.append(
            http::HeaderName::try_from(*name).unwrap(),
            value.parse().unwrap(),
        );
    }
    trailers.insert("x-checksum", "17".parse().unwrap());
    let body = Full::new(Bytes::from_static(b"data"))
        .with_trailers(std::future::ready(Some(Ok::<_, Infallible>(trailers))));
    let got = w.gate.clean_trailers(body).collect().await.unwrap();
    let trailers = got.trailers().unwrap();
    assert_eq!(
        (trailers.len(), &trailers["x-checksum"]),
        (1, &"17".parse().unwrap())
    );
    assert_eq!(got.to_bytes(), "data");
}

#[test]
fn what_cannot_be_meant_is_said_when_the_gate_is_built() {
    let error = Gate::builder()
        .identity_headers(IdentityHeaders::new().header("Content-Length", HeaderSource::subject()))
        .identity_response_headers(
            IdentityHeaders::new().header("Set-Cookie", HeaderSource::subject()),
        )
        .build()
        .unwrap_err();
    let problems: Vec<_> = error.problems().collect();
    for begin in [
        "identity_headers: \"Content-Length\" says how to read the message",
        "identity_response_headers: \"Set-Cookie\" is what browsers go by",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(begin)),
            "{problems:#?}"
        );
    }
}
