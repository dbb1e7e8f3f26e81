use super::*;
use crate::{
    Store,
    store::{Peek, StoreError},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn memory_keeps_every_sentence() {
    check(&Store::memory(), Pass::Paused).await;
}

#[tokio::test]
async fn memory_keeps_every_sentence_by_the_clock_of_the_machine() {
    check(&Store::memory(), Pass::Wait).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_of_somebody_elses_is_what_it_is_and_a_local_cache_changes_nothing() {
    check(&Store::custom(Flawed::default()), Pass::Paused).await;
    let cached = Store::custom(Flawed::default()).local_cache(Duration::from_secs(5));
    check(&cached, Pass::Paused).await;
}

/// What is wrong with a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flaw {
    #[default]
    None,
    CompareThenSwap,
    NothingIsAnything,
    AnythingIsNothing,
    CountsFromOne,
    VersionOfContent,
    EmptyIsNothing,
    TextOnly,
    Small,
    ShortKeys,
    KeepsForGood,
    KeepsByTheFirst,
    KeepsForHalf,
    NoForever,
    Lock,
    TwoHalves,
    PeeksNothing,
}

/// A backend with one flaw.
#[derive(Default)]
struct Flawed {
    flaw: Flaw,
    inner: Mutex<Inner>,
    freed: tokio::sync::Notify,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<Vec<u8>, Kept>,
    locked: HashSet<Vec<u8>>,
    next: u64,
}

#[derive(Clone)]
struct Kept {
    value: Vec<u8>,
    version: u64,
    until: Instant,
}

impl Flawed {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn name(&self, key: &[u8; 32]) -> Vec<u8> {
        let length = if self.flaw == Flaw::ShortKeys { 31 } else { 32 };
        key[..length].to_vec()
    }

    fn get(&self, key: &[u8]) -> Option<Kept> {
        let found = self.inner().kept.get(key).cloned();
        found.filter(|kept| self.flaw == Flaw::KeepsForGood || kept.until > Instant::now())
    }

    fn version(&self, before: Option<&Kept>, value: &[u8]) -> u64 {
        match self.flaw {
            Flaw::CountsFromOne => before.map_or(1, |kept| kept.version + 1),
            Flaw::VersionOfContent => value
                .iter()
                .fold(7, |sum, byte| sum * 31 % 65_521 + u64::from(*byte)),
            _ => {
                let mut inner = self.inner();
                inner.next += 1;
                inner.next
            }
        }
    }

    /// Waits for whoever holds the key, and holds it.
    async fn hold(&self, key: &[u8]) {
        loop {
            let freed = self.freed.notified();
            if self.inner().locked.insert(key.to_vec()) || self.flaw != Flaw::Lock {
                return;
            }
            freed.await;
        }
    }

    fn give_back(&self, key: &[u8]) {
        self.inner().locked.remove(key);
        self.freed.notify_waiters();
    }
}

impl SessionBackend for Flawed {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        let key = self.name(key);
        self.hold(&key).await;
        self.give_back(&key);
        Ok(self.get(&key).map(|kept| (kept.value, kept.version)))
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        mut value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let key = self.name(key);
        match self.flaw {
            Flaw::Small if value.len() > 60_000 => return Err(StoreError::full("too large")),
            Flaw::NoForever if keep > Duration::from_secs(1 << 40) => {
                return Err(StoreError::unavailable("what is that?"));
            }
            Flaw::TextOnly => value = String::from_utf8_lossy(&value).into_owned().into_bytes(),
            _ => {}
        }
        self.hold(&key).await;
        if self.flaw == Flaw::Lock {
            tokio::task::yield_now().await;
        }
        let before = self.get(&key);
        let holds = match (&before, self.flaw) {
            (Some(_), Flaw::NothingIsAnything) if seen == 0 => true,
            (None, Flaw::AnythingIsNothing) => true,
            (before, _) => before.as_ref().map_or(0, |kept| kept.version) == seen,
        };
        if self.flaw == Flaw::CompareThenSwap {
            tokio::task::yield_now().await;
        }
        if holds {
            let until = match (&before, self.flaw) {
                (Some(before), Flaw::KeepsByTheFirst) => before.until,
                (_, Flaw::KeepsForHalf) => {
                    Instant::now() + keep.min(Duration::from_secs(1 << 30)) / 2
                }
                _ => Instant::now() + keep.min(Duration::from_secs(1 << 30)),
            };
            let version = self.version(before.as_ref(), &value);
            let rest = match self.flaw {
                Flaw::TwoHalves => value.split_off(value.len() / 2),
                _ => Vec::new(),
            };
            let empty = value.is_empty();
            self.inner().kept.insert(
                key.clone(),
                Kept {
                    value,
                    version,
                    until,
                },
            );
            if self.flaw == Flaw::EmptyIsNothing && empty {
                self.inner().kept.remove(&key);
            }
            if self.flaw == Flaw::TwoHalves {
                tokio::task::yield_now().await;
                if let Some(kept) = self
                    .inner()
                    .kept
                    .get_mut(&key)
                    .filter(|kept| kept.version == version)
                {
                    kept.value.extend(rest);
                }
            }
        }
        self.give_back(&key);
        Ok(holds)
    }

    fn peek(&self, key: &[u8; 32]) -> Peek {
        match self.flaw {
            Flaw::PeeksNothing => Peek::Known(None),
            Flaw::None => Peek::Known(
                self.get(&self.name(key))
                    .map(|kept| (kept.value, kept.version)),
            ),
            _ => Peek::Elsewhere,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_flaw_is_found_by_the_cases_that_are_about_it() {
    let table: [(Flaw, &[&str]); 17] = [
        (Flaw::None, &[]),
        (
            Flaw::CompareThenSwap,
            &[
                "of many swaps that have seen nothing, one is told true",
                "of many swaps that have seen the same version, one is told true",
                "no update is lost among many writers",
            ],
        ),
        (
            Flaw::NothingIsAnything,
            &[
                "a swap that has seen nothing changes nothing where something is",
                "of many swaps that have seen nothing, one is told true",
                "an empty value is a value",
            ],
        ),
        (
            Flaw::AnythingIsNothing,
            &["a swap that has seen a version changes nothing where nothing is"],
        ),
        (
            Flaw::CountsFromOne,
            &["a version does not come back after the value has been dropped"],
        ),
        (
            Flaw::VersionOfContent,
            &["a value that returns has another version"],
        ),
        (Flaw::EmptyIsNothing, &["an empty value is a value"]),
        (Flaw::TextOnly, &["any byte may be in a value"]),
        (Flaw::Small, &["a value may have 1 MiB"]),
        (Flaw::ShortKeys, &["keys that differ in one bit are apart"]),
        (
            Flaw::KeepsForGood,
            &[
                "a version does not come back after the value has been dropped",
                "what is over is cleared up",
                "a swap shortens how long a value is kept",
            ],
        ),
        (
            Flaw::KeepsByTheFirst,
            &[
                "a swap lengthens how long a value is kept",
                "a swap shortens how long a value is kept",
            ],
        ),
        (
            Flaw::KeepsForHalf,
            &["what is to be kept is there until then"],
        ),
        (Flaw::NoForever, &["to keep something for ever is no error"]),
        (
            Flaw::Lock,
            &[
                "a swap whose future is dropped has happened as a whole or not at all",
                "nothing waits for a future that was dropped",
            ],
        ),
        (
            Flaw::TwoHalves,
            &[
                "no update is lost among many writers",
                "a swap whose future is dropped has happened as a whole or not at all",
            ],
        ),
        (
            Flaw::PeeksNothing,
            &["what is known at hand is what a load answers"],
        ),
    ];
    let mut wrong = Vec::new();
    for (flaw, expected) in table {
        let backend = Flawed {
            flaw,
            ..Flawed::default()
        };
        let report = report(&backend, Pass::Paused).await;
        let found: Vec<&str> = report.broken().map(Outcome::name).collect();
        if found != expected {
            wrong.push(format!("{flaw:?}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
