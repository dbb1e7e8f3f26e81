//! What a session's life is bounded by, and how it ends.

use crate::world::{APP, ISSUER, START, World, world, world_of, world_with};
use oidc_gate_tower::{CookieLifetime, Pattern, SignOut, core::time::UnixTime, testing::user};
use std::time::Duration;

/// Idle after 1000 seconds, over after 3000.
fn short_lived() -> World {
    world_with(|gate| gate.session_limits(Duration::from_secs(1000), Duration::from_secs(3000)))
}

/// The `name=value` that a `Set-Cookie` line sets.
fn pair(line: &str) -> String {
    line.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_is_written_down_as_used_at_a_tenth_of_its_idle_limit() {
    let mut w = short_lived();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(99);
    assert_eq!(w.script(&cookies).await.set_cookies(), [""; 0]);
    w.advance(1);
    let answer = w.script(&cookies).await;
    let [touched] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(touched.ends_with("; Path=/; Max-Age=2900; HttpOnly; SameSite=Lax; Secure"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_ne!(pair(touched), cookies);
    // The use that was written down is what the idle limit counts from.
    w.advance(950);
    assert_eq!(w.script(&pair(touched)).await.status, 200);
    assert_eq!(w.script(&cookies).await.status, 401);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends_at_its_idle_limit() {
    let mut w = short_lived();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(999);
    assert_eq!(w.script(&cookies).await.status, 200);
    w.advance(1);
    w.log.clear();
    let answer = w.script(&cookies).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (401, 0));
    assert_eq!(w.log.checks(), ["session.idle"]);
    // What a page asks by itself may be answered after a login in another tab. A navigation removes the cookie.
    let headers = [crate::world::NAVIGATION, &[("cookie", &*cookies)]].concat();
    let answer = w.request("GET", "/me", &headers).await;
    let name = w.session_cookie().unwrap().name;
    let removal = |name| format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    let (session, tokens) = (removal(name.clone()), removal(format!("{name}-t")));
    assert!(answer.set_cookies().contains(&&*session));
    assert!(answer.set_cookies().contains(&&*tokens));
}

#[tokio::test]
async fn a_session_that_is_used_all_the_time_ends_at_its_absolute_limit() {
    let mut w = short_lived();
    w.sign_in("alice", "/me").await;
    let mut cookies = w.cookie_line();
    for _ in 0..5 {
        w.advance(500);
        let answer = w.script(&cookies).await;
        cookies = pair(answer.set_cookies()[0]);
    }
    w.advance(499);
    assert_eq!(w.script(&cookies).await.status, 200);
    w.advance(1);
    w.log.clear();
    assert_eq!(w.script(&cookies).await.status, 401);
    assert_eq!(w.log.checks(), ["session.expired"]);
}

#[tokio::test]
async fn signing_out_asks_first_and_ends_the_session_for_good() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let copy = w.cookie_line();
    let page = w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("You are signed in as <strong>Alice Adams</strong>")
    );
    assert_eq!(
        w.whoami().await,
        "alice",
        "to look at the question ends nothing"
    );

    let page = w.browser.submit("Sign out", &[]).await;
    assert!(page.body.contains("You are signed out"), "{page:?}");
    assert_eq!(page.history[0].1, 200);
    assert_eq!(w.cookies(), []);
    assert_eq!(w.whoami().await, "nobody");

    w.log.clear();
    let answer = w.script(&copy).await;
    assert_eq!(answer.status, 401);
    assert_eq!(w.log.checks(), ["session.ended"]);
    // Nor later, for as long as it could have lived.
    w.advance(23 * 3600);
    assert_eq!(w.script(&copy).await.status, 401);
}

#[tokio::test]
async fn signing_out_leads_to_a_page_of_the_application_only() {
    for (rd, location) in [
        ("/goodbye?x=1", "/goodbye?x=1"),
        ("https://evil.test/", "/oauth2/signed_out"),
        ("//evil.test", "/oauth2/signed_out"),
    ] {
        let mut w = world_with(|gate| gate.sign_out(SignOut::Here));
        w.sign_in("alice", "/me").await;
        w.browser.get(&format!("{APP}/")).await;
        let page = w.browser.post_form("/oauth2/sign_out", &[("rd", rd)]).await;
        assert!(
            page.history[1].0 == format!("{APP}{location}"),
            "{rd}: {page:?}"
        );
    }
}

#[tokio::test]
async fn another_site_cannot_sign_a_user_out() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.log.clear();
    // A browser sends no cookie with such a form, and the gate would not need it to refuse.
    w.browser.get(ISSUER).await;
    let page = w
        .browser
        .post_form(&format!("{APP}/oauth2/sign_out"), &[])
        .await;
    assert_eq!(page.status, 403);
    assert_eq!(w.log.checks(), ["request.cross_site"]);
    for proof in [
        &[("sec-fetch-site", "cross-site"), ("origin", APP)][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("referer", "https://app.test.evil.test/")],
        &[],
    ] {
        let headers = [proof, &[("cookie", &*cookies)]].concat();
        let answer = w.request("POST", "/oauth2/sign_out", &headers).await;
        assert_eq!(answer.status, 403, "{proof:?}");
        assert_eq!(answer.set_cookies(), [""; 0], "{proof:?}");
    }
    assert_eq!(w.script(&cookies).await.status, 200);
    for proof in [("sec-fetch-site", "same-origin"), ("origin", APP)] {
        let headers = [proof, ("cookie", &*cookies)];
        let answer = w.request("POST", "/oauth2/sign_out", &headers).await;
        assert_eq!(answer.status, 200, "{proof:?}");
    }
    assert_eq!(w.script(&cookies).await.status, 401);
}

#[tokio::test]
async fn userinfo_tells_a_script_who_is_signed_in() {
    let mut w = world();
    let page = w.browser.fetch(&format!("{APP}/oauth2/userinfo")).await;
    assert_eq!(page.status, 401);
    assert_eq!(page.json()["error"], "unauthenticated");
    w.sign_in("bob", "/me").await;
    let page = w.browser.fetch(&format!("{APP}/oauth2/userinfo")).await;
    assert_eq!(
        page.json(),
        serde_json::json!({
            "user": "bob", "groups": ["staff"], "email": "bob@example.com", "preferredUsername": "bob"
        })
    );
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_session_of_another_key_is_nobodys() {
    let mut one = world();
    one.sign_in("alice", "/me").await;
    let two = world_with(|gate| gate.cookie_keys(oidc_gate_tower::CookieKeys::ephemeral()));
    let answer = two.script(&one.cookie_line()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(two.log.checks(), ["session.unreadable"]);
}

#[tokio::test]
async fn a_session_ends_when_the_provider_says_so() {
    let until = |secs| {
        world_of(
            |provider| {
                let zoe = user("zoe").claim("session_expiry", START + secs).build();
                provider.user(zoe)
            },
            |gate| gate.session_limits(Duration::from_secs(1000), Duration::from_secs(3000)),
        )
    };
    let mut w = until(500);
    w.sign_in("zoe", "/me").await;
    let cookies = w.cookie_line();
    w.advance(499);
    let answer = w.script(&cookies).await;
    assert_eq!(answer.status, 200);
    let [touched] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(touched.contains("; Max-Age=1;"), "{touched}");
    w.advance(1);
    w.log.clear();
    assert_eq!(w.script(&pair(touched)).await.status, 401);
    assert!(w.log.checks().contains(&"session.expired".to_owned()));
    // One that is over already is none.
    let mut w = until(0);
    w.sign_in("zoe", "/me").await;
    assert_eq!(w.log.failed_login().get("check"), "id_token.session_expiry");
    assert!(w.session_cookie().is_none());
    // And none that lives longer than this application says.
    let mut w = until(5000);
    w.sign_in("zoe", "/me").await;
    assert_eq!(
        w.session_cookie().unwrap().expires,
        Some(UnixTime::from_secs(START + 3000))
    );
}

#[tokio::test]
async fn a_page_that_is_left_open_keeps_nobody_signed_in() {
    let mut w = world_with(|gate| {
        gate.session_limits(Duration::from_secs(1000), Duration::from_secs(3000))
            .polling(Pattern::get("/news"))
    });
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let cookie = ("cookie", &*cookies);
    for _ in 0..9 {
        w.advance(100);
        for path in ["/news", "/oauth2/userinfo?extend=false"] {
            let answer = w.request("GET", path, &[cookie]).await;
            assert_eq!(
                (answer.status, answer.set_cookies()),
                (200, vec![]),
                "{path}"
            );
        }
    }
    // Anything else does.
    for path in ["/me", "/oauth2/userinfo"] {
        let answer = w.request("GET", path, &[cookie]).await;
        assert_eq!(answer.set_cookies().len(), 1, "{path}");
    }
    w.advance(100);
    assert_eq!(w.request("GET", "/news", &[cookie]).await.status, 401);
    let table = w.gate.rules().to_string();
    assert!(table.contains("\npolling   GET /news "), "{table}");
}

#[tokio::test]
async fn a_session_that_ends_with_the_browser_says_no_age_and_has_its_limits() {
    let mut w = world_with(|gate| {
        gate.session_limits(Duration::from_secs(1000), Duration::from_secs(3000))
            .cookie_lifetime(CookieLifetime::BrowserSession)
    });
    w.sign_in("alice", "/me").await;
    let session = w.session_cookie().unwrap();
    assert_eq!(session.expires, None);
    assert!(w.landed_cookie().unwrap().expires.is_some());
    let cookies = format!("{}={}", session.name, session.value);
    w.advance(100);
    let answer = w.script(&cookies).await;
    let [touched] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(
        touched.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{touched}"
    );
    w.advance(900);
    let headers = [crate::world::NAVIGATION, &[("cookie", &*cookies)]].concat();
    let answer = w.request("GET", "/me", &headers).await;
    let removed = format!("{}=; Path=/; Max-Age=0;", session.name);
    let of_session = |line: &&str| line.starts_with(&removed);
    assert!(answer.set_cookies().iter().any(of_session));
}
