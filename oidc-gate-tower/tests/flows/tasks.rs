//! Work that goes on when the browser has gone.

use crate::world::world;
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

#[tokio::test(start_paused = true)]
async fn a_browser_that_goes_away_in_the_callback_breaks_nothing_off() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    w.wire.hold("/token");
    {
        let mut callback = pin!(w.deliver(&url));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(callback.as_mut().poll(&mut cx), Poll::Pending));
        // The gate's own task sends the request.
        while w.wire.count("/token") == 0 {
            tokio::task::yield_now().await;
        }
    }
    // The connection is gone, the work is not.
    let left = w.gate.drain(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(left.tasks(), 1);
    // It is answered at once: it does not wait at the provider's door with the same code.
    let again = tokio::time::timeout(Duration::from_secs(1), w.deliver(&url)).await;
    assert_eq!(again.unwrap().status, 400);
    assert_eq!(w.log.failed_login().get("check"), "callback.state_replayed");

    w.wire.release();
    assert_eq!(w.gate.drain(Duration::from_secs(1)).await, Ok(()));
    assert_eq!(w.wire.counts(), (1, 1, 1));
    let signed_in = w.log.entries();
    assert!(
        signed_in
            .iter()
            .any(|entry| entry.get("message") == "a user signed in")
    );
    assert_eq!(w.deliver(&url).await.status, 400);
    assert_eq!(w.wire.count("/token"), 1);
}

#[tokio::test(start_paused = true)]
async fn two_submits_at_once_send_the_code_once() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let (one, two) = tokio::join!(w.deliver(&url), w.deliver(&url));
    assert_eq!((one.status, two.status), (303, 400));
    assert_eq!(w.wire.count("/token"), 1);
}
