//! Rules for everybody and for networks, preflights, and the table of who gets where.

use crate::world::{APP, World, world_with};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use oidc_gate_tower::{
    Anonymous, Gate, GateBuilder, GateLayer, Pattern, PeerAddr, Peers, Principal, TrustedProxies,
    email_domain, group, testing,
};
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tower::{Layer as _, ServiceExt as _, service_fn};

/// Says as whom the application sees a request.
async fn seen(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let extensions = request.extensions();
    let who = match extensions.get::<Principal>() {
        Some(principal) => principal.subject().to_owned(),
        None if extensions.get::<Anonymous>().is_some() => "nobody".to_owned(),
        None => "bypassed".to_owned(),
    };
    Ok(Response::new(Full::from(format!(
        "{} {who}",
        request.method()
    ))))
}

fn gate(build: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    build(testing::gate()).build().unwrap()
}

async fn ask(gate: &Gate, request: Request<Full<Bytes>>) -> (StatusCode, String) {
    use http_body_util::BodyExt as _;
    let service = GateLayer::new(gate).layer(service_fn(seen));
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A script's request from there.
fn from(peer: &str, forwarded_for: &[&'static str], path: &str) -> Request<Full<Bytes>> {
    let mut request = Request::get(path).body(Full::default()).unwrap();
    for line in forwarded_for {
        let value = HeaderValue::from_static(line);
        request.headers_mut().append("x-forwarded-for", value);
    }
    let peer = PeerAddr(format!("{peer}:1234").parse().unwrap());
    request.extensions_mut().insert(peer);
    request
}

#[tokio::test]
async fn a_client_is_where_trusted_proxies_say_and_where_it_connects_from_otherwise() {
    let direct = gate(|gate| gate.open_to(["10.0.0.0/8"]));
    let behind = gate(|gate| {
        gate.open_to(["10.0.0.0/8"])
            .trusted_proxies(Peers::new(["192.0.2.1", "10.9.9.9"]).unwrap())
            .require(Pattern::prefix("/admin"), group("admins"))
    });
    let (open, closed) = (StatusCode::OK, StatusCode::UNAUTHORIZED);
    for (gate, peer, forwarded_for, path, expected) in [
        (&direct, "10.1.1.1", &[][..], "/x", open),
        (&direct, "192.0.2.1", &[], "/x", closed),
        // Nobody is believed unless it is said who.
        (&direct, "192.0.2.1", &["10.1.1.1"], "/x", closed),
        (&direct, "10.1.1.1", &["203.0.113.7"], "/x", open),
        (&behind, "192.0.2.1", &["10.1.1.1"], "/x", open),
        (&behind, "192.0.2.1", &["203.0.113.7"], "/x", closed),
        (
            &behind,
            "192.0.2.1",
            &["10.1.1.1, 203.0.113.7"],
            "/x",
            closed,
        ),
        (
            &behind,
            "192.0.2.1",
            &["10.1.1.1", "203.0.113.7"],
            "/x",
            closed,
        ),
        (
            &behind,
            "192.0.2.1",
            &["203.0.113.7, 10.1.1.1, 10.9.9.9"],
            "/x",
            open,
        ),
        (&behind, "192.0.2.1", &[], "/x", closed),
        (&behind, "192.0.2.1", &["10.1.1.1, nonsense"], "/x", closed),
        (&behind, "203.0.113.9", &["10.1.1.1"], "/x", closed),
        (&behind, "192.0.2.1", &["10.1.1.1"], "/admin/x", closed),
        (&behind, "192.0.2.1", &["10.1.1.1"], "/x/%2e%2e/y", closed),
    ] {
        let (status, _) = ask(gate, from(peer, forwarded_for, path)).await;
        assert_eq!(status, expected, "{peer} {forwarded_for:?} {path}");
    }
    // Without an address nobody is anywhere.
    let request = Request::get("/x").body(Full::default()).unwrap();
    assert_eq!(ask(&direct, request).await.0, closed);
}

#[tokio::test]
async fn another_header_of_the_proxy_counts_where_it_is_named() {
    use oidc_gate_tower::AddressHeader;
    let gate = gate(|gate| {
        let proxies = TrustedProxies::from(Peers::new(["192.0.2.1"]).unwrap());
        gate.open_to(["10.0.0.0/8"])
            .trusted_proxies(proxies.header(AddressHeader::XRealIp))
    });
    let mut request = from("192.0.2.1", &["10.1.1.1"], "/x");
    assert_eq!(
        ask(&gate, request.clone()).await.0,
        StatusCode::UNAUTHORIZED
    );
    let address = HeaderValue::from_static("10.1.1.1");
    request.headers_mut().insert("x-real-ip", address);
    assert_eq!(
        ask(&gate, request).await,
        (StatusCode::OK, "GET nobody".into())
    );
}

#[tokio::test]
async fn only_whom_the_application_admits_passes_what_is_protected() {
    let gate = gate(|gate| {
        gate.admit(email_domain("example.com"))
            .open(Pattern::path("/open"))
    });
    for (address, me, open) in [
        ("a@example.com", StatusCode::OK, "GET alice"),
        (
            "a@example.com.evil.example",
            StatusCode::FORBIDDEN,
            "GET alice",
        ),
        (
            "a@evil.example@example.com",
            StatusCode::FORBIDDEN,
            "GET alice",
        ),
    ] {
        let alice = testing::user("alice").email(address).build();
        let cookie = testing::session(&gate, alice).await;
        let request = |path: &str| {
            let mut request = Request::get(path).body(Full::default()).unwrap();
            request.headers_mut().insert(header::COOKIE, cookie.clone());
            request
        };
        assert_eq!(ask(&gate, request("/me")).await.0, me, "{address}");
        assert_eq!(ask(&gate, request("/open")).await.1, open, "{address}");
    }
}

#[tokio::test]
async fn a_preflight_is_nobodys_request() {
    let preflight = |path: &str, cookie: &HeaderValue| {
        let request = Request::options(path)
            .header(header::ORIGIN, "https://elsewhere.test")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "DELETE")
            .header(header::COOKIE, cookie);
        request.body(Full::default()).unwrap()
    };
    let refusing = gate(|gate| gate.open(Pattern::path("/open")));
    let passing = gate(|gate| gate.open(Pattern::path("/open")).pass_preflights());
    for (gate, path, expected) in [
        (
            &refusing,
            "/me",
            (StatusCode::UNAUTHORIZED, "{\"error\":\"unauthenticated\"}"),
        ),
        (&refusing, "/open", (StatusCode::OK, "OPTIONS nobody")),
        (&passing, "/me", (StatusCode::OK, "OPTIONS nobody")),
    ] {
        let alice = testing::user("alice").build();
        let cookie = testing::session(gate, alice).await;
        let (status, body) = ask(gate, preflight(path, &cookie)).await;
        assert_eq!((status, body.as_str()), expected, "{path}");
    }
    // Any other OPTIONS needs what every request needs.
    let request = Request::options("/me").body(Full::default()).unwrap();
    assert_eq!(ask(&passing, request).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_preflight_begins_no_login_and_sets_no_cookie() {
    let World { gate, .. } = world_with(|gate| gate);
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(format!("{APP}/me"))
        .header(header::ORIGIN, "https://elsewhere.test")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCEPT, "text/html");
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let service = GateLayer::new(&gate).layer(service_fn(seen));
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(!response.headers().contains_key(header::LOCATION));
    assert!(!response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn what_a_change_opens_is_seen_in_the_snapshot() {
    let table = async |build: fn(GateBuilder) -> GateBuilder| {
        let gate = gate(build);
        let service = GateLayer::new(&gate).layer(service_fn(seen));
        testing::access(&gate, service)
            .caller("root", testing::user("root").group("admins").build())
            .get(["/admin", "/x"])
            .table()
            .await
    };
    let before = table(|gate| gate.require(Pattern::prefix("/admin"), group("admins"))).await;
    let after = table(|gate| gate.open(Pattern::prefix("/admin"))).await;
    let shown = before.to_string();
    let shown = shown.lines().filter(|line| !line.starts_with("endpoint"));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "require   /admin and below    group admins",
            "protect   everything else",
            "",
            "request      nobody  a script  root",
            "GET /admin   login   401       200",
            "GET /x       login   401       200",
        ]
    );
    let file = std::env::temp_dir().join(format!("oidc-gate-access-{}.txt", std::process::id()));
    std::fs::write(&file, before.to_string()).unwrap();
    before.assert_snapshot(&file);
    let panic = catch_unwind(AssertUnwindSafe(|| after.assert_snapshot(&file))).unwrap_err();
    std::fs::remove_file(&file).unwrap();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(
        said.ends_with(
            "review the difference:\n\
             - require   /admin and below    group admins\n\
             - GET /admin   login   401       200\n\
             + open      /admin and below\n\
             + GET /admin   200     200       200"
        ),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_form_that_never_comes_holds_nobody() {
    /// A body that is announced and does not come.
    struct Never;
    impl http_body::Body for Never {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            std::task::Poll::Pending
        }
    }
    let gate = gate(|gate| gate);
    let inner = service_fn(async |_: Request<Never>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    for path in ["/oauth2/start", "/oauth2/sign_out"] {
        let request = Request::post(path).header("sec-fetch-site", "same-origin");
        let request = request.body(Never).unwrap();
        let response = GateLayer::new(&gate).layer(inner).oneshot(request).await;
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT, "{path}");
    }
}

#[tokio::test]
async fn what_a_network_may_see_is_kept_for_nobody_else() {
    let gate = gate(|gate| gate.open_to(["10.0.0.0/8"]));
    let service = GateLayer::new(&gate).layer(service_fn(seen));
    let response = service.oneshot(from("10.1.1.1", &[], "/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "private");
}
