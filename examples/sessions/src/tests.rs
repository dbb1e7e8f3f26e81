//! What a user sees of it, with the embedded provider instead of one's own.

use super::*;
use oidc_gate_axum::{
    CookieKeys,
    dev::DevProvider,
    testing::{Browser, Page},
};

const SITE: &str = "http://localhost:3000";

fn gate_at(provider: &DevProvider, store: &str) -> Gate {
    let gate = Gate::builder()
        .base_url(SITE)
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(provider);
    place::kept_in(gate, store).build().unwrap()
}

async fn signed_in(store: &str) -> (Browser, watch::Sender<()>) {
    let (stop, stopping) = watch::channel(());
    let provider = DevProvider::demo();
    let gate = gate_at(&provider, store);
    let mut browser = Browser::new()
        .site(SITE, gate.protect(app(stopping)))
        .site(&provider.issuer().to_owned(), provider);
    browser.get(SITE).await;
    browser.sign_in_as("alice").await;
    (browser, stop)
}

fn json(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap()
}

#[tokio::test]
async fn a_handler_has_the_users_token_wherever_sessions_are_kept() {
    for store in ["memory", "cookies"] {
        let (mut browser, _stop) = signed_in(store).await;
        let who = json(&browser.get(SITE).await);
        assert_eq!(who["sub"], "alice", "{store}: {who}");
        let one = json(&browser.get(&format!("{SITE}/token")).await);
        assert_eq!(one["sub"], "alice", "{store}: {one}");
        assert_eq!(
            one["token"].as_str().map(str::len),
            Some(43),
            "{store}: {one}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_told_of_at_the_start() {
    let provider = DevProvider::demo();
    for store in [
        "redis",
        "cookies+memcached://localhost",
        "reddis://localhost",
    ] {
        let gate = Gate::builder()
            .base_url(SITE)
            .cookie_keys(CookieKeys::ephemeral())
            .dev_provider(&provider);
        let error = place::kept_in(gate, store).build().unwrap_err();
        assert!(
            error.to_string().contains("address of redis"),
            "{store}: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_feed_has_tokens_after_its_answer_has_begun_and_ends_with_the_program() {
    let (mut browser, stop) = signed_in("memory").await;
    let stopping = async move {
        time::sleep(Duration::from_millis(2500)).await;
        drop(stop);
    };
    let (page, ()) = tokio::join!(browser.get("http://localhost:3000/feed"), stopping);
    let events: Vec<_> = (page.body.lines())
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event.len() == 43), "{events:?}");
}
