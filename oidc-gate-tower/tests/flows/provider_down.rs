//! A provider that is away, comes back, or changes its keys.

use crate::{
    wire::DISCOVERY,
    world::{APP, world},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_tower::dev::Fault;
use serde_json::Value;

#[tokio::test]
async fn a_secret_among_the_published_keys_is_used_by_nobody_and_told_to_the_operator() {
    let mut w = world();
    w.wire.tamper(|path, answer| {
        if path == "/jwks" {
            let text = String::from_utf8(answer.body().clone()).unwrap();
            let keys = text.replacen(
                "[",
                r#"[{"kty":"oct","k":"aHVzaA"},{"kty":"RSA","use":"enc"},"#,
                1,
            );
            *answer.body_mut() = keys.into_bytes();
        }
    });
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    let told: Vec<_> = w
        .log
        .entries()
        .into_iter()
        .filter(|entry| entry.fields.contains_key("key"))
        .map(|entry| (entry.level, entry.get("key").to_owned()))
        .collect();
    let symmetric = "keys[0] is a symmetric key, published for all to read";
    let encrypting = "keys[1] is meant for another use or algorithm";
    assert_eq!(
        told,
        [
            (tracing::Level::ERROR, symmetric.to_owned()),
            (tracing::Level::DEBUG, encrypting.to_owned())
        ]
    );
}

#[tokio::test]
async fn without_its_provider_the_application_starts_and_says_what_is_missing() {
    let mut w = world();
    w.fault(Fault::Unreachable);
    // Open paths work.
    assert_eq!(w.whoami().await, "nobody");
    // A person is told.
    let answer = w.navigate("/me").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.body.contains("Signing in is not possible right now"));
    assert!(
        answer.body.contains("href=\"/oauth2/start?rd=%2Fme\""),
        "{}",
        answer.body
    );
    let event = w.log.failed_login();
    assert_eq!(event.get("check"), "provider.unreachable");
    assert_eq!(
        event.get("cause"),
        "\"https://id.test/.well-known/openid-configuration\" could not be reached"
    );
    assert!(answer.body.contains(event.get("reference")) && !answer.body.contains("id.test"));
    // A script is not: it has nobody to send to the provider.
    let answer = w.script("").await;
    assert_eq!(answer.status, 401);
    let failed = w.gate.ready().await.unwrap_err();
    assert_eq!(failed.check().id(), "provider.unreachable");
}

#[tokio::test]
async fn a_provider_that_comes_back_is_asked_after_the_back_off() {
    let mut w = world();
    w.fault(Fault::Unreachable);
    // 1, 2, 4 … 30 seconds; and within them nobody asks, however many come.
    let mut asked = 0;
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        let answer = w.navigate("/me").await;
        asked += 1;
        assert_eq!(answer.header("retry-after"), wait.to_string());
        w.advance(wait - 1);
        let answer = w.navigate("/me").await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
        assert_eq!(w.wire.count(DISCOVERY), asked);
        w.advance(1);
    }
    w.provider.clear_faults();
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    assert_eq!(w.gate.ready().await, Ok(()));
    assert_eq!(w.wire.count(DISCOVERY), asked + 1);
}

#[tokio::test]
async fn sessions_go_on_while_the_provider_is_away() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    w.fault(Fault::Unreachable);
    w.advance(3600);
    assert_eq!(w.whoami().await, "alice");
    assert_eq!(w.script(&w.cookie_line()).await.status, 200);
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_end_the_login_and_the_next_one_works() {
    let mut w = world();
    w.wire.tamper(|path, answer| {
        if path == "/jwks" {
            *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
        }
    });
    let url = w.callback("alice", "/me").await;
    let page = w.browser.get(&url).await;
    assert_eq!(page.status, 503);
    assert!(page.headers.contains_key("retry-after"));
    assert_eq!(w.log.failed_login().get("check"), "provider.status");
    assert_eq!(w.cookies(), []);

    w.wire.tamper(|_, _| {});
    w.advance(1);
    let url = w.callback("alice", "/me").await;
    let page = w.browser.get(&url).await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn a_hundred_first_visitors_cause_one_discovery() {
    let w = world();
    w.wire.hold(DISCOVERY);
    let visits = futures(100, || w.navigate("/me"));
    let release = async {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(w.wire.count(DISCOVERY), 1);
        w.wire.release();
    };
    let (answers, ()) = tokio::join!(visits, release);
    assert!(answers.iter().all(|answer| {
        answer.status == 303
            && answer
                .header("location")
                .starts_with("https://id.test/authorize?")
    }));
    assert_eq!(w.wire.count(DISCOVERY), 1);
}

#[tokio::test]
async fn a_first_visitor_who_leaves_takes_nothing_from_the_others() {
    let w = world();
    w.wire.hold(DISCOVERY);
    let mut first = Box::pin(w.navigate("/me"));
    assert!(futures_poll(&mut first).is_none());
    let mut second = Box::pin(w.navigate("/me"));
    assert!(futures_poll(&mut second).is_none());
    drop(first);
    w.wire.release();
    assert_eq!(second.await.status, 303);
}

#[tokio::test]
async fn visitors_who_leave_at_once_do_not_ask_the_provider_each() {
    let w = world();
    w.wire.hold(DISCOVERY);
    for _ in 0..200 {
        let mut visitor = Box::pin(w.navigate("/me"));
        assert!(futures_poll(&mut visitor).is_none());
        drop(visitor);
        tokio::task::yield_now().await;
    }
    assert_eq!(w.wire.count(DISCOVERY), 1);
    w.wire.release();
    assert_eq!(w.navigate("/me").await.status, 303);
    assert_eq!(w.wire.count(DISCOVERY), 1);
}

#[tokio::test]
async fn a_rotation_between_two_logins_fails_neither() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    for user in ["bob", "carol", "alice"] {
        // The keys before stay published.
        w.provider.rotate_keys();
        w.advance(31);
        let url = w.callback(user, "/me").await;
        let page = w.browser.get(&url).await;
        assert!(page.body.starts_with(&format!("/me {user} ")), "{page:?}");
    }
    assert_eq!(w.wire.count("/jwks"), 4);
}

#[tokio::test]
async fn a_rotation_after_signing_fails_no_login() {
    let mut w = world();
    // The token is signed with the old key and arrives after the new set was fetched, which still has it.
    let provider = w.provider.clone();
    w.wire.tamper(move |path, _| {
        if path == "/token" {
            provider.rotate_keys();
        }
    });
    for user in ["alice", "bob", "carol"] {
        let url = w.callback(user, "/me").await;
        let page = w.browser.get(&url).await;
        assert!(page.body.starts_with(&format!("/me {user} ")), "{page:?}");
        w.advance(31);
    }
}

#[tokio::test]
async fn a_rotation_at_a_provider_that_names_no_keys_fails_no_login() {
    let mut w = world();
    w.fault(Fault::MissingKid);
    w.sign_in("alice", "/me").await;
    w.provider.rotate_keys_and_forget();
    let url = w.callback("bob", "/me").await;
    let page = w.browser.get(&url).await;
    assert!(page.body.starts_with("/me bob "), "{page:?}");
    assert_eq!(w.wire.count("/jwks"), 2);
}

#[tokio::test]
async fn a_wrong_signature_is_worth_one_look_for_other_keys_where_none_is_named_and_none_where_one_is()
 {
    for (fault, fetches) in [(None, 1), (Some(Fault::MissingKid), 2)] {
        let mut w = world();
        w.sign_in("alice", "/me").await;
        fault.into_iter().for_each(|fault| w.fault(fault));
        w.wire.tamper(|path, answer| {
            if path == "/token" {
                let mut tokens: Value = serde_json::from_slice(answer.body()).unwrap();
                let token = tokens["id_token"].as_str().unwrap();
                let (signed, _) = token.rsplit_once('.').unwrap();
                tokens["id_token"] = format!("{signed}.{}", "A".repeat(86)).into();
                *answer.body_mut() = tokens.to_string().into_bytes();
            }
        });
        for _ in 0..5 {
            let url = w.callback("bob", "/me").await;
            w.browser.get(&url).await;
            let failed = w.log.failed_logins();
            assert_eq!(failed.last().unwrap().get("check"), "id_token.signature");
        }
        assert_eq!(w.wire.count("/jwks"), fetches, "{fault:?}");
    }
}

#[tokio::test]
async fn all_who_wait_for_a_rotated_key_get_it_by_one_fetch() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    w.provider.rotate_keys_and_forget();
    let mut callbacks = Vec::new();
    for _ in 0..5 {
        let url = w.callback("bob", "/me").await;
        callbacks.push((url, w.cookie_line()));
    }
    w.wire.hold("/jwks");
    let logins = async {
        let mut tasks = Vec::new();
        for (url, cookies) in &callbacks {
            tasks.push(Box::pin(w.deliver_with(url, cookies)));
        }
        join_all(tasks).await
    };
    let release = async {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(w.wire.counts(), (1, 2, 6));
        w.wire.release();
    };
    let (answers, ()) = tokio::join!(logins, release);
    for answer in answers {
        assert_eq!((answer.status, answer.header("location")), (303, "/me"));
    }
    assert_eq!(w.wire.count("/jwks"), 2);
}

#[tokio::test]
async fn a_thousand_unknown_keys_in_one_interval_cause_one_fetch() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    assert_eq!(w.wire.count("/jwks"), 1);
    let mut number = 0;
    w.wire.tamper(move |path, answer| {
        if path == "/token" {
            number += 1;
            *answer.body_mut() = with_kid(answer.body(), &format!("made-up-{number}"));
        }
    });
    w.log.clear();
    for i in 0..1000 {
        if i % 40 == 39 {
            // 25 seconds in all.
            w.advance(1);
        }
        let start = w.navigate("/oauth2/start?rd=/me").await;
        let pair = start.set_cookies()[0].split(';').next().unwrap().to_owned();
        let hint = format!("{}&login_hint=bob", start.header("location"));
        let callback = provider_answer(&w, &hint).await;
        let answer = w.deliver_with(&callback, &pair).await;
        assert_eq!(answer.status, 502);
    }
    let checks = w.log.checks();
    assert_eq!(
        checks
            .iter()
            .filter(|check| *check == "id_token.key")
            .count(),
        1000
    );
    assert_eq!(w.wire.count("/jwks"), 2);
    w.wire.tamper(|_, _| {});
    let url = w.callback("carol", "/me").await;
    assert_eq!(w.deliver(&url).await.status, 303);
}

/// Where the provider sends a browser that asks for this address.
async fn provider_answer(w: &crate::world::World, url: &str) -> String {
    use tower::ServiceExt as _;
    let target = url.strip_prefix("https://id.test").unwrap();
    let request = http::Request::get(target)
        .body(http_body_util::Full::<bytes::Bytes>::default())
        .unwrap();
    let Ok(answer) = w.provider.clone().oneshot(request).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(APP), "{location}");
    location
}

/// The token response, its ID token naming another key.
fn with_kid(body: &[u8], kid: &str) -> Vec<u8> {
    let mut answer: Value = serde_json::from_slice(body).unwrap();
    let token = answer["id_token"].as_str().unwrap();
    let (header, rest) = token.split_once('.').unwrap();
    let mut header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"] = kid.into();
    answer["id_token"] = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string())).into();
    answer.to_string().into_bytes()
}

async fn futures<F: Future>(count: usize, make: impl Fn() -> F) -> Vec<F::Output> {
    join_all((0..count).map(|_| Box::pin(make())).collect()).await
}

/// All of them at once, in one task.
async fn join_all<F: Future + Unpin>(mut running: Vec<F>) -> Vec<F::Output> {
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in running.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = std::pin::Pin::new(future).poll(cx)
            {
                *done = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Polls once.
fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
