//! A requirement on a route, where no gate is in reach.

use crate::protect::original;
use axum::{body::Body, response::Response};
use http::Request;
use oidc_gate_tower::{self as tower, NoCaller, Requirement};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// A requirement for `route_layer`, where no gate is in reach. It can only narrow what the gate outside admits.
///
/// Whoever is not signed in is sent to a login, whoever lacks something is refused or asked for a stronger sign-in, as
/// the gate would have done itself. Without a gate, and under a `bypass` rule, the answer is 500 and says which of the
/// two it is.
///
/// ```
/// use axum::{Router, routing::get};
/// use oidc_gate_axum::{group, require};
///
/// fn admin_routes() -> Router {
///     Router::new().route("/wipe", get(async || "wiped")).route_layer(require(group("admins")))
/// }
/// ```
pub fn require(requirement: Requirement) -> RequireLayer {
    RequireLayer(tower::RequireLayer::new(requirement).original_target(original))
}

/// What [`require`] makes: the tower layer, with words where it is used without a gate.
///
/// ```
/// use oidc_gate_axum::{RequireLayer, group, require};
///
/// fn staff_only() -> RequireLayer {
///     require(group("staff").or(group("admins")))
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireLayer(tower::RequireLayer);

impl<S> Layer<S> for RequireLayer {
    type Service = RequireService<S>;
    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService(self.0.layer(inner))
    }
}

/// The service with a requirement around it. Made by [`RequireLayer`].
#[derive(Clone, Debug)]
pub struct RequireService<S>(tower::RequireService<S>);

impl<S, B> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        RequireFuture {
            future: self.0.call(request),
        }
    }
}

pin_project_lite::pin_project! {
    /// The answer of a [`RequireService`] to come.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RequireFuture<F> {
        #[pin]
        future: tower::RequireFuture<F>,
    }
}

impl<F, E> Future for RequireFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map_ok(|mut response| {
            // The tower layer knows no body to put words into. What an extractor inside has said is the same.
            if response.extensions().get::<NoCaller>().is_some() {
                *response.body_mut() = Body::from(NoCaller::NO_GATE);
            }
            response
        })
    }
}
