//! Whether an access token is to be believed ([RFC 9068 § 4](https://www.rfc-editor.org/rfc/rfc9068#section-4)).

use super::{Profile, ScopeForm, TokenRules};
use crate::check::{Check, CheckFailed, quote};
use crate::form::is_word;
use crate::identity::IdentityKind;
use crate::jose::{Member, Members, NumericDate};
use crate::time::UnixTime;
use std::{borrow::Cow, time::Duration};

/// What a believed access token says beside what the claims' own rules read.
pub(super) struct AccessTokenFacts {
    pub(super) expires_at: UnixTime,
    pub(super) auth_time: Option<UnixTime>,
    pub(super) scopes: String,
    pub(super) kind: IdentityKind,
    pub(super) client_id: Option<String>,
}

/// Whether the header's `typ` is one that such a token may have
/// ([RFC 9068 § 2.1](https://www.rfc-editor.org/rfc/rfc9068#section-2.1)).
pub(super) fn check_type(rules: &TokenRules, typ: Option<&str>) -> Result<(), CheckFailed> {
    let is =
        |names: &[&str]| typ.is_some_and(|typ| names.iter().any(|n| typ.eq_ignore_ascii_case(n)));
    let fit = match rules.profile {
        Profile::Rfc9068 => is(&["at+jwt", "application/at+jwt"]),
        // Any other type says what the token is, and it is no access token (RFC 8725 § 3.11).
        Profile::Marked(_) => {
            typ.is_none() || is(&["at+jwt", "application/at+jwt", "JWT", "application/JWT"])
        }
    };
    match fit {
        true => Ok(()),
        false => {
            let got = typ.map_or("none".to_owned(), |typ| quote(typ).to_string());
            Err(CheckFailed::new(
                Check::BearerType,
                format!("expected `typ` \"at+jwt\", got {got}"),
            ))
        }
    }
}

/// Checks the claims of a token whose signature is confirmed, in this order: kind, `iss`, `aud`, `exp`, `nbf`, `iat`, `sub`,
/// `client_id`, `jti`, `cnf`, scopes. A claim of the wrong type is an error and never counts as absent.
pub(super) fn check(
    rules: &TokenRules,
    claims: &Members<'_>,
    now: UnixTime,
) -> Result<AccessTokenFacts, CheckFailed> {
    let claims = Claims(claims);
    claims.check_kind(rules)?;
    claims.check_issuer(rules)?;
    claims.check_audience(rules)?;
    let expires_at = claims.check_times(rules.leeway, now)?;
    let subject = claims.subject()?;
    let client_id = claims.client_id(rules)?;
    if rules.profile == Profile::Rfc9068 {
        claims.required("jti")?;
    }
    claims.check_unbound()?;
    let own = client_id.as_deref() == Some(&*subject)
        || rules
            .client_tokens
            .iter()
            .any(|marker| marker.is_on(claims.0));
    claims.text("acr")?;
    Ok(AccessTokenFacts {
        expires_at,
        auth_time: claims.auth_time(rules.leeway, now)?,
        scopes: claims.scopes(rules)?,
        kind: if own {
            IdentityKind::Client
        } else {
            IdentityKind::User
        },
        client_id,
    })
}

/// What other tokens have, and access tokens do not: of ID tokens, request objects
/// ([RFC 9101 § 4](https://www.rfc-editor.org/rfc/rfc9101#section-4)) and proofs of possession
/// ([RFC 9449 § 4.2](https://www.rfc-editor.org/rfc/rfc9449#section-4.2)).
const OF_OTHERS: [&str; 10] = [
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "response_type",
    "redirect_uri",
    "code_challenge",
    "htm",
    "htu",
    "sub_jwk",
];

#[derive(Clone, Copy)]
struct Claims<'a>(&'a Members<'a>);

impl<'a> Claims<'a> {
    fn text(self, name: &str) -> Result<Option<Cow<'a, str>>, CheckFailed> {
        match self.0.get(name).map(Member::text) {
            None => Ok(None),
            Some(Some(text)) => Ok(Some(text)),
            Some(None) => Err(wrong_type(name, "text")),
        }
    }

    /// A text that has to be there and must not be empty.
    fn required(self, name: &str) -> Result<Cow<'a, str>, CheckFailed> {
        match self.text(name)? {
            None => Err(missing(name)),
            Some(text) if text.is_empty() => Err(wrong_type(name, "a text that says something")),
            Some(text) => Ok(text),
        }
    }

    fn time(self, name: &str) -> Result<Option<NumericDate>, CheckFailed> {
        self.0
            .get(name)
            .map(|value| {
                (value.number().as_ref().and_then(NumericDate::of))
                    .ok_or_else(|| wrong_type(name, "a number of seconds"))
            })
            .transpose()
    }

    fn check_kind(self, rules: &TokenRules) -> Result<(), CheckFailed> {
        let refused = |cause: String| Err(CheckFailed::new(Check::BearerKind, cause));
        // A security event, a logout token above all, whatever its `typ`.
        if self.0.has("events") {
            return refused("it has `events`, as logout tokens have".into());
        }
        let Profile::Marked(markers) = &rules.profile else {
            return Ok(());
        };
        if let Some(name) = OF_OTHERS.iter().find(|name| self.0.has(name)) {
            return refused(format!("it has `{name}`, which access tokens do not have"));
        }
        if !markers.iter().any(|marker| marker.is_on(self.0)) {
            let names: Vec<_> = markers.iter().map(ToString::to_string).collect();
            return refused(format!("expected {}, it is not there", names.join(" or ")));
        }
        Ok(())
    }

    fn check_issuer(self, rules: &TokenRules) -> Result<(), CheckFailed> {
        let (expected, got) = (rules.issuer.as_str(), self.required("iss")?);
        match got == expected {
            true => Ok(()),
            false => Err(CheckFailed::new(
                Check::BearerIssuer,
                format!("expected {}, got {}", quote(expected), quote(&got)),
            )),
        }
    }

    fn check_audience(self, rules: &TokenRules) -> Result<(), CheckFailed> {
        let own = |aud: &str| rules.audiences().iter().any(|own| own == aud);
        let all: Vec<Cow<'_, str>> = match self.0.get("aud") {
            None if rules.client_id_is_audience => vec![self.required("client_id")?],
            None => return Err(missing("aud")),
            Some(aud) => match aud.text() {
                Some(one) => vec![one],
                None => texts(aud).ok_or_else(|| wrong_type("aud", "text or a list of texts"))?,
            },
        };
        if all.iter().any(|aud| own(aud)) {
            return Ok(());
        }
        let expected: Vec<_> = rules
            .audiences()
            .iter()
            .map(|aud| quote(aud).to_string())
            .collect();
        let got = match all.as_slice() {
            [] => "nobody".to_owned(),
            [one] => quote(one).to_string(),
            [one, rest @ ..] => format!("{} and {} more", quote(one), rest.len()),
        };
        Err(CheckFailed::new(
            Check::BearerAudience,
            format!("expected {}, got {got}", expected.join(" or ")),
        ))
    }

    fn check_times(self, leeway: Duration, now: UnixTime) -> Result<UnixTime, CheckFailed> {
        let refused = |check, what: &str, at: UnixTime| {
            let cause = format!("it {what} {}, it is {} now", at.as_secs(), now.as_secs());
            Err(CheckFailed::new(check, cause))
        };
        let exp = self.time("exp")?.ok_or_else(|| missing("exp"))?.rounded_up;
        if now >= exp + leeway {
            return refused(Check::BearerExpired, "expired at", exp);
        }
        if let Some(nbf) = self.time("nbf")?
            && nbf.rounded_up > now + leeway
        {
            return refused(Check::BearerNotBefore, "is valid from", nbf.rounded_up);
        }
        let iat = self.time("iat")?.ok_or_else(|| missing("iat"))?;
        if iat.rounded_up > now + leeway {
            return refused(Check::BearerIssuedAt, "is issued at", iat.rounded_up);
        }
        Ok(exp)
    }

    fn subject(self) -> Result<Cow<'a, str>, CheckFailed> {
        let sub = self.required("sub")?;
        match sub.len() <= 255 && sub.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            true => Ok(sub),
            // A control character has no place in a name that logs and headers carry.
            false => Err(CheckFailed::new(
                Check::BearerSubject,
                format!(
                    "it is {} bytes long, not ASCII, or holds control characters",
                    sub.len()
                ),
            )),
        }
    }

    /// To whom it was issued. Outside of the profile it stands in several places: `azp` (Keycloak, Microsoft, Google),
    /// `appid` (Microsoft, the first version), `cid` (Okta).
    fn client_id(self, rules: &TokenRules) -> Result<Option<String>, CheckFailed> {
        if rules.profile == Profile::Rfc9068 {
            return Ok(Some(self.required("client_id")?.into_owned()));
        }
        for name in ["client_id", "azp", "appid", "cid"] {
            if let Some(id) = self.text(name)?
                && !id.is_empty()
            {
                return Ok(Some(id.into_owned()));
            }
        }
        Ok(None)
    }

    /// A bound token is worth nothing without its proof, and whoever took it without one would make it a bearer token
    /// ([RFC 7800 § 3.1](https://www.rfc-editor.org/rfc/rfc7800#section-3.1)).
    fn check_unbound(self) -> Result<(), CheckFailed> {
        let Some(cnf) = self.0.get("cnf") else {
            return Ok(());
        };
        let needs = match cnf {
            cnf if cnf.member("jkt").is_some() => "a DPoP proof",
            cnf if cnf.member("x5t#S256").is_some() => "the client's certificate",
            _ => "a proof that is not known here",
        };
        Err(CheckFailed::new(
            Check::BearerBound,
            format!("it is bound to a key by `cnf`, and would need {needs}"),
        ))
    }

    fn auth_time(self, leeway: Duration, now: UnixTime) -> Result<Option<UnixTime>, CheckFailed> {
        let auth_time = self.time("auth_time")?;
        // A time ahead would stay recent for as long as it is ahead.
        if auth_time.is_some_and(|at| at.rounded_up > now + leeway) {
            return Err(CheckFailed::new(
                Check::BearerIssuedAt,
                "the user is said to sign in in the future",
            ));
        }
        Ok(auth_time.map(|at| at.rounded_down))
    }

    /// The scopes, divided by spaces. None where there is none
    /// ([RFC 9068 § 2.2.3](https://www.rfc-editor.org/rfc/rfc9068#section-2.2.3)).
    fn scopes(self, rules: &TokenRules) -> Result<String, CheckFailed> {
        let mut all = String::new();
        let places: &mut dyn Iterator<Item = &str> = match rules.scopes_at.as_slice() {
            [] => &mut std::iter::once("scope"),
            named => &mut named.iter().map(String::as_str),
        };
        for name in places {
            let Some(claim) = self.0.get(name) else {
                continue;
            };
            all.reserve(claim.json().len());
            let mut add = |word: &str| {
                // RFC 6749 § 3.3. What divides scopes for another reader must not stand in one here.
                if !is_word(word) {
                    return Err(wrong_type(name, "made of scopes in visible ASCII"));
                }
                if !all.is_empty() {
                    all.push(' ');
                }
                all.push_str(word);
                Ok(())
            };
            match (claim.text(), rules.scope_form) {
                (Some(text), _) => text
                    .split(' ')
                    .filter(|word| !word.is_empty())
                    .try_for_each(&mut add)?,
                (None, ScopeForm::Text) => return Err(wrong_type(name, "one text")),
                (None, ScopeForm::TextOrList) => texts(claim)
                    .ok_or_else(|| wrong_type(name, "text or a list of texts"))?
                    .iter()
                    .try_for_each(|word| add(word))?,
            }
        }
        Ok(all)
    }
}

/// The items of a list of texts.
fn texts(list: Member<'_>) -> Option<Vec<Cow<'_, str>>> {
    list.items()?.into_iter().map(Member::text).collect()
}

fn missing(claim: &str) -> CheckFailed {
    CheckFailed::new(Check::BearerClaim, format!("`{claim}` is missing"))
}

fn wrong_type(claim: &str, expected: &str) -> CheckFailed {
    CheckFailed::new(Check::BearerClaim, format!("`{claim}` is not {expected}"))
}
