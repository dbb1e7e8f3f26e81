//! What a logout token has to say
//! ([OpenID Connect Back-Channel Logout § 2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).

use super::{LoggedOut, Logout, LogoutExpectations, LogoutOf, NoExpiry};
use crate::{
    check::{Check, CheckFailed, quote},
    jose::{Alg, NumericDate},
    time::UnixTime,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// The member of `events` that makes a token a logout token.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The longest `jti`, in bytes.
const MAX_ID: usize = 255;

/// How long after it was issued a token is taken at most, whatever it says itself: for so long its `jti` is kept. A provider
/// that was cut off from us for a while can still deliver.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a token is taken that says nothing of it.
const MAX_AGE_WITHOUT_EXPIRY: Duration = Duration::from_secs(2 * 60);

/// Checks the claims of a token whose signature is confirmed.
pub(super) fn check(
    claims: &Map<String, Value>,
    alg: Alg,
    expect: &LogoutExpectations<'_>,
    now: UnixTime,
) -> Result<Logout, CheckFailed> {
    let claims = Claims(claims);
    let issuer = claims.issuer(expect)?;
    claims.audience(alg, expect)?;
    let until = claims.times(expect, now)?;
    let who = claims.who()?;
    claims.events()?;
    claims.no_nonce()?;
    Ok(Logout {
        of: LogoutOf::new(issuer, who),
        client_id: expect.client_id.into(),
        id: claims.id()?.into(),
        until,
    })
}

/// The claims, and one method for each rule about them.
#[derive(Clone, Copy)]
struct Claims<'a>(&'a Map<String, Value>);

impl<'a> Claims<'a> {
    /// A claim that is text where it stands at all.
    fn text(self, name: &str, check: Check) -> Result<Option<&'a str>, CheckFailed> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(CheckFailed::new(check, format!("`{name}` is not text"))),
        }
    }

    /// A claim that is a time where it stands at all.
    fn time(self, name: &str) -> Result<Option<NumericDate>, CheckFailed> {
        let read = |value| {
            let cause = format!("`{name}` is not a number of seconds");
            NumericDate::read(value).ok_or_else(|| CheckFailed::new(Check::LogoutClaim, cause))
        };
        self.0.get(name).map(read).transpose()
    }

    fn issuer(self, expect: &LogoutExpectations<'_>) -> Result<&'a str, CheckFailed> {
        let expected = expect.issuer.as_str();
        match self.text("iss", Check::LogoutClaim)? {
            None => Err(missing("iss")),
            Some(iss) if iss == expected => Ok(iss),
            Some(iss) => Err(CheckFailed::new(
                Check::LogoutIssuer,
                format!("expected {}, got {}", quote(expected), quote(iss)),
            )),
        }
    }

    /// As of an ID token, but for a missing `azp`: no specification gives a logout token one.
    fn audience(self, alg: Alg, expect: &LogoutExpectations<'_>) -> Result<(), CheckFailed> {
        let all = match self.0.get("aud").ok_or_else(|| missing("aud"))? {
            Value::String(one) => Some(vec![one.as_str()]),
            Value::Array(many) => many.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let Some(all) = all else {
            let cause = "`aud` is not text or a list of texts";
            return Err(CheckFailed::new(Check::LogoutClaim, cause));
        };
        let us = expect.client_id;
        let refused = |cause: String| Err(CheckFailed::new(Check::LogoutAudience, cause));
        if !all.contains(&us) {
            return refused(match all.as_slice() {
                [] => format!("expected {}, got nobody", quote(us)),
                [first, rest @ ..] => {
                    let (us, first, more) = (quote(us), quote(first), rest.len());
                    format!("expected {us}, got {first} and {more} more")
                }
            });
        }
        let trusted = |aud: &str| expect.trusted_audiences.iter().any(|t| t == aud);
        if let Some(other) = all.iter().find(|aud| **aud != us && !trusted(aud)) {
            let other = quote(other);
            return refused(format!(
                "it is also meant for {other}, which is not trusted"
            ));
        }
        // Everybody in `aud` would have to hold the secret, and could then forge.
        if alg.is_symmetric() && all.len() > 1 {
            return refused(format!("it is signed with {alg} and has several audiences"));
        }
        match self.text("azp", Check::LogoutClaim)? {
            Some(azp) if azp != us => refused(format!("it was issued to {}", quote(azp))),
            _ => Ok(()),
        }
    }

    /// Until when the token is taken, if it is taken now.
    fn times(
        self,
        expect: &LogoutExpectations<'_>,
        now: UnixTime,
    ) -> Result<UnixTime, CheckFailed> {
        let leeway = expect.leeway;
        let seen = |check, what: &str, at: UnixTime| {
            let cause = format!("{what} {}, it is {} now", at.as_secs(), now.as_secs());
            CheckFailed::new(check, cause)
        };
        let iat = self.time("iat")?.ok_or_else(|| missing("iat"))?;
        let longest = match self.time("exp")? {
            Some(exp) if now >= exp.rounded_up + leeway => {
                return Err(seen(Check::LogoutExpired, "it expired at", exp.rounded_up));
            }
            Some(_) => MAX_AGE,
            None if expect.no_expiry == NoExpiry::Refused => return Err(missing("exp")),
            None => MAX_AGE_WITHOUT_EXPIRY,
        };
        if iat.rounded_up > now + leeway {
            return Err(seen(
                Check::LogoutIssuedAt,
                "it is issued at",
                iat.rounded_up,
            ));
        }
        let too_old = iat.rounded_up + longest + leeway;
        if now >= too_old {
            let what = "it was issued long ago, at";
            return Err(seen(Check::LogoutIssuedAt, what, iat.rounded_up));
        }
        if let Some(nbf) = self.time("nbf")?
            && nbf.rounded_up > now + leeway
        {
            return Err(seen(
                Check::LogoutIssuedAt,
                "it is valid from",
                nbf.rounded_up,
            ));
        }
        let expires = self.time("exp")?.map(|exp| exp.rounded_up + leeway);
        Ok(expires.map_or(too_old, |expires| expires.min(too_old)))
    }

    fn who(self) -> Result<LoggedOut, CheckFailed> {
        let text = |name: &str| match self.text(name, Check::LogoutSubject)? {
            Some("") => {
                let cause = format!("`{name}` is empty");
                Err(CheckFailed::new(Check::LogoutSubject, cause))
            }
            found => Ok(found),
        };
        match (text("sub")?, text("sid")?) {
            (Some(subject), Some(sid)) => Ok(LoggedOut::Both {
                subject: subject.into(),
                sid: sid.into(),
            }),
            (Some(subject), None) => Ok(LoggedOut::User(subject.into())),
            (None, Some(sid)) => Ok(LoggedOut::AtProvider(sid.into())),
            (None, None) => Err(CheckFailed::new(
                Check::LogoutSubject,
                "it has neither `sub` nor `sid`",
            )),
        }
    }

    fn events(self) -> Result<(), CheckFailed> {
        let refused = |cause: &'static str| Err(CheckFailed::new(Check::LogoutEvents, cause));
        let events = match self.0.get("events") {
            None => return refused("there is no `events`, as in an ID token"),
            Some(Value::Object(events)) => events,
            Some(_) => return refused("`events` is not an object"),
        };
        match events.get(LOGOUT_EVENT) {
            // What stands in it is for others: "the value SHOULD be the empty JSON object".
            Some(Value::Object(_)) => Ok(()),
            Some(_) => refused("the event of a logout is not an object"),
            None => refused("`events` does not name a logout"),
        }
    }

    /// An ID token that answers a login has one; no logout token has, whatever stands in it.
    fn no_nonce(self) -> Result<(), CheckFailed> {
        match self.0.contains_key("nonce") {
            true => Err(CheckFailed::new(Check::LogoutNonce, "it has a `nonce`")),
            false => Ok(()),
        }
    }

    fn id(self) -> Result<&'a str, CheckFailed> {
        let refused = |cause: &'static str| Err(CheckFailed::new(Check::LogoutId, cause));
        match self.text("jti", Check::LogoutId)? {
            None => refused("`jti` is missing"),
            Some("") => refused("`jti` is empty"),
            Some(id) if id.len() > MAX_ID => refused("`jti` is longer than 255 bytes"),
            Some(id) => Ok(id),
        }
    }
}

fn missing(claim: &str) -> CheckFailed {
    CheckFailed::new(Check::LogoutClaim, format!("`{claim}` is missing"))
}
