//! The signing half: a client's own key, the keys of the development provider, and those of tests.

use super::{Alg, base64url, trust::hmac_of};
use crate::secret::ClientSecret;
use aws_lc_rs::{
    digest, hmac, rand,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair, RsaSignatureEncoding,
    },
};
use serde_json::{Map, Value, json};
use std::fmt;

/// A private key, or a shared secret, that signs with one algorithm.
///
/// A key that is made here is named by the thumbprint of its public half
/// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)), so no two share a name; one that is read keeps the name it came
/// with, if any. A secret has no name: a thumbprint of it would help to guess it.
///
/// ```
/// use oidc_gate_core::jose::{Alg, CompactJws, JwkSet, SigningKey};
/// let key = SigningKey::generate(Alg::ES256)?;
/// let token = key.sign_compact(&Default::default(), &[("sub".to_owned(), "alice".into())].into_iter().collect())?;
/// let keys = JwkSet::parse(serde_json::json!({"keys": [key.public_jwk()]}).to_string().as_bytes()).unwrap();
/// assert_eq!(CompactJws::parse(&token).unwrap().verify(&keys).unwrap()["sub"], "alice");
/// # Ok::<_, oidc_gate_core::jose::SigningError>(())
/// ```
pub struct SigningKey {
    alg: Alg,
    pair: Pair,
    kid: Box<str>,
    /// The members of the public key that its type demands, in the order of their names; none for a secret.
    public: Map<String, Value>,
}

pub(super) enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
    /// Boxed: its prepared state is many times as large as a key pair.
    Secret(Box<hmac::Key>),
}

/// A key or a signature could not be made: memory or randomness is missing, or the secret does not fit the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningError;

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key operation failed")
    }
}

impl std::error::Error for SigningError {}

impl From<aws_lc_rs::error::Unspecified> for SigningError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl SigningKey {
    /// A new key, RSA ones with 2048 bits, from the cryptography library's own randomness.
    ///
    /// # Errors
    ///
    /// When the library cannot make one, and for a symmetric algorithm: its key is [a secret](Self::from_secret) that
    /// two have agreed on.
    pub fn generate(alg: Alg) -> Result<Self, SigningError> {
        let rsa = || Ok(Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?));
        let ec = |algorithm: &'static EcdsaSigningAlgorithm, crv| {
            Ok(Pair::Ec(EcdsaKeyPair::generate(algorithm)?, crv))
        };
        let pair = match alg {
            Alg::RS256 | Alg::RS384 | Alg::RS512 | Alg::PS256 | Alg::PS384 | Alg::PS512 => rsa(),
            Alg::ES256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Alg::ES384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            Alg::ES512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
            Alg::EdDSA | Alg::Ed25519 => Ok(Pair::Ed25519(Ed25519KeyPair::generate()?)),
            Alg::HS256 | Alg::HS384 | Alg::HS512 => Err(SigningError),
        }?;
        let mut this = Self::of_pair(alg, pair).ok_or(SigningError)?;
        this.kid = this.thumbprint().unwrap_or_default().into();
        Ok(this)
    }

    /// The unnamed key that a pair is.
    pub(super) fn of_pair(alg: Alg, pair: Pair) -> Option<Self> {
        let public = pair.public()?;
        Some(Self {
            alg,
            pair,
            kid: "".into(),
            public,
        })
    }

    /// The thumbprint of the public half, with SHA-256 and in base64url
    /// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)); none for a secret.
    pub fn thumbprint(&self) -> Option<String> {
        if self.alg.is_symmetric() {
            return None;
        }
        // RFC 7638 § 3.2 wants the required members alone, ordered by name and without white space. They are written
        // in that order, and serde_json keeps it whether its maps are sorted or ordered by insertion.
        let required = Value::Object(self.public.clone()).to_string();
        let thumbprint = digest::digest(&digest::SHA256, required.as_bytes());
        Some(base64url::encode(thumbprint.as_ref()))
    }

    /// The same key under another name: the one that the other side knows it by. An empty one names nothing.
    #[must_use]
    pub fn named(mut self, kid: impl Into<Box<str>>) -> Self {
        if !self.alg.is_symmetric() {
            self.kid = kid.into();
        }
        self
    }

    /// The same key, signing with another algorithm that it is fit for: an RSA key with any `RS*` or `PS*`.
    ///
    /// # Errors
    ///
    /// For an algorithm that takes another kind of key.
    pub fn with_alg(mut self, alg: Alg) -> Result<Self, SigningError> {
        let fits = match &self.pair {
            Pair::Rsa(_) => encoding_of(alg).is_some(),
            Pair::Ed25519(_) => matches!(alg, Alg::EdDSA | Alg::Ed25519),
            Pair::Ec(..) | Pair::Secret(_) => alg == self.alg,
        };
        self.alg = alg;
        fits.then_some(self).ok_or(SigningError)
    }

    /// The octets of `secret` as the key of a symmetric algorithm
    /// ([OpenID Connect Core § 10.1](https://openid.net/specs/openid-connect-core-1_0.html#Signing)).
    ///
    /// # Errors
    ///
    /// For an asymmetric algorithm, and for a secret shorter than the hash
    /// ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    pub fn from_secret(alg: Alg, secret: &ClientSecret) -> Result<Self, SigningError> {
        let algorithm = hmac_of(alg).ok_or(SigningError)?;
        let octets = secret.expose().as_bytes();
        if octets.len() < algorithm.tag_len() {
            return Err(SigningError);
        }
        Ok(Self {
            alg,
            pair: Pair::Secret(Box::new(hmac::Key::new(algorithm, octets))),
            kid: "".into(),
            public: Map::new(),
        })
    }

    /// The algorithm it signs with.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// Its name; empty for a secret.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as it stands in a JWK Set: with `kid`, `use` and `alg`. `null` for a secret, which has none.
    pub fn public_jwk(&self) -> Value {
        if self.alg.is_symmetric() {
            return Value::Null;
        }
        let mut jwk = self.public.clone();
        jwk.insert("kid".into(), self.kid().into());
        jwk.insert("use".into(), "sig".into());
        jwk.insert("alg".into(), self.alg().name().into());
        Value::Object(jwk)
    }

    /// `claims` as a signed token in the compact form
    /// ([RFC 7515 § 7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1)). `extra` goes into the header beside `alg`
    /// and the key's `kid`, which it cannot change.
    ///
    /// # Errors
    ///
    /// When the library cannot sign.
    pub fn sign_compact(
        &self,
        extra: &Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Result<String, SigningError> {
        let mut header = extra.clone();
        header.insert("alg".into(), self.alg().name().into());
        if !self.kid.is_empty() {
            header.insert("kid".into(), self.kid().into());
        }
        let part = |object: &Map<String, Value>| {
            serde_json::to_vec(object)
                .map(|json| base64url::encode(&json))
                .map_err(|_| SigningError)
        };
        let mut token = format!("{}.{}", part(&header)?, part(claims)?);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        Ok(token)
    }

    /// The signature of `bytes` in the form JWS defines for the algorithm.
    ///
    /// # Errors
    ///
    /// When the library cannot sign.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
        let random = rand::SystemRandom::new();
        Ok(match &self.pair {
            Pair::Rsa(pair) => {
                let encoding = encoding_of(self.alg).ok_or(SigningError)?;
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, bytes, &mut out)?;
                out
            }
            Pair::Secret(key) => hmac::sign(key, bytes).as_ref().to_vec(),
            Pair::Ec(pair, _) => pair.sign(&random, bytes)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.try_sign(bytes)?.as_ref().to_vec(),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {}, ***)", self.alg(), self.kid)
    }
}

impl Pair {
    /// The required members of the public key ([RFC 7638 § 3.2](https://www.rfc-editor.org/rfc/rfc7638#section-3.2)),
    /// ordered by name.
    fn public(&self) -> Option<Map<String, Value>> {
        let jwk = match self {
            Self::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref())?;
                json!({"e": base64url::encode(e), "kty": "RSA", "n": base64url::encode(n)})
            }
            Self::Ec(pair, crv) => {
                // 4, then both coordinates.
                let [4, point @ ..] = pair.public_key().as_ref() else {
                    return None;
                };
                let (x, y) = point.split_at_checked(point.len() / 2)?;
                json!({"crv": crv, "kty": "EC", "x": base64url::encode(x), "y": base64url::encode(y)})
            }
            Self::Ed25519(pair) => {
                json!({"crv": "Ed25519", "kty": "OKP", "x": base64url::encode(pair.public_key().as_ref())})
            }
            Self::Secret(_) => return None,
        };
        match jwk {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }
}

fn encoding_of(alg: Alg) -> Option<&'static RsaSignatureEncoding> {
    Some(match alg {
        Alg::RS256 => &RSA_PKCS1_SHA256,
        Alg::RS384 => &RSA_PKCS1_SHA384,
        Alg::RS512 => &RSA_PKCS1_SHA512,
        Alg::PS256 => &RSA_PSS_SHA256,
        Alg::PS384 => &RSA_PSS_SHA384,
        Alg::PS512 => &RSA_PSS_SHA512,
        _ => return None,
    })
}

/// `n` and `e` of a DER-encoded `RSAPublicKey`
/// ([RFC 8017 Appendix A.1.1](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.1)).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, []) = der_value(der, 0x30)? else {
        return None;
    };
    let (n, rest) = der_value(body, 0x02)?;
    let (e, []) = der_value(rest, 0x02)? else {
        return None;
    };
    // A positive INTEGER has a zero octet in front where its first bit is set.
    Some((
        n.strip_prefix(&[0]).unwrap_or(n),
        e.strip_prefix(&[0]).unwrap_or(e),
    ))
}

/// The content of the element at the front, which has to have `tag`, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..0x80 => (usize::from(length), rest),
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = octets.iter().try_fold(0_usize, |sum, &o| {
                Some(sum.checked_mul(256)? + usize::from(o))
            })?;
            (length, rest)
        }
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::super::{CompactJws, JwkSet};
    use super::*;

    #[test]
    fn what_is_signed_verifies_with_the_public_half() {
        let claims = json!({"sub": "alice"}).as_object().cloned().unwrap();
        let extra = json!({"typ": "JWT", "alg": "none", "kid": "x"});
        for alg in Alg::ALL.iter().filter(|alg| !alg.is_symmetric()) {
            let key = SigningKey::generate(*alg).unwrap();
            let token = key
                .sign_compact(extra.as_object().unwrap(), &claims)
                .unwrap();
            let jws = CompactJws::parse(&token).unwrap();
            assert_eq!(
                (jws.alg(), jws.kid(), jws.typ()),
                (*alg, Some(key.kid()), Some("JWT"))
            );
            let set = json!({"keys": [key.public_jwk()]}).to_string();
            let set = JwkSet::parse(set.as_bytes()).unwrap();
            assert_eq!(jws.verify(&set), Ok(claims.clone()), "{alg}");
        }
    }

    #[test]
    fn the_public_half_holds_nothing_private() {
        for (alg, members) in [
            (Alg::RS256, "alg e kid kty n use"),
            (Alg::PS512, "alg e kid kty n use"),
            (Alg::ES256, "alg crv kid kty use x y"),
            (Alg::ES384, "alg crv kid kty use x y"),
            (Alg::ES512, "alg crv kid kty use x y"),
            (Alg::EdDSA, "alg crv kid kty use x"),
        ] {
            let jwk = SigningKey::generate(alg).unwrap().public_jwk();
            let mut names: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
            names.sort();
            assert_eq!(names.join(" "), members);
        }
    }

    #[test]
    fn the_name_is_the_thumbprint() {
        let key = SigningKey::generate(Alg::ES256).unwrap();
        let jwk = key.public_jwk();
        let required = format!(
            r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#,
            jwk["x"], jwk["y"]
        );
        let hash = digest::digest(&digest::SHA256, required.as_bytes());
        assert_eq!(key.kid(), base64url::encode(hash.as_ref()));
    }

    #[test]
    fn a_secret_signs_and_shows_nothing_of_itself() {
        let secret = ClientSecret::new("s3cret-".repeat(10));
        let claims = json!({"sub": "alice"}).as_object().cloned().unwrap();
        for alg in [Alg::HS256, Alg::HS384, Alg::HS512] {
            let key = SigningKey::from_secret(alg, &secret).unwrap();
            let token = key.sign_compact(&Map::new(), &claims).unwrap();
            let jws = CompactJws::parse(&token).unwrap();
            assert_eq!((jws.alg(), jws.kid()), (alg, None));
            assert_eq!(jws.verify(&secret), Ok(claims.clone()), "{alg}");
            assert_eq!(key.public_jwk(), Value::Null);
            assert_eq!(format!("{key:?}"), format!("SigningKey({alg} , ***)"));
        }
    }

    #[test]
    fn a_key_is_made_for_its_kind_of_algorithm_only() {
        assert_eq!(SigningKey::generate(Alg::HS256).unwrap_err(), SigningError);
        let secret = |bytes: usize| ClientSecret::new("x".repeat(bytes));
        for (alg, bytes) in [(Alg::HS256, 32), (Alg::HS384, 48), (Alg::HS512, 64)] {
            assert!(SigningKey::from_secret(alg, &secret(bytes)).is_ok());
            assert!(SigningKey::from_secret(alg, &secret(bytes - 1)).is_err());
        }
        assert!(SigningKey::from_secret(Alg::RS256, &secret(100)).is_err());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::generate(Alg::EdDSA).unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey(EdDSA {}, ***)", key.kid())
        );
    }
}
