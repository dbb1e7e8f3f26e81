//! The time, as the protocols count it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970-01-01T00:00:00Z: a `NumericDate`
/// ([RFC 7519 § 2](https://www.rfc-editor.org/rfc/rfc7519#section-2)) without its fraction.
///
/// Core never asks what time it is. It is told, so that every rule about time is an ordinary test.
///
/// ```
/// use oidc_gate_core::time::UnixTime;
/// use std::time::Duration;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// assert_eq!((now + Duration::from_secs(30)).since(now), Duration::from_secs(30));
/// assert_eq!(now.since(now + Duration::from_secs(30)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The moment `secs` seconds after the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

/// Stops at the end of time instead of wrapping round.
impl std::ops::Add<Duration> for UnixTime {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.as_secs()))
    }
}

/// Stops at the epoch instead of wrapping round.
impl std::ops::Sub<Duration> for UnixTime {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by.as_secs()))
    }
}

/// A moment before the epoch counts as the epoch.
impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
    }
}

impl From<UnixTime> for SystemTime {
    fn from(time: UnixTime) -> Self {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(time.0))
            .unwrap_or(UNIX_EPOCH)
    }
}
