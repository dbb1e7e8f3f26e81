//! A stronger or a more recent sign-in that is demanded of somebody: who comes back, with what, and what was there stays.

use crate::world::{APP, NAVIGATION, World, world_from, world_in_with, world_with};
use oidc_gate_tower::{
    Gate, GateBuilder, Pattern, Provider, ResponseMode, SameSite, Store, max_age,
    testing::{Browser, Page},
};
use std::time::Duration;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// The world's `/vault` demands `phr`; `/fresh` a sign-in of the last five minutes.
fn demanding(gate: GateBuilder) -> GateBuilder {
    gate.require(Pattern::prefix("/fresh"), max_age(FIVE_MINUTES))
        .open(Pattern::prefix("/go"))
}

/// Each way to keep a session and to come back, of which some keep it from the callback.
const WAYS: [&str; 4] = ["cookies", "stored", "strict", "form_post"];

fn kept(way: &str) -> World {
    let mode = match way {
        "form_post" => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    };
    world_in_with(mode, |gate| match way {
        "stored" => demanding(gate).store(Store::memory()),
        "strict" => demanding(gate).same_site(SameSite::Strict),
        _ => demanding(gate),
    })
}

fn at(path: &str) -> String {
    format!("{APP}{path}")
}

/// The parameters of the way to the provider that are about the level, and whatever could say who is to sign in.
fn asked(page: &Page) -> Vec<&str> {
    let query = page.url.split_once('?').unwrap().1;
    let told = [
        "acr_values=",
        "max_age=",
        "login_hint=",
        "id_token_hint=",
        "prompt=",
    ];
    query
        .split('&')
        .filter(|pair| told.iter().any(|name| pair.starts_with(name)))
        .collect()
}

/// The provider's error, as it comes back to the gate from where the browser is.
async fn fail(w: &mut World, error: &str) -> Page {
    let query = w.browser.page().url.split_once('?').unwrap().1.to_owned();
    let state = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("state="))
        .unwrap();
    let fields = [
        ("error", error),
        ("state", state),
        ("iss", "https://id.test"),
    ];
    if query.contains("response_mode=form_post") {
        w.browser.post_form(&at("/oauth2/callback"), &fields).await
    } else {
        let query = fields.map(|(name, value)| format!("{name}={}", value.replace(':', "%3A")));
        let back = at(&format!("/oauth2/callback?{}", query.join("&")));
        w.browser.follow(&back).await
    }
}

/// The page of a step-up that came to nothing, and the links on it.
fn assert_nothing_changed(w: &World, page: &Page, check: &str, title: &str, other: (&str, &str)) {
    assert_eq!(page.status, 403, "{page:?}");
    assert_eq!(w.log.failed_login().get("check"), check);
    assert!(page.body.contains(&format!("<h1>{title}</h1>")), "{page:?}");
    assert!(
        page.body
            .contains("<a href=\"/\" class=\"primary\">Go to the application</a>"),
        "{page:?}"
    );
    let other = format!("<a href=\"{}\" class=\"other\">{}</a>", other.0, other.1);
    assert!(page.body.contains(&other), "{other}: {page:?}");
    assert!(w.login_cookies().is_empty(), "the login is over");
}

#[tokio::test]
async fn a_step_up_returns_to_its_page_with_the_level_and_a_session_of_its_own() {
    for name in WAYS {
        let mut w = kept(name);
        w.sign_in("alice", "/me").await;
        let old = w.cookie_line();
        w.advance(1000);
        for (path, demanded) in [
            ("/vault?x=1&y=%20", "acr_values=phr"),
            ("/fresh/a?x=2", "max_age=300"),
        ] {
            let before = w.session_cookie().unwrap();
            let page = w.browser.get(&at(path)).await;
            assert_eq!(asked(&page), [demanded], "{name}");
            let page = w.browser.sign_in_as("alice").await;
            assert!(
                page.body.starts_with(&format!("{path} alice ")),
                "{name}: {page:?}"
            );
            assert!(w.session_cookie().unwrap().value != before.value, "{name}");
            if path.starts_with("/vault") {
                assert!(page.body.contains(" acr phr;"), "{name}: {page:?}");
                let page = w.browser.get(&at("/vault")).await;
                assert_eq!((page.history.len(), page.status.as_u16()), (1, 200));
            }
            w.advance(301);
        }
        // Another tab's requests with the old session are answered for a minute after the first of the two.
        assert_eq!(w.fetch("/me", &old).await.status, 401, "{name}");
        assert_eq!(w.log.failed_logins().len(), 0, "{name}");
    }
}

#[tokio::test]
async fn another_tab_works_on_with_the_old_session_for_a_minute() {
    for name in WAYS {
        let mut w = kept(name);
        w.sign_in("alice", "/me").await;
        let old = w.cookie_line();
        w.browser.get(&at("/vault")).await;
        // While the one is at the provider, the other works.
        assert_eq!(w.fetch("/me", &old).await.status, 200, "{name}");
        w.browser.sign_in_as("alice").await;
        for (after, status) in [(0, 200), (59, 200), (2, 401)] {
            w.advance(after);
            assert_eq!(w.fetch("/me", &old).await.status, status, "{name} {after}");
        }
        // It has not become stronger by it either.
        let now = w.cookie_line();
        assert_eq!(w.fetch("/vault", &now).await.status, 200, "{name}");
        assert_eq!(w.fetch("/vault", &old).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_step_up_that_fails_or_is_cancelled_keeps_the_session_to_the_byte() {
    for name in WAYS {
        let mut w = kept(name);
        w.sign_in("alice", "/me").await;
        let session = w.session_cookie();
        for (error, check) in [
            ("access_denied", "callback.access_denied"),
            ("login_required", "callback.login_required"),
            ("interaction_required", "callback.login_required"),
            ("unmet_authentication_requirements", "id_token.acr"),
        ] {
            w.browser.get(&at("/vault?x=1")).await;
            w.log.clear();
            let page = fail(&mut w, error).await;
            let again = ("/vault?x=1", "Try again");
            assert_nothing_changed(&w, &page, check, "Nothing has changed", again);
            assert!(w.session_cookie() == session, "{name} {error}");
            assert_eq!(w.whoami().await, "alice", "{name} {error}");
        }
        // The way on does not lead back to the provider, and the other one demands as before.
        let page = w.browser.get(&at("/")).await;
        assert!(page.body.starts_with("/ alice "), "{page:?}");
        let page = w.browser.get(&at("/vault?x=1")).await;
        assert_eq!(asked(&page), ["acr_values=phr"], "{name}");
    }
}

#[tokio::test]
async fn cancelled_on_the_providers_own_page_it_is_the_same() {
    let mut w = world_with(demanding);
    w.sign_in("alice", "/me").await;
    let session = w.session_cookie();
    w.browser.get(&at("/vault")).await;
    let page = w.browser.submit("Cancel", &[]).await;
    assert_eq!(page.status, 403, "{page:?}");
    assert!(
        page.body.contains("<h1>Nothing has changed</h1>"),
        "{page:?}"
    );
    assert!(w.session_cookie() == session);
}

#[tokio::test]
async fn a_provider_that_does_less_than_it_is_asked_changes_nothing() {
    for name in WAYS {
        let mut w = kept(name);
        w.sign_in("alice", "/me").await;
        w.advance(1000);
        let session = w.session_cookie();
        // A weaker class, none, and a sign-in of before.
        for (path, asked, done, check) in [
            ("/vault", "acr_values=phr", "acr_values=mfa", "id_token.acr"),
            ("/vault", "acr_values=phr", "x=y", "id_token.acr"),
            ("/fresh", "max_age=300", "x=y", "id_token.auth_time"),
        ] {
            let page = w.browser.get(&at(path)).await;
            let weaker = page.url.replace(asked, done);
            assert!(weaker != page.url);
            w.browser.follow(&weaker).await;
            w.log.clear();
            let page = w.browser.submit("Continue as Alice Adams", &[]).await;
            let again = (path, "Try again");
            assert_nothing_changed(&w, &page, check, "Nothing has changed", again);
            assert!(w.session_cookie() == session, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn another_user_who_comes_back_takes_nothing_over() {
    for name in WAYS {
        let mut w = kept(name);
        w.sign_in("alice", "/me").await;
        w.advance(1000);
        let session = w.session_cookie();
        let someone = (
            "/oauth2/start?rd=%2F&amp;prompt=login",
            "Sign in as someone else",
        );
        for path in ["/vault", "/fresh", "/go/strong", "/go/fresh"] {
            w.browser.get(&at(path)).await;
            w.log.clear();
            let page = w.browser.sign_in_as("bob").await;
            let title = "You signed in as someone else";
            assert_nothing_changed(&w, &page, "login.another_user", title, someone);
            for name in ["bob", "Bob", "alice", "Alice"] {
                assert!(!page.body.contains(name), "{page:?}");
            }
            assert!(w.session_cookie() == session, "{name} {path}");
            assert_eq!(w.whoami().await, "alice", "{name} {path}");
        }
        // On purpose, and by the link on that page, it is another matter.
        w.browser
            .get(&at("/oauth2/start?rd=%2F&prompt=login"))
            .await;
        w.browser.sign_in_as("bob").await;
        assert_eq!(w.whoami().await, "bob", "{name}");
    }
}

#[tokio::test]
async fn who_signs_in_without_such_a_demand_is_the_users_to_say() {
    for path in [
        "/oauth2/start?rd=/me",
        "/oauth2/start?rd=/me&prompt=select_account",
        "/go/hint",
    ] {
        let mut w = world_with(demanding);
        w.sign_in("alice", "/me").await;
        w.browser
            .post_form(&at("/go/hint"), &[("email", "x")])
            .await;
        if path != "/go/hint" {
            w.browser.get(&at(path)).await;
        }
        w.browser.sign_in_as("bob").await;
        assert_eq!(w.whoami().await, "bob", "{path}");
    }
}

#[tokio::test]
async fn a_user_who_has_signed_in_meanwhile_is_not_put_out_by_the_step_up_of_another() {
    let mut w = world_with(demanding);
    w.sign_in("alice", "/me").await;
    w.browser.get(&at("/vault")).await;
    let url = w.stop_at_the_callback("alice").await;
    // In another tab.
    w.browser
        .get(&at("/oauth2/start?rd=/me&prompt=login"))
        .await;
    w.browser.sign_in_as("bob").await;
    let session = w.session_cookie();
    w.log.clear();
    let requests = w.wire.sent().len();
    let page = w.browser.follow(&url).await;
    assert_eq!(w.log.failed_login().get("check"), "login.another_user");
    assert_eq!(page.status, 403);
    assert!(w.session_cookie() == session);
    assert_eq!(w.wire.sent().len(), requests, "the code was not redeemed");
    assert_eq!(w.whoami().await, "bob");
}

#[tokio::test]
async fn once_the_session_is_gone_the_same_user_gets_a_new_one_and_another_does_not() {
    for end in ["signed out", "expired"] {
        for (user, status) in [("alice", 200), ("bob", 403)] {
            let mut w = world_with(|gate| {
                let (idle, absolute) = (Duration::from_secs(100), Duration::from_secs(10_000));
                demanding(gate).session_limits(idle, absolute)
            });
            w.sign_in("alice", "/me").await;
            let before = w.cookie_line();
            w.browser.get(&at("/vault")).await;
            match end {
                "expired" => w.advance(101),
                _ => assert_eq!(w.sign_out(&before).await.status, 200),
            }
            assert_eq!(w.fetch("/me", &before).await.status, 401);
            let page = w.browser.sign_in_as(user).await;
            assert_eq!(page.status, status, "{end} {user}: {page:?}");
            let who = if status == 200 { "alice" } else { "nobody" };
            assert_eq!(w.whoami().await, who, "{end} {user}");
            assert_eq!(w.fetch("/me", &before).await.status, 401, "{end} {user}");
        }
    }
}

#[tokio::test]
async fn a_form_that_asks_for_more_is_not_carried_out_and_says_how_to_go_on() {
    let mut w = world_with(demanding);
    w.sign_in("alice", "/me").await;
    w.advance(1000);
    for (path, way) in [
        ("/vault", "/oauth2/start?rd=%2F&amp;acr_values=phr"),
        ("/fresh", "/oauth2/start?rd=%2F&amp;max_age=300"),
    ] {
        let page = w.browser.post_form(&at(path), &[("amount", "1")]).await;
        assert_eq!(page.status, 401);
        assert!(page.body.contains("<h1>Sign in again to go on</h1>"));
        assert!(page.body.contains(&format!("href=\"{way}\"")), "{page:?}");
    }
    w.browser.get(&at("/oauth2/start?rd=%2F&max_age=300")).await;
    w.browser.sign_in_as("alice").await;
    let page = w.browser.post_form(&at("/fresh"), &[("amount", "1")]).await;
    assert_eq!(page.status, 200, "{page:?}");
}

#[tokio::test]
async fn a_script_takes_the_challenge_to_a_link() {
    let mut w = world_with(demanding);
    w.sign_in("alice", "/me").await;
    w.advance(1000);
    let session = w.cookie_line();
    for (path, challenge, way) in [
        ("/vault", r#"acr_values="phr""#, "acr_values=phr"),
        ("/fresh", r#"max_age="300""#, "max_age=300"),
    ] {
        let answer = w.fetch(path, &session).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header("www-authenticate"),
            format!("Session error=\"insufficient_user_authentication\", {challenge}")
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(
            answer.body,
            r#"{"error":"insufficient_user_authentication"}"#
        );
        assert_eq!(answer.set_cookies(), [""; 0]);
        let page = w
            .browser
            .get(&at(&format!("/oauth2/start?rd=/me&{way}")))
            .await;
        assert_eq!(asked(&page), [way]);
        let page = w.browser.sign_in_as("alice").await;
        assert!(page.body.starts_with("/me alice "), "{page:?}");
        assert_eq!(w.fetch(path, &w.cookie_line()).await.status, 200);
    }
}

#[tokio::test]
async fn what_a_link_demands_is_enforced_and_what_is_no_demand_is_left_out() {
    let mut w = world_with(demanding);
    // Nobody is there yet, of whom more could be asked.
    let page = w
        .browser
        .get(&at("/oauth2/start?acr_values=phr&max_age=1"))
        .await;
    assert!(asked(&page).is_empty(), "{page:?}");
    w.sign_in("alice", "/me").await;
    for (query, expected) in [
        ("acr_values=phr%20mfa", &["acr_values=phr+mfa"][..]),
        ("acr_values=%22&max_age=-1", &[]),
        ("acr_values=&max_age=", &[]),
        ("max_age=99999999999999", &[]),
        ("max_age=0", &["max_age=0"]),
    ] {
        let page = w
            .browser
            .get(&at(&format!("/oauth2/start?rd=/me&{query}")))
            .await;
        let asked: Vec<_> = asked(&page)
            .iter()
            .map(|pair| pair.replace("%20", "+"))
            .collect();
        assert_eq!(asked, expected, "{query}");
    }
    let page = w
        .browser
        .get(&at("/oauth2/start?rd=/me&acr_values=phr"))
        .await;
    w.browser
        .get(&page.url.replace("&acr_values=phr", ""))
        .await;
    w.log.clear();
    let page = w.browser.sign_in_as("alice").await;
    assert_eq!(page.status, 403);
    assert_eq!(w.log.failed_login().get("check"), "id_token.acr");
    assert!(
        page.body.contains("<h1>Nothing has changed</h1>"),
        "{page:?}"
    );
}

#[tokio::test]
async fn a_refresh_makes_no_sign_in_more_recent() {
    let ways: [fn(GateBuilder) -> GateBuilder; 2] =
        [|gate| gate, |gate| gate.store(Store::memory())];
    for keep in ways {
        let scopes = ["openid", "offline_access"];
        let mut w = world_from(
            |provider| provider.access_token_life(FIVE_MINUTES),
            |auth| {
                let provider = Provider::unnamed(crate::world::ISSUER, "app", auth);
                Gate::builder().provider(provider.scopes(scopes))
            },
            |gate| keep(demanding(gate)),
        );
        w.sign_in("alice", "/fresh").await;
        for (after, status) in [(0, 200), (300, 200), (1, 401), (300, 401), (301, 401)] {
            w.advance(after);
            let page = w.browser.fetch(&at("/me")).await;
            assert_eq!(page.status, 200);
            let page = w.browser.fetch(&at("/fresh")).await;
            assert_eq!(page.status, status, "{after}");
        }
        let asked = w.wire.count("/token");
        assert!(asked > 2, "refreshed, and not only signed in: {asked}");
    }
}

#[tokio::test]
async fn whoever_is_asked_about_by_a_proxy_is_told_that_it_is_not_enough() {
    let mut w = world_with(demanding);
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    // The endpoint asks whether somebody is signed in, and no rule of a path.
    let headers = [NAVIGATION, &[("cookie", &*cookies)]].concat();
    assert_eq!(w.request("GET", "/oauth2/auth", &headers).await.status, 202);
    // A call of gRPC is told in its own words.
    let headers = [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("cookie", &cookies),
        ("origin", APP),
    ];
    let answer = w.request("POST", "/vault", &headers).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, "16"));
    assert!(
        answer
            .header("www-authenticate")
            .contains("insufficient_user_authentication")
    );
}

#[tokio::test]
async fn a_step_up_in_another_browser_is_none_of_this_one() {
    let mut w = world_with(demanding);
    w.sign_in("alice", "/me").await;
    w.browser.get(&at("/vault")).await;
    let url = w.stop_at_the_callback("alice").await;
    let mut other: Browser = w.another_browser();
    let page = other.get(&url).await;
    // A login of its own begins there.
    assert_eq!(page.history[0].1, 303, "{page:?}");
    assert!(
        page.url.starts_with("https://id.test/authorize?"),
        "{page:?}"
    );
    let session = w.session_cookie().unwrap().name;
    assert!(
        other
            .cookies(APP)
            .iter()
            .all(|cookie| cookie.name != session)
    );
    let page = w.browser.get(&url).await;
    assert!(page.body.contains(" acr phr;"), "{page:?}");
}
