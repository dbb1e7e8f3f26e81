//! What a client does when a user signs in, in core alone: to believe an ID token, and to seal what comes of it.

use crate::{claims::with_profile, measure::Operation, requests::user};
use oidc_gate_axum::{
    CookieKeys, UnixTime,
    core::{
        jose::{Alg, AlgSet, JwkSet, SigningKey},
        secret::{IdToken, Nonce},
        session::{CookieNames, Lifetimes, Session, StoreKey},
        token::{Expectations, UnverifiedIdToken},
        url::{BaseUrl, Issuer},
    },
};
use serde_json::{Map, Value, json};
use std::{hint::black_box, time::Duration};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "app";
const NONCE: &str = "yFbm0sMGZkZ9VdVaO4yA3lL6zv1z5rB8m6u8kEJ2x4o";

/// Every row of the table: its name, and what is done once.
///
/// Each is tried once: a token that is not believed, and a session that does not open, panic.
pub fn rows() -> Vec<(String, Operation)> {
    let algs = [Alg::RS256, Alg::PS256, Alg::ES256, Alg::EdDSA];
    let mut rows: Vec<_> = algs
        .map(|alg| (format!("validate an ID token, {alg}"), validate(alg)))
        .into();
    rows.extend([
        ("seal a session".to_owned(), seal()),
        ("open a sealed session".to_owned(), open()),
    ]);
    for (_, operation) in &mut rows {
        operation.repeat(1);
    }
    rows
}

/// From the text to the claims, with the keys at hand.
fn validate(alg: Alg) -> Operation {
    let key = SigningKey::generate(alg).expect("a key can be made");
    let set = format!("{{\"keys\":[{}]}}", key.public_jwk());
    let keys = JwkSet::parse(set.as_bytes()).expect("it is a JWK set");
    let header = Map::from_iter([("typ".to_owned(), "JWT".into())]);
    let token = key
        .sign_compact(&header, &claims())
        .expect("it can be signed");
    let token = IdToken::new(token);
    let issuer = Issuer::parse(ISSUER).expect("it is one");
    let nonce = Nonce::new(NONCE);
    Operation::new(move || {
        let expect = Expectations {
            issuer: &issuer,
            client_id: CLIENT,
            nonce: Some(&nonce),
            algs: AlgSet::asymmetric(),
            trusted_audiences: &[],
            leeway: Duration::from_secs(60),
            access_token: None,
            acr_values: &[],
            max_age: None,
        };
        let read = UnverifiedIdToken::parse(black_box(&token)).expect("it can be read");
        black_box(read.verify(&keys, &expect, NOW).expect("it is believed"));
    })
}

fn claims() -> Map<String, Value> {
    with_profile(json!({
        "iss": ISSUER,
        "sub": "3f1c2a9e-7b54-4d7e-9a55-0c6f1f6e2b11",
        "aud": CLIENT,
        "exp": NOW.as_secs() + 300,
        "iat": NOW.as_secs(),
        "auth_time": NOW.as_secs() - 5,
        "nonce": NONCE,
        "sid": "b1f4b0a0-3bb3-4a1f-8bd3-6a1d8b0f1f7e",
        "acr": "1",
        "groups": ["staff", "engineering", "platform", "on-call"],
    }))
}

fn names() -> CookieNames {
    let base = BaseUrl::parse("https://app.example.com").expect("it is one");
    CookieNames::derive(CLIENT, &base)
}

fn session() -> Session {
    let key = StoreKey::from_bytes([7; 32]);
    Session::begin(key, user(), None, &Lifetimes::default(), NOW)
}

fn seal() -> Operation {
    let (keys, names, session) = (CookieKeys::ephemeral(), names(), session());
    Operation::new(move || {
        black_box(session.seal(&keys, &names).expect("there is randomness"));
    })
}

fn open() -> Operation {
    let (keys, names) = (CookieKeys::ephemeral(), names());
    let sealed = session().seal(&keys, &names).expect("there is randomness");
    Operation::new(move || {
        let opened = Session::open(&keys, &names, black_box(sealed.as_bytes()));
        black_box(opened.expect("it opens"));
    })
}
