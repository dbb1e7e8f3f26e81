//! Sessions at the provider, and its logouts.

use super::{
    super::{Changed, End, Listed, LogOut, Marks, UpdateError},
    book::Held,
    gone::Whose,
    job::{Done, Job},
    provider,
    request::For,
    setting::Keeping,
    world::{Event, World},
};
use crate::{
    logout::{LoggedOut, LogoutOf},
    session::StoreKey,
};

/// A logout that the provider sends, until it is told that it is done, or thinks better of it.
#[derive(Debug)]
pub(super) struct Sent {
    whose: Whose,
    times: u32,
    done: bool,
}

/// How often it sends one.
const TIMES: u32 = 6;

/// A replica that has been told of a logout.
#[derive(Clone, Debug)]
pub(super) struct Hearing {
    pub(super) logout: usize,
    came: u64,
    again: Again,
    left: Vec<Listed>,
    ended: Vec<StoreKey>,
    failed: bool,
}

/// What the store did not answer to is done once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Yes,
    No,
}

impl World {
    /// Who is signed in at the provider in this browser: of the user in front of it.
    pub(super) fn at_provider(&mut self, browser: usize, user: usize) -> Option<usize> {
        if !self.setting.sids {
            return None;
        }
        let there = self.browsers[browser].at_provider;
        let there = there
            .filter(|(whose, _)| *whose == user)
            .map(|(_, sid)| sid);
        // At times it has forgotten.
        let sid = there.filter(|_| self.dice.chance(900)).unwrap_or_else(|| {
            self.sids += 1;
            self.sids
        });
        self.browsers[browser].at_provider = Some((user, sid));
        Some(sid)
    }

    /// After so long, the provider ends the session that a browser has there now, or all of its user.
    pub(super) fn provider_ends(&mut self, browser: usize, after: u64) {
        if self.setting.keeping == Keeping::Memory {
            // Nobody could find the sessions: where they are in cookies alone, no gate is built that hears of logouts.
            return;
        }
        let whose = match (self.browsers[browser].at_provider, self.dice.below(5)) {
            (Some((user, _)), 0) => (Some(user), None),
            (Some((_, sid)), 1 | 2) => (None, Some(sid)),
            // Of somebody who does not have that session.
            (Some((user, sid)), 3) if self.dice.chance(100) => (Some(user + 1), Some(sid)),
            (Some((user, sid)), _) => (Some(user), Some(sid)),
            (None, _) => (Some(self.browsers[browser].user), None),
        };
        let (user, sid) = whose;
        let id = self.logouts.len();
        self.logouts.push(Sent {
            whose: Whose { user, sid },
            times: 0,
            done: false,
        });
        self.after(after, Event::LogOut(id));
    }

    /// The provider sends a logout to one of the replicas.
    pub(super) fn sends_logout(&mut self, id: usize) -> Held {
        let again = self.dice.chance(150);
        let sent = &mut self.logouts[id];
        if sent.times == TIMES || sent.done && !again {
            return Ok(());
        }
        sent.times += 1;
        let whose = sent.whose;
        for browser in &mut self.browsers {
            browser.at_provider =
                (browser.at_provider).filter(|(user, sid)| !whose.is_about(*user, Some(*sid)));
        }
        let next = self.dice.between(2_000, 20_000);
        self.after(next, Event::LogOut(id));
        let replica = self.dice.below(self.replicas.len() as u64) as usize;
        self.note(|| format!("the provider logs {whose:?} out at replica {replica}"));
        let hearing = Hearing {
            logout: id,
            came: self.now,
            again: Again::Yes,
            left: Vec::new(),
            ended: Vec::new(),
            failed: false,
        };
        self.hears(replica, Box::new(hearing))
    }

    fn hears(&mut self, replica: usize, hearing: Box<Hearing>) -> Held {
        let whose = self.logouts[hearing.logout].whose;
        let user = whose.user.map(provider::subject).unwrap_or_default();
        let sid = whose.sid.map(provider::sid).unwrap_or_default();
        let who = match whose {
            Whose { sid: None, .. } => LoggedOut::User(user.into()),
            Whose { user: None, .. } => LoggedOut::AtProvider(sid.into()),
            _ => LoggedOut::Both {
                subject: user.into(),
                sid: sid.into(),
            },
        };
        let logout = LogoutOf::new(provider::ISSUER, who);
        let job = Job::LogOut(LogOut::of(&self.common.keys, &logout, Marks::Always));
        self.start(replica, job, None, For::LogOut(hearing))
            .map(|_| ())
    }

    /// That a replica is at it still.
    pub(super) fn is_at(&mut self, logout: usize) {
        let whose = self.logouts[logout].whose;
        self.book.hears(whose, self.now);
    }

    /// A replica has got on with a logout.
    pub(super) fn heard(&mut self, replica: usize, mut hearing: Box<Hearing>, done: Done) -> Held {
        let whose = self.logouts[hearing.logout].whose;
        match done {
            Done::LoggedOut(Ok(listed)) => {
                for one in &listed {
                    self.book.is_to_end(whose, &one.key)?;
                }
                (hearing.left, hearing.again) = (listed, Again::Yes);
            }
            Done::LoggedOut(Err(UpdateError::Store)) if hearing.again == Again::Yes => {
                hearing.again = Again::No;
                return self.hears(replica, hearing);
            }
            Done::Changed(Err(UpdateError::Store)) if hearing.again == Again::Yes => {
                hearing.again = Again::No;
            }
            Done::Changed(changed) => {
                let session = hearing.left.pop().expect("one was to be ended");
                match changed {
                    Ok(Changed::Yes) => hearing.ended.push(session.key),
                    Ok(Changed::No) => {}
                    Err(_) => hearing.failed = true,
                }
                hearing.again = Again::Yes;
            }
            // It is an answer that makes the provider send it again.
            _ => return Ok(()),
        }
        let Some(session) = hearing.left.last() else {
            return self.has_heard(replica, &hearing);
        };
        let job = Job::End(End::of(&self.common.keys, session.key, session.ends));
        self.start(replica, job, None, For::LogOut(hearing))
            .map(|_| ())
    }

    fn has_heard(&mut self, replica: usize, hearing: &Hearing) -> Held {
        self.tells(replica, hearing.ended.clone())?;
        if hearing.failed {
            return Ok(());
        }
        let whose = self.logouts[hearing.logout].whose;
        self.note(|| format!("replica {replica} has logged {whose:?} out"));
        self.tally.logouts += 1;
        self.book.logged_out(whose, hearing.came, self.now);
        for key in &hearing.ended {
            let life = self.book.life_of(key).expect("it has begun");
            let headers = self.browsers[self.book.lives[life].browser].headers();
            self.copies(headers, life);
        }
        // The answer may be lost.
        if !self.dice.chance(100) {
            self.logouts[hearing.logout].done = true;
        }
        Ok(())
    }
}
