//! Sessions that have ended are listed no more.

use super::super::change::{Applied, Change, Changed, Update};
use super::{CookieKeys, List, Scope, StoreKey};
use crate::{check::CheckFailed, time::UnixTime};

/// Takes sessions off a list that have been ended. Otherwise whoever can ask for a logout could have them all ended again and
/// again.
#[derive(Debug)]
pub struct Delist {
    keys: CookieKeys,
    key: StoreKey,
    ended: Vec<StoreKey>,
}

impl Delist {
    /// Takes these off.
    pub fn of(keys: &CookieKeys, scope: Scope<'_>, ended: Vec<StoreKey>) -> Update<Self> {
        let (keys, key) = (keys.clone(), scope.key());
        Update::of(key, Self { keys, key, ended })
    }
}

impl Change for Delist {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        let Some(mut list) = List::known(&self.keys, &self.key, found, now)? else {
            return Ok(Applied::Nothing(Changed::No));
        };
        let before = list.sessions.len();
        list.sessions
            .retain(|session| !self.ended.contains(&session.key));
        if list.sessions.len() == before {
            return Ok(Applied::Nothing(Changed::No));
        }
        list.write(&self.keys, &self.key, now, Changed::Yes)
    }
}
