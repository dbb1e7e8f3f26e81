//! What must not be forgotten before its time: sessions that have ended, states that have been used.

use crate::core::time::UnixTime;
use aws_lc_rs::digest::{SHA256, digest};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A bounded set of secrets, each kept until its time and stored as a hash.
///
/// Reading costs one load while the set is empty, and otherwise a lock that only one in [`SHARDS`] readers shares.
///
/// When a shard is full, what ends first makes room. For used states that is harmless: the provider refuses a used code
/// as well. For ended sessions the bound is a million sign-outs within the absolute limit.
#[derive(Debug)]
pub(crate) struct Remembered {
    shards: [Mutex<HashMap<[u8; 32], UnixTime>>; SHARDS],
    len: AtomicUsize,
    per_shard: usize,
}

const SHARDS: usize = 16;

impl Remembered {
    /// Room for about `capacity` entries, allocated as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            len: AtomicUsize::new(0),
            per_shard: (capacity / SHARDS).max(1),
        }
    }

    /// Remembers `secret` until `until`. Atomic: of two calls with the same secret, one is told `true`.
    pub(crate) fn insert(&self, secret: &[u8], until: UnixTime, now: UnixTime) -> bool {
        let (mut shard, key) = self.shard(secret);
        if shard.get(&key).is_some_and(|until| *until > now) {
            return false;
        }
        let before = shard.len();
        if before >= self.per_shard {
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
        let after = shard.len();
        drop(shard);
        if after >= before {
            self.len.fetch_add(after - before, Ordering::Release);
        } else {
            self.len.fetch_sub(before - after, Ordering::Release);
        }
        true
    }

    /// Whether `secret` is remembered.
    pub(crate) fn contains(&self, secret: &[u8], now: UnixTime) -> bool {
        if self.len.load(Ordering::Acquire) == 0 {
            return false;
        }
        let (shard, key) = self.shard(secret);
        shard.get(&key).is_some_and(|until| *until > now)
    }

    fn shard(&self, secret: &[u8]) -> (MutexGuard<'_, HashMap<[u8; 32], UnixTime>>, [u8; 32]) {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, secret).as_ref());
        let [first, ..] = key;
        // Nothing panics while a shard is locked; if something ever does, the map is still whole.
        let shard = self.shards[usize::from(first) % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (shard, key)
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
        assert!(!set.contains(b"a", at(0)));
        assert!(set.insert(b"a", at(10), at(0)));
        assert!(!set.insert(b"a", at(10), at(9)));
        assert!(set.contains(b"a", at(9)) && !set.contains(b"b", at(9)));
        assert!(!set.contains(b"a", at(10)));
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
        assert_eq!(set.len.load(Ordering::Acquire), SHARDS);
        assert!(set.contains(&9_999u32.to_le_bytes(), at(0)));
        assert!(!set.contains(&0u32.to_le_bytes(), at(0)));
    }
}
