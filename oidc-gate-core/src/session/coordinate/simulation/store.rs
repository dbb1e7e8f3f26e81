//! A store, as its specification has it and no better.

use crate::session::{StoreKey, Stored, Swap};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Store {
    values: BTreeMap<StoreKey, Value>,
    /// Over all keys, so that none comes back.
    versions: u64,
}

#[derive(Debug)]
struct Value {
    stored: Stored,
    /// In milliseconds.
    until: u64,
}

impl Store {
    pub(super) fn load(&mut self, key: StoreKey, now: u64) -> Option<Stored> {
        if self
            .values
            .get(&key)
            .is_some_and(|value| value.until <= now)
        {
            self.values.remove(&key);
        }
        self.values.get(&key).map(|value| value.stored.clone())
    }

    /// Whether it was written.
    pub(super) fn swap(&mut self, swap: &Swap, now: u64) -> bool {
        let there = self.load(swap.key, now).map_or(0, |stored| stored.version);
        if there != swap.seen {
            return false;
        }
        self.versions += 1;
        let value = Value {
            stored: Stored::new(swap.bytes.clone(), self.versions),
            until: now + u64::try_from(swap.keep.as_millis()).unwrap_or(u64::MAX / 2),
        };
        self.values.insert(swap.key, value);
        true
    }

    /// The process whose memory it was has died.
    pub(super) fn forget(&mut self) {
        self.values.clear();
    }
}
