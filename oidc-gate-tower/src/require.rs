//! A requirement on one service or route.

use crate::{Anonymous, Demand, NoCaller, OriginalTarget, Principal, core::gate::Requirement};
use http::{Extensions, Request, Response};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;

/// A requirement on the service inside. It needs no gate in hand: it reads what the gate outside has left, and can only
/// narrow what that gate admits.
#[derive(Clone)]
#[must_use]
pub struct RequireLayer {
    requirement: Requirement,
    target: fn(&Extensions) -> OriginalTarget<'_>,
}

impl RequireLayer {
    /// Only callers who meet `requirement` pass.
    pub fn new(requirement: Requirement) -> Self {
        Self {
            requirement,
            target: |_| OriginalTarget::Whole,
        }
    }

    /// For frameworks whose nested routers cut the URI: where the original is. It decides where a login leads back to.
    pub fn original_target(mut self, target: fn(&Extensions) -> OriginalTarget<'_>) -> Self {
        self.target = target;
        self
    }
}

impl fmt::Debug for RequireLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequireLayer({:?})", self.requirement)
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = RequireService<S>;
    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service with a requirement around it.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    layer: RequireLayer,
}

impl<S, B, R> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        let demand = || {
            let target = (self.layer.target)(extensions).of(request.uri());
            Demand::of(request.method(), request.headers(), target)
        };
        let refusal = match extensions.get::<Principal>() {
            Some(principal) => match principal.meets(&self.layer.requirement) {
                Ok(()) => {
                    return RequireFuture {
                        state: State::Inner {
                            future: self.inner.call(request),
                        },
                    };
                }
                Err(unmet) => Refusal::Demand(Box::new(demand().unmet(unmet, principal.via()))),
            },
            None if extensions.get::<Anonymous>().is_some() => {
                Refusal::Demand(Box::new(demand().sign_in()))
            }
            None => Refusal::NoCaller,
        };
        RequireFuture {
            state: State::Refused {
                refusal: Some(refusal),
            },
        }
    }
}

/// Why the inner service was not called.
enum Refusal {
    Demand(Box<Demand>),
    NoCaller,
}

pin_project_lite::pin_project! {
    /// The answer to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project_lite::pin_project! {
    #[project = Projected]
    enum State<F> {
        Inner { #[pin] future: F },
        Refused { refusal: Option<Refusal> },
    }
}

impl<F> fmt::Debug for RequireFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireFuture")
    }
}

impl<F, R, E> Future for RequireFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            Projected::Inner { future } => Poll::Ready(ready!(future.poll(cx))),
            Projected::Refused { refusal } => Poll::Ready(Ok(match refusal.take() {
                Some(Refusal::Demand(demand)) => demand.plain(),
                // Polled again after it was ready, or no gate: both are the developer's mistake.
                Some(Refusal::NoCaller) | None => NoCaller::plain(R::default()),
            })),
        }
    }
}
