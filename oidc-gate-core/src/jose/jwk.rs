//! The keys a provider publishes.

use super::{Alg, AlgSet, base64url, json};
use crate::check::{Check, CheckFailed};
use crate::flow::KeyQuery;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use serde_json::{Map, Value};
use std::fmt;

/// A provider's public keys ([RFC 7517 § 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)), made ready once: a
/// verification does no parsing.
///
/// Only keys that can verify a signature the gate knows are kept:
///
/// 1. RSA of 2048 to 8192 bits with an odd public exponent above 1 and of at most 33 bits for `RS*` and `PS*`; a point on
///    P-256 for `ES256`, on P-384 for `ES384`, on P-521 for `ES512`; a point on Ed25519 that is not of small order for
///    `EdDSA` and `Ed25519`.
/// 2. `use`, `key_ops` and `alg` are honoured where they stand. A key with `alg` is fit for that algorithm alone.
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
    /// What the key is fit for: one entry for each algorithm, because the cryptography library ties a key to one. More
    /// than one for RSA alone, where the key does not say for which it is meant.
    fit: Vec<(AlgSet, ParsedPublicKey)>,
}

/// The most keys that are tried for one signature.
const MAX_CANDIDATES: usize = 16;

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
                Err(reason) => this.skipped.push(SkippedKey::new(index, reason)),
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
        !query.has_tried(self) && self.has(query.kid.as_deref(), query.alg)
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
            .filter(move |jwk| kid.is_none() || jwk.kid.as_deref() == kid)
            .flat_map(|jwk| &jwk.fit)
            .filter(move |(algs, _)| algs.contains(alg))
            .map(|(_, key)| key)
            // Each costs a verification, and whoever publishes keys can publish many of one name.
            .take(MAX_CANDIDATES)
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
            Some(kid) => write!(f, "{}", crate::check::quote(kid))?,
            None => f.write_str("(unnamed)")?,
        }
        let algs = self.fit.iter().flat_map(|(algs, _)| algs.iter());
        algs.into_iter().try_for_each(|alg| write!(f, " {alg}"))
    }
}

/// A key of a set that is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    index: usize,
    reason: SkipReason,
}

impl SkippedKey {
    pub(crate) fn new(index: usize, reason: SkipReason) -> Self {
        Self { index, reason }
    }

    /// Its place in `keys`, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Why it is not used.
    pub fn reason(&self) -> SkipReason {
        self.reason
    }

    /// Whether the provider has leaked a secret with it, which is worth more than a note.
    pub fn is_leak(&self) -> bool {
        self.reason.is_leak()
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
    /// RSA under 2048 or over 8192 bits, or with an exponent that is even, 1 or over 33 bits; a point of small order on
    /// Ed25519.
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
            Self::Weak => {
                "is not between 2048 and 8192 bits, has a bad exponent or is of small order"
            }
            Self::OtherUse => "is meant for another use or algorithm",
            Self::Symmetric => "is a symmetric key, published for all to read",
            Self::Private => "comes with its private half, published for all to read",
        })
    }
}

/// What only a private or a symmetric key has ([RFC 7518 § 6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).
pub(crate) const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

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
        let kid = text(jwk, "kid")?.map(Box::from);
        let fit = match (kty, text(jwk, "crv")?) {
            ("RSA", _) => {
                let meant = meant_for(jwk, RSA.map(|(alg, _)| alg))?;
                rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?, meant)?
            }
            ("EC", Some(crv)) => {
                let curve = CURVES.iter().find(|curve| curve.crv == crv);
                let curve = curve.ok_or(SkipReason::Unsupported)?;
                let meant = meant_for(jwk, [curve.alg])?;
                let point = curve.point(&bytes(jwk, "x")?, &bytes(jwk, "y")?)?;
                vec![(meant, point)]
            }
            ("OKP", Some("Ed25519")) => {
                let meant = meant_for(jwk, [Alg::EdDSA])?;
                vec![(meant, ed25519(&bytes(jwk, "x")?)?)]
            }
            _ => return Err(SkipReason::Unsupported),
        };
        Ok(Self { kid, fit })
    }
}

/// Of the algorithms that the type of key is `fit` for, those that the key says it may verify
/// ([RFC 7517 § 4.2 to 4.4](https://www.rfc-editor.org/rfc/rfc7517#section-4.2)).
fn meant_for<const N: usize>(
    jwk: &Map<String, Value>,
    fit: [Alg; N],
) -> Result<AlgSet, SkipReason> {
    if text(jwk, "use")?.is_some_and(|used| used != "sig") {
        return Err(SkipReason::OtherUse);
    }
    match jwk.get("key_ops") {
        None => {}
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => {}
        Some(Value::Array(_)) => return Err(SkipReason::OtherUse),
        Some(_) => return Err(SkipReason::Malformed),
    }
    let fit: AlgSet = fit.into_iter().collect();
    match text(jwk, "alg")?.map(Alg::from_name) {
        None => Ok(fit),
        Some(Some(alg)) if fit.contains(alg) => Ok([alg].into_iter().collect()),
        Some(_) => Err(SkipReason::OtherUse),
    }
}

/// What an RSA key is fit for. A bound of 2048 bits is in each.
const RSA: [(Alg, &RsaParameters); 6] = [
    (Alg::RS256, &RSA_PKCS1_2048_8192_SHA256),
    (Alg::RS384, &RSA_PKCS1_2048_8192_SHA384),
    (Alg::RS512, &RSA_PKCS1_2048_8192_SHA512),
    (Alg::PS256, &RSA_PSS_2048_8192_SHA256),
    (Alg::PS384, &RSA_PSS_2048_8192_SHA384),
    (Alg::PS512, &RSA_PSS_2048_8192_SHA512),
];

/// The library takes a key with a longer exponent and then verifies nothing with it, because each verification would cost
/// as much as a signature. Better said when the key is read.
const MAX_EXPONENT_BITS: usize = 33;

fn rsa(n: &[u8], e: &[u8], meant: AlgSet) -> Result<Vec<(AlgSet, ParsedPublicKey)>, SkipReason> {
    // Some providers write a sign octet before `n`, against the letter and without harm.
    let n = without_leading_zeros(n);
    let e = without_leading_zeros(e);
    let bits = |number: &[u8]| {
        let unused = number.first().map_or(0, |b| b.leading_zeros() as usize);
        number.len() * 8 - unused
    };
    let odd = |number: &[u8]| number.last().is_some_and(|b| b & 1 == 1);
    let fits = (2048..=8192).contains(&bits(n)) && (2..=MAX_EXPONENT_BITS).contains(&bits(e));
    if !fits || !odd(n) || !odd(e) {
        return Err(SkipReason::Weak);
    }
    RSA.into_iter()
        .filter(|(alg, _)| meant.contains(*alg))
        .map(|(alg, parameters)| {
            let key = RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(parameters)
                .map_err(|_| SkipReason::Weak)?;
            Ok(([alg].into_iter().collect(), key))
        })
        .collect()
}

fn without_leading_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// A curve, and the one algorithm that goes with it
/// ([RFC 7518 § 3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4)).
struct Curve {
    crv: &'static str,
    alg: Alg,
    /// How long a coordinate is: always in full, with its leading zeros
    /// ([RFC 7518 § 6.2.1.2](https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1.2)).
    bytes: usize,
    verification: &'static EcdsaVerificationAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        crv: "P-256",
        alg: Alg::ES256,
        bytes: 32,
        verification: &ECDSA_P256_SHA256_FIXED,
    },
    Curve {
        crv: "P-384",
        alg: Alg::ES384,
        bytes: 48,
        verification: &ECDSA_P384_SHA384_FIXED,
    },
    Curve {
        crv: "P-521",
        alg: Alg::ES512,
        bytes: 66,
        verification: &ECDSA_P521_SHA512_FIXED,
    },
];

impl Curve {
    fn point(&self, x: &[u8], y: &[u8]) -> Result<ParsedPublicKey, SkipReason> {
        if x.len() != self.bytes || y.len() != self.bytes {
            return Err(SkipReason::Malformed);
        }
        // The uncompressed form of SEC 1. Parsing it checks that the point is on the curve.
        let point = [&[4], x, y].concat();
        ParsedPublicKey::new(self.verification, point).map_err(|_| SkipReason::Malformed)
    }
}

fn ed25519(x: &[u8]) -> Result<ParsedPublicKey, SkipReason> {
    let point = <&[u8; 32]>::try_from(x).map_err(|_| SkipReason::Malformed)?;
    if !is_canonical(point) {
        return Err(SkipReason::Malformed);
    }
    if has_small_order(point) {
        return Err(SkipReason::Weak);
    }
    ParsedPublicKey::new(&ED25519, x).map_err(|_| SkipReason::Malformed)
}

/// The prime of Ed25519, 2^255 − 19, lowest octet first.
const ED25519_PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The coordinate without the highest bit, which is the sign of the other one.
fn y_of(point: &[u8; 32]) -> [u8; 32] {
    let mut y = *point;
    y[31] &= 0x7f;
    y
}

/// Whether the coordinate is below the prime, as decoding demands
/// ([RFC 8032 § 5.1.3](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.3)); the library lets a larger one wrap round.
fn is_canonical(point: &[u8; 32]) -> bool {
    y_of(point).iter().rev().lt(ED25519_PRIME.iter().rev())
}

/// Whether the point is one of the eight that any number of the form 8n takes to zero. With such a key one signature fits
/// a good part of all messages, so whoever publishes it has not signed anything
/// ([RFC 8032 § 5.1.7](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.7) leaves it to the application).
fn has_small_order(point: &[u8; 32]) -> bool {
    const ZERO: [u8; 32] = [0; 32];
    const ONE: [u8; 32] = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    const MINUS_ONE: [u8; 32] = {
        let mut number = ED25519_PRIME;
        number[0] -= 1;
        number
    };
    /// The coordinate of two of the four points of order 8. The other two have its negative.
    const EIGHTH: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ];
    const MINUS_EIGHTH: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ];
    [ZERO, ONE, MINUS_ONE, EIGHTH, MINUS_EIGHTH].contains(&y_of(point))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        jwk: String,
        expected: String,
    }

    fn cases() -> Vec<Case> {
        crate::testdata::cases(include_str!("../../testdata/jwk.toml"))
    }

    fn set(keys: &[&str]) -> Result<JwkSet, CheckFailed> {
        JwkSet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn every_key_is_taken_or_skipped_as_the_data_says() {
        let cases = cases();
        assert!(cases.len() > 40);
        for case in cases {
            let set = set(&[&case.jwk]).unwrap();
            let got = match (set.keys.as_slice(), set.skipped()) {
                ([key], []) => {
                    let algs = key.fit.iter().flat_map(|(algs, _)| algs.iter());
                    algs.map(Alg::name).collect::<Vec<_>>().join(" ")
                }
                ([], [skipped]) => format!("{:?}", skipped.reason()),
                other => format!("{other:?}"),
            };
            assert_eq!(got, case.expected, "{}", case.name);
        }
    }

    #[test]
    fn one_bad_key_does_not_make_the_others_useless() {
        let mut cases = cases();
        cases.truncate(JwkSet::MAX_KEYS);
        let all: Vec<_> = cases.iter().map(|case| case.jwk.as_str()).collect();
        let set = set(&all).unwrap();
        let is_alg = |name: &str| Alg::from_name(name).is_some();
        let good = cases
            .iter()
            .filter(|case| case.expected.split(' ').all(is_alg));
        assert_eq!(set.len(), good.count());
        assert_eq!(set.len() + set.skipped().len(), cases.len());
        assert!(set.has(Some("2011-04-29"), Alg::RS256));
        assert!(!set.has(Some("2011-04-29"), Alg::ES256));
        assert!(!set.has(Some("2011-04-2"), Alg::RS256));
        assert!(set.has(None, Alg::EdDSA));
        assert!(set.answers(&KeyQuery::new(None, Alg::ES256)));
    }

    #[test]
    fn a_set_that_is_none_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[],"keys":[]}"#,
            "<html>",
        ] {
            let failed = JwkSet::parse(text.as_bytes()).unwrap_err();
            assert_eq!(failed.check(), Check::KeysMalformed, "{text}");
        }
        assert!(
            JwkSet::parse(br#"{"keys":[],"more":1}"#)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn the_number_of_keys_is_limited() {
        assert_eq!(set(&["{}"; JwkSet::MAX_KEYS]).unwrap().skipped().len(), 100);
        let failed = set(&["{}"; JwkSet::MAX_KEYS + 1]).unwrap_err();
        assert_eq!(failed.check(), Check::KeysMalformed);
    }

    #[test]
    fn what_was_skipped_is_told_without_values() {
        let set = set(&["{}", r#"{"kty":"oct","k":"hush","kid":"hush"}"#]).unwrap();
        let [_, symmetric] = set.skipped() else {
            panic!("{set:?}")
        };
        assert_eq!(
            symmetric.to_string(),
            "keys[1] is a symmetric key, published for all to read"
        );
        assert!(symmetric.is_leak());
        assert!(!format!("{set:?}").contains("hush"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100),
            kty in "RSA|EC|OKP|oct", crv in "P-256|P-384|P-521|Ed25519", a in "[A-Za-z0-9_-]{0,90}", b in "[A-Za-z0-9_-]{0,50}") {
            let _ = JwkSet::parse(&bytes);
            let jwk = serde_json::json!({"kty": kty, "crv": crv, "n": a, "e": b, "x": a, "y": b});
            let _ = set(&[&jwk.to_string()]).unwrap();
        }
    }
}
