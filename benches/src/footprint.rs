//! What a gate holds.

use crate::{allocations::held_after, requests::user};
use oidc_gate_axum::{SessionBackend as _, Store, testing};
use std::{hint::black_box, time::Duration};
use tokio::runtime::Runtime;

/// How many sessions there are, at the least. Tables grow in leaps, so that a crowd just above a leap costs the most.
const CROWDS: [usize; 6] = [10_000, 12_000, 15_000, 20_000, 24_000, 30_000];
const HOUR: Duration = Duration::from_secs(3600);
const VALUE: usize = 512;

/// Bytes that the memory store holds for a value beside the value itself: of several crowds, the most.
pub fn beside_a_value() -> i64 {
    let runtime = runtime();
    let beside = |crowd: usize| {
        let store = Store::memory();
        let held = held_after(|| {
            for n in 0..crowd {
                let key = key(n);
                let written = store.compare_and_swap(&key, 0, vec![b'x'; VALUE], HOUR);
                assert_eq!(runtime.block_on(written).ok(), Some(true));
            }
        });
        held / crowd as i64 - VALUE as i64
    };
    CROWDS.into_iter().map(beside).max().unwrap_or_default()
}

/// Keys as they are: without a pattern.
fn key(n: usize) -> [u8; 32] {
    let mut key = [0; 32];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &n.to_le_bytes());
    key.copy_from_slice(digest.as_ref());
    key
}

/// Bytes that a gate holds for a live session in its memory: the session, and its place in the list of its user's sessions.
pub fn live_session() -> i64 {
    let runtime = runtime();
    let gate = testing::gate()
        .store(Store::memory())
        .build()
        .expect("the settings are fine");
    runtime
        .block_on(gate.ready())
        .expect("the embedded provider answers");
    let mut begin = |n: usize| {
        let user = testing::user(&format!("{}-{n}", user().subject()))
            .name("Alice Liddell")
            .email("alice.liddell@example.com")
            .build();
        black_box(runtime.block_on(testing::session(&gate, user)));
    };
    begin(0);
    let crowd = 5_000;
    let held = held_after(|| (1..=crowd).for_each(&mut begin));
    held / crowd as i64
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
}
