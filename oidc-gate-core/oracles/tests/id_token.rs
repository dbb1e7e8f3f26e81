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

    /// A header that is right, and claims that are.
    fn right(&self) -> (Value, Value) {
        let mut header = json!({"alg": self.key.alg().name()});
        if !self.key.kid().is_empty() {
            header["kid"] = self.key.kid().into();
        }
        let claims = json!({"iss": ISSUER, "sub": "alice", "aud": "app", "exp": NOW + 300, "iat": NOW, "nonce": "n-1"});
        (header, claims)
    }

    fn token(&self, change: &Change) -> String {
        let (header, claims) = self.right();
        let part = |base: Value, edits: &Value| {
            let mut base: Map<String, Value> = base.as_object().unwrap().clone();
            for (name, value) in edits.as_object().unwrap() {
                match value {
                    Value::Null => drop(base.remove(name)),
                    value => drop(base.insert(name.clone(), value.clone())),
                }
            }
            Value::Object(base).to_string()
        };
        self.sign(
            &part(header, &change.header),
            part(claims, &change.claims).as_bytes(),
        )
        .join(".")
    }

    /// The three parts.
    fn sign(&self, header: &str, claims: &[u8]) -> [String; 3] {
        let (header, claims) = (
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims),
        );
        let signature = self.key.sign(format!("{header}.{claims}").as_bytes());
        [header, claims, URL_SAFE_NO_PAD.encode(signature.unwrap())]
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

/// A way to write a token down, or to forge one.
type Writing = (&'static str, fn(&Signer) -> String);

/// The token that is right, its header and claims written as these two say.
fn written(
    signer: &Signer,
    header: impl FnOnce(String) -> String,
    claims: impl FnOnce(String) -> Vec<u8>,
) -> String {
    let (right, rest) = signer.right();
    let (header, claims) = (header(right.to_string()), claims(rest.to_string()));
    signer.sign(&header, &claims).join(".")
}

fn claims_with(signer: &Signer, from: &str, to: &str) -> String {
    written(
        signer,
        |header| header,
        |claims| {
            assert!(claims.contains(from), "{from}");
            claims.replacen(from, to, 1).into_bytes()
        },
    )
}

/// The token that is right, its signature changed.
fn forged(signer: &Signer, forge: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let (header, claims) = signer.right();
    let [header, claims, signature] =
        signer.sign(&header.to_string(), claims.to_string().as_bytes());
    let signature = forge(URL_SAFE_NO_PAD.decode(signature).unwrap());
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn respelt(signer: &Signer, respell: impl FnOnce([String; 3]) -> String) -> String {
    let (header, claims) = signer.right();
    respell(signer.sign(&header.to_string(), claims.to_string().as_bytes()))
}

const WRITINGS: &[Writing] = &[
    ("plain", |s| forged(s, |signature| signature)),
    ("white space in the claims", |s| {
        claims_with(s, "{", " {\r\n\t ")
    }),
    ("white space in the header", |s| {
        written(
            s,
            |header| header.replacen('{', "{ \n", 1),
            String::into_bytes,
        )
    }),
    ("white space after the claims", |s| {
        written(s, |header| header, |claims| format!("{claims}\n ").into())
    }),
    ("a byte order mark", |s| {
        written(
            s,
            |header| header,
            |claims| format!("\u{feff}{claims}").into(),
        )
    }),
    ("something after the claims", |s| {
        written(s, |header| header, |claims| format!("{claims}{{}}").into())
    }),
    ("sub twice, the same", |s| {
        claims_with(s, "{", r#"{"sub":"alice","#)
    }),
    ("sub twice, the wrong one first", |s| {
        claims_with(s, "{", r#"{"sub":"admin","#)
    }),
    ("sub twice, one in escapes", |s| {
        claims_with(s, "{", r#"{"\u0073ub":"admin","#)
    }),
    ("aud twice, the wrong one first", |s| {
        claims_with(s, "{", r#"{"aud":"other","#)
    }),
    ("a repeated member in a claim", |s| {
        claims_with(s, "{", r#"{"x":{"a":1,"a":2},"#)
    }),
    ("alg twice", |s| {
        let alg = s.key.alg().name();
        written(
            s,
            |header| header.replacen('{', &format!(r#"{{"alg":"{alg}","#), 1),
            String::into_bytes,
        )
    }),
    ("alg twice, none first", |s| {
        written(
            s,
            |header| header.replacen('{', r#"{"alg":"none","#, 1),
            String::into_bytes,
        )
    }),
    ("names and values in escapes", |s| {
        claims_with(s, r#""sub":"alice""#, r#""\u0073ub":"\u0061lice""#)
    }),
    ("half a surrogate pair", |s| {
        claims_with(s, "{", r#"{"x":"\ud800","#)
    }),
    ("a null character in a claim", |s| {
        claims_with(s, "{", r#"{"x":"\u0000","#)
    }),
    ("a bare control character", |s| {
        claims_with(s, "{", "{\"x\":\"\u{1}\",")
    }),
    ("bytes that are no UTF-8", |s| {
        written(
            s,
            |header| header,
            |claims| {
                let mut bytes = br#"{"x":""#.to_vec();
                bytes.extend([0xff, 0xfe]);
                bytes.extend(br#"","#);
                bytes.extend(&claims.as_bytes()[1..]);
                bytes
            },
        )
    }),
    ("exp with a point", |s| {
        claims_with(s, "1700000300", "1700000300.0")
    }),
    ("exp with an exponent", |s| {
        claims_with(s, "1700000300", "17000003e2")
    }),
    ("exp with a zero before it", |s| {
        claims_with(s, "1700000300", "01700000300")
    }),
    ("exp too large for a number", |s| {
        claims_with(s, "1700000300", "1e400")
    }),
    ("exp negative", |s| claims_with(s, "1700000300", "-1")),
    ("iat negative", |s| claims_with(s, "1700000000", "-1")),
    ("exp as text", |s| {
        claims_with(s, "1700000300", r#""1700000300""#)
    }),
    ("iat as text", |s| {
        claims_with(s, "1700000000", r#""1700000000""#)
    }),
    ("exp null", |s| claims_with(s, "1700000300", "null")),
    ("nonce a list", |s| {
        claims_with(s, r#""nonce":"n-1""#, r#""nonce":["n-1"]"#)
    }),
    ("iss a list", |s| {
        claims_with(
            s,
            r#""iss":"https://id.example""#,
            r#""iss":["https://id.example"]"#,
        )
    }),
    ("aud with a number", |s| {
        claims_with(s, r#""aud":"app""#, r#""aud":["app",1]"#)
    }),
    ("aud in other letters", |s| {
        claims_with(s, r#""aud":"app""#, r#""aud":"App""#)
    }),
    ("aud with a space", |s| {
        claims_with(s, r#""aud":"app""#, r#""aud":"app ""#)
    }),
    ("iss with a port", |s| {
        claims_with(s, "https://id.example", "https://id.example:443")
    }),
    ("iss in other letters", |s| {
        claims_with(s, "https://id.example", "https://ID.example")
    }),
    ("a claim nested 40 deep", |s| {
        let nested = format!(r#"{{"x":{}{},"#, "[".repeat(40), "]".repeat(40));
        claims_with(s, "{", &nested)
    }),
    ("claims that are a list", |s| {
        written(s, |header| header, |claims| format!("[{claims}]").into())
    }),
    ("no claims", |s| written(s, |header| header, |_| vec![])),
    ("single quotes", |s| {
        written(s, |header| header, |claims| claims.replace('"', "'").into())
    }),
    ("a comma too many", |s| {
        written(
            s,
            |header| header,
            |claims| claims.replacen('}', ",}", 1).into(),
        )
    }),
    ("a padded signature", |s| {
        respelt(s, |[header, claims, signature]| {
            let missing = (4 - signature.len() % 4) % 4;
            format!(
                "{header}.{claims}.{signature}{}",
                "=".repeat(missing.max(1))
            )
        })
    }),
    ("white space in the signature", |s| {
        respelt(s, |[header, claims, signature]| {
            format!("{header}.{claims}.{signature}\n")
        })
    }),
    ("the other alphabet", |s| {
        respelt(s, |[header, claims, signature]| {
            format!("{header}.{claims}.+{}", &signature[1..])
        })
    }),
    ("a fourth part", |s| {
        respelt(s, |parts| format!("{}.e30", parts.join(".")))
    }),
    ("a dot at the end", |s| {
        respelt(s, |parts| format!("{}.", parts.join(".")))
    }),
    ("no signature", |s| forged(s, |_| vec![])),
    ("two parts", |s| {
        respelt(s, |[header, claims, _]| format!("{header}.{claims}"))
    }),
    ("one bit of the signature", |s| {
        forged(s, |mut signature| {
            signature[7] ^= 1;
            signature
        })
    }),
    ("the signature shorter", |s| {
        forged(s, |mut signature| {
            signature.pop();
            signature
        })
    }),
    ("the signature longer", |s| {
        forged(s, |mut signature| {
            signature.push(0);
            signature
        })
    }),
    ("a zero before the signature", |s| {
        forged(s, |signature| [&[0], &signature[..]].concat())
    }),
    ("a signature of zeros", |s| {
        forged(s, |signature| vec![0; signature.len()])
    }),
    ("the halves of the signature exchanged", |s| {
        forged(s, |signature| {
            let (r, s) = signature.split_at(signature.len() / 2);
            [s, r].concat()
        })
    }),
    ("the signature of other claims", |s| {
        let [_, _, signature] = s.sign("{}", b"{}");
        respelt(s, |[header, claims, _]| {
            format!("{header}.{claims}.{signature}")
        })
    }),
    ("the signature of another key", |s| {
        let other = Signer::new(match s.key.alg() {
            // With the same secret it would be the same key.
            alg if alg.is_symmetric() => Alg::ES256,
            alg => alg,
        });
        respelt(s, |[header, claims, _]| {
            let signed = format!("{header}.{claims}");
            let signature = other.key.sign(signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        })
    }),
];

/// What ours refuses and the other accepts, of what is written or forged.
const STRICTER_WRITING: &[(&str, &str, &str)] = &[
    (
        "openidconnect",
        "a claim nested 40 deep",
        "a bound of ours; RFC 8725 § 2.12",
    ),
    (
        "openidconnect",
        "a repeated member in a claim",
        "it refuses a repeated claim, but not what is repeated inside of one; RFC 8725 § 2.6",
    ),
    (
        "josekit",
        "a claim nested 40 deep",
        "a bound of ours; RFC 8725 § 2.12",
    ),
    (
        "josekit",
        "a repeated member in a claim",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "alg twice",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "alg twice, none first",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "aud twice, the wrong one first",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "sub twice, one in escapes",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "sub twice, the same",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "sub twice, the wrong one first",
        "it takes the last; RFC 7519 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
];

/// What ours accepts and the other refuses, of what is written.
const LOOSER_WRITING: &[(&str, &str, &str)] = &[(
    "josekit",
    "iat negative",
    "a date is any number, and this one is long ago; RFC 7519 § 2",
)];

#[test]
fn every_difference_about_writing_is_explained() {
    let others: [Other; 2] = [("openidconnect", openidconnect), ("josekit", josekit)];
    let (mut stricter, mut looser) = (BTreeSet::new(), BTreeSet::new());
    let mut right = BTreeMap::new();
    for alg in Alg::ALL {
        let signer = Signer::new(*alg);
        for (name, write) in WRITINGS {
            let token = write(&signer);
            let ours = ours(&signer, &token);
            right
                .entry(*name)
                .or_insert_with(BTreeSet::new)
                .insert(ours);
            for (other, ask) in others {
                if UNKNOWN.contains(&(other, *alg)) {
                    continue;
                }
                // One that panics at a token has not accepted it.
                let theirs = panic::catch_unwind(AssertUnwindSafe(|| ask(&signer, &token)));
                match (ours, theirs.unwrap_or(false)) {
                    (false, true) => drop(stricter.insert((other, *name))),
                    (true, false) => drop(looser.insert((other, *name))),
                    _ => {}
                }
            }
        }
    }
    // Ours says the same under every algorithm.
    for (name, ours) in right {
        assert_eq!(ours, BTreeSet::from([RIGHT.contains(&name)]), "{name}");
    }
    assert_eq!(
        (stricter, looser),
        (explained(STRICTER_WRITING), explained(LOOSER_WRITING))
    );
}

/// What is written so is a token that is right.
const RIGHT: &[&str] = &[
    "plain",
    "white space in the claims",
    "white space in the header",
    "white space after the claims",
    "names and values in escapes",
    "a null character in a claim",
    "exp with a point",
    "exp with an exponent",
    // Long ago, and a number.
    "iat negative",
];

fn explained(
    rows: &[(&'static str, &'static str, &str)],
) -> BTreeSet<(&'static str, &'static str)> {
    rows.iter()
        .map(|(other, change, _)| (*other, *change))
        .collect()
}

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
    assert_eq!(
        (stricter, looser),
        (explained(STRICTER), explained(LOOSER)),
        "{algs_of:#?}"
    );
}
