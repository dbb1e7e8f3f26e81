//! The application that stands behind each of them: three routes, of which one greets whoever is signed in.

use axum::{Extension, Router, body::Body, routing::get};
use http::{Request, Response, StatusCode};
use oidc_gate_benches::requests::SUBJECT;
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    hint::black_box,
    task::{Context, Poll},
};
use tower_service::Service;

/// Who is signed in, for those that keep or read what the application tells them to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct User {
    pub(crate) sub: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) groups: Vec<String>,
}

impl User {
    /// The one user there is.
    pub(crate) fn the_one() -> Self {
        let user = oidc_gate_benches::requests::user();
        Self {
            sub: user.subject().to_owned(),
            name: user.name().unwrap_or_default().to_owned(),
            email: user.email().unwrap_or_default().to_owned(),
            groups: user.groups().map(str::to_owned).collect(),
        }
    }
}

/// What `/me` answers: the identity is read, and it is the right one.
pub(crate) fn greet(subject: Option<&str>) -> Result<&'static str, StatusCode> {
    match black_box(subject) {
        Some(SUBJECT) => Ok("hello"),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

/// What the other two answer.
pub(crate) async fn hello() -> &'static str {
    "hello"
}

/// The application without anything in front, whose handler finds who is signed in among the request's extensions.
pub(crate) fn bare() -> Router {
    async fn me(signed: Option<Extension<Signed>>) -> Result<&'static str, StatusCode> {
        greet(signed.as_ref().map(|signed| signed.0.0.sub.as_str()))
    }
    Router::new()
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/me", get(me))
}

/// The same of the older axum.
pub(crate) fn bare_older() -> axum_0_7::Router {
    use axum_0_7::{Extension, routing::get};
    async fn me(signed: Option<Extension<Signed>>) -> Result<&'static str, StatusCode> {
        greet(signed.as_ref().map(|signed| signed.0.0.sub.as_str()))
    }
    axum_0_7::Router::new()
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/me", get(me))
}

/// Puts into every request what tells a handler who is signed in, which costs next to nothing: what an identity costs the
/// application, however it came there.
#[derive(Clone)]
pub(crate) struct Given<S>(pub(crate) S, pub(crate) Signed);

/// One pointer, as little as can be put there.
#[derive(Clone)]
pub(crate) struct Signed(pub(crate) std::sync::Arc<User>);

impl Service<Request<Body>> for Given<Router> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Router as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.extensions_mut().insert(self.1.clone());
        self.0.call(request)
    }
}

type OlderBody = axum_0_7::body::Body;

impl Service<Request<OlderBody>> for Given<axum_0_7::Router> {
    type Response = Response<OlderBody>;
    type Error = Infallible;
    type Future = <axum_0_7::Router as Service<Request<OlderBody>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<OlderBody>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: Request<OlderBody>) -> Self::Future {
        request.extensions_mut().insert(self.1.clone());
        self.0.call(request)
    }
}
