//! Sessions that are kept from other sites.

use crate::world::{APP, ISSUER, World, world_in_with, world_with};
use oidc_gate_tower::{
    ResponseMode, SameSite,
    testing::{self, Page},
};

fn strict(mode: ResponseMode) -> World {
    world_in_with(mode, |gate| gate.same_site(SameSite::Strict))
}

const MODES: [ResponseMode; 2] = [ResponseMode::Query, ResponseMode::FormPost];

fn statuses(page: &Page) -> Vec<u16> {
    page.history.iter().map(|(_, s)| s.as_u16()).collect()
}

/// What a page of the gate that leads on has, whatever the browser can do.
fn assert_leads(answer: &crate::world::Answer, place: &str) {
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("location", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src "),
        "{policy}"
    );
    assert!(!answer.body.contains("<script"));
    for way in [
        format!("<meta http-equiv=\"refresh\" content=\"0;url={place}\">"),
        format!("href=\"{place}\""),
    ] {
        assert!(answer.body.contains(&way), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_login_ends_on_the_page_that_was_asked_for_without_a_circle() {
    for mode in MODES {
        let mut w = strict(mode);
        let page = w.sign_in("alice", "/me?a=1&b=%3Ci%3E").await;
        assert!(
            page.body.starts_with("/me?a=1&b=%3Ci%3E alice "),
            "{page:?}"
        );
        let session = w.session_cookie().unwrap();
        assert_eq!(session.same_site, testing::SameSite::Strict);
        assert_eq!((w.sign_in_count(), w.log.failed_logins().len()), (1, 0));
    }
}

#[tokio::test]
async fn the_answer_to_the_callback_is_a_page_that_leads_on() {
    let mut w = strict(ResponseMode::Query);
    let url = w.callback("alice", "/me?a=1&b=2").await;
    let answer = w.deliver(&url).await;
    assert_leads(&answer, "/me?a=1&amp;b=2");
    let session = answer.set_cookies()[0];
    assert!(
        session.ends_with("; HttpOnly; SameSite=Strict; Secure"),
        "{session}"
    );
    assert!(!answer.body.contains("code="));
}

#[tokio::test]
async fn a_link_on_another_site_arrives_signed_in_after_one_page_of_ours() {
    for mode in MODES {
        let mut w = strict(mode);
        w.sign_in("alice", "/me").await;
        w.browser.get(ISSUER).await;
        let page = w.browser.follow(&format!("{APP}/me?x=1")).await;
        assert!(page.body.starts_with("/me?x=1 alice "), "{page:?}");
        assert_eq!(statuses(&page), [200, 200]);

        // Whoever is not signed in is sent to the login after the same page, once.
        w.browser.clear_cookies();
        w.browser.get(ISSUER).await;
        let page = w.browser.follow(&format!("{APP}/me?x=1")).await;
        assert!(
            page.url.starts_with("https://id.test/authorize?"),
            "{page:?}"
        );
        assert_eq!(statuses(&page), [200, 303, 200]);
    }
}

#[tokio::test]
async fn where_sessions_are_not_kept_from_other_sites_there_is_no_such_page() {
    let mut w = world_with(|gate| gate.same_site(SameSite::Lax));
    w.sign_in("alice", "/me").await;
    w.browser.get(ISSUER).await;
    let page = w.browser.follow(&format!("{APP}/me")).await;
    assert_eq!(statuses(&page), [200], "{page:?}");
}

#[tokio::test]
async fn a_page_that_leads_on_sets_and_removes_no_cookie() {
    let w = strict(ResponseMode::Query);
    let answer = w
        .request(
            "GET",
            "/me?x=1",
            &[
                ("accept", "text/html"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
                ("sec-fetch-site", "cross-site"),
            ],
        )
        .await;
    assert_leads(&answer, "/me?x=1");
    assert_eq!(answer.set_cookies(), [""; 0]);
}

#[tokio::test]
async fn a_callback_that_comes_again_leads_to_the_application() {
    let mut w = strict(ResponseMode::Query);
    let url = w.callback("alice", "/me").await;
    w.browser.get(&url).await;
    let session = w.session_cookie();
    // The back button: from the provider's site, so the session does not come along at first.
    w.browser.get(ISSUER).await;
    let page = w.browser.follow(&url).await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    assert_eq!(statuses(&page), [200, 303, 200]);
    assert_eq!((w.wire.count("/token"), w.session_cookie()), (1, session));
    assert_eq!(w.log.failed_logins().len(), 0);
}

#[tokio::test]
async fn another_user_ends_the_session_before_though_the_callback_does_not_see_it() {
    for (mode, same_site) in [
        (ResponseMode::FormPost, SameSite::Lax),
        (ResponseMode::FormPost, SameSite::Strict),
        (ResponseMode::Query, SameSite::Strict),
    ] {
        let mut w = world_in_with(mode, |gate| gate.same_site(same_site));
        let again = format!("{APP}/oauth2/start?rd=%2Fme&prompt=login");
        w.sign_in("alice", "/me").await;
        let first = w.cookie_line();
        w.browser.get(&again).await;
        w.browser.sign_in_as("alice").await;
        // Another tab's request that was under way still counts.
        assert_eq!(w.script(&first).await.status, 200, "{mode:?} {same_site:?}");
        let second = w.cookie_line();
        w.browser.get(&again).await;
        w.browser.sign_in_as("bob").await;
        assert_eq!(w.whoami().await, "bob");
        w.log.clear();
        assert_eq!(
            w.script(&second).await.status,
            401,
            "{mode:?} {same_site:?}"
        );
        assert_eq!(w.log.checks(), ["session.ended"]);
    }
}
