//! Whether an ID token is to be believed
//! ([OpenID Connect Core § 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)).

use super::{IdTokenClaims, IdTokenOrigin};
use crate::check::{Check, CheckFailed, quote};
use crate::flow::KeyQuery;
use crate::jose::{Alg, AlgSet, CompactJws, JwkSet, JwsError, NumericDate, TrustedKeys};
use crate::secret::{AccessToken, IdToken, Nonce};
use crate::time::UnixTime;
use crate::url::Issuer;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};

/// What an ID token has to say to be accepted. All of it comes from the configuration and from the login that asked for
/// the token; nothing of it comes from the token.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a new expectation must not compile until every caller has decided about it"
)]
pub struct Expectations<'a> {
    /// Who has to have issued it.
    pub issuer: &'a Issuer,
    /// For whom.
    pub client_id: &'a str,
    /// The nonce that was sent. Where none was sent, the token must not have one. A refreshed token may leave it out.
    pub nonce: Option<&'a Nonce>,
    /// With which algorithms it may be signed.
    pub algs: AlgSet,
    /// Who else may be among its audiences.
    pub trusted_audiences: &'a [String],
    /// How far the clocks of both sides may be apart. One minute is customary, five are a lot.
    pub leeway: Duration,
    /// The access token that came along, for `at_hash`.
    pub access_token: Option<&'a AccessToken>,
    /// Of which authentication context classes one has to be reached. Empty: none is demanded.
    pub acr_values: &'a [String],
    /// How long ago the user may have proved who it is. `None`: however long.
    pub max_age: Option<Duration>,
}

/// An ID token that was read and is not believed yet.
///
/// ```
/// # use oidc_gate_core::{check::CheckFailed, jose::*, secret::*, time::UnixTime, token::*};
/// fn believe(
///     token: &IdToken, keys: &JwkSet, expect: &Expectations<'_>, now: UnixTime,
/// ) -> Result<IdTokenClaims, CheckFailed> {
///     let token = UnverifiedIdToken::parse(token)?;
///     let query = token.key_query(expect.algs)?; // look for the key, fetch the set again if it is not in it
///     # let _ = query;
///     token.verify(keys, expect, now)
/// }
/// ```
#[derive(Debug)]
pub struct UnverifiedIdToken {
    jws: CompactJws,
}

impl UnverifiedIdToken {
    /// The algorithm the header names. A claim like any other until [`key_query`](Self::key_query) has taken it.
    pub fn alg(&self) -> Alg {
        self.jws.alg()
    }

    /// Reads an ID token.
    ///
    /// # Errors
    ///
    /// [`Check::IdTokenMalformed`], [`Check::IdTokenEncrypted`], [`Check::IdTokenAlg`], [`Check::IdTokenCrit`], and
    /// [`Check::IdTokenType`] where `typ` is there and is not `JWT`.
    pub fn parse(token: &IdToken) -> Result<Self, CheckFailed> {
        let jws = CompactJws::parse(token.expose()).map_err(|error| untrue(&error))?;
        check_type(jws.typ())?;
        Ok(Self { jws })
    }

    /// Which key to look for, if the algorithm is one of `algs`: a token with another one is not worth a fetch.
    ///
    /// # Errors
    ///
    /// [`Check::IdTokenAlg`].
    pub fn key_query(&self, algs: AlgSet) -> Result<KeyQuery, CheckFailed> {
        let alg = self.jws.alg();
        if !algs.contains(alg) {
            return Err(CheckFailed::new(
                Check::IdTokenAlg,
                format!("expected one of {algs:?}, got {alg}"),
            ));
        }
        Ok(self.jws.key_query())
    }

    /// Which keys to look for where these do not confirm a signature that names none: a provider that gives its keys no
    /// names cannot say that it has changed them
    /// ([OpenID Connect Core § 10.1.1](https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys)). A key that
    /// is named and wrong is not worth a fetch.
    pub fn other_keys(&self, tried: &Arc<JwkSet>) -> Option<KeyQuery> {
        self.jws.other_keys(tried)
    }

    /// What the token says, if all of it is as expected.
    ///
    /// `keys` are the provider's, or for a symmetric algorithm the client's secret. The signature is checked even though
    /// the token came over TLS from the provider itself. Then the claims, in the order of the specification: `iss`,
    /// `aud`, `azp`, `exp`, `iat`, `nbf`, `nonce`, `acr`, `auth_time`, `session_expiry`, `sub`, `at_hash`. A claim of the wrong type is an
    /// error and never counts as absent.
    ///
    /// # Errors
    ///
    /// The first check that fails, by name.
    pub fn verify<'a>(
        self,
        keys: impl Into<TrustedKeys<'a>>,
        expect: &Expectations<'_>,
        now: UnixTime,
    ) -> Result<IdTokenClaims, CheckFailed> {
        self.verify_as(Occasion::SignIn, keys.into(), expect, now)
    }

    /// What a token says that came with a refresh, if all of it is as expected and about the same sign-in as the first
    /// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
    ///
    /// A refresh that brings no ID token is no error: the identity stays as it is. One that does is checked as at the
    /// sign-in, with these differences:
    ///
    /// 1. `nonce` may be missing; where it is present, it is [the one that was sent](Expectations::nonce).
    /// 2. `iss`, `sub` and `azp` are those of `origin`; an `azp` that was not there must not appear.
    /// 3. `aud` has every audience of `origin`.
    /// 4. `auth_time`, where both have one, is the same: a refresh is no sign-in.
    /// 5. It is not older than `origin`, but for the leeway.
    ///
    /// `acr_values` and `max_age` are for the sign-in; leave them empty here, because a sign-in gets older.
    ///
    /// # Errors
    ///
    /// The first check that fails, by name: [`Check::IdTokenRefreshedSubject`] where it is about another user, which ends
    /// the session; [`Check::IdTokenRefreshed`] for the rest of the list.
    pub fn verify_refreshed<'a>(
        self,
        keys: impl Into<TrustedKeys<'a>>,
        expect: &Expectations<'_>,
        origin: &IdTokenOrigin,
        now: UnixTime,
    ) -> Result<IdTokenClaims, CheckFailed> {
        self.verify_continued(keys.into(), expect, origin, Forgotten::default(), now)
    }

    /// The same, where something of the sign-in is not known any more.
    pub(crate) fn verify_continued(
        self,
        keys: TrustedKeys<'_>,
        expect: &Expectations<'_>,
        origin: &IdTokenOrigin,
        forgotten: Forgotten,
        now: UnixTime,
    ) -> Result<IdTokenClaims, CheckFailed> {
        let claims = self.verify_as(Occasion::Refresh(forgotten), keys, expect, now)?;
        let mut said = claims.origin();
        if forgotten.authorized_party {
            said.authorized_party.clone_from(&origin.authorized_party);
        }
        check_origin(&said, origin, expect.leeway)?;
        Ok(claims)
    }

    fn verify_as(
        self,
        occasion: Occasion,
        keys: TrustedKeys<'_>,
        expect: &Expectations<'_>,
        now: UnixTime,
    ) -> Result<IdTokenClaims, CheckFailed> {
        self.key_query(expect.algs)?;
        let alg = self.jws.alg();
        let kid = self.jws.kid().map(str::to_owned);
        let verified = self.jws.verify(keys).map_err(|error| match error {
            JwsError::NoKey => CheckFailed::new(
                Check::IdTokenKey,
                match kid {
                    Some(kid) => format!(
                        "no published key is named {} and fit for {alg}",
                        quote(&kid)
                    ),
                    None => format!("no published key is fit for {alg}"),
                },
            ),
            error => untrue(&error),
        })?;
        let times = Claims(&verified).check(occasion, alg, expect, now)?;
        Ok(IdTokenClaims::new(
            verified,
            times.expires_at,
            times.issued_at,
            times.auth_time,
            times.session_expiry,
        ))
    }
}

/// The times that a believed ID token names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdTokenTimes {
    pub(crate) expires_at: UnixTime,
    pub(crate) issued_at: UnixTime,
    pub(crate) auth_time: Option<UnixTime>,
    pub(crate) session_expiry: Option<UnixTime>,
}

/// Whether the header's `typ` is one that an ID token may have. An access token, a logout token and an ID token can look much
/// alike; RFC 8725 § 3.11 tells them apart here. RFC 7515 § 4.1.9 lets a type be written with or without `application/`.
pub(crate) fn check_type(typ: Option<&str>) -> Result<(), CheckFailed> {
    let Some(typ) = typ else { return Ok(()) };
    let fit = ["JWT", "application/JWT"]
        .iter()
        .any(|jwt| typ.eq_ignore_ascii_case(jwt));
    fit.then_some(()).ok_or_else(|| {
        CheckFailed::new(
            Check::IdTokenType,
            format!("expected `typ` \"JWT\" or none, got {}", quote(typ)),
        )
    })
}

/// Whether the claims of an ID token, whose signature is confirmed, are as expected, when somebody presents it to a service:
/// as at a sign-in, but for the nonce, which is between its client and the provider.
pub(crate) fn check_presented(
    claims: &Map<String, Value>,
    alg: Alg,
    expect: &Expectations<'_>,
    now: UnixTime,
) -> Result<IdTokenTimes, CheckFailed> {
    Claims(claims).check(Occasion::Presented, alg, expect, now)
}

/// What is not known any more of the sign-in that a refreshed token continues, and so is compared with nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// The nonce that was sent. Whoever takes a token that has one all the same has to decide what it is worth.
    pub(crate) nonce: bool,
    /// To whom the first token was issued. It is still this client or nobody.
    pub(crate) authorized_party: bool,
}

/// What brought the token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    SignIn,
    Refresh(Forgotten),
    /// Nothing: somebody shows it.
    Presented,
}

fn check_origin(
    now: &IdTokenOrigin,
    then: &IdTokenOrigin,
    leeway: Duration,
) -> Result<(), CheckFailed> {
    if now.subject != then.subject {
        return Err(CheckFailed::new(
            Check::IdTokenRefreshedSubject,
            "it is about another user",
        ));
    }
    let refused = |cause: String| Err(CheckFailed::new(Check::IdTokenRefreshed, cause));
    if now.issuer != then.issuer {
        return refused(format!(
            "expected the issuer {}, got {}",
            quote(&then.issuer),
            quote(&now.issuer)
        ));
    }
    if let Some(gone) = then.audiences.iter().find(|a| !now.audiences.contains(a)) {
        return refused(format!("it is no longer meant for {}", quote(gone)));
    }
    if now.authorized_party != then.authorized_party {
        return refused("it has another `azp`, or one where there was none".into());
    }
    if let (Some(at), Some(was)) = (now.auth_time, then.auth_time)
        && at != was
    {
        return refused(format!(
            "the user signed in at {}, it now says {}",
            was.as_secs(),
            at.as_secs()
        ));
    }
    if now.issued_at + leeway < then.issued_at {
        return refused(format!(
            "it is issued at {}, before the first at {}",
            now.issued_at.as_secs(),
            then.issued_at.as_secs()
        ));
    }
    Ok(())
}

/// What is wrong with a token before its claims are looked at.
fn untrue(error: &JwsError) -> CheckFailed {
    let check = match error {
        JwsError::Malformed(_) => Check::IdTokenMalformed,
        JwsError::Encrypted => Check::IdTokenEncrypted,
        JwsError::Alg(_) => Check::IdTokenAlg,
        JwsError::Critical => Check::IdTokenCrit,
        JwsError::NoKey => Check::IdTokenKey,
        JwsError::Signature => Check::IdTokenSignature,
        JwsError::SecretTooShort => Check::IdTokenSecret,
    };
    CheckFailed::new(check, error.to_string())
}

/// The claims, and one method for each rule about them.
#[derive(Clone, Copy)]
struct Claims<'a>(&'a Map<String, Value>);

impl<'a> Claims<'a> {
    fn check(
        self,
        occasion: Occasion,
        alg: Alg,
        expect: &Expectations<'_>,
        now: UnixTime,
    ) -> Result<IdTokenTimes, CheckFailed> {
        self.check_kind()?;
        self.check_issuer(expect.issuer)?;
        self.check_audience(alg, expect)?;
        let expires_at = self.check_expiry(expect.leeway, now)?;
        let issued_at = self.check_issued_at(expect.leeway, now)?;
        self.check_not_before(expect.leeway, now)?;
        self.check_nonce(occasion, expect.nonce)?;
        self.check_acr(expect.acr_values)?;
        let auth_time = self.check_auth_time(expect, now)?;
        let session_expiry = self.check_session_expiry(occasion, now)?;
        self.check_subject()?;
        self.check_access_token(alg, expect.access_token)?;
        self.text("sid")?;
        Ok(IdTokenTimes {
            expires_at,
            issued_at,
            auth_time,
            session_expiry,
        })
    }

    /// A claim that is text where it stands at all.
    fn text(self, name: &str) -> Result<Option<&'a str>, CheckFailed> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name, "text")),
        }
    }

    /// A claim that is a time where it stands at all.
    fn time(self, name: &str) -> Result<Option<NumericDate>, CheckFailed> {
        self.0
            .get(name)
            .map(|value| {
                NumericDate::read(value).ok_or_else(|| wrong_type(name, "a number of seconds"))
            })
            .transpose()
    }

    /// `events` marks a security event token, a logout token above all
    /// ([Back-Channel Logout § 2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).
    fn check_kind(self) -> Result<(), CheckFailed> {
        match self.0.contains_key("events") {
            true => Err(CheckFailed::new(
                Check::IdTokenType,
                "it has `events`, as logout tokens have",
            )),
            false => Ok(()),
        }
    }

    fn check_issuer(self, expected: &Issuer) -> Result<(), CheckFailed> {
        let iss = self.text("iss")?.ok_or_else(|| missing("iss"))?;
        if iss != expected.as_str() {
            return Err(CheckFailed::new(
                Check::IdTokenIssuer,
                format!("expected {}, got {}", quote(expected.as_str()), quote(iss)),
            ));
        }
        Ok(())
    }

    fn check_audience(self, alg: Alg, expect: &Expectations<'_>) -> Result<(), CheckFailed> {
        let all: Vec<&str> = match self.0.get("aud").ok_or_else(|| missing("aud"))? {
            Value::String(one) => vec![one],
            Value::Array(many) => many
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(|| wrong_type("aud", "text or a list of texts"))?,
            _ => return Err(wrong_type("aud", "text or a list of texts")),
        };
        let refused = |cause: String| Err(CheckFailed::new(Check::IdTokenAudience, cause));
        if !all.contains(&expect.client_id) {
            return refused(match all.as_slice() {
                [] => format!("expected {}, got nobody", quote(expect.client_id)),
                [first, rest @ ..] => format!(
                    "expected {}, got {} and {} more",
                    quote(expect.client_id),
                    quote(first),
                    rest.len()
                ),
            });
        }
        let stranger = |aud: &&&str| {
            **aud != expect.client_id && !expect.trusted_audiences.iter().any(|t| t == **aud)
        };
        if let Some(other) = all.iter().find(stranger) {
            return refused(format!(
                "it is also meant for {}, which is not trusted",
                quote(other)
            ));
        }
        // Everybody in `aud` would have to hold the secret, and could then forge (Core § 3.1.3.7, step 8).
        if alg.is_symmetric() && all.len() > 1 {
            return refused(format!("it is signed with {alg} and has several audiences"));
        }
        match self.text("azp")? {
            Some(azp) if azp != expect.client_id => Err(CheckFailed::new(
                Check::IdTokenAuthorizedParty,
                format!("expected {}, got {}", quote(expect.client_id), quote(azp)),
            )),
            None if all.len() > 1 => Err(CheckFailed::new(
                Check::IdTokenAuthorizedParty,
                "it has several audiences and no `azp`",
            )),
            _ => Ok(()),
        }
    }

    fn check_expiry(self, leeway: Duration, now: UnixTime) -> Result<UnixTime, CheckFailed> {
        let exp = self.time("exp")?.ok_or_else(|| missing("exp"))?.rounded_up;
        if now >= exp + leeway {
            return Err(CheckFailed::new(
                Check::IdTokenExpired,
                format!(
                    "it expired at {}, it is {} now",
                    exp.as_secs(),
                    now.as_secs()
                ),
            ));
        }
        Ok(exp)
    }

    fn check_issued_at(self, leeway: Duration, now: UnixTime) -> Result<UnixTime, CheckFailed> {
        let iat = self.time("iat")?.ok_or_else(|| missing("iat"))?;
        if iat.rounded_up > now + leeway {
            return Err(CheckFailed::new(
                Check::IdTokenIssuedAt,
                format!(
                    "it is issued at {}, it is {} now",
                    iat.rounded_up.as_secs(),
                    now.as_secs()
                ),
            ));
        }
        Ok(iat.rounded_down)
    }

    fn check_not_before(self, leeway: Duration, now: UnixTime) -> Result<(), CheckFailed> {
        match self.time("nbf")? {
            Some(nbf) if nbf.rounded_up > now + leeway => Err(CheckFailed::new(
                Check::IdTokenNotBefore,
                format!(
                    "it is valid from {}, it is {} now",
                    nbf.rounded_up.as_secs(),
                    now.as_secs()
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_nonce(self, occasion: Occasion, expected: Option<&Nonce>) -> Result<(), CheckFailed> {
        let cause = match (expected, self.text("nonce")?) {
            (None, None) => return Ok(()),
            (Some(_), None) if matches!(occasion, Occasion::Refresh(_)) => return Ok(()),
            (None, Some(_)) if matches!(occasion, Occasion::Refresh(f) if f.nonce) => return Ok(()),
            (None, Some(_)) if occasion == Occasion::Presented => return Ok(()),
            (Some(expected), Some(nonce)) if expected.ct_eq(nonce) => return Ok(()),
            (Some(_), Some(_)) => "it is not the one that was sent",
            (Some(_), None) => "one was sent, and there is none",
            (None, Some(_)) => "none was sent, and there is one",
        };
        Err(CheckFailed::new(Check::IdTokenNonce, cause))
    }

    fn check_acr(self, acceptable: &[String]) -> Result<(), CheckFailed> {
        let acr = self.text("acr")?;
        if acceptable.is_empty() || acr.is_some_and(|acr| acceptable.iter().any(|a| a == acr)) {
            return Ok(());
        }
        let wanted: Vec<_> = acceptable.iter().map(|a| quote(a).to_string()).collect();
        Err(CheckFailed::new(
            Check::IdTokenAcr,
            format!(
                "expected one of {}, got {}",
                wanted.join(", "),
                acr.map_or("none".to_owned(), |acr| quote(acr).to_string())
            ),
        ))
    }

    fn check_auth_time(
        self,
        expect: &Expectations<'_>,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, CheckFailed> {
        let refused = |cause: String| Err(CheckFailed::new(Check::IdTokenAuthTime, cause));
        let auth_time = self.time("auth_time")?;
        if let Some(max_age) = expect.max_age {
            let Some(at) = auth_time else {
                return refused("`max_age` was asked for, and there is no `auth_time`".into());
            };
            if now > at.rounded_down + max_age + expect.leeway {
                return refused(format!(
                    "the user signed in {} s ago, {} s are allowed",
                    now.since(at.rounded_down).as_secs(),
                    max_age.as_secs()
                ));
            }
        }
        // A time ahead would stay recent for as long as it is ahead, for this demand or one to come.
        if auth_time.is_some_and(|at| at.rounded_up > now + expect.leeway) {
            return refused("the user is said to sign in in the future".into());
        }
        Ok(auth_time.map(|at| at.rounded_down))
    }

    /// Until when a session may live by what the provider says. None begins that is over, and no leeway makes it one. A
    /// session that is there ends by it, and whoever presents the token has none here.
    fn check_session_expiry(
        self,
        occasion: Occasion,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, CheckFailed> {
        let Some(until) = self.time("session_expiry")? else {
            return Ok(None);
        };
        let until = until.rounded_down;
        if until <= now && occasion == Occasion::SignIn {
            return Err(CheckFailed::new(
                Check::IdTokenSessionExpiry,
                format!(
                    "the session at the provider ended {} s ago",
                    now.since(until).as_secs()
                ),
            ));
        }
        Ok(Some(until))
    }

    fn check_subject(self) -> Result<(), CheckFailed> {
        match self.0.get("sub") {
            Some(Value::String(sub))
                if (1..=255).contains(&sub.len())
                    // A control character has no place in a name that logs and headers carry.
                    && sub.bytes().all(|b| b.is_ascii_graphic() || b == b' ') =>
            {
                Ok(())
            }
            Some(Value::String(sub)) => Err(CheckFailed::new(
                Check::IdTokenSubject,
                format!(
                    "it is {} bytes long, not ASCII, or holds control characters",
                    sub.len()
                ),
            )),
            Some(_) => Err(CheckFailed::new(Check::IdTokenSubject, "it is not text")),
            None => Err(CheckFailed::new(Check::IdTokenSubject, "there is none")),
        }
    }

    fn check_access_token(
        self,
        alg: Alg,
        access_token: Option<&AccessToken>,
    ) -> Result<(), CheckFailed> {
        let (Some(at_hash), Some(access_token)) = (self.text("at_hash")?, access_token) else {
            return Ok(());
        };
        let expected = alg.half_hash(access_token.expose());
        verify_slices_are_equal(expected.as_bytes(), at_hash.as_bytes()).map_err(|_| {
            CheckFailed::new(
                Check::IdTokenAccessTokenHash,
                "it belongs to another access token",
            )
        })
    }
}

fn missing(claim: &str) -> CheckFailed {
    CheckFailed::new(Check::IdTokenClaim, format!("`{claim}` is missing"))
}

fn wrong_type(claim: &str, expected: &str) -> CheckFailed {
    CheckFailed::new(Check::IdTokenClaim, format!("`{claim}` is not {expected}"))
}
