use super::*;
use crate::core::{
    claims::ClaimRules,
    jose::{Alg, AlgSet, JwkSet, SigningKey},
    secret::IdToken,
    token::{Expectations, UnverifiedIdToken},
    url::Issuer,
};
use openidconnect::core::{CoreGenderClaim, CoreIdTokenClaims};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// Claims of the application's own, as their client is told of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct More {
    groups: Vec<String>,
    department: String,
}

impl AdditionalClaims for More {}

/// Claims that passed every check here.
fn believed(more: Value) -> IdTokenClaims {
    let mut claims = json!({
        "iss": "https://id.test", "sub": "alice", "aud": ["app"], "exp": 2000, "iat": 1000, "auth_time": 900,
        "acr": "phr", "amr": ["pwd", "otp"],
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let token = key
        .sign_compact(&Map::new(), claims.as_object().unwrap())
        .unwrap();
    let keys = JwkSet::parse(json!({"keys": [key.public_jwk()]}).to_string().as_bytes()).unwrap();
    let expect = Expectations {
        issuer: &Issuer::parse("https://id.test").unwrap(),
        client_id: "app",
        nonce: None,
        algs: AlgSet::asymmetric(),
        trusted_audiences: &[],
        leeway: Duration::ZERO,
        access_token: None,
        acr_values: &[],
        max_age: None,
    };
    let token = UnverifiedIdToken::parse(&IdToken::new(token)).unwrap();
    token
        .verify(&keys, &expect, UnixTime::from_secs(1500))
        .unwrap()
}

#[test]
fn what_was_believed_here_says_the_same_there() {
    let claims =
        believed(json!({"name": "Alice Adams", "email": "a@id.test", "email_verified": true}));
    let theirs: CoreIdTokenClaims = claims.to_theirs().unwrap();
    assert_eq!(
        (theirs.issuer().as_str(), theirs.subject().as_str()),
        ("https://id.test", "alice")
    );
    assert_eq!(
        theirs
            .audiences()
            .iter()
            .map(|aud| aud.as_str())
            .collect::<Vec<_>>(),
        ["app"]
    );
    assert_eq!(theirs.expiration().timestamp(), 2000);
    assert_eq!(theirs.issue_time().timestamp(), 1000);
    assert_eq!(theirs.auth_time().unwrap().timestamp(), 900);
    assert_eq!(theirs.auth_context_ref().unwrap().as_str(), "phr");
    assert_eq!(theirs.email_verified(), Some(true));
    assert_eq!(
        theirs.name().unwrap().get(None).unwrap().as_str(),
        "Alice Adams"
    );
}

#[test]
fn a_claim_of_another_type_has_no_counterpart() {
    let claims = believed(json!({"name": 7}));
    let refused: Result<CoreIdTokenClaims, _> = claims.to_theirs();
    assert!(matches!(refused, Err(ConversionError::Expected(_))));
    let refused: Result<Theirs<More, CoreGenderClaim>, _> = believed(json!({})).to_theirs();
    assert!(refused.is_err(), "the application's own claims are missing");
}

#[test]
fn their_claims_make_the_identity_that_ours_make() {
    for verified in [json!(true), json!(false)] {
        let claims = believed(json!({
            "name": "Alice Adams", "email": "a@id.test", "email_verified": verified, "preferred_username": "alice",
            "locale": "en", "groups": ["staff", "admins"], "department": "R&D",
        }));
        let theirs: Theirs<More, CoreGenderClaim> = claims.to_theirs().unwrap();
        let read = Identity::from_theirs(&theirs).unwrap();
        let ours = claims
            .into_identity("", &ClaimRules::default(), None, "")
            .unwrap();
        assert!(read.is_same_user(&ours));
        assert_eq!(read.verified_email().is_some(), verified == json!(true));
        assert_eq!(read.auth_time(), ours.auth_time());
        assert!(read.in_group("admins"));
        for name in [
            "name",
            "email",
            "email_verified",
            "preferred_username",
            "locale",
            "groups",
            "department",
            "acr",
            "amr",
        ] {
            assert_eq!(read.claim(name), ours.claim(name), "{name}");
        }
        for name in OF_THE_TOKEN
            .iter()
            .filter(|name| !["iss", "sub", "email_verified"].contains(name))
        {
            assert_eq!(read.claim(name), None, "{name}");
        }
    }
}
