//! Sign-out: what ends here, what is said to the provider, and where the browser goes.

mod log_out;
mod onwards;
mod parting;
mod revoke;
mod site_data;

pub use log_out::LogOut;
pub(crate) use onwards::SIGNED_OUT_HERE;
pub(crate) use parting::{By, Leave};
pub use site_data::SiteData;
pub(crate) use site_data::SiteDataSet;

/// How far a sign-out goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it goes to the provider or not")]
pub enum SignOut {
    /// The session here ends, and the browser is sent to the provider's `end_session_endpoint`, where its metadata names one.
    /// The provider sends it back to `…/oauth2/signed_out`, which has to be registered there among the
    /// `post_logout_redirect_uris`
    /// ([RP-Initiated Logout § 3.1](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#ClientMetadata)).
    #[default]
    AtProvider,
    /// The session here ends and no other. Whoever signs in again may be asked nothing.
    Here,
}

/// What becomes of a session's tokens when it is signed out, or the application ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "they are revoked or not")]
pub enum TokensAtSignOut {
    /// The refresh token, or where there is none the access token, is revoked at the provider's `revocation_endpoint`, where
    /// its metadata names one ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). It is done in the background, once, and
    /// nothing waits for it: a token that could not be revoked ends by itself, and the log says so.
    #[default]
    Revoke,
    /// They end by themselves: for a provider where that would end what other applications have.
    Leave,
}

/// What was said of signing out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignOutSettings {
    pub(crate) how: SignOut,
    pub(crate) tokens: TokensAtSignOut,
    pub(crate) clear: SiteDataSet,
}
