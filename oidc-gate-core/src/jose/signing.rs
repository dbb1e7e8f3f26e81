//! The signing half, for whoever issues tokens: the development provider, and tests.

use super::{Alg, base64url};
use aws_lc_rs::{
    digest, rand,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use serde_json::{Map, Value, json};
use std::fmt;

/// A private key that signs with one algorithm.
///
/// Its name is the thumbprint of its public half
/// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)), so no two keys share one.
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
    pair: Pair,
    kid: Box<str>,
    /// The members of the public key that its type demands, in the order of their names.
    public: Map<String, Value>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The cryptography library could not make a key or a signature: memory or randomness is missing.
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
    /// When the library cannot make one.
    pub fn generate(alg: Alg) -> Result<Self, SigningError> {
        let pair = match alg {
            Alg::RS256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
            Alg::ES256 => Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Alg::EdDSA => Pair::Ed25519(Ed25519KeyPair::generate()?),
        };
        let public = pair.public().ok_or(SigningError)?;
        // RFC 7638 § 3.2 wants the required members alone, ordered by name and without white space. They are written
        // in that order, and serde_json keeps it whether its maps are sorted or ordered by insertion.
        let required = Value::Object(public.clone()).to_string();
        let thumbprint = digest::digest(&digest::SHA256, required.as_bytes());
        Ok(Self {
            pair,
            kid: base64url::encode(thumbprint.as_ref()).into(),
            public,
        })
    }

    /// The algorithm it signs with.
    pub fn alg(&self) -> Alg {
        match self.pair {
            Pair::Rsa(_) => Alg::RS256,
            Pair::P256(_) => Alg::ES256,
            Pair::Ed25519(_) => Alg::EdDSA,
        }
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as it stands in a JWK Set: with `kid`, `use` and `alg`.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.public.clone();
        jwk.insert("kid".into(), self.kid().into());
        jwk.insert("use".into(), "sig".into());
        jwk.insert("alg".into(), self.alg().name().into());
        Value::Object(jwk)
    }

    /// `claims` as a signed token in the compact form
    /// ([RFC 7515 § 7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1)). `extra` goes into the header beside `alg`
    /// and `kid`, which it cannot change.
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
        header.insert("kid".into(), self.kid().into());
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
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut out)?;
                out
            }
            Pair::P256(pair) => pair.sign(&random, bytes)?.as_ref().to_vec(),
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
            Self::P256(pair) => {
                // 4, then both coordinates.
                let [4, point @ ..] = pair.public_key().as_ref() else {
                    return None;
                };
                let (x, y) = point.split_at_checked(32)?;
                json!({"crv": "P-256", "kty": "EC", "x": base64url::encode(x), "y": base64url::encode(y)})
            }
            Self::Ed25519(pair) => {
                json!({"crv": "Ed25519", "kty": "OKP", "x": base64url::encode(pair.public_key().as_ref())})
            }
        };
        match jwk {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }
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
