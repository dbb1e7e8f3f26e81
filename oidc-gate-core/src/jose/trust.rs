//! What a signature is held against.

use super::{Alg, JwkSet, JwsError};
use crate::secret::ClientSecret;
use aws_lc_rs::hmac;

/// The keys that are trusted for one verification. Which kind it is, the configuration says and never the token
/// ([RFC 8725 § 3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).
///
/// # Security
///
/// The two kinds do not mix: published keys verify no `HS*`, and the secret verifies nothing else. So nobody can have a
/// public key taken for a shared secret
/// ([RFC 8725 § 2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1)).
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever decides about trust has to know every kind"
)]
pub enum TrustedKeys<'a> {
    /// The keys that the provider publishes, for every asymmetric algorithm.
    Published(&'a JwkSet),
    /// The client's own secret, for `HS256`, `HS384` and `HS512`
    /// ([OpenID Connect Core § 10.1](https://openid.net/specs/openid-connect-core-1_0.html#Signing)).
    Secret(&'a ClientSecret),
}

impl<'a> From<&'a JwkSet> for TrustedKeys<'a> {
    fn from(set: &'a JwkSet) -> Self {
        Self::Published(set)
    }
}

impl<'a> From<&'a ClientSecret> for TrustedKeys<'a> {
    fn from(secret: &'a ClientSecret) -> Self {
        Self::Secret(secret)
    }
}

impl TrustedKeys<'_> {
    /// Whether one of the keys confirms that `signature` is one of `signed`.
    pub(super) fn confirm(
        self,
        alg: Alg,
        kid: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        match self {
            Self::Published(_) if alg.is_symmetric() => Err(JwsError::Alg(alg.name().into())),
            Self::Published(set) => {
                let mut candidates = set.candidates(kid, alg).peekable();
                if candidates.peek().is_none() {
                    return Err(JwsError::NoKey);
                }
                let confirmed = candidates.any(|key| key.verify_sig(signed, signature).is_ok());
                confirmed.then_some(()).ok_or(JwsError::Signature)
            }
            // The key is the secret as it is written; a `kid` names none of its kind.
            Self::Secret(secret) => {
                confirm_hmac(alg, secret.expose().as_bytes(), signed, signature)
            }
        }
    }
}

fn confirm_hmac(alg: Alg, secret: &[u8], signed: &[u8], tag: &[u8]) -> Result<(), JwsError> {
    let algorithm = hmac_of(alg).ok_or_else(|| JwsError::Alg(alg.name().into()))?;
    if secret.len() < algorithm.tag_len() {
        return Err(JwsError::SecretTooShort);
    }
    // Compares in constant time, and the whole of the tag: a shorter one is a wrong one.
    hmac::verify(&hmac::Key::new(algorithm, secret), signed, tag).map_err(|_| JwsError::Signature)
}

pub(super) fn hmac_of(alg: Alg) -> Option<hmac::Algorithm> {
    match alg {
        Alg::HS256 => Some(hmac::HMAC_SHA256),
        Alg::HS384 => Some(hmac::HMAC_SHA384),
        Alg::HS512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::base64url;
    use super::*;
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        jwk: Option<String>,
        /// Octets in base64url: published examples have secrets that are no text.
        secret: Option<String>,
        token: String,
        expected: String,
    }

    /// Many published signatures are of payloads that are no JSON, so they go past [`CompactJws`](super::super::CompactJws).
    #[test]
    fn published_signatures_end_as_the_data_says() {
        let cases: Vec<Case> =
            crate::testdata::cases(include_str!("../../testdata/signatures.toml"));
        assert!(cases.len() > 25);
        for case in cases {
            let (signed, signature) = case.token.rsplit_once('.').unwrap();
            let (header, _) = signed.split_once('.').unwrap();
            let header: Value =
                serde_json::from_slice(&base64url::decode(header).unwrap()).unwrap();
            let alg = Alg::from_name(header["alg"].as_str().unwrap()).unwrap();
            let signature = base64url::decode(signature).unwrap();
            let confirm = |signed: &[u8]| match (&case.jwk, &case.secret) {
                (Some(jwk), None) => {
                    let set = format!(r#"{{"keys":[{jwk}]}}"#);
                    let set = JwkSet::parse(set.as_bytes()).unwrap();
                    let kid = header["kid"].as_str();
                    TrustedKeys::from(&set).confirm(alg, kid, signed, &signature)
                }
                (None, Some(secret)) => {
                    let secret = base64url::decode(secret).unwrap();
                    confirm_hmac(alg, &secret, signed, &signature)
                }
                _ => panic!("{}: a key or a secret", case.name),
            };
            let got = match confirm(signed.as_bytes()) {
                Ok(()) => "ok".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            assert_eq!(got, case.expected, "{}", case.name);
            assert!(confirm(&signed.as_bytes()[1..]).is_err(), "{}", case.name);
        }
    }

    #[test]
    fn a_secret_is_the_octets_of_its_text() {
        // 32 bytes in 16 characters.
        let secret = ClientSecret::new("é".repeat(16));
        let key = hmac::Key::new(hmac::HMAC_SHA256, "é".repeat(16).as_bytes());
        let tag = hmac::sign(&key, b"signed");
        assert_eq!(
            TrustedKeys::from(&secret).confirm(Alg::HS256, Some("any"), b"signed", tag.as_ref()),
            Ok(())
        );
    }
}
