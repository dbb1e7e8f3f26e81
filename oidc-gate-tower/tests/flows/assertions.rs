//! Clients that prove themselves by assertions and by certificates.

use crate::world::{ISSUER, START, World, world_from};
use oidc_gate_tower::{
    ClientAuth, ClientCert, ClientKey, Gate, Provider, Signer, SignerError,
    core::{
        client_auth::JWT_BEARER,
        flow::Transport,
        form::Form,
        jose::{Alg, CompactJws, JwkSet, SigningKey},
        secret::ClientSecret,
        time::UnixTime,
    },
    dev::DevProvider,
    testing::ManualClock,
};
use serde_json::{Map, Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// A gate whose client proves itself so, at a provider that takes it by its word.
fn world_of_client(auth: ClientAuth) -> World {
    let gate = move |_| Gate::builder().provider(Provider::unnamed(ISSUER, "app", auth));
    // Without a registration nobody's keys are known here.
    let clock = ManualClock::new(UnixTime::from_secs(START));
    let provider = |_| {
        DevProvider::builder()
            .issuer(ISSUER)
            .demo_users()
            .clock(clock)
    };
    world_from(provider, gate, |gate| gate)
}

/// What the last token request proved the client with.
fn assertion(w: &World) -> CompactJws {
    let sent = w.wire.sent();
    let token = sent
        .iter()
        .rev()
        .find(|sent| sent.path == "/token")
        .unwrap();
    assert_eq!(token.authorization, "");
    let mut form = Form::parse(token.body.as_bytes()).unwrap();
    assert_eq!(form.take("client_id").unwrap(), "app");
    assert_eq!(form.take("client_assertion_type").unwrap(), JWT_BEARER);
    CompactJws::parse(&form.take("client_assertion").unwrap()).unwrap()
}

fn published(key: &SigningKey) -> JwkSet {
    let set = json!({ "keys": [key.public_jwk()] }).to_string();
    JwkSet::parse(set.as_bytes()).unwrap()
}

fn is_for_the_issuer(claims: &Map<String, Value>) {
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("app"), &json!("app"))
    );
    assert_eq!(claims["aud"], ISSUER);
}

#[tokio::test]
async fn a_client_logs_in_with_its_own_key_and_a_fresh_assertion_each_time() {
    let key = SigningKey::generate(Alg::ES256).unwrap().named("2026-11");
    let keys = published(&key);
    let mut w = world_of_client(ClientAuth::private_key_jwt(key));
    let mut ids = Vec::new();
    for user in ["alice", "bob"] {
        let url = w.callback(user, "/me").await;
        let page = w.browser.get(&url).await;
        assert!(page.body.starts_with(&format!("/me {user} ")), "{page:?}");
        let jws = assertion(&w);
        assert_eq!(jws.kid(), Some("2026-11"));
        let claims = jws.verify(&keys).unwrap();
        is_for_the_issuer(&claims);
        ids.push(claims["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_client_logs_in_with_an_assertion_of_its_secret_which_is_not_sent() {
    let secret = ClientSecret::new("x".repeat(40));
    let mut w = world_of_client(ClientAuth::client_secret_jwt(Alg::HS256, secret.clone()));
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    is_for_the_issuer(&assertion(&w).verify(&secret).unwrap());
    assert!(
        w.wire
            .sent()
            .iter()
            .all(|sent| !sent.body.contains(secret.expose()))
    );
}

#[tokio::test]
async fn a_client_that_holds_a_key_and_a_secret_logs_in_by_the_key_unless_it_says_otherwise() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let keys = published(&key);
    let secret = String::from("a secret of more than thirty-two bytes");
    let auth = ClientAuth::automatic()
        .with_secret(secret.clone())
        .with_key(key);
    let mut w = world_of_client(auth.into());
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    is_for_the_issuer(&assertion(&w).verify(&keys).unwrap());
    assert!(
        w.wire
            .sent()
            .iter()
            .all(|sent| !sent.body.contains(&secret))
    );
}

/// A key behind something that can fail.
struct Kms {
    key: SigningKey,
    works: Arc<AtomicBool>,
    /// How long a signature takes.
    takes: Arc<AtomicU64>,
}

impl Signer for Kms {
    fn alg(&self) -> Alg {
        self.key.alg()
    }

    fn kid(&self) -> Option<&str> {
        Some(self.key.kid())
    }

    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignerError> {
        tokio::time::sleep(Duration::from_secs(self.takes.load(Ordering::SeqCst))).await;
        if !self.works.load(Ordering::SeqCst) {
            return Err(SignerError::new("the key is locked"));
        }
        self.key.sign(input).map_err(SignerError::new)
    }
}

#[tokio::test]
async fn a_key_elsewhere_signs_and_a_login_without_its_signature_uses_no_code_up() {
    let key = SigningKey::generate(Alg::PS256).unwrap();
    let (keys, works) = (published(&key), Arc::new(AtomicBool::new(true)));
    let kms = Kms {
        key,
        works: works.clone(),
        takes: Arc::default(),
    };
    let mut w = world_of_client(ClientAuth::private_key_jwt(ClientKey::external(kms)));
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    is_for_the_issuer(&assertion(&w).verify(&keys).unwrap());

    works.store(false, Ordering::SeqCst);
    let url = w.callback("bob", "/me").await;
    let page = w.browser.get(&url).await;
    assert_eq!((page.status.as_u16(), w.wire.count("/token")), (503, 1));
    assert!(w.log.text().contains("the key is locked"));
    let event = w.log.failed_login();
    assert_eq!(
        (event.get("check"), event.get("cause")),
        ("client.key", "whoever holds the client's key did not sign")
    );
    assert_eq!(w.whoami().await, "alice");
}

#[tokio::test(start_paused = true)]
async fn a_key_elsewhere_that_does_not_answer_ends_the_login_and_uses_no_code_up() {
    let takes = Arc::new(AtomicU64::new(9));
    let kms = Kms {
        key: SigningKey::generate(Alg::ES256).unwrap(),
        works: Arc::new(AtomicBool::new(true)),
        takes: takes.clone(),
    };
    let mut w = world_of_client(ClientAuth::private_key_jwt(ClientKey::external(kms)));
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");

    takes.store(u64::from(u32::MAX), Ordering::SeqCst);
    let url = w.callback("bob", "/me").await;
    let (begun, sent) = (Instant::now(), w.wire.count("/token"));
    let page = w.browser.get(&url).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    let event = w.log.failed_login();
    assert_eq!(
        (page.status.as_u16(), event.get("check"), event.get("cause")),
        (
            503,
            "client.key",
            "whoever holds the client's key did not answer in time"
        )
    );
    assert_eq!(w.wire.count("/token"), sent);
    assert_eq!(w.whoami().await, "alice");
}

#[tokio::test]
async fn a_certificate_is_shown_to_the_token_endpoint_of_those_who_have_one_and_nowhere_else() {
    let auth = ClientAuth::tls_client_auth(ClientCert::in_transport());
    let mut w = world_of_client(auth);
    w.wire
        .alias("https://mtls.id.test/token", "https://id.test/token");
    w.wire.tamper(|path, answer| {
        if path == crate::wire::DISCOVERY {
            let mut metadata: Value = serde_json::from_slice(answer.body()).unwrap();
            metadata["token_endpoint_auth_methods_supported"] = json!(["tls_client_auth"]);
            metadata["mtls_endpoint_aliases"] =
                json!({"token_endpoint": "https://mtls.id.test/token"});
            *answer.body_mut() = metadata.to_string().into_bytes();
        }
    });
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    for sent in w.wire.sent() {
        let shown = sent.transport == Transport::MutualTls;
        assert_eq!(shown, sent.path == "/token", "{}", sent.path);
    }
    let sent = w.wire.sent();
    let token = sent.iter().find(|sent| sent.path == "/token").unwrap();
    let form = Form::parse(token.body.as_bytes()).unwrap();
    assert_eq!(form.get("client_id"), Some("app"));
    assert_eq!(
        (form.get("client_secret"), &*token.authorization),
        (None, "")
    );
}

#[tokio::test]
async fn a_provider_that_does_not_take_it_is_told_before_the_browser_leaves() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let gate = move |_| {
        let auth = ClientAuth::private_key_jwt(key);
        Gate::builder().provider(Provider::unnamed(ISSUER, "app", auth))
    };
    let w = world_from(|registered| registered, gate, |gate| gate);
    w.wire.tamper(|path, answer| {
        if path == crate::wire::DISCOVERY {
            let mut metadata: Value = serde_json::from_slice(answer.body()).unwrap();
            metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
            *answer.body_mut() = metadata.to_string().into_bytes();
        }
    });
    let answer = w.navigate("/me").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        w.log.failed_login().get("check"),
        "provider.client_auth_unsupported"
    );
}
