//! Whether something was done that is done once.

use super::super::StoreKey;
use super::change::{Applied, Change, Once, Update};
use crate::{check::CheckFailed, time::UnixTime};

/// Looks whether something was [done once](Once), and writes nothing.
///
/// To look and to do it afterwards is not to do it once: two who look at the same moment both go on. It is for what may be done
/// twice and must not be done later.
#[derive(Debug)]
pub struct Look(());

/// Whether something was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it was done or it was not")]
pub enum Seen {
    /// It was, and is remembered.
    Before,
    /// It was not, or so long ago that it does not matter.
    Never,
}

impl Look {
    /// Whether what has this key was done: the key that [`Once::of`] was given.
    pub fn of(what: &str, name: &[u8]) -> Update<Self> {
        Update::of(StoreKey::of(what, &[name]), Self(()))
    }
}

impl Change for Look {
    type Output = Seen;

    fn apply(&mut self, found: Option<&[u8]>, now: UnixTime) -> Result<Applied<Seen>, CheckFailed> {
        let done = found.is_some_and(|found| Once::is_done(found, now));
        Ok(Applied::Nothing(match done {
            true => Seen::Before,
            false => Seen::Never,
        }))
    }
}
