//! A grant that was refused, and what that leaves to do.

use crate::client_auth::Refusal;
use std::fmt;

/// What a refused request leaves to do at the store, before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever has the store has to do each"
)]
pub enum Aftermath {
    /// Nothing.
    Nothing,
    /// Count one more failure of this code ([`IssuedCode::failures`](super::IssuedCode::failures)).
    CountFailure,
    /// Make the code worthless: it failed too often.
    Burn,
    /// Revoke every token that came of the same authorization: what is good once was used twice
    /// ([RFC 9700 § 4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2)). The first use may be making its tokens at
    /// this very moment: mark the authorization itself as ended, and look at the mark when a token is stored.
    RevokeGrant,
    /// Remember that the device asked now, and how many seconds it has to leave between requests from now on.
    Polled {
        /// In seconds.
        interval: u64,
    },
}

/// A grant that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the store may have something to do"]
#[expect(clippy::exhaustive_structs, reason = "whoever answers needs both")]
pub struct Declined {
    /// What is answered.
    pub refusal: Refusal,
    /// What the store has to do.
    pub then: Aftermath,
}

impl Declined {
    pub(super) fn and(refusal: Refusal, then: Aftermath) -> Self {
        Self { refusal, then }
    }
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        Self::and(refusal, Aftermath::Nothing)
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl std::error::Error for Declined {}
