//! The pages that people see, and in what form a refusal comes to whom.

use crate::world::{APP, NAVIGATION, world, world_with};
use oidc_gate_tower::{
    Pattern,
    pages::{Branding, SignInPage},
};

const SCRIPT: &[(&str, &str)] = &[
    ("accept", "application/json"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-origin"),
];

#[tokio::test]
async fn the_sign_in_page_leads_where_it_is_asked_to_lead() {
    let w = world();
    for (query, start) in [
        ("", "/oauth2/start?rd=%2F"),
        ("?rd=/me%3Ftab=2", "/oauth2/start?rd=%2Fme%3Ftab%3D2"),
        ("?rd=https://evil.example/", "/oauth2/start?rd=%2F"),
        ("?rd=//evil.example", "/oauth2/start?rd=%2F"),
        ("?rd=\"><script>alert(1)</script>", "/oauth2/start?rd=%2F"),
    ] {
        let path = format!(
            "/oauth2/sign_in{}",
            query
                .replace('"', "%22")
                .replace('<', "%3C")
                .replace('>', "%3E")
        );
        let answer = w.navigate(&path).await;
        assert_eq!(answer.status, 200, "{query}");
        assert!(
            answer.body.contains(&format!(
                "<a href=\"{start}\" class=\"primary\">Sign in</a>"
            )),
            "{query} {}",
            answer.body
        );
        assert!(answer.set_cookies().is_empty(), "{query}");
        for foreign in ["evil", "alert"] {
            assert!(!answer.body.contains(foreign), "{}", answer.body);
        }
    }
    assert_eq!(
        w.request("POST", "/oauth2/sign_in", NAVIGATION)
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn whoever_opens_the_sign_in_page_stays_signed_in() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let before = w.session_cookie();
    let page = w.browser.get(&format!("{APP}/oauth2/sign_in?rd=/me")).await;
    assert_eq!(page.status, 200);
    assert_eq!(w.session_cookie(), before);
    assert_eq!(w.whoami().await, "alice");
}

#[tokio::test]
async fn where_the_sign_in_page_is_shown_nothing_begins_before_its_button_is_used() {
    let mut w = world_with(|gate| gate.sign_in_page(SignInPage::Show));
    let answer = w.navigate("/me?tab=2").await;
    assert_eq!(
        (
            answer.status,
            answer.header("www-authenticate"),
            answer.header("location"),
            answer.header("cache-control"),
        ),
        (401, "Session", "", "no-store")
    );
    assert!(answer.set_cookies().is_empty());
    assert!(answer.body.contains("<h1>Sign in</h1>"), "{}", answer.body);
    // It is no refusal, and leaves no reference to look for.
    assert!(!answer.body.contains("<code>"), "{}", answer.body);

    let page = w.browser.get(&format!("{APP}/me?tab=2")).await;
    assert_eq!(
        (page.status.as_u16(), page.url.as_str()),
        (401, "https://app.test/me?tab=2")
    );
    let start = "/oauth2/start?rd=%2Fme%3Ftab%3D2";
    assert!(
        page.body.contains(&format!("href=\"{start}\"")),
        "{}",
        page.body
    );
    w.browser.get(&format!("{APP}{start}")).await;
    let page = w.browser.sign_in_as("alice").await;
    assert_eq!(
        (page.status.as_u16(), page.url.as_str()),
        (200, "https://app.test/me?tab=2")
    );
}

#[tokio::test]
async fn the_sign_in_page_takes_the_place_of_a_first_login_only() {
    let mut shown = world_with(|gate| gate.sign_in_page(SignInPage::Show));
    let skipped = world();
    let (one, other) = (
        shown.request("GET", "/me", SCRIPT).await,
        skipped.request("GET", "/me", SCRIPT).await,
    );
    assert_eq!((one.status, &one.body), (401, &other.body));
    assert_eq!(one.header("content-type"), "application/json");
    // Who is signed in already is asked for a stronger sign-in, and not for any.
    shown
        .browser
        .get(&format!("{APP}/oauth2/start?rd=/me"))
        .await;
    shown.browser.sign_in_as("alice").await;
    let cookies = shown.cookie_line();
    let headers = [NAVIGATION, &[("cookie", &*cookies)]].concat();
    let answer = shown.request("GET", "/vault", &headers).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").contains("acr_values=phr"));
}

#[tokio::test]
async fn a_refusal_has_the_form_that_whoever_asks_can_use() {
    let mut w = world_with(|gate| gate.json(Pattern::prefix("/admin/api")));
    w.sign_in("bob", "/me").await;
    let cookies = w.cookie_line();
    for (path, headers, kind) in [
        ("/admin", NAVIGATION, "text/html; charset=utf-8"),
        ("/admin", SCRIPT, "application/json"),
        ("/admin/api", NAVIGATION, "application/json"),
        ("/admin/api", SCRIPT, "application/json"),
    ] {
        let headers = [headers, &[("cookie", &*cookies)]].concat();
        let answer = w.request("GET", path, &headers).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (403, kind),
            "{path}"
        );
        let refused = answer.body.contains("\"error\":\"forbidden\"");
        assert_eq!(refused, kind == "application/json", "{}", answer.body);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let answer = w.navigate("/admin/api").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (401, r#"{"error":"unauthenticated"}"#)
    );
}

#[tokio::test]
async fn every_page_of_a_login_bears_the_brand() {
    let mut w = world_with(|gate| gate.pages(Branding::new("Acme Shop").link("Help", "/help")));
    w.sign_in("bob", "/me").await;
    let cookies = w.cookie_line();
    for (path, title, status) in [
        ("/oauth2/sign_in", "Sign in", 200),
        ("/oauth2/sign_out", "Sign out?", 200),
        ("/admin", "You cannot open this page", 403),
        (
            "/oauth2/callback?state=x&code=y",
            "This sign-in is over",
            400,
        ),
        ("/oauth2/nothing", "There is no such page", 404),
    ] {
        // A login that is over leads whoever is signed in on.
        let cookies = if status == 400 { "" } else { &*cookies };
        let headers = [NAVIGATION, &[("cookie", cookies)]].concat();
        let answer = w.request("GET", path, &headers).await;
        assert_eq!(answer.status, status, "{path}");
        for part in [
            &*format!("<title>{title} · Acme Shop</title>"),
            "<p class=\"brand\">Acme Shop</p>",
            "<a href=\"/help\">Help</a>",
        ] {
            assert!(answer.body.contains(part), "{path} {part} {}", answer.body);
        }
    }
    let page = w.navigate("/oauth2/sign_out").await.body;
    assert!(
        page.contains("<title>You are signed out · Acme Shop</title>"),
        "{page}"
    );
}
