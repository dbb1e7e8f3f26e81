//! How long to wait for somebody who may be busy listening.

use http_body::{Body, Frame, SizeHint};
use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// When something was last sent.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Mutex<Instant>>);

impl Progress {
    pub(crate) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// What comes of the work, unless nothing moves for so long.
    pub(crate) async fn or_late<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let late = self.last() + limit;
            tokio::select! {
                done = &mut work => return Some(done),
                () = sleep_until(late) => if self.last() + limit <= late { return None },
            }
        }
    }
}

pin_project_lite::pin_project! {
    /// A body that says when something of it was sent.
    #[derive(Debug)]
    pub(crate) struct Watched<B> {
        #[pin]
        body: B,
        progress: Progress,
    }
}

impl<B> Watched<B> {
    pub(crate) fn new(body: B, progress: Progress) -> Self {
        Self { body, progress }
    }
}

impl<B: Body> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if frame.is_ready() {
            this.progress.made();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
