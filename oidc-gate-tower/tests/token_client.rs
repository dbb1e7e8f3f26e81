//! Tokens for a program, over a wire that answers by heart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::Response;
use oidc_gate_tower::{
    Check, ClientAuth, ClientCert, ClientKey, Clock, HttpClient, Signer, SignerError, TokenClient,
    TransportError,
    core::{
        backchannel::{DeviceAuthorizationRequest, RevocationRequest, Revoked},
        flow::{Exchange, Transport},
        form::Form,
        jose::{Alg, CompactJws, JwkSet, SigningKey},
        oauth_error::ErrorCode,
        secret::AccessToken,
        time::UnixTime,
        token::TokenRequest,
    },
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::time::{Duration, Instant};

const ISSUER: &str = "https://id.test";

/// What was sent: where to, with which identity, and the form.
type Sent = (String, Transport, String);

/// A server without a browser, which publishes this and answers each other request with the next of these.
#[derive(Clone)]
struct Wire {
    metadata: Arc<Value>,
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Wire {
    fn new(more: Value, answers: impl Into<Vec<(u16, Value)>>) -> Self {
        let mut metadata = json!({
            "issuer": ISSUER,
            "token_endpoint": "https://id.test/token",
            "revocation_endpoint": "https://id.test/revoke",
            "device_authorization_endpoint": "https://id.test/device",
        });
        for (name, value) in more.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        Self {
            metadata: Arc::new(metadata),
            answers: Arc::new(Mutex::new(answers.into())),
            sent: Arc::default(),
        }
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// The addresses that something was sent to.
    fn addresses(&self) -> Vec<String> {
        self.sent()
            .into_iter()
            .map(|(address, ..)| address)
            .collect()
    }
}

impl HttpClient for Wire {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let address = exchange.request.uri().to_string();
        let (status, body) = if address.ends_with("/.well-known/openid-configuration") {
            (200, (*self.metadata).clone())
        } else {
            self.answers.lock().unwrap().remove(0)
        };
        let form = String::from_utf8(exchange.request.into_body()).unwrap();
        let sent = (address, exchange.transport, form);
        self.sent.lock().unwrap().push(sent);
        let response = Response::builder().status(status);
        Ok(response.body(body.to_string().into_bytes()).unwrap())
    }
}

/// The time of the runtime, which tests let pass.
#[derive(Debug)]
struct Ticking(Instant);

impl Clock for Ticking {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_700_000_000) + self.0.elapsed()
    }
}

fn client(wire: &Wire, auth: impl Into<ClientAuth>) -> TokenClient {
    TokenClient::builder(ISSUER, "orders", auth)
        .http_client(wire.clone())
        .clock(Ticking(Instant::now()))
        .build()
        .unwrap()
}

fn token() -> (u16, Value) {
    let body = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 60});
    (200, body)
}

fn basic() -> ClientAuth {
    ClientAuth::client_secret_basic(String::from("hush"))
}

#[tokio::test]
async fn metadata_is_fetched_once_and_each_question_asked_once() {
    let wire = Wire::new(json!({}), [token(), (200, json!({}))]);
    let client = client(&wire, basic());
    let request = TokenRequest::client_credentials().scope("a").unwrap();
    let tokens = client.ask(request).await.unwrap();
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(60)));
    let end = RevocationRequest::access_token(&tokens.access_token);
    assert_eq!(client.ask(end).await.unwrap(), Revoked::Revoked);
    assert_eq!(
        wire.addresses(),
        [
            "https://id.test/.well-known/openid-configuration",
            "https://id.test/token",
            "https://id.test/revoke",
        ]
    );
    assert_eq!(wire.sent()[1].2, "grant_type=client_credentials&scope=a");
}

#[tokio::test]
async fn a_method_that_is_not_taken_is_refused_with_nothing_sent_but_for_metadata() {
    let listed = json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]});
    let wire = Wire::new(listed, []);
    for auth in [
        basic(),
        ClientAuth::automatic()
            .with_secret(String::from("hush"))
            .into(),
    ] {
        let client = client(&wire, auth);
        let asked = client.ask(TokenRequest::client_credentials());
        let refused = asked.await.unwrap_err();
        assert_eq!(refused.check(), Check::ClientAuthUnsupported);
    }
    let discovery = "https://id.test/.well-known/openid-configuration";
    assert_eq!(wire.addresses(), [discovery, discovery]);
}

/// A key that somebody else holds.
struct Vault(Arc<SigningKey>);

impl Signer for Vault {
    fn alg(&self) -> Alg {
        Alg::ES256
    }

    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.0.sign(input).map_err(SignerError::new)
    }
}

#[tokio::test]
async fn a_key_that_is_elsewhere_signs_a_fresh_assertion_for_each_request() {
    let listed = json!({
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    });
    let wire = Wire::new(listed, [token(), token()]);
    let key = Arc::new(SigningKey::generate(Alg::ES256).unwrap());
    let auth = ClientAuth::automatic()
        .with_secret(String::from("hush"))
        .with_key(ClientKey::external(Vault(key.clone())));
    let client = client(&wire, auth);
    let request = TokenRequest::client_credentials();
    let keys = json!({ "keys": [key.public_jwk()] }).to_string();
    let keys = JwkSet::parse(keys.as_bytes()).unwrap();
    let mut ids = Vec::new();
    for at in [1, 2] {
        client.ask(request.clone()).await.unwrap();
        let mut form = Form::parse(wire.sent()[at].2.as_bytes()).unwrap();
        let jws = CompactJws::parse(&form.take("client_assertion").unwrap()).unwrap();
        let claims = jws.verify(&keys).unwrap();
        assert_eq!(claims["aud"], ISSUER);
        ids.push(claims["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_certificate_is_shown_where_the_provider_asks_for_it_and_not_before() {
    let listed = json!({
        "token_endpoint_auth_methods_supported": ["tls_client_auth", "client_secret_basic"],
        "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.id.test/token"},
    });
    let wire = Wire::new(listed, [token()]);
    let auth = ClientAuth::automatic().with_certificate(ClientCert::in_transport());
    let client = client(&wire, auth);
    client
        .ask(TokenRequest::client_credentials())
        .await
        .unwrap();
    let sent: Vec<_> = wire
        .sent()
        .into_iter()
        .map(|(to, how, _)| (to, how))
        .collect();
    let discovery = "https://id.test/.well-known/openid-configuration";
    assert_eq!(
        sent,
        [
            (discovery.to_owned(), Transport::Tls),
            (
                "https://mtls.id.test/token".to_owned(),
                Transport::MutualTls
            ),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_is_let_in_after_some_time() {
    let device = json!({"device_code": "d", "user_code": "AB-CD", "verification_uri": "https://id.test/enter",
        "expires_in": 600});
    let not_yet = |code: &str| (400, json!({"error": code}));
    let answers = [
        (200, device.clone()),
        not_yet("authorization_pending"),
        not_yet("slow_down"),
        token(),
        (200, device),
        not_yet("access_denied"),
    ];
    let wire = Wire::new(json!({}), answers);
    let client = client(&wire, basic());
    let ask = || client.ask(DeviceAuthorizationRequest::new());
    let (begun, device) = (Instant::now(), ask().await.unwrap());
    client.poll(&device).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 5 + 5 + 10);
    let refused = client.poll(&ask().await.unwrap()).await.unwrap_err();
    assert_eq!(refused.check(), Check::TokenDenied);
    assert_eq!(refused.code(), Some(&ErrorCode::AccessDenied));
}

#[tokio::test(start_paused = true)]
async fn metadata_that_may_be_outdated_is_fetched_again() {
    let wire = Wire::new(json!({}), [(500, json!({})), token()]);
    let client = client(&wire, basic());
    let request = TokenRequest::client_credentials();
    tokio::time::advance(Duration::from_secs(1)).await;
    client.metadata().await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    let failed = client.ask(request.clone()).await.unwrap_err();
    assert_eq!(failed.check(), Check::TokenUnavailable);
    client.ask(request).await.unwrap();
    let discovery = "https://id.test/.well-known/openid-configuration";
    let token = "https://id.test/token";
    assert_eq!(wire.addresses(), [discovery, token, discovery, token]);
}

#[tokio::test]
async fn no_error_and_no_debug_shows_a_secret() {
    let error = json!({"error": "invalid_client", "error_description": "no", "access_token": "secret-token"});
    let wire = Wire::new(json!({}), [(400, error)]);
    let client = client(&wire, basic());
    let refused = client
        .ask(TokenRequest::client_credentials())
        .await
        .unwrap_err();
    let revocation = RevocationRequest::access_token(&AccessToken::new("secret-token"));
    let shown = format!("{refused:?} {refused} {client:?} {revocation:?}");
    assert!(
        !shown.contains("hush") && !shown.contains("secret-token"),
        "{shown}"
    );
}

#[test]
fn a_client_that_cannot_be_is_refused_with_everything_that_is_wrong() {
    let auth = ClientAuth::client_secret_basic(String::new());
    let problems = TokenClient::builder("http://id.test", "", auth)
        .http_client(Wire::new(json!({}), []))
        .build()
        .unwrap_err();
    let problems: Vec<_> = problems.problems().collect();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("issuer: "), "{problems:?}");
    assert_eq!(problems[1], "client: the client id is empty");
    assert_eq!(
        problems[2],
        "client: the secret is empty; a client without a secret is `ClientAuth::none()`"
    );
}
