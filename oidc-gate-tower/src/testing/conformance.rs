//! Whether a store keeps what [`SessionBackend`] promises.
//!
//! ```
//! use oidc_gate_tower::{Store, testing::conformance::{self, Pass}};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let backend = Store::memory(); // one of your own, that implements `SessionBackend`
//! conformance::check(&backend, Pass::Wait).await;
//! # }
//! ```
//!
//! In the tests of a backend of your own, that is the whole test. The keys are random, so that a shared database may be used
//! and a run leaves at most a few megabytes there, for a minute.
//!
//! What cannot be seen from outside is not shown: that nothing is dropped early when room is short (7), that another replica sees
//! what this one has swapped (8; pass a backend that loads over another connection than it swaps over to see it), and what becomes
//! of an operation whose server dies (9).

mod cases;
mod keys;

use crate::store::SessionBackend;
use std::{fmt, time::Duration};

/// How time passes for a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "there is a clock of the machine or one that is moved"
)]
pub enum Pass {
    /// By waiting: the backend's clock is the machine's, or another machine's.
    Wait,
    /// By moving this runtime's clock on (`tokio::time::pause`), for a backend that reads it.
    Paused,
}

impl Pass {
    /// Lets so much time go by.
    pub(super) async fn by(self, time: Duration) {
        // With a paused clock, sleeping moves it on.
        tokio::time::sleep(time).await;
    }

    /// A time after which something is over, and which the operations before that do not take.
    pub(super) fn short(self) -> Duration {
        match self {
            Self::Wait => Duration::from_millis(500),
            Self::Paused => Duration::from_secs(3600),
        }
    }
}

impl Pass {
    /// How long a case may take, of which most is waiting.
    fn patience(self) -> Duration {
        match self {
            Self::Wait => Duration::from_secs(60),
            // The clock is moved on as soon as nobody does anything any more.
            Self::Paused => Duration::from_secs(1_000_000_000),
        }
    }
}

/// What came of the cases, in the order of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    outcomes: Vec<Outcome>,
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    sentence: u8,
    name: &'static str,
    broken: Option<String>,
}

impl Outcome {
    /// Which sentence of the [specification](SessionBackend#specification) it is about.
    pub fn sentence(&self) -> u8 {
        self.sentence
    }

    /// What the case claims.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What was seen instead, if the backend does not keep it.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

impl Report {
    /// Every case with its outcome.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The cases that the backend does not pass.
    pub fn broken(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.broken.is_some())
    }
}

/// The cases that are not passed, or that all are.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut broken = self.broken().peekable();
        if broken.peek().is_none() {
            return write!(f, "all {} cases are kept", self.outcomes.len());
        }
        f.write_str("the backend does not keep what the specification of SessionBackend says:")?;
        broken.try_for_each(|outcome| {
            let what = outcome.broken.as_deref().unwrap_or_default();
            write!(f, "\n  - {}. {}: {what}", outcome.sentence, outcome.name)
        })
    }
}

/// Runs every case, one after the other, and says what came of it.
///
/// With [`Pass::Wait`] it takes a few seconds.
pub async fn report(backend: &impl SessionBackend, pass: Pass) -> Report {
    let mut outcomes = Vec::new();
    macro_rules! run {
        ($($sentence:literal $name:literal $case:ident)*) => {$(
            outcomes.push(Outcome {
                sentence: $sentence,
                name: $name,
                broken: match tokio::time::timeout(pass.patience(), cases::$case(backend, pass)).await {
                    Ok(kept) => kept.err(),
                    Err(_) => Some("an operation was not answered".to_owned()),
                },
            });
        )*};
    }
    run! {
        1 "under a key that nobody wrote to is nothing" nothing_at_first
        1 "what was swapped in is what is loaded" loads_what_was_swapped
        2 "a swap that has seen another version changes nothing" wrong_version
        2 "a swap that has seen a version changes nothing where nothing is" version_of_nothing
        2 "a swap that has seen nothing changes nothing where something is" nothing_of_something
        2 "of many swaps that have seen nothing, one is told true" one_creates
        2 "of many swaps that have seen the same version, one is told true" one_replaces
        2 "no update is lost among many writers" no_lost_update
        3 "a version is not zero and each swap has another" versions_differ
        3 "a version does not come back after the value has been dropped" no_version_after_expiry
        3 "a value that returns has another version" same_value_other_version
        4 "an empty value is a value" empty_value
        4 "any byte may be in a value" any_byte
        4 "a value may have 1 MiB" large_value
        5 "keys that differ in one bit are apart" neighbours
        5 "many keys written at once do not touch each other" many_keys
        6 "what is to be kept is there until then" kept
        6 "what is over is cleared up" cleared
        6 "a swap lengthens how long a value is kept" lengthened
        6 "a swap shortens how long a value is kept" shortened
        6 "to keep something for ever is no error" for_ever
        8 "a load after a swap sees it" seen_at_once
        10 "a swap whose future is dropped has happened as a whole or not at all" dropped_swaps
        10 "nothing waits for a future that was dropped" nothing_left_behind
        12 "what is known at hand is what a load answers" at_hand
    }
    Report { outcomes }
}

/// Runs every case.
///
/// # Panics
///
/// When one is not passed, with each that is not.
pub async fn check(backend: &impl SessionBackend, pass: Pass) {
    let report = report(backend, pass).await;
    assert!(report.broken().next().is_none(), "{report}");
}

#[cfg(test)]
mod tests;
