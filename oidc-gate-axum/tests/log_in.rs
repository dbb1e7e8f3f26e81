//! A login as what a handler returns.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    routing::{get, post},
};
use http::{Request, StatusCode, header};
use oidc_gate_axum::{
    CookieKeys, Gate, GateExt as _, LogIn, Pattern, Prompt,
    core::form::Form,
    dev::DevProvider,
    testing::{self, Browser},
};
use tower::ServiceExt as _;

const APP: &str = "https://app.test";

fn app() -> Router {
    Router::new()
        .route("/", get(async || "welcome"))
        .route(
            "/sign-in",
            post(async |body: Bytes| {
                let email = Form::parse(&body).unwrap().take("email").unwrap();
                LogIn::to("/account").login_hint(email)
            }),
        )
        .route(
            "/switch",
            get(async || {
                LogIn::to("/account")
                    .prompt(Prompt::SelectAccount)
                    .param("hd", "a")
            }),
        )
        .route("/hello", get(async || LogIn::silently("/account", "/")))
        .route(
            "/account",
            get(async |user: oidc_gate_axum::AuthenticatedUser| user.subject().to_owned()),
        )
}

fn browser() -> Browser {
    let provider = DevProvider::builder()
        .issuer("https://id.test")
        .demo_users()
        .build();
    let gate = Gate::builder()
        .dev_provider(&provider)
        .base_url(APP)
        .cookie_keys(CookieKeys::ephemeral())
        .open(Pattern::get("/"))
        .open(Pattern::path("/sign-in"))
        .open(Pattern::path("/hello"))
        .build()
        .unwrap();
    Browser::new()
        .site("https://id.test", provider)
        .site(APP, gate.protect(app()))
}

#[tokio::test]
async fn a_form_with_an_address_signs_its_owner_in() {
    let mut browser = browser();
    browser.get(APP).await;
    let page = browser
        .post_form("/sign-in", &[("email", "bob@example.com")])
        .await;
    assert_eq!(
        (&*page.url, &*page.body),
        ("https://app.test/account", "bob")
    );
    let page = browser.get(&format!("{APP}/switch")).await;
    assert!(page.url.contains("&prompt=select_account&hd=a"), "{page:?}");
    let page = browser.sign_in_as("alice").await;
    assert_eq!(page.body, "alice");
}

#[tokio::test]
async fn who_is_not_signed_in_anywhere_is_not_bothered() {
    let mut browser = browser();
    let page = browser.get(&format!("{APP}/hello")).await;
    assert_eq!((&*page.url, &*page.body), ("https://app.test/", "welcome"));
}

#[tokio::test]
async fn without_a_gate_no_login_begins_and_the_answer_says_so() {
    let request = Request::get("/hello").body(Body::empty()).unwrap();
    let response = app().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!response.headers().contains_key(header::LOCATION));
    let body = to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(
        body,
        "no gate has looked at this request, so no login begins: wrap the application with `gate.protect(router)`"
    );
}

#[tokio::test]
async fn under_a_bypass_rule_no_login_begins_and_the_answer_says_so() {
    let gate = testing::gate()
        .bypass(Pattern::path("/hello"))
        .build()
        .unwrap();
    let request = Request::get("/hello").body(Body::empty()).unwrap();
    let response = gate.protect(app()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(
        body,
        "this path is under a `bypass` rule, so the gate starts no login here: use an `open` rule"
    );
}
