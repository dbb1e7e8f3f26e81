//! The same key sets, put to this crate and to two others: which key of the set verifies a token that is right? Where they
//! differ, a table says why.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk,
    jws::{self, JwsVerifier},
};
use oidc_gate_core::{
    jose::{Alg, JwkSet, SigningKey, TrustedKeys},
    secret::{IdToken, Nonce},
    time::UnixTime,
    token::{Expectations, UnverifiedIdToken},
    url::Issuer,
};
use openidconnect::{
    ClientId, IssuerUrl,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    str::FromStr as _,
    time::Duration,
};

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://id.example";

/// A key, another of its kind, and what is published of them.
struct Published {
    alg: Alg,
    key: SigningKey,
    other: SigningKey,
    jwk: Value,
    other_jwk: Value,
    /// The member with the key's own number.
    number: &'static str,
}

/// What a provider may publish: its text, and the `kid` of the token.
type Set = (String, Option<String>);
type Case = (&'static str, fn(&Published) -> Set);

impl Published {
    fn new(alg: Alg) -> Self {
        let (key, other) = (
            SigningKey::generate(alg).unwrap(),
            SigningKey::generate(alg).unwrap(),
        );
        let (jwk, other_jwk) = (key.public_jwk(), other.public_jwk());
        let number = if jwk["kty"] == "RSA" { "n" } else { "x" };
        Self {
            alg,
            key,
            other,
            jwk,
            other_jwk,
            number,
        }
    }

    fn token(&self, kid: Option<&str>) -> String {
        let mut header = json!({"alg": self.alg.name()});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let claims = json!({"iss": ISSUER, "sub": "alice", "aud": "app", "exp": NOW + 300, "iat": NOW, "nonce": "n-1"});
        let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn kid(&self) -> Option<String> {
        Some(self.key.kid().to_owned())
    }

    /// The key with these members changed, and nothing else.
    fn with(&self, edits: Value) -> Set {
        (set(&[edited(&self.jwk, &edits)]), self.kid())
    }

    /// The key, behind another one.
    fn behind(&self, other: Value) -> Set {
        (set(&[other, self.jwk.clone()]), self.kid())
    }

    fn number_as(&self, write: impl FnOnce(&str) -> String) -> Set {
        let number = write(self.jwk[self.number].as_str().unwrap());
        self.with(json!({ self.number: number }))
    }

    fn number_bytes(&self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Set {
        self.number_as(|text| URL_SAFE_NO_PAD.encode(change(URL_SAFE_NO_PAD.decode(text).unwrap())))
    }

    /// The text of the set, changed.
    fn text(&self, from: &str, to: &str) -> Set {
        let text = set(&[self.jwk.clone()]);
        assert!(text.contains(from), "{from}");
        (text.replacen(from, to, 1), self.kid())
    }
}

fn edited(jwk: &Value, edits: &Value) -> Value {
    let mut members = jwk.as_object().unwrap().clone();
    for (name, value) in edits.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(members)
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

const CASES: &[Case] = &[
    ("the key alone", |p| p.with(json!({}))),
    ("behind another", |p| p.behind(p.other_jwk.clone())),
    ("another alone", |p| (set(&[p.other_jwk.clone()]), p.kid())),
    ("none at all", |p| (set(&[]), p.kid())),
    ("kid missing in the key", |p| p.with(json!({"kid": null}))),
    ("kid missing in the token", |p| (p.with(json!({})).0, None)),
    ("kid missing in both", |p| {
        (p.with(json!({"kid": null})).0, None)
    }),
    ("kid missing in the token, two keys", |p| {
        (p.behind(p.other_jwk.clone()).0, None)
    }),
    ("kid twice", |p| {
        p.behind(edited(&p.other_jwk, &json!({"kid": p.key.kid()})))
    }),
    ("kid twice, the right one first", |p| {
        let other = edited(&p.other_jwk, &json!({"kid": p.key.kid()}));
        (set(&[p.jwk.clone(), other]), p.kid())
    }),
    ("kid of another", |p| {
        (p.with(json!({})).0, Some("nobody".to_owned()))
    }),
    ("kid of another key for the right key", |p| {
        (
            set(&[edited(&p.jwk, &json!({"kid": "x"})), p.other_jwk.clone()]),
            Some(p.other.kid().to_owned()),
        )
    }),
    ("kid in other letters", |p| {
        (p.with(json!({"kid": "Key"})).0, Some("key".to_owned()))
    }),
    ("kid empty in both", |p| {
        (p.with(json!({"kid": ""})).0, Some(String::new()))
    }),
    ("kid a number", |p| p.with(json!({"kid": 1}))),
    ("use sig", |p| p.with(json!({"use": "sig"}))),
    ("use missing", |p| p.with(json!({"use": null}))),
    ("use enc", |p| p.with(json!({"use": "enc"}))),
    ("use SIG", |p| p.with(json!({"use": "SIG"}))),
    ("use of somebody's own", |p| p.with(json!({"use": "x"}))),
    ("use a list", |p| p.with(json!({"use": ["sig"]}))),
    ("key_ops verify", |p| p.with(json!({"key_ops": ["verify"]}))),
    ("key_ops sign and verify", |p| {
        p.with(json!({"key_ops": ["sign", "verify"]}))
    }),
    ("key_ops sign", |p| p.with(json!({"key_ops": ["sign"]}))),
    ("key_ops encrypt", |p| {
        p.with(json!({"use": null, "key_ops": ["encrypt", "wrapKey"]}))
    }),
    ("key_ops empty", |p| p.with(json!({"key_ops": []}))),
    ("key_ops text", |p| p.with(json!({"key_ops": "verify"}))),
    ("alg its own", |p| p.with(json!({"alg": p.alg.name()}))),
    ("alg missing", |p| p.with(json!({"alg": null}))),
    ("alg of another of its type", |p| {
        p.with(json!({"alg": match p.alg {
            Alg::RS256 => "PS256",
            Alg::PS256 => "RS256",
            Alg::ES256 => "ES384",
            Alg::ES384 | Alg::ES512 => "ES256",
            _ => "Ed448",
        }}))
    }),
    ("alg of another type", |p| {
        p.with(json!({"alg": if p.number == "n" { "ES256" } else { "RS256" }}))
    }),
    ("alg of a secret", |p| p.with(json!({"alg": "HS256"}))),
    ("alg for encryption", |p| p.with(json!({"alg": "RSA-OAEP"}))),
    ("alg nobody knows", |p| p.with(json!({"alg": "XX256"}))),
    ("alg a number", |p| p.with(json!({"alg": 256}))),
    ("with a private member", |p| p.with(json!({"d": "AQAB"}))),
    ("with the member of a secret", |p| {
        p.with(json!({"k": "AQAB"}))
    }),
    ("behind a secret", |p| {
        p.behind(json!({"kty": "oct", "k": "AQAB", "kid": "s"}))
    }),
    ("behind a secret of its name", |p| {
        p.behind(json!({"kty": "oct", "k": "AQAB", "kid": p.key.kid()}))
    }),
    ("behind a type nobody knows", |p| {
        p.behind(json!({"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AQAB"}))
    }),
    ("behind a curve nobody knows", |p| {
        p.behind(json!({"kty": "EC", "crv": "P-1", "x": "AQ", "y": "AQ", "kid": "c"}))
    }),
    ("behind a key for key agreement", |p| {
        p.behind(json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08", "kid": "e"}))
    }),
    ("behind an encryption key of its name", |p| {
        p.behind(edited(
            &p.other_jwk,
            &json!({"kid": p.key.kid(), "use": "enc", "alg": null}),
        ))
    }),
    ("behind an empty object", |p| p.behind(json!({}))),
    ("behind a key that lacks its number", |p| {
        p.behind(edited(&p.other_jwk, &json!({ p.number: null })))
    }),
    ("behind null", |p| p.behind(json!(null))),
    ("behind a text", |p| p.behind(json!("key"))),
    ("kty missing", |p| p.with(json!({"kty": null}))),
    ("kty in other letters", |p| {
        let kty = p.jwk["kty"].as_str().unwrap().to_lowercase();
        p.with(json!({"kty": kty}))
    }),
    ("kty of another type", |p| {
        p.with(json!({"kty": if p.number == "n" { "EC" } else { "RSA" }}))
    }),
    ("crv of another curve", |p| {
        p.with(json!({"crv": if p.jwk["crv"] == "P-256" { "P-384" } else { "P-256" }}))
    }),
    ("the number missing", |p| p.with(json!({ p.number: null }))),
    ("the number a number", |p| p.with(json!({ p.number: 5 }))),
    ("the number empty", |p| p.with(json!({ p.number: "" }))),
    ("the number padded", |p| {
        p.number_as(|text| format!("{text}="))
    }),
    ("the number with white space", |p| {
        p.number_as(|text| format!("{text} "))
    }),
    ("the number in the other alphabet", |p| {
        p.number_as(|text| text.replace('-', "+").replace('_', "/") + "+")
    }),
    ("the number with a zero before it", |p| {
        p.number_bytes(|bytes| [&[0], &bytes[..]].concat())
    }),
    ("the number with a zero behind it", |p| {
        p.number_bytes(|bytes| [&bytes[..], &[0]].concat())
    }),
    ("the number without its end", |p| {
        p.number_bytes(|mut bytes| {
            bytes.pop();
            bytes
        })
    }),
    ("e is 1", |p| p.with(json!({"e": "AQ"}))),
    ("e is even", |p| p.with(json!({"e": "AQAA"}))),
    ("e with a zero before it", |p| {
        p.with(json!({"e": "AAEAAQ"}))
    }),
    ("e missing", |p| p.with(json!({"e": null}))),
    ("members nobody knows", |p| {
        p.with(json!({"x5t": 5, "iat": 1, "ext": true, "x5u": "http://evil.example"}))
    }),
    ("a certificate that is none", |p| {
        p.with(json!({"x5c": ["x"]}))
    }),
    ("kty twice", |p| p.text("[{", "[{\"kty\":\"oct\",")),
    ("keys twice", |p| {
        p.text("{\"keys\":", "{\"keys\":[],\"keys\":")
    }),
    ("keys missing", |p| p.text("\"keys\"", "\"key\"")),
    ("keys an object", |p| {
        (json!({"keys": {"a": p.jwk}}).to_string(), p.kid())
    }),
    ("the list alone", |p| (json!([p.jwk]).to_string(), p.kid())),
    ("one key in the place of a set", |p| {
        (p.jwk.to_string(), p.kid())
    }),
    ("a comma too many", |p| p.text("]", ",]")),
    ("a byte order mark", |p| p.text("{", "\u{feff}{")),
    ("more beside the keys", |p| p.text("{", "{\"more\":[1],")),
    ("101 keys", |p| {
        let mut keys = vec![p.other_jwk.clone(); 100];
        keys.push(p.jwk.clone());
        (set(&keys), p.kid())
    }),
];

fn ours(alg: Alg, set: &str, token: &str) -> bool {
    let (issuer, nonce) = (Issuer::parse(ISSUER).unwrap(), Nonce::new("n-1"));
    let expect = Expectations {
        issuer: &issuer,
        client_id: "app",
        nonce: Some(&nonce),
        algs: [alg].into_iter().collect(),
        trusted_audiences: &[],
        leeway: Duration::ZERO,
        access_token: None,
        acr_values: &[],
        max_age: None,
    };
    let Ok(set) = JwkSet::parse(set.as_bytes()) else {
        return false;
    };
    UnverifiedIdToken::parse(&IdToken::new(token))
        .and_then(|token| {
            token.verify(
                TrustedKeys::Published(&set),
                &expect,
                UnixTime::from_secs(NOW),
            )
        })
        .is_ok()
}

fn openidconnect(alg: Alg, set: &str, token: &str) -> bool {
    let Ok(set) = serde_json::from_str::<CoreJsonWebKeySet>(set) else {
        return false;
    };
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new("app".into()),
        IssuerUrl::new(ISSUER.into()).unwrap(),
        set,
    );
    let alg = serde_json::from_value::<CoreJwsSigningAlgorithm>(alg.name().into()).unwrap();
    let verifier = verifier
        .set_allowed_algs([alg])
        .set_time_fn(|| chrono::DateTime::from_timestamp(NOW as i64, 0).unwrap());
    let token = CoreIdToken::from_str(token).unwrap();
    token
        .claims(&verifier, &openidconnect::Nonce::new("n-1".into()))
        .is_ok()
}

/// It leaves the choice among the keys to its caller: those of the name, or all where there is none.
fn josekit(alg: Alg, set: &str, token: &str) -> bool {
    let Ok(set) = jwk::JwkSet::from_bytes(set) else {
        return false;
    };
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let keys = match header["kid"].as_str() {
        Some(kid) => set.get(kid),
        None => set.keys(),
    };
    keys.into_iter().any(|jwk| {
        let verifier: Result<Box<dyn JwsVerifier>, _> = match alg {
            Alg::RS256 => jws::RS256.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
            Alg::PS256 => jws::PS256.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
            Alg::ES256 => jws::ES256.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
            Alg::ES384 => jws::ES384.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
            Alg::ES512 => jws::ES512.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
            _ => jws::EdDSA.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
        };
        verifier.is_ok_and(|verifier| josekit::jwt::decode_with_verifier(token, &*verifier).is_ok())
    })
}

/// What ours does not verify and the other does: `(other, case, why)`.
const STRICTER: &[(&str, &str, &str)] = &[
    (
        "openidconnect",
        "101 keys",
        "a bound of ours: a provider has a handful; RFC 8725 § 2.12",
    ),
    (
        "openidconnect",
        "key_ops empty",
        "it takes the key for what `use` says alone; RFC 7517 § 4.3",
    ),
    (
        "openidconnect",
        "key_ops encrypt",
        "it takes the key for what `use` says alone; RFC 7517 § 4.3",
    ),
    (
        "openidconnect",
        "key_ops sign",
        "it takes the key for what `use` says alone; RFC 7517 § 4.3",
    ),
    (
        "openidconnect",
        "key_ops text",
        "it does not read it; RFC 7517 § 4.3",
    ),
    (
        "openidconnect",
        "with a private member",
        "the key is no secret any more; Discovery § 3, RFC 7517 § 9.2",
    ),
    (
        "openidconnect",
        "with the member of a secret",
        "no public key has it; Discovery § 3, RFC 7517 § 9.2",
    ),
    (
        "josekit",
        "101 keys",
        "a bound of ours: a provider has a handful; RFC 8725 § 2.12",
    ),
    (
        "josekit",
        "keys twice",
        "it takes the last; RFC 7517 § 5 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "kty twice",
        "it takes the last; RFC 7517 § 4 leaves it open, RFC 8725 § 2.6 warns of it",
    ),
    (
        "josekit",
        "with a private member",
        "the key is no secret any more; Discovery § 3, RFC 7517 § 9.2",
    ),
    (
        "josekit",
        "with the member of a secret",
        "no public key has it; Discovery § 3, RFC 7517 § 9.2",
    ),
];

/// What ours verifies and the other does not.
const LOOSER: &[(&str, &str, &str)] = &[
    (
        "openidconnect",
        "kid missing in the token, two keys",
        "it wants one candidate; each key is as trusted as the next, Core § 10.1",
    ),
    (
        "openidconnect",
        "kid twice",
        "it wants one candidate; RFC 7517 § 4.5 says that names should differ, not that they do",
    ),
    (
        "openidconnect",
        "kid twice, the right one first",
        "it wants one candidate; RFC 7517 § 4.5 says that names should differ, not that they do",
    ),
    (
        "josekit",
        "a certificate that is none",
        "nothing is taken from it; RFC 7517 § 4",
    ),
    (
        "josekit",
        "behind a text",
        "one bad key does not make the others useless; RFC 7517 § 5",
    ),
    (
        "josekit",
        "behind an empty object",
        "one bad key does not make the others useless; RFC 7517 § 5",
    ),
    (
        "josekit",
        "behind null",
        "one bad key does not make the others useless; RFC 7517 § 5",
    ),
    (
        "josekit",
        "kid missing in the token",
        "`kid` is optional; Core § 10.1. Its verifier wants the name of its key",
    ),
    (
        "josekit",
        "kid missing in the token, two keys",
        "`kid` is optional; Core § 10.1. Its verifier wants the name of its key",
    ),
    (
        "josekit",
        "members nobody knows",
        "what is not understood is ignored; RFC 7517 § 4",
    ),
];

type Other = (&'static str, fn(Alg, &str, &str) -> bool);

/// One algorithm for each type and curve. The other does not have `ES512`.
const ALGS: &[Alg] = &[
    Alg::RS256,
    Alg::PS256,
    Alg::ES256,
    Alg::ES384,
    Alg::ES512,
    Alg::EdDSA,
];

#[test]
fn every_difference_is_explained() {
    let others: [Other; 2] = [("openidconnect", openidconnect), ("josekit", josekit)];
    let (mut stricter, mut looser, mut verified) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for alg in ALGS {
        let published = Published::new(*alg);
        for (name, make) in CASES {
            let (set, kid) = make(&published);
            let token = published.token(kid.as_deref());
            let ours = ours(*alg, &set, &token);
            if ours {
                verified.insert(*name);
            }
            for (other, ask) in others {
                if (other, *alg) == ("openidconnect", Alg::ES512) {
                    continue;
                }
                // One that panics at a key has not verified anything.
                let theirs = panic::catch_unwind(AssertUnwindSafe(|| ask(*alg, &set, &token)));
                match (ours, theirs.unwrap_or(false)) {
                    (false, true) => drop(stricter.insert((other, *name))),
                    (true, false) => drop(looser.insert((other, *name))),
                    _ => {}
                }
            }
        }
    }
    assert!(verified.len() > 20 && verified.len() < CASES.len() - 20);
    let explained = |rows: &[(&'static str, &'static str, &str)]| -> BTreeSet<_> {
        rows.iter()
            .map(|(other, case, _)| (*other, *case))
            .collect()
    };
    assert_eq!((stricter, looser), (explained(STRICTER), explained(LOOSER)));
}
