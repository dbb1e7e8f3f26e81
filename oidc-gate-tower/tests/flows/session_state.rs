//! When a session ends, for a page that wants to warn before it does; and a user's own sessions.

use crate::world::{APP, Answer, NAVIGATION, START, World, world_with};
use oidc_gate_tower::{GateBuilder, SameSite, SessionsError, Store};
use serde_json::{Value, json};
use std::time::Duration;

const STATE: &str = "/oauth2/session";

fn limited(gate: GateBuilder) -> GateBuilder {
    gate.session_limits(Duration::from_secs(100), Duration::from_secs(250))
}

/// Sessions in cookies, and in a store.
fn worlds() -> [World; 2] {
    [
        world_with(limited),
        world_with(|gate| limited(gate).store(Store::memory())),
    ]
}

fn told(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.set_cookies(), [""; 0]);
    serde_json::from_str(&answer.body).unwrap()
}

/// At this time after the start, with these ends.
fn state(now: u64, idle: u64, absolute: u64) -> Value {
    json!({
        "created": START,
        "idle_expires_at": START + idle, "idle_expires_in": idle - now,
        "expires_at": START + absolute, "expires_in": absolute - now,
    })
}

#[tokio::test]
async fn to_ask_when_a_session_ends_does_not_extend_it() {
    for mut w in worlds() {
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        for (after, now) in [(0, 0), (30, 30), (60, 90), (9, 99)] {
            w.advance(after);
            assert_eq!(told(&w.fetch(STATE, &cookies).await), state(now, 100, 250));
        }
        w.advance(1);
        let answer = w.fetch(STATE, &cookies).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), "Session");
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert_eq!(answer.body, r#"{"error":"unauthenticated"}"#);
    }
}

#[tokio::test]
async fn what_extends_a_session_is_seen_and_the_absolute_limit_is_not_moved() {
    for mut w in worlds() {
        w.sign_in("alice", "/me").await;
        for (now, idle) in [(80, 180), (160, 250), (200, 250)] {
            w.advance(if now == 200 { 40 } else { 80 });
            w.browser.fetch(&format!("{APP}/me")).await;
            // What a store is told of it is written down after the answer.
            w.gate.drain(Duration::from_secs(5)).await.unwrap();
            let page = w.browser.fetch(&format!("{APP}{STATE}")).await;
            assert_eq!(page.json(), state(now, idle, 250));
        }
    }
}

#[tokio::test]
async fn nobody_is_sent_to_a_login_for_it_and_no_token_has_a_session() {
    let mut w = world_with(|gate| limited(gate).same_site(SameSite::Strict));
    for headers in [
        NAVIGATION,
        &[("accept", "application/json")],
        &[],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("accept", "text/html"),
        ],
        &[("authorization", "Bearer x")],
    ] {
        let answer = w.request("GET", STATE, headers).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("www-authenticate"), "Session");
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let with = |method| {
        let headers = [NAVIGATION, &[("cookie", &*cookies)]].concat();
        let w = &w;
        async move { w.request(method, STATE, &headers).await }
    };
    assert_eq!(told(&with("GET").await), state(0, 100, 250));
    assert_eq!(with("HEAD").await.status, 200);
    let answer = with("POST").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    // An ended session is not taken from the browser by the question: another tab may have signed in.
    w.advance(101);
    let answer = with("GET").await;
    assert_eq!((answer.status, answer.set_cookies().len()), (401, 0));
}

#[tokio::test]
async fn a_handler_is_told_the_same() {
    for mut w in worlds() {
        w.sign_in("alice", "/me").await;
        w.advance(5);
        let user = w.principal(&w.cookie_line()).await;
        let state = user.session_state().unwrap();
        let secs = [
            state.created(),
            state.seen(),
            state.idle_ends(),
            state.ends(),
        ];
        let secs = secs.map(|time| time.as_secs() - START);
        assert_eq!(secs, [0, 0, 100, 250]);
        let now = oidc_gate_tower::core::time::UnixTime::from_secs(START + 40);
        assert_eq!(state.left(now), Duration::from_secs(60));
    }
    let made_up =
        oidc_gate_tower::testing::principal(oidc_gate_tower::testing::user("bob").build());
    assert_eq!(made_up.session_state(), None);
}

#[tokio::test]
async fn a_posted_name_ends_a_session_only_if_it_is_the_users_own() {
    let mut w = world_with(|gate| gate.store(Store::memory()));
    let mut browsers = Vec::new();
    for user in ["alice", "alice", "bob"] {
        w.browser = w.another_browser();
        w.sign_in(user, "/me").await;
        browsers.push(w.cookie_line());
    }
    let names = |user: &'static str| {
        let gate = w.gate.clone();
        async move {
            let all = gate.sessions_of("https://id.test", user).await.unwrap();
            all.iter().map(|s| s.name().to_owned()).collect::<Vec<_>>()
        }
    };
    let end = |user: &'static str, name: String| {
        let gate = w.gate.clone();
        async move {
            let ended = gate.end_session_of("https://id.test", user, &name).await;
            ended.unwrap().map(|session| session.name().to_owned())
        }
    };
    let (alices, bobs) = (names("alice").await, names("bob").await);
    for name in [bobs[0].clone(), String::new(), alices[0].to_lowercase()] {
        assert_eq!(end("alice", name).await, None);
    }
    assert_eq!(
        end("alice", alices[1].clone()).await,
        Some(alices[1].clone())
    );
    assert_eq!(end("alice", alices[1].clone()).await, None);
    let mut statuses = Vec::new();
    for cookies in &browsers {
        statuses.push(w.fetch("/me", cookies).await.status);
    }
    assert_eq!(statuses, [200, 401, 200]);
    let listed = world_with(|gate| gate);
    let ended = listed
        .gate
        .end_session_of("https://id.test", "alice", "x")
        .await;
    assert_eq!(ended, Err(SessionsError::NotListed));
}
