//! The provider has ended what is listed.

use super::super::change::{Applied, Change, Update};
use super::{CookieKeys, List, Listed, Mark, Scope, StoreKey, User};
use crate::{
    check::CheckFailed,
    logout::{LoggedOut, LogoutOf},
    time::UnixTime,
};

/// Marks a list, so that no login that has begun becomes a session any more, and says which sessions there are: those are to be
/// ended.
#[derive(Debug)]
pub struct LogOut {
    keys: CookieKeys,
    key: StoreKey,
    of: Option<User>,
    marks: Marks,
}

/// Whether a logout is remembered that finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is remembered always, or where there is something to end"
)]
pub enum Marks {
    /// It is: a login may be under way.
    Always,
    /// Only where something is listed. For a logout that proves nothing: nobody must be able to fill the store.
    IfListed,
}

impl LogOut {
    /// For whoever this is about.
    pub fn of(keys: &CookieKeys, logout: &LogoutOf, marks: Marks) -> Update<Self> {
        let issuer = &*logout.issuer;
        let (scope, of) = match &logout.who {
            LoggedOut::User(subject) => (Scope::User(issuer, subject), None),
            LoggedOut::AtProvider(sid) => (Scope::AtProvider(issuer, sid), None),
            LoggedOut::Both { subject, sid } => (
                Scope::AtProvider(issuer, sid),
                Some(User::of(issuer, subject)),
            ),
        };
        let (keys, key) = (keys.clone(), scope.key());
        let change = Self {
            keys,
            key,
            of,
            marks,
        };
        Update::of(key, change)
    }
}

impl Change for LogOut {
    type Output = Vec<Listed>;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Vec<Listed>>, CheckFailed> {
        let list = match (List::known(&self.keys, &self.key, found, now)?, self.marks) {
            (Some(list), _) => list,
            (None, Marks::Always) => List::default(),
            (None, Marks::IfListed) => return Ok(Applied::Nothing(Vec::new())),
        };
        let is_theirs = |session: &&Listed| self.of.is_none_or(|of| of == session.user);
        let over: Vec<_> = list.sessions.iter().filter(is_theirs).copied().collect();
        if self.marks == Marks::IfListed && over.is_empty() {
            return Ok(Applied::Nothing(over));
        }
        let (at, of) = match list.over {
            // There is one mark: that of two users is everybody's. No clock turns one back.
            Some(mark) => (mark.at.max(now), self.of.filter(|of| mark.of == Some(*of))),
            None => (now, self.of),
        };
        // They stay listed until they end: whoever ends them may not get through with all, and be asked again.
        let list = List {
            over: Some(Mark { at, of }),
            sessions: list.sessions,
        };
        list.write(&self.keys, &self.key, now, over)
    }
}
