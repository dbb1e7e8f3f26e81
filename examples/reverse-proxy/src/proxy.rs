//! What stands behind the gate: an upstream for each path.

use crate::{
    Body, BoxError, Paths, Settings, Target, Upstreams,
    answer::{Form, answer, empty},
    files::file,
    remote::Remote,
};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use oidc_gate_tower::{Gate, core::gate::Clarity};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// Passes on what the gate has let in.
#[derive(Clone, Debug)]
pub struct Proxy {
    remote: Remote,
    upstreams: Arc<Upstreams>,
    paths: Paths,
}

impl Proxy {
    /// Behind this gate.
    ///
    /// # Errors
    ///
    /// If the system's certificate authorities cannot be read.
    pub fn new(gate: &Gate, settings: Settings) -> Result<Self, BoxError> {
        Ok(Self {
            remote: Remote::new(gate, &settings)?,
            paths: settings.paths,
            upstreams: Arc::new(settings.upstreams),
        })
    }

    async fn pass(self, request: Request<Incoming>) -> Response<Body> {
        let form = Form::of(request.headers());
        let path = request.uri().path();
        if self.paths == Paths::Plain && Clarity::of(path) != Clarity::Plain {
            return answer(form, StatusCode::BAD_REQUEST, "ambiguous path");
        }
        let Some(upstream) = self.upstreams.find(path) else {
            return answer(form, StatusCode::NOT_FOUND, "not found");
        };
        match &upstream.target {
            Target::Server(origin) => self.remote.pass(origin, request).await,
            Target::Directory(directory) => file(directory, &upstream.path, request).await,
            Target::Status(status) => empty(*status),
        }
    }
}

impl Service<Request<Incoming>> for Proxy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let proxy = self.clone();
        Box::pin(async move { Ok(proxy.pass(request).await) })
    }
}
