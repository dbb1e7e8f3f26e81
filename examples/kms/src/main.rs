//! `private_key_jwt` with the key in a KMS, which signs over HTTP. Open http://localhost:3000.
use axum::{Router, routing::get};
use oidc_gate_axum::{
    Alg, AuthenticatedUser, ClientAuth, ClientKey, ConfigError, CookieKeys, Gate, GateExt as _,
    Signer, SignerError, dev::DevProvider,
};
mod stand_in;

struct Kms {
    http: reqwest::Client,
    key: String,
}

impl Signer for Kms {
    fn alg(&self) -> Alg {
        Alg::ES256
    }
    fn kid(&self) -> Option<&str> {
        Some("2026-11")
    }
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignerError> {
        let request = self.http.post(&self.key).body(input.to_vec());
        let reply = request.send().await.and_then(|it| it.error_for_status());
        let signature = reply.map_err(SignerError::new)?.bytes().await;
        Ok(signature.map_err(SignerError::new)?.to_vec()) // r and s; a KMS that answers in DER needs a step more
    }
}

fn gate(provider: &DevProvider, key: String) -> Result<Gate, ConfigError> {
    let http = reqwest::Client::new();
    let key = ClientKey::external(Kms { http, key });
    Gate::builder()
        .dev_provider(provider) // in earnest .issuer("https://id.example.com")
        .client("app", ClientAuth::private_key_jwt(key)) // a SigningKey held here goes in the same place
        .base_url("http://localhost:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (provider, key) = stand_in::both(3001, 3002).await?;
    let hello = async |user: AuthenticatedUser| format!("hello {}", user.display_name());
    let app = Router::new().route("/", get(hello));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, gate(&provider, key)?.protect(app)).await?)
}

#[cfg(test)]
mod tests;
