//! The answer to a request, to come.

use crate::{
    GateBody, after::After, answer, core::session::SetCookie, decline::Answer, ports::Boxed,
    recognise::Seen, service::Held,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

pin_project_lite::pin_project! {
    /// The answer to come. The way through to the application has no box; the gate's own work knows nothing of
    /// the application.
    #[must_use = "futures do nothing unless polled"]
    pub struct GateFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project_lite::pin_project! {
    #[project = Projected]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        /// The application answers.
        Pass { #[pin] future: S::Future, after: After },
        /// The gate is at work on an answer of its own.
        Work { work: Boxed<'static, Response<Bytes>>, cookies: Vec<SetCookie> },
        /// The gate has answered.
        Done { response: Option<Response<Bytes>> },
        /// What it takes to know whose it is is being fetched; the request waits.
        Wait { seen: Boxed<'static, Seen>, held: Option<Box<Held<S, B>>> },
    }
}

impl<S, B> GateFuture<S, B>
where
    S: Service<Request<B>>,
{
    #[inline]
    pub(crate) fn pass(future: S::Future, after: After) -> Self {
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

    pub(crate) fn wait(seen: Boxed<'static, Seen>, held: Held<S, B>) -> Self {
        let held = Some(Box::new(held));
        Self {
            state: State::Wait { seen, held },
        }
    }
}

impl<S, B> fmt::Debug for GateFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> Future for GateFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Output = Result<Response<GateBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                Projected::Pass { future, after } => {
                    let mut response = ready!(future.poll(cx))?;
                    match after.refused(&mut response) {
                        None => {
                            after.finish(&mut response);
                            return Poll::Ready(Ok(response.map(GateBody::inner)));
                        }
                        Some(Answer::Now(mut own)) => {
                            after.write_what_was_refreshed();
                            answer::set_cookies(&mut own, after.take_cookies());
                            return Poll::Ready(Ok(own.map(GateBody::own)));
                        }
                        Some(Answer::Later(work)) => {
                            after.write_what_was_refreshed();
                            let cookies = after.take_cookies();
                            this.state.set(State::Work { work, cookies });
                        }
                    }
                }
                Projected::Work { work, cookies } => {
                    let mut response = ready!(work.as_mut().poll(cx));
                    answer::set_cookies(&mut response, std::mem::take(cookies));
                    return Poll::Ready(Ok(response.map(GateBody::own)));
                }
                Projected::Wait { seen, held } => {
                    let seen = ready!(seen.as_mut().poll(cx));
                    let next = match held.take() {
                        Some(held) => held.go_on(seen).state,
                        None => State::Done { response: None },
                    };
                    this.state.set(next);
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
