//! What a store of sessions does, as data: two operations on one key each.
//!
//! All that sessions need of a store (to create, to end, to lease, to fence, to index, to do something once) is made of
//! these two, by the [machines](super::coordinate) that run the same over every store.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{fmt, sync::Arc, time::Duration};

/// Under what a store keeps something: 32 bytes that tell nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// The key of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever keeps things under them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of what these parts name. Lengths are hashed too, so that no two lists of parts are the same bytes.
    pub(crate) fn of(what: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Context::new(&SHA256);
        for part in std::iter::once(what.as_bytes()).chain(parts.iter().copied()) {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(hash.finish().as_ref());
        Self(key)
    }
}

/// The beginning alone: enough to find one in a log.
impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, ..] = self.0;
        let start = URL_SAFE_NO_PAD.encode([a, b, c, d, e, g]);
        write!(f, "StoreKey({start}…)")
    }
}

/// What stands under a key, and which version of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Sealed bytes. A clone shares them.
    pub bytes: Arc<[u8]>,
    /// Which version. Never zero, and never the same again for other bytes under this key.
    pub version: u64,
}

impl Stored {
    /// These bytes, in this version.
    pub fn new(bytes: impl Into<Arc<[u8]>>, version: u64) -> Self {
        let bytes = bytes.into();
        Self { bytes, version }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.len();
        write!(f, "Stored({bytes} bytes, version {})", self.version)
    }
}

/// Writes a value if nothing has been written since it was read.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swap {
    /// Where.
    pub key: StoreKey,
    /// The version that was read; zero if nothing was there.
    pub seen: u64,
    /// The new value.
    pub bytes: Vec<u8>,
    /// How long it is of use. A store may clear it up afterwards; whether it is over is never for the store to say.
    pub keep: Duration,
}

impl fmt::Debug for Swap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, bytes, seen, keep) = (self.key, self.bytes.len(), self.seen, self.keep);
        write!(f, "Swap({key:?}, {bytes} bytes, {seen}, {keep:?})")
    }
}

/// The store has not answered. What was to be written may stand there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreDown;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_read_alike_together_have_keys_of_their_own() {
        let keys = [
            StoreKey::of("a", &[b"bc"]),
            StoreKey::of("ab", &[b"c"]),
            StoreKey::of("a", &[b"b", b"c"]),
            StoreKey::of("a", &[b"bc", b""]),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(keys[at + 1..].iter().all(|other| other != key));
        }
    }

    #[test]
    fn a_log_shows_where_a_key_begins() {
        let shown = format!("{:?}", StoreKey::from_bytes([255; 32]));
        assert_eq!(shown, "StoreKey(________…)");
    }
}
