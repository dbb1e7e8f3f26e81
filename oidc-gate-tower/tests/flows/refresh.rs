//! Sessions whose tokens end while they are used: refreshed once, for all, and never lost by it.

use crate::world::{APP, Answer, World, world_from};
use bytes::Bytes;
use http_body_util::Full;
use oidc_gate_tower::{
    CookieKeys, Gate, GateBuilder, GateLayer, KeepTokens, Provider, SessionsError, Store,
    core::grant::{RefreshPolicy, Rotation},
    dev::{Endpoint, Fault, Mishap},
};
use std::{future::Future, time::Duration};
use tokio::task::JoinSet;
use tower::{Layer as _, ServiceExt as _};

/// Access tokens live for five minutes, and a refresh token is good once: whoever shows it again ends all that came of the
/// login.
pub(crate) fn strict(
    configure: impl FnOnce(Provider) -> Provider,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let once = RefreshPolicy {
        rotation: Rotation::Always,
        grace: Duration::ZERO,
    };
    let scopes = ["openid", "profile", "email", "offline_access"];
    world_from(
        |provider| {
            provider
                .refresh_tokens(once)
                .access_token_life(Duration::from_secs(300))
        },
        |auth| {
            let provider = Provider::unnamed(crate::world::ISSUER, "app", auth).scopes(scopes);
            Gate::builder().provider(configure(provider))
        },
        build,
    )
}

pub(crate) fn in_cookies() -> World {
    strict(|provider| provider, |gate| gate)
}

pub(crate) fn stored() -> World {
    strict(|provider| provider, |gate| gate.store(Store::memory()))
}

/// So many requests with the same cookies at the same time.
async fn at_once(w: &World, cookies: &str, path: &'static str, many: usize) -> Vec<Answer> {
    let mut all = JoinSet::new();
    for _ in 0..many {
        let (gate, cookies) = (w.gate.clone(), cookies.to_owned());
        all.spawn(async move { crate::world::fetch(&gate, path, &cookies).await });
    }
    all.join_all().await
}

/// A cookie header with what an answer sets in the place of what was there.
fn after(cookies: &str, answer: &Answer) -> String {
    let mut pairs: Vec<(String, String)> = (cookies.split("; "))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for line in answer.set_cookies() {
        let (name, rest) = line.split_once('=').unwrap();
        let (value, _) = rest.split_once(';').unwrap();
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ")
}

/// How often a refresh token was shown.
fn redemptions(w: &World) -> usize {
    let sent = w.wire.sent();
    sent.iter()
        .filter(|sent| sent.body.contains("grant_type=refresh_token"))
        .count()
}

#[tokio::test]
async fn of_many_requests_at_the_end_of_a_token_one_refreshes_it_and_all_are_served() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        w.advance(295);
        let answers = at_once(&w, &cookies, "/me", 50).await;
        assert_eq!(redemptions(&w), 1);
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.body.starts_with("/me alice "), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_request_with_the_old_cookie_is_served_what_another_has_got() {
    let mut w = in_cookies();
    w.sign_in("alice", "/me").await;
    let old = w.cookie_line();
    w.advance(295);
    let first = w.script(&old).await;
    assert_eq!((first.status, first.set_cookies().len()), (200, 2));
    // Its answer is lost on the way, and the browser comes again as before, now and much later.
    for secs in [0, 30, 200] {
        w.advance(secs);
        let again = w.script(&old).await;
        assert_eq!((again.status, again.set_cookies().len()), (200, 2));
    }
    assert_eq!(redemptions(&w), 1);
    let new = after(&old, &w.script(&old).await);
    w.advance(280);
    let next = w.script(&new).await;
    assert_eq!((next.status, redemptions(&w)), (200, 2));
}

#[tokio::test]
async fn an_old_cookie_after_the_grace_is_still_the_user_and_redeems_nothing() {
    let mut w = in_cookies();
    w.sign_in("alice", "/me").await;
    let old = w.cookie_line();
    w.advance(295);
    let new = after(&old, &w.script(&old).await);
    // The browser has the new one, and a minute later the gate lets go of what it has kept for late ones.
    for _ in 0..2 {
        assert_eq!(w.script(&new).await.status, 200);
        w.gate.drain(Duration::from_secs(5)).await.unwrap();
        w.advance(70);
    }
    let late = w.script(&old).await;
    assert_eq!((late.status, redemptions(&w)), (200, 1));
    let token = w.fetch("/access-token", &old).await;
    assert_eq!(
        token.body,
        "the access token has ended, and the user has to sign in again"
    );
    assert!(
        w.fetch("/access-token", &new)
            .await
            .body
            .starts_with("token ")
    );
}

#[tokio::test]
async fn an_outage_of_the_provider_ends_nothing() {
    for mishap in [Mishap::ServerError, Mishap::Redirected] {
        for make in [in_cookies, stored] {
            let mut w = make();
            w.sign_in("alice", "/me").await;
            let cookies = w.cookie_line();
            w.advance(400);
            w.fault(Fault::At(Endpoint::Token, mishap));
            w.log.clear();
            let answer = w.script(&cookies).await;
            assert_eq!((answer.status, answer.set_cookies().len()), (200, 0));
            // Not every request asks again.
            let asked = redemptions(&w);
            for _ in 0..10 {
                assert_eq!(w.script(&cookies).await.status, 200);
            }
            assert_eq!(redemptions(&w), asked);
            let token = w.fetch("/access-token", &cookies).await;
            assert!(
                token.body.contains("a new one cannot be had just now"),
                "{}",
                token.body
            );
        }
    }
}

#[tokio::test]
async fn when_the_provider_is_back_the_session_goes_on() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        w.advance(400);
        w.fault(Fault::TooManyRequests);
        assert_eq!(w.script(&cookies).await.status, 200);
        w.provider.clear_faults();
        // The provider has said when to ask again.
        w.advance(29);
        assert_eq!((w.script(&cookies).await.status, redemptions(&w)), (200, 1));
        w.advance(1);
        assert_eq!((w.script(&cookies).await.status, redemptions(&w)), (200, 2));
        assert!(
            w.fetch("/access-token", &cookies)
                .await
                .body
                .starts_with("token ")
        );
    }
}

#[tokio::test]
async fn what_the_provider_refuses_at_the_first_redemption_ends_a_stored_session() {
    let mut w = stored();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(295);
    w.fault(Fault::RefreshRefused);
    w.log.clear();
    let answer = w.script(&cookies).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        w.log.checks(),
        ["grant.ended", "refresh.refused", "refresh.refused"]
    );
    let removed = |line: &&str| line.contains("Max-Age=0");
    assert!(answer.set_cookies().iter().all(removed));
    w.provider.clear_faults();
    // A copy of the cookie does not bring it back.
    w.log.clear();
    assert_eq!(w.script(&cookies).await.status, 401);
    assert_eq!(w.log.checks(), ["session.ended"]);
}

#[tokio::test]
async fn where_another_process_may_have_redeemed_the_token_a_refusal_ends_nothing() {
    let mut w = in_cookies();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(295);
    w.fault(Fault::RefreshRefused);
    w.log.clear();
    assert_eq!(w.script(&cookies).await.status, 200);
    assert_eq!(w.log.checks(), ["grant.ended", "refresh.refused"]);
    w.provider.clear_faults();
    // Nobody shows the token again, and whoever needs one has to sign in.
    w.advance(100);
    assert_eq!(w.script(&cookies).await.status, 200);
    assert_eq!(redemptions(&w), 1);
    let token = w.fetch("/access-token", &cookies).await;
    assert_eq!(
        token.body,
        "the access token has ended, and the user has to sign in again"
    );
}

#[tokio::test]
async fn new_tokens_without_room_leave_the_session_as_it_is() {
    let mut w = in_cookies();
    w.sign_in("alice", "/me").await;
    let old = w.cookie_line();
    w.advance(295);
    swell(&w, 9000);
    let answer = w.script(&old).await;
    assert_eq!(answer.status, 200);
    let new = after(&old, &answer);
    assert!(!new.contains("-t="), "{new}");
    w.advance(300);
    assert_eq!((w.script(&new).await.status, redemptions(&w)), (200, 1));
}

#[tokio::test]
async fn a_key_that_is_retired_keeps_nobody_from_signing_in() {
    let mut w = stored();
    w.sign_in("alice", "/me").await;
    let old = w.cookie_line();
    let other = "b3RoZXIga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhIT8=";
    w.gate
        .change_cookie_keys(|keys| {
            let added = keys.with_added(&CookieKeys::parse(other)?)?;
            let new = added.ids().last().unwrap();
            added.promoted(new)
        })
        .unwrap();
    let before = w.gate.cookie_keys().unwrap().ids().last().unwrap();
    w.gate
        .change_cookie_keys(|keys| keys.without(before))
        .unwrap();
    assert_eq!(w.script(&old).await.status, 401);
    w.browser = w.another_browser();
    assert_eq!(w.sign_in("alice", "/me").await.status.as_u16(), 200);
    let listed = w.gate.sessions_of(crate::world::ISSUER, "alice").await;
    assert_eq!(listed.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_store_keeps_is_sealed_anew_on_use_and_outlives_the_old_key() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let mut cookies = w.cookie_line();
        w.advance(295);
        // So that there is something in the store where sessions are cookies, too.
        cookies = after(&cookies, &w.script(&cookies).await);
        let other = "b3RoZXIga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhIT8=";
        w.gate
            .change_cookie_keys(|keys| {
                let added = keys.with_added(&CookieKeys::parse(other)?)?;
                let new = added.ids().last().unwrap();
                added.promoted(new)
            })
            .unwrap();
        cookies = after(&cookies, &w.script(&cookies).await);
        w.gate.drain(Duration::from_secs(5)).await.unwrap();
        let old = w.gate.cookie_keys().unwrap().ids().last().unwrap();
        w.gate.change_cookie_keys(|keys| keys.without(old)).unwrap();
        assert_eq!(w.script(&cookies).await.status, 200);
        let token = w.fetch("/access-token", &cookies).await;
        assert!(token.body.starts_with("token "), "{}", token.body);
    }
}

#[tokio::test]
async fn another_user_in_a_refreshed_token_ends_the_session_and_is_never_seen() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        w.advance(295);
        w.fault(Fault::RefreshedSubject);
        let answer = w.script(&cookies).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.body.contains("/me"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_the_provider_says_of_the_user_at_a_refresh_counts_from_then_on() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let before = w.script(&cookies).await.body;
        assert!(before.contains(" in admins"), "{before}");
        let alice = oidc_gate_tower::Identity::builder("", "alice")
            .name("Alice")
            .group("guests");
        w.provider.change_user(alice.build());
        w.advance(295);
        let now = w.script(&cookies).await.body;
        assert!(now.contains(" in guests"), "{now}");
    }
}

#[tokio::test]
async fn a_handler_gets_a_token_that_is_good_and_what_it_was_refreshed_to_leaves_with_the_answer() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let mut cookies = w.cookie_line();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            let answer = w.fetch("/access-token", &cookies).await;
            let token = answer.body.strip_prefix("token ").unwrap().to_owned();
            assert!(!tokens.contains(&token), "it is another one");
            tokens.push(token);
            cookies = after(&cookies, &answer);
            w.advance(299);
        }
        assert_eq!(redemptions(&w), 2);
    }
}

#[tokio::test]
async fn after_the_answer_has_gone_a_session_in_cookies_is_too_late_and_a_stored_one_is_not() {
    for (mut w, expected) in [
        (in_cookies(), "keep sessions in a store"),
        (stored(), "token "),
    ] {
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let user = w.principal(&cookies).await;
        w.advance(301);
        let answer = match user.access_token().await {
            Ok(token) => format!("token {}", token.expose()),
            Err(error) => error.to_string(),
        };
        assert!(answer.contains(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_handler_that_outlives_what_others_have_refreshed_gets_a_token_that_is_good() {
    let mut w = stored();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let user = w.principal(&cookies).await;
    w.advance(301);
    let meanwhile = w.fetch("/access-token", &cookies).await.body;
    w.advance(301);
    // The next generation is there, and is over too.
    let token = user.access_token().await.unwrap();
    assert_ne!(format!("token {}", token.expose()), meanwhile);
    assert_eq!(redemptions(&w), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_has_waited_for_a_refresh_in_vain_does_not_wait_once_more() {
    let mut w = stored();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(301);
    w.wire.hold("/token");
    let begun = tokio::time::Instant::now();
    let answer = w.fetch("/access-token", &cookies).await;
    assert_eq!(
        answer.body,
        "the access token has ended, and a new one cannot be had just now; ask again in 5 s"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(16),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn what_is_not_kept_is_not_there_and_a_login_that_promises_too_much_fails() {
    let mut w = strict(
        |provider| provider,
        |gate| gate.keep_tokens(KeepTokens::none()),
    );
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    assert!(!cookies.contains("-t="), "{cookies}");
    w.advance(4000);
    assert_eq!(w.script(&cookies).await.status, 200);
    let token = w.fetch("/access-token", &cookies).await;
    assert!(
        token.body.starts_with("the session keeps no access token"),
        "{}",
        token.body
    );
    assert_eq!(redemptions(&w), 0);
}

/// Makes refresh tokens as large as that. Nothing in an ID token depends on them.
fn swell(w: &World, bytes: usize) {
    w.wire.tamper(move |path, answer| {
        if path == "/token" {
            let body = String::from_utf8(answer.body().clone()).unwrap();
            let large = format!("\"refresh_token\":\"{}", "x".repeat(bytes));
            *answer.body_mut() = body.replace("\"refresh_token\":\"", &large).into_bytes();
        }
    });
}

#[tokio::test]
async fn tokens_without_room_in_cookies_are_left_out_unless_they_were_asked_for() {
    let mut w = in_cookies();
    swell(&w, 9000);
    assert_eq!(w.sign_in("alice", "/me").await.status.as_u16(), 200);
    let cookies = w.cookie_line();
    assert!(!cookies.contains("-t="), "{cookies}");
    let token = w.fetch("/access-token", &cookies).await;
    assert!(
        token.body.starts_with("the session keeps no access token"),
        "{}",
        token.body
    );
    let mut w = strict(
        |provider| provider,
        |gate| gate.keep_tokens(KeepTokens::default()),
    );
    swell(&w, 9000);
    w.log.clear();
    assert_eq!(w.sign_in("alice", "/me").await.status.as_u16(), 502);
    assert_eq!(
        w.log.checks(),
        ["request.unauthenticated", "session.too_large"]
    );
}

#[tokio::test]
async fn a_store_takes_sessions_of_a_hundred_kilobytes() {
    let mut w = stored();
    swell(&w, 100 * 1024);
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    assert!(cookies.len() < 500, "a browser has the name alone");
    assert_eq!(w.script(&cookies).await.status, 200);
}

#[tokio::test]
async fn a_session_that_ends_in_one_replica_has_ended_in_the_other() {
    let store = Store::memory();
    let shared = store.clone();
    let mut w = strict(|provider| provider, |gate| gate.store(shared));
    let other = strict(|provider| provider, |gate| gate.store(store));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    assert_eq!(other.script(&cookies).await.status, 200);
    assert_eq!(w.sign_out(&cookies).await.status, 200);
    other.log.clear();
    assert_eq!(other.script(&cookies).await.status, 401);
    assert_eq!(other.log.checks(), ["session.ended"]);
}

#[tokio::test]
async fn a_users_sessions_are_listed_and_ended_one_by_one() {
    let mut w = stored();
    let mut all = Vec::new();
    for _ in 0..3 {
        w.browser = w.another_browser();
        w.sign_in("alice", "/me").await;
        all.push(w.cookie_line());
        w.advance(10);
    }
    w.browser = w.another_browser();
    w.sign_in("bob", "/me").await;
    let bob = w.cookie_line();
    let issuer = crate::world::ISSUER;
    let listed = w.gate.sessions_of(issuer, "alice").await.unwrap();
    assert_eq!(listed.len(), 3);
    let user = w.principal(&all[1]).await;
    let mine: Vec<_> = listed.iter().map(|session| session.is_of(&user)).collect();
    assert_eq!(mine, [false, true, false]);
    w.gate.end_session(&listed[1]).await.unwrap();
    assert_eq!(w.script(&all[1]).await.status, 401);
    assert_eq!(w.script(&all[0]).await.status, 200);
    assert_eq!(w.gate.end_sessions_of(issuer, "alice").await, Ok(2));
    assert_eq!(w.gate.sessions_of(issuer, "alice").await.unwrap(), []);
    for cookies in &all {
        assert_eq!(w.script(cookies).await.status, 401);
    }
    assert_eq!(w.script(&bob).await.status, 200);
    let w = in_cookies();
    let refused = w.gate.sessions_of(issuer, "alice").await;
    assert_eq!(refused, Err(SessionsError::NotListed));
}

#[tokio::test]
async fn signing_in_again_makes_a_new_session_and_the_old_one_lives_on_for_a_minute() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let old = w.cookie_line();
        let start = format!("{APP}/oauth2/start?rd=/me&prompt=login");
        w.browser.get(&start).await;
        w.browser.sign_in_as("alice").await;
        let new = w.cookie_line();
        assert_ne!(old, new);
        w.advance(59);
        assert_eq!(w.script(&old).await.status, 200);
        w.advance(1);
        assert_eq!(w.script(&old).await.status, 401);
        assert_eq!(w.script(&new).await.status, 200);
    }
}

#[tokio::test]
async fn a_session_that_was_planted_before_a_login_is_not_the_one_after_it() {
    let mut w = stored();
    w.sign_in("bob", "/me").await;
    let planted = w.session_cookie().unwrap();
    let attacker = w.cookie_line();
    w.browser = w.another_browser();
    w.plant(&planted.name, &planted.value);
    w.browser.get(&format!("{APP}/oauth2/start?rd=/me")).await;
    w.browser.sign_in_as("alice").await;
    let after = w.session_cookie().unwrap();
    assert_ne!(after.value, planted.value);
    assert!(w.whoami().await.starts_with("alice"));
    assert_eq!(w.script(&attacker).await.status, 401);
}

#[tokio::test]
async fn drain_waits_for_a_refresh_that_nobody_waits_for() {
    let mut w = stored();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.advance(295);
    w.wire.hold("/token");
    {
        // The browser goes away while the provider is asked.
        let mut request = Box::pin(w.script(&cookies));
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx).is_ready()));
        assert!(!polled.await);
        while redemptions(&w) == 0 {
            tokio::task::yield_now().await;
        }
    }
    let unfinished = w.gate.drain(Duration::ZERO).await.unwrap_err();
    assert_eq!(unfinished.tasks(), 1);
    w.wire.release();
    w.gate.drain(Duration::from_secs(5)).await.unwrap();
    // Nothing was lost with it.
    assert_eq!(w.script(&cookies).await.status, 200);
    assert_eq!(redemptions(&w), 1);
}

#[tokio::test]
async fn cookies_of_two_hundred_logins_do_not_mix() {
    let mut w = stored();
    let mut all = Vec::new();
    for at in 0..200 {
        w.browser = w.another_browser();
        let who = ["alice", "bob"][at % 2];
        w.sign_in(who, "/me").await;
        all.push((who, w.cookie_line()));
    }
    w.advance(295);
    let mut answers = JoinSet::new();
    for (who, cookies) in all {
        let gate = w.gate.clone();
        answers.spawn(async move { (who, crate::world::fetch(&gate, "/me", &cookies).await) });
    }
    for (who, answer) in answers.join_all().await {
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.starts_with(&format!("/me {who} ")),
            "{}",
            answer.body
        );
    }
    assert_eq!(redemptions(&w), 200);
}

#[tokio::test]
async fn a_session_that_was_replaced_writes_no_cookie_and_redeems_nothing() {
    for make in [in_cookies, stored] {
        let mut w = make();
        w.sign_in("alice", "/me").await;
        let old = w.cookie_line();
        w.advance(290);
        let start = format!("{APP}/oauth2/start?rd=/me&prompt=login");
        w.browser.get(&start).await;
        w.browser.sign_in_as("alice").await;
        // Its tokens end within its last minute. What it wrote would take the place of the new one.
        w.advance(20);
        let answer = w.script(&old).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (200, 0));
        assert_eq!(redemptions(&w), 0);
    }
}

#[tokio::test]
async fn an_answer_that_takes_long_takes_no_old_cookie_along() {
    for (takes, cookies_set) in [(29, 1), (31, 0)] {
        let mut w = strict(
            |provider| provider,
            |gate| gate.keep_tokens(KeepTokens::none()),
        );
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        // A tenth of the idle limit, so that its use is written down.
        w.advance(8640);
        let request = http::Request::get("/me").header("cookie", &cookies);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let clock = w.clock.clone();
        let app = tower::service_fn(move |_: http::Request<Full<Bytes>>| {
            clock.advance(Duration::from_secs(takes));
            async {
                Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::default()))
            }
        });
        let Ok(answer) = GateLayer::new(&w.gate).layer(app).oneshot(request).await;
        let set = answer.headers().get_all("set-cookie").iter().count();
        assert_eq!(
            (answer.status().as_u16(), set),
            (200, cookies_set),
            "{takes}"
        );
    }
}
