//! What the gate keeps of logins that were begun and never ended: nothing, however many there are. Whoever can open a page can
//! begin one. Of those that end with a wrong code, it keeps that they are used and for a minute what they were answered, and
//! there is a bound to both.

use axum::{Router, body::Body, routing::get};
use http::{
    Request,
    header::{COOKIE, LOCATION, SET_COOKIE},
};
use oidc_gate_axum::{GateExt as _, testing};
use oidc_gate_benches::allocations::held_after;
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};
use tower_service::Service as _;

/// How many of what: the answers to callbacks are pages, which take longer to write than a redirect.
const LOGINS: usize = 100_000;
const CALLBACKS: usize = 20_000;

/// What tables may have grown by, whatever is in them.
const LEAST: i64 = 16 * 1024;

/// What is kept of callbacks whose logins are right and whose codes are not: 2048 answers, which are pages of some ten
/// kilobytes, and forty bytes of each state.
const MOST: i64 = 32 * 1024 * 1024;

#[test]
fn a_hundred_thousand_logins_and_callbacks_of_nobody_leave_nothing_behind() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let gate = testing::gate().build().unwrap();
    runtime.block_on(gate.ready()).unwrap();
    let mut app = gate.protect(Router::new().route("/me", get(|| async { "hello" })));
    let mut ask = |path: &str| {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("accept", "text/html")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .body(Body::empty())
            .unwrap();
        let mut answer = pin!(app.call(request));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = answer.as_mut().poll(&mut cx) else {
            panic!("{path} has to wait")
        };
        let location = response.headers().get(LOCATION);
        let location = location.map_or(String::new(), |to| to.to_str().unwrap().to_owned());
        (response.status().as_u16(), location)
    };
    // Whatever is made once is made now.
    let (status, location) = ask("/me?tab=0");
    assert_eq!(status, 303);
    let state = location
        .split('&')
        .find(|pair| pair.starts_with("state="))
        .unwrap()
        .to_owned();
    assert_eq!(ask("/oauth2/callback?state=made-up&code=x").0, 400);
    assert_eq!(ask(&format!("/oauth2/callback?{state}&code=x")).0, 303);

    for (what, many, expected, path) in [
        ("logins", LOGINS, 303, "/me?tab="),
        (
            "callbacks with a made-up state",
            CALLBACKS,
            400,
            "/oauth2/callback?code=x&state=made-up.",
        ),
        (
            "callbacks without a cookie",
            CALLBACKS,
            303,
            &*format!("/oauth2/callback?{state}&code="),
        ),
    ] {
        let held = held_after(|| {
            for number in 0..many {
                let (status, _) = ask(&format!("{path}{number}"));
                assert_eq!(status, expected, "{what}");
            }
        });
        assert!(held < LEAST, "{many} {what}: {held} bytes are held");
    }
}

#[test]
fn twenty_thousand_callbacks_with_wrong_codes_leave_no_more_behind_than_is_stated() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let gate = testing::gate().build().unwrap();
    runtime.block_on(gate.ready()).unwrap();
    let mut app = gate.protect(Router::new().route("/me", get(|| async { "hello" })));
    let mut ask = |path: &str, cookie: &str| {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("accept", "text/html")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header(COOKIE, cookie)
            .body(Body::empty())
            .unwrap();
        runtime.block_on(app.call(request)).unwrap()
    };
    let mut fail = |number: usize| {
        let begun = ask("/me", "");
        let text = |name| begun.headers()[name].to_str().unwrap().to_owned();
        let (location, cookie) = (text(LOCATION), text(SET_COOKIE));
        let mut pairs = location.split('&');
        let state = pairs.find(|pair| pair.starts_with("state=")).unwrap();
        let cookie = cookie.split(';').next().unwrap();
        // Without the issuer (RFC 9207) it would not get as far as its code.
        let issuer = location.split("/authorize?").next().unwrap();
        let callback = format!("/oauth2/callback?{state}&code={number}&iss={issuer}");
        let answer = ask(&callback, cookie);
        assert_eq!(answer.status().as_u16(), 400);
    };
    // Whatever is made once is made now.
    fail(0);
    let held = held_after(|| (0..CALLBACKS).for_each(&mut fail));
    println!("{CALLBACKS} callbacks with wrong codes: {held} bytes are held");
    assert!(LEAST < held && held < MOST, "{held} bytes are held");
}
