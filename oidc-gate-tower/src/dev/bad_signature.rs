//! Headers and signatures that go wrong.

use super::Fault;
use crate::core::{
    jose::{Alg, SigningError, SigningKey},
    secret::ClientSecret,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The ID token of these claims, signed as the faults say.
pub(super) fn sign(
    key: &SigningKey,
    claims: &Map<String, Value>,
    faults: &BTreeSet<Fault>,
) -> Result<String, SigningError> {
    let claims = json!(claims);
    let has = |fault| faults.contains(fault);
    let (alg, kid) = (key.alg().name(), key.kid());
    if has(&Fault::UnsignedToken) {
        return compact(&json!({"alg": "none"}), &claims, |_| Ok(Vec::new()));
    }
    if has(&Fault::PublicKeyAsSecret) {
        let secret = ClientSecret::new(key.public_jwk().to_string());
        let secret = SigningKey::from_secret(Alg::HS256, &secret)?;
        let header = json!({"alg": "HS256", "kid": kid});
        return compact(&header, &claims, |bytes| secret.sign(bytes));
    }
    if has(&Fault::InvalidSignature) {
        return compact(&json!({"alg": alg, "kid": kid}), &claims, |bytes| {
            let mut signature = key.sign(bytes)?;
            if let Some(last) = signature.last_mut() {
                *last ^= 1;
            }
            Ok(signature)
        });
    }
    let header = if has(&Fault::UnknownExtension) {
        json!({"alg": alg, "kid": kid, "crit": ["unheard-of"], "unheard-of": true})
    } else if has(&Fault::UnknownKey) {
        json!({"alg": alg, "kid": "nobody-has-it"})
    } else if has(&Fault::MissingKid) || has(&Fault::MissingKidAmongSeveral) {
        json!({ "alg": alg })
    } else {
        json!({"alg": alg, "kid": kid})
    };
    compact(&header, &claims, |bytes| key.sign(bytes))
}

pub(super) fn compact(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, SigningError>,
) -> Result<String, SigningError> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut token = format!("{}.{}", part(header), part(claims));
    let signature = sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}
