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
    // Whoever comes with the same waits for it, and does not knock at the provider's door with the same code.
    let again = tokio::time::timeout(Duration::from_secs(1), w.deliver(&url)).await;
    assert!(again.is_err());
    assert_eq!(w.wire.count("/token"), 1);

    w.wire.release();
    assert_eq!(w.gate.drain(Duration::from_secs(1)).await, Ok(()));
    assert_eq!(w.wire.counts(), (1, 1, 1));
    let signed_in = w.log.entries();
    assert!(
        signed_in
            .iter()
            .any(|entry| entry.get("message") == "a user signed in")
    );
    let again = w.deliver(&url).await;
    assert_eq!((again.status, again.header("location")), (303, "/me"));
    assert_eq!(w.wire.count("/token"), 1);
}

/// After any number of steps either nothing is used up yet, or the login is finished: never a used code and no login.
#[tokio::test(start_paused = true)]
async fn at_whatever_step_a_browser_goes_away_its_login_counts_once() {
    for steps in 0.. {
        let mut w = world();
        let url = w.callback("alice", "/me").await;
        let mut answered = false;
        {
            let mut callback = pin!(w.deliver(&url));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..steps {
                if callback.as_mut().poll(&mut cx).is_ready() {
                    answered = true;
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(
            w.gate.drain(Duration::from_secs(1)).await,
            Ok(()),
            "{steps}"
        );
        let used = w.sign_in_count();
        assert_eq!(
            (w.wire.count("/token"), used),
            (used, usize::from(steps > 0))
        );
        let again = w.deliver(&url).await;
        assert_eq!(
            (again.status, again.header("location")),
            (303, "/me"),
            "{steps}"
        );
        assert_eq!(
            (w.wire.count("/token"), w.sign_in_count()),
            (1, 1),
            "{steps}"
        );
        if answered {
            assert!(steps > 1, "the callback never waited");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_submits_at_once_send_the_code_once() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let (one, two) = tokio::join!(w.deliver(&url), w.deliver(&url));
    assert_eq!((one.status, one.header("location")), (303, "/me"));
    assert_eq!((two.status, two.headers), (one.status, one.headers));
    assert_eq!(w.wire.count("/token"), 1);
}
