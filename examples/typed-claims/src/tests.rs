use super::*;
use axum::http::StatusCode;
use oidc_gate_axum::testing::Browser;

const SITE: &str = "http://localhost:3000";

fn browser() -> Browser {
    let provider = provider();
    let app = Router::new().route("/", get(me));
    let gate = gate(&provider).unwrap();
    Browser::new()
        .site(SITE, gate.protect(app))
        .site("http://localhost:3001", provider)
}

#[tokio::test]
async fn a_handler_finds_the_claims_in_its_own_type() {
    let mut browser = browser();
    browser.get(SITE).await;
    let page = browser.sign_in_as("dora").await;
    assert_eq!(
        page.body,
        r#"{"department":"Research","https://example.com/cost_centre":4711,"manager":null}"#
    );
}

#[tokio::test]
async fn who_lacks_them_is_told_at_sign_in_and_not_signed_in() {
    let mut browser = browser();
    browser.get(SITE).await;
    let page = browser.sign_in_as("alice").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.fetch(SITE).await.status, StatusCode::UNAUTHORIZED);
}
