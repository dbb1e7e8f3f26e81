//! Who has been signed out, and must not be recognised any more.

use super::{
    book::{Book, Held, Invariant, Life},
    setting::CLOCKS_DIFFER,
};
use crate::session::{CLOCKS, StoreKey};

/// Whom a logout of the provider is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) user: Option<usize>,
    pub(super) sid: Option<usize>,
}

impl Whose {
    pub(super) fn is_about(self, user: usize, sid: Option<usize>) -> bool {
        self.user.is_none_or(|of| of == user) && self.sid.is_none_or(|of| sid == Some(of))
    }
}

/// A logout that replicas have heard of.
#[derive(Clone, Copy, Debug)]
struct Heard {
    whose: Whose,
    /// When one of them last did something about it.
    last: u64,
}

/// A logout that a replica has said to be done.
#[derive(Clone, Copy, Debug)]
struct Over {
    whose: Whose,
    /// When it had come there: what began before is over.
    came: u64,
    since: u64,
}

#[derive(Debug, Default)]
pub(super) struct Logouts {
    heard: Vec<Heard>,
    over: Vec<Over>,
}

impl Logouts {
    /// Since when nobody may be recognised by a session whose login began then.
    fn since(&self, user: usize, sid: Option<usize>, begun: u64) -> Option<u64> {
        let of = |over: &&Over| over.whose.is_about(user, sid) && begun < over.came;
        self.over.iter().filter(of).map(|over| over.since).min()
    }
}

impl Book {
    /// A replica is at a logout.
    pub(super) fn hears(&mut self, whose: Whose, now: u64) {
        let heard = &mut self.logouts.heard;
        match heard.iter_mut().find(|heard| heard.whose == whose) {
            Some(heard) => heard.last = now,
            None => heard.push(Heard { whose, last: now }),
        }
    }

    /// A replica is about to end a session because of a logout.
    pub(super) fn is_to_end(&mut self, whose: Whose, key: &StoreKey) -> Held {
        let at = self.life_of(key).expect("it has begun");
        let life = &mut self.lives[at];
        life.let_go = true;
        if whose.is_about(life.user, life.sid) {
            return Ok(());
        }
        Invariant::LoggedOut.broken(format!("session {at} is ended by the logout of {whose:?}"))
    }

    /// A replica has said that a logout is done, of which it was told at `came`.
    pub(super) fn logged_out(&mut self, whose: Whose, came: u64, now: u64) {
        let since = now;
        self.logouts.over.push(Over { whose, came, since });
        for life in &mut self.lives {
            if whose.is_about(life.user, life.sid) && life.begun < came {
                life.is_gone(now);
            }
        }
    }

    /// Since when nobody may be recognised by a session that begins now.
    pub(super) fn gone_before(&self, user: usize, sid: Option<usize>, begun: u64) -> Option<u64> {
        self.logouts.since(user, sid, begun)
    }

    /// A login was refused because the provider had ended its user's session.
    pub(super) fn refused(&self, user: usize, sid: Option<usize>, begun: u64) -> Held {
        // A login is taken for older than a logout if it may be.
        let apart = CLOCKS.as_secs() * 1000;
        let may = |heard: &Heard| {
            // Of two users' logouts by one `sid` there is one mark, which is everybody's.
            let whose = match heard.whose.sid {
                Some(_) => Whose {
                    user: None,
                    ..heard.whose
                },
                None => heard.whose,
            };
            whose.is_about(user, sid) && begun < heard.last + CLOCKS_DIFFER + apart
        };
        if self.logouts.heard.iter().any(may) {
            return Ok(());
        }
        Invariant::LoggedOut.broken(format!(
            "user {user} ({sid:?}), whose login began at {begun}, was refused for no logout"
        ))
    }

    /// A request that came then was answered as that of whoever has this session.
    pub(super) fn recognised(&self, at: usize, came: u64) -> Held {
        match self.lives[at].gone {
            // What happens in one millisecond happens in any order.
            Some(gone) if came > gone => Invariant::LoggedOut.broken(format!(
                "session {at} was over at {gone}, and was recognised at {came}"
            )),
            _ => Ok(()),
        }
    }
}

impl Life {
    /// No request that comes from now on is recognised by it.
    pub(super) fn is_gone(&mut self, now: u64) {
        self.gone = Some(self.gone.map_or(now, |before| before.min(now)));
    }
}
