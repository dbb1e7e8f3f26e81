//! Requests with a bearer token: one that was verified before, and one that is seen for the first time.

use crate::{
    claims::with_profile,
    measure::Operation,
    requests::{Ask, Row, application},
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode};
use oidc_gate_axum::{
    Bearer, Gate, GateExt as _, Marker,
    core::{
        jose::{Alg, SigningKey},
        time::UnixTime,
    },
    dev::DevProvider,
    testing::{self, ManualClock},
};
use serde_json::{Map, Value, json};
use std::{hint::black_box, time::Duration};
use tower_layer::Layer as _;

/// The row of a token that was verified before.
pub const KNOWN: &str = "bearer, verified before";
/// The row of a token that is seen for the first time, signed with RSA.
pub const FIRST_RS256: &str = "bearer, first sight, RS256";
/// The same, signed with ECDSA.
pub const FIRST_ES256: &str = "bearer, first sight, ES256";

const AUDIENCE: &str = "orders-api";
const START: u64 = 1_800_000_000;
/// As far as the clocks of both sides may be apart at most.
const LEEWAY: Duration = Duration::from_secs(300);

/// Every row about bearer tokens.
pub fn rows() -> Vec<Row> {
    vec![known(), first(FIRST_RS256), first(FIRST_ES256)]
}

/// A token that was verified before: signed once, shown again and again.
fn known() -> Row {
    let (gate, provider) = gate(Alg::RS256);
    let token = token(&provider, 1, Duration::from_secs(3600));
    row(KNOWN, &gate, &token)
}

/// A token that is verified each time and never remembered: it has expired, and is still within the leeway. What is not in it
/// is the keeping of what was verified: a copy of the token, and its place in the table.
fn first(name: &'static str) -> Row {
    let alg = if name == FIRST_RS256 {
        Alg::RS256
    } else {
        Alg::ES256
    };
    let (gate, provider) = gate(alg);
    let token = token(&provider, 1, Duration::ZERO);
    row(name, &gate, &token)
}

/// The limit of what a token that is seen for the first time can cost: its signature.
pub fn bare_verifications() -> [(&'static str, Operation); 2] {
    [
        ("RS256 verification alone", bare_verification(Alg::RS256)),
        ("ES256 verification alone", bare_verification(Alg::ES256)),
    ]
}

/// The least that verifying such a token can cost: its signature, by the cryptography library and a key that it has read
/// already.
pub fn bare_verification(alg: Alg) -> Operation {
    let key = SigningKey::generate(alg).expect("a key can be made");
    let token = (key.sign_compact(&typ(), &claims("https://id.example.com", 1, START)))
        .expect("a token can be signed");
    let (signed, signature) = token.rsplit_once('.').expect("a token has three parts");
    let (signed, signature) = (signed.to_owned(), bytes(signature));
    let jwk = key.public_jwk();
    let member = |name: &str| bytes(jwk[name].as_str().expect("it is text"));
    let key = match alg {
        Alg::RS256 => RsaPublicKeyComponents {
            n: member("n"),
            e: member("e"),
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
        _ => {
            let point = [vec![4], member("x"), member("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        }
    };
    let key = key.expect("the key is one");
    Operation::new(move || {
        let verified = key.verify_sig(black_box(signed.as_bytes()), &signature);
        verified.expect("it was signed with this key");
    })
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("it is base64url")
}

fn row(name: &'static str, gate: &Gate, token: &HeaderValue) -> Row {
    let ask = || Ask::of("/me").bearer(token);
    // The first one fetches the keys.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime can be made");
    ask()
        .waiting(runtime, gate.protect(application()))
        .repeat(1);
    // An identity in the extensions, which costs nothing to find.
    let given = testing::signed_in(crate::requests::user()).layer(application());
    Row {
        name,
        gated: ask().to(gate.protect(application()), StatusCode::OK),
        bare: ask().to(given, StatusCode::OK),
    }
}

/// A gate that takes tokens as Keycloak makes them, and who makes them.
pub fn gate(alg: Alg) -> (Gate, DevProvider) {
    let clock = ManualClock::new(UnixTime::from_secs(START));
    let provider = DevProvider::builder()
        .signing_alg(alg)
        .clock(clock.clone())
        .build();
    let bearer = Bearer::audience(AUDIENCE)
        .issuer(provider.issuer())
        .untyped(Marker::value("typ", "Bearer"))
        .roles_at(["realm_access", "roles"])
        .leeway(LEEWAY);
    let gate = Gate::builder()
        .bearer(bearer)
        .dev_provider(&provider)
        .clock(clock)
        .build()
        .expect("the settings are fine");
    (gate, provider)
}

/// The `Authorization` with one of Keycloak's tokens, of that number and good for so long.
pub fn token(provider: &DevProvider, number: u64, life: Duration) -> HeaderValue {
    let claims = claims(&provider.issuer(), number, START + life.as_secs());
    authorization(&provider.sign(Some("JWT"), &claims))
}

/// The header that presents this token.
pub fn authorization(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).expect("a token is visible ASCII")
}

fn typ() -> Map<String, Value> {
    Map::from_iter([("typ".to_owned(), "JWT".into())])
}

/// What an access token of Keycloak's says of somebody with a few roles.
pub fn claims(issuer: &str, number: u64, exp: u64) -> Map<String, Value> {
    with_profile(json!({
        "exp": exp,
        "iat": START - 60,
        "auth_time": START - 300,
        "jti": format!("onrtac:5f9c1a52-3f0e-4a54-9d3c-{number:012x}"),
        "iss": issuer,
        "aud": [AUDIENCE, "account"],
        "sub": "3f1c2a9e-7b54-4d7e-9a55-0c6f1f6e2b11",
        "typ": "Bearer",
        "azp": "web-frontend",
        "sid": "b1f4b0a0-3bb3-4a1f-8bd3-6a1d8b0f1f7e",
        "acr": "1",
        "allowed-origins": ["https://app.example.com"],
        "realm_access": {"roles": ["default-roles-example", "offline_access", "editor"]},
        "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
        "scope": "openid profile email",
    }))
}
