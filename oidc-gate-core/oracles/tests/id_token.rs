//! The same tokens and the same keys, put to this crate and to two others. Where they differ, a table says why.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{self, JwsVerifier},
    jwt::{self, JwtPayloadValidator},
};
use oidc_gate_core::{
    jose::{Alg, AlgSet, JwkSet, SigningKey, TrustedKeys},
    secret::{ClientSecret, IdToken, Nonce},
    time::UnixTime,
    token::{Expectations, UnverifiedIdToken},
    url::Issuer,
};
use openidconnect::{
    ClientId, IssuerUrl,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{self, AssertUnwindSafe},
    str::FromStr as _,
    time::{Duration, SystemTime},
};

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://id.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A change to a token that is right, and the header it is written into.
struct Change {
    name: &'static str,
    header: Value,
    claims: Value,
}

fn changes() -> Vec<Change> {
    let claim = |name, claims| Change {
        name,
        header: json!({}),
        claims,
    };
    let header = |name, header| Change {
        name,
        header,
        claims: json!({}),
    };
    vec![
        claim("nothing", json!({})),
        claim("iss of another", json!({"iss": "https://other.example"})),
        claim("iss with a slash", json!({"iss": "https://id.example/"})),
        claim("no iss", json!({"iss": null})),
        claim("no sub", json!({"sub": null})),
        claim("empty sub", json!({"sub": ""})),
        claim("sub of 256", json!({"sub": "a".repeat(256)})),
        claim("sub not ASCII", json!({"sub": "Zoë"})),
        claim("sub a number", json!({"sub": 1})),
        claim("aud of another", json!({"aud": "other"})),
        claim("aud a list of one", json!({"aud": ["app"]})),
        claim(
            "aud with a stranger",
            json!({"aud": ["app", "other"], "azp": "app"}),
        ),
        claim("aud twice, no azp", json!({"aud": ["app", "app"]})),
        claim("no aud", json!({"aud": null})),
        claim("azp of another", json!({"azp": "other"})),
        claim("azp ours", json!({"azp": "app"})),
        claim("expired", json!({"exp": NOW - 1})),
        claim("expires now", json!({"exp": NOW})),
        claim("exp with a fraction", json!({"exp": NOW as f64 + 0.5})),
        claim("exp as text", json!({"exp": (NOW + 300).to_string()})),
        claim("no exp", json!({"exp": null})),
        claim("exp absurd", json!({"exp": 1e300})),
        claim("no iat", json!({"iat": null})),
        claim("iat ahead", json!({"iat": NOW + 3600})),
        claim("nbf ahead", json!({"nbf": NOW + 3600})),
        claim("nbf as text", json!({"nbf": "x"})),
        claim("nonce of another", json!({"nonce": "other"})),
        claim("no nonce", json!({"nonce": null})),
        claim("acr a number", json!({"acr": 1})),
        claim("sid a number", json!({"sid": 1})),
        claim("logout token", json!({"events": {}})),
        header("typ JWT", json!({"typ": "JWT"})),
        header("typ jwt", json!({"typ": "jwt"})),
        header("typ application/JWT", json!({"typ": "application/JWT"})),
        header("typ at+jwt", json!({"typ": "at+jwt"})),
        header("kid of nobody", json!({"kid": "nobody"})),
        header("no kid", json!({"kid": null})),
        header("crit unknown", json!({"crit": ["x"], "x": 1})),
        header("crit empty", json!({"crit": []})),
        header("b64 false", json!({"b64": false})),
        header("alg none", json!({"alg": "none"})),
        header("alg unknown", json!({"alg": "XX256"})),
    ]
}

struct Signer {
    key: SigningKey,
    /// A set with this key alone.
    set: String,
    /// The key as the others are told it.
    jwk: Value,
}

impl Signer {
    fn new(alg: Alg) -> Self {
        let (key, jwk) = if alg.is_symmetric() {
            let key = SigningKey::from_secret(alg, &ClientSecret::new(SECRET)).unwrap();
            (
                key,
                json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET)}),
            )
        } else {
            let key = SigningKey::generate(alg).unwrap();
            let jwk = key.public_jwk();
            (key, jwk)
        };
        let published = if alg.is_symmetric() {
            vec![]
        } else {
            vec![&jwk]
        };
        let set = json!({ "keys": published }).to_string();
        Self { key, set, jwk }
    }

    fn token(&self, change: &Change) -> String {
        let mut header = json!({"alg": self.key.alg().name()});
        if !self.key.kid().is_empty() {
            header["kid"] = self.key.kid().into();
        }
        let claims = json!({"iss": ISSUER, "sub": "alice", "aud": "app", "exp": NOW + 300, "iat": NOW, "nonce": "n-1"});
        let part = |base: Value, edits: &Value| {
            let mut base: Map<String, Value> = base.as_object().unwrap().clone();
            for (name, value) in edits.as_object().unwrap() {
                match value {
                    Value::Null => drop(base.remove(name)),
                    value => drop(base.insert(name.clone(), value.clone())),
                }
            }
            URL_SAFE_NO_PAD.encode(Value::Object(base).to_string())
        };
        let signed = format!(
            "{}.{}",
            part(header, &change.header),
            part(claims, &change.claims)
        );
        let signature = self.key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// This crate, without leeway: the others have none.
fn ours(signer: &Signer, token: &str) -> bool {
    let (issuer, nonce, secret) = (
        Issuer::parse(ISSUER).unwrap(),
        Nonce::new("n-1"),
        ClientSecret::new(SECRET),
    );
    let alg = signer.key.alg();
    let expect = Expectations {
        issuer: &issuer,
        client_id: "app",
        nonce: Some(&nonce),
        algs: [alg].into_iter().collect::<AlgSet>(),
        trusted_audiences: &[],
        leeway: Duration::ZERO,
        access_token: None,
        acr_values: &[],
        max_age: None,
    };
    let set = JwkSet::parse(signer.set.as_bytes()).unwrap();
    let keys = match alg.is_symmetric() {
        true => TrustedKeys::Secret(&secret),
        false => TrustedKeys::Published(&set),
    };
    UnverifiedIdToken::parse(&IdToken::new(token))
        .and_then(|token| token.verify(keys, &expect, UnixTime::from_secs(NOW)))
        .is_ok()
}

fn openidconnect(signer: &Signer, token: &str) -> bool {
    let Ok(set) = serde_json::from_str::<CoreJsonWebKeySet>(&signer.set) else {
        return false;
    };
    let (client, issuer) = (
        ClientId::new("app".into()),
        IssuerUrl::new(ISSUER.into()).unwrap(),
    );
    let verifier = match signer.key.alg().is_symmetric() {
        false => CoreIdTokenVerifier::new_public_client(client, issuer, set),
        true => CoreIdTokenVerifier::new_confidential_client(
            client,
            openidconnect::ClientSecret::new(SECRET.into()),
            issuer,
            set,
        ),
    };
    let Ok(alg) = serde_json::from_value::<CoreJwsSigningAlgorithm>(signer.key.alg().name().into())
    else {
        return false;
    };
    let verifier = verifier
        .set_allowed_algs([alg])
        .set_time_fn(|| chrono::DateTime::from_timestamp(NOW as i64, 0).unwrap());
    let Ok(token) = CoreIdToken::from_str(token) else {
        return false;
    };
    let nonce = openidconnect::Nonce::new("n-1".into());
    token.claims(&verifier, &nonce).is_ok()
}

fn josekit(signer: &Signer, token: &str) -> bool {
    let jwk = Jwk::from_map(signer.jwk.as_object().unwrap().clone()).unwrap();
    let verifier: Box<dyn JwsVerifier> = match signer.key.alg() {
        Alg::RS256 => Box::new(jws::RS256.verifier_from_jwk(&jwk).unwrap()),
        Alg::RS384 => Box::new(jws::RS384.verifier_from_jwk(&jwk).unwrap()),
        Alg::RS512 => Box::new(jws::RS512.verifier_from_jwk(&jwk).unwrap()),
        Alg::PS256 => Box::new(jws::PS256.verifier_from_jwk(&jwk).unwrap()),
        Alg::PS384 => Box::new(jws::PS384.verifier_from_jwk(&jwk).unwrap()),
        Alg::PS512 => Box::new(jws::PS512.verifier_from_jwk(&jwk).unwrap()),
        Alg::ES256 => Box::new(jws::ES256.verifier_from_jwk(&jwk).unwrap()),
        Alg::ES384 => Box::new(jws::ES384.verifier_from_jwk(&jwk).unwrap()),
        Alg::ES512 => Box::new(jws::ES512.verifier_from_jwk(&jwk).unwrap()),
        Alg::EdDSA => Box::new(jws::EdDSA.verifier_from_jwk(&jwk).unwrap()),
        Alg::HS256 => Box::new(jws::HS256.verifier_from_jwk(&jwk).unwrap()),
        Alg::HS384 => Box::new(jws::HS384.verifier_from_jwk(&jwk).unwrap()),
        Alg::HS512 => Box::new(jws::HS512.verifier_from_jwk(&jwk).unwrap()),
        _ => return false,
    };
    let Ok((payload, _)) = jwt::decode_with_verifier(token, &*verifier) else {
        return false;
    };
    let mut rules = JwtPayloadValidator::new();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    rules.set_base_time(now);
    rules.set_max_issued_time(now);
    rules.set_issuer(ISSUER);
    rules.set_audience("app");
    rules.set_claim("nonce", "n-1".into());
    // It panics at a date that is too far away for its type; that counts as a refusal.
    panic::catch_unwind(AssertUnwindSafe(|| rules.validate(&payload).is_ok())).unwrap_or(false)
}

/// What ours refuses and the other accepts: `(other, change, why)`.
const STRICTER: &[(&str, &str, &str)] = &[
    (
        "openidconnect",
        "aud twice, no azp",
        "it leaves the check of `azp` to its caller; Core § 3.1.3.7, step 4",
    ),
    (
        "openidconnect",
        "azp of another",
        "it leaves the check of `azp` to its caller; Core § 3.1.3.7, step 5",
    ),
    (
        "openidconnect",
        "b64 false",
        "RFC 7797 § 6: the member has to be in `crit`, which then has to be understood",
    ),
    (
        "openidconnect",
        "empty sub",
        "a user has to have an identifier; Core § 2",
    ),
    (
        "openidconnect",
        "sub of 256",
        "255 ASCII characters at most; Core § 2",
    ),
    (
        "openidconnect",
        "sub not ASCII",
        "255 ASCII characters at most; Core § 2",
    ),
    (
        "openidconnect",
        "iat ahead",
        "it accepts any `iat` unless told otherwise; RFC 7519 § 4.1.6, Core § 3.1.3.7, step 10",
    ),
    (
        "openidconnect",
        "nbf ahead",
        "it does not read `nbf`; RFC 7519 § 4.1.5",
    ),
    (
        "openidconnect",
        "nbf as text",
        "it does not read `nbf`; RFC 7519 § 2",
    ),
    (
        "openidconnect",
        "logout token",
        "Back-Channel Logout § 2.4, RFC 8725 § 3.12",
    ),
    (
        "openidconnect",
        "sid a number",
        "text; Back-Channel Logout § 2.1",
    ),
    (
        "josekit",
        "acr a number",
        "it knows claims of RFC 7519 alone; Core § 2",
    ),
    (
        "josekit",
        "aud twice, no azp",
        "it does not know `azp`; Core § 3.1.3.7, step 4",
    ),
    (
        "josekit",
        "aud with a stranger",
        "it asks whether the client is among them; Core § 3.1.3.7, step 3",
    ),
    (
        "josekit",
        "azp of another",
        "it does not know `azp`; Core § 3.1.3.7, step 5",
    ),
    (
        "josekit",
        "b64 false",
        "RFC 7797 § 6: the member has to be in `crit`, which then has to be understood",
    ),
    (
        "josekit",
        "crit empty",
        "RFC 7515 § 4.1.11: it must not be empty",
    ),
    (
        "josekit",
        "empty sub",
        "a user has to have an identifier; Core § 2",
    ),
    (
        "josekit",
        "no sub",
        "its claims are optional, as in RFC 7519; Core § 2 demands it",
    ),
    (
        "josekit",
        "sub of 256",
        "255 ASCII characters at most; Core § 2",
    ),
    (
        "josekit",
        "sub not ASCII",
        "255 ASCII characters at most; Core § 2",
    ),
    (
        "josekit",
        "no aud",
        "its claims are optional, as in RFC 7519; Core § 2 demands it",
    ),
    (
        "josekit",
        "no exp",
        "its claims are optional, as in RFC 7519; Core § 2 demands it",
    ),
    (
        "josekit",
        "no iat",
        "its claims are optional, as in RFC 7519; Core § 2 demands it",
    ),
    (
        "josekit",
        "logout token",
        "Back-Channel Logout § 2.4, RFC 8725 § 3.12",
    ),
    ("josekit", "sid a number", "text; Back-Channel Logout § 2.1"),
    (
        "josekit",
        "typ at+jwt",
        "it does not look at `typ`; RFC 8725 § 3.11",
    ),
];

/// What ours accepts and the other refuses.
const LOOSER: &[(&str, &str, &str)] = &[
    (
        "openidconnect",
        "exp absurd",
        "a date is any number; RFC 7519 § 2. Its own type ends earlier",
    ),
    (
        "josekit",
        "exp absurd",
        "a date is any number; RFC 7519 § 2. It panics",
    ),
    (
        "josekit",
        "no kid",
        "`kid` is optional, and one key is a candidate; Core § 10.1. Its verifier wants the name of its key",
    ),
];

/// Algorithms that the other does not have: it cannot be asked.
const UNKNOWN: &[(&str, Alg)] = &[
    ("openidconnect", Alg::ES512),
    ("openidconnect", Alg::Ed25519),
    ("josekit", Alg::Ed25519),
];

type Other = (&'static str, fn(&Signer, &str) -> bool);

#[test]
fn every_difference_is_explained() {
    let others: [Other; 2] = [("openidconnect", openidconnect), ("josekit", josekit)];
    let (mut stricter, mut looser) = (BTreeSet::new(), BTreeSet::new());
    let (mut asked, mut algs_of) = (0, BTreeMap::<_, Vec<Alg>>::new());
    for alg in Alg::ALL {
        let signer = Signer::new(*alg);
        for change in changes() {
            let token = signer.token(&change);
            let ours = ours(&signer, &token);
            for (name, other) in others {
                if UNKNOWN.contains(&(name, *alg)) {
                    assert!(!other(&signer, &token), "{name} has learned {alg}");
                    continue;
                }
                asked += 1;
                match (ours, other(&signer, &token)) {
                    (false, true) => drop(stricter.insert((name, change.name))),
                    (true, false) => drop(looser.insert((name, change.name))),
                    _ => continue,
                }
                algs_of.entry((name, change.name)).or_default().push(*alg);
            }
        }
    }
    assert!(asked > 1_000);
    let explained = |rows: &[(&'static str, &'static str, &str)]| -> BTreeSet<_> {
        rows.iter()
            .map(|(other, change, _)| (*other, *change))
            .collect()
    };
    assert_eq!(
        (stricter, looser),
        (explained(STRICTER), explained(LOOSER)),
        "{algs_of:#?}"
    );
}
