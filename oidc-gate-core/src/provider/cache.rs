//! When to use what is known and when to ask the provider again: the rule of a cache that many requests share.
//!
//! This is the rule alone. Whoever performs it holds a [`Cache`], asks it, does what the [`Decision`] says and reports
//! what came of it. It sees to it that one fetch runs at a time.
//!
//! 1. What is fresh is used. For [`REFRESH_BEHIND_FOR`] after that it is used too, while it is fetched again behind the
//!    request. What is older is fetched first: after a quiet night a withdrawn key must not pass, nor a login go to an
//!    endpoint that has moved ([RFC 5861](https://www.rfc-editor.org/rfc/rfc5861) has both times).
//! 2. A key that is not known is worth a fetch: the provider may have just begun to use it. But anybody can send a token
//!    with a made-up key name, so there is at most one such fetch in [`MIN_INTERVAL`]. Only a fetch of this kind counts:
//!    an ordinary one a moment ago does not keep a rotated key away. Whoever comes while it runs waits for it.
//! 3. When a fetch fails, the next one waits: a second at first, then twice as long each time, up to 30 seconds. What
//!    is known is used meanwhile, for [`STALE_FOR`] at most.

use super::Fetched;
use crate::check::CheckFailed;
use crate::time::UnixTime;
use std::{sync::Arc, time::Duration};

/// At least this long between two fetches for a key that is not known.
pub const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// For this long after it stopped being fresh, nobody waits for a new value.
pub const REFRESH_BEHIND_FOR: Duration = Duration::from_secs(5 * 60);
/// For this long after it stopped being fresh, a value is used if no new one can be had.
pub const STALE_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest wait after a failure.
const MAX_BACK_OFF: Duration = Duration::from_secs(30);

/// What is known: metadata, or keys, or anything else that a provider publishes.
#[derive(Debug)]
pub struct Cache<T> {
    held: Option<Held<T>>,
    last: Attempt,
    /// When the last fetch for a key that is not known began.
    looked_again: Option<UnixTime>,
}

#[derive(Debug)]
struct Held<T> {
    value: Arc<T>,
    loaded_at: UnixTime,
    fresh_until: UnixTime,
    /// From here on a new value is fetched before this one is used.
    late_from: UnixTime,
    stale_until: UnixTime,
}

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self {
            held: self.held.clone(),
            last: self.last.clone(),
            looked_again: self.looked_again,
        }
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            ..*self
        }
    }
}

/// The last fetch.
#[derive(Clone, Debug)]
enum Attempt {
    None,
    Running {
        since: UnixTime,
        reason: Reason,
        /// How many in a row had failed before it.
        failures: u32,
    },
    Succeeded,
    Failed {
        at: UnixTime,
        failures: u32,
        why: CheckFailed,
    },
}

/// What a fetch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a fetch is one kind or the other, and only one of them is limited"
)]
pub enum Reason {
    /// Nothing is known, or what is known is stale or in doubt.
    Ordinary,
    /// What is known does not have what was looked for.
    Unknown,
}

/// What to do. Exhaustive on purpose.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks has to handle each")]
pub enum Decision<T> {
    /// Use this. If it does not have what was looked for, it is not to be had now.
    UseHeld(Arc<T>),
    /// Use this, and fetch a new one, for [`Reason::Ordinary`], without waiting for it.
    UseHeldAndRefresh(Arc<T>),
    /// Fetch for this reason, or wait for the fetch that is running, then ask again. If that fails for
    /// [`Reason::Ordinary`], ask again too: what is held may do.
    Fetch(Reason),
    /// There is nothing to use, and the last fetch failed a moment ago.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// Why the fetch failed.
        why: CheckFailed,
    },
}

impl<T> Cache<T> {
    /// A cache that knows nothing.
    pub fn new() -> Self {
        Self {
            held: None,
            last: Attempt::None,
            looked_again: None,
        }
    }

    /// What to do for a request that needs a value of which `suits` is true: `|_| true` for any, or
    /// [`|keys| keys.answers(&query)`](crate::jose::JwkSet::answers).
    ///
    /// Changes nothing. Before a fetch is sent, [`begin`](Self::begin) has to be called under the lock that makes the
    /// fetch the only one, after asking once more under it.
    pub fn decide(&self, now: UnixTime, suits: impl FnOnce(&T) -> bool) -> Decision<T> {
        match self.held.as_ref().filter(|held| now < held.stale_until) {
            None => self.without_value(now),
            Some(held) => {
                let value = held.value.clone();
                if !suits(&value) {
                    return match self.may_look_again(now) {
                        true => Decision::Fetch(Reason::Unknown),
                        false => Decision::UseHeld(value),
                    };
                }
                let late = now >= held.late_from;
                match self.last {
                    _ if held.is_fresh(now) => Decision::UseHeld(value),
                    // Whoever fetches it brings it for all.
                    Attempt::Running { .. } if late => Decision::Fetch(Reason::Ordinary),
                    _ if !self.may_refresh(now) => Decision::UseHeld(value),
                    _ if late => Decision::Fetch(Reason::Ordinary),
                    _ => Decision::UseHeldAndRefresh(value),
                }
            }
        }
    }

    /// A fetch is being sent.
    pub fn begin(&mut self, now: UnixTime, reason: Reason) {
        if reason == Reason::Unknown {
            self.looked_again = Some(now);
        }
        self.last = Attempt::Running {
            since: now,
            reason,
            failures: self.failures(),
        };
    }

    /// The fetch brought this.
    pub fn loaded(&mut self, now: UnixTime, fetched: Fetched<T>) -> Arc<T> {
        let value = Arc::new(fetched.value);
        let fresh_until = now + fetched.fresh_for;
        self.held = Some(Held {
            value: value.clone(),
            loaded_at: now,
            fresh_until,
            late_from: fresh_until + REFRESH_BEHIND_FOR,
            stale_until: fresh_until + STALE_FOR,
        });
        self.last = Attempt::Succeeded;
        value
    }

    /// The fetch failed. What is held stays. Returns how long to wait before the next one.
    pub fn failed(&mut self, now: UnixTime, why: CheckFailed) -> Duration {
        let failures = self.failures().saturating_add(1);
        self.last = Attempt::Failed {
            at: now,
            failures,
            why,
        };
        back_off(failures)
    }

    /// What is known may be outdated: something went wrong that a change at the provider would explain. It is fetched
    /// before it is used again, unless it was fetched within [`MIN_INTERVAL`]; if it cannot be had, it stays in use.
    pub fn doubt(&mut self, now: UnixTime) {
        if let Some(held) = &mut self.held
            && passed(held.loaded_at, MIN_INTERVAL, now)
        {
            held.fresh_until = held.fresh_until.min(now);
            held.late_from = held.late_from.min(now);
        }
    }

    /// What is known, if it is fresh.
    pub fn fresh(&self, now: UnixTime) -> Option<&Arc<T>> {
        let held = self.held.as_ref().filter(|held| held.is_fresh(now));
        held.map(|held| &held.value)
    }

    /// What is known, be it fresh or not.
    pub fn held(&self) -> Option<&Arc<T>> {
        self.held.as_ref().map(|held| &held.value)
    }

    /// How many fetches in a row have failed.
    fn failures(&self) -> u32 {
        match self.last {
            Attempt::Running { failures, .. } | Attempt::Failed { failures, .. } => failures,
            Attempt::None | Attempt::Succeeded => 0,
        }
    }

    fn without_value(&self, now: UnixTime) -> Decision<T> {
        match &self.last {
            Attempt::Failed { at, failures, why } if !passed(*at, back_off(*failures), now) => {
                Decision::Unavailable {
                    retry_after: (*at + back_off(*failures)).since(now),
                    why: why.clone(),
                }
            }
            _ => Decision::Fetch(Reason::Ordinary),
        }
    }

    /// Whether an unknown key is worth a fetch now, or worth waiting for the one that is looking for it.
    fn may_look_again(&self, now: UnixTime) -> bool {
        let due = self
            .looked_again
            .is_none_or(|then| passed(then, MIN_INTERVAL, now));
        match self.last {
            Attempt::Running {
                reason: Reason::Unknown,
                ..
            } => true,
            Attempt::None | Attempt::Succeeded | Attempt::Running { .. } => due,
            Attempt::Failed { at, failures, .. } => due && passed(at, back_off(failures), now),
        }
    }

    /// Whether a stale value is worth a fetch now. A fetch that has been running for [`MIN_INTERVAL`] was given up.
    fn may_refresh(&self, now: UnixTime) -> bool {
        match self.last {
            Attempt::None | Attempt::Succeeded => true,
            Attempt::Running { since, .. } => passed(since, MIN_INTERVAL, now),
            Attempt::Failed { at, failures, .. } => passed(at, back_off(failures), now),
        }
    }
}

impl<T> Held<T> {
    /// A clock that was put back must not make a value live longer.
    fn is_fresh(&self, now: UnixTime) -> bool {
        (self.loaded_at..self.fresh_until).contains(&now)
    }
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether `wait` has passed since `then`. If the clock was put back, it counts as passed: waiting for the old time to
/// come again could take for ever.
fn passed(then: UnixTime, wait: Duration, now: UnixTime) -> bool {
    now < then || now >= then + wait
}

/// 1, 2, 4, 8, 16, 30, 30 … seconds.
fn back_off(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(5)).min(MAX_BACK_OFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Check;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_700_000_000 + secs)
    }

    /// A set that holds exactly one key name.
    fn set(kid: &'static str) -> Fetched<&'static str> {
        Fetched::new(kid, HOUR)
    }

    fn down() -> CheckFailed {
        CheckFailed::new(Check::ProviderUnreachable, "down")
    }

    /// What is decided, as text.
    fn decide(cache: &Cache<&'static str>, secs: u64, kid: Option<&str>) -> String {
        match cache.decide(at(secs), |held| kid.is_none_or(|kid| kid == *held)) {
            Decision::UseHeld(held) => format!("use {held}"),
            Decision::UseHeldAndRefresh(held) => format!("use {held}, refresh"),
            Decision::Fetch(Reason::Ordinary) => "fetch".into(),
            Decision::Fetch(Reason::Unknown) => "look again".into(),
            Decision::Unavailable { retry_after, why } => {
                format!("{} for {} s", why.cause(), retry_after.as_secs())
            }
        }
    }

    fn loaded() -> Cache<&'static str> {
        let mut cache = Cache::new();
        cache.begin(at(0), Reason::Ordinary);
        cache.loaded(at(0), set("a"));
        cache
    }

    #[test]
    fn what_is_fresh_is_used() {
        let cache = loaded();
        for secs in [0, 1, 3599] {
            assert_eq!(decide(&cache, secs, None), "use a");
            assert_eq!(decide(&cache, secs, Some("a")), "use a");
        }
        assert_eq!(**cache.held().unwrap(), "a");
    }

    #[test]
    fn what_is_not_there_is_fetched() {
        let cache = Cache::new();
        assert_eq!(decide(&cache, 0, None), "fetch");
        assert_eq!(decide(&cache, 0, Some("a")), "fetch");
        assert!(cache.held().is_none());
    }

    #[test]
    fn what_is_stale_is_used_and_refreshed_once() {
        let mut cache = loaded();
        assert_eq!(decide(&cache, 3600, None), "use a, refresh");
        cache.begin(at(3600), Reason::Ordinary);
        assert_eq!(decide(&cache, 3600, None), "use a");
        assert_eq!(decide(&cache, 3605, Some("a")), "use a");
        cache.loaded(at(3605), set("b"));
        assert_eq!(decide(&cache, 3605, None), "use b");
    }

    #[test]
    fn what_has_been_stale_for_long_is_fetched_before_it_is_used() {
        let mut cache = loaded();
        assert_eq!(decide(&cache, 3600 + 299, None), "use a, refresh");
        assert_eq!(decide(&cache, 3600 + 300, None), "fetch");
        assert_eq!(decide(&cache, 3600 + 300, Some("a")), "fetch");
        cache.begin(at(3900), Reason::Ordinary);
        // Others wait for it.
        assert_eq!(decide(&cache, 3901, None), "fetch");
        cache.failed(at(3902), down());
        assert_eq!(decide(&cache, 3902, None), "use a");
        assert_eq!(decide(&cache, 3903, None), "fetch");
        cache.begin(at(3903), Reason::Ordinary);
        cache.loaded(at(3904), set("b"));
        assert_eq!(decide(&cache, 3904, None), "use b");
        assert_eq!(decide(&cache, 3904, Some("a")), "look again");
    }

    #[test]
    fn what_is_in_doubt_is_fetched_before_it_is_used_once_in_an_interval() {
        let mut cache = loaded();
        cache.doubt(at(29));
        assert_eq!(decide(&cache, 29, None), "use a");
        cache.doubt(at(30));
        assert_eq!(decide(&cache, 30, None), "fetch");
        cache.begin(at(30), Reason::Ordinary);
        cache.failed(at(31), down());
        assert_eq!(decide(&cache, 31, None), "use a");
        cache.begin(at(32), Reason::Ordinary);
        cache.loaded(at(32), set("b"));
        cache.doubt(at(61));
        assert_eq!(decide(&cache, 61, None), "use b");
        // Doubt takes nothing away, and gives nothing longer.
        cache.doubt(at(62));
        cache.failed(at(62), down());
        let end = 32 + 3600 + STALE_FOR.as_secs();
        cache.failed(at(end - 1), down());
        assert_eq!(decide(&cache, end - 1, None), "use b");
        assert_eq!(decide(&cache, end + 30, None), "fetch");
        let mut cache = Cache::<&str>::new();
        cache.doubt(at(0));
        assert_eq!(decide(&cache, 0, None), "fetch");
    }

    #[test]
    fn what_is_fresh_is_told_from_what_is_held() {
        let mut cache = loaded();
        assert_eq!(cache.fresh(at(3599)).map(|held| **held), Some("a"));
        assert_eq!(cache.fresh(at(3600)), None);
        cache.doubt(at(60));
        assert_eq!(cache.fresh(at(60)), None);
        assert!(cache.held().is_some());
    }

    #[test]
    fn a_refresh_that_was_given_up_is_made_again() {
        let mut cache = loaded();
        cache.begin(at(3600), Reason::Ordinary);
        assert_eq!(decide(&cache, 3629, None), "use a");
        assert_eq!(decide(&cache, 3630, None), "use a, refresh");
    }

    #[test]
    fn a_provider_that_is_down_does_not_take_away_what_is_known_for_a_day() {
        let mut cache = loaded();
        let end = 3600 + STALE_FOR.as_secs();
        cache.begin(at(end - 2), Reason::Ordinary);
        cache.failed(at(end - 1), down());
        assert_eq!(decide(&cache, end - 1, None), "use a");
        assert_eq!(decide(&cache, end, None), "fetch");
        cache.failed(at(end), down());
        assert_eq!(decide(&cache, end, None), "down for 2 s");
    }

    #[test]
    fn failures_are_waited_out_longer_each_time() {
        let mut cache = Cache::<&str>::new();
        let mut now = 0;
        for wait in [1, 2, 4, 8, 16, 30, 30, 30] {
            assert_eq!(decide(&cache, now, None), "fetch");
            cache.begin(at(now), Reason::Ordinary);
            cache.failed(at(now), down());
            assert_eq!(decide(&cache, now, None), format!("down for {wait} s"));
            assert_eq!(decide(&cache, now + wait - 1, Some("a")), "down for 1 s");
            now += wait;
        }
        cache.begin(at(now), Reason::Ordinary);
        cache.loaded(at(now), set("a"));
        assert_eq!(decide(&cache, now, None), "use a");
        // A success is the end of the series.
        let later = now + 3600;
        cache.begin(at(later), Reason::Ordinary);
        cache.failed(at(later), down());
        assert_eq!(decide(&cache, later, None), "use a");
        assert_eq!(decide(&cache, later + 1, None), "use a, refresh");
    }

    #[test]
    fn a_key_rotated_right_after_the_first_load_is_looked_for() {
        assert_eq!(decide(&loaded(), 0, Some("b")), "look again");
    }

    #[test]
    fn an_unknown_key_is_looked_for_once_in_the_interval() {
        let mut cache = loaded();
        assert_eq!(decide(&cache, 5, Some("b")), "look again");
        cache.begin(at(5), Reason::Unknown);
        cache.loaded(at(6), set("b"));
        assert_eq!(decide(&cache, 6, Some("b")), "use b");
        assert_eq!(decide(&cache, 34, Some("c")), "use b");
        assert_eq!(decide(&cache, 35, Some("c")), "look again");
    }

    #[test]
    fn an_ordinary_fetch_neither_begins_nor_ends_the_interval() {
        let mut cache = loaded();
        cache.begin(at(3600), Reason::Unknown);
        cache.loaded(at(3600), set("a"));
        cache.begin(at(3610), Reason::Ordinary);
        cache.loaded(at(3610), set("a"));
        assert_eq!(decide(&cache, 3629, Some("b")), "use a");
        assert_eq!(decide(&cache, 3630, Some("b")), "look again");
    }

    #[test]
    fn whoever_looks_for_an_unknown_key_waits_for_the_fetch_that_does() {
        let mut cache = loaded();
        cache.begin(at(5), Reason::Unknown);
        assert_eq!(decide(&cache, 6, Some("b")), "look again");
        assert_eq!(decide(&cache, 6, Some("a")), "use a");
        cache.loaded(at(7), set("a"));
        assert_eq!(decide(&cache, 7, Some("b")), "use a");
    }

    #[test]
    fn an_unknown_key_does_not_cut_a_wait_after_failures_short() {
        let mut cache = loaded();
        for secs in [3600, 3601, 3603] {
            cache.begin(at(secs), Reason::Ordinary);
            cache.failed(at(secs), down());
        }
        assert_eq!(decide(&cache, 3606, Some("b")), "use a");
        assert_eq!(decide(&cache, 3607, Some("b")), "look again");
    }

    #[test]
    fn a_thousand_unknown_keys_cause_one_fetch_in_an_interval() {
        for brings in [Ok(()), Err(())] {
            let mut cache = loaded();
            let mut fetches = vec![];
            for i in 0..3000_u64 {
                let secs = 100 + i * 90 / 3000;
                let kid = format!("made-up-{i}");
                if decide(&cache, secs, Some(&kid)) == "look again" {
                    fetches.push(secs);
                    cache.begin(at(secs), Reason::Unknown);
                    match brings {
                        Ok(()) => drop(cache.loaded(at(secs), set("a"))),
                        Err(()) => _ = cache.failed(at(secs), down()),
                    }
                }
                // Whoever has a real key is served all the while.
                assert_eq!(decide(&cache, secs, Some("a")), "use a");
            }
            assert_eq!(fetches, [100, 130, 160]);
        }
    }

    #[test]
    fn a_clock_that_is_put_back_neither_blocks_nor_keeps() {
        let mut cache = Cache::new();
        cache.begin(at(10_000), Reason::Ordinary);
        cache.loaded(at(10_000), set("a"));
        assert_eq!(decide(&cache, 0, None), "use a, refresh");
        cache.begin(at(10_000), Reason::Unknown);
        cache.loaded(at(10_000), set("a"));
        assert_eq!(decide(&cache, 0, Some("b")), "look again");
        let mut cache = Cache::<&str>::new();
        cache.failed(at(10_000), down());
        assert_eq!(decide(&cache, 0, None), "fetch");
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        let mut cache = Cache::new();
        let end = UnixTime::from_secs(u64::MAX);
        cache.begin(end, Reason::Ordinary);
        cache.failed(end, down());
        cache.loaded(end, Fetched::new("a", Duration::MAX));
        let _ = cache.decide(end, |_| false);
    }
}
