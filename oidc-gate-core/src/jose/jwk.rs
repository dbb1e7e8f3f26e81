//! The keys a provider publishes.

use super::{Alg, base64url, json};
use crate::check::{Check, CheckFailed};
use crate::flow::KeyQuery;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde_json::{Map, Value};
use std::fmt;

/// A provider's public keys ([RFC 7517 § 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)), made ready once: a
/// verification does no parsing.
///
/// Only keys that can verify a signature the gate knows are kept, each for exactly one algorithm:
///
/// 1. RSA of 2048 to 8192 bits with an odd public exponent above 1 for `RS256`; a point on P-256 for `ES256`; Ed25519
///    for `EdDSA`.
/// 2. `use`, `key_ops` and `alg` are honoured where they stand.
/// 3. A symmetric key, and a key that comes with its private half, is never used: it is no longer a secret.
///
/// What was left out, and why, is in [`skipped`](Self::skipped). One bad key does not make the others useless.
#[derive(Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: Vec<SkippedKey>,
}

struct Jwk {
    kid: Option<Box<str>>,
    alg: Alg,
    key: ParsedPublicKey,
}

impl JwkSet {
    /// The most keys a set may list. A provider has a handful.
    pub const MAX_KEYS: usize = 100;

    /// Reads a JWK Set.
    ///
    /// # Errors
    ///
    /// [`Check::KeysMalformed`] if it is not a JSON object with an array `keys`, names a member twice, or lists more than
    /// [`MAX_KEYS`](Self::MAX_KEYS). A set without a single usable key is not an error here: no token will find its key.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckFailed> {
        let malformed = |cause: &str| {
            CheckFailed::new(
                Check::KeysMalformed,
                format!("the JWK Set is not usable: {cause}"),
            )
        };
        let set = json::object(bytes).map_err(malformed)?;
        let Some(Value::Array(listed)) = set.get("keys") else {
            return Err(malformed("it has no array `keys`"));
        };
        if listed.len() > Self::MAX_KEYS {
            return Err(malformed("it lists more than 100 keys"));
        }
        let mut this = Self::default();
        for (index, jwk) in listed.iter().enumerate() {
            match Jwk::read(jwk) {
                Ok(key) => this.keys.push(key),
                Err(reason) => this.skipped.push(SkippedKey { index, reason }),
            }
        }
        Ok(this)
    }

    /// Whether there is a key that a token of this `kid` and algorithm could have been signed with. Without a `kid`
    /// every key of the algorithm is one.
    pub fn has(&self, kid: Option<&str>, alg: Alg) -> bool {
        self.candidates(kid, alg).next().is_some()
    }

    /// [`has`](Self::has), asked as a flow asks.
    pub fn answers(&self, query: &KeyQuery) -> bool {
        self.has(query.kid.as_deref(), query.alg)
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that were left out. Worth a line in the log: each [`SkippedKey`] prints without any value.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The keys fit for `alg` that are named `kid`, or all of them where there is no name.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        alg: Alg,
    ) -> impl Iterator<Item = &ParsedPublicKey> {
        // A `kid` that occurs twice is legitimate for keys of different types; the algorithm tells them apart.
        self.keys
            .iter()
            .filter(move |jwk| jwk.alg == alg && (kid.is_none() || jwk.kid.as_deref() == kid))
            .map(|jwk| &jwk.key)
    }
}

impl fmt::Debug for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwkSet")
            .field("keys", &self.keys)
            .field("skipped", &self.skipped)
            .finish()
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "{} {}", self.alg, crate::check::quote(kid)),
            None => write!(f, "{} (unnamed)", self.alg),
        }
    }
}

/// A key of a set that is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    index: usize,
    reason: SkipReason,
}

impl SkippedKey {
    /// Its place in `keys`, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Why it is not used.
    pub fn reason(&self) -> SkipReason {
        self.reason
    }
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys[{}] {}", self.index, self.reason)
    }
}

/// Why a key of a set is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// A member is missing, of the wrong type, or not what its type demands.
    Malformed,
    /// A key type or curve that the gate does not verify with.
    Unsupported,
    /// RSA under 2048 or over 8192 bits, or with an exponent that is even or 1.
    Weak,
    /// `use`, `key_ops` or `alg` give it to another purpose. Ordinary: providers publish encryption keys too.
    OtherUse,
    /// A symmetric key: a secret that everybody can read.
    Symmetric,
    /// It comes with its private half. The provider's operator has to replace it.
    Private,
}

impl SkipReason {
    /// Whether the provider has leaked a secret, which is worth more than a note.
    pub fn is_leak(self) -> bool {
        matches!(self, Self::Symmetric | Self::Private)
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "is malformed",
            Self::Unsupported => "has an unsupported type or curve",
            Self::Weak => "is not between 2048 and 8192 bits or has a bad exponent",
            Self::OtherUse => "is meant for another use or algorithm",
            Self::Symmetric => "is a symmetric key, published for all to read",
            Self::Private => "comes with its private half, published for all to read",
        })
    }
}

/// What only a private or a symmetric key has ([RFC 7518 § 6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Jwk {
    fn read(jwk: &Value) -> Result<Self, SkipReason> {
        let jwk = jwk.as_object().ok_or(SkipReason::Malformed)?;
        let kty = text(jwk, "kty")?.ok_or(SkipReason::Malformed)?;
        if kty == "oct" {
            return Err(SkipReason::Symmetric);
        }
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(SkipReason::Private);
        }
        let alg = match (kty, text(jwk, "crv")?) {
            ("RSA", _) => Alg::RS256,
            ("EC", Some("P-256")) => Alg::ES256,
            ("OKP", Some("Ed25519")) => Alg::EdDSA,
            _ => return Err(SkipReason::Unsupported),
        };
        check_use(jwk, alg)?;
        let key = match alg {
            Alg::RS256 => rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?)?,
            Alg::ES256 => p256(&bytes(jwk, "x")?, &bytes(jwk, "y")?)?,
            Alg::EdDSA => ed25519(&bytes(jwk, "x")?)?,
        };
        Ok(Self {
            kid: text(jwk, "kid")?.map(Box::from),
            alg,
            key,
        })
    }
}

/// Whether the key says that it may verify signatures of `alg`
/// ([RFC 7517 § 4.2 to 4.4](https://www.rfc-editor.org/rfc/rfc7517#section-4.2)).
fn check_use(jwk: &Map<String, Value>, alg: Alg) -> Result<(), SkipReason> {
    if text(jwk, "use")?.is_some_and(|used| used != "sig") {
        return Err(SkipReason::OtherUse);
    }
    match jwk.get("key_ops") {
        None => {}
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => {}
        Some(Value::Array(_)) => return Err(SkipReason::OtherUse),
        Some(_) => return Err(SkipReason::Malformed),
    }
    match text(jwk, "alg")? {
        Some(name) if Alg::from_name(name) != Some(alg) => Err(SkipReason::OtherUse),
        _ => Ok(()),
    }
}

fn rsa(n: &[u8], e: &[u8]) -> Result<ParsedPublicKey, SkipReason> {
    // Some providers write a sign octet before `n`, against the letter and without harm.
    let n = without_leading_zeros(n);
    let e = without_leading_zeros(e);
    let bits = n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|b| b & 1 == 1);
    if !(2048..=8192).contains(&bits) || !odd(n) || !odd(e) || e == [1] {
        return Err(SkipReason::Weak);
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| SkipReason::Weak)
}

fn without_leading_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

fn p256(x: &[u8], y: &[u8]) -> Result<ParsedPublicKey, SkipReason> {
    if x.len() != 32 || y.len() != 32 {
        return Err(SkipReason::Malformed);
    }
    // The uncompressed form of SEC 1. Parsing it checks that the point is on the curve.
    let point = [&[4], x, y].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| SkipReason::Malformed)
}

fn ed25519(x: &[u8]) -> Result<ParsedPublicKey, SkipReason> {
    if x.len() != 32 {
        return Err(SkipReason::Malformed);
    }
    ParsedPublicKey::new(&ED25519, x).map_err(|_| SkipReason::Malformed)
}

/// A member that is text where it stands at all.
fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, SkipReason> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(SkipReason::Malformed),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, SkipReason> {
    text(jwk, name)?
        .and_then(base64url::decode)
        .ok_or(SkipReason::Malformed)
}
