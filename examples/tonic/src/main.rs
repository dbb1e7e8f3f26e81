//! gRPC with tonic behind a gate that takes bearer tokens alone: no client, no address of its own, no cookies. Once with a page
//! beside it on one port, in axum; once in tonic's own server.
use axum::{Router, routing::get};
use oidc_gate_axum::tower::{GateLayer, RequireLayer};
use oidc_gate_axum::{
    AuthenticatedUser, Bearer, ConfigError, Gate, GateExt as _, Pattern, Principal,
    dev::DevProvider, scope,
};
use std::convert::Infallible;
use tonic::codegen::{BoxFuture, Context, Poll, Service, http};
use tonic::service::{LayerExt as _, Routes};
use tonic::transport::{Error, Server, server::TcpIncoming};
use tonic::{body::Body, server::Grpc};

mod text;

/// What `tonic-build` would write.
#[derive(Clone)]
struct Greeter;

impl tonic::server::NamedService for Greeter {
    const NAME: &'static str = "hello.Greeter";
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut grpc = Grpc::new(text::Text);
        Box::pin(async move { Ok(grpc.unary(tower::service_fn(hello), request).await) })
    }
}

/// What you would write.
async fn hello(request: tonic::Request<String>) -> Result<tonic::Response<String>, tonic::Status> {
    let caller = request.extensions().get::<Principal>();
    let name = caller.map_or("nobody", |caller| caller.display_name());
    Ok(format!("{}, {name}", request.get_ref()).into())
}

fn gate(provider: &DevProvider) -> Result<Gate, ConfigError> {
    Gate::builder()
        .dev_provider(provider) // yours: .bearer(Bearer::audience("greeter").issuer("https://id.example.com"))
        .bearer(Bearer::audience("greeter"))
        .open(Pattern::get("/"))
        .build()
}

/// Each service with what it requires.
fn routes() -> Routes {
    Routes::new(RequireLayer::new(scope("greet")).named_layer(Greeter))
}

async fn serve(gate: Gate, port: TcpIncoming) -> Result<(), Error> {
    let mut server = Server::builder().layer(GateLayer::new(&gate));
    server.add_routes(routes()).serve_with_incoming(port).await
}

/// tonic's routes are a router like any other.
fn app() -> Router {
    routes().into_axum_router().route("/", get(page))
}

async fn page(user: Option<AuthenticatedUser>) -> String {
    let name = user.as_ref().map_or("nobody", |user| user.display_name());
    format!("this page is for everybody, and you are {name}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = DevProvider::demo();
    provider.listen(3001).await?;
    let gate = gate(&provider)?;
    let alone = TcpIncoming::bind("127.0.0.1:3002".parse()?)?;
    tokio::spawn(serve(gate.clone(), alone));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, gate.protect(app())).await?)
}

#[cfg(test)]
mod tests;
