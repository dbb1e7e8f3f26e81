//! What is stored of something that may be used once.

use super::{Aftermath, Declined, Granted};
use crate::{
    check::Check,
    client_auth::{Owed, Refusal, ReplayKey},
    jose::base64url,
    time::UnixTime,
};
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt;

/// What a code or a token is stored under: its digest, so that whoever reads the store can use nothing in it
/// ([RFC 6749 § 10.3](https://www.rfc-editor.org/rfc/rfc6749#section-10.3)).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle([u8; 32]);

impl Handle {
    /// The handle of a code or a token.
    ///
    /// # Security
    ///
    /// The text has to be made of at least 128 random bits
    /// ([RFC 6749 § 10.10](https://www.rfc-editor.org/rfc/rfc6749#section-10.10)); then the digest tells nothing of it, and
    /// the time a lookup takes neither.
    pub fn of(text: &str) -> Self {
        let mut handle = [0; 32];
        handle.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(handle)
    }

    /// The digest, for a store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", base64url::encode(&self.0))
    }
}

/// Whether what is behind a code or a token still stands: the user, the session, the consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it stands or it does not")]
pub enum Standing {
    /// It does.
    #[default]
    Alive,
    /// It was revoked, or is gone.
    Ended,
}

impl Standing {
    pub(super) fn check(self) -> Result<(), Refusal> {
        match self {
            Self::Alive => Ok(()),
            Self::Ended => Err(Refusal::new(
                Check::GrantEnded,
                "the authorization has ended",
            )),
        }
    }
}

/// What a store did to use something up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever asks a store has to say what came"
)]
pub enum Spent {
    /// It was alive and is used up now, by this request.
    Now,
    /// It was used up already.
    Before,
    /// Nobody knows: the store failed. Nothing is granted then.
    Failed,
}

/// A code that passed every check and has to be used up before anything is granted.
///
/// # Security
///
/// The store has to mark it as used **if it is not, in one atomic step**. To look first and to mark then lets two requests
/// at once both pass. A crash between this step and the answer leaves nobody with a token, which is the safe side.
#[derive(Debug)]
#[must_use = "nothing may be granted before it is used up"]
pub struct Spend {
    handle: Handle,
    replay: Vec<(ReplayKey, UnixTime)>,
    granted: Granted,
}

impl Spend {
    pub(super) fn new(
        handle: Handle,
        replay: Vec<(ReplayKey, UnixTime)>,
        granted: Granted,
    ) -> Self {
        Self {
            handle,
            replay,
            granted,
        }
    }

    /// What has to be used up.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the store did.
    ///
    /// # Errors
    ///
    /// [`Check::GrantRace`], with [`Aftermath::RevokeGrant`], where another request was faster: both proved to be the one
    /// client, so one of them has stolen. [`Check::ServerStore`] where the store failed.
    pub fn resolve(self, spent: Spent) -> Result<Owed<Granted>, Declined> {
        match spent {
            Spent::Now => Ok(Owed::new(self.replay, self.granted)),
            Spent::Before => Err(Declined::and(
                Refusal::new(Check::GrantRace, "another request was faster"),
                Aftermath::RevokeGrant,
            )),
            Spent::Failed => Err(Refusal::new(Check::ServerStore, "the store failed").into()),
        }
    }
}
