//! Who asks for a list.

use super::super::change::{Applied, Change, Update};
use super::{CookieKeys, List, Listed, Scope, StoreKey};
use crate::{check::CheckFailed, time::UnixTime};

/// Reads a list of sessions.
#[derive(Debug)]
pub struct ReadList {
    keys: CookieKeys,
    key: StoreKey,
}

impl ReadList {
    /// Of whoever this is.
    pub fn of(keys: &CookieKeys, scope: Scope<'_>) -> Update<Self> {
        let (keys, key) = (keys.clone(), scope.key());
        Update::of(key, Self { keys, key })
    }
}

impl Change for ReadList {
    type Output = Vec<Listed>;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Vec<Listed>>, CheckFailed> {
        let list = List::known(&self.keys, &self.key, found, now)?;
        let mut sessions = list.unwrap_or_default().sessions;
        sessions.retain(|session| session.ends > now);
        Ok(Applied::Nothing(sessions))
    }
}
