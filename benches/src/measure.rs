//! How time is taken on a machine that does other things too.
//!
//! Operations take turns, a batch each, round after round, so that a slow spell hits all of them alike. What is compared
//! is compared within one round; the median over the rounds is the result. A batch is far shorter than the time slice of a
//! scheduler, so that most batches are not interrupted and those that are do not move the median.

use crate::allocations::{self, Allocations};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// What is measured: done once per call.
pub struct Operation(Box<dyn FnMut()>);

impl Operation {
    /// The operation that `once` does. What it makes has to go through [`std::hint::black_box`], or it may not be made.
    pub fn new(once: impl FnMut() + 'static) -> Self {
        Self(Box::new(once))
    }

    /// The same, with something that has to live as long.
    pub fn beside(mut self, kept: impl Sized + 'static) -> Self {
        Self::new(move || {
            let _ = &kept;
            self.repeat(1);
        })
    }

    /// Does it `times` times. A profiler may count in this function by its name.
    #[inline(never)]
    pub fn repeat(&mut self, times: u64) {
        for _ in 0..times {
            (self.0)();
        }
    }

    /// The same in a function that is entered for nothing else.
    #[inline(never)]
    pub fn counted(&mut self, times: u64) {
        self.repeat(times);
        // Something is left to be done here, so that this is no jump to the other function.
        std::hint::black_box(times);
    }

    /// What it allocates, once everything that is made once is made.
    pub fn allocations(&mut self) -> Allocations {
        self.repeat(4);
        allocations::during(|| self.repeat(1))
    }

    fn time(&mut self, times: u64) -> Duration {
        let begun = Instant::now();
        self.repeat(times);
        begun.elapsed()
    }

    /// How often it can be done within `batch`, about. Warms it up on the way.
    fn fits(&mut self, batch: Duration) -> u64 {
        let mut times = 8;
        loop {
            // The quickest of a few: an interruption here would make every batch too short to be warm.
            let tries = std::iter::repeat_with(|| self.time(times)).take(5);
            let took = tries.min().unwrap_or_default();
            if took * 2 >= batch {
                let scale = batch.as_secs_f64() / took.as_secs_f64();
                return ((times as f64 * scale) as u64).max(1);
            }
            times *= 2;
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operation")
    }
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many turns each operation takes.
    pub rounds: usize,
    /// How long one turn is.
    pub batch: Duration,
}

impl Effort {
    /// For figures that are to be believed.
    pub const FULL: Self = Self {
        rounds: 3001,
        batch: Duration::from_micros(100),
    };

    /// To see that everything runs.
    pub const QUICK: Self = Self {
        rounds: 101,
        batch: Duration::from_micros(20),
    };
}

/// Nanoseconds per operation, in the order of the operations, round by round.
#[derive(Debug)]
pub struct Times(Vec<Vec<f64>>);

impl Times {
    /// Lets the operations take turns.
    pub fn take<'a>(operations: impl Iterator<Item = &'a mut Operation>, effort: Effort) -> Self {
        let mut turns: Vec<_> = operations
            .map(|operation| (operation.fits(effort.batch), operation))
            .collect();
        let round = |_| {
            turns
                .iter_mut()
                .map(|(times, operation)| operation.time(*times).as_nanos() as f64 / *times as f64)
                .collect()
        };
        Self((0..effort.rounds).map(round).collect())
    }

    /// The median over the rounds of what `of` makes of the times in one round.
    pub fn median(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        let mut all: Vec<f64> = self.0.iter().map(|round| of(round)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}
