//! A session's tokens, in headers of requests and answers.

use crate::world::{Answer, ISSUER, World, serve, world_of};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use oidc_gate_tower::{
    ForwardAuth, GateBuilder, GateLayer, HeaderSource, IdentityHeaders, KeepTokens, Pattern,
    PeerAddr, Store, dev::Fault,
};
use std::{convert::Infallible, time::Duration};
use tower::{Layer as _, ServiceExt as _};

const LIFE: u64 = 300;

fn tokens_in_headers(gate: GateBuilder) -> GateBuilder {
    gate.scopes(["openid", "profile", "email", "offline_access"])
        .keep_tokens(KeepTokens::default().id())
        .identity_headers(
            IdentityHeaders::forwarded()
                .header("X-Forwarded-Access-Token", HeaderSource::access_token())
                .header("Authorization", HeaderSource::id_token().as_bearer()),
        )
        .identity_response_headers(
            IdentityHeaders::new()
                .header("X-Auth-Request-Access-Token", HeaderSource::access_token()),
        )
        .bypass(Pattern::prefix("/assets"))
}

/// Alice is signed in at an application whose access tokens last five minutes.
async fn signed_in(build: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    let mut w = world_of(
        |provider| provider.access_token_life(Duration::from_secs(LIFE)),
        |gate| build(tokens_in_headers(gate)),
    );
    w.sign_in("alice", "/me").await;
    w
}

/// What the application sees of a request with this browser's cookies, and what is answered.
async fn pass(w: &World, path: &str, more: &[(&str, &str)]) -> (HeaderMap, HeaderMap) {
    let app = tower::service_fn(async |request: Request<Full<Bytes>>| {
        let mut response = Response::new(Full::<Bytes>::default());
        response.extensions_mut().insert(request.headers().clone());
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::get(path).header("cookie", w.cookie_line());
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let request: Request<Full<Bytes>> = request.body(Full::default()).unwrap();
    let Ok(mut response) = GateLayer::new(&w.gate).layer(app).oneshot(request).await;
    let request = response.extensions_mut().remove::<HeaderMap>().unwrap();
    (request, response.headers().clone())
}

fn of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

const FORGED: &[(&str, &str)] = &[
    ("x-forwarded-access-token", "forged"),
    ("X_Forwarded_Access_Token", "forged"),
    ("authorization", "Bearer forged"),
];

#[tokio::test]
async fn the_application_gets_the_sessions_tokens_and_nobody_elses() {
    for kept in [None, Some(Store::memory())] {
        let w = signed_in(|gate| match kept {
            Some(store) => gate.store(store),
            None => gate,
        })
        .await;
        for path in ["/me", "/"] {
            let (request, answer) = pass(&w, path, FORGED).await;
            let access = of(&request, "x-forwarded-access-token").unwrap();
            assert!(!access.contains("forged") && !access.is_empty(), "{path}");
            assert!(request["x-forwarded-access-token"].is_sensitive());
            assert_eq!(of(&answer, "x-auth-request-access-token"), Some(access));
            let id = of(&request, "authorization").unwrap();
            let id = id.strip_prefix("Bearer ").unwrap();
            assert!(id.split('.').count() == 3 && id != access, "{id}");
            assert!(!request.contains_key("x_forwarded_access_token"));
        }
        // Nobody is looked at here.
        let (request, answer) = pass(&w, "/assets/a.css", FORGED).await;
        assert_eq!(of(&request, "x-forwarded-access-token"), None);
        assert_eq!(of(&request, "authorization"), None);
        assert_eq!(of(&answer, "x-auth-request-access-token"), None);
    }
}

#[tokio::test]
async fn what_is_due_is_refreshed_before_the_request_is_passed_on() {
    for kept in [None, Some(Store::memory())] {
        let w = signed_in(|gate| match kept {
            Some(store) => gate.store(store),
            None => gate,
        })
        .await;
        let (first, _) = pass(&w, "/me", &[]).await;
        w.advance(LIFE + 60);
        let (second, answer) = pass(&w, "/me", &[]).await;
        let (old, new) = (
            of(&first, "x-forwarded-access-token").unwrap(),
            of(&second, "x-forwarded-access-token").unwrap(),
        );
        assert_ne!(old, new);
        assert_eq!(of(&answer, "x-auth-request-access-token"), Some(new));
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_passed_on_nowhere() {
    for kept in [None, Some(Store::memory())] {
        let w = signed_in(|gate| match kept {
            Some(store) => gate.store(store),
            None => gate,
        })
        .await;
        w.fault(Fault::TokenEndpointDown);
        // Longer than the ID token lives, too.
        w.advance(2 * 3600);
        for path in ["/me", "/"] {
            let (request, answer) = pass(&w, path, FORGED).await;
            assert_eq!(of(&request, "x-forwarded-user"), Some("alice"), "{path}");
            assert_eq!(of(&request, "x-forwarded-access-token"), None, "{path}");
            assert_eq!(of(&request, "authorization"), None, "{path}");
            assert_eq!(of(&answer, "x-auth-request-access-token"), None, "{path}");
        }
    }
}

#[tokio::test]
async fn on_an_open_path_nothing_is_refreshed_and_nothing_stale_passed_on() {
    let w = signed_in(|gate| gate.store(Store::memory())).await;
    w.advance(LIFE);
    let asked = w.wire.sent().len();
    let (request, _) = pass(&w, "/", &[]).await;
    assert_eq!(of(&request, "x-forwarded-user"), Some("alice"));
    assert_eq!(of(&request, "x-forwarded-access-token"), None);
    assert_eq!(w.wire.sent().len(), asked);
}

/// What nginx asks about `/me`, with this browser's cookies.
async fn asked_by_nginx(w: &World, more: &[(&str, &str)]) -> Answer {
    let mut request = Request::get("/oauth2/auth")
        .header("x-original-method", "GET")
        .header("x-original-uri", "/me")
        .header("cookie", w.cookie_line())
        .extension(PeerAddr("127.0.0.1:50000".parse().unwrap()));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let request: Request<Full<Bytes>> = request.body(Full::default()).unwrap();
    let Ok(response) = serve(&w.gate, request).await;
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: String::new(),
    }
}

#[tokio::test]
async fn a_proxy_that_asks_gets_the_access_token_where_it_is_to() {
    let w = signed_in(|gate| {
        gate.store(Store::memory()).forward_auth(
            ForwardAuth::nginx()
                .trust(["127.0.0.1"])
                .pass_access_token(),
        )
    })
    .await;
    let first = asked_by_nginx(&w, &[]).await;
    assert_eq!(first.status, 202);
    let token = first.header("x-auth-request-access-token").to_owned();
    assert!(!token.is_empty());
    w.advance(LIFE);
    let second = asked_by_nginx(&w, &[]).await;
    let renewed = second.header("x-auth-request-access-token");
    assert!(!renewed.is_empty() && renewed != token, "{renewed}");
    let forged = asked_by_nginx(&w, &[("x-auth-request-access-token", "forged")]).await;
    assert_ne!(forged.status, 202);

    let silent = signed_in(|gate| {
        gate.store(Store::memory())
            .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
    })
    .await;
    let answer = asked_by_nginx(&silent, &[]).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("x-auth-request-access-token"), "");
}

#[tokio::test]
async fn auth_says_the_token_to_a_proxy_that_knows_no_path() {
    let w = signed_in(|gate| gate.store(Store::memory())).await;
    let cookies = w.cookie_line();
    let answer = w
        .request("GET", "/oauth2/auth", &[("cookie", &*cookies)])
        .await;
    assert_eq!(answer.status, 202);
    assert!(!answer.header("x-auth-request-access-token").is_empty());
}

#[test]
fn a_gate_that_keeps_no_tokens_or_signs_nobody_in_promises_none() {
    let problems = |gate: GateBuilder| {
        let error = gate.issuer(ISSUER).build().unwrap_err();
        error.problems().map(str::to_owned).collect::<Vec<_>>()
    };
    let begins = |problems: &[String], begin: &str| {
        assert!(
            problems.iter().any(|problem| problem.starts_with(begin)),
            "{problems:#?}"
        );
    };
    let found = problems(
        tokens_in_headers(oidc_gate_tower::Gate::builder()).keep_tokens(KeepTokens::none()),
    );
    for begin in [
        "identity_headers: \"x-forwarded-access-token\" is to say an access token of a session, and sessions keep none",
        "identity_headers: \"authorization\" is to say an ID token of a session, and sessions keep none",
        "identity_response_headers: \"x-auth-request-access-token\" is to say an access token",
    ] {
        begins(&found, begin);
    }
    let asked = ForwardAuth::caddy()
        .trust(["127.0.0.1"])
        .pass_access_token();
    let alone = oidc_gate_tower::Gate::builder()
        .bearer(oidc_gate_tower::Bearer::audience("https://app.test"))
        .forward_auth(asked);
    begins(
        &problems(alone),
        "forward_auth: \"x-auth-request-access-token\" is to say an access token of a session, and nobody signs in here",
    );
}
