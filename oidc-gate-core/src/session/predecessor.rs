//! The session that a login may take the place of.

use super::{Lifetimes, Reader, Session, StoreKey, put, put_time};
use crate::{identity::Identity, login::SameUser, time::UnixTime};
use std::fmt;

/// What has to be known of a session to end it where it does not come along: a browser keeps it from the provider's answer
/// where it is `SameSite=Strict`, or where that answer is a form. So it is remembered with the login.
#[derive(Clone)]
pub struct Predecessor {
    key: StoreKey,
    ends: UnixTime,
    issuer: Box<str>,
    subject: Box<str>,
}

impl Predecessor {
    /// Under what a store keeps what is to be known of the session.
    pub fn key(&self) -> StoreKey {
        self.key
    }

    /// When no cookie of it counts any more: so long it is to be remembered what has become of it.
    pub fn ends(&self) -> UnixTime {
        self.ends
    }

    /// Whether it is this user's.
    pub fn is_of(&self, user: &Identity) -> bool {
        (&*self.issuer, &*self.subject) == (user.issuer(), user.subject())
    }

    /// Whose it is.
    pub(crate) fn user(&self) -> SameUser {
        SameUser::named(&self.issuer, &self.subject)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.key.as_bytes());
        put_time(out, self.ends);
        put(out, self.issuer.as_bytes());
        put(out, self.subject.as_bytes());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            key: StoreKey::from_bytes(reader.array()?),
            ends: reader.time()?,
            issuer: reader.text()?.into(),
            subject: reader.text()?.into(),
        })
    }
}

impl Predecessor {
    /// This session, as one that another may take the place of.
    pub fn of(session: &Session, limits: &Lifetimes) -> Self {
        Self {
            key: session.key(),
            ends: session.last(limits),
            issuer: session.identity().issuer().into(),
            subject: session.identity().subject().into(),
        }
    }
}

impl fmt::Debug for Predecessor {
    // Whose it is is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predecessor(***)")
    }
}
