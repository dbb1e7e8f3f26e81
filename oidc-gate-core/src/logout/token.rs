//! Whether a logout token is to be believed
//! ([OpenID Connect Back-Channel Logout § 2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)).

use super::{Logout, claims};
use crate::{
    check::{Check, CheckFailed, quote},
    flow::KeyQuery,
    jose::{Alg, AlgSet, CompactJws, JwkSet, JwsError, TrustedKeys},
    secret::LogoutToken,
    time::UnixTime,
    url::Issuer,
};
use std::{sync::Arc, time::Duration};

/// What a logout token has to say to be accepted. All of it comes from the configuration; nothing of it comes from the token.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a new expectation must not compile until every caller has decided about it"
)]
pub struct LogoutExpectations<'a> {
    /// Who has to have issued it.
    pub issuer: &'a Issuer,
    /// For whom.
    pub client_id: &'a str,
    /// With which algorithms it may be signed: those of the ID tokens.
    pub algs: AlgSet,
    /// Who else may be among its audiences.
    pub trusted_audiences: &'a [String],
    /// How far the clocks of both sides may be apart.
    pub leeway: Duration,
    /// What becomes of one that does not say when it expires.
    pub no_expiry: NoExpiry,
}

/// What becomes of a logout token without `exp`. The first drafts of the specification had none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is refused, or it is taken for a moment"
)]
pub enum NoExpiry {
    /// It is refused ([Back-Channel Logout § 2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).
    #[default]
    Refused,
    /// It is taken for two minutes after `iat`, which is how long the specification wants logout tokens to live at most.
    TakenWhileNew,
}

/// A logout token that was read and is not believed yet.
///
/// ```
/// # use oidc_gate_core::{check::CheckFailed, jose::*, logout::*, secret::*, time::UnixTime};
/// fn believe(
///     token: &LogoutToken, keys: &JwkSet, expect: &LogoutExpectations<'_>, now: UnixTime,
/// ) -> Result<Logout, CheckFailed> {
///     let token = UnverifiedLogoutToken::parse(token)?;
///     let query = token.key_query(expect.algs)?; // look for the key, fetch the set again if it is not in it
///     # let _ = query;
///     token.verify(keys, expect, now)
/// }
/// ```
#[derive(Debug)]
pub struct UnverifiedLogoutToken {
    jws: CompactJws,
}

impl UnverifiedLogoutToken {
    /// Reads a logout token.
    ///
    /// # Errors
    ///
    /// [`Check::LogoutMalformed`], [`Check::LogoutEncrypted`], [`Check::LogoutAlg`], [`Check::LogoutCrit`], and
    /// [`Check::LogoutType`] where `typ` is there and names another kind of token.
    pub fn parse(token: &LogoutToken) -> Result<Self, CheckFailed> {
        let jws = CompactJws::parse(token.expose()).map_err(|error| untrue(&error))?;
        check_type(jws.typ())?;
        Ok(Self { jws })
    }

    /// The algorithm the header names. A claim like any other until [`key_query`](Self::key_query) has taken it.
    pub fn alg(&self) -> Alg {
        self.jws.alg()
    }

    /// Which key to look for, if the algorithm is one of `algs`: a token with another one is not worth a fetch.
    ///
    /// # Errors
    ///
    /// [`Check::LogoutAlg`].
    pub fn key_query(&self, algs: AlgSet) -> Result<KeyQuery, CheckFailed> {
        let alg = self.jws.alg();
        if !algs.contains(alg) {
            let cause = format!("expected one of {algs:?}, got {alg}");
            return Err(CheckFailed::new(Check::LogoutAlg, cause));
        }
        Ok(self.jws.key_query())
    }

    /// Which keys to look for where these do not confirm a signature that names none: as of an
    /// [ID token](crate::token::UnverifiedIdToken::other_keys).
    pub fn other_keys(&self, tried: &Arc<JwkSet>) -> Option<KeyQuery> {
        self.jws.other_keys(tried)
    }

    /// Whose sessions the provider has ended, if all of the token is as expected.
    ///
    /// `keys` are the provider's, or for a symmetric algorithm the client's secret. After the signature come the claims:
    /// `iss`, `aud`, `azp`, `exp`, `iat`, `nbf`, `sub` and `sid`, `events`, `nonce`, `jti`. A claim of the wrong type is an
    /// error and never counts as absent; claims that are not named here are not looked at.
    ///
    /// Whether its `jti` was seen before is for whoever has a store to say: [`Logout::look`].
    ///
    /// # Errors
    ///
    /// The first check that fails, by name.
    pub fn verify<'a>(
        self,
        keys: impl Into<TrustedKeys<'a>>,
        expect: &LogoutExpectations<'_>,
        now: UnixTime,
    ) -> Result<Logout, CheckFailed> {
        self.key_query(expect.algs)?;
        let alg = self.jws.alg();
        let kid = self.jws.kid().map(str::to_owned);
        let verified = self.jws.verify(keys).map_err(|error| match error {
            JwsError::NoKey => CheckFailed::new(
                Check::LogoutKey,
                match kid {
                    Some(kid) => {
                        let kid = quote(&kid);
                        format!("no published key is named {kid} and fit for {alg}")
                    }
                    None => format!("no published key is fit for {alg}"),
                },
            ),
            error => untrue(&error),
        })?;
        claims::check(&verified, alg, expect, now)
    }
}

/// `logout+jwt` is the kind that the specification recommends, and older providers name none or any JWT. Every other name is
/// another kind of token, and one of those must not log anybody out
/// ([RFC 8725 § 3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)). Media types are compared without case and may
/// leave `application/` out ([RFC 7515 § 4.1.9](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9)).
fn check_type(typ: Option<&str>) -> Result<(), CheckFailed> {
    let Some(typ) = typ else { return Ok(()) };
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/").unwrap_or(&lower) {
        "logout+jwt" | "jwt" => Ok(()),
        _ => Err(CheckFailed::new(
            Check::LogoutType,
            format!(
                "expected `typ` \"logout+jwt\", \"JWT\" or none, got {}",
                quote(typ)
            ),
        )),
    }
}

/// What is wrong with a token before its claims are looked at.
fn untrue(error: &JwsError) -> CheckFailed {
    let check = match error {
        JwsError::Malformed(_) => Check::LogoutMalformed,
        JwsError::Encrypted => Check::LogoutEncrypted,
        JwsError::Alg(_) => Check::LogoutAlg,
        JwsError::Critical => Check::LogoutCrit,
        JwsError::NoKey => Check::LogoutKey,
        JwsError::Signature => Check::LogoutSignature,
        JwsError::SecretTooShort => Check::LogoutSecret,
    };
    CheckFailed::new(check, error.to_string())
}
