//! What this replica has read a moment ago, so that not every request waits for the store.
//!
//! The cache answers [`peek`](super::SessionBackend::peek) alone. Whoever loads asks the store, because they have a reason to.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Values that were loaded, each believed until it could be older than the bound.
///
/// Absence is not believed: whoever has just signed in at another replica would be signed out here.
pub(super) struct Cache {
    /// How old an answer may be, counted from when its load began.
    staleness: Duration,
    shards: [Mutex<Shard>; SHARDS],
}

const SHARDS: usize = 16;

/// Of one shard: values, and bytes of them. 8192 values and 64 MiB in all.
const VALUES: usize = 512;
const BYTES: usize = 4 << 20;

/// Keys that share a count of swaps, in one shard.
const GROUPS: usize = 256;

type Key = [u8; 32];

struct Shard {
    held: HashMap<Key, Held>,
    /// In which order they came. What has been replaced since is mentioned twice, and the first mention counts for nothing.
    order: VecDeque<(u64, Key)>,
    bytes: usize,
    came: u64,
    /// How many swaps of ours have begun or ended, of keys in the same group: a load that began before one of them does
    /// not put back what was there then. Groups keep the count small; to share one costs a load at most.
    swaps: [u64; GROUPS],
}

struct Held {
    value: Arc<[u8]>,
    version: u64,
    /// When its load, or its swap, began.
    since: Instant,
    came: u64,
}

/// When a load or a swap began, and after which others.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    at: Instant,
    swaps: u64,
}

impl Cache {
    pub(super) fn new(staleness: Duration) -> Self {
        Self {
            staleness,
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    pub(super) fn staleness(&self) -> Duration {
        self.staleness
    }

    /// What is under the key, if that is recent enough.
    pub(super) fn get(&self, key: &Key) -> Option<(Arc<[u8]>, u64)> {
        let shard = self.shard(key);
        let held = shard.held.get(key)?;
        let fresh = held.since.elapsed() < self.staleness;
        fresh.then(|| (held.value.clone(), held.version))
    }

    /// Before a load is sent.
    pub(super) fn begin_load(&self, key: &Key) -> Begun {
        let at = Instant::now();
        let swaps = *self.shard(key).swaps(key);
        Begun { at, swaps }
    }

    /// A load that began then was answered.
    pub(super) fn loaded(&self, key: &Key, begun: Begun, found: Option<(Arc<[u8]>, u64)>) {
        let mut shard = self.shard(key);
        if *shard.swaps(key) != begun.swaps {
            return;
        }
        // Of two loads, the one that began later has seen no less.
        if shard
            .held
            .get(key)
            .is_some_and(|held| held.since > begun.at)
        {
            return;
        }
        match found {
            Some((value, version)) => shard.put(key, value, version, begun.at),
            None => shard.remove(key),
        }
    }

    /// Before a swap is sent: until it is answered nobody knows what is there.
    pub(super) fn begin_swap(&self, key: &Key) -> Begun {
        let at = Instant::now();
        let mut shard = self.shard(key);
        shard.remove(key);
        let swaps = shard.swaps(key);
        *swaps += 1;
        Begun { at, swaps: *swaps }
    }

    /// A swap that began then was told `true`, and this is what is there now, if its version is known.
    pub(super) fn swapped(&self, key: &Key, begun: Begun, now: Option<(Arc<[u8]>, u64)>) {
        let mut shard = self.shard(key);
        shard.remove(key);
        let swaps = shard.swaps(key);
        let alone = *swaps == begun.swaps;
        // Loads that were answered since may have seen what was there before.
        *swaps += 1;
        if let Some((value, version)) = now.filter(|_| alone) {
            shard.put(key, value, version, begun.at);
        }
    }

    /// A swap was told `false`, or nothing: what is there is not known.
    pub(super) fn lost(&self, key: &Key) {
        let mut shard = self.shard(key);
        shard.remove(key);
        *shard.swaps(key) += 1;
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        let [first, ..] = key;
        // Nothing panics while a shard is locked; if something ever does, the worst is a load too many.
        self.shards[usize::from(*first) % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            held: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            came: 0,
            swaps: [0; GROUPS],
        }
    }
}

impl Shard {
    fn swaps(&mut self, key: &Key) -> &mut u64 {
        let [_, second, ..] = key;
        &mut self.swaps[usize::from(*second) % GROUPS]
    }

    fn put(&mut self, key: &Key, value: Arc<[u8]>, version: u64, since: Instant) {
        self.remove(key);
        self.came += 1;
        let came = self.came;
        self.bytes += value.len();
        self.order.push_back((came, *key));
        let held = Held {
            value,
            version,
            since,
            came,
        };
        self.held.insert(*key, held);
        while (self.held.len() > VALUES || self.bytes > BYTES)
            && let Some((came, key)) = self.order.pop_front()
        {
            if self.held.get(&key).is_some_and(|held| held.came == came) {
                self.remove(&key);
            }
        }
        if self.order.len() > 2 * VALUES {
            let held = &self.held;
            self.order
                .retain(|(came, key)| held.get(key).is_some_and(|held| held.came == *came));
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(held) = self.held.remove(key) {
            self.bytes -= held.value.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const KEY: Key = [7; 32];

    fn cache() -> Cache {
        Cache::new(SECOND)
    }

    fn load(cache: &Cache, key: &Key, value: &[u8], version: u64) {
        let begun = cache.begin_load(key);
        cache.loaded(key, begun, Some((Arc::from(value), version)));
    }

    fn version(cache: &Cache, key: &Key) -> Option<u64> {
        cache.get(key).map(|(_, version)| version)
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_believed_from_when_its_load_began_and_not_at_the_bound() {
        let cache = cache();
        let begun = cache.begin_load(&KEY);
        tokio::time::advance(SECOND / 2).await;
        cache.loaded(&KEY, begun, Some((b"x"[..].into(), 1)));
        tokio::time::advance(SECOND / 2 - Duration::from_millis(1)).await;
        assert_eq!(version(&cache, &KEY), Some(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(version(&cache, &KEY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn absence_is_not_remembered_and_takes_away_what_was() {
        let cache = cache();
        load(&cache, &KEY, b"x", 1);
        let begun = cache.begin_load(&KEY);
        cache.loaded(&KEY, begun, None);
        assert_eq!(version(&cache, &KEY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_from_before_a_swap_does_not_bring_back_what_was_there() {
        let cache = cache();
        let (before, swap) = (cache.begin_load(&KEY), cache.begin_swap(&KEY));
        cache.swapped(&KEY, swap, Some((b"new"[..].into(), 2)));
        cache.loaded(&KEY, before, Some((b"old"[..].into(), 1)));
        assert_eq!(version(&cache, &KEY), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_during_a_swap_does_not_bring_back_what_was_there() {
        let cache = cache();
        let swap = cache.begin_swap(&KEY);
        let during = cache.begin_load(&KEY);
        cache.swapped(&KEY, swap, None);
        cache.loaded(&KEY, during, Some((b"old"[..].into(), 1)));
        assert_eq!(version(&cache, &KEY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_loads_the_one_that_began_later_stays() {
        let cache = cache();
        let first = cache.begin_load(&KEY);
        tokio::time::advance(Duration::from_millis(1)).await;
        load(&cache, &KEY, b"new", 2);
        cache.loaded(&KEY, first, Some((b"old"[..].into(), 1)));
        assert_eq!(version(&cache, &KEY), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn during_a_swap_and_after_a_lost_one_nothing_is_known() {
        let cache = cache();
        load(&cache, &KEY, b"x", 1);
        let _swap = cache.begin_swap(&KEY);
        assert_eq!(version(&cache, &KEY), None);
        load(&cache, &KEY, b"x", 1);
        let late = cache.begin_load(&KEY);
        cache.lost(&KEY);
        cache.loaded(&KEY, late, Some((b"x"[..].into(), 1)));
        assert_eq!(version(&cache, &KEY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_swaps_at_once_neither_is_believed_to_be_the_last() {
        let cache = cache();
        let (one, two) = (cache.begin_swap(&KEY), cache.begin_swap(&KEY));
        cache.swapped(&KEY, two, Some((b"two"[..].into(), 2)));
        assert_eq!(version(&cache, &KEY), Some(2));
        cache.swapped(&KEY, one, Some((b"one"[..].into(), 1)));
        assert_eq!(version(&cache, &KEY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_so_many_values_and_bytes_and_lets_go_of_the_oldest() {
        let cache = cache();
        let key = |n: usize| {
            let mut key = KEY;
            key[2..10].copy_from_slice(&n.to_be_bytes());
            key
        };
        for n in 0..VALUES * 5 {
            load(&cache, &key(n), b"x", 1);
            load(&cache, &key(n), b"y", 2);
        }
        let last = VALUES * 5 - 1;
        assert_eq!(version(&cache, &key(last)), Some(2));
        assert_eq!(version(&cache, &key(last - VALUES + 1)), Some(2));
        assert_eq!(version(&cache, &key(last - VALUES)), None);
        for n in 0..10 {
            load(&cache, &key(n), &vec![0; BYTES / 2], 3);
        }
        load(&cache, &key(10), &vec![0; BYTES + 1], 3);
        let shard = cache.shard(&KEY);
        assert!(shard.bytes <= BYTES && shard.order.len() <= 2 * VALUES + 1);
        assert_eq!(
            shard.bytes,
            shard
                .held
                .values()
                .map(|held| held.value.len())
                .sum::<usize>()
        );
    }
}
