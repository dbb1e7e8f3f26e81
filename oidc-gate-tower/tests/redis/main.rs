//! The store in Redis, with servers that the tests start themselves: one alone, a cluster, and one that Sentinel watches.
//!
//! `redis-server` is needed (Debian: the package `redis-server`). Without it these tests fail; none is skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod down;
mod one;
mod sentinel;
mod server;

use oidc_gate_tower::{SessionBackend as _, Store};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A key of this number.
fn key(n: u32) -> [u8; 32] {
    let mut key = [0x5a; 32];
    key[..4].copy_from_slice(&n.to_be_bytes());
    key
}

/// Swaps it in, whatever is there, and answers with its version.
async fn put(store: &Store, key: &[u8; 32], value: &[u8]) -> u64 {
    let seen = store
        .load(key)
        .await
        .unwrap()
        .map_or(0, |(_, version)| version);
    assert!(
        store
            .compare_and_swap(key, seen, value.to_vec(), MINUTE)
            .await
            .unwrap()
    );
    let (found, version) = store.load(key).await.unwrap().unwrap();
    assert_eq!(found, value);
    version
}
