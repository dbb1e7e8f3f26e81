//! The tokens that are at hand of a caller.

use super::source::Which;
use crate::secret::{AccessToken, IdToken};

/// The tokens that are at hand of a caller, for [`HeaderWriter::of`](super::HeaderWriter::of).
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller has come in one of these ways"
)]
pub enum CallerTokens<'a> {
    /// None, or nobody wants them.
    None,
    /// The one that the request has brought, and that has let it in.
    Presented(&'a AccessToken),
    /// Those of its session that are not over.
    Session {
        /// For other services.
        access: Option<&'a AccessToken>,
        /// What says who the user is.
        id: Option<&'a IdToken>,
    },
}

impl<'a> CallerTokens<'a> {
    pub(super) fn expose(self, which: Which) -> Option<&'a str> {
        match (self, which) {
            (Self::Presented(token), _) => Some(token.expose()),
            (Self::Session { access, .. }, Which::Access) => access.map(AccessToken::expose),
            (Self::Session { id, .. }, Which::Id) => id.map(IdToken::expose),
            (Self::Session { .. }, Which::Presented) | (Self::None, _) => None,
        }
    }
}
