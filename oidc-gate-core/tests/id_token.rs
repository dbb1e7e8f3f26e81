//! ID token validation, through the public API alone: the cases of `testdata/id_token.toml`, and what needs keys.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not know for tests"
)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::{
    check::{Check, CheckFailed},
    claims::ClaimRules,
    identity::Identity,
    jose::{Alg, AlgSet, JwkSet, SigningKey, TrustedKeys},
    secret::{AccessToken, ClientSecret, IdToken, Nonce},
    time::UnixTime,
    token::{Expectations, IdTokenClaims, IdTokenOrigin, UnverifiedIdToken},
    url::Issuer,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{sync::LazyLock, time::Duration};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
/// A token that is right.
const TOKEN: &str = r#"{"iss":"https://id.example","sub":"alice","aud":"app","exp":1700000300,"iat":1700000000,"nonce":"n-1"}"#;

/// As long as the longest hash.
static SECRET: LazyLock<ClientSecret> =
    LazyLock::new(|| ClientSecret::new("0123456789abcdef".repeat(4)));

static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let new = |alg: &Alg| match alg.is_symmetric() {
        true => SigningKey::from_secret(*alg, &SECRET).unwrap(),
        false => SigningKey::generate(*alg).unwrap(),
    };
    Alg::ALL.iter().map(new).collect()
});

fn key(alg: Alg) -> &'static SigningKey {
    KEYS.iter().find(|key| key.alg() == alg).unwrap()
}

/// A set of the public halves, named.
fn jwks(named: &[(&SigningKey, Option<&str>)]) -> JwkSet {
    let jwk = |(key, kid): &(&SigningKey, Option<&str>)| {
        let mut jwk = key.public_jwk();
        jwk["kid"] = json!(kid);
        if kid.is_none() {
            jwk.as_object_mut().unwrap().remove("kid");
        }
        jwk
    };
    let keys: Vec<_> = named.iter().map(jwk).collect();
    JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The set of the provider: keys of one name, told apart by their algorithms.
static PUBLISHED: LazyLock<JwkSet> = LazyLock::new(|| {
    let public = KEYS.iter().filter(|key| !key.alg().is_symmetric());
    let named: Vec<_> = public.map(|key| (key, Some("key"))).collect();
    jwks(&named)
});

/// What is trusted to verify what `alg` signs.
fn trusted(alg: Alg) -> TrustedKeys<'static> {
    match alg.is_symmetric() {
        true => TrustedKeys::Secret(&SECRET),
        false => TrustedKeys::Published(&PUBLISHED),
    }
}

fn sign(key: &SigningKey, header: &str, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header(alg: Alg) -> String {
    json!({"alg": alg.name(), "kid": "key"}).to_string()
}

/// What is expected, in a form that owns its parts.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    nonce: String,
    /// The one of the key for a symmetric one, else every asymmetric one, unless named.
    algs: Option<Vec<String>>,
    trusted_audiences: Vec<String>,
    access_token: Option<String>,
    acr_values: Vec<String>,
    max_age: Option<u64>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            nonce: "n-1".into(),
            algs: None,
            trusted_audiences: vec![],
            access_token: None,
            acr_values: vec![],
            max_age: None,
        }
    }
}

fn verify<'a>(
    token: &str,
    keys: impl Into<TrustedKeys<'a>>,
    expect: &Expect,
) -> Result<IdTokenClaims, CheckFailed> {
    verify_allowing(AlgSet::asymmetric(), token, keys.into(), expect)
}

fn verify_allowing(
    algs: AlgSet,
    token: &str,
    keys: TrustedKeys<'_>,
    expect: &Expect,
) -> Result<IdTokenClaims, CheckFailed> {
    let issuer = Issuer::parse("https://id.example").unwrap();
    let nonce = Nonce::new(expect.nonce.as_str());
    let access_token = expect.access_token.clone().map(AccessToken::new);
    let expect = Expectations {
        issuer: &issuer,
        client_id: "app",
        nonce: (!expect.nonce.is_empty()).then_some(&nonce),
        algs: expect.algs.as_ref().map_or(algs, |names| {
            names
                .iter()
                .filter_map(|name| Alg::from_name(name))
                .collect()
        }),
        trusted_audiences: &expect.trusted_audiences,
        leeway: Duration::from_secs(60),
        access_token: access_token.as_ref(),
        acr_values: &expect.acr_values,
        max_age: expect.max_age.map(Duration::from_secs),
    };
    UnverifiedIdToken::parse(&IdToken::new(token))?.verify(keys, &expect, NOW)
}

fn failed(result: Result<IdTokenClaims, CheckFailed>) -> Option<Check> {
    result.err().map(|failed| failed.check())
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "why")]
    _why: String,
    algs: Option<Vec<String>>,
    header: Option<String>,
    raw_header: Option<String>,
    claims: Option<String>,
    raw_claims: Option<String>,
    #[serde(default)]
    expect: Expect,
    expected: String,
}

/// `base` with the members of `edits` in it, and without those that are `null` there.
fn merged(base: &str, edits: Option<&str>) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(base).unwrap();
    let edits: Map<String, Value> = serde_json::from_str(edits.unwrap_or("{}")).unwrap();
    for (name, value) in edits {
        match value {
            Value::Null => drop(object.remove(&name)),
            value => drop(object.insert(name, value)),
        }
    }
    Value::Object(object).to_string()
}

#[test]
fn every_case_ends_as_the_data_says() {
    let cases: Cases = toml::from_str(include_str!("../testdata/id_token.toml")).unwrap();
    assert!(cases.case.len() > 130);
    let mut wrong = vec![];
    for case in &cases.case {
        for key in KEYS.iter() {
            let kind = match key.alg().is_symmetric() {
                true => "symmetric",
                false => "asymmetric",
            };
            let named = |algs: &Vec<String>| {
                algs.iter()
                    .any(|alg| alg == key.alg().name() || alg == kind)
            };
            if !case.algs.as_ref().is_none_or(named) {
                continue;
            }
            let text = |raw: &Option<String>, base: &str, edits: &Option<String>| match raw {
                Some(raw) => raw.clone(),
                None => merged(base, edits.as_deref()),
            };
            let token = sign(
                key,
                &text(&case.raw_header, &header(key.alg()), &case.header),
                &text(&case.raw_claims, TOKEN, &case.claims),
            );
            let allowed = match key.alg().is_symmetric() {
                true => [key.alg()].into_iter().collect(),
                false => AlgSet::asymmetric(),
            };
            let got = match verify_allowing(allowed, &token, trusted(key.alg()), &case.expect) {
                Ok(_) => "ok",
                Err(failed) => failed.check().id(),
            };
            if got != case.expected {
                wrong.push(format!("{} ({}): {got}", case.name, key.alg()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    for key in KEYS.iter() {
        let verify = |token: &str| {
            let algs = [key.alg()].into_iter().collect();
            verify_allowing(algs, token, trusted(key.alg()), &Expect::default())
        };
        let token = sign(key, &header(key.alg()), TOKEN);
        assert!(verify(&token).is_ok());
        for at in (0..token.len()).step_by(7) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert!(
                forged == token || verify(&forged).is_err(),
                "{at} of {token}"
            );
        }
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        signature[5] ^= 1;
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(
            failed(verify(&forged)),
            Some(Check::IdTokenSignature),
            "{}",
            key.alg()
        );
    }
}

#[test]
fn the_signature_is_checked_before_any_claim() {
    let token = sign(key(Alg::ES256), &header(Alg::ES256), "{}");
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(86));
    let result = verify(&forged, &*PUBLISHED, &Expect::default());
    assert_eq!(failed(result), Some(Check::IdTokenSignature));
}

#[test]
fn an_algorithm_outside_the_allowed_set_asks_for_no_key() {
    let token = IdToken::new(sign(key(Alg::RS256), &header(Alg::RS256), TOKEN));
    let token = UnverifiedIdToken::parse(&token).unwrap();
    let only = |alg| [alg].into_iter().collect::<AlgSet>();
    assert_eq!(
        token.key_query(only(Alg::ES256)).unwrap_err().check(),
        Check::IdTokenAlg
    );
    let query = token.key_query(only(Alg::RS256)).unwrap();
    assert_eq!((query.kid.as_deref(), query.alg), (Some("key"), Alg::RS256));
}

#[test]
fn a_header_cannot_lend_a_key_to_another_algorithm() {
    for key in KEYS.iter().filter(|key| !key.alg().is_symmetric()) {
        // The provider publishes this one, for its algorithm; a token signed with it is said to be something else.
        let set = jwks(&[(key, Some("key"))]);
        let same = AlgSet::from_iter([key.alg()]);
        for alg in AlgSet::asymmetric()
            .iter()
            .filter(|alg| !same.contains(*alg))
        {
            let token = sign(key, &header(alg), TOKEN);
            let result = verify(&token, &set, &Expect::default());
            assert_eq!(
                failed(result),
                Some(Check::IdTokenKey),
                "{} as {alg}",
                key.alg()
            );
        }
    }
}

#[test]
fn a_key_that_does_not_say_its_algorithm_verifies_by_the_one_of_the_token_alone() {
    let mut jwk = key(Alg::RS256).public_jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    jwk["kid"] = json!("key");
    let set = JwkSet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    let token = |alg| sign(key(Alg::RS256), &header(alg), TOKEN);
    assert!(verify(&token(Alg::RS256), &set, &Expect::default()).is_ok());
    for alg in [Alg::RS384, Alg::RS512, Alg::PS256, Alg::PS384, Alg::PS512] {
        let result = verify(&token(alg), &set, &Expect::default());
        assert_eq!(failed(result), Some(Check::IdTokenSignature), "{alg}");
    }
    // And not at all where the algorithm is not wanted, though the key is fit and the signature right.
    let only = Expect {
        algs: Some(vec!["PS256".into()]),
        ..Expect::default()
    };
    let result = verify(&token(Alg::RS256), &set, &only);
    assert_eq!(failed(result), Some(Check::IdTokenAlg));
}

#[test]
fn both_names_of_ed25519_go_with_either_name_of_the_key_and_of_the_setting() {
    for (of_key, of_token) in [(Alg::EdDSA, Alg::Ed25519), (Alg::Ed25519, Alg::EdDSA)] {
        let set = jwks(&[(key(of_key), Some("key"))]);
        let token = sign(key(of_key), &header(of_token), TOKEN);
        let expect = Expect {
            algs: Some(vec![of_key.name().into()]),
            ..Expect::default()
        };
        assert!(verify(&token, &set, &expect).is_ok(), "{of_token}");
    }
}

/// With a symmetric algorithm in the header, signed with what an attacker can know.
#[test]
fn nothing_published_is_ever_a_shared_secret() {
    let rsa = key(Alg::RS256).public_jwk();
    let modulus = rsa["n"].as_str().unwrap();
    let oct = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET.expose())});
    let sets = [
        json!({ "keys": [rsa.clone()] }).to_string(),
        json!({ "keys": [oct] }).to_string(),
    ];
    let secrets = [
        modulus.to_owned(),
        rsa.to_string(),
        sets[0].clone(),
        SECRET.expose().to_owned(),
    ];
    for secret in secrets {
        let signing = SigningKey::from_secret(Alg::HS256, &ClientSecret::new(secret)).unwrap();
        let token = sign(&signing, r#"{"alg":"HS256"}"#, TOKEN);
        for set in &sets {
            let set = JwkSet::parse(set.as_bytes()).unwrap();
            for algs in [AlgSet::asymmetric(), [Alg::HS256].into_iter().collect()] {
                let keys = TrustedKeys::Published(&set);
                let result = verify_allowing(algs, &token, keys, &Expect::default());
                assert_eq!(failed(result), Some(Check::IdTokenAlg));
            }
        }
    }
}

#[test]
fn a_short_secret_is_refused_by_name() {
    for (alg, bytes) in [(Alg::HS256, 31), (Alg::HS384, 47), (Alg::HS512, 63)] {
        let short = ClientSecret::new("x".repeat(bytes));
        let token = sign(key(alg), &header(alg), TOKEN);
        let keys = TrustedKeys::Secret(&short);
        let algs = [alg].into_iter().collect();
        let result = verify_allowing(algs, &token, keys, &Expect::default());
        assert_eq!(failed(result), Some(Check::IdTokenSecret), "{alg}");
    }
}

/// What the sign-in said, and what a refreshed token makes of it.
fn refreshed(first: &str, now: &str) -> Option<Check> {
    let verify = |claims: &str, origin: Option<&IdTokenOrigin>| {
        let issuer = Issuer::parse("https://id.example").unwrap();
        let nonce = Nonce::new("n-1");
        let trusted_audiences = ["other".to_owned()];
        let expect = Expectations {
            issuer: &issuer,
            client_id: "app",
            nonce: Some(&nonce),
            algs: AlgSet::asymmetric(),
            trusted_audiences: &trusted_audiences,
            leeway: Duration::from_secs(60),
            access_token: None,
            acr_values: &[],
            max_age: None,
        };
        let token = sign(
            key(Alg::ES256),
            &header(Alg::ES256),
            &merged(TOKEN, Some(claims)),
        );
        let token = UnverifiedIdToken::parse(&IdToken::new(token)).unwrap();
        match origin {
            None => token.verify(&*PUBLISHED, &expect, NOW),
            Some(origin) => token.verify_refreshed(&*PUBLISHED, &expect, origin, NOW),
        }
    };
    let origin = verify(first, None).unwrap().origin();
    failed(verify(now, Some(&origin)))
}

#[test]
fn a_refreshed_token_is_about_the_same_sign_in() {
    const TWO: &str = r#"{"aud":["app","other"],"azp":"app"}"#;
    for (first, now, expected) in [
        ("{}", "{}", None),
        ("{}", r#"{"nonce":null}"#, None),
        ("{}", r#"{"nonce":"n-2"}"#, Some(Check::IdTokenNonce)),
        (
            "{}",
            r#"{"sub":"bob"}"#,
            Some(Check::IdTokenRefreshedSubject),
        ),
        (
            "{}",
            r#"{"iss":"https://other.example"}"#,
            Some(Check::IdTokenIssuer),
        ),
        (TWO, TWO, None),
        (TWO, r#"{"aud":["other","app"],"azp":"app"}"#, None),
        (TWO, r#"{"azp":"app"}"#, Some(Check::IdTokenRefreshed)),
        (r#"{"azp":"app"}"#, TWO, None),
        (r#"{"azp":"app"}"#, "{}", Some(Check::IdTokenRefreshed)),
        ("{}", r#"{"azp":"app"}"#, Some(Check::IdTokenRefreshed)),
        ("{}", r#"{"aud":"other"}"#, Some(Check::IdTokenAudience)),
        (
            r#"{"auth_time":1699999000}"#,
            r#"{"auth_time":1699999000}"#,
            None,
        ),
        (r#"{"auth_time":1699999000}"#, "{}", None),
        ("{}", r#"{"auth_time":1699999000}"#, None),
        (
            r#"{"auth_time":1699999000}"#,
            r#"{"auth_time":1700000000}"#,
            Some(Check::IdTokenRefreshed),
        ),
        (
            r#"{"auth_time":1699999000}"#,
            r#"{"auth_time":"1699999000"}"#,
            Some(Check::IdTokenClaim),
        ),
        ("{}", r#"{"iat":1699999940}"#, None),
        ("{}", r#"{"iat":1699999939}"#, Some(Check::IdTokenRefreshed)),
        ("{}", r#"{"exp":1699999940}"#, Some(Check::IdTokenExpired)),
    ] {
        assert_eq!(refreshed(first, now), expected, "{first} then {now}");
    }
}

#[test]
fn a_refreshed_token_of_another_issuer_is_refused_though_the_configuration_follows() {
    let token = sign(key(Alg::ES256), &header(Alg::ES256), TOKEN);
    let claims = verify(&token, &*PUBLISHED, &Expect::default()).unwrap();
    let origin = IdTokenOrigin {
        issuer: "https://old.example".into(),
        ..claims.origin()
    };
    let issuer = Issuer::parse("https://id.example").unwrap();
    let expect = Expectations {
        issuer: &issuer,
        client_id: "app",
        nonce: None,
        algs: AlgSet::asymmetric(),
        trusted_audiences: &[],
        leeway: Duration::ZERO,
        access_token: None,
        acr_values: &[],
        max_age: None,
    };
    let without_nonce = merged(TOKEN, Some(r#"{"nonce":null}"#));
    for (claims, check) in [
        (TOKEN, Check::IdTokenNonce),
        (&without_nonce, Check::IdTokenRefreshed),
    ] {
        let token = sign(key(Alg::ES256), &header(Alg::ES256), claims);
        let token = UnverifiedIdToken::parse(&IdToken::new(token)).unwrap();
        let result = token.verify_refreshed(&*PUBLISHED, &expect, &origin, NOW);
        assert_eq!(failed(result), Some(check));
    }
}

#[test]
fn without_a_kid_every_key_of_the_algorithm_is_tried_and_no_other() {
    let old = SigningKey::generate(Alg::ES256).unwrap();
    let new = key(Alg::ES256);
    let token = sign(new, r#"{"alg":"ES256"}"#, TOKEN);
    for set in [
        jwks(&[(&old, Some("old")), (new, Some("new"))]),
        jwks(&[(&old, None), (key(Alg::RS256), None), (new, None)]),
    ] {
        assert!(verify(&token, &set, &Expect::default()).is_ok());
    }
    let set = jwks(&[(&old, None), (key(Alg::RS256), None)]);
    assert_eq!(
        failed(verify(&token, &set, &Expect::default())),
        Some(Check::IdTokenSignature)
    );
    let set = jwks(&[(key(Alg::RS256), None)]);
    assert_eq!(
        failed(verify(&token, &set, &Expect::default())),
        Some(Check::IdTokenKey)
    );
}

#[test]
fn with_a_kid_no_key_of_another_name_is_tried() {
    let token = sign(key(Alg::EdDSA), &header(Alg::EdDSA), TOKEN);
    for kid in [Some("other"), None] {
        let set = jwks(&[(key(Alg::EdDSA), kid)]);
        let result = verify(&token, &set, &Expect::default());
        assert_eq!(failed(result), Some(Check::IdTokenKey), "{kid:?}");
    }
}

#[test]
fn of_two_keys_of_one_name_and_type_both_are_tried() {
    let other = SigningKey::generate(Alg::EdDSA).unwrap();
    let token = sign(key(Alg::EdDSA), &header(Alg::EdDSA), TOKEN);
    let set = jwks(&[(&other, Some("key")), (key(Alg::EdDSA), Some("key"))]);
    assert!(verify(&token, &set, &Expect::default()).is_ok());
}

#[test]
fn the_form_is_strict() {
    let token = sign(key(Alg::EdDSA), &header(Alg::EdDSA), TOKEN);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    for (text, check) in [
        (String::new(), Check::IdTokenMalformed),
        ("..".into(), Check::IdTokenMalformed),
        (signed.into(), Check::IdTokenMalformed),
        (format!("{token}."), Check::IdTokenMalformed),
        (format!("{token}.a"), Check::IdTokenMalformed),
        (format!("{token}.."), Check::IdTokenEncrypted),
        (format!("{token}..."), Check::IdTokenMalformed),
        (format!("{token}="), Check::IdTokenMalformed),
        (format!("{token} "), Check::IdTokenMalformed),
        (format!("\n{token}"), Check::IdTokenMalformed),
        (
            format!("{header}=.{payload}.{signature}"),
            Check::IdTokenMalformed,
        ),
        (
            format!(
                "{header}.{payload}.{}",
                signature.replace(['-', '_'], "+") + "+"
            ),
            Check::IdTokenMalformed,
        ),
    ] {
        let result = verify(&text, &*PUBLISHED, &Expect::default());
        assert_eq!(failed(result), Some(check), "{text:.80}");
    }
    // The last character of 64 bytes has four bits that mean nothing: only zero is taken.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet
        .chars()
        .nth(alphabet.find(last).unwrap() + 1)
        .unwrap();
    let other = format!("{signed}.{}{next}", &signature[..signature.len() - 1]);
    let result = verify(&other, &*PUBLISHED, &Expect::default());
    assert_eq!(failed(result), Some(Check::IdTokenMalformed));
}

#[test]
fn the_size_is_limited() {
    let with_padding = |bytes: usize| {
        let claims = json!({ "padding": "x".repeat(bytes) }).to_string();
        let claims = merged(TOKEN, Some(&claims));
        let token = sign(key(Alg::EdDSA), &header(Alg::EdDSA), &claims);
        (
            token.len(),
            failed(verify(&token, &*PUBLISHED, &Expect::default())),
        )
    };
    let (len, check) = with_padding(11_900);
    assert!(len > 16_000 && check.is_none(), "{len}: {check:?}");
    // Three more bytes are four more characters.
    let (len, _) = with_padding(12_000);
    let longest = 12_000 + (16_384 - len) / 4 * 3;
    let (len, check) = with_padding(longest);
    assert!(
        (16_380..=16_384).contains(&len) && check.is_none(),
        "{len}: {check:?}"
    );
    let (len, check) = with_padding(longest + 4);
    assert!(
        len > 16_384 && check == Some(Check::IdTokenMalformed),
        "{len}: {check:?}"
    );
}

#[test]
fn no_error_shows_a_nonce_a_token_or_a_subject() {
    let claims = merged(TOKEN, Some(r#"{"nonce":"n-2","sub":"Zoë"}"#));
    let token = sign(key(Alg::EdDSA), &header(Alg::EdDSA), &claims);
    let expects = [
        Expect::default(),
        Expect {
            nonce: "n-2".into(),
            ..Expect::default()
        },
    ];
    for expect in &expects {
        let text = format!("{:?}", verify(&token, &*PUBLISHED, expect).unwrap_err());
        for secret in ["n-1", "n-2", "Zoë", &token[..20]] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let unverified = UnverifiedIdToken::parse(&IdToken::new(token.as_str())).unwrap();
    assert_eq!(
        format!("{unverified:?}"),
        r#"UnverifiedIdToken { jws: CompactJws { alg: EdDSA, kid: Some("key"), typ: None, .. } }"#
    );
}

fn identity(claims: &str, groups_path: &[&str]) -> Identity {
    let token = sign(
        key(Alg::EdDSA),
        &header(Alg::EdDSA),
        &merged(TOKEN, Some(claims)),
    );
    let mut rules = ClaimRules::default();
    rules.groups_at = vec![groups_path.to_vec().into()];
    verify(&token, &*PUBLISHED, &Expect::default())
        .unwrap()
        .into_identity("staff", &rules, None, "openid  profile")
        .unwrap()
}

#[test]
fn claims_of_the_right_type_become_the_identity() {
    let alice = identity(
        r#"{"name":"Alice","email":"a@example.com","email_verified":true,"preferred_username":"al","acr":"phr",
            "amr":["pwd","otp"],"auth_time":1699999999,"groups":["a","b"],"department":"R&D","at_hash":"x","sid":"s"}"#,
        &["groups"],
    );
    assert_eq!(
        (
            alice.issuer(),
            alice.subject(),
            alice.provider(),
            alice.name()
        ),
        ("https://id.example", "alice", "staff", Some("Alice"))
    );
    assert_eq!(alice.verified_email(), Some("a@example.com"));
    assert_eq!(alice.auth_time(), Some(UnixTime::from_secs(1_699_999_999)));
    assert_eq!(alice.groups().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(alice.amr().collect::<Vec<_>>(), ["pwd", "otp"]);
    assert_eq!(alice.scopes().collect::<Vec<_>>(), ["openid", "profile"]);
    assert_eq!(
        Value::Object(alice.claims().clone()),
        json!({"iss": "https://id.example", "sub": "alice", "aud": "app", "exp": 1_700_000_300, "iat": 1_700_000_000,
            "name": "Alice", "email": "a@example.com", "email_verified": true, "preferred_username": "al", "acr": "phr",
            "amr": ["pwd", "otp"], "auth_time": 1_699_999_999, "groups": ["a", "b"], "department": "R&D", "sid": "s"})
    );
}

#[test]
fn claims_of_another_type_stay_as_they_are_and_decide_nothing() {
    let claims = r#"{"name":{"given":"Alice"},"email":"a@example.com","email_verified":"true","preferred_username":7,
        "amr":"pwd","auth_time":1699999999.5,"groups":{"a":true}}"#;
    let alice = identity(claims, &["groups"]);
    assert_eq!(
        (
            alice.name(),
            alice.verified_email(),
            alice.preferred_username()
        ),
        (None, None, None)
    );
    assert_eq!((alice.groups().count(), alice.amr().count()), (0, 0));
    assert_eq!(alice.auth_time(), Some(UnixTime::from_secs(1_699_999_999)));
    let given: Map<String, Value> = serde_json::from_str(claims).unwrap();
    for (name, value) in given {
        assert_eq!(alice.claims()[&name], value, "{name}");
    }
}

#[test]
fn groups_are_read_where_the_path_leads() {
    let claims = r#"{"realm_access":{"roles":["admin",1,"user"]},"https://x/roles":"one","groups":["not","asked"]}"#;
    let groups = |path: &[&str]| {
        let identity = identity(claims, path);
        assert_eq!(
            identity.claims()["realm_access"]["roles"],
            json!(["admin", 1, "user"])
        );
        identity.groups().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(groups(&["realm_access", "roles"]), ["admin", "user"]);
    assert_eq!(groups(&["https://x/roles"]), ["one"]);
    assert_eq!(groups(&["groups"]), ["not", "asked"]);
    for nowhere in [
        &["realm_access"][..],
        &["realm_access", "roles", "0"],
        &["nothing", "x"],
        &[],
    ] {
        assert_eq!(groups(nowhere), [""; 0], "{nowhere:?}");
    }
}

#[test]
fn an_empty_list_of_groups_is_not_lost() {
    assert_eq!(
        identity(r#"{"groups":[]}"#, &["groups"]).claims()["groups"],
        json!([])
    );
}

proptest! {
    #[test]
    fn no_token_panics(text in "\\PC{0,80}") {
        let _ = verify(&text, &*PUBLISHED, &Expect::default());
    }

    #[test]
    fn no_signed_claim_panics(name in "iss|sub|aud|azp|exp|iat|nbf|nonce|acr|auth_time|at_hash|sid|groups|amr|email",
        value in "-?[0-9]{1,22}(\\.[0-9]{1,3})?|\"[a-z]{0,5}\"|\\[\\]|\\[1\\]|\\{\\}|true|null") {
        let mut claims: Map<String, Value> = serde_json::from_str(TOKEN).unwrap();
        if let Ok(value) = serde_json::from_str(&value) {
            claims.insert(name, value);
        }
        let token = sign(key(Alg::EdDSA), &header(Alg::EdDSA), &Value::Object(claims).to_string());
        if let Ok(claims) = verify(&token, &*PUBLISHED, &Expect::default()) {
            let _ = claims.into_identity("", &ClaimRules::default(), None, "").unwrap().claims();
        }
    }
}
