//! The provider ends a session by having the browser load the gate in a frame.

use crate::{
    watched::Watched,
    world::{Answer, ISSUER, World, world_where, world_with},
};
use oidc_gate_tower::{ProviderMetadata, Store};

const PATH: &str = "/oauth2/frontchannel_logout";

/// What a browser says of a frame in another site's page, where it keeps its cookies to itself.
const FRAME: &[(&str, &str)] = &[
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "iframe"),
    ("sec-fetch-site", "cross-site"),
    ("referer", "https://id.test/"),
];

fn target(sid: &str) -> String {
    format!("{PATH}?iss=https%3A%2F%2Fid.test&sid={sid}")
}

async fn frame(w: &World, target: &str) -> Answer {
    w.request("GET", target, FRAME).await
}

async fn with_cookies(w: &World, target: &str, cookies: &str) -> Answer {
    let headers = [FRAME, &[("cookie", cookies)]].concat();
    w.request("GET", target, &headers).await
}

/// Signs in with a browser of its own: its cookies, and what the provider calls the session.
async fn signed_in(w: &mut World, user: &str) -> (String, String) {
    w.browser = w.another_browser();
    w.sign_in(user, "/me").await;
    let cookies = w.cookie_line();
    let principal = w.principal(&cookies).await;
    let sid = principal.claims()["sid"].as_str().unwrap().to_owned();
    (cookies, sid)
}

async fn lives(w: &World, cookies: &str) -> bool {
    w.script(cookies).await.status == 200
}

/// In the frame of the provider's pages, kept by nobody.
fn is_framed(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.header("content-security-policy"),
        format!(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ISSUER}"
        )
    );
    for absent in ["x-frame-options", "clear-site-data", "location"] {
        assert_eq!(answer.header(absent), "", "{absent}");
    }
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.body.is_empty(), status != 200);
}

type Way = fn() -> World;

const WAYS: [Way; 3] = [
    || world_with(|gate| gate.frontchannel_logout().store(Store::memory())),
    || world_with(|gate| gate.frontchannel_logout().store(Watched::new().store())),
    || {
        world_with(|gate| {
            gate.frontchannel_logout()
                .coordinator(Watched::new().store())
        })
    },
];

#[tokio::test]
async fn a_frame_without_cookies_ends_the_session_that_its_address_names_and_no_other() {
    for way in WAYS {
        let mut w = way();
        let (one, sid) = signed_in(&mut w, "alice").await;
        let (two, _) = signed_in(&mut w, "alice").await;
        let (bob, _) = signed_in(&mut w, "bob").await;
        let sent = w.wire.sent().len();
        w.log.clear();
        let answer = frame(&w, &target(&sid)).await;
        is_framed(&answer, 200);
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert!(w.log.text().contains("ended=1"), "{}", w.log.text());
        assert!(!w.log.text().contains(&sid));
        assert!(!lives(&w, &one).await);
        assert!(lives(&w, &two).await);
        assert!(lives(&w, &bob).await);
        // Nobody has signed it, so the provider is not asked to revoke anything.
        assert_eq!(w.wire.sent().len(), sent);
        is_framed(&frame(&w, &target(&sid)).await, 200);
    }
}

#[tokio::test]
async fn the_cookies_that_come_along_decide_nothing() {
    for way in WAYS {
        let mut w = way();
        let (alice, sid) = signed_in(&mut w, "alice").await;
        let (bob, _) = signed_in(&mut w, "bob").await;
        let answer = with_cookies(&w, &target(&sid), &bob).await;
        is_framed(&answer, 200);
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert!(lives(&w, &bob).await);
        assert!(!lives(&w, &alice).await);
    }
}

#[tokio::test]
async fn the_cookie_of_a_session_that_it_has_ended_is_taken_away() {
    for way in WAYS {
        let mut w = way();
        let (alice, sid) = signed_in(&mut w, "alice").await;
        let answer = with_cookies(&w, &target(&sid), &alice).await;
        is_framed(&answer, 200);
        let session = w.session_cookie().unwrap().name;
        let cleared = answer.set_cookies();
        let empty = format!("{session}=;");
        let clears = cleared.iter().any(|line| line.starts_with(&empty));
        assert!(clears, "{cleared:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_for_a_session_that_is_not_there() {
    let store = Watched::new();
    let mut w = world_with(|gate| gate.frontchannel_logout().store(store.store()));
    let (alice, _) = signed_in(&mut w, "alice").await;
    let before = store.writes();
    for number in 0..20 {
        is_framed(&frame(&w, &target(&format!("made-up-{number}"))).await, 200);
    }
    assert_eq!(store.writes(), before);
    assert!(lives(&w, &alice).await);
}

#[tokio::test]
async fn without_issuer_and_session_nobody_is_logged_out() {
    for way in WAYS {
        let mut w = way();
        let (alice, sid) = signed_in(&mut w, "alice").await;
        for query in [
            String::new(),
            format!("sid={sid}"),
            "iss=https://id.test".to_owned(),
            format!("iss=https://id.other&sid={sid}"),
            format!("iss=https://id.test/&sid={sid}"),
            format!("iss=https://id.test&sid={sid}&sid={sid}"),
            format!("iss=https://id.test&iss=https://id.test&sid={sid}"),
        ] {
            w.log.clear();
            let answer = with_cookies(&w, &format!("{PATH}?{query}"), &alice).await;
            is_framed(&answer, 400);
            assert_eq!(w.log.checks(), ["logout.front_channel"], "{query}");
            assert_eq!(answer.set_cookies(), [""; 0]);
            assert!(lives(&w, &alice).await, "{query}");
        }
        for method in ["POST", "HEAD", "PUT", "DELETE"] {
            let answer = w.request(method, &target(&sid), FRAME).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "GET"));
            assert!(lives(&w, &alice).await);
        }
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_said() {
    let store = Watched::new();
    let mut w = world_with(|gate| gate.frontchannel_logout().store(store.store()));
    let (alice, sid) = signed_in(&mut w, "alice").await;
    store.answer(0);
    let answer = frame(&w, &target(&sid)).await;
    is_framed(&answer, 503);
    assert_ne!(answer.header("retry-after"), "");
    store.answer(usize::MAX);
    assert!(lives(&w, &alice).await);
    is_framed(&frame(&w, &target(&sid)).await, 200);
    assert!(!lives(&w, &alice).await);
}

#[tokio::test]
async fn the_page_that_signs_users_out_may_be_elsewhere() {
    let metadata = ProviderMetadata::new(
        "https://id.test/authorize",
        "https://id.test/token",
        "https://id.test/jwks",
    );
    let w = world_where(
        |provider| {
            provider.metadata(metadata.end_session_endpoint("https://login.test:8443/end?x=1"))
        },
        |gate| gate.frontchannel_logout().store(Store::memory()),
    );
    let answer = frame(&w, &target("s")).await;
    let policy = answer.header("content-security-policy");
    let expected = "frame-ancestors https://id.test https://login.test:8443";
    assert!(policy.ends_with(expected), "{policy}");
}
