//! The answer to a request, to come.

use crate::{
    GateBody, after::After, answer, core::session::SetCookie, decline::Answer, ports::Boxed,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project_lite::pin_project! {
    /// The answer to come. The way through to the application has no box; the gate's own work knows nothing of
    /// the application.
    #[must_use = "futures do nothing unless polled"]
    pub struct GateFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project_lite::pin_project! {
    #[project = Projected]
    enum State<F> {
        /// The application answers.
        Pass { #[pin] future: F, after: After },
        /// The gate is at work on an answer of its own.
        Work { work: Boxed<'static, Response<Bytes>>, cookies: Vec<SetCookie> },
        /// The gate has answered.
        Done { response: Option<Response<Bytes>> },
    }
}

impl<F> GateFuture<F> {
    pub(crate) fn pass(future: F, after: After) -> Self {
        Self {
            state: State::Pass { future, after },
        }
    }

    /// The gate's own answer, with these cookies.
    pub(crate) fn answered(answer: Answer, cookies: Vec<SetCookie>) -> Self {
        match answer {
            Answer::Now(mut response) => {
                answer::set_cookies(&mut response, cookies);
                let response = Some(response);
                Self {
                    state: State::Done { response },
                }
            }
            Answer::Later(work) => Self::later(work, cookies),
        }
    }

    pub(crate) fn later(work: Boxed<'static, Response<Bytes>>, cookies: Vec<SetCookie>) -> Self {
        Self {
            state: State::Work { work, cookies },
        }
    }
}

impl<F> fmt::Debug for GateFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateFuture").finish_non_exhaustive()
    }
}

impl<F, R, E> Future for GateFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<GateBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                Projected::Pass { future, after } => {
                    let mut response = ready!(future.poll(cx))?;
                    match after.refused(&mut response) {
                        None => {
                            after.finish(response.headers_mut());
                            return Poll::Ready(Ok(response.map(GateBody::inner)));
                        }
                        Some(Answer::Now(mut own)) => {
                            answer::set_cookies(&mut own, std::mem::take(&mut after.cookies));
                            return Poll::Ready(Ok(own.map(GateBody::own)));
                        }
                        Some(Answer::Later(work)) => {
                            let cookies = std::mem::take(&mut after.cookies);
                            this.state.set(State::Work { work, cookies });
                        }
                    }
                }
                Projected::Work { work, cookies } => {
                    let mut response = ready!(work.as_mut().poll(cx));
                    answer::set_cookies(&mut response, std::mem::take(cookies));
                    return Poll::Ready(Ok(response.map(GateBody::own)));
                }
                Projected::Done { response } => {
                    // A future that was ready is not polled again; whoever does gets an empty error and no panic.
                    let response = response
                        .take()
                        .unwrap_or_else(|| answer::empty(StatusCode::INTERNAL_SERVER_ERROR));
                    return Poll::Ready(Ok(response.map(GateBody::own)));
                }
            }
        }
    }
}
