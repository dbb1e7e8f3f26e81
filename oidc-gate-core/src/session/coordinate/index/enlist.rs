//! A session that begins is listed, unless the provider has ended it already.

use super::super::change::{Applied, Change, Update};
use super::{CookieKeys, Found, List, Listed, Scope, SealedBy, StoreKey};
use crate::{check::CheckFailed, time::UnixTime};
use std::time::Duration;

/// Lists a session that begins, or lists it still: then the list is sealed anew if an older key has sealed it.
#[derive(Debug)]
pub struct Enlist {
    keys: CookieKeys,
    key: StoreKey,
    session: Listed,
    begun: Option<UnixTime>,
    apart: Duration,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is listed, or the provider has ended it"
)]
pub enum Enlisted {
    /// It is listed.
    Listed {
        /// One that is listed no more, and is to be ended: nobody would find it.
        crowded_out: Option<Listed>,
    },
    /// The provider has signed its user out since the login began: there is to be no session.
    SignedOut,
}

impl Enlist {
    /// For a session whose login was begun then, if it is one that a logout can overtake. `apart` is how far the clocks may be
    /// apart of those who write into the list.
    pub fn of(
        keys: &CookieKeys,
        scope: Scope<'_>,
        session: Listed,
        begun: Option<UnixTime>,
        apart: Duration,
    ) -> Update<Self> {
        let (keys, key) = (keys.clone(), scope.key());
        let change = Self {
            keys,
            key,
            session,
            begun,
            apart,
        };
        Update::of(key, change)
    }
}

impl Change for Enlist {
    type Output = Enlisted;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Enlisted>, CheckFailed> {
        let (mut list, sealed_by) = match List::open(&self.keys, &self.key, found, now) {
            Found::List(list, sealed_by) => (list, sealed_by),
            // Of a key that has been retired, as all sessions are that were sealed with it: they do not open either, and a new
            // login must not fail for them.
            Found::Nothing | Found::Sealed => (List::default(), SealedBy::First),
        };
        let Self { session, begun, .. } = self;
        if let (Some(mark), Some(begun)) = (list.over, *begun)
            && mark.covers(session, begun, self.apart)
        {
            return Ok(Applied::Nothing(Enlisted::SignedOut));
        }
        let mut crowded_out = None;
        let is_there = list.sessions.iter().any(|one| one.key == session.key);
        if is_there && sealed_by == SealedBy::First {
            return Ok(Applied::Nothing(Enlisted::Listed { crowded_out }));
        }
        // A list has to open for as long as the sessions in it do, so it is sealed anew with them.
        if !is_there {
            list.sessions.push(*session);
        }
        if list.sessions.len() > Listed::MAX {
            let first = list.sessions.iter().enumerate();
            let first = first.min_by_key(|(_, session)| session.ends);
            crowded_out = first
                .map(|(at, _)| at)
                .map(|at| list.sessions.swap_remove(at));
        }
        list.write(&self.keys, &self.key, now, Enlisted::Listed { crowded_out })
    }
}
