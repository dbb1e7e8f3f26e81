//! What came of a redemption, and how it is written down.

use super::super::super::{
    CookieKeys, Session, StoreKey, Tokens,
    entry::{Entry, Holder, Live, Refreshing, SealedTokens},
};
use super::super::change::{Applied, Change};
#[cfg(test)]
use super::Without;
use super::{Kept, Outcome, Witness, lease::Turn};
use crate::{
    check::{Check, CheckFailed},
    login::{Refreshed, Spent},
    time::UnixTime,
};
use std::time::Duration;

/// What came of it, to be written down.
#[derive(Clone, Debug)]
pub(super) struct Concluded {
    pub(super) turn: Turn,
    pub(super) what: Conclusion,
    pub(super) tries: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Conclusion {
    /// The next generation.
    Renewed(Session, Tokens),
    /// `invalid_grant`.
    Refused(CheckFailed),
    /// It is over, whoever had a turn before.
    Over(CheckFailed),
    /// The refresh token is used up and nothing came of it.
    Spent(CheckFailed),
    /// It may have been used up, or not; later again.
    Perhaps(CheckFailed, Option<Duration>),
    /// It has not been used.
    Unused(CheckFailed, Option<Duration>),
}

/// How often the result of a redemption is offered to a store that does not answer: for about eight minutes, which is more than
/// most wait for when they shut down. What is not
/// written down then is lost with this process.
const OFFERS: u32 = 480;

impl Conclusion {
    /// How often it is worth offering: what is lost with it cannot be had again, the rest can.
    pub(super) fn offers(&self) -> u32 {
        match self {
            Self::Renewed(..) => OFFERS,
            _ => 1,
        }
    }
}

/// What the provider's answer means for whoever had this turn.
pub(super) fn conclusion(turn: &Turn, refreshed: Refreshed) -> Conclusion {
    match refreshed {
        Refreshed::Renewed(renewed) => {
            let tokens = turn.tokens.renewed(&renewed.tokens, renewed.requested_at);
            let sid = renewed.provider_session.as_deref();
            let session = turn.session.renewed(&tokens, renewed.identity, sid);
            let session = match renewed.session_expiry {
                Some(end) => session.ending(end),
                None => session,
            };
            Conclusion::Renewed(session, tokens)
        }
        Refreshed::Refused(failed) => Conclusion::Refused(failed),
        Refreshed::AnotherUser(failed) => Conclusion::Over(failed),
        Refreshed::NotRenewed {
            failed,
            token,
            retry_after,
        } => match token {
            Spent::Yes => Conclusion::Spent(failed),
            Spent::Perhaps => Conclusion::Perhaps(failed, retry_after),
            Spent::No => Conclusion::Unused(failed, retry_after),
        },
    }
}

#[derive(Debug)]
pub(super) struct Conclude {
    pub(super) keys: CookieKeys,
    pub(super) key: StoreKey,
    pub(super) holder: Holder,
    pub(super) in_cookie: bool,
    pub(super) witness: Witness,
    pub(super) concluded: Concluded,
    #[cfg(test)]
    pub(super) without: Without,
}

impl Conclude {
    fn write(
        &self,
        entry: &Entry,
        keep: Duration,
        then: Outcome,
    ) -> Result<Applied<Outcome>, CheckFailed> {
        let bytes = entry.seal(&self.keys, &self.key)?;
        Ok(Applied::Write { bytes, keep, then })
    }

    /// Without the turn's generation there is nothing to conclude about.
    fn is_past(&self, live: &Live) -> bool {
        #[cfg(test)]
        if self.without == Without::Fence {
            return false;
        }
        live.generation != self.concluded.turn.generation
    }

    fn over(
        &self,
        live: &Live,
        failed: &CheckFailed,
        now: UnixTime,
    ) -> Result<Applied<Outcome>, CheckFailed> {
        let ended = Entry::Ended { until: live.until };
        self.write(
            &ended,
            live.until.since(now),
            Outcome::Ended(failed.clone()),
        )
    }

    fn renewed(
        &self,
        mut live: Live,
        session: &Session,
        tokens: &Tokens,
        ours: bool,
        now: UnixTime,
    ) -> Result<Applied<Outcome>, CheckFailed> {
        // Others may have used the session meanwhile.
        let seen = live.session.as_ref().map_or(session.seen(), Session::seen);
        let session = session.touched(seen).ending(live.ends);
        live.generation = session.generation();
        live.by = self.holder;
        // Whoever has the right to redeem by now may have shown the token before this one again, and a provider then revokes
        // what came of it: so the next refusal says nothing about the user.
        live.refreshing = Refreshing {
            attempts: u32::from(!ours),
            ..Refreshing::default()
        };
        live.brought = None;
        live.ends = session.ends();
        let sealed = SealedTokens::seal(tokens, &self.keys, &self.key, live.generation)?;
        live.session = Some(session.clone());
        live.tokens = Some(sealed.clone());
        let keep = live.until.since(now);
        let then = Outcome::Renewed(session, Some(sealed));
        self.write(&Entry::Live(live), keep, then)
    }

    fn later(
        &self,
        mut live: Live,
        failed: &CheckFailed,
        retry_after: Option<Duration>,
        now: UnixTime,
    ) -> Result<Applied<Outcome>, CheckFailed> {
        let refreshing = &mut live.refreshing;
        refreshing.lease = None;
        refreshing.failures = refreshing.failures.saturating_add(1);
        let until = now + pause(refreshing.failures, retry_after, self.holder);
        refreshing.hold = Some(until);
        let keep = live.until.since(now);
        let then = Outcome::Kept(Kept::NotNow {
            failed: Some(failed.clone()),
            until,
        });
        self.write(&Entry::Live(live), keep, then)
    }

    fn lost(
        &self,
        mut live: Live,
        failed: &CheckFailed,
        now: UnixTime,
    ) -> Result<Applied<Outcome>, CheckFailed> {
        live.refreshing.lease = None;
        live.refreshing.lost = true;
        let keep = live.until.since(now);
        let then = Outcome::Kept(Kept::Lost(Some(failed.clone())));
        self.write(&Entry::Live(live), keep, then)
    }
}

impl Change for Conclude {
    type Output = Outcome;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Outcome>, CheckFailed> {
        let turn = &self.concluded.turn;
        let opened = found.map(|bytes| Entry::open(&self.keys, &self.key, bytes));
        let live = match opened {
            Some(Some((Entry::Live(live), _))) => live,
            // Memory that was lost meanwhile: what was in it is in the turn.
            None if self.in_cookie => Live {
                generation: turn.generation,
                ..Live::empty(turn.session.ends())
            },
            Some(Some((Entry::Ended { .. }, _))) | None => {
                let ended = CheckFailed::new(Check::SessionEnded, "it has ended meanwhile");
                return Ok(Applied::Nothing(Outcome::Ended(ended)));
            }
            Some(None) => return Ok(Applied::Nothing(Outcome::Kept(Kept::StoreDown))),
        };
        let ours = live
            .refreshing
            .lease
            .is_some_and(|lease| lease.holder == self.holder);
        #[cfg(test)]
        if let (Without::Reread, Conclusion::Refused(failed)) = (self.without, &self.concluded.what)
        {
            return self.over(&live, &failed.clone(), now);
        }
        if self.is_past(&live) {
            return Ok(Applied::Nothing(match live.session {
                Some(session) => Outcome::Renewed(session, live.tokens),
                None => Outcome::Kept(Kept::Lost(None)),
            }));
        }
        match &self.concluded.what.clone() {
            Conclusion::Renewed(session, tokens) => self.renewed(live, session, tokens, ours, now),
            Conclusion::Over(failed) => self.over(&live, failed, now),
            // Another has the right to redeem now, and will say what comes of it.
            _ if !ours => Ok(Applied::Nothing(Outcome::Kept(Kept::Busy))),
            Conclusion::Refused(failed)
                if live.refreshing.attempts <= 1 && self.witness == Witness::Complete =>
            {
                self.over(&live, failed, now)
            }
            // Whoever had a turn before may have redeemed it, and its result is gone: that is no word about the user.
            Conclusion::Refused(failed) | Conclusion::Spent(failed) => self.lost(live, failed, now),
            Conclusion::Perhaps(failed, retry_after) => self.later(live, failed, *retry_after, now),
            Conclusion::Unused(failed, retry_after) => {
                let mut live = live;
                live.refreshing.attempts = live.refreshing.attempts.saturating_sub(1);
                self.later(live, failed, *retry_after, now)
            }
        }
    }
}

/// How long nobody asks again after so many failures: five seconds, then twice as long each time up to two minutes, and not
/// everybody at the same moment; or as long as the provider says, up to an hour
/// ([RFC 9110 § 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
fn pause(failures: u32, retry_after: Option<Duration>, holder: Holder) -> Duration {
    let doubled = Duration::from_secs(5 << failures.saturating_sub(1).min(5));
    let own = doubled.min(Duration::from_secs(120));
    let spread = own / 4 * u32::from(holder.0[1]) / 255;
    let said = retry_after
        .unwrap_or_default()
        .min(Duration::from_secs(3600));
    (own + spread).max(said)
}
