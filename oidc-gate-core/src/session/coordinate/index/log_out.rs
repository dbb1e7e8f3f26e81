//! The provider has ended what is listed.

use super::super::change::{Applied, Change, Update};
use super::{CookieKeys, List, Listed, Mark, Scope, StoreKey, User, Whom};
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
    whom: Whom,
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
        let whom = match &logout.who {
            LoggedOut::User(_) | LoggedOut::AtProvider(_) => Whom::All,
            LoggedOut::Both { subject, .. } => Whom::Of(User::of(&logout.issuer, subject)),
        };
        Self::in_list(keys, Scope::of(logout), whom, marks)
    }

    /// The rest of a logout that names a user and a session at the provider: sessions of the user that have no name there. The
    /// provider may say in logouts what it does not say in ID tokens.
    pub fn nameless(keys: &CookieKeys, logout: &LogoutOf, marks: Marks) -> Option<Update<Self>> {
        let LoggedOut::Both { subject, .. } = &logout.who else {
            return None;
        };
        let scope = Scope::User(&logout.issuer, subject);
        Some(Self::in_list(keys, scope, Whom::Nameless, marks))
    }

    fn in_list(keys: &CookieKeys, scope: Scope<'_>, whom: Whom, marks: Marks) -> Update<Self> {
        let (keys, key) = (keys.clone(), scope.key());
        let change = Self {
            keys,
            key,
            whom,
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
        let all = list.sessions.iter();
        let over: Vec<_> = all
            .filter(|session| self.whom.is(session))
            .copied()
            .collect();
        if self.marks == Marks::IfListed && over.is_empty() {
            return Ok(Applied::Nothing(over));
        }
        let (at, whom) = match list.over {
            // There is one mark: two are everybody's. No clock turns one back.
            Some(mark) => (mark.at.max(now), mark.whom.or(self.whom)),
            None => (now, self.whom),
        };
        // They stay listed until they have ended: whoever ends them may not get through with all, and be asked again.
        let list = List {
            over: Some(Mark { at, whom }),
            sessions: list.sessions,
        };
        list.write(&self.keys, &self.key, now, over)
    }
}
