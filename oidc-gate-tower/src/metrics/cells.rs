//! Numbers that many requests add to at once, without a lock.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// One number for each of `N` cases. A case that does not exist counts nowhere.
#[derive(Debug)]
pub(super) struct Counters<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; N])
    }
}

impl<const N: usize> Counters<N> {
    pub(super) fn count(&self, case: usize) {
        if let Some(counter) = self.0.get(case) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn read(&self, case: usize) -> u64 {
        self.0.get(case).map_or(0, |counter| counter.load(Relaxed))
    }
}

/// Numbers that every request adds to. Each thread has a share of its own, or one with few others, on lines of the cache
/// that no other share lies on: else all processors would wait for one line on every request.
#[derive(Debug, Default)]
pub(super) struct Shares<const N: usize>([Share<N>; SHARES]);

const SHARES: usize = 16;

#[derive(Debug, Default)]
#[repr(align(128))]
struct Share<const N: usize>(Counters<N>);

thread_local! {
    static SHARE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed) % SHARES
    };
}

impl<const N: usize> Shares<N> {
    pub(super) fn count(&self, case: usize) {
        // A thread that is ending has no share any more; the first is as good.
        let share = SHARE.try_with(|share| *share).unwrap_or_default();
        if let Some(Share(counters)) = self.0.get(share) {
            counters.count(case);
        }
    }

    pub(super) fn read(&self, case: usize) -> u64 {
        self.0.iter().map(|share| share.0.read(case)).sum()
    }
}

/// The upper ends of the buckets, in seconds, as they are written; beyond the last is one more.
pub(super) const BOUNDS: [(&str, f64); 11] = [
    ("0.005", 0.005),
    ("0.01", 0.01),
    ("0.025", 0.025),
    ("0.05", 0.05),
    ("0.1", 0.1),
    ("0.25", 0.25),
    ("0.5", 0.5),
    ("1", 1.0),
    ("2.5", 2.5),
    ("5", 5.0),
    ("10", 10.0),
];

/// How long things took.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// How many took so long and not less; cumulated when they are read.
    buckets: Counters<{ BOUNDS.len() + 1 }>,
    micros: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, took: Duration) {
        let secs = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|(_, bound)| secs <= *bound);
        self.buckets.count(bucket.unwrap_or(BOUNDS.len()));
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Relaxed);
    }

    /// How many took at most as long as each bound, and how many there are.
    pub(super) fn cumulated(&self) -> ([u64; BOUNDS.len()], u64) {
        let mut so_far = 0;
        let mut cumulated = [0; BOUNDS.len()];
        for (bucket, slot) in cumulated.iter_mut().enumerate() {
            so_far += self.buckets.read(bucket);
            *slot = so_far;
        }
        (cumulated, so_far + self.buckets.read(BOUNDS.len()))
    }

    /// All of it together, in seconds.
    pub(super) fn sum(&self) -> String {
        let micros = self.micros.load(Relaxed);
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_as_long_as_a_bound_is_within_it() {
        let histogram = Histogram::default();
        for millis in [0, 5, 6, 10_000, 10_001] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(
            histogram.cumulated(),
            ([2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4], 5)
        );
        assert_eq!(histogram.sum(), "20.012000");
        for (text, bound) in BOUNDS {
            assert_eq!(text.parse(), Ok(bound));
        }
    }

    #[test]
    fn no_request_is_lost_whichever_thread_it_was_on() {
        let shares = Shares::<2>::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARES {
                scope.spawn(|| (0..100).for_each(|_| shares.count(1)));
            }
        });
        assert_eq!((shares.read(0), shares.read(1)), (0, 3200));
        shares.count(2);
        assert_eq!(shares.read(2), 0);
    }
}
