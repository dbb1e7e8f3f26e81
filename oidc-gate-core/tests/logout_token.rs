//! Logout tokens, through the public API alone: the cases of `testdata/logout_token.toml`, and how keys are found.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not know for tests"
)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::{
    check::{Check, CheckFailed},
    jose::{Alg, AlgSet, JwkSet, SigningKey, TrustedKeys},
    logout::{
        LOGOUT_EVENT, LoggedOut, Logout, LogoutExpectations, NoExpiry, UnverifiedLogoutToken,
    },
    secret::{ClientSecret, IdToken, LogoutToken},
    session::coordinate::Seen,
    time::UnixTime,
    token::UnverifiedIdToken,
    url::Issuer,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{sync::LazyLock, time::Duration};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
/// A token that is right.
const TOKEN: &str = r#"{"iss":"https://id.example","aud":"app","iat":1700000000,"exp":1700000120,"jti":"j-1","sub":"alice","sid":"s-1","events":{"http://schemas.openid.net/event/backchannel-logout":{}}}"#;

/// One of each kind of key.
const ALGS: [Alg; 5] = [Alg::RS256, Alg::PS256, Alg::ES256, Alg::Ed25519, Alg::HS256];

static SECRET: LazyLock<ClientSecret> =
    LazyLock::new(|| ClientSecret::new("0123456789abcdef".repeat(2)));

/// Of the provider, and of somebody else.
static KEYS: LazyLock<[Vec<SigningKey>; 2]> = LazyLock::new(|| {
    let others = ClientSecret::new("fedcba9876543210".repeat(2));
    [&*SECRET, &others].map(|secret| {
        let new = |alg: &Alg| match alg.is_symmetric() {
            true => SigningKey::from_secret(*alg, secret).unwrap(),
            false => SigningKey::generate(*alg).unwrap(),
        };
        ALGS.iter().map(new).collect()
    })
});

static PUBLISHED: LazyLock<JwkSet> = LazyLock::new(|| {
    let public = KEYS[0].iter().filter(|key| !key.alg().is_symmetric());
    let named = public.map(|key| {
        let mut jwk = key.public_jwk();
        jwk["kid"] = json!("key");
        jwk
    });
    let keys: Vec<_> = named.collect();
    JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
});

fn header(alg: Alg) -> String {
    json!({"alg": alg.name(), "kid": "key", "typ": "logout+jwt"}).to_string()
}

fn sign(key: &SigningKey, header: &str, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What is expected, in a form that owns its parts.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    /// The one of the key for a symmetric one, else every asymmetric one, unless named.
    algs: Option<Vec<String>>,
    trusted_audiences: Vec<String>,
    no_expiry: Option<String>,
}

fn verify(key: &SigningKey, token: &str, expect: &Expect, now: UnixTime) -> Outcome {
    let issuer = Issuer::parse("https://id.example").unwrap();
    let (algs, keys) = match key.alg() {
        alg if alg.is_symmetric() => ([alg].into_iter().collect(), TrustedKeys::Secret(&SECRET)),
        _ => (AlgSet::asymmetric(), TrustedKeys::Published(&PUBLISHED)),
    };
    let named = |names: &Vec<String>| {
        names
            .iter()
            .filter_map(|name| Alg::from_name(name))
            .collect()
    };
    let expect = LogoutExpectations {
        issuer: &issuer,
        client_id: "app",
        algs: expect.algs.as_ref().map_or(algs, named),
        trusted_audiences: &expect.trusted_audiences,
        leeway: Duration::from_secs(30),
        no_expiry: match expect.no_expiry.as_deref() {
            Some("taken") => NoExpiry::TakenWhileNew,
            _ => NoExpiry::Refused,
        },
    };
    UnverifiedLogoutToken::parse(&LogoutToken::new(token))?.verify(keys, &expect, now)
}

type Outcome = Result<Logout, CheckFailed>;

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
    signature: Option<String>,
    #[serde(default)]
    now: u64,
    #[serde(default)]
    expect: Expect,
    expected: String,
    until: Option<u64>,
}

impl Case {
    fn is_run_with(&self, key: &SigningKey) -> bool {
        let kind = match key.alg().is_symmetric() {
            true => "symmetric",
            false => "asymmetric",
        };
        let named = |algs: &Vec<String>| {
            algs.iter()
                .any(|alg| alg == key.alg().name() || alg == kind)
        };
        self.algs.as_ref().is_none_or(named)
    }

    fn token(&self, key: &SigningKey, other: &SigningKey) -> String {
        let text = |raw: &Option<String>, base: &str, edits: &Option<String>| match raw {
            Some(raw) => raw.clone(),
            None => merged(base, edits.as_deref()),
        };
        let header = text(&self.raw_header, &header(key.alg()), &self.header);
        let claims = text(&self.raw_claims, TOKEN, &self.claims);
        let token = sign(key, &header, &claims);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        match self.signature.as_deref() {
            None => token,
            Some("missing") => signed.to_owned(),
            Some("empty") => format!("{signed}."),
            Some("others") => sign(other, &header, &claims),
            Some("broken") => {
                let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
                signature[5] ^= 1;
                format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
            }
            Some(other) => panic!("{}: {other}", self.name),
        }
    }
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

fn who(logout: Logout) -> &'static str {
    let new = logout.resolve(Seen::Never).unwrap();
    assert_eq!(&*new.of().issuer, "https://id.example");
    match &new.of().who {
        LoggedOut::User(subject) if &**subject == "alice" => "user",
        LoggedOut::AtProvider(sid) if &**sid == "s-1" => "session",
        LoggedOut::Both { subject, sid } if &**subject == "alice" => match &**sid {
            "s-1" | "säßion" => "both",
            _ => "another session",
        },
        _ => "somebody else",
    }
}

#[test]
fn every_case_ends_as_the_data_says() {
    let cases: Cases = toml::from_str(include_str!("../testdata/logout_token.toml")).unwrap();
    assert!(cases.case.len() > 120);
    let mut wrong = vec![];
    for case in &cases.case {
        for (key, other) in KEYS[0].iter().zip(&KEYS[1]) {
            if !case.is_run_with(key) {
                continue;
            }
            let now = NOW + Duration::from_secs(case.now);
            let token = case.token(key, other);
            let (got, until) = match verify(key, &token, &case.expect, now) {
                Ok(logout) => {
                    let until = logout.until().since(now).as_secs();
                    (who(logout), Some(until))
                }
                Err(failed) => (failed.check().id(), None),
            };
            if got != case.expected || case.until.is_some_and(|expected| until != Some(expected)) {
                wrong.push(format!("{} ({}): {got} {until:?}", case.name, key.alg()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn the_event_is_the_one_of_the_specification() {
    assert!(TOKEN.contains(&format!("\"{LOGOUT_EVENT}\"")));
}

#[test]
fn a_logout_token_is_no_id_token() {
    let key = &KEYS[0][2];
    for typ in ["logout+jwt", "JWT"] {
        let header = merged(&header(key.alg()), Some(&json!({ "typ": typ }).to_string()));
        let claims = merged(TOKEN, Some(r#"{"nonce":"n-1"}"#));
        let token = IdToken::new(sign(key, &header, &claims));
        let read = UnverifiedIdToken::parse(&token);
        let issuer = Issuer::parse("https://id.example").unwrap();
        let expect = oidc_gate_core::token::Expectations {
            issuer: &issuer,
            client_id: "app",
            nonce: None,
            algs: AlgSet::asymmetric(),
            trusted_audiences: &[],
            leeway: Duration::from_secs(30),
            access_token: None,
            acr_values: &[],
            max_age: None,
        };
        let failed = read.and_then(|token| token.verify(&*PUBLISHED, &expect, NOW));
        assert_eq!(failed.unwrap_err().check(), Check::IdTokenType, "{typ}");
    }
}

#[test]
fn the_signature_is_checked_before_any_claim() {
    let key = &KEYS[0][2];
    let token = sign(&KEYS[1][2], &header(key.alg()), "{}");
    let failed = verify(key, &token, &Expect::default(), NOW).unwrap_err();
    assert_eq!(failed.check(), Check::LogoutSignature);
}

#[test]
fn an_algorithm_outside_the_allowed_set_asks_for_no_key() {
    let token = LogoutToken::new(sign(&KEYS[0][0], &header(Alg::RS256), TOKEN));
    let token = UnverifiedLogoutToken::parse(&token).unwrap();
    let only = |alg| [alg].into_iter().collect::<AlgSet>();
    let failed = token.key_query(only(Alg::ES256)).unwrap_err();
    assert_eq!(failed.check(), Check::LogoutAlg);
    let query = token.key_query(only(Alg::RS256)).unwrap();
    assert_eq!((query.kid.as_deref(), query.alg), (Some("key"), Alg::RS256));
}

#[test]
fn a_log_shows_neither_token_nor_user() {
    let key = &KEYS[0][2];
    let text = sign(key, &header(key.alg()), TOKEN);
    let token = UnverifiedLogoutToken::parse(&LogoutToken::new(text.as_str())).unwrap();
    let logout = verify(key, &text, &Expect::default(), NOW).unwrap();
    let shown = format!("{token:?} {logout:?} {:?}", LogoutToken::new(text.as_str()));
    for secret in ["alice", "s-1", "j-1", &*text] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_token_panics(text in "\\PC{0,80}") {
        let _ = verify(&KEYS[0][2], &text, &Expect::default(), NOW);
    }

    #[test]
    fn no_signed_claim_panics(name in "iss|sub|aud|azp|exp|iat|nbf|nonce|sid|jti|events",
        value in "-?[0-9]{1,22}(\\.[0-9]{1,3})?|\"[a-z]{0,5}\"|\\[\\]|\\[1\\]|\\{\\}|true|null") {
        let mut claims: Map<String, Value> = serde_json::from_str(TOKEN).unwrap();
        if let Ok(value) = serde_json::from_str(&value) {
            claims.insert(name, value);
        }
        let key = &KEYS[0][3];
        let token = sign(key, &header(key.alg()), &Value::Object(claims).to_string());
        let _ = verify(key, &token, &Expect::default(), NOW);
    }
}
