//! Mutual TLS with a certificate in files; or, where `MESH` names a PEM file, through a transport of one's own.
use axum::{Router, body::Body, body::to_bytes, http::Response, routing::get};
use oidc_gate_axum::core::flow::{Exchange, Transport};
use oidc_gate_axum::{
    AuthenticatedUser, ClientAuth, ClientCert, Gate, GateBuilder, GateExt as _, HttpClient,
    TransportError,
};
use reqwest::{Client, ClientBuilder, Identity, Request, redirect::Policy, retry};

/// Without the certificate, and with it.
struct Mesh(Client, Client);

impl HttpClient for Mesh {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let client = match exchange.transport {
            Transport::Tls => &self.0,
            Transport::MutualTls => &self.1,
        };
        let mut request = Request::try_from(exchange.request).map_err(TransportError::not_sent)?;
        *request.timeout_mut() = Some(exchange.deadline);
        let answer = client.execute(request).await.map_err(TransportError::new)?;
        let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
        let body = to_bytes(Body::new(body), exchange.max_body_bytes).await;
        let body = body.map_err(TransportError::new)?.to_vec();
        Ok(Response::from_parts(head, body))
    }
}

fn strict() -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .retry(retry::never())
}

fn by_files(gate: GateBuilder, certs: &str) -> GateBuilder {
    let cert = ClientCert::pem_files(format!("{certs}/tls.crt"), format!("{certs}/tls.key"));
    gate.client("app", ClientAuth::tls_client_auth(cert))
}

fn by_mesh(gate: GateBuilder, mesh: Mesh) -> GateBuilder {
    let auth = ClientAuth::self_signed_tls_client_auth(ClientCert::in_transport());
    gate.client("app", auth).http_client(mesh)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = match std::env::var("MESH") {
        Ok(pem) => {
            let identity = Identity::from_pem(&std::fs::read(pem)?)?;
            let mesh = Mesh(strict().build()?, strict().identity(identity).build()?);
            by_mesh(Gate::builder().env(), mesh)
        }
        Err(_) => by_files(Gate::builder().env(), "/run/certs"), // read again when they change
    };
    let hello = async |user: AuthenticatedUser| format!("hello {}", user.display_name());
    let app = gate.build()?.protect(Router::new().route("/", get(hello)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}

#[cfg(test)]
mod tests;
