//! What stands here for the KMS, and for a provider that knows the public half of its key.

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use oidc_gate_axum::{
    Alg, SigningKey,
    core::{
        client_auth::{ClientKeys, RegisteredMethod, Registration},
        grant::GrantType,
        jose::JwkSet,
    },
    dev::DevProvider,
};
use serde_json::json;
use std::{error::Error, io, net::Ipv4Addr, sync::Arc};
use tokio::net::TcpListener;

/// Both on ports of their own, and where the key is.
pub(crate) async fn both(
    provider_at: u16,
    kms_at: u16,
) -> Result<(DevProvider, String), Box<dyn Error>> {
    let key = SigningKey::generate(Alg::ES256)?;
    let provider = provider(&key)?;
    provider.listen(provider_at).await?;
    Ok((provider, kms(kms_at, key).await?))
}

/// Holds the key, signs what it is sent, and answers where.
pub(crate) async fn kms(port: u16, key: SigningKey) -> io::Result<String> {
    let service = Router::new()
        .route("/client-key/sign", post(sign))
        .with_state(Arc::new(key));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, service).await });
    Ok(format!("http://{address}/client-key/sign"))
}

/// A real one asks first who wants the signature.
async fn sign(State(key): State<Arc<SigningKey>>, input: Bytes) -> Result<Vec<u8>, StatusCode> {
    key.sign(&input)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// A provider at which the client is registered with the public half of this key, and with nothing else.
pub(crate) fn provider(key: &SigningKey) -> Result<DevProvider, Box<dyn Error>> {
    let mut public = key.public_jwk();
    public["kid"] = json!("2026-11");
    let keys = JwkSet::parse(json!({ "keys": [public] }).to_string().as_bytes())?;
    let method = RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(Arc::new(keys)), Some(key.alg()));
    let app = Registration::new("app", method).grants([GrantType::AuthorizationCode]);
    let provider = DevProvider::builder()
        .demo_users()
        .registered(app, ["http://localhost:3000/oauth2/callback"]);
    Ok(provider.build())
}
