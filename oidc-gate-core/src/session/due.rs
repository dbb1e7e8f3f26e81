//! When the tokens of a session are to be renewed.

use super::{StoreKey, TokensNote, entry::Refreshing};
use crate::time::UnixTime;
use std::time::Duration;

/// When tokens are renewed, and how long the right to do so lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshRules {
    ahead: Duration,
    every: Option<Duration>,
}

/// A minute before the access token ends.
impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            ahead: Duration::from_secs(60),
            every: None,
        }
    }
}

/// How long the one who has the right to redeem a refresh token has it: longer than the exchanges of a refresh may take
/// together, so that whoever gets it next does so only because the one before has died.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// As often as a provider can be asked about one session.
const SHORTEST: Duration = Duration::from_secs(10);

/// How far the clocks of replicas may be apart: whoever waits for a lease to end waits so much longer.
pub const CLOCKS: Duration = Duration::from_secs(10);

impl RefreshRules {
    /// The same, renewing access tokens so long before they end, at most half of their life. Requests of one session do not
    /// come together, so sessions are spread over the second half of that time.
    #[must_use]
    pub fn ahead(self, ahead: Duration) -> Self {
        Self { ahead, ..self }
    }

    /// The same, renewing tokens that are older than this too, however long they live: what the provider knows of the user is
    /// then asked as often. A refusal ends the session where sessions are stored or replicas coordinate through a store that they
    /// share; elsewhere it may be another process's doing, and the session goes on without tokens.
    #[must_use]
    pub fn every(self, every: Duration) -> Self {
        Self {
            every: Some(every),
            ..self
        }
    }

    /// What is wrong with them, in words.
    pub fn problem(&self) -> Option<String> {
        let every = self.every.filter(|every| *every < SHORTEST)?;
        Some(format!(
            "every {every:?} is nearly every request; renew tokens every {SHORTEST:?} or less often"
        ))
    }

    /// What is due for tokens of which this is known.
    pub(super) fn judge(
        &self,
        key: &StoreKey,
        generation: u64,
        note: TokensNote,
        refreshing: &Refreshing,
        now: UnixTime,
    ) -> Due {
        let held = refreshing.hold.is_some_and(|hold| now < hold);
        if !note.refreshable || refreshing.lost || held {
            return Due::Nothing;
        }
        let life = note.expires.map(|expires| expires.since(note.obtained));
        let at = |before: Duration| note.expires.map(|expires| expires - before);
        let spare = life.map_or(Duration::ZERO, spare);
        let ahead = life.map_or(Duration::ZERO, |life| self.ahead.min(life / 2));
        let old = self.every.map(|every| note.obtained + every);
        let due = [at(spare), old];
        let soon = at(spare + jitter(key, generation, ahead));
        let is_over = |at: &Option<UnixTime>| at.is_some_and(|at| now >= at);
        if due.iter().any(is_over) {
            Due::Now
        } else if is_over(&soon) {
            Due::Soon
        } else {
            Due::Nothing
        }
    }
}

/// Whether tokens are to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// While the request goes on.
    Soon,
    /// Before they are used.
    Now,
}

/// How long before its end an access token is used no more: on its way it must not run out.
fn spare(life: Duration) -> Duration {
    Duration::from_secs(10).min(life / 4)
}

/// Whether an access token that ends then can be used now.
pub(super) fn is_fresh(note: TokensNote, now: UnixTime) -> bool {
    match note.expires {
        None => true,
        Some(expires) => now < expires - spare(expires.since(note.obtained)),
    }
}

/// Between half of `most` and all of it: the same for all requests and replicas of one session, and another for the next.
fn jitter(key: &StoreKey, generation: u64, most: Duration) -> Duration {
    let [a, b, ..] = *key.as_bytes();
    let spread = u32::from(a ^ generation.to_le_bytes()[0]) << 8 | u32::from(b);
    most / 2 + (most / 2) * spread / 0xFFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_700_000_000 + secs)
    }

    fn judge(rules: RefreshRules, life: Option<u64>, refreshing: Refreshing, now: u64) -> Due {
        let note = TokensNote {
            obtained: at(0),
            expires: life.map(at),
            refreshable: true,
        };
        // The first session there is: no jitter but the half.
        let key = StoreKey::from_bytes([0; 32]);
        rules.judge(&key, 0, note, &refreshing, at(now))
    }

    #[test]
    fn tokens_are_renewed_before_they_end() {
        let rules = RefreshRules::default();
        for (life, now, due) in [
            (Some(3600), 0, Due::Nothing),
            (Some(3600), 3559, Due::Nothing),
            (Some(3600), 3560, Due::Soon),
            (Some(3600), 3589, Due::Soon),
            (Some(3600), 3590, Due::Now),
            (Some(3600), 99_999, Due::Now),
            // Short ones are not renewed in a circle.
            (Some(10), 0, Due::Nothing),
            (Some(10), 4, Due::Nothing),
            (Some(10), 6, Due::Soon),
            (Some(10), 8, Due::Now),
            (Some(0), 0, Due::Now),
            (None, 99_999, Due::Nothing),
        ] {
            let judged = judge(rules, life, Refreshing::default(), now);
            assert_eq!(judged, due, "{life:?} {now}");
        }
    }

    #[test]
    fn sessions_are_spread_over_the_second_half() {
        let most = Duration::from_secs(60);
        let of = |a, b, generation| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[1]) = (a, b);
            jitter(&StoreKey::from_bytes(bytes), generation, most)
        };
        assert_eq!(of(0, 0, 0), Duration::from_secs(30));
        assert_eq!(of(255, 255, 0), most);
        assert_ne!(of(0, 0, 1), of(0, 0, 2));
        assert!((0..=255).all(|a| (Duration::from_secs(30)..=most).contains(&of(a, 9, 3))));
    }

    #[test]
    fn nothing_is_due_while_a_failure_is_held_or_once_the_token_is_lost() {
        let rules = RefreshRules::default();
        let held = Refreshing {
            hold: Some(at(100)),
            ..Refreshing::default()
        };
        assert_eq!(judge(rules, Some(50), held, 99), Due::Nothing);
        assert_eq!(judge(rules, Some(50), held, 100), Due::Now);
        let lost = Refreshing {
            lost: true,
            ..Refreshing::default()
        };
        assert_eq!(judge(rules, Some(50), lost, 100), Due::Nothing);
    }

    #[test]
    fn what_the_provider_knows_is_asked_as_often_as_wanted() {
        let rules = RefreshRules::default().every(Duration::from_secs(600));
        let judged = |life, now| judge(rules, life, Refreshing::default(), now);
        assert_eq!(judged(Some(3600), 599), Due::Nothing);
        assert_eq!(judged(Some(3600), 600), Due::Now);
        assert_eq!(judged(None, 600), Due::Now);
    }

    #[test]
    fn what_would_be_renewed_all_the_time_is_told() {
        let problem = |secs| {
            let every = Duration::from_secs(secs);
            RefreshRules::default().every(every).problem()
        };
        assert_eq!(RefreshRules::default().problem(), None);
        assert_eq!(problem(10), None);
        assert_eq!(
            problem(9).as_deref(),
            Some("every 9s is nearly every request; renew tokens every 10s or less often")
        );
        assert!(problem(0).is_some());
    }
}
