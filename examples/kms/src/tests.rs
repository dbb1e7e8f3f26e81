use super::*;
use axum::http::StatusCode;
use oidc_gate_axum::SigningKey;
use oidc_gate_axum::testing::{Browser, Page};

const SITE: &str = "http://localhost:3000";

/// Signs in at a provider that knows the public half of `known`, with a KMS that holds `held`.
async fn sign_in(known: &SigningKey, held: SigningKey) -> Page {
    let provider = stand_in::provider(known).unwrap();
    let key = stand_in::kms(0, held).await.unwrap();
    let hello = async |user: AuthenticatedUser| format!("hello {}", user.display_name());
    let app = Router::new().route("/", get(hello));
    let mut browser = Browser::new()
        .site(SITE, gate(&provider, key).unwrap().protect(app))
        .site("http://localhost:3001", provider);
    browser.get(SITE).await;
    browser.sign_in_as("alice").await
}

fn key() -> SigningKey {
    SigningKey::generate(Alg::ES256).unwrap()
}

/// The same key, as the KMS and the provider hold it.
fn key_twice() -> (SigningKey, SigningKey) {
    let pem = include_str!("../../../oidc-gate-core/testdata/keys/ec-prime256v1-pkcs8.pem");
    let read = || SigningKey::from_pem(pem).unwrap();
    (read(), read())
}

#[tokio::test]
async fn a_login_is_signed_by_the_kms() {
    let (known, held) = key_twice();
    assert_eq!(sign_in(&known, held).await.body, "hello Alice Adams");
}

#[tokio::test]
async fn a_kms_with_another_key_signs_nobody_in() {
    let page = sign_in(&key(), key()).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
}
