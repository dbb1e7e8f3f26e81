//! How a session stands that nobody comes with just now: a connection of it is open.

use super::{CookieKeys, StoreKey, Stored, entry::Entry};
use crate::time::UnixTime;

/// How a session stands, as far as a store knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever keeps a connection open has to handle each"
)]
pub enum Standing {
    /// It lives until then at most.
    Lives {
        /// Until when.
        until: UnixTime,
    },
    /// Its user has signed in again: it lives until then, for requests that are under way.
    Replaced {
        /// Until when.
        until: UnixTime,
    },
    /// It has been ended.
    Ended,
    /// The store says nothing of it: nothing is known against one in a cookie, and one that was stored has been cleared up or
    /// is sealed with a key that is not known here.
    Unknown,
}

impl Standing {
    /// What a store says of the session under this key.
    pub fn of(keys: &CookieKeys, key: &StoreKey, stored: Option<&Stored>, now: UnixTime) -> Self {
        let entry = stored.and_then(|stored| Entry::open(keys, key, &stored.bytes));
        match entry {
            None => Self::Unknown,
            Some((Entry::Ended { .. }, _)) => Self::Ended,
            Some((Entry::Live(live), _)) => match live.is_replaced(now) {
                true => Self::Replaced { until: live.ends },
                false => Self::Lives { until: live.ends },
            },
        }
    }
}
