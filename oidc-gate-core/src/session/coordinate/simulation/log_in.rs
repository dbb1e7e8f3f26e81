//! Logins: begun by one replica, finished by another; and what becomes of the session before.

use super::{
    super::{
        Begin, Begun, Changed, End, Enlist, Enlisted, Once, Outlive, Scope, Update, UpdateError,
        refresh::Without,
    },
    at_provider::Again,
    book::Held,
    job::{Done, Job},
    provider,
    request::{Brought, For, GRACE, Want},
    setting::{CLOCKS_DIFFER, Keeping},
    world::World,
};
use crate::{
    identity::Identity,
    secret::SessionId,
    session::{CLOCKS, KeepTokens, Session, StoreKey, Ticket, Tokens},
    time::UnixTime,
    token::TokenResponse,
};
use std::time::Duration;

/// A login that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) browser: usize,
    /// Who signs in.
    pub(super) user: usize,
    /// Which session that is at the provider.
    pub(super) sid: Option<usize>,
    /// When it really began.
    pub(super) begun: u64,
    /// By the clock of the replica where it did.
    created: UnixTime,
    ends: Ends,
}

/// How a login ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// With a session.
    Well,
    /// The user has thought better of it, or it was demanded of somebody else: everything stays as it is.
    InVain,
}

/// A session on its way to be written down.
#[derive(Clone, Debug)]
pub(super) struct LogIn {
    request: usize,
    attempt: usize,
    ticket: Ticket,
    session: Session,
    tokens: Option<Tokens>,
    stage: Stage,
    again: Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is listed under its user.
    User,
    /// It is listed under its name at the provider.
    Sid,
    Begin,
}

/// What is done to a session that another takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    Outlives,
    Ends,
}

impl World {
    /// A login begins.
    pub(super) fn begins(&mut self, id: usize, before: Option<&Brought>) {
        let request = &mut self.requests[id];
        request.answered = true;
        let (browser, replica, want) = (request.browser, request.replica, request.want);
        let mut user = self.browsers[browser].user;
        let mut ends = Ends::Well;
        if let (Want::StepUp, Some(before)) = (want, before) {
            let life = self.book.life_of(&before.key()).expect("it has begun");
            user = self.book.lives[life].user;
            self.tally.step_ups += 1;
            if self.dice.chance(300) {
                ends = Ends::InVain;
            }
        }
        let delay = match self.dice.below(30) {
            0 => self.dice.between(60_000, 840_000),
            1..=3 => self.dice.between(3_000, 40_000),
            _ => self.dice.between(50, 1_000),
        };
        let sid = self.at_provider(browser, user);
        // Most logouts that overtake something come while somebody signs in.
        if self.dice.chance(2 * self.setting.logouts) {
            let after = self.dice.below(delay + 500);
            self.provider_ends(browser, after);
        }
        let attempt = self.attempts.len();
        self.attempts.push(Attempt {
            browser,
            user,
            sid,
            begun: self.now,
            created: self.clock(replica),
            ends,
        });
        self.sends_at(delay, browser, Want::Callback(attempt));
    }

    /// Somebody has logged in, and the callback has come.
    pub(super) fn called_back(&mut self, id: usize, attempt: usize) -> Held {
        let it = self.attempts[attempt];
        if it.ends == Ends::InVain {
            self.requests[id].answered = true;
            return Ok(());
        }
        self.tally.logins += 1;
        let (replica, user) = (self.requests[id].replica, it.user);
        let now = self.clock(replica);
        let (login, answer) = self.provider.log_in(user, self.now);
        let answer = TokenResponse::parse(&provider::response(http::StatusCode::OK, answer));
        let answer = answer.expect("the provider writes answers");
        let keep = KeepTokens::default();
        let tokens = Tokens::issued(&answer, now, "openid", None, &[], keep);
        let id_of_session = SessionId::from_bytes(self.dice.bytes());
        let ticket = Ticket::new(id_of_session, now + self.setting.limits.absolute());
        let identity = Identity::builder(provider::ISSUER, provider::subject(user)).build();
        let key = ticket.key();
        let sid = it.sid.map(provider::sid);
        let limits = &self.setting.limits;
        let session = Session::begin(key, identity, sid.as_deref(), limits, now);
        let session = session.with_tokens(tokens.as_ref());
        let ends = Self::when(session.ends());
        self.book.begins(&it, key, self.now, ends);
        self.note(|| format!("user {user} ({sid:?}) begins session {login} ({key:?})"));
        let login = Box::new(LogIn {
            request: id,
            attempt,
            ticket,
            session,
            tokens,
            stage: Stage::User,
            again: Again::Yes,
        });
        match self.setting.keeping {
            Keeping::Memory => self.written_down(replica, &login),
            Keeping::Store | Keeping::Coordinated => self.writes_down(replica, login),
        }
    }

    fn writes_down(&mut self, replica: usize, login: Box<LogIn>) -> Held {
        let LogIn {
            session, tokens, ..
        } = &*login;
        let keys = &self.common.keys;
        let begun = match self.without {
            Without::Mark => None,
            _ => Some(self.attempts[login.attempt].created),
        };
        let apart = match self.without {
            Without::ClocksApart => Duration::ZERO,
            _ => CLOCKS,
        };
        let enlist = |scope| Job::Enlist(Enlist::of(keys, scope, session.into(), begun, apart));
        let sid = session.provider_session();
        let job = match (login.stage, sid) {
            (Stage::User, _) => enlist(Scope::User(provider::ISSUER, session.identity().subject())),
            (Stage::Sid, Some(sid)) => enlist(Scope::AtProvider(provider::ISSUER, sid)),
            (Stage::Sid | Stage::Begin, _) => {
                let begin = Begin::of(keys, session.clone(), tokens.clone());
                let (key, mut begin) = begin.into_parts();
                begin.without = self.without;
                Job::Begin(Box::new(Update::of(key, begin)))
            }
        };
        self.start(replica, job, None, For::LogIn(login))
            .map(|_| ())
    }

    /// A session on its way has got on.
    pub(super) fn goes_down(&mut self, replica: usize, mut login: Box<LogIn>, done: &Done) -> Held {
        let key = login.session.key();
        match done {
            Done::Enlisted(Ok(Enlisted::Listed { .. })) | Done::Began(Ok(Begun::Begun)) => {}
            Done::Enlisted(Ok(Enlisted::SignedOut)) | Done::Began(Ok(Begun::SignedOut)) => {
                let it = self.attempts[login.attempt];
                self.tally.overtaken += 1;
                self.note(|| format!("the provider has ended the session of {it:?} meanwhile"));
                self.does_not_begin(&login);
                return self.book.refused(it.user, it.sid, it.begun);
            }
            Done::Enlisted(Err(UpdateError::Store)) | Done::Began(Err(UpdateError::Store))
                if login.again == Again::Yes =>
            {
                login.again = Again::No;
                return self.writes_down(replica, login);
            }
            _ => {
                self.does_not_begin(&login);
                return Ok(());
            }
        }
        login.again = Again::Yes;
        if login.stage == Stage::User
            && let Some(life) = self.book.life(&key)
        {
            life.listed = true;
        }
        let has_sid = login.session.provider_session().is_some();
        login.stage = match (login.stage, self.setting.keeping) {
            (Stage::User, _) if has_sid => Stage::Sid,
            (Stage::User | Stage::Sid, Keeping::Store) => Stage::Begin,
            _ => return self.written_down(replica, &login),
        };
        self.writes_down(replica, login)
    }

    /// A login that failed: nobody has its session.
    fn does_not_begin(&mut self, login: &LogIn) {
        if let Some(life) = self.book.life(&login.session.key()) {
            life.let_go = true;
        }
        self.requests[login.request].answered = true;
    }

    fn written_down(&mut self, replica: usize, login: &LogIn) -> Held {
        let id = login.request;
        let user = self.attempts[login.attempt].user;
        if let Some(before) = self.requests[id].brought.clone() {
            self.replace(id, &before, user)?;
        }
        let cookies = match self.setting.keeping {
            Keeping::Store => {
                self.races(replica)?;
                let (keys, names) = (&self.common.keys, &self.common.names);
                let sealed = login.ticket.seal(keys, names).expect("there is randomness");
                let headers = &self.requests[id].headers;
                let cookies = names.set_session(&sealed, GRACE, headers);
                cookies.expect("it is small")
            }
            _ => self.cookies(id, &login.session, login.tokens.as_ref()),
        };
        self.respond(id, cookies);
        Ok(())
    }

    /// What becomes of the session that a login takes the place of.
    fn replace(&mut self, id: usize, before: &Brought, user: usize) -> Held {
        let replica = self.requests[id].replica;
        if self.clock(replica) >= before.ends() {
            return Ok(());
        }
        let (keys, key) = (&self.common.keys, before.key());
        let ends = before.last(&self.setting.limits);
        let life = self.book.life(&key).expect("it has begun");
        life.let_go = true;
        let (job, how) = if life.user == user {
            let outlive = Outlive::of(keys, key, ends, GRACE);
            (Job::Outlive(outlive), Replaced::Outlives)
        } else {
            (Job::End(End::of(keys, key, ends)), Replaced::Ends)
        };
        self.start(replica, job, None, For::Replaced(id, key, how))
            .map(|_| ())
    }

    /// Another session has taken the place of this one.
    pub(super) fn replaced(
        &mut self,
        id: usize,
        key: StoreKey,
        how: Replaced,
        done: &Done,
    ) -> Held {
        let replica = self.requests[id].replica;
        let grace = u64::try_from(GRACE.as_millis()).expect("it is short");
        let now = self.now;
        if let Done::Changed(Ok(Changed::Yes | Changed::No)) = done {
            let at = self.book.life_of(&key).expect("it has begun");
            self.book.lives[at].is_gone(match how {
                Replaced::Outlives => now + grace + CLOCKS_DIFFER,
                Replaced::Ends => now,
            });
            self.copies(self.requests[id].headers.clone(), at);
        }
        self.tells(replica, vec![key])
    }

    /// Something else that is done once, while the store is as it is.
    fn races(&mut self, replica: usize) -> Held {
        let until = self.clock(replica) + Duration::from_secs(100_000);
        let by = self.dice.bytes();
        let once = Once::of("race", b"one", until, by);
        self.start(replica, Job::Once(once), None, For::Race)
            .map(|_| ())
    }
}
