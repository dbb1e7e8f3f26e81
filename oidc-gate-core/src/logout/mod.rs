//! The end of a sign-in, as the provider says it.

mod believe;
mod believed;
mod claims;
mod front;
mod request;
mod rp_initiated;
mod token;

pub use believe::BelieveLogout;
pub use believed::{Logout, NewLogout};
pub use claims::LOGOUT_EVENT;
pub use front::{frame_policy, front_channel_logout};
pub use request::{check_logout_request, logout_token};
pub use rp_initiated::{EndSession, Leaving, NotOurs, SigningOut};
pub use token::{LogoutExpectations, NoExpiry, UnverifiedLogoutToken};

use std::fmt;

/// Whose sessions a provider has ended: of a user all, those that began with one session at the provider, or of those the
/// user's.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogoutOf {
    /// The provider.
    pub issuer: Box<str>,
    /// Whose, and of these which. There is no logout of nobody.
    pub who: LoggedOut,
}

/// Whose sessions a logout is about.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a logout names a user, a session, or both"
)]
pub enum LoggedOut {
    /// All of this user, by `sub`.
    User(Box<str>),
    /// Those that began with this session at the provider, by `sid`.
    AtProvider(Box<str>),
    /// Those of this user that began with this session at the provider.
    Both {
        /// `sub`.
        subject: Box<str>,
        /// `sid`.
        sid: Box<str>,
    },
}

impl LogoutOf {
    /// A logout at this provider.
    pub fn new(issuer: impl Into<Box<str>>, who: LoggedOut) -> Self {
        Self {
            issuer: issuer.into(),
            who,
        }
    }
}

impl fmt::Debug for LogoutOf {
    // Whose sessions they are is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutOf")
            .field("issuer", &self.issuer)
            .field("who", &self.who)
            .finish()
    }
}

impl fmt::Debug for LoggedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(_) => "User(***)",
            Self::AtProvider(_) => "AtProvider(***)",
            Self::Both { .. } => "Both(***)",
        })
    }
}
