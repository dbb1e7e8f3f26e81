//! Changes of one value: read, decide, write unless somebody else has, and then again.

use super::super::{
    CookieKeys, SealedBy, Session, StoreKey, Swap, Tokens,
    due::CLOCKS,
    entry::{Entry, Live},
};
use super::{Effect, Machine, Told};
use crate::{check::CheckFailed, flow::Env, time::UnixTime};
use std::time::Duration;

/// What a change makes of what it finds.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it writes or it does not")]
pub enum Applied<T> {
    /// It writes.
    Write {
        /// This.
        bytes: Vec<u8>,
        /// To be kept for so long, by the clock of whoever writes.
        keep: Duration,
        /// What comes of it once it is written.
        then: T,
    },
    /// It has nothing to write.
    Nothing(T),
}

/// A change of the value under one key. It is applied again to whatever is found after somebody else has written, so it
/// decides from what it finds and from nothing before.
pub trait Change {
    /// What comes of it.
    type Output;

    /// Decides what to write in the place of what was found.
    ///
    /// # Errors
    ///
    /// If that cannot be written, whatever the store does.
    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Self::Output>, CheckFailed>;
}

/// How often a change is applied again because somebody else has written. Each time somebody has got on, so more would mean
/// that dozens do at once.
const MAX_TRIES: u32 = 64;

/// Applies a change to the value under a key.
#[derive(Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Update<C: Change> {
    key: StoreKey,
    change: C,
    tries: u32,
    stage: Stage<C::Output>,
}

#[derive(Debug)]
enum Stage<T> {
    Begin,
    Loading,
    Swapping(T),
    Over,
}

/// Why a change was not made, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The store has not answered. The change may have been made, and to make it again is harmless.
    Store,
    /// It cannot be made, whatever the store does.
    Failed(CheckFailed),
}

impl<C: Change> Update<C> {
    /// This change of what stands under this key.
    pub fn of(key: StoreKey, change: C) -> Self {
        Self {
            key,
            change,
            tries: 0,
            stage: Stage::Begin,
        }
    }
}

#[cfg(test)]
impl<C: Change> Update<C> {
    /// The change alone, for a test that has no store.
    pub(super) fn into_parts(self) -> (StoreKey, C) {
        (self.key, self.change)
    }
}

impl<C: Change> Machine for Update<C> {
    type Output = Result<C::Output, UpdateError>;

    fn resume(&mut self, told: Told, env: &mut Env<'_>) -> Effect<Self::Output> {
        match (std::mem::replace(&mut self.stage, Stage::Over), told) {
            (Stage::Begin, Told::Start) => {
                self.stage = Stage::Loading;
                Effect::Load(self.key)
            }
            (Stage::Loading, Told::Loaded(Ok(found))) => {
                let bytes = found.as_ref().map(|found| &found.bytes[..]);
                match self.change.apply(bytes, env.now) {
                    Err(failed) => Effect::done(Err(UpdateError::Failed(failed))),
                    Ok(Applied::Nothing(output)) => Effect::done(Ok(output)),
                    Ok(Applied::Write { bytes, keep, then }) => {
                        self.stage = Stage::Swapping(then);
                        Effect::Swap(Swap {
                            key: self.key,
                            seen: found.map_or(0, |found| found.version),
                            bytes,
                            // By a clock that is behind it still counts.
                            keep: keep + CLOCKS,
                        })
                    }
                }
            }
            (Stage::Swapping(output), Told::Swapped(Ok(true))) => Effect::done(Ok(output)),
            (Stage::Swapping(_), Told::Swapped(Ok(false))) if self.tries < MAX_TRIES => {
                self.tries += 1;
                self.stage = Stage::Loading;
                Effect::Load(self.key)
            }
            // The store has not answered, or others do not let up; or this was not asked.
            _ => Effect::done(Err(UpdateError::Store)),
        }
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it was made, or there was nothing to make"
)]
pub enum Changed {
    /// It was made.
    Yes,
    /// There was nothing to change.
    No,
}

/// Opens what stands there. What does not open is another's, or of a key that is not known yet: it is left alone.
fn entry(keys: &CookieKeys, key: &StoreKey, found: Option<&[u8]>) -> Option<(Entry, SealedBy)> {
    Entry::open(keys, key, found?)
}

fn write<T>(
    entry: &Entry,
    keys: &CookieKeys,
    key: &StoreKey,
    keep: Duration,
    then: T,
) -> Result<Applied<T>, CheckFailed> {
    let bytes = entry.seal(keys, key)?;
    Ok(Applied::Write { bytes, keep, then })
}

/// Writes down that a stored session is used.
#[derive(Debug)]
pub struct Touch {
    keys: CookieKeys,
    key: StoreKey,
}

impl Touch {
    /// For the session under this key.
    pub fn of(keys: &CookieKeys, key: StoreKey) -> Update<Self> {
        let keys = keys.clone();
        Update::of(key, Self { keys, key })
    }
}

impl Change for Touch {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        let Some((Entry::Live(live), _)) = entry(&self.keys, &self.key, found) else {
            return Ok(Applied::Nothing(Changed::No));
        };
        let Some(session) = live.session.as_ref().filter(|session| session.seen() < now) else {
            return Ok(Applied::Nothing(Changed::No));
        };
        let session = Some(session.touched(now));
        let keep = live.until.since(now);
        let touched = Entry::Live(Live { session, ..live });
        write(&touched, &self.keys, &self.key, keep, Changed::Yes)
    }
}

/// Seals a stored session anew, if an older key has sealed it.
#[derive(Debug)]
pub struct Reseal {
    keys: CookieKeys,
    key: StoreKey,
}

impl Reseal {
    /// For the session under this key.
    pub fn of(keys: &CookieKeys, key: StoreKey) -> Update<Self> {
        let keys = keys.clone();
        Update::of(key, Self { keys, key })
    }
}

impl Change for Reseal {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        match entry(&self.keys, &self.key, found) {
            Some((Entry::Live(live), SealedBy::Older)) => {
                let keep = live.until.since(now);
                write(
                    &Entry::Live(live),
                    &self.keys,
                    &self.key,
                    keep,
                    Changed::Yes,
                )
            }
            Some((Entry::Ended { until }, SealedBy::Older)) => {
                let ended = Entry::Ended { until };
                write(
                    &ended,
                    &self.keys,
                    &self.key,
                    until.since(now),
                    Changed::Yes,
                )
            }
            Some((_, SealedBy::First)) | None => Ok(Applied::Nothing(Changed::No)),
        }
    }
}

/// Ends a session for good: whatever is under way with it, nothing brings it back.
#[derive(Debug)]
pub struct End {
    keys: CookieKeys,
    key: StoreKey,
    until: UnixTime,
}

impl End {
    /// For the session under this key, of which nothing can be left after `until`.
    pub fn of(keys: &CookieKeys, key: StoreKey, until: UnixTime) -> Update<Self> {
        let keys = keys.clone();
        Update::of(key, Self { keys, key, until })
    }
}

impl Change for End {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        let until = match entry(&self.keys, &self.key, found) {
            Some((Entry::Ended { until }, _)) if until >= self.until => {
                return Ok(Applied::Nothing(Changed::No));
            }
            Some((Entry::Ended { until }, _)) => until.max(self.until),
            Some((Entry::Live(live), _)) => live.until.max(self.until),
            None => self.until,
        };
        let ended = Entry::Ended { until };
        write(
            &ended,
            &self.keys,
            &self.key,
            until.since(now),
            Changed::Yes,
        )
    }
}

/// Ends a session as [`End`] does, and says what stood there until then. That is known at the write itself, so no refresh
/// gets lost between the two.
#[derive(Debug)]
pub struct EndAndTake(End);

/// What a store had of a session that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Last {
    /// Whether this has changed something.
    pub changed: Changed,
    /// What stood there.
    pub before: Before,
}

/// What stood in a store of a session before it was ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it lived, or not, or nobody knew")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Before {
    /// Nothing that can be read. A session in a cookie is as its cookie says.
    Nothing,
    /// It lived.
    Live {
        /// The session; not there where its cookie has the same.
        session: Option<Session>,
        /// Its tokens, likewise.
        tokens: Option<Tokens>,
    },
    /// It had ended.
    Over,
}

impl EndAndTake {
    /// For the session under this key, of which nothing can be left after `until`.
    pub fn of(keys: &CookieKeys, key: StoreKey, until: UnixTime) -> Update<Self> {
        let keys = keys.clone();
        Update::of(key, Self(End { keys, key, until }))
    }
}

impl Change for EndAndTake {
    type Output = Last;

    fn apply(&mut self, found: Option<&[u8]>, now: UnixTime) -> Result<Applied<Last>, CheckFailed> {
        let before = match entry(&self.0.keys, &self.0.key, found) {
            None => Before::Nothing,
            Some((Entry::Ended { .. }, _)) => Before::Over,
            Some((Entry::Live(live), _)) if now >= live.ends => Before::Over,
            Some((Entry::Live(live), _)) => Before::Live {
                tokens: live.tokens.and_then(|sealed| sealed.open(&self.0.keys)),
                session: live.session,
            },
        };
        let last = |changed| Last { changed, before };
        Ok(match self.0.apply(found, now)? {
            Applied::Nothing(changed) => Applied::Nothing(last(changed)),
            Applied::Write { bytes, keep, then } => Applied::Write {
                bytes,
                keep,
                then: last(then),
            },
        })
    }
}

/// Lets a session that another has taken the place of live on for requests that are under way.
#[derive(Debug)]
pub struct Outlive {
    keys: CookieKeys,
    key: StoreKey,
    ends: UnixTime,
    grace: Duration,
}

impl Outlive {
    /// For the session under this key, which would have ended at `ends`.
    pub fn of(keys: &CookieKeys, key: StoreKey, ends: UnixTime, grace: Duration) -> Update<Self> {
        let keys = keys.clone();
        let change = Self {
            keys,
            key,
            ends,
            grace,
        };
        Update::of(key, change)
    }
}

impl Change for Outlive {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        let soon = now + self.grace;
        let live = match entry(&self.keys, &self.key, found) {
            Some((Entry::Live(live), _)) => live,
            Some((Entry::Ended { .. }, _)) => return Ok(Applied::Nothing(Changed::No)),
            // What does not open is not overwritten either: it may be a whole session.
            None if found.is_some() => return Ok(Applied::Nothing(Changed::No)),
            None => Live::empty(self.ends),
        };
        if live.ends <= soon && found.is_some() {
            return Ok(Applied::Nothing(Changed::No));
        }
        let ends = live.ends.min(soon);
        // A cookie of it may come until it would have ended, and is to be known for what it is.
        let until = live.until.max(self.ends);
        let session = live.session.map(|session| session.ending(soon));
        let over = Entry::Live(Live {
            ends,
            until,
            session,
            ..live
        });
        let keep = until.since(now);
        write(&over, &self.keys, &self.key, keep, Changed::Yes)
    }
}

/// Notes that a browser has brought the newest cookie, and a minute later lets go of what that has: of a refresh only that it
/// has been stays. Not at once, because requests and responses with the cookie before may be on their way.
#[derive(Debug)]
pub struct Settle {
    keys: CookieKeys,
    key: StoreKey,
    generation: u64,
}

impl Settle {
    /// For the session under this key, whose cookie has this generation.
    pub fn of(keys: &CookieKeys, session: &Session) -> Update<Self> {
        let change = Self {
            keys: keys.clone(),
            key: session.key(),
            generation: session.generation(),
        };
        Update::of(session.key(), change)
    }
}

impl Change for Settle {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        match entry(&self.keys, &self.key, found) {
            Some((Entry::Live(live), _))
                if live.generation <= self.generation && live.is_unsettled(now) =>
            {
                if live.brought.is_none() {
                    let keep = live.until.since(now);
                    let brought = Entry::Live(Live {
                        brought: Some(now),
                        ..live
                    });
                    return write(&brought, &self.keys, &self.key, keep, Changed::Yes);
                }
                let keep = live.until.since(now);
                let settled = Entry::Live(Live {
                    session: None,
                    tokens: None,
                    ..live
                });
                write(&settled, &self.keys, &self.key, keep, Changed::Yes)
            }
            _ => Ok(Applied::Nothing(Changed::No)),
        }
    }
}

/// Does something once: of all who try with the same key, one is told [`Changed::Yes`].
#[derive(Debug)]
pub struct Once {
    until: UnixTime,
    by: [u8; 16],
}

impl Once {
    /// For what has this key, until then. `by` is fresh and tells this try apart from others: one whose answer was lost is
    /// told the same again.
    pub fn of(what: &str, name: &[u8], until: UnixTime, by: [u8; 16]) -> Update<Self> {
        Update::of(StoreKey::of(what, &[name]), Self { until, by })
    }

    /// By whom it was done, if what stands there is still of use.
    fn done_by(found: &[u8], now: UnixTime) -> Option<&[u8]> {
        let (until, by) = found.split_first_chunk::<8>()?;
        (UnixTime::from_secs(u64::from_le_bytes(*until)) > now).then_some(by)
    }

    /// Whether what stands there says that it was done.
    pub(super) fn is_done(found: &[u8], now: UnixTime) -> bool {
        Self::done_by(found, now).is_some()
    }
}

impl Change for Once {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        if let Some(by) = found.and_then(|found| Self::done_by(found, now)) {
            let ours = by == self.by;
            return Ok(Applied::Nothing(if ours {
                Changed::Yes
            } else {
                Changed::No
            }));
        }
        let mut bytes = self.until.as_secs().to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.by);
        Ok(Applied::Write {
            bytes,
            keep: self.until.since(now),
            then: Changed::Yes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Entropy, EntropyUnavailable};

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    #[derive(Debug)]
    struct Sealing;

    impl Entropy for Sealing {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
            out.fill(7);
            Ok(())
        }
    }

    #[test]
    fn what_has_ended_is_remembered_until_no_replica_takes_it_for_alive() {
        let keys = CookieKeys::ephemeral();
        let hour = Duration::from_secs(3600);
        let mut end = End::of(&keys, StoreKey::from_bytes([3; 32]), NOW + hour);
        let mut tell = |told| {
            let env = &mut Env {
                now: NOW,
                entropy: &mut Sealing,
            };
            end.resume(told, env)
        };
        tell(Told::Start);
        let Effect::Swap(swap) = tell(Told::Loaded(Ok(None))) else {
            panic!("it is written down");
        };
        assert_eq!(swap.keep, hour + CLOCKS);
    }
}
