//! A client of `openidconnect` beside a gate: the same registration, provider and HTTP client.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::Response;
use oidc_gate_tower::{
    ClientAuth, ClientCert, CookieKeys, Gate, HttpClient, TransportError,
    bridge::{
        BridgeError, Bridged, BridgedHttp, FromTheirs as _,
        openidconnect::{
            IssuerUrl, OAuth2TokenResponse as _, RequestTokenError, core::CoreProviderMetadata,
        },
    },
    core::{
        check::Check,
        flow::{Exchange, Transport},
        provider::Metadata,
        secret::ClientSecret,
    },
    dev::{DevProvider, Fault, InProcess},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ISSUER: &str = "https://id.test";

fn provider(secret: &str) -> DevProvider {
    DevProvider::builder()
        .issuer(ISSUER)
        .demo_users()
        .client(
            "app",
            Some(ClientSecret::new(secret)),
            "https://app.test/oauth2/callback",
        )
        .build()
}

/// A provider in the process, what was sent to it, and another list of its methods.
#[derive(Clone)]
struct Wire {
    provider: InProcess,
    method: Option<&'static str>,
    sent: Arc<Mutex<Vec<(String, Transport)>>>,
}

impl Wire {
    fn new(provider: &DevProvider, method: Option<&'static str>) -> Self {
        Self {
            provider: provider.http_client(),
            method,
            sent: Arc::default(),
        }
    }
}

impl HttpClient for Wire {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let path = exchange.request.uri().path().to_owned();
        self.sent
            .lock()
            .unwrap()
            .push((path.clone(), exchange.transport));
        let mut answer = self.provider.send(exchange).await?;
        if let Some(method) = self.method
            && path.contains("well-known")
        {
            let mut metadata: Value = serde_json::from_slice(answer.body()).unwrap();
            metadata["token_endpoint_auth_methods_supported"] = json!([method]);
            *answer.body_mut() = metadata.to_string().into_bytes();
        }
        Ok(answer)
    }
}

fn gate(http: impl HttpClient, auth: ClientAuth) -> Gate {
    let gate = Gate::builder()
        .issuer(ISSUER)
        .client("app", auth)
        .base_url("https://app.test")
        .cookie_keys(CookieKeys::ephemeral())
        .http_client(http);
    gate.build().unwrap()
}

async fn client_credentials(theirs: &Bridged) -> Result<String, String> {
    let request = theirs.client.exchange_client_credentials();
    match request.request_async(&theirs.http).await {
        Ok(tokens) => Ok(tokens.access_token().secret().clone()),
        Err(RequestTokenError::ServerResponse(answer)) => Err(answer.error().to_string()),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn their_client_proves_itself_as_the_gates_does() {
    for auth in [
        ClientAuth::client_secret_basic as fn(String) -> ClientAuth,
        ClientAuth::client_secret_post,
        |secret| ClientAuth::automatic().with_secret(secret).into(),
    ] {
        let provider = provider("a secret: &%+");
        // So that every way of proving it is by the secret itself.
        let wire = |secret: &str| {
            let auth = auth(secret.to_owned());
            let method = format!("{auth:?}")
                .contains("Post")
                .then_some("client_secret_post");
            gate(
                Wire::new(&provider, method.or(Some("client_secret_basic"))),
                auth,
            )
        };
        let theirs = wire("a secret: &%+").openidconnect().await.unwrap();
        assert_eq!(
            theirs.client.redirect_uri().unwrap().as_str(),
            "https://app.test/oauth2/callback"
        );
        let token = client_credentials(&theirs).await.unwrap();
        assert!(!token.is_empty());
        let wrong = wire("another").openidconnect().await.unwrap();
        assert_eq!(
            client_credentials(&wrong).await,
            Err("invalid_client".to_owned())
        );
    }
}

#[tokio::test]
async fn a_certificate_is_shown_by_their_client_where_the_gate_shows_it() {
    let provider = DevProvider::builder().issuer(ISSUER).demo_users().build();
    let wire = Wire::new(&provider, Some("tls_client_auth"));
    let gate = gate(
        wire.clone(),
        ClientAuth::tls_client_auth(ClientCert::in_transport()),
    );
    let theirs = gate.openidconnect().await.unwrap();
    drop(client_credentials(&theirs).await);
    let sent = wire.sent.lock().unwrap().clone();
    assert!(sent.iter().any(|(path, _)| path == "/token"));
    for (path, transport) in sent {
        assert_eq!(
            transport == Transport::MutualTls,
            path == "/token",
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_endpoint_for_devices_comes_along() {
    let provider = provider("hush");
    let auth = ClientAuth::client_secret_basic(String::from("hush"));
    let gate = gate(provider.http_client(), auth);
    let theirs = gate.openidconnect().await.unwrap();
    let url = theirs.device_authorization.unwrap();
    assert_eq!(url.as_str(), "https://id.test/device_authorization");
    assert!(theirs.introspection.is_none());
    let url = theirs.revocation.unwrap();
    assert_eq!(url.as_str(), "https://id.test/revocation");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_told_as_the_gate_tells_it() {
    let provider = provider("hush");
    provider.fault(Fault::Unreachable);
    let auth = ClientAuth::client_secret_basic(String::from("hush"));
    let refused = gate(provider.http_client(), auth)
        .openidconnect()
        .await
        .map(drop);
    let Err(BridgeError::Provider(failed)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(failed.check(), Check::ProviderUnreachable);
}

#[tokio::test]
async fn their_discovery_goes_through_any_http_client_of_ours_and_reads_what_ours_reads() {
    let provider = provider("hush");
    let http = BridgedHttp::new(provider.http_client());
    let issuer = IssuerUrl::new(ISSUER.to_owned()).unwrap();
    let theirs = CoreProviderMetadata::discover_async(issuer, &http)
        .await
        .unwrap();
    assert_eq!(theirs.jwks().keys().len(), 1);
    let ours = Metadata::from_theirs(&theirs).unwrap();
    assert_eq!(ours.token_endpoint().as_str(), "https://id.test/token");
}
