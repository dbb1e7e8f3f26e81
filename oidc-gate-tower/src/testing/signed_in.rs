//! A user in the gate's place.

use crate::{Anonymous, Clock as _, Identity, Principal, SystemClock};
use http::Request;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// The caller as a gate would put it into a request.
pub fn principal(identity: Identity) -> Principal {
    Principal::new(identity, SystemClock.now())
}

/// Stands in the gate's place: every request is this user's. Put it where the gate would be, *instead of* the gate: a
/// gate inside takes off what it has not put on.
///
/// ```
/// use oidc_gate_tower::testing;
/// let layer = testing::signed_in(testing::user("alice").group("admins").build());
/// # let _ = layer;
/// ```
pub fn signed_in(identity: Identity) -> SignedInLayer {
    SignedInLayer(Some(identity))
}

/// As [`signed_in`], with nobody signed in: every request is that of an open route.
pub fn signed_out() -> SignedInLayer {
    SignedInLayer(None)
}

/// See [`signed_in`].
#[derive(Clone, Debug)]
pub struct SignedInLayer(Option<Identity>);

impl<S> Layer<S> for SignedInLayer {
    type Service = SignedIn<S>;
    fn layer(&self, inner: S) -> SignedIn<S> {
        SignedIn {
            inner,
            who: self.0.clone().map(principal),
        }
    }
}

/// A service whose every caller is the same.
#[derive(Clone, Debug)]
pub struct SignedIn<S> {
    inner: S,
    who: Option<Principal>,
}

impl<S, B> Service<Request<B>> for SignedIn<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        match &self.who {
            Some(who) => drop(request.extensions_mut().insert(who.clone())),
            None => drop(request.extensions_mut().insert(Anonymous::MARK)),
        }
        self.inner.call(request)
    }
}
