//! What a believed ID token says.

use crate::check::CheckFailed;
use crate::claims::{ClaimRules, Facts, Userinfo, read};
use crate::identity::{Identity, IdentityKind, Via};
use crate::time::UnixTime;
use serde_json::{Map, Value};
use std::fmt;

/// The claims of an ID token that passed every check. There is no other way to get one.
#[derive(Clone)]
pub struct IdTokenClaims {
    claims: Map<String, Value>,
    expires_at: UnixTime,
    issued_at: UnixTime,
    auth_time: Option<UnixTime>,
    session_expiry: Option<UnixTime>,
}

/// Where a session's ID tokens come from: what the first one said and every refreshed one has to say again
/// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever keeps it has to keep all of it"
)]
pub struct IdTokenOrigin {
    /// Who issued it.
    pub issuer: String,
    /// Whom it is about.
    pub subject: String,
    /// For whom it is meant.
    pub audiences: Vec<String>,
    /// To whom it was issued, where it said so.
    pub authorized_party: Option<String>,
    /// When it was made.
    pub issued_at: UnixTime,
    /// When the user proved who it is, where it said so.
    pub auth_time: Option<UnixTime>,
}

impl IdTokenClaims {
    pub(super) fn new(
        claims: Map<String, Value>,
        expires_at: UnixTime,
        issued_at: UnixTime,
        auth_time: Option<UnixTime>,
        session_expiry: Option<UnixTime>,
    ) -> Self {
        Self {
            claims,
            expires_at,
            issued_at,
            auth_time,
            session_expiry,
        }
    }

    /// What every later ID token of the same sign-in has to agree with; to be kept with the session.
    pub fn origin(&self) -> IdTokenOrigin {
        let audiences = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect(),
            _ => Vec::new(),
        };
        IdTokenOrigin {
            issuer: self.issuer().to_owned(),
            subject: self.subject().to_owned(),
            audiences,
            authorized_party: self.text("azp").map(str::to_owned),
            issued_at: self.issued_at,
            auth_time: self.auth_time,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Who issued the token.
    pub fn issuer(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    /// Whom it is about.
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// The user's session at the provider, for its logout
    /// ([Back-Channel Logout § 2.1](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCSupport)).
    pub fn sid(&self) -> Option<&str> {
        self.text("sid")
    }

    /// When the user proved who it is.
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.auth_time
    }

    /// Until when the provider lets sessions live that come of this sign-in: the claim `session_expiry` of the
    /// [OpenID Connect profile for the enterprise](https://openid.net/specs/ipsie-openid-connect-sl1-profile-1_0.html) (IPSIE),
    /// a number of seconds as `exp` is one. The life of the token itself says nothing of that.
    pub fn session_expiry(&self) -> Option<UnixTime> {
        self.session_expiry
    }

    /// The authentication context class.
    pub fn acr(&self) -> Option<&str> {
        self.text("acr")
    }

    /// The authentication methods.
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        let list = self.claims.get("amr").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// When the token stops being valid.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When the token was made.
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// Every claim, as it was signed.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The user these claims are about, and what userinfo adds to them.
    ///
    /// `provider` is the configured one's id, empty for the unnamed. `scopes` are the granted ones, separated by spaces.
    /// `userinfo` has to be the answer to the access token that came with these claims.
    ///
    /// 1. Userinfo adds what is about the user, never what is about the token or the sign-in; then come the application's
    ///    own changes.
    /// 2. A claim that the identity has a place for is moved there if it has exactly the type that the specification
    ///    gives it; otherwise it stays among the claims, so that nothing is lost and nothing is guessed. `email_verified`
    ///    counts if it is `true`; the text `"true"` is not.
    /// 3. `nonce`, `at_hash`, `c_hash` and `s_hash` have done their work and are dropped, and so is what `rules` do not
    ///    keep.
    ///
    /// # Errors
    ///
    /// [`Check::EmailMissing`](crate::check::Check::EmailMissing),
    /// [`Check::EmailUnverified`](crate::check::Check::EmailUnverified) and
    /// [`Check::ClaimsUnfit`](crate::check::Check::ClaimsUnfit), where `rules` demand it.
    pub fn into_identity(
        self,
        provider: &str,
        rules: &ClaimRules,
        userinfo: Option<Userinfo>,
        scopes: &str,
    ) -> Result<Identity, CheckFailed> {
        let facts = Facts {
            provider,
            scopes,
            auth_time: self.auth_time,
            via: Via::Session,
            kind: IdentityKind::User,
            client_id: None,
        };
        read(rules, self.claims, userinfo, facts)
    }

    /// The user who is known already, as these claims of a refresh and what userinfo adds to them say.
    ///
    /// A refresh is no sign-in: what they do not say of the sign-in is what is known, and so is who the user is to the
    /// application ([kind](Identity::kind), [provider](Identity::provider)).
    pub(crate) fn into_renewed(
        mut self,
        known: &Identity,
        rules: &ClaimRules,
        userinfo: Option<Userinfo>,
        scopes: &str,
    ) -> Result<Identity, CheckFailed> {
        for name in ["acr", "amr", "auth_time"] {
            if let (None, Some(value)) = (self.claims.get(name), known.claim(name)) {
                self.claims.insert(name.to_owned(), value.clone());
            }
        }
        let facts = Facts {
            auth_time: self.auth_time.or(known.auth_time()),
            ..Facts::of(known, scopes)
        };
        read(rules, self.claims, userinfo, facts)
    }
}

impl fmt::Debug for IdTokenClaims {
    // Claims are personal data: their names are enough for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.claims.keys()).finish()
    }
}
