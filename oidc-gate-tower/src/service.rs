//! The gate around a service.

mod decide;

use self::decide::{Serving, Stay};
use crate::{
    Gate, GateBody, GateFuture, OriginalTarget, PeerAddr, caller_info::Told, endpoint,
    metrics::Metrics, ports::Boxed, recognise::Seen, report,
};
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use std::{
    any::Any,
    fmt,
    net::SocketAddr,
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument as _;

/// Puts the gate around a service: around the whole application, outermost but for tracing and CORS.
///
/// # Security
///
/// It has to see the target as the client sent it. Inside of a router that cuts paths off, say with
/// [`original_target`](Self::original_target) where the original is; the layer of oidc-gate-axum does.
///
/// [Headers that claim an identity](crate::core::gate::STRIPPED) are taken off every request. Trailers come with the body,
/// whose type is the application's own: whoever reads them or sends them on takes [`Gate::clean_trailers`].
#[derive(Clone)]
#[must_use]
pub struct GateLayer {
    gate: Gate,
    target: fn(&Extensions) -> OriginalTarget<'_>,
    peer: fn(&Extensions) -> Option<SocketAddr>,
    body: fn(&Gate, &mut dyn Any),
}

impl GateLayer {
    /// The layer of a gate.
    pub fn new(gate: &Gate) -> Self {
        Self {
            gate: gate.clone(),
            target: |_| OriginalTarget::Whole,
            peer: |extensions| extensions.get::<PeerAddr>().map(|peer| peer.0),
            body: |_, _| {},
        }
    }

    /// For frameworks whose nested routers cut the URI: where the original is.
    pub fn original_target(mut self, target: fn(&Extensions) -> OriginalTarget<'_>) -> Self {
        self.target = target;
        self
    }

    /// What is done to the body of a request, whatever its type is, where the gate [writes identity
    /// headers](Gate::writes_identity_headers): for frameworks whose type of body can be wrapped in place, to
    /// [clean its trailers](Gate::clean_trailers).
    pub fn request_body(mut self, clean: fn(&Gate, &mut dyn Any)) -> Self {
        self.body = clean;
        self
    }

    /// Where the framework leaves the peer's address; by default [`PeerAddr`].
    pub fn peer_addr(mut self, peer: fn(&Extensions) -> Option<SocketAddr>) -> Self {
        self.peer = peer;
        self
    }
}

impl fmt::Debug for GateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateLayer")
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;
    fn layer(&self, inner: S) -> GateService<S> {
        GateService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind a gate.
#[derive(Clone)]
pub struct GateService<S> {
    inner: S,
    layer: GateLayer,
}

impl<S> GateService<S> {
    /// The gate around it.
    pub fn gate(&self) -> &Gate {
        &self.layer.gate
    }
}

impl<S: fmt::Debug> fmt::Debug for GateService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    // What axum's router asks for too. A body is read at the gate's own endpoints only.
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<GateBody<R>>;
    type Error = S::Error;
    type Future = GateFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> GateFuture<S, B> {
        self.go_on(request, None)
    }
}

/// A request that waits until it is known whose it is, and the service that is ready for it.
pub(crate) struct Held<S, B> {
    service: GateService<S>,
    request: Request<B>,
}

impl<S, B> Held<S, B>
where
    S: Service<Request<B>> + Clone,
    B: Body + Send + 'static,
    B::Data: Send,
{
    /// Goes on as if it had been known at once.
    pub(crate) fn go_on(mut self, seen: Seen) -> GateFuture<S, B> {
        self.service.go_on(self.request, Some(seen))
    }
}

impl<S> GateService<S> {
    /// Decides about a request and does it. `known` is what has been found out about whom it brings, if that took waiting.
    ///
    /// Requests and answers to come are large: the one is decided about where it lies, and the other is made where it is wanted.
    #[inline(never)]
    fn go_on<B>(&mut self, mut request: Request<B>, known: Option<Seen>) -> GateFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let after = match self.layer.decide(&mut request, known) {
            ControlFlow::Continue(after) => after,
            ControlFlow::Break(stay) => return self.stay(stay, request),
        };
        GateFuture::pass(self.inner.call(request), after)
    }

    /// What most requests do not come to is out of the way of those that pass.
    #[inline(never)]
    fn stay<B>(&mut self, stay: Stay, request: Request<B>) -> GateFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        match stay {
            Stay::Answer(answer, cookies) => GateFuture::answered(answer, cookies),
            Stay::Serve(serving) => self.serve(*serving, request),
            Stay::Wait(seen) => self.wait(seen, request),
        }
    }

    fn serve<B>(&self, serving: Serving, request: Request<B>) -> GateFuture<S, B>
    where
        S: Service<Request<B>>,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let Serving {
            endpoint,
            recognised,
            peer,
            told,
            cookies,
        } = serving;
        let gate = self.layer.gate.clone();
        // Owned parts and body, never `&Request<B>`: bodies are `Send` but not `Sync`.
        let (parts, body) = request.into_parts();
        let metrics = gate.0.common.metrics.clone();
        let work = endpoint::serve(gate, endpoint, parts, body, recognised, peer);
        let work = timed(work.instrument(report::span(peer)), metrics, told);
        GateFuture::later(Box::pin(work), cookies)
    }

    /// The request waits, and the service that is ready goes along; its clone becomes ready for the next one.
    fn wait<B>(&mut self, seen: Boxed<'static, Seen>, request: Request<B>) -> GateFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
    {
        let next = self.inner.clone();
        let service = Self {
            inner: std::mem::replace(&mut self.inner, next),
            layer: self.layer.clone(),
        };
        GateFuture::wait(seen, Held { service, request })
    }
}

/// An answer that takes the gate time, and what is said of it.
pub(crate) async fn timed(
    work: impl Future<Output = Response<Bytes>>,
    metrics: Arc<Metrics>,
    told: Told,
) -> Response<Bytes> {
    let began = Instant::now();
    let mut response = work.await;
    metrics.answered(began.elapsed());
    told.with(response.extensions_mut());
    response
}
