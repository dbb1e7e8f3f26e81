//! The name of a session that is kept in a store.

use super::{
    CookieKeys, CookieNames, Purpose, Reader, SealedBy, StoreKey, open, put_time, seal,
    seal::SealError,
};
use crate::{
    check::{Check, CheckFailed},
    secret::SessionId,
    time::UnixTime,
};

/// What a browser has of a session that is kept in a store: its id, sealed, so that nobody makes the store look for what was
/// never there.
#[derive(Clone, Debug)]
pub struct Ticket {
    id: SessionId,
    /// A hash of the id, made once.
    key: StoreKey,
    ends: UnixTime,
}

impl Ticket {
    /// The ticket of a session that ends then. `id` is fresh: an id from before the login is never taken over
    /// ([RFC 6819 § 4.4.1.7](https://www.rfc-editor.org/rfc/rfc6819#section-4.4.1.7)).
    pub fn new(id: SessionId, ends: UnixTime) -> Self {
        let key = StoreKey::of("session", &[id.expose()]);
        Self { id, key, ends }
    }

    /// The same, of a session that ends at `end` if that is earlier.
    #[must_use]
    pub fn ending(self, end: UnixTime) -> Self {
        let ends = self.ends.min(end);
        Self { ends, ..self }
    }

    /// Under what the session is kept: a hash of the id, so that who reads the store learns no id.
    pub fn key(&self) -> StoreKey {
        self.key
    }

    /// When the session ends however it is used.
    pub fn ends(&self) -> UnixTime {
        self.ends
    }

    /// The ticket as sealed text, for [`CookieNames::set_session`].
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal(&self, keys: &CookieKeys, names: &CookieNames) -> Result<String, CheckFailed> {
        let mut plain = Vec::with_capacity(40);
        plain.extend_from_slice(self.id.expose());
        put_time(&mut plain, self.ends);
        seal(keys, Purpose::Ticket, names.session(), &plain).map_err(|SealError| {
            CheckFailed::new(Check::Randomness, "the ticket could not be sealed")
        })
    }

    /// The ticket that [`seal`](Self::seal) sealed, if it is one.
    pub fn open(keys: &CookieKeys, names: &CookieNames, sealed: &[u8]) -> Option<(Self, SealedBy)> {
        let opened = open(keys, Purpose::Ticket, names.session(), sealed)?;
        let mut reader = Reader(&opened.plain);
        let id = SessionId::from_bytes(reader.array()?);
        let ends = reader.time()?;
        Some((Self::new(id, ends), opened.sealed_by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::BaseUrl;

    #[test]
    fn it_opens_as_it_was_and_its_key_tells_nothing_of_its_id() {
        let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
        let keys = CookieKeys::ephemeral();
        let ticket = Ticket::new(SessionId::from_bytes([7; 32]), UnixTime::from_secs(9));
        let sealed = ticket.seal(&keys, &names).unwrap();
        let (again, sealed_by) = Ticket::open(&keys, &names, sealed.as_bytes()).unwrap();
        assert_eq!(again.key(), ticket.key());
        assert_eq!(
            (again.ends(), sealed_by),
            (UnixTime::from_secs(9), SealedBy::First)
        );
        assert_ne!(ticket.key().as_bytes(), &[7; 32]);
        let other = CookieNames::derive("other", &BaseUrl::parse("https://app.example").unwrap());
        assert!(Ticket::open(&keys, &other, sealed.as_bytes()).is_none());
    }
}
