//! The right to redeem a refresh token: who has it, or what there is instead of it.

use super::super::super::{
    CookieKeys, Session, StoreKey, Tokens,
    due::{CLOCKS, LEASE},
    entry::{Entry, Holder, Lease, Live, SealedTokens},
};
use super::super::change::{Applied, Change};
#[cfg(test)]
use super::Without;
use crate::{
    check::{Check, CheckFailed},
    time::UnixTime,
};

/// The right to redeem.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) generation: u64,
    pub(super) session: Session,
    pub(super) tokens: Tokens,
    pub(super) until: UnixTime,
    pub(super) sent: bool,
}

/// What a machine finds when it wants its turn.
#[derive(Debug)]
pub(super) enum Taken {
    Turn(Turn),
    Newer(Session, Option<SealedTokens>),
    Busy,
    Held(UnixTime),
    Lost,
    Over,
}

/// Where the session is that is to be refreshed.
#[derive(Clone, Debug)]
pub(super) enum From {
    Store(u64),
    Cookie(Box<(Session, Tokens)>),
}

#[derive(Debug)]
pub(super) struct TakeLease {
    pub(super) keys: CookieKeys,
    pub(super) key: StoreKey,
    pub(super) holder: Holder,
    pub(super) base: From,
    #[cfg(test)]
    pub(super) without: Without,
}

impl TakeLease {
    /// The session and its tokens, of the newest generation there is; or what there is instead of a turn.
    #[expect(clippy::result_large_err, reason = "it is handed on at once")]
    fn newest(&self, live: &Live) -> Result<(Session, Tokens), Taken> {
        match &self.base {
            From::Store(seen) => {
                let Some(session) = &live.session else {
                    return Err(Taken::Over);
                };
                if live.generation > *seen {
                    return Err(Taken::Newer(session.clone(), live.tokens.clone()));
                }
                let tokens = live
                    .tokens
                    .as_ref()
                    .and_then(|tokens| tokens.open(&self.keys));
                Ok((session.clone(), tokens.ok_or(Taken::Lost)?))
            }
            From::Cookie(base) => {
                let (session, tokens) = &**base;
                #[cfg(test)]
                if self.without == Without::Grace {
                    return Ok((session.clone(), tokens.clone()));
                }
                if live.generation > session.generation() {
                    return Err(match &live.session {
                        Some(newer) => Taken::Newer(newer.clone(), live.tokens.clone()),
                        // The browser has had the newer one, and does not have it any more.
                        None => Taken::Lost,
                    });
                }
                Ok((session.clone(), tokens.clone()))
            }
        }
    }
}

impl Change for TakeLease {
    type Output = Taken;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Taken>, CheckFailed> {
        let is_ours = |lease: &Lease| lease.holder == self.holder;
        let entry = match (
            found.map(|bytes| Entry::open(&self.keys, &self.key, bytes)),
            &self.base,
        ) {
            (Some(Some((entry, _))), _) => entry,
            (None, From::Cookie(base)) => Entry::Live(Live::empty(base.0.ends())),
            (None, From::Store(_)) => return Ok(Applied::Nothing(Taken::Over)),
            (Some(None), _) => {
                let cause =
                    "what the store has of the session does not open with the keys there are";
                return Err(CheckFailed::new(Check::SessionUnreadable, cause));
            }
        };
        let Entry::Live(mut live) = entry else {
            return Ok(Applied::Nothing(Taken::Over));
        };
        if now >= live.ends {
            return Ok(Applied::Nothing(Taken::Over));
        }
        let (session, tokens) = match self.newest(&live) {
            Ok(newest) => newest,
            Err(instead) => return Ok(Applied::Nothing(instead)),
        };
        // What is known of a generation before is not about this one.
        if live.generation < session.generation() {
            live = Live {
                generation: session.generation(),
                until: live.until,
                ..Live::empty(live.ends)
            };
        }
        let refreshing = &mut live.refreshing;
        let until = now + LEASE;
        let turn = |until| Turn {
            generation: session.generation(),
            session: session.clone(),
            tokens: tokens.clone(),
            until,
            sent: false,
        };
        match refreshing.lease {
            // The write whose answer was lost, or one that has to be prolonged because nothing was sent in time.
            Some(lease) if is_ours(&lease) && now + LEASE / 2 < lease.until => {
                return Ok(Applied::Nothing(Taken::Turn(turn(lease.until))));
            }
            Some(lease) if is_ours(&lease) => {}
            Some(lease) if now < lease.until + CLOCKS => return Ok(Applied::Nothing(Taken::Busy)),
            _ if refreshing.lost => return Ok(Applied::Nothing(Taken::Lost)),
            _ => {
                if let Some(hold) = refreshing.hold.filter(|hold| now < *hold) {
                    return Ok(Applied::Nothing(Taken::Held(hold)));
                }
                refreshing.attempts = refreshing.attempts.saturating_add(1);
            }
        }
        refreshing.lease = Some(Lease {
            holder: self.holder,
            until,
        });
        let keep = live.until.since(now);
        let bytes = Entry::Live(live).seal(&self.keys, &self.key)?;
        Ok(Applied::Write {
            bytes,
            keep,
            then: Taken::Turn(turn(until)),
        })
    }
}
