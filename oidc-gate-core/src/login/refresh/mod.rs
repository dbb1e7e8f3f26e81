//! From a refresh token to newer tokens, and perhaps a newer identity.

mod flow;
mod origin;
mod received;
mod refusal;

pub use flow::Refresh;

use super::Asked;
use crate::{
    check::CheckFailed,
    identity::Identity,
    secret::{Nonce, RefreshToken},
    time::UnixTime,
    token::TokenResponse,
};
use std::time::Duration;

/// Whose tokens are to be renewed, and by what: what was kept of a [sign-in](super::SignedIn), or of the refresh after it.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever has kept a session has to say all that is left of it"
)]
pub struct RefreshOf {
    /// The refresh token.
    pub token: RefreshToken,
    /// Who is signed in.
    pub identity: Identity,
    /// The session's name at the provider, if it has one.
    pub provider_session: Option<Box<str>>,
    /// What was granted, separated by spaces. It is not asked for again: a server grants what it granted
    /// ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
    pub scope: Box<str>,
    /// The nonce of the login, where it is still known. An ID token that has one is compared with it; where there is nothing
    /// to compare with, such a token renews no identity.
    pub nonce: Option<Nonce>,
    /// Where the access token is to be used ([RFC 8707 § 2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)).
    pub resources: Vec<String>,
}

/// What a refresh comes to. Classified by the error code, the status and the failure of the transport, never by text.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a session has to know what becomes of it"
)]
pub enum Refreshed {
    /// There are new tokens.
    Renewed(Box<Renewed>),
    /// The refresh token is worth nothing, or nothing any more: `invalid_grant`, or the provider wants to see the user
    /// (`interaction_required`, `login_required`, `consent_required`, `account_selection_required`). Where somebody else has
    /// redeemed the same token meanwhile, that is no reason to end a session.
    Refused(CheckFailed),
    /// What came is about another user, or of another issuer, by a signature that is right. Nothing of it may be used, and the session ends
    /// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)).
    AnotherUser(CheckFailed),
    /// There are no new tokens, and that says nothing about the user.
    NotRenewed {
        /// Why.
        failed: CheckFailed,
        /// What became of the refresh token.
        token: Spent,
        /// How long to wait before the next attempt, where the provider says so.
        retry_after: Option<Duration>,
    },
}

/// Whether a refresh token has been used up by an attempt. At a provider that rotates, one that is used twice ends all that
/// came of the login ([RFC 9700 § 4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Spent {
    /// It has not: the request was never sent, or refused before the grant was looked at.
    No,
    /// It may have been: the request may have arrived.
    Perhaps,
    /// It has: there was an answer with tokens, which cannot be used.
    Yes,
}

/// New tokens.
#[derive(Debug)]
#[non_exhaustive]
pub struct Renewed {
    /// What the provider issued. [`scope`](TokenResponse::scope) is there. Where there is no
    /// [`refresh_token`](TokenResponse::refresh_token), the one there was stays
    /// ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
    pub tokens: TokenResponse,
    /// When they were asked for: [`expires_in`](TokenResponse::expires_in) counts from then at the earliest.
    pub requested_at: UnixTime,
    /// Who is signed in, as the provider says now; `None` if there is nothing new.
    pub identity: Option<Identity>,
    /// The session's name at the provider: the new one, or the one there was.
    pub provider_session: Option<Box<str>>,
    /// When the provider wants the session to end: [`session_expiry`](crate::token::IdTokenClaims::session_expiry) of a believed
    /// ID token. It may have been already.
    pub session_expiry: Option<UnixTime>,
    /// What became of userinfo.
    pub userinfo: Asked,
    /// Why the identity stays as it was, where something went wrong with a new one. An operator should know; the tokens are
    /// good.
    pub note: Option<CheckFailed>,
}
