//! gRPC with tonic, and a page beside it on one port, behind a gate that takes bearer tokens alone: no client, no address of
//! its own, no cookies.
use axum::{Router, routing::get};
use oidc_gate_axum::{
    AuthenticatedUser, Bearer, ConfigError, Gate, GateExt as _, Pattern, Principal,
    dev::DevProvider, scope,
};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{body::Body, codegen::http, server::Grpc};
use tower::{Service, service_fn};

mod text;

/// What `tonic-build` would write.
#[derive(Clone)]
struct Greeter;

impl tonic::server::NamedService for Greeter {
    const NAME: &'static str = "hello.Greeter";
}

type Answer = Result<http::Response<Body>, Infallible>;

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            Ok(Grpc::new(text::Text)
                .unary(service_fn(hello), request)
                .await)
        })
    }
}

/// What you would write.
async fn hello(request: tonic::Request<String>) -> Result<tonic::Response<String>, tonic::Status> {
    let caller = request.extensions().get::<Principal>();
    let name = caller.map_or("nobody", |caller| caller.display_name());
    let text = format!("{}, {name}", request.get_ref());
    Ok(tonic::Response::new(text))
}

fn gate(provider: &DevProvider) -> Result<Gate, ConfigError> {
    Gate::builder()
        .dev_provider(provider) // yours: .bearer(Bearer::audience("greeter").issuer("https://id.example.com"))
        .bearer(Bearer::audience("greeter"))
        .require(Pattern::prefix("/hello.Greeter"), scope("greet"))
        .open(Pattern::get("/"))
        .build()
}

/// tonic's routes are a router like any other.
fn app() -> Router {
    tonic::service::Routes::new(Greeter)
        .into_axum_router()
        .route("/", get(page))
}

async fn page(user: Option<AuthenticatedUser>) -> String {
    let name = user.map_or("nobody".to_owned(), |user| user.display_name().to_owned());
    format!("this page is for everybody, and you are {name}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = DevProvider::demo();
    provider.listen(3001).await?;
    let gate = gate(&provider)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, gate.protect(app())).await?)
}

#[cfg(test)]
mod tests;
