//! The refresh of a session that many requests and replicas want at the same time.
//!
//! A refresh token of a provider that rotates them is good once, and whoever redeems it again may lose all that came of it
//! ([RFC 9700 § 4.14](https://www.rfc-editor.org/rfc/rfc9700#section-4.14)). So one redeems it:
//!
//! 1. *Look.* Whoever finds a newer generation takes it. Whoever finds a lease waits for what comes of it.
//! 2. *Lease.* The right to redeem is written into the entry, and that one more has it: who finds that nobody had it before
//!    knows that what the provider says is about the first redemption.
//! 3. *Ask.* Nothing is sent that could not be answered while the lease holds.
//! 4. *Conclude.* The entry is read again. What is newer there wins. Otherwise the result is written, as the next generation:
//!    a late result of one generation never takes the place of another's.
//!
//! Nothing but a limit, a sign-out, another user in the provider's answer, or `invalid_grant` at what is known to be the first
//! redemption ends a session.

mod conclude;
mod lease;

use super::super::{
    CookieKeys, Session, StoreKey, Tokens,
    due::{CLOCKS, LEASE},
    entry::{Holder, SealedTokens},
};
use super::change::{Update, UpdateError};
use super::{Effect, Machine, Told};
use crate::{
    check::{Check, CheckFailed},
    flow::{Env, Flow, Input, Step},
    login::Refreshed,
    time::UnixTime,
};
use conclude::{Conclude, Concluded, Conclusion, conclusion};
use lease::{From, TakeLease, Taken, Turn};
use std::{fmt, mem, time::Duration};

/// Begins the conversation that redeems a refresh token.
pub trait Redeem: fmt::Debug + Send {
    /// For these tokens of this session. `None` where there is no refresh token among them.
    fn redeem(
        &self,
        session: &Session,
        tokens: &Tokens,
    ) -> Option<Box<dyn Flow<Output = Refreshed> + Send>>;
}

/// What a refresh starts from.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "sessions are kept in one of two places"
)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Base {
    /// The session is stored; the requester has seen this generation of it.
    Stored {
        /// Which.
        generation: u64,
    },
    /// The session is a cookie; the store has what is newer.
    Cookie {
        /// The session that came along.
        session: Session,
        /// Its tokens.
        tokens: Tokens,
    },
}

/// Whether the store knows of every attempt to redeem a token of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it does or it does not")]
pub enum Witness {
    /// It does: all who could redeem one write it there first, and it outlives them.
    Complete,
    /// It is one process's memory, of a session that lives in a cookie: another replica, or the process before this one, may
    /// have redeemed the token. Then `invalid_grant` never says that it was the first attempt.
    ThisProcess,
}

/// What a refresh comes to.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a gate has to decide about each")]
pub enum Outcome {
    /// A newer generation, whoever has got it.
    Renewed(Session, Option<SealedTokens>),
    /// The session goes on as it is.
    Kept(Kept),
    /// It is over.
    Ended(CheckFailed),
}

/// Why a session goes on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a handler that wants a token is told which"
)]
pub enum Kept {
    /// The provider does not answer, or not so that it would help; nobody asks again before then.
    NotNow {
        /// What has failed, if it was this attempt that did.
        failed: Option<CheckFailed>,
        /// Until when nobody asks again.
        until: UnixTime,
    },
    /// Another is at it, and has not come to an end in time.
    Busy,
    /// The store does not answer. Without it nobody may redeem.
    StoreDown,
    /// There is nothing to refresh with, or it is worth nothing any more.
    Lost(Option<CheckFailed>),
}

/// Refreshes a session.
#[derive(Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct RefreshSession {
    keys: CookieKeys,
    key: StoreKey,
    base: Base,
    witness: Witness,
    redeem: Box<dyn Redeem>,
    holder: Holder,
    waited: Duration,
    tries: u32,
    note: Option<CheckFailed>,
    dropped: Option<Tokens>,
    stage: Stage,
    #[cfg(test)]
    pub(super) without: Without,
}

/// What the simulation takes out, to see that it is needed.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Without {
    #[default]
    Nothing,
    /// A result is written whatever generation stands there.
    Fence,
    /// `invalid_grant` ends a session without another look.
    Reread,
    /// A cookie that is not the newest is not told what is.
    Grace,
    /// A login is not asked when it began, so no logout is newer.
    Mark,
    /// A session that has been ended before it began begins.
    Tombstone,
    /// A login is as old as the clock says of whoever began it.
    ClocksApart,
    /// Whoever reads news takes what is listed for all there was.
    Forgotten,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and it changes at every effect"
)]
enum Stage {
    Begin,
    Leasing(Update<TakeLease>),
    /// Until another may have come to an end.
    Waiting,
    Asking(Box<Turn>, Talk),
    Concluding(Box<Concluded>, Update<Conclude>),
    /// Until the store answers again.
    StoreBack(Box<Concluded>),
    Over,
}

/// The conversation with the provider.
struct Talk(Box<dyn Flow<Output = Refreshed> + Send>);

impl fmt::Debug for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Talk")
    }
}

/// How long a request waits between two looks at what another makes of its turn.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl RefreshSession {
    /// How long one that finds another at it waits: as long as a lease holds, and a little.
    pub const PATIENCE: Duration = Duration::from_secs(LEASE.as_secs() + 2 * CLOCKS.as_secs());

    /// For the session under this key. `run` is fresh and tells this run apart from all others.
    pub fn new(
        keys: CookieKeys,
        key: StoreKey,
        base: Base,
        witness: Witness,
        redeem: Box<dyn Redeem>,
        run: [u8; 16],
    ) -> Self {
        Self {
            keys,
            key,
            base,
            witness,
            redeem,
            holder: Holder(run),
            waited: Duration::ZERO,
            tries: 0,
            note: None,
            dropped: None,
            stage: Stage::Begin,
            #[cfg(test)]
            without: Without::Nothing,
        }
    }

    /// Why the identity stayed as it was though there are new tokens, if something went wrong with a new one: for the log.
    pub fn note(&self) -> Option<&CheckFailed> {
        self.note.as_ref()
    }

    /// What the provider has issued for a session that had been ended meanwhile: nobody has it, and nobody has revoked it.
    pub fn take_dropped(&mut self) -> Option<Tokens> {
        self.dropped.take()
    }

    fn lease(&mut self, env: &mut Env<'_>) -> Effect<Outcome> {
        let change = TakeLease {
            keys: self.keys.clone(),
            key: self.key,
            holder: self.holder,
            base: match &self.base {
                Base::Stored { generation } => From::Store(*generation),
                Base::Cookie { session, tokens } => {
                    From::Cookie(Box::new((session.clone(), tokens.clone())))
                }
            },
            #[cfg(test)]
            without: self.without,
        };
        let mut update = Update::of(self.key, change);
        let effect = update.resume(Told::Start, env);
        self.leasing(update, effect, env)
    }

    fn leasing(
        &mut self,
        update: Update<TakeLease>,
        effect: Effect<Result<Taken, UpdateError>>,
        env: &mut Env<'_>,
    ) -> Effect<Outcome> {
        let taken = match pass(effect) {
            Err(effect) => {
                self.stage = Stage::Leasing(update);
                return effect;
            }
            Ok(taken) => taken,
        };
        match taken {
            Ok(Taken::Turn(turn)) => self.ask(turn, env),
            Ok(Taken::Newer(session, tokens)) => Effect::done(Outcome::Renewed(session, tokens)),
            Ok(Taken::Over) => Effect::done(Outcome::Ended(CheckFailed::new(
                Check::SessionEnded,
                "it has ended meanwhile",
            ))),
            Ok(Taken::Held(until)) => Effect::done(Outcome::Kept(Kept::NotNow {
                failed: None,
                until,
            })),
            Ok(Taken::Lost) => Effect::done(Outcome::Kept(Kept::Lost(None))),
            Ok(Taken::Busy) if self.waited < Self::PATIENCE => {
                // Not all at the same moment.
                let wait = LOOK_AGAIN + Duration::from_millis(u64::from(self.holder.0[0]) / 4);
                self.waited += wait;
                self.stage = Stage::Waiting;
                Effect::Flow(Step::Wait(wait))
            }
            Ok(Taken::Busy) => Effect::done(Outcome::Kept(Kept::Busy)),
            // The lease may stand there: then the next look says so.
            Err(UpdateError::Store) if self.tries == 0 => {
                self.tries += 1;
                self.lease(env)
            }
            Err(UpdateError::Store) => Effect::done(Outcome::Kept(Kept::StoreDown)),
            Err(UpdateError::Failed(failed)) => {
                Effect::done(Outcome::Kept(Kept::Lost(Some(failed))))
            }
        }
    }

    fn ask(&mut self, turn: Turn, env: &mut Env<'_>) -> Effect<Outcome> {
        let Some(mut flow) = self.redeem.redeem(&turn.session, &turn.tokens) else {
            return Effect::done(Outcome::Kept(Kept::Lost(None)));
        };
        let step = flow.resume(Input::Start, env);
        self.asking(Box::new(turn), Talk(flow), step, env)
    }

    fn asking(
        &mut self,
        mut turn: Box<Turn>,
        talk: Talk,
        step: Step<Refreshed>,
        env: &mut Env<'_>,
    ) -> Effect<Outcome> {
        let step = match step {
            Step::Send(exchange) if !turn.sent => {
                // After the lease has ended another may redeem the same token.
                if env.now + exchange.deadline > turn.until {
                    return self.lease(env);
                }
                turn.sent = true;
                Step::Send(exchange)
            }
            Step::Send(exchange) => Step::Send(exchange),
            Step::FindKeys(query) => Step::FindKeys(query),
            Step::Sign(input) => Step::Sign(input),
            Step::Wait(time) => Step::Wait(time),
            Step::Done(refreshed) => {
                if let Refreshed::Renewed(renewed) = &refreshed {
                    self.note.clone_from(&renewed.note);
                }
                let what = conclusion(&turn, refreshed);
                let concluded = Concluded {
                    turn: *turn,
                    what,
                    tries: 0,
                };
                return self.conclude(concluded, env);
            }
        };
        self.stage = Stage::Asking(turn, talk);
        Effect::Flow(step)
    }

    fn conclude(&mut self, concluded: Concluded, env: &mut Env<'_>) -> Effect<Outcome> {
        let change = Conclude {
            keys: self.keys.clone(),
            key: self.key,
            holder: self.holder,
            in_cookie: matches!(self.base, Base::Cookie { .. }),
            witness: self.witness,
            concluded: concluded.clone(),
            #[cfg(test)]
            without: self.without,
        };
        let mut update = Update::of(self.key, change);
        let effect = update.resume(Told::Start, env);
        self.concluding(Box::new(concluded), update, effect)
    }

    fn concluding(
        &mut self,
        mut concluded: Box<Concluded>,
        update: Update<Conclude>,
        effect: Effect<Result<Outcome, UpdateError>>,
    ) -> Effect<Outcome> {
        match pass(effect) {
            Err(effect) => {
                self.stage = Stage::Concluding(concluded, update);
                effect
            }
            Ok(Ok(outcome)) => {
                if let (Outcome::Ended(_), Conclusion::Renewed(_, tokens)) =
                    (&outcome, concluded.what)
                {
                    self.dropped = Some(tokens);
                }
                Effect::done(outcome)
            }
            Ok(Err(UpdateError::Store)) if concluded.tries < concluded.what.offers() => {
                concluded.tries += 1;
                let wait = Duration::from_millis(250 << concluded.tries.min(2));
                self.stage = Stage::StoreBack(concluded);
                Effect::Flow(Step::Wait(wait))
            }
            Ok(Err(_)) => Effect::done(self.unwritten(*concluded)),
        }
    }

    /// What is left where the store has not taken the result: those who wait have it, and nobody else will.
    fn unwritten(&self, concluded: Concluded) -> Outcome {
        let Conclusion::Renewed(session, tokens) = concluded.what else {
            return Outcome::Kept(Kept::StoreDown);
        };
        let sealed = SealedTokens::seal(&tokens, &self.keys, &self.key, session.generation());
        Outcome::Renewed(session, sealed.ok())
    }
}

/// The effect of a machine inside of this one, or what it has come to.
#[expect(clippy::result_large_err, reason = "it is handed on at once")]
fn pass<T>(effect: Effect<T>) -> Result<T, Effect<Outcome>> {
    match effect {
        Effect::Flow(Step::Done(output)) => Ok(output),
        Effect::Load(key) => Err(Effect::Load(key)),
        Effect::Swap(swap) => Err(Effect::Swap(swap)),
        Effect::Flow(Step::Wait(time)) => Err(Effect::Flow(Step::Wait(time))),
        Effect::Flow(Step::Send(exchange)) => Err(Effect::Flow(Step::Send(exchange))),
        Effect::Flow(Step::FindKeys(query)) => Err(Effect::Flow(Step::FindKeys(query))),
        Effect::Flow(Step::Sign(input)) => Err(Effect::Flow(Step::Sign(input))),
    }
}

impl Machine for RefreshSession {
    type Output = Outcome;

    fn resume(&mut self, told: Told, env: &mut Env<'_>) -> Effect<Outcome> {
        match (mem::replace(&mut self.stage, Stage::Over), told) {
            (Stage::Begin, Told::Start) | (Stage::Waiting, Told::Flow(Input::Elapsed)) => {
                self.lease(env)
            }
            (Stage::Leasing(mut update), told) => {
                let effect = update.resume(told, env);
                self.leasing(update, effect, env)
            }
            (Stage::Asking(turn, mut talk), Told::Flow(input)) => {
                let step = talk.0.resume(input, env);
                self.asking(turn, talk, step, env)
            }
            (Stage::Concluding(concluded, mut update), told) => {
                let effect = update.resume(told, env);
                self.concluding(concluded, update, effect)
            }
            (Stage::StoreBack(concluded), Told::Flow(Input::Elapsed)) => {
                self.conclude(*concluded, env)
            }
            // What was not asked.
            _ => Effect::done(Outcome::Kept(Kept::Busy)),
        }
    }
}
