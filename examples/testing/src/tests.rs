use super::*;
use axum::{body::Body, http::Request, http::StatusCode};
use oidc_gate_axum::{
    CookieKeys, Gate, GateExt as _, Pattern,
    dev::{DevProvider, Fault},
    testing::{self, Browser},
};
use tower::ServiceExt as _;

fn req(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test] // a handler is a function, an extractor a value
async fn a_handler_called_directly() {
    let alice = testing::user("alice").claim("department", "R&D").build();
    let staff = Claims(alice.claims_as().unwrap());
    let page = me(AuthenticatedUser::fake(alice), staff).await;
    assert_eq!(page, "alice of R&D");
}

#[tokio::test] // the router, a user in the gate's place
async fn the_router_with_a_signed_in_user() {
    for (group, status) in [("admins", StatusCode::OK), ("staff", StatusCode::FORBIDDEN)] {
        let user = testing::user("alice").group(group).build();
        let app = routes().layer(testing::signed_in(user));
        assert_eq!(app.oneshot(req("/admin")).await.unwrap().status(), status);
    }
}

#[tokio::test] // the real gate, a real session, no login
async fn the_real_gate_without_a_login() {
    let gate = testing::gate().build().unwrap();
    let app = gate.protect(routes());
    let response = app.clone().oneshot(req("/admin")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let alice = testing::user("alice").group("admins").build();
    let cookie = testing::session(&gate, alice).await;
    let mut request = req("/admin");
    request.headers_mut().insert("cookie", cookie);
    assert_eq!(app.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test] // provider, application and browser in one process, no ports
async fn a_whole_login() {
    let alice = testing::user("alice").claim("department", "R&D").build();
    let provider = DevProvider::builder().issuer("https://id.test").user(alice);
    let provider = provider.build();
    let gate = Gate::builder()
        .base_url("https://app.test")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&provider)
        .open(Pattern::get("/"));
    let app = gate.build().unwrap().protect(routes());
    let mut browser = Browser::new()
        .site("https://app.test", app)
        .site("https://id.test", provider.clone());
    browser.get("https://app.test/me").await;
    assert_eq!(browser.sign_in_as("alice").await.body, "alice of R&D");

    browser.clear_cookies();
    provider.fault(Fault::WrongIssuer);
    browser.get("https://app.test/me").await;
    let page = browser.sign_in_as("alice").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert_eq!(browser.get("https://app.test/").await.body, "out");
}

#[tokio::test] // no gate: 500, not 401
async fn without_a_gate_it_is_a_500() {
    let response = routes().oneshot(req("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
