//! What must not be forgotten before its time: states that have been used.

use crate::core::time::UnixTime;
use aws_lc_rs::digest::{SHA256, digest};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// A bounded set of secrets, each kept until its time and stored as a hash.
///
/// When a shard is full, what ends first makes room. That is harmless: the provider refuses a used code as well.
#[derive(Debug)]
pub(crate) struct Remembered {
    shards: [Mutex<HashMap<[u8; 32], UnixTime>>; SHARDS],
    per_shard: usize,
}

const SHARDS: usize = 16;

impl Remembered {
    /// Room for about `capacity` entries, allocated as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            per_shard: (capacity / SHARDS).max(1),
        }
    }

    /// Remembers `secret` until `until`. Atomic: of two calls with the same secret, one is told `true`.
    pub(crate) fn insert(&self, secret: &[u8], until: UnixTime, now: UnixTime) -> bool {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, secret).as_ref());
        let [first, ..] = key;
        // Nothing panics while a shard is locked; if something ever does, the map is still whole.
        let mut shard = self.shards[usize::from(first) % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if shard.get(&key).is_some_and(|until| *until > now) {
            return false;
        }
        if shard.len() >= self.per_shard {
            shard.retain(|_, until| *until > now);
        }
        if shard.len() >= self.per_shard
            && let Some(first) = shard
                .iter()
                .min_by_key(|(_, until)| **until)
                .map(|(key, _)| *key)
        {
            shard.remove(&first);
        }
        shard.insert(key, until);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    #[test]
    fn the_first_is_told_so_and_nobody_else_until_its_time() {
        let set = Remembered::new(100);
        assert!(set.insert(b"a", at(10), at(0)));
        assert!(!set.insert(b"a", at(10), at(9)));
        assert!(set.insert(b"b", at(10), at(9)));
        assert!(set.insert(b"a", at(20), at(10)));
    }

    #[test]
    fn of_many_at_once_one_wins() {
        let set = Remembered::new(100);
        let wins = std::thread::scope(|scope| {
            let race: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| set.insert(b"x", at(10), at(0))))
                .collect();
            race.into_iter()
                .filter_map(|thread| thread.join().ok())
                .filter(|won| *won)
                .count()
        });
        assert_eq!(wins, 1);
    }

    #[test]
    fn it_stays_within_its_bound_and_lets_go_of_what_ends_first() {
        let set = Remembered::new(SHARDS);
        for i in 0..10_000u32 {
            assert!(set.insert(&i.to_le_bytes(), at(100 + u64::from(i)), at(0)));
        }
        let kept = set.shards.iter().map(|shard| shard.lock().unwrap().len());
        assert_eq!(kept.sum::<usize>(), SHARDS);
        assert!(!set.insert(&9_999u32.to_le_bytes(), at(100_000), at(0)));
        assert!(set.insert(&0u32.to_le_bytes(), at(100_000), at(0)));
    }
}
