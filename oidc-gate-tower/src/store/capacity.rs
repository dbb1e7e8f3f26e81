//! How much a store in memory holds.

use std::num::NonZeroUsize;

/// How much [`Store::memory_of`](crate::Store::memory_of) holds: values, and bytes of them.
///
/// # Defaults
///
/// 100 000 values and 256 MiB, whichever is reached first: sessions with tokens have a few kilobytes each.
///
/// ```
/// use oidc_gate_tower::{Store, store::Capacity};
/// use std::num::NonZeroUsize;
///
/// let million = NonZeroUsize::new(1_000_000).ok_or("zero")?;
/// let gibibyte = NonZeroUsize::new(1 << 30).ok_or("zero")?;
/// let store = Store::memory_of(Capacity::new().values(million).bytes(gibibyte));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    pub(super) values: usize,
    pub(super) bytes: usize,
}

impl Capacity {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            values: 100_000,
            bytes: 256 << 20,
        }
    }

    /// So many values at most.
    #[must_use]
    pub const fn values(mut self, most: NonZeroUsize) -> Self {
        self.values = most.get();
        self
    }

    /// So many bytes at most, of values and what it takes to keep them.
    #[must_use]
    pub const fn bytes(mut self, most: NonZeroUsize) -> Self {
        self.bytes = most.get();
        self
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self::new()
    }
}
