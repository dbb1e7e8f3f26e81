//! Signed tokens in the compact form ([RFC 7515 § 7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1)).

use super::{Alg, JwkSet, Member, Members, TrustedKeys, base64url, json, members::Object};
use crate::check::quote;
use crate::flow::KeyQuery;
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt, sync::Arc};
use zeroize::Zeroizing;

/// A signed token that was read and is not believed yet.
///
/// The header says which key to look for and nothing more: `jwk`, `jku`, `x5u` and `x5c` in it are never used. What the
/// token says comes out of [`verify`](Self::verify).
pub struct CompactJws {
    /// The whole token. It may be a credential, so it is wiped.
    text: Zeroizing<Box<str>>,
    /// How much of `text` is signed: header, dot, payload.
    signed: usize,
    alg: Alg,
    kid: Option<String>,
    typ: Option<String>,
    payload: Map<String, Value>,
    signature: Vec<u8>,
}

/// Why a token is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwsError {
    /// Not a compact JWS with JSON objects as header and payload; says what is wrong.
    Malformed(&'static str),
    /// Five parts: a compact JWE ([RFC 7516 § 9](https://www.rfc-editor.org/rfc/rfc7516#section-9)).
    Encrypted,
    /// The header names an algorithm that is not verified: `none`, one that is unknown, or one that does not go with the
    /// kind of key that is trusted.
    Alg(Box<str>),
    /// The header demands an extension ([RFC 7515 § 4.1.11](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11)), or
    /// that the payload is not encoded ([RFC 7797](https://www.rfc-editor.org/rfc/rfc7797)).
    Critical,
    /// The set has no key of that name and algorithm.
    NoKey,
    /// No key that comes into question confirms the signature.
    Signature,
    /// The secret is shorter than the hash ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    SecretTooShort,
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => f.write_str(what),
            Self::Encrypted => f.write_str("encrypted, not signed"),
            Self::Alg(name) => write!(f, "signed with {}", quote(name)),
            Self::Critical => f.write_str("the header has `crit` or `b64`"),
            Self::NoKey => f.write_str("no published key has that `kid` and algorithm"),
            Self::Signature => f.write_str("the signature is wrong"),
            Self::SecretTooShort => f.write_str("the client secret is shorter than the hash"),
        }
    }
}

impl std::error::Error for JwsError {}

impl CompactJws {
    /// The longest token that is read, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads a token: three parts of strict base64url, header and payload JSON objects that name each member once.
    ///
    /// # Errors
    ///
    /// See [`JwsError`].
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let parts = Parts::of(text)?;
        let claims = parts.payload()?;
        Ok(Self {
            text: Zeroizing::new(text.into()),
            signed: parts.signed.len(),
            payload: json::object(&claims).map_err(JwsError::Malformed)?,
            signature: parts.signature()?,
            alg: parts.header.alg,
            kid: parts.header.kid,
            typ: parts.header.typ,
        })
    }

    /// The algorithm the header names. A claim like any other: the caller has to want it.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The name of the key, which is text from outside.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The kind of token, as the header says.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// What the token says of `name`, before anybody has confirmed it: to find the key by, and nothing else.
    pub(crate) fn unverified_text(&self, name: &str) -> Option<&str> {
        self.payload.get(name).and_then(Value::as_str)
    }

    /// Which key the token asks for.
    pub fn key_query(&self) -> KeyQuery {
        KeyQuery::new(self.kid.clone(), self.alg)
    }

    /// What the token says, once a trusted key confirms the signature. Of published keys, with a `kid` only keys of that
    /// name are tried, without one every key of the algorithm.
    ///
    /// # Errors
    ///
    /// [`JwsError::Alg`] where the algorithm does not go with the kind of key, [`JwsError::NoKey`],
    /// [`JwsError::SecretTooShort`] or [`JwsError::Signature`].
    pub fn verify<'a>(
        self,
        keys: impl Into<TrustedKeys<'a>>,
    ) -> Result<Map<String, Value>, JwsError> {
        self.confirm(keys)?;
        Ok(self.payload)
    }

    /// Which keys to look for where these do not confirm a signature that names none: a provider that gives its keys no
    /// names cannot say that it has changed them
    /// ([OpenID Connect Core § 10.1.1](https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys)). A key that
    /// is named and wrong is not worth a fetch.
    pub(crate) fn other_keys(&self, tried: &Arc<JwkSet>) -> Option<KeyQuery> {
        let wrong = self.kid().is_none() && self.confirm(&**tried) == Err(JwsError::Signature);
        wrong.then(|| self.key_query().besides(tried.clone()))
    }

    /// Whether a trusted key confirms the signature, without telling what it is a signature of.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn confirm<'a>(&self, keys: impl Into<TrustedKeys<'a>>) -> Result<(), JwsError> {
        let signed = self.text.as_bytes().get(..self.signed).unwrap_or_default();
        keys.into()
            .confirm(self.alg, self.kid(), signed, &self.signature)
    }
}

impl fmt::Debug for CompactJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJws")
            .field("alg", &self.alg)
            .field("kid", &self.kid)
            .field("typ", &self.typ)
            .finish_non_exhaustive()
    }
}

/// The same where the text lies anyway: what it says is not copied before somebody wants it.
pub(crate) struct UnverifiedJws<'a> {
    parts: Parts<'a>,
    payload: Object,
    signature: Vec<u8>,
}

impl<'a> UnverifiedJws<'a> {
    /// As [`CompactJws::parse`].
    pub(crate) fn parse(text: &'a str) -> Result<Self, JwsError> {
        let parts = Parts::of(text)?;
        Ok(Self {
            payload: Object::strict(parts.payload()?).map_err(JwsError::Malformed)?,
            signature: parts.signature()?,
            parts,
        })
    }

    pub(crate) fn alg(&self) -> Alg {
        self.parts.header.alg
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.parts.header.kid.as_deref()
    }

    pub(crate) fn typ(&self) -> Option<&str> {
        self.parts.header.typ.as_deref()
    }

    /// What it says of `name`, before anybody has confirmed it: to find the key by, and nothing else.
    pub(crate) fn unverified_text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.payload.get(name)?.text()
    }

    pub(crate) fn key_query(&self) -> KeyQuery {
        KeyQuery::new(self.kid().map(str::to_owned), self.alg())
    }

    /// As [`CompactJws::verify`].
    pub(crate) fn verify<'k>(
        &self,
        keys: impl Into<TrustedKeys<'k>>,
    ) -> Result<Members<'_>, JwsError> {
        let signed = self.parts.signed.as_bytes();
        keys.into()
            .confirm(self.alg(), self.kid(), signed, &self.signature)?;
        Ok(self.payload.members())
    }
}

impl fmt::Debug for UnverifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedJws")
            .field("alg", &self.alg())
            .field("kid", &self.kid())
            .field("typ", &self.typ())
            .finish_non_exhaustive()
    }
}

/// A token's three parts, of which the first is read.
struct Parts<'a> {
    /// Header, dot, payload.
    signed: &'a str,
    header: Header,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, JwsError> {
        if text.len() > CompactJws::MAX_BYTES {
            return Err(JwsError::Malformed("longer than 16 KiB"));
        }
        let mut parts = text.splitn(6, '.');
        let (header, payload, signature) = match (parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(payload), Some(signature)) => match parts.count() {
                0 => (header, payload, signature),
                2 => return Err(JwsError::Encrypted),
                _ => return Err(JwsError::Malformed("neither three nor five parts")),
            },
            _ => return Err(JwsError::Malformed("neither three nor five parts")),
        };
        let signed = text.len() - signature.len() - 1;
        let bytes = decode(header, "the header is not base64url")?;
        Ok(Self {
            signed: text.get(..signed).unwrap_or_default(),
            header: Header::read(&Members::strict(&bytes).map_err(JwsError::Malformed)?)?,
            payload,
            signature,
        })
    }

    fn payload(&self) -> Result<Vec<u8>, JwsError> {
        decode(self.payload, "the payload is not base64url")
    }

    fn signature(&self) -> Result<Vec<u8>, JwsError> {
        decode(self.signature, "the signature is not base64url")
    }
}

fn decode(part: &str, fault: &'static str) -> Result<Vec<u8>, JwsError> {
    base64url::decode(part).ok_or(JwsError::Malformed(fault))
}

struct Header {
    alg: Alg,
    kid: Option<String>,
    typ: Option<String>,
}

impl Header {
    fn read(header: &Members<'_>) -> Result<Self, JwsError> {
        let alg = match header.get("alg").and_then(Member::text) {
            Some(name) => Alg::from_name(&name).ok_or_else(|| JwsError::Alg(name.into()))?,
            None => return Err(JwsError::Malformed("the header has no text `alg`")),
        };
        // No extension is known here, so any demand for one is a demand that cannot be met; and `b64` without `crit` is
        // against RFC 7797 § 6.
        if header.has("crit") || header.has("b64") {
            return Err(JwsError::Critical);
        }
        let text = |name, fault| match header.get(name).map(Member::text) {
            None => Ok(None),
            Some(Some(text)) => Ok(Some(text.into_owned())),
            Some(None) => Err(JwsError::Malformed(fault)),
        };
        Ok(Self {
            alg,
            kid: text("kid", "the header's `kid` is not text")?,
            typ: text("typ", "the header's `typ` is not text")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::JwkSet;
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        jwks: String,
        token: String,
        expected: String,
    }

    #[test]
    fn published_tokens_end_as_the_data_says() {
        let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/jws.toml"));
        assert!(cases.len() > 10);
        for case in cases {
            let keys = JwkSet::parse(case.jwks.as_bytes()).unwrap();
            let got = match CompactJws::parse(&case.token).and_then(|jws| jws.verify(&keys)) {
                Ok(_) => "ok",
                Err(JwsError::Malformed(_)) => "Malformed",
                Err(JwsError::Encrypted) => "Encrypted",
                Err(JwsError::Alg(_)) => "Alg",
                Err(JwsError::Critical) => "Critical",
                Err(JwsError::NoKey) => "NoKey",
                Err(JwsError::Signature) => "Signature",
                Err(JwsError::SecretTooShort) => "SecretTooShort",
            };
            assert_eq!(got, case.expected, "{}", case.name);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[A-Za-z0-9_=.-]{0,60}|eyJhbGciOiJSUzI1NiJ9\\.[a-zA-Z0-9]{0,20}\\.[a-zA-Z0-9]{0,20}") {
            if let Ok(jws) = CompactJws::parse(&text) {
                let _ = jws.verify(&JwkSet::default());
            }
        }
    }
}
