//! The gate around an axum application.

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, NestedPath, OriginalUri},
    response::Response,
    serve::{IncomingStream, Listener},
};
use http::{Extensions, Request};
use oidc_gate_tower::{self as tower, Gate, GateBody, OriginalTarget};
use std::{
    any::Any,
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Where axum leaves the URI that the client sent. A nested router cuts the path that its services see.
///
/// Outside of a nest, what the service sees is what its router goes by, even where something has rewritten it since the
/// outermost router took note of the original.
pub(crate) fn original(extensions: &Extensions) -> OriginalTarget<'_> {
    if extensions.get::<NestedPath>().is_none() {
        return OriginalTarget::Whole;
    }
    match extensions.get::<OriginalUri>() {
        Some(uri) => OriginalTarget::Is(&uri.0),
        None => OriginalTarget::Lost,
    }
}

fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0)
}

/// With the type of a body in hand there is no bound on what a request may carry. It costs a box.
fn clean_trailers(gate: &Gate, body: &mut dyn Any) {
    if let Some(body) = body.downcast_mut::<Body>()
        && !body.is_end_stream()
    {
        *body = Body::new(gate.clean_trailers(std::mem::take(body)));
    }
}

/// What axum adds to a [`Gate`].
pub trait GateExt {
    /// The gate around the whole application: every route, the fallback, and whatever else the router answers.
    ///
    /// The result goes to `axum::serve` as it is, and brings the peer's address along. What belongs outside of the gate
    /// (tracing, CORS) is put there with [`Protected::layer`].
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use oidc_gate_axum::{AuthenticatedUser, Gate, GateExt as _};
    ///
    /// async fn run(gate: &Gate) -> std::io::Result<()> {
    ///     let me = async |user: AuthenticatedUser| user.display_name().to_owned();
    ///     let app = Router::new().route("/me", get(me));
    ///     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    ///     axum::serve(listener, gate.protect(app)).await
    /// }
    /// ```
    ///
    /// A router with state has to be given it first:
    ///
    /// ```
    /// use axum::{Router, extract::State, routing::get};
    /// use oidc_gate_axum::{Gate, GateExt as _, Protected};
    ///
    /// fn app(gate: &Gate) -> Protected {
    ///     let app = Router::new().route("/", get(async |State(motto): State<&'static str>| motto));
    ///     gate.protect(app.with_state("festina lente"))
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use axum::{Router, extract::State, routing::get};
    /// # use oidc_gate_axum::{Gate, GateExt as _, Protected};
    /// fn app(gate: &Gate) -> Protected {
    ///     let app: Router<&'static str> = Router::new().route("/", get(async |State(motto): State<&'static str>| motto));
    ///     gate.protect(app) // the state is missing
    /// }
    /// ```
    fn protect(&self, app: Router) -> Protected;

    /// The gate as a layer for [`Router::layer`], where a `Router` has to come out.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use oidc_gate_axum::{Gate, GateExt as _};
    ///
    /// fn app(gate: &Gate) -> Router {
    ///     Router::new()
    ///         .route("/covered", get(async || "members only"))
    ///         .layer(gate.layer())
    ///         .route("/public", get(async || "everybody sees this"))
    /// }
    /// ```
    ///
    /// # Security
    ///
    /// `Router::layer` wraps the routes that are there: a route or a fallback added afterwards is **public**, and the
    /// gate's own endpoints are lost when the router is nested or merged. [`protect`](Self::protect) has neither trap.
    fn layer(&self) -> GateLayer;
}

impl GateExt for Gate {
    fn protect(&self, app: Router) -> Protected {
        Protected {
            service: GateExt::layer(self).layer(app),
            peer: None,
        }
    }

    fn layer(&self) -> GateLayer {
        GateLayer(
            tower::GateLayer::new(self)
                .original_target(original)
                .peer_addr(peer)
                .request_body(clean_trailers),
        )
    }
}

/// The tower layer, with axum's body in its answers: what [`GateExt::layer`] makes.
///
/// ```
/// use axum::Router;
/// use oidc_gate_axum::{Gate, GateExt as _, GateService};
/// use tower::Layer as _;
///
/// fn around(gate: &Gate, app: Router) -> GateService<Router> {
///     gate.layer().layer(app)
/// }
/// ```
///
/// That service is none for `axum::serve`, which asks for one service per connection. [`GateExt::protect`] makes it one:
///
/// ```compile_fail,E0277
/// # use axum::Router;
/// # use oidc_gate_axum::{Gate, GateExt as _};
/// # use tower::Layer as _;
/// async fn run(gate: &Gate, listener: tokio::net::TcpListener) -> std::io::Result<()> {
///     axum::serve(listener, gate.layer().layer(Router::new())).await
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GateLayer(tower::GateLayer);

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;
    fn layer(&self, inner: S) -> GateService<S> {
        GateService(self.0.layer(inner))
    }
}

/// The tower service, with axum's body in its answers: `axum::serve` takes no other, and nothing is boxed twice. Made by
/// [`GateLayer`].
#[derive(Clone, Debug)]
pub struct GateService<S>(tower::GateService<S>);

impl<S, B> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response> + Clone,
    B: HttpBody + Send + 'static,
    B::Data: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = GateFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<B>) -> GateFuture<S, B> {
        GateFuture {
            future: self.0.call(request),
        }
    }
}

pin_project_lite::pin_project! {
    /// The answer of a [`GateService`] to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct GateFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        future: tower::GateFuture<S, B>,
    }
}

impl<S, B> fmt::Debug for GateFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.future.fmt(f)
    }
}

impl<S, B> Future for GateFuture<S, B>
where
    S: Service<Request<B>, Response = Response> + Clone,
    B: HttpBody + Send + 'static,
    B::Data: Send,
{
    type Output = Result<Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.project().future.poll(cx);
        answer.map_ok(|response| response.map(|body: GateBody<Body>| body.unify(Body::from)))
    }
}

/// An application behind a gate. Goes to `axum::serve` as it is, takes further layers outside, and is a `Router` again
/// on demand. Made by [`GateExt::protect`].
///
/// The peer's address comes along, so a handler may take `ConnectInfo<SocketAddr>`. There is no `into_make_service` and
/// no need for one:
///
/// ```compile_fail,E0599
/// # use axum::Router;
/// # use oidc_gate_axum::{Gate, GateExt as _};
/// async fn run(gate: &Gate, listener: tokio::net::TcpListener) -> std::io::Result<()> {
///     axum::serve(listener, gate.protect(Router::new()).into_make_service()).await
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Protected<S = GateService<Router>> {
    service: S,
    peer: Option<SocketAddr>,
}

impl<S> Protected<S> {
    /// A layer outside of the gate: tracing, CORS, compression, a timeout. The last one added is the outermost.
    ///
    /// CORS belongs here and not into the router: a script of another origin is to see the gate's 401, and without the
    /// headers of CORS it sees a network error.
    ///
    /// ```
    /// use axum::Router;
    /// use oidc_gate_axum::{Gate, GateExt as _};
    /// use tower_http::cors::CorsLayer;
    ///
    /// async fn run(gate: &Gate, app: Router) -> std::io::Result<()> {
    ///     let app = gate.protect(app).layer(CorsLayer::permissive());
    ///     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await
    /// }
    /// ```
    pub fn layer<L: Layer<S>>(self, layer: L) -> Protected<AxumBody<L::Service>> {
        Protected {
            service: AxumBody(layer.layer(self.service)),
            peer: self.peer,
        }
    }

    /// For tools that take only routers.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use oidc_gate_axum::{Gate, GateExt as _};
    ///
    /// fn app(gate: &Gate, app: Router) -> Router {
    ///     // Outside of the gate, for everybody to see.
    ///     gate.protect(app).into_router().route("/health", get(async || "fine"))
    /// }
    /// ```
    pub fn into_router(self) -> Router
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Router::new().fallback_service(self)
    }
}

impl<S, B> Service<Request<B>> for Protected<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(addr) = self.peer {
            request.extensions_mut().insert(ConnectInfo(addr));
        }
        self.service.call(request)
    }
}

/// What makes `axum::serve(listener, gate.protect(router))` compile, and brings the peer's address along without
/// `into_make_service_with_connect_info`.
impl<L: Listener, S: Clone> Service<IncomingStream<'_, L>> for Protected<S> {
    type Response = Self;
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, L>) -> Self::Future {
        let peer = (stream.remote_addr() as &dyn Any)
            .downcast_ref::<SocketAddr>()
            .copied();
        ready(Ok(Self {
            service: self.service.clone(),
            peer,
        }))
    }
}

/// Gives a service axum's one body type again: `axum::serve` demands it, and most layers change it. Made by
/// [`Protected::layer`].
#[derive(Clone, Debug)]
pub struct AxumBody<S>(S);

impl<S, B, R> Service<Request<B>> for AxumBody<S>
where
    S: Service<Request<B>, Response = http::Response<R>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = AxumBodyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        AxumBodyFuture {
            future: self.0.call(request),
        }
    }
}

pin_project_lite::pin_project! {
    /// The answer of an [`AxumBody`] to come.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct AxumBodyFuture<F> {
        #[pin]
        future: F,
    }
}

impl<F, R, E> Future for AxumBodyFuture<F>
where
    F: Future<Output = Result<http::Response<R>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<axum::BoxError>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .future
            .poll(cx)
            .map_ok(|response| response.map(Body::new))
    }
}
