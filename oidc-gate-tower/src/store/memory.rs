//! The store in this process's memory.

use super::{Capacity, LONGEST, StoreError};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Values under keys, in shards, so that two requests share a lock in one of [`SHARDS`] cases only, and no longer than a
/// look-up takes.
///
/// How much is there is counted for all shards together: keys that fall unevenly leave no room unused.
pub(crate) struct Memory {
    shards: [Mutex<Shard>; SHARDS],
    capacity: Capacity,
    values: AtomicUsize,
    bytes: AtomicUsize,
    /// The version that is given next. One counter for all keys: none comes back while this store exists.
    next: AtomicU64,
}

const SHARDS: usize = 32;

/// What a value takes beside its bytes: its key twice, its time twice, and room in a table and a tree.
const OVERHEAD: usize = 256;

type Key = [u8; 32];

#[derive(Default)]
struct Shard {
    kept: HashMap<Key, Kept>,
    /// The same keys, in the order in which they are over.
    ends: BTreeSet<(Instant, Key)>,
}

struct Kept {
    value: Arc<[u8]>,
    version: u64,
    until: Instant,
}

impl Memory {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            capacity,
            values: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn load(&self, key: &Key) -> Option<(Arc<[u8]>, u64)> {
        let shard = self.shard(key);
        if shard.kept.is_empty() {
            return None;
        }
        let kept = shard.get(key, Instant::now())?;
        Some((kept.value.clone(), kept.version))
    }

    pub(crate) fn compare_and_swap(
        &self,
        key: &Key,
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let value = Arc::from(value);
        let now = Instant::now();
        match self.try_swap(key, seen, &value, keep, now) {
            // Only then are the other shards looked through, and only for what is over in them.
            Err(NoRoom) => {
                for shard in &self.shards {
                    self.clear(&mut lock(shard), now);
                }
                self.try_swap(key, seen, &value, keep, now)
            }
            done => done,
        }
        .map_err(|NoRoom| StoreError::full("the store in memory is full"))
    }

    fn try_swap(
        &self,
        key: &Key,
        seen: u64,
        value: &Arc<[u8]>,
        keep: Duration,
        now: Instant,
    ) -> Result<bool, NoRoom> {
        let mut shard = self.shard(key);
        self.clear(&mut shard, now);
        let there = shard.get(key, now);
        if there.map_or(0, |kept| kept.version) != seen {
            return Ok(false);
        }
        let before = there.map(Kept::size);
        self.make_room(before, value.len() + OVERHEAD)?;
        let until = now + keep.min(LONGEST);
        let kept = Kept {
            value: value.clone(),
            version: self.next.fetch_add(1, Ordering::Relaxed),
            until,
        };
        if let Some(old) = shard.kept.insert(*key, kept) {
            shard.ends.remove(&(old.until, *key));
        }
        shard.ends.insert((until, *key));
        Ok(true)
    }

    /// Counts a value of `size` in the place of one of `before`.
    fn make_room(&self, before: Option<usize>, size: usize) -> Result<(), NoRoom> {
        let freed = before.unwrap_or(0);
        if before.is_none() {
            take(&self.values, 1, self.capacity.values)?;
        }
        if size <= freed {
            self.bytes.fetch_sub(freed - size, Ordering::Relaxed);
            return Ok(());
        }
        take(&self.bytes, size - freed, self.capacity.bytes).inspect_err(|_| {
            if before.is_none() {
                self.values.fetch_sub(1, Ordering::Relaxed);
            }
        })
    }

    /// Drops what is over.
    fn clear(&self, shard: &mut Shard, now: Instant) {
        while let Some((until, key)) = shard.ends.first().copied()
            && until <= now
        {
            shard.ends.remove(&(until, key));
            if let Some(kept) = shard.kept.remove(&key) {
                self.values.fetch_sub(1, Ordering::Relaxed);
                self.bytes.fetch_sub(kept.size(), Ordering::Relaxed);
            }
        }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        let [first, ..] = key;
        lock(&self.shards[usize::from(*first) % SHARDS])
    }
}

impl Shard {
    /// What is there and not over.
    fn get(&self, key: &Key, now: Instant) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| kept.until > now)
    }
}

impl Kept {
    fn size(&self) -> usize {
        self.value.len() + OVERHEAD
    }
}

/// The bound is reached.
struct NoRoom;

/// Counts `more`, unless that would be more than `most`.
fn take(counter: &AtomicUsize, more: usize, most: usize) -> Result<(), NoRoom> {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            count.checked_add(more).filter(|sum| *sum <= most)
        })
        .map(drop)
        .map_err(|_| NoRoom)
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Nothing panics while a shard is locked; if something ever does, the map is still whole.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    const MINUTE: Duration = Duration::from_secs(60);

    fn key(n: u32) -> Key {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_le_bytes());
        key
    }

    fn memory(values: usize, bytes: usize) -> Memory {
        Memory::new(Capacity { values, bytes })
    }

    fn put(memory: &Memory, n: u32, value: &[u8], keep: Duration) -> Result<bool, StoreErrorKind> {
        let seen = memory.load(&key(n)).map_or(0, |(_, version)| version);
        memory
            .compare_and_swap(&key(n), seen, value.to_vec(), keep)
            .map_err(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn full_means_refused_and_what_is_there_stays() {
        let memory = memory(3, usize::MAX);
        for n in 0..3 {
            assert_eq!(put(&memory, n, b"x", MINUTE), Ok(true));
        }
        assert_eq!(put(&memory, 3, b"x", MINUTE), Err(StoreErrorKind::Full));
        // What is there may be written anew.
        assert_eq!(put(&memory, 0, b"longer", MINUTE), Ok(true));
        assert!((0..3).all(|n| memory.load(&key(n)).is_some()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_makes_room_in_whichever_shard_it_is() {
        let memory = memory(3, usize::MAX);
        for n in 0..3 {
            assert_eq!(put(&memory, n, b"x", MINUTE), Ok(true));
        }
        tokio::time::advance(MINUTE).await;
        assert_eq!(put(&memory, 3, b"x", MINUTE), Ok(true));
        assert_eq!(memory.values.load(Ordering::Relaxed), 1);
        assert_eq!(memory.bytes.load(Ordering::Relaxed), 1 + OVERHEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_bounded_too_and_a_refused_value_counts_for_nothing() {
        let memory = memory(100, 2 * (1000 + OVERHEAD));
        assert_eq!(put(&memory, 0, &[0; 1000], MINUTE), Ok(true));
        assert_eq!(
            put(&memory, 1, &[0; 1001], MINUTE),
            Err(StoreErrorKind::Full)
        );
        assert_eq!(memory.values.load(Ordering::Relaxed), 1);
        assert_eq!(put(&memory, 1, &[0; 1000], MINUTE), Ok(true));
        assert_eq!(
            put(&memory, 1, &[0; 1001], MINUTE),
            Err(StoreErrorKind::Full)
        );
        // A shorter one gives room back.
        assert_eq!(put(&memory, 1, &[0; 10], MINUTE), Ok(true));
        assert_eq!(put(&memory, 0, &[0; 1990], MINUTE), Ok(true));
        assert_eq!(memory.bytes.load(Ordering::Relaxed), 2000 + 2 * OVERHEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_there_until_its_time_and_not_at_it() {
        let memory = memory(10, usize::MAX);
        assert_eq!(put(&memory, 0, b"x", MINUTE), Ok(true));
        tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
        assert!(memory.load(&key(0)).is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(memory.load(&key(0)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_swap_replaces_how_long_the_value_is_kept() {
        let memory = memory(10, usize::MAX);
        assert_eq!(put(&memory, 0, b"x", MINUTE), Ok(true));
        assert_eq!(put(&memory, 0, b"x", MINUTE * 3), Ok(true));
        assert_eq!(put(&memory, 1, b"x", MINUTE * 3), Ok(true));
        assert_eq!(put(&memory, 1, b"x", MINUTE), Ok(true));
        tokio::time::advance(MINUTE).await;
        // Clears what is over, of both shards.
        assert_eq!(put(&memory, 32, b"x", MINUTE), Ok(true));
        assert!(memory.load(&key(0)).is_some() && memory.load(&key(1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn for_ever_is_long_and_no_overflow() {
        let memory = memory(10, usize::MAX);
        assert_eq!(put(&memory, 0, b"x", Duration::MAX), Ok(true));
        tokio::time::advance(MINUTE * 60 * 24 * 3650).await;
        assert!(memory.load(&key(0)).is_some());
    }

    #[test]
    fn counts_come_out_right_whoever_swaps_at_the_same_time() {
        let memory = memory(64, 64 * (100 + OVERHEAD));
        std::thread::scope(|scope| {
            for thread in 0..8_u32 {
                let memory = &memory;
                scope.spawn(move || {
                    for round in 0..2000_u32 {
                        let length = (round * 31 + thread * 17) % 200;
                        let _ = put(memory, round % 100, &vec![0; length as usize], MINUTE);
                    }
                });
            }
        });
        let kept: Vec<usize> = memory
            .shards
            .iter()
            .flat_map(|shard| {
                lock(shard)
                    .kept
                    .values()
                    .map(Kept::size)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(kept.len(), memory.values.load(Ordering::Relaxed));
        assert_eq!(
            kept.iter().sum::<usize>(),
            memory.bytes.load(Ordering::Relaxed)
        );
        assert!(kept.len() <= 64 && kept.iter().sum::<usize>() <= 64 * (100 + OVERHEAD));
        let ends: usize = memory
            .shards
            .iter()
            .map(|shard| lock(shard).ends.len())
            .sum();
        assert_eq!(ends, kept.len());
    }
}
