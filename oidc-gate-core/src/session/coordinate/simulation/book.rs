//! What has really happened, which no replica knows, and what must never be the case.

use super::{
    gone::Logouts,
    log_in::Attempt,
    provider::{Answer, Came, Good},
    setting::{Keeping, Rotation, Setting},
    world::World,
};
use crate::{
    check::Check,
    session::{
        CookieKeys, StoreKey,
        entry::{Entry, Holder, Refreshing},
    },
    time::UnixTime,
};
use std::{collections::BTreeMap, fmt};

/// What holds in every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    /// 1. Each refresh token is redeemed once, unless nobody could learn what had come of it.
    RedeemedOnce,
    /// 2. Nobody is logged out but by a limit, a sign-out, `invalid_grant` to the first redemption, or another user's name.
    StaysSignedIn,
    /// 3. A crash costs at most the session whose redemption was in flight.
    OneSessionPerCrash,
    /// 4. No request sees another user's identity or token.
    OwnIdentity,
    /// 5. Nothing newer is overwritten, no two results are of one generation, and nothing comes alive again.
    NewestStands,
    /// 6. Once nothing fails any more, every session that is not lost gets a fresh token.
    Recovers,
    /// 7. Where neither the provider nor the store failed, nothing is lost.
    NothingLost,
    /// 8. What was listed is in the list, and what was done once was not done twice.
    Listed,
    /// 9. Nobody is recognised by a session that was signed out, here or at the provider, or that another has taken the place
    ///    of, once that was said to be done: also if it had not begun then, and its login had. No logout ends another's.
    LoggedOut,
    /// 10. An open connection learns of the end of its session: when its replica next reads after it was told, and at the
    ///     latest when it looks after it unasked.
    Learns,
}

/// What is not as it must be.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) invariant: Invariant,
    pub(super) what: String,
}

pub(super) type Held = Result<(), Broken>;

impl Invariant {
    pub(super) fn broken(self, what: impl Into<String>) -> Held {
        Err(Broken {
            invariant: self,
            what: what.into(),
        })
    }
}

/// Why nobody could learn what came of a redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// The process that had sent it died before it was written down.
    Crash,
    /// There was no answer, not in time, or none that anybody could read.
    AnswerLost,
    /// Whoever had sent it was stalled, or its store did not answer, for longer than the lease.
    Slow,
    /// It was in the memory of a process that died.
    Memory,
}

/// A session, from the login to its end.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) user: usize,
    pub(super) browser: usize,
    pub(super) key: StoreKey,
    /// When its login began.
    pub(super) begun: u64,
    /// In which session at the provider.
    pub(super) sid: Option<usize>,
    /// Since when nobody may be recognised by it, although it has not come to a limit.
    pub(super) gone: Option<u64>,
    /// In milliseconds, as all times here.
    pub(super) ends: u64,
    pub(super) used: u64,
    /// A sign-out or another login has begun to end it.
    pub(super) let_go: bool,
    /// It has been ended, with reason.
    pub(super) ended: bool,
    pub(super) memory_lost: bool,
    /// Its user's list has it.
    pub(super) listed: bool,
    entry: Option<Seen>,
    redemptions: Vec<Redemption>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    generation: u64,
    by: Holder,
    ends: u64,
    ended: bool,
    /// What would be lost with it.
    holds: bool,
    at: u64,
}

#[derive(Debug)]
struct Redemption {
    token: String,
    generation: u64,
    run: usize,
    committed: Option<u64>,
    fault: Option<Fault>,
}

/// What is known of a run, also after its end.
#[derive(Debug, Default)]
pub(super) struct Note {
    pub(super) slow: bool,
    pub(super) dead: bool,
    pub(super) refreshes: bool,
    lease: u64,
    generation: u64,
    may_end: bool,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) lives: Vec<Life>,
    by_key: BTreeMap<StoreKey, usize>,
    pub(super) notes: Vec<Note>,
    holders: BTreeMap<[u8; 16], usize>,
    pub(super) exceptions: BTreeMap<Fault, u64>,
    pub(super) redemptions: u64,
    /// How many were told that they have done what is done once.
    pub(super) races_won: u64,
    pub(super) logouts: Logouts,
}

impl Book {
    pub(super) fn begins(&mut self, login: &Attempt, key: StoreKey, now: u64, ends: u64) {
        let Attempt {
            browser,
            user,
            sid,
            begun,
            ..
        } = *login;
        let gone = self.gone_before(user, sid, begun);
        self.by_key.insert(key, self.lives.len());
        self.lives.push(Life {
            user,
            browser,
            key,
            begun,
            sid,
            gone,
            ends,
            used: now,
            let_go: false,
            ended: false,
            memory_lost: false,
            listed: false,
            entry: None,
            redemptions: Vec::new(),
        });
    }

    pub(super) fn life_of(&self, key: &StoreKey) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    pub(super) fn life(&mut self, key: &StoreKey) -> Option<&mut Life> {
        let life = self.life_of(key)?;
        self.lives.get_mut(life)
    }

    /// A run begins.
    pub(super) fn runs(&mut self, holder: Option<[u8; 16]>) -> usize {
        let run = self.notes.len();
        self.notes.push(Note::default());
        if let Some(holder) = holder {
            self.holders.insert(holder, run);
        }
        run
    }

    /// A store has taken a value.
    pub(super) fn written(
        &mut self,
        keys: &CookieKeys,
        run: usize,
        (key, bytes): (&StoreKey, &[u8]),
        now: u64,
    ) -> Held {
        let Some(at) = self.life_of(key) else {
            return Ok(());
        };
        let Some((entry, _)) = Entry::open(keys, key, bytes) else {
            return Invariant::NewestStands.broken("what was written does not open");
        };
        let life = &mut self.lives[at];
        // What has come to its limit is forgotten, and whoever was slow may note it anew: it is over all the same.
        let before = life.entry.filter(|_| now < life.ends);
        // A process that comes again knows of a session what a cookie says, perhaps one that was to end soon: no longer than that
        // does it know better than the cookie before.
        let before = before
            .filter(|it| !life.memory_lost || now < World::when(UnixTime::from_secs(it.ends)));
        let live = match entry {
            Entry::Ended { until } => {
                let note = &self.notes[run];
                // Memory that is lost takes along that the token has been redeemed.
                if note.refreshes && !note.may_end && !life.memory_lost {
                    return Invariant::StaysSignedIn
                        .broken(format!("session {at} was ended by run {run}"));
                }
                life.ended = true;
                let none = Seen {
                    generation: 0,
                    by: Holder::default(),
                    ends: until.as_secs(),
                    ended: true,
                    holds: true,
                    at: now,
                };
                life.entry = Some(Seen {
                    ended: true,
                    at: now,
                    ..before.unwrap_or(none)
                });
                return Ok(());
            }
            Entry::Live(live) => live,
        };
        let seen = Seen {
            generation: live.generation,
            by: live.by,
            ends: live.ends.as_secs(),
            ended: false,
            holds: live.session.is_some() || live.refreshing != Refreshing::default(),
            at: now,
        };
        if let Some(before) = before {
            let broken = |what: &str| {
                let what = format!("session {at}, run {run}: {what}: {before:?} became {seen:?}");
                Invariant::NewestStands.broken(what)
            };
            if before.ended {
                return broken("an ended session lives again");
            }
            if seen.generation < before.generation {
                return broken("a generation went back");
            }
            if seen.generation == before.generation && seen.by != before.by {
                return broken("two results claim one generation");
            }
            if seen.ends > before.ends {
                return broken("it ends later than it did");
            }
        }
        if let Some(session) = &live.session
            && session.generation() != live.generation
        {
            return Invariant::NewestStands.broken(format!(
                "session {at}: generation {} is kept as {}",
                session.generation(),
                live.generation
            ));
        }
        life.entry = Some(seen);
        if let Some(lease) = live.refreshing.lease
            && let Some(holder) = self.holders.get(&lease.holder.0)
            && *holder == run
        {
            (self.notes[run].lease, self.notes[run].generation) = (now, live.generation);
        }
        let by = self.holders.get(&live.by.0).copied();
        if before.is_none_or(|before| before.by != live.by)
            && let Some(run) = by
        {
            for redemption in life.redemptions.iter_mut().filter(|one| one.run == run) {
                redemption.committed.get_or_insert(now);
            }
        }
        Ok(())
    }

    /// A refresh token has come to the provider. `lost` if its answer will not be learnt.
    pub(super) fn presented(
        &mut self,
        run: usize,
        answer: &Answer,
        lost: bool,
        setting: &Setting,
    ) -> Held {
        let note = &mut self.notes[run];
        if answer.came == Came::Worthless && !lost {
            note.may_end = true;
        }
        if answer.came == Came::Worthless {
            return Ok(());
        }
        let (lease, generation) = (note.lease, note.generation);
        let fault = match (note.dead, lost) {
            (true, _) => Some(Fault::Crash),
            (false, true) => Some(Fault::AnswerLost),
            (false, false) => None,
        };
        let life = &mut self.lives[answer.login];
        let rotates = setting.rotation != Rotation::Never;
        let same = |one: &&mut Redemption| {
            one.token == answer.token && (rotates || one.generation == generation)
        };
        if let Some(first) = life.redemptions.iter_mut().rev().find(same) {
            let (token, owner) = (&answer.token, first.run);
            let written = first.committed.is_some_and(|at| at <= lease);
            if written && !life.memory_lost {
                return Invariant::RedeemedOnce.broken(format!(
                    "{token} was redeemed by run {owner}, which had written the result down, and by run {run}"
                ));
            }
            if first.fault.is_none() && lost && lease < self.notes[owner].lease {
                // It was on its way for longer than anybody waits for the answer.
                first.fault = Some(Fault::AnswerLost);
            }
            if first.fault.is_none() && life.memory_lost {
                first.fault = Some(Fault::Memory);
            }
            if first.fault.is_none() && self.notes[owner].slow {
                first.fault = Some(Fault::Slow);
            }
            match first.fault {
                Some(fault) if !setting.faults.is_calm() => {
                    *self.exceptions.entry(fault).or_default() += 1;
                }
                _ => {
                    return Invariant::RedeemedOnce.broken(format!(
                        "{token} was redeemed by run {owner} and by run {run}"
                    ));
                }
            }
        }
        if answer.came == Came::Redeemed {
            self.redemptions += 1;
            life.redemptions.push(Redemption {
                token: answer.token.clone(),
                generation,
                run,
                committed: None,
                fault,
            });
        }
        Ok(())
    }

    /// The provider has told a run that its token is about somebody else.
    pub(super) fn another_user(&mut self, run: usize) {
        self.notes[run].may_end = true;
    }

    /// A run has died with its process.
    pub(super) fn died(&mut self, run: usize) {
        self.notes[run].dead = true;
        self.unwritten(run, Fault::Crash);
    }

    /// A run has come to an end without having written down what it got.
    pub(super) fn finished(&mut self, run: usize) {
        if self.notes[run].slow {
            self.unwritten(run, Fault::Slow);
        }
    }

    fn unwritten(&mut self, run: usize, fault: Fault) {
        for redemption in self.lives.iter_mut().flat_map(|life| &mut life.redemptions) {
            if redemption.run == run && redemption.committed.is_none() {
                redemption.fault.get_or_insert(fault);
            }
        }
    }

    /// The process has died in whose memory it was what is newer than the cookie of this session.
    pub(super) fn forgotten(&mut self, at: usize, now: u64) {
        let life = &mut self.lives[at];
        // Nobody else knows who has signed out.
        life.gone = None;
        if let Some(seen) = life.entry.take() {
            // A response with an older cookie may still be on its way.
            life.memory_lost |= seen.holds || seen.ended || now < seen.at + 60_000;
        }
    }

    /// Whether a session may have lost its tokens.
    fn is_excused(&self, at: usize, good: Good) -> bool {
        let life = &self.lives[at];
        let any = |one: &Redemption| {
            one.fault.is_some() || self.notes[one.run].slow && one.committed.is_none()
        };
        // A late response may have put the cookie of a session beside the tokens of the one that took its place.
        life.let_go || life.memory_lost || good != Good::Yes || life.redemptions.iter().any(any)
    }

    /// A request was told that nothing is left to refresh the session with.
    pub(super) fn lost(&self, at: usize, good: Good, setting: &Setting) -> Held {
        if self.is_excused(at, good) {
            return Ok(());
        }
        let invariant = match setting.faults.crash {
            0 => Invariant::NothingLost,
            _ => Invariant::OneSessionPerCrash,
        };
        invariant.broken(format!("session {at} has lost its tokens for nothing"))
    }

    /// A request was told that its session is over.
    pub(super) fn over(&self, at: usize, check: Check, now: u64, setting: &Setting) -> Held {
        let life = &self.lives[at];
        // Clocks differ by nine seconds, and know whole ones.
        let expired = now + 15_000 >= life.ends;
        let idle = u64::try_from(setting.limits.idle().as_millis()).unwrap_or(u64::MAX);
        let fine = match check {
            _ if life.let_go || expired => true,
            Check::SessionEnded => life.ended,
            // A response that is lost had the newest use in it, and one that is late an older one.
            Check::SessionIdle => {
                !setting.faults.is_calm()
                    || setting.keeping != Keeping::Store
                    || now - life.used >= idle / 10 * 9 - 61_000
            }
            Check::SessionUnknown => life.memory_lost,
            _ => false,
        };
        if fine {
            return Ok(());
        }
        Invariant::StaysSignedIn.broken(format!("session {at} was over for a request: {check:?}"))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}
