//! The keys of the cookies, changed while the gate runs.

use crate::world::{APP, Answer, COOKIE_SECRET, ISSUER, NAVIGATION, World, world, world_with};
use oidc_gate_tower::{Bearer, CookieKeys, Gate, KeyError, KeyId, Store};
use std::time::Duration;

const NEW_SECRET: &str = "q2FtYmVyIHdhbHJ1cyBvcmFuZ2UgNDIgdHVsaXAgcGllcg==";

fn id(secret: &str) -> KeyId {
    CookieKeys::parse(secret).unwrap().ids().next().unwrap()
}

fn add(gate: &Gate) -> Result<CookieKeys, KeyError> {
    let new = CookieKeys::parse(NEW_SECRET).unwrap();
    gate.change_cookie_keys(|keys| keys.with_added(&new))
}

fn promote(gate: &Gate) -> Result<CookieKeys, KeyError> {
    gate.change_cookie_keys(|keys| keys.promoted(id(NEW_SECRET)))
}

fn retire(gate: &Gate) -> Result<CookieKeys, KeyError> {
    gate.change_cookie_keys(|keys| keys.without(id(COOKIE_SECRET)))
}

type Step = fn(&Gate) -> Result<CookieKeys, KeyError>;
const STEPS: [Step; 3] = [add, promote, retire];

/// What a browser holds after an answer.
fn held(cookies: &str, answer: &Answer) -> String {
    match answer.set_cookies()[..] {
        [] => cookies.to_owned(),
        [set] => set.split(';').next().unwrap().to_owned(),
        _ => panic!("{:?}", answer.set_cookies()),
    }
}

async fn signed_in(w: &mut World) -> String {
    w.browser.clear_cookies();
    w.sign_in("alice", "/me").await;
    let session = w.session_cookie().unwrap();
    format!("{}={}", session.name, session.value)
}

#[tokio::test]
async fn nobody_is_signed_out_while_replicas_are_at_most_one_step_apart() {
    for behind in [false, true] {
        let (mut one, mut two) = (world(), world());
        let mut sessions = vec![signed_in(&mut one).await, signed_in(&mut two).await];
        for step in STEPS {
            let (first, second) = if behind { (&two, &one) } else { (&one, &two) };
            let gates = [first.gate.clone(), second.gate.clone()];
            for gate in gates {
                step(&gate).unwrap();
                sessions.push(signed_in(&mut one).await);
                sessions.push(signed_in(&mut two).await);
                for session in &mut sessions {
                    for w in [&one, &two, &one] {
                        let answer = w.script(session).await;
                        assert_eq!(answer.status, 200);
                        *session = held(session, &answer);
                    }
                }
            }
        }
        for w in [&one, &two] {
            let ids: Vec<_> = w.gate.cookie_keys().unwrap().ids().collect();
            assert_eq!(ids, [id(NEW_SECRET)]);
            for session in &sessions {
                assert_eq!(w.script(session).await.status, 200);
            }
        }
    }
}

#[tokio::test]
async fn a_session_of_an_older_key_is_sealed_anew_once_and_extended_by_nothing() {
    let mut w = world_with(|gate| {
        gate.session_limits(Duration::from_secs(1000), Duration::from_secs(3000))
    });
    let before = signed_in(&mut w).await;
    add(&w.gate).unwrap();
    assert_eq!(w.script(&before).await.set_cookies(), [""; 0]);
    promote(&w.gate).unwrap();
    w.advance(50);
    let answer = w.script(&before).await;
    let after = held(&before, &answer);
    assert_ne!(after, before);
    let [set] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(set.ends_with("; Path=/; Max-Age=2950; HttpOnly; SameSite=Lax; Secure"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(w.script(&after).await.set_cookies(), [""; 0]);
    retire(&w.gate).unwrap();
    // Idle since it began, for both.
    w.advance(949);
    assert_eq!(w.script(&after).await.status, 200);
    w.advance(1);
    w.log.clear();
    assert_eq!(w.script(&after).await.status, 401);
    assert_eq!(w.log.checks(), ["session.idle"]);
}

#[tokio::test]
async fn a_use_that_is_due_to_be_written_down_is_sealed_with_the_new_key_too() {
    let mut w = world_with(|gate| {
        gate.session_limits(Duration::from_secs(1000), Duration::from_secs(3000))
    });
    let before = signed_in(&mut w).await;
    add(&w.gate).unwrap();
    promote(&w.gate).unwrap();
    w.advance(100);
    let after = held(&before, &w.script(&before).await);
    retire(&w.gate).unwrap();
    w.advance(999);
    assert_eq!(w.script(&after).await.status, 200);
}

#[tokio::test]
async fn nothing_is_sealed_anew_on_an_open_path_nor_for_what_is_fetched_ahead() {
    let mut w = world();
    let session = signed_in(&mut w).await;
    add(&w.gate).unwrap();
    promote(&w.gate).unwrap();
    let cookie = ("cookie", &*session);
    let ahead = [NAVIGATION, &[cookie, ("sec-purpose", "prefetch")]].concat();
    for (path, headers) in [("/", [NAVIGATION, &[cookie]].concat()), ("/me", ahead)] {
        let answer = w.request("GET", path, &headers).await;
        assert_eq!(
            (answer.status, answer.set_cookies()),
            (200, vec![]),
            "{path}"
        );
        assert!(answer.body.contains("alice"), "{path}");
    }
}

#[tokio::test]
async fn what_a_retired_key_has_sealed_opens_no_more() {
    let mut w = world();
    let session = signed_in(&mut w).await;
    for step in STEPS {
        step(&w.gate).unwrap();
    }
    w.log.clear();
    let answer = w.script(&session).await;
    assert_eq!((answer.status, answer.set_cookies()), (401, vec![]));
    assert_eq!(w.log.checks(), ["session.unreadable"]);
}

#[tokio::test]
async fn a_login_that_began_before_a_key_was_promoted_ends_after_it() {
    let mut w = world();
    let callback = w.callback("alice", "/me").await;
    add(&w.gate).unwrap();
    promote(&w.gate).unwrap();
    let page = w.browser.get(&callback).await;
    assert_eq!(page.url, format!("{APP}/me"));
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    // The session is of the new key.
    retire(&w.gate).unwrap();
    assert_eq!(w.whoami().await, "alice");

    let mut w = world();
    let callback = w.callback("alice", "/me").await;
    for step in STEPS {
        step(&w.gate).unwrap();
    }
    w.log.clear();
    assert_eq!(w.browser.get(&callback).await.status, 400);
    assert_eq!(w.log.failed_login().get("check"), "callback.state_unknown");
}

#[tokio::test]
async fn steps_in_the_wrong_order_change_nothing() {
    let w = world();
    let (old, new) = (id(COOKIE_SECRET), id(NEW_SECRET));
    let ids = || w.gate.cookie_keys().unwrap().ids().collect::<Vec<_>>();
    assert_eq!(
        promote(&w.gate).map(drop),
        Err(KeyError::Unknown { id: new })
    );
    assert_eq!(
        retire(&w.gate).map(drop),
        Err(KeyError::Sealing { id: old })
    );
    let replaced = w
        .gate
        .set_cookie_keys(CookieKeys::parse(NEW_SECRET).unwrap());
    assert_eq!(replaced, Err(KeyError::Sealing { id: old }));
    let replaced = w.gate.set_cookie_keys(CookieKeys::ephemeral());
    assert_eq!(replaced, Err(KeyError::OtherOrigin));
    assert_eq!(ids(), [old]);
    add(&w.gate).unwrap();
    assert_eq!(add(&w.gate).map(drop), Err(KeyError::Twice { id: new }));
    assert_eq!(
        retire(&w.gate).map(drop),
        Err(KeyError::Sealing { id: old })
    );
    assert_eq!(ids(), [old, new]);
}

#[test]
fn a_gate_that_signs_nobody_in_has_no_keys_to_change() {
    let gate = Gate::builder()
        .bearer(Bearer::audience("api").issuer("https://id.test"))
        .build()
        .unwrap();
    assert!(gate.cookie_keys().is_none());
    let keys = CookieKeys::parse(NEW_SECRET).unwrap();
    assert_eq!(gate.set_cookie_keys(keys), Err(KeyError::NoSessions));
}

#[tokio::test]
async fn the_lists_that_a_session_stands_in_open_for_as_long_as_it_does() {
    let mut w = world_with(|gate| {
        let (idle, absolute) = (Duration::from_secs(1000), Duration::from_secs(9000));
        gate.store(Store::memory()).session_limits(idle, absolute)
    });
    let session = signed_in(&mut w).await;
    for step in [add, promote] {
        step(&w.gate).unwrap();
        w.advance(500);
        assert_eq!(w.script(&session).await.status, 200);
        w.gate.drain(Duration::from_secs(5)).await.unwrap();
    }
    let session = held(&session, &w.script(&session).await);
    retire(&w.gate).unwrap();
    // Another login does not take the list's place either.
    signed_in(&mut w).await;
    let all = w.gate.sessions_of(ISSUER, "alice").await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(w.gate.end_sessions_of(ISSUER, "alice").await, Ok(2));
    assert_eq!(w.script(&session).await.status, 401);
}
