//! Plain hyper, without axum: the gate's layer, a requirement, the peer's address. Open http://localhost:3000.
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use oidc_gate_tower::{
    CookieKeys, Gate, GateLayer, PeerAddr, Principal, RequireLayer, dev::DevProvider, group,
};
use std::{convert::Infallible, io};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

async fn hello(req: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let user = req.extensions().get::<Principal>();
    let name = user.map_or("nobody", |user| user.display_name());
    Ok(Response::new(Full::from(name.to_owned())))
}

async fn serve(gate: &Gate, listener: TcpListener) -> io::Result<()> {
    let service = ServiceBuilder::new()
        .layer(GateLayer::new(gate))
        .layer(RequireLayer::new(group("staff")))
        .service(service_fn(hello));
    loop {
        let (io, peer) = listener.accept().await?; // the peer's address is the acceptor's to give
        let service = service.clone().map_request(move |mut r: Request<_>| {
            r.extensions_mut().insert(PeerAddr(peer));
            r
        });
        let service = TowerToHyperService::new(service);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(io), service));
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = DevProvider::demo();
    provider.listen(3001).await?;
    let gate = Gate::builder()
        .base_url("http://localhost:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .dev_provider(&provider)
        .env() // OIDC_GATE_ISSUER_URL and friends take the embedded provider's place
        .build()?;
    Ok(serve(&gate, TcpListener::bind("127.0.0.1:3000").await?).await?)
}

#[cfg(test)]
mod tests;
