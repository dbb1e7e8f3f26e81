//! Keys and assertions as the cases write them; see `testdata/README.md`.

use crate::{NOW, request::filled};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oidc_gate_core::jose::{Alg, JwkSet, SigningKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A private key by its name, which is also its `kid`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyEntry {
    name: String,
    file: Option<String>,
    jwk: Option<String>,
    alg: String,
}

impl KeyEntry {
    pub(crate) fn file(name: &str, file: &str, alg: &str) -> Self {
        Self {
            name: name.into(),
            file: Some(file.into()),
            jwk: None,
            alg: alg.into(),
        }
    }
}

/// A public key of a client's, as it is registered or published.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicKey {
    key: Option<String>,
    /// Merged into the public key; `null` removes a member.
    jwk: Option<String>,
}

impl PublicKey {
    pub(crate) fn of(key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            jwk: None,
        }
    }

    pub(crate) fn edited(key: &str, jwk: &str) -> Self {
        Self {
            jwk: Some(jwk.to_owned()),
            ..Self::of(key)
        }
    }
}

pub(crate) struct Keys(BTreeMap<String, SigningKey>);

impl Keys {
    pub(crate) fn new(entries: &[KeyEntry]) -> Self {
        let keys = entries.iter().map(|entry| {
            let key = match (&entry.file, &entry.jwk) {
                (Some(file), None) => SigningKey::from_pem(pem(file)).unwrap(),
                (None, Some(jwk)) => SigningKey::from_jwk(jwk.as_bytes()).unwrap(),
                _ => panic!("{}: a file or a JWK", entry.name),
            };
            let alg = Alg::from_name(&entry.alg).unwrap();
            let key = key.with_alg(alg).unwrap().named(entry.name.as_str());
            (entry.name.clone(), key)
        });
        Self(keys.collect())
    }

    pub(crate) fn get(&self, name: &str) -> &SigningKey {
        self.0.get(name).unwrap_or_else(|| panic!("no key {name}"))
    }

    pub(crate) fn set(&self, keys: &[PublicKey]) -> JwkSet {
        let jwk = |public: &PublicKey| {
            let whole = public
                .key
                .as_ref()
                .map_or(json!({}), |name| self.get(name).public_jwk());
            merged(&whole, public.jwk.as_deref())
        };
        let keys: Vec<Value> = keys.iter().map(jwk).collect();
        JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }
}

fn pem(file: &str) -> &'static str {
    match file {
        "ec-prime256v1-pkcs8.pem" => {
            include_str!("../../testdata/keys/ec-prime256v1-pkcs8.pem")
        }
        "ec-secp384r1-pkcs8.pem" => include_str!("../../testdata/keys/ec-secp384r1-pkcs8.pem"),
        "ec-secp521r1-pkcs8.pem" => include_str!("../../testdata/keys/ec-secp521r1-pkcs8.pem"),
        "ed25519-pkcs8.pem" => include_str!("../../testdata/keys/ed25519-pkcs8.pem"),
        "rsa-pkcs8.pem" => include_str!("../../testdata/keys/rsa-pkcs8.pem"),
        other => panic!("{other}"),
    }
}

/// An assertion to be made.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Template {
    pub(crate) by: String,
    pub(crate) key: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) raw_header: Option<String>,
    pub(crate) claims: Option<String>,
    pub(crate) raw_claims: Option<String>,
    pub(crate) tamper: Option<String>,
    /// The whole of it, in the place of everything else.
    pub(crate) literal: Option<String>,
}

impl Template {
    /// Whether it is what a client writes that has nothing odd in mind.
    pub(crate) fn is_plain(&self) -> bool {
        let edits = [
            &self.header,
            &self.raw_header,
            &self.claims,
            &self.raw_claims,
        ];
        edits.iter().all(|edit| edit.is_none()) && self.tamper.is_none() && self.literal.is_none()
    }

    /// What a client's assertion begins as.
    pub(crate) fn of_client(&self, keys: &Keys) -> String {
        let by = &self.by;
        self.make(
            keys,
            &json!({"iss": by, "sub": by, "aud": "https://id.example", "jti": "id-1", "iat": NOW, "exp": NOW + 60}),
        )
    }

    /// What an assertion that is a grant begins as.
    pub(crate) fn of_issuer(&self, keys: &Keys) -> String {
        let by = &self.by;
        self.make(
            keys,
            &json!({"iss": by, "sub": "alice", "aud": "https://id.example", "jti": "id-1", "iat": NOW, "exp": NOW + 60}),
        )
    }

    fn make(&self, keys: &Keys, claims: &Value) -> String {
        if let Some(literal) = &self.literal {
            return filled(literal, None);
        }
        let header = match &self.key {
            Some(name) => json!({"alg": keys.get(name).alg().name(), "kid": name}),
            None => json!({"alg": "HS256"}),
        };
        let header = merged(&header, self.header.as_deref());
        let hmac = match header["alg"].as_str() {
            Some("HS384") => hmac::HMAC_SHA384,
            Some("HS512") => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let whole = |raw: &Option<String>, edited: Value| match raw {
            Some(raw) => filled(raw, None),
            None => filled(&edited.to_string(), None),
        };
        let header = whole(&self.raw_header, header);
        let claims = whole(&self.raw_claims, merged(claims, self.claims.as_deref()));
        let signed = [&header, &claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let signature = match (&self.key, &self.secret) {
            (Some(name), None) => keys.get(name).sign(signed.as_bytes()).unwrap(),
            (None, Some(secret)) => {
                let key = hmac::Key::new(hmac, filled(secret, None).as_bytes());
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            (None, None) => vec![],
            _ => panic!("a key or a secret"),
        };
        tampered(self.tamper.as_deref(), &header, &claims, signature)
    }
}

fn tampered(how: Option<&str>, header: &str, claims: &str, mut signature: Vec<u8>) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let with_member = |text: &str| text.replacen('{', "{\"tampered\":true,", 1);
    let (mut header, mut claims) = (header.to_owned(), claims.to_owned());
    match how {
        Some("signature") => signature[5] ^= 1,
        Some("header") => header = with_member(&header),
        Some("claims") => claims = with_member(&claims),
        Some("zeros") => signature.fill(0),
        Some("no signature") => signature.clear(),
        Some("half a signature") => signature.truncate(signature.len() / 2),
        Some("longer signature") => signature.push(0),
        _ => {}
    }
    let token = [header.as_bytes(), claims.as_bytes(), &signature]
        .map(part)
        .join(".");
    match how {
        Some("padding") => format!("{token}="),
        Some("fourth part") => format!("{token}.{}", part(b"x")),
        Some("two more parts") => format!("{token}.{}.{}", part(b"x"), part(b"y")),
        Some("two parts") => token.rsplit_once('.').unwrap().0.to_owned(),
        Some("space in front") => format!(" {token}"),
        Some("line break in it") => token.replacen('.', "\n.", 1),
        Some(
            "signature" | "header" | "claims" | "zeros" | "no signature" | "half a signature"
            | "longer signature",
        )
        | None => token,
        Some(other) => panic!("no such tampering: {other}"),
    }
}

/// `base` with the members of `edits` in it, and without those that are `null` there.
fn merged(base: &Value, edits: Option<&str>) -> Value {
    let mut object: Map<String, Value> = base.as_object().unwrap().clone();
    let edits: Map<String, Value> = serde_json::from_str(edits.unwrap_or("{}")).unwrap();
    for (name, value) in edits {
        match value {
            Value::Null => drop(object.remove(&name)),
            value => drop(object.insert(name, value)),
        }
    }
    Value::Object(object)
}
