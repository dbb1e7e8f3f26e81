use crate::{Clock, core::time::UnixTime};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A clock that stands still until it is moved. Clones are the same clock.
///
/// ```
/// use oidc_gate_tower::{Clock as _, core::time::UnixTime, testing::ManualClock};
/// use std::time::Duration;
/// let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().as_secs(), 1_700_000_060);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: UnixTime) -> Self {
        Self(Arc::new(AtomicU64::new(now.as_secs())))
    }

    /// Moves it forward, by whole seconds.
    pub fn advance(&self, by: Duration) {
        // Between reading and writing another clone may move it; both moves count.
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    /// Sets it, forward or back.
    pub fn set(&self, now: UnixTime) {
        self.0.store(now.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}
