//! A login that has ended well: its session is written down.

use super::super::{
    CookieKeys, Session, StoreKey, Tokens,
    entry::{Entry, Live, SealedTokens},
};
use super::change::{Applied, Change, Update, UpdateError};
#[cfg(test)]
use super::refresh::Without;
use crate::{
    check::{Check, CheckFailed},
    time::UnixTime,
};

/// Writes down a session that begins.
#[derive(Debug)]
pub struct Begin {
    keys: CookieKeys,
    session: Session,
    tokens: Option<Tokens>,
    #[cfg(test)]
    pub(super) without: Without,
}

/// What became of a session that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it begins, or somebody has ended it"
)]
pub enum Begun {
    /// It is written down.
    Begun,
    /// It has been ended before it had begun: it was listed first, and the provider has signed its user out since.
    SignedOut,
}

/// Why a session could not be written down.
pub type BeginError = UpdateError;

impl Begin {
    /// For this session with these tokens.
    pub fn of(keys: &CookieKeys, session: Session, tokens: Option<Tokens>) -> Update<Self> {
        let key = session.key();
        let change = Self {
            keys: keys.clone(),
            session,
            tokens,
            #[cfg(test)]
            without: Without::Nothing,
        };
        Update::of(key, change)
    }

    fn entry(&self, key: &StoreKey) -> Result<Entry, CheckFailed> {
        let generation = self.session.generation();
        let seal = |tokens| SealedTokens::seal(tokens, &self.keys, key, generation);
        Ok(Entry::Live(Live {
            generation,
            session: Some(self.session.clone()),
            tokens: self.tokens.as_ref().map(seal).transpose()?,
            ..Live::empty(self.session.ends())
        }))
    }
}

impl Change for Begin {
    type Output = Begun;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Begun>, CheckFailed> {
        let key = self.session.key();
        #[cfg(test)]
        let found = found.filter(|_| self.without != Without::Tombstone);
        if let Some(bytes) = found {
            // Its key is fresh. So an earlier try of ours has written there, whose answer was lost, or who found it in a list.
            return Ok(Applied::Nothing(
                match Entry::open(&self.keys, &key, bytes) {
                    Some((Entry::Ended { .. }, _)) => Begun::SignedOut,
                    _ => Begun::Begun,
                },
            ));
        }
        let bytes = self.entry(&key)?.seal(&self.keys, &key)?;
        if bytes.len() > Session::MAX_STORED_BYTES {
            let cause = format!(
                "it has {} bytes, and a store takes {}",
                bytes.len(),
                Session::MAX_STORED_BYTES
            );
            return Err(self
                .session
                .too_large(&CheckFailed::new(Check::SessionTooLarge, cause)));
        }
        let keep = self.session.ends().since(now);
        Ok(Applied::Write {
            bytes,
            keep,
            then: Begun::Begun,
        })
    }
}
