//! What the gate keeps of logins that were begun and never ended: nothing, however many there are. Whoever can open a page can
//! begin one.

use axum::{Router, body::Body, routing::get};
use http::{Request, header::LOCATION};
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
