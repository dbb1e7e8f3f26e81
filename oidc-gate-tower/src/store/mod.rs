//! Where sessions are kept that do not fit into a cookie, and where replicas agree on who refreshes one.
//!
//! A [`Store`] is process memory, Redis (feature `redis`) or a [`SessionBackend`] of your own. All of them can do two
//! things only, load and compare-and-swap. Whatever else a session needs (leases, fences, ends, "only the first") the gate
//! makes of these two, alike over every backend.
//!
//! What a backend sees is of no use to whoever reads it: values are sealed, and keys are hashes.

mod cache;
mod capacity;
mod erased;
mod error;
mod handle;
mod memory;
#[cfg(feature = "redis")]
mod redis;

pub use capacity::Capacity;
pub use error::{StoreError, StoreErrorKind};
pub(crate) use handle::AtHand;
pub use handle::Store;

use std::{future::Future, time::Duration};

/// A place that keeps values under keys, for every replica of the application.
///
/// Write the two operations as plain `async fn`s, and hand the backend over with [`Store::custom`].
///
/// # Specification
///
/// What the gate relies on. `testing::conformance` (feature `testing`) holds a backend to every sentence that can be seen
/// from outside, and names it by its number.
///
/// 1. *Load.* [`load`](Self::load) answers with the value that was swapped in last under this key and its version, or
///    with `None` where there is none.
/// 2. *Compare and swap.* [`compare_and_swap`](Self::compare_and_swap) puts `value` under the key if, and only if, the
///    version there is `seen`; `seen == 0` means that nothing is there. It says whether it did: `false` has changed
///    nothing. Comparing and writing are one step: of any number of swaps that have seen the same, one is told `true`.
/// 3. *Versions* are not 0, and a version never comes back for other content of the same key: not when the value returns
///    to what it was, and not after it has been dropped. So what is new under a key begins at a random version, or takes
///    it from a counter that all keys share and that never goes back.
/// 4. *Values* are any bytes, none at all included, of up to 1 MiB at least. A longer one may be refused with
///    [`StoreErrorKind::Full`].
/// 5. *Keys are apart.* An operation concerns one key, reads and writes no other, and any two keys differ that differ in
///    one bit.
/// 6. *Keeping.* A value is kept for at least `keep` from the swap that brought it; the next swap begins anew with a `keep`
///    of its own, longer or shorter. Afterwards it is cleared up, sooner or later, and then nothing is there. `keep` is for
///    clearing up alone: what is over the gate reads from the value, by its own clock. More than ten years may be taken
///    for ten years.
/// 7. *Nothing goes early.* A backend that has no room refuses what is new with [`StoreErrorKind::Full`]; it never drops
///    what is still to be kept, because that may be the only record of a session having ended.
/// 8. *What was said is seen.* After a swap was told `true`, every load that begins later, in any replica, answers with its
///    value or with a newer one.
/// 9. *Errors.* A swap that failed may have happened, or may yet happen. A load that failed says nothing.
/// 10. *Dropped futures.* A future that is dropped is an operation that failed: it has happened as a whole or not at all,
///     and neither this key nor another waits for it afterwards.
/// 11. *Waiting.* An operation waits for no other replica's, and gives up by itself with
///     [`StoreErrorKind::Unavailable`] after a few seconds: requests wait for it.
/// 12. *At hand.* [`peek`](Self::peek) neither waits nor asks anybody, and what it knows a load could have answered.
///
/// # Security
///
/// Whoever can write to the store can undo what was written to it, and so bring back a session that has ended. They cannot
/// make one up or read one.
///
/// # Example
///
/// Over a table with a unique key, each operation is one statement:
///
/// ```sql
/// SELECT value, version FROM sessions WHERE key = $1 AND until > now();
/// -- seen is 0: `clock` is a sequence
/// INSERT INTO sessions (key, value, version, until) VALUES ($1, $2, nextval('clock'), now() + $3)
///     ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, until = excluded.until
///     WHERE sessions.until <= now();
/// -- seen is a version
/// UPDATE sessions SET value = $2, version = nextval('clock'), until = now() + $3
///     WHERE key = $1 AND version = $4 AND until > now();
/// ```
///
/// A swap has happened if its statement changed a row.
pub trait SessionBackend: Send + Sync + 'static {
    /// What is under the key, and its version.
    ///
    /// # Errors
    ///
    /// When there is no answer, in time or at all.
    fn load(
        &self,
        key: &[u8; 32],
    ) -> impl Future<Output = Result<Option<(Vec<u8>, u64)>, StoreError>> + Send;

    /// Puts `value` under the key if the version there is `seen`, to be kept for at least `keep`; says whether it did.
    ///
    /// # Errors
    ///
    /// When it is not known whether it happened ([`StoreErrorKind::Unavailable`]), or that it did not.
    fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What is known without waiting. A backend that has to ask somebody leaves this alone.
    fn peek(&self, key: &[u8; 32]) -> Peek {
        let _ = key;
        Peek::Elsewhere
    }
}

/// What a backend knows at once.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever asks has to think of both, and there is no third"
)]
pub enum Peek {
    /// This is what [`SessionBackend::load`] would answer.
    Known(Option<(Vec<u8>, u64)>),
    /// Only loading it will tell.
    Elsewhere,
}

/// What is to be kept for longer is kept for ten years.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// No values: what the gate puts there is sealed, but what a program of one's own keeps need not be.
impl std::fmt::Debug for Peek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(Some((value, version))) => f
                .debug_struct("Known")
                .field("bytes", &value.len())
                .field("version", version)
                .finish(),
            Self::Known(None) => f.write_str("Known(None)"),
            Self::Elsewhere => f.write_str("Elsewhere"),
        }
    }
}
