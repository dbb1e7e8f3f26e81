//! The machines in a world that a seed makes, in virtual time.
//!
//! Browsers send requests that overtake each other to replicas whose clocks differ. Each is answered as a gate would, by the
//! machines themselves, one effect at a time; between any two of them a process may die. Logins begin at one replica and come
//! back to another. The provider ends sessions of its own, or all of a user's, tells a replica, and again until it is told that
//! this is done; users sign in again, in vain too, or sign out; somebody else sits down; somebody comes with a copy of the
//! cookies of a session that is over. Requests leave connections open that wait for the end of their session.
//!
//! What holds in every one is a list of ten, [`book::Invariant`]; [`Without`] takes out one rule each, to see that a world
//! shows what it is for. Of sessions in cookies beside the memory of one process, only that process knows who has signed out:
//! it holds until that dies, and there are no logouts by the provider.

mod at_provider;
mod book;
mod browser;
mod dice;
mod gone;
mod job;
mod log_in;
mod provider;
mod replica;
mod request;
mod setting;
mod store;
mod tally;
mod watch;
mod world;

use super::refresh::Without;
use book::{Broken, Invariant};
use std::sync::atomic::{AtomicU64, Ordering};
use tally::Tally;
use world::{Common, run};

/// Runs these seeds in as many threads as there are processors. The first that breaks something ends it.
fn simulate(first: u64, seeds: u64, without: Without) -> Result<Tally, (u64, Broken)> {
    let common = Common::new();
    let next = AtomicU64::new(first);
    let end = first + seeds;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return Ok(tally);
            }
            match run(seed, &common, without, false).0 {
                Ok(one) => tally.add(one),
                Err(broken) => {
                    next.store(end, Ordering::Relaxed);
                    return Err((seed, broken));
                }
            }
        }
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .collect()
    });
    let mut all = Tally::default();
    let mut first: Option<(u64, Broken)> = None;
    for result in results {
        match result {
            Ok(tally) => all.merge(tally),
            Err((seed, broken)) => {
                if first.as_ref().is_none_or(|(before, _)| seed < *before) {
                    first = Some((seed, broken));
                }
            }
        }
    }
    first.map_or(Ok(all), Err)
}

#[expect(clippy::disallowed_methods, reason = "a developer says what to run")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What happened in a world, to be read.
fn told(seed: u64, without: Without) -> String {
    let (held, trace) = run(seed, &Common::new(), without, true);
    let from = match asked("OIDC_GATE_SEED") {
        Some(_) => 0,
        None => trace.len().saturating_sub(60),
    };
    let outcome = held.map_or_else(|broken| broken.to_string(), |tally| tally.to_string());
    format!("seed {seed}:\n{}\n{outcome}", trace[from..].join("\n"))
}

#[test]
#[expect(clippy::print_stdout, reason = "what was simulated is worth knowing")]
fn nobody_loses_a_session_whatever_fails() {
    if let Some(seed) = asked("OIDC_GATE_SEED") {
        let told = told(seed, Without::Nothing);
        println!("{told}");
        let (held, _) = run(seed, &Common::new(), Without::Nothing, false);
        assert!(held.is_ok(), "{held:?}");
        return;
    }
    let seeds = asked("OIDC_GATE_SEEDS").unwrap_or(2_000);
    let first = asked("OIDC_GATE_FIRST_SEED").unwrap_or(0);
    match simulate(first, seeds, Without::Nothing) {
        Ok(tally) => println!("{tally}"),
        Err((seed, broken)) => panic!(
            "{broken}\nOIDC_GATE_SEED={seed} shows all of it; it ends so:\n{}",
            told(seed, Without::Nothing)
        ),
    }
}

/// How many worlds are looked at for one that shows what a rule is for.
const ENOUGH: u64 = 3_000;

fn breaks(without: Without, invariant: Invariant) {
    match simulate(0, ENOUGH, without) {
        Ok(_) => panic!("nothing breaks {without:?} in {ENOUGH} worlds"),
        Err((seed, broken)) => {
            let told = told(seed, without);
            assert_eq!(broken.invariant, invariant, "{told}");
        }
    }
}

#[test]
fn without_the_fence_a_slow_owner_overwrites_what_is_newer() {
    breaks(Without::Fence, Invariant::NewestStands);
}

#[test]
fn without_another_look_invalid_grant_ends_sessions_that_are_good() {
    breaks(Without::Reread, Invariant::StaysSignedIn);
}

#[test]
fn without_grace_an_older_cookie_redeems_its_token_again() {
    breaks(Without::Grace, Invariant::RedeemedOnce);
}

#[test]
fn without_the_mark_a_login_overtakes_a_logout() {
    breaks(Without::Mark, Invariant::LoggedOut);
}

#[test]
fn without_the_tombstone_a_session_that_was_ended_before_it_began_begins() {
    breaks(Without::Tombstone, Invariant::NewestStands);
}

#[test]
fn without_room_for_clocks_a_login_of_a_replica_ahead_outlives_a_logout() {
    breaks(Without::ClocksApart, Invariant::LoggedOut);
}

#[test]
fn without_what_was_forgotten_an_open_connection_outlives_its_session() {
    breaks(Without::Forgotten, Invariant::Learns);
}

#[test]
fn a_seed_makes_the_same_world_again() {
    let common = Common::new();
    for seed in 0..20 {
        let again = || run(seed, &common, Without::Nothing, true).1;
        assert_eq!(again(), again(), "seed {seed}");
    }
}
