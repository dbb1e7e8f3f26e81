//! The rules of an assertion, whether it authenticates a client or is a grant itself
//! ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3)).

use super::Refusal;
use crate::{
    check::{Check, quote},
    jose::{CompactJws, JwsError, NumericDate},
    time::UnixTime,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest `jti`, in bytes: it is kept until the assertion expires.
const MAX_ID: usize = 255;

/// For whom an assertion may be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// The issuer alone, as text or as a list of one
    /// ([RFC 7523bis § 4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-rfc7523bis#section-4)). An assertion that
    /// is made for two servers can be taken from one and used at the other.
    #[default]
    Issuer,
    /// The issuer or one of these addresses, among whatever else the assertion is made for: what clients of the older rule
    /// send ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3), rule 3). List the token endpoint, its alias
    /// for mutual TLS, and the other endpoints at which clients authenticate. Compared byte for byte. An assertion whose
    /// `typ` is `client-authentication+jwt` is held to the issuer alone here as well.
    IssuerOr(Vec<String>),
}

/// What an assertion is held against.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    /// Whom it has to be about; anybody, where it is none.
    pub(crate) subject: Option<&'a str>,
    pub(crate) server: &'a str,
    pub(crate) audience: &'a Audience,
    pub(crate) leeway: Duration,
    pub(crate) longest: Duration,
}

/// What is kept of an assertion that was believed.
pub(crate) struct Believed {
    pub(crate) subject: String,
    pub(crate) id: String,
    pub(crate) expires: UnixTime,
}

/// Reads an assertion, without believing it.
pub(crate) fn parse(text: &str) -> Result<CompactJws, Refusal> {
    CompactJws::parse(text).map_err(|error| untrue(&error))
}

/// What is wrong with an assertion before its claims are looked at.
pub(crate) fn untrue(error: &JwsError) -> Refusal {
    let check = match error {
        JwsError::Malformed(_) | JwsError::Encrypted => Check::AssertionMalformed,
        JwsError::Alg(_) => Check::AssertionAlg,
        JwsError::Critical => Check::AssertionCritical,
        JwsError::NoKey => Check::AssertionKey,
        JwsError::Signature => Check::AssertionSignature,
        JwsError::SecretTooShort => Check::AssertionSecretShort,
    };
    Refusal::new(check, error.to_string())
}

/// What the header says of the kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typ {
    /// Nothing, or any JWT.
    Any,
    /// Exactly the kind that is expected, by the name that the newer rules give it.
    Exact,
}

/// `typ` is absent, `JWT`, or `exact`; media types are compared without case, and may leave `application/` out
/// ([RFC 7515 § 4.1.9](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9)).
pub(crate) fn check_typ(jws: &CompactJws, exact: &str) -> Result<Typ, Refusal> {
    let Some(typ) = jws.typ() else {
        return Ok(Typ::Any);
    };
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/").unwrap_or(&lower) {
        "jwt" => Ok(Typ::Any),
        name if name == exact => Ok(Typ::Exact),
        _ => Err(Refusal::new(
            Check::AssertionTyp,
            format!("its `typ` is {}", quote(typ)),
        )),
    }
}

/// The rules about claims, in the order of the specification.
pub(crate) fn check_claims(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
    typ: Typ,
    now: UnixTime,
) -> Result<Believed, Refusal> {
    let text = |name: &str, check| match claims.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.as_str()),
        Some(Value::String(_)) => Err(Refusal::new(check, format!("`{name}` is empty"))),
        Some(_) => Err(Refusal::new(check, format!("`{name}` is no text"))),
        None => Err(Refusal::new(check, format!("`{name}` is missing"))),
    };
    let issuer = text("iss", Check::AssertionIssuer)?;
    if issuer != expected.issuer {
        let cause = format!("expected {}, got {}", quote(expected.issuer), quote(issuer));
        return Err(Refusal::new(Check::AssertionIssuer, cause));
    }
    let subject = text("sub", Check::AssertionSubject)?;
    if expected.subject.is_some_and(|wanted| wanted != subject) {
        let wanted = expected.subject.unwrap_or_default();
        let cause = format!("expected {}, got {}", quote(wanted), quote(subject));
        return Err(Refusal::new(Check::AssertionSubject, cause));
    }
    check_audience(claims.get("aud"), expected, typ)?;
    let expires = check_times(claims, expected, now)?;
    let id = text("jti", Check::AssertionId)?;
    if id.len() > MAX_ID {
        let cause = "`jti` is longer than 255 bytes";
        return Err(Refusal::new(Check::AssertionId, cause));
    }
    Ok(Believed {
        subject: subject.to_owned(),
        id: id.to_owned(),
        expires,
    })
}

fn check_audience(aud: Option<&Value>, expected: &Expected<'_>, typ: Typ) -> Result<(), Refusal> {
    let refused = |cause: String| Err(Refusal::new(Check::AssertionAudience, cause));
    let all: Option<Vec<&str>> = match aud {
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(many)) => many.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let Some(all) = all else {
        return refused("`aud` is neither text nor a list of texts".into());
    };
    let fits = match (expected.audience, typ) {
        (Audience::Issuer, _) | (_, Typ::Exact) => matches!(*all, [one] if one == expected.server),
        (Audience::IssuerOr(others), Typ::Any) => all
            .iter()
            .any(|aud| *aud == expected.server || others.iter().any(|other| other == aud)),
    };
    if fits {
        return Ok(());
    }
    refused(match all.as_slice() {
        [] => "it is made for nobody".into(),
        [only] => format!("expected {}, got {}", quote(expected.server), quote(only)),
        [first, rest @ ..] => format!(
            "expected {}, got {} and {} more",
            quote(expected.server),
            quote(first),
            rest.len()
        ),
    })
}

/// When the assertion expires, if its times are right.
fn check_times(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
    now: UnixTime,
) -> Result<UnixTime, Refusal> {
    let time = |name: &str, check| match claims.get(name) {
        None => Ok(None),
        Some(value) => NumericDate::read(value)
            .map(Some)
            .ok_or_else(|| Refusal::new(check, format!("`{name}` is not a number of seconds"))),
    };
    let seen = |what: &str, at: UnixTime| {
        let (at, now) = (at.as_secs(), now.as_secs());
        format!("{what} {at}, it is {now} now")
    };
    let Some(exp) = time("exp", Check::AssertionExpires)? else {
        return Err(Refusal::new(Check::AssertionExpires, "`exp` is missing"));
    };
    let exp = exp.rounded_up;
    if now >= exp + expected.leeway {
        let cause = seen("it expired at", exp);
        return Err(Refusal::new(Check::AssertionExpires, cause));
    }
    if exp > now + expected.longest + expected.leeway {
        let cause = seen("it lives too long, until", exp);
        return Err(Refusal::new(Check::AssertionExpires, cause));
    }
    if let Some(nbf) = time("nbf", Check::AssertionNotBefore)?
        && nbf.rounded_up > now + expected.leeway
    {
        let cause = seen("it is valid from", nbf.rounded_up);
        return Err(Refusal::new(Check::AssertionNotBefore, cause));
    }
    if let Some(iat) = time("iat", Check::AssertionIssuedAt)? {
        if iat.rounded_up > now + expected.leeway {
            let cause = seen("it is issued at", iat.rounded_up);
            return Err(Refusal::new(Check::AssertionIssuedAt, cause));
        }
        if iat.rounded_down + expected.longest + expected.leeway < now {
            let cause = seen("it was issued long ago, at", iat.rounded_down);
            return Err(Refusal::new(Check::AssertionIssuedAt, cause));
        }
    }
    Ok(exp)
}
