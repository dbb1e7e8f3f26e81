//! Reading a private key: PEM as OpenSSL and cert-manager write it, or a JWK.

use super::{Alg, SigningKey, base64url, json, signing::Pair};
use crate::check::quote;
use aws_lc_rs::{
    error::KeyRejected,
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        RsaKeyPair,
    },
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde_json::{Map, Value};
use std::fmt;
use zeroize::Zeroizing;

/// Why a text is no private key to sign with. Holds nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyProblem {
    /// There is no section of a private key in it.
    NotPem,
    /// The key is encrypted with a passphrase.
    Encrypted,
    /// Not a JSON object, or a member is missing or of the wrong type; says which.
    NotJwk(Box<str>),
    /// It is a public key.
    Public,
    /// Key material that contradicts itself, or of a type that is not signed with.
    Unsupported(Box<str>),
    /// RSA of under 2048 bits or over 8192.
    Weak,
    /// `use`, `key_ops` or `alg` give it to another purpose; says which.
    OtherUse(Box<str>),
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str(
                "is no private key in PEM; expected PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE KEY`) or \
                 SEC1 (`BEGIN EC PRIVATE KEY`)",
            ),
            Self::Encrypted => f.write_str(
                "is encrypted; decrypt it where it is kept, as with `openssl pkcs8 -in key.pem -out plain.pem`",
            ),
            Self::NotJwk(what) => write!(f, "is no private key in JWK form: {what}"),
            Self::Public => f.write_str("is a public key; the private half signs"),
            Self::Unsupported(what) => write!(
                f,
                "is not signed with: {what}; use RSA, P-256, P-384, P-521 or Ed25519"
            ),
            Self::Weak => f.write_str("is RSA of under 2048 bits or over 8192; make a new one"),
            Self::OtherUse(what) => write!(f, "is not for signing: {what}"),
        }
    }
}

impl std::error::Error for KeyProblem {}

impl SigningKey {
    /// The key of a PEM text: PKCS#8, PKCS#1 or SEC1. The first private key counts; certificates before it are passed
    /// over.
    ///
    /// It has no name, since PEM holds none; see [`named`](Self::named). An elliptic curve says the algorithm, an RSA key
    /// signs `RS256` unless [`with_alg`](Self::with_alg) says otherwise.
    ///
    /// # Errors
    ///
    /// See [`KeyProblem`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyProblem> {
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs1(der)) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
            Ok(PrivateKeyDer::Sec1(der)) => ec_der(der.secret_sec1_der()),
            Ok(PrivateKeyDer::Pkcs8(der)) => pkcs8(der.secret_pkcs8_der()),
            _ if pem.contains("BEGIN ENCRYPTED PRIVATE KEY")
                || pem.contains("Proc-Type: 4,ENCRYPTED") =>
            {
                Err(KeyProblem::Encrypted)
            }
            _ if pem.contains("BEGIN PUBLIC KEY") || pem.contains("BEGIN RSA PUBLIC KEY") => {
                Err(KeyProblem::Public)
            }
            _ => Err(KeyProblem::NotPem),
        }
    }

    /// The key of a JWK ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517),
    /// [RFC 7518 § 6](https://www.rfc-editor.org/rfc/rfc7518#section-6)): `kid` is its name, `alg` its algorithm. An RSA
    /// key needs all its members, not `n`, `e` and `d` alone.
    ///
    /// # Errors
    ///
    /// See [`KeyProblem`].
    pub fn from_jwk(jwk: &[u8]) -> Result<Self, KeyProblem> {
        let members = Members(json::object(jwk).map_err(|what| KeyProblem::NotJwk(what.into()))?);
        members.is_for_signing()?;
        let key = match members.required("kty")? {
            "RSA" => members.rsa(),
            "EC" => members.ec(),
            "OKP" => members.okp(),
            "oct" => Err(KeyProblem::Unsupported(
                "a shared secret, which is configured as the client's secret".into(),
            )),
            other => Err(KeyProblem::Unsupported(
                format!("`kty` {}", quote(other)).into(),
            )),
        }?;
        let key = key.named(members.text("kid")?.unwrap_or_default());
        let Some(name) = members.text("alg")? else {
            return Ok(key);
        };
        Alg::from_name(name)
            .and_then(|alg| key.with_alg(alg).ok())
            .ok_or_else(|| {
                KeyProblem::OtherUse(format!("`alg` {} does not go with it", quote(name)).into())
            })
    }
}

fn pkcs8(der: &[u8]) -> Result<SigningKey, KeyProblem> {
    if is_rsa(der) {
        return rsa(RsaKeyPair::from_pkcs8(der));
    }
    // OpenSSL leaves the public half out, and then there is nothing to compare.
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return made(Alg::EdDSA, Pair::Ed25519(pair));
    }
    ec_der(der)
}

/// Whether a PKCS#8 key says `rsaEncryption` ([RFC 5958 § 2](https://www.rfc-editor.org/rfc/rfc5958#section-2),
/// [RFC 8017 A.1](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1)). Before its algorithm there is a version and what
/// says how long things are, so it begins within the first bytes and nowhere else.
fn is_rsa(der: &[u8]) -> bool {
    const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    der.windows(RSA_ENCRYPTION.len())
        .take(16)
        .any(|bytes| bytes == RSA_ENCRYPTION)
}

fn rsa(read: Result<RsaKeyPair, KeyRejected>) -> Result<SigningKey, KeyProblem> {
    match read {
        Ok(pair) => made(Alg::RS256, Pair::Rsa(pair)),
        // The library looks at the size itself, and says so in a word.
        Err(why) => match why.description_() {
            "TooSmall" | "TooLarge" => Err(KeyProblem::Weak),
            _ => Err(KeyProblem::Unsupported("the RSA key is malformed".into())),
        },
    }
}

/// The curves, each with its one algorithm.
static CURVES: [(&str, Alg, &EcdsaSigningAlgorithm); 3] = [
    ("P-256", Alg::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
    ("P-384", Alg::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
    ("P-521", Alg::ES512, &ECDSA_P521_SHA512_FIXED_SIGNING),
];

fn ec_der(der: &[u8]) -> Result<SigningKey, KeyProblem> {
    for (crv, alg, curve) in CURVES {
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve, der) {
            return made(alg, Pair::Ec(pair, crv));
        }
    }
    Err(KeyProblem::Unsupported(
        "the type or the curve of the key".into(),
    ))
}

fn made(alg: Alg, pair: Pair) -> Result<SigningKey, KeyProblem> {
    SigningKey::of_pair(alg, pair)
        .ok_or_else(|| KeyProblem::Unsupported("the public half cannot be read".into()))
}

/// The members of a JWK. Its texts are secrets, and wiped as far as they can be reached.
struct Members(Map<String, Value>);

impl Drop for Members {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

impl Members {
    fn text(&self, name: &str) -> Result<Option<&str>, KeyProblem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(KeyProblem::NotJwk(format!("`{name}` is not text").into())),
        }
    }

    fn required(&self, name: &str) -> Result<&str, KeyProblem> {
        self.text(name)?
            .ok_or_else(|| KeyProblem::NotJwk(format!("`{name}` is missing").into()))
    }

    fn bytes(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        base64url::decode(self.required(name)?)
            .map(Zeroizing::new)
            .ok_or_else(|| KeyProblem::NotJwk(format!("`{name}` is not base64url").into()))
    }

    fn is_for_signing(&self) -> Result<(), KeyProblem> {
        if let Some(other) = self.text("use")?.filter(|used| *used != "sig") {
            return Err(KeyProblem::OtherUse(
                format!("`use` is {}", quote(other)).into(),
            ));
        }
        match self.0.get("key_ops") {
            None => Ok(()),
            Some(Value::Array(ops)) if ops.iter().any(|op| op == "sign") => Ok(()),
            Some(_) => Err(KeyProblem::OtherUse("`key_ops` lacks `sign`".into())),
        }
    }

    /// The private number, whose absence makes it a public key.
    fn private(&self) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        match self.0.contains_key("d") {
            true => self.bytes("d"),
            false => Err(KeyProblem::Public),
        }
    }

    fn rsa(&self) -> Result<SigningKey, KeyProblem> {
        let d = self.private()?;
        if self.0.contains_key("oth") {
            return Err(KeyProblem::Unsupported(
                "RSA of more than two primes".into(),
            ));
        }
        let public_key = PublicKeyComponents {
            n: self.bytes("n")?,
            e: self.bytes("e")?,
        };
        let components = KeyPairComponents {
            public_key,
            d,
            p: self.bytes("p")?,
            q: self.bytes("q")?,
            dP: self.bytes("dp")?,
            dQ: self.bytes("dq")?,
            qInv: self.bytes("qi")?,
        };
        rsa(RsaKeyPair::from_components(&components))
    }

    fn ec(&self) -> Result<SigningKey, KeyProblem> {
        let d = self.private()?;
        let crv = self.required("crv")?;
        let (crv, alg, curve) = *CURVES
            .iter()
            .find(|(known, ..)| *known == crv)
            .ok_or_else(|| KeyProblem::Unsupported(format!("`crv` {}", quote(crv)).into()))?;
        let point = [&[4][..], &self.bytes("x")?, &self.bytes("y")?].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &d, &point)
            .map_err(|_| KeyProblem::Unsupported("the two halves do not go together".into()))?;
        made(alg, Pair::Ec(pair, crv))
    }

    fn okp(&self) -> Result<SigningKey, KeyProblem> {
        let d = self.private()?;
        let crv = self.required("crv")?;
        if crv != "Ed25519" {
            return Err(KeyProblem::Unsupported(
                format!("`crv` {}", quote(crv)).into(),
            ));
        }
        let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &self.bytes("x")?)
            .map_err(|_| KeyProblem::Unsupported("the two halves do not go together".into()))?;
        made(Alg::EdDSA, Pair::Ed25519(pair))
    }
}

#[cfg(test)]
mod tests;
