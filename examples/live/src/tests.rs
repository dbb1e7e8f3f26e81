//! What a page sees of it, with the embedded provider instead of one's own. `.ci/browser/live.mjs` has the WebSocket, and two
//! processes.

use super::*;
use oidc_gate_axum::testing::Browser;

const SITE: &str = "http://localhost:3000";

async fn signed_in() -> (Browser, Gate, String) {
    let provider = DevProvider::demo();
    let settings = Gate::builder()
        .base_url(SITE)
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&provider);
    let gate = gate(settings, None).unwrap();
    let issuer = provider.issuer().to_owned();
    let mut browser = Browser::new()
        .site(SITE, gate.protect(app()))
        .site(&issuer, provider);
    browser.get(SITE).await;
    let page = browser.sign_in_as("alice").await;
    assert!(page.body.contains("Live connections"), "{page:?}");
    (browser, gate, issuer)
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_says_that_the_session_has_ended_and_is_refused_then() {
    let (mut browser, gate, issuer) = signed_in().await;
    let end = async {
        time::sleep(Duration::from_millis(1500)).await;
        gate.end_sessions_of(&issuer, "alice").await.unwrap();
    };
    let address = format!("{SITE}/events");
    let (page, ()) = tokio::join!(browser.fetch(&address), end);
    assert_eq!(
        page.body,
        "data: 1, Alice Adams\n\ndata: 2, Alice Adams\n\nevent: signed-out\ndata: signed out\n\n"
    );
    assert_eq!(browser.fetch(&address).await.status, 401);
}

#[test]
fn whoever_has_signed_in_again_is_asked_to_come_again() {
    assert_eq!(goodbye(SessionEnd::SignedOut).code, 1008);
    assert_eq!(goodbye(SessionEnd::Limit).code, 1008);
    assert_eq!(goodbye(SessionEnd::Replaced).code, 1012);
}

#[test]
fn redis_is_where_the_sessions_are_if_it_is_given() {
    let provider = DevProvider::demo();
    let settings = Gate::builder()
        .base_url(SITE)
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&provider);
    let error = gate(settings, Some("reddis://localhost")).unwrap_err();
    assert!(error.to_string().contains("address of redis"), "{error}");
}
