//! What a gate does with a request: find the session, judge it, refresh it, show it, write cookies.

use super::{
    super::{End, Listed, Outcome, ReadList, RefreshSession, Scope, Settle, Touch, Witness},
    at_provider::Hearing,
    book::{Held, Invariant},
    job::{Done, Job},
    log_in::{LogIn, Replaced},
    provider::{self, Good},
    setting::{CLOCKS_DIFFER, Keeping},
    world::{Event, Redeemer, World},
};
use crate::{
    check::Check,
    session::{
        Found, Freshness, InStore, KeptSession, Lifetimes, SealedBy, Session, SetCookie, StoreDown,
        StoreKey, Stored, Ticket, Tokens, coordinate::Kept,
    },
    time::UnixTime,
};
use http::HeaderMap;
use std::time::Duration;

/// How long a request waits for a refresh.
const PATIENCE: u64 = 15_000;
const HOUR: u64 = 3_600_000;
/// How long what a cookie has stays in the store, and how long a session that was replaced lives on.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Use,
    /// A use that extends nothing.
    Poll,
    LogIn,
    /// A login that is demanded of whoever is signed in.
    StepUp,
    /// Of a login that has begun.
    Callback(usize),
    SignOut,
    /// The last of a browser: its session is as it should be.
    Check,
}

/// Whom a run is for.
#[derive(Clone, Debug)]
pub(super) enum For {
    Nobody,
    /// A request looks.
    Look(usize),
    /// Whoever waits for the refresh of this generation of a session.
    Flight((StoreKey, u64), Vec<usize>),
    /// A login writes its session down.
    LogIn(Box<LogIn>),
    /// Another session has taken the place of this one.
    Replaced(usize, StoreKey, Replaced),
    SignOut(usize),
    /// The provider has ended sessions.
    LogOut(Box<Hearing>),
    /// Others are told that something has become of these.
    Tell(Vec<StoreKey>),
    /// Many do something once.
    Race,
    /// The list of a user is read at the end.
    Read(usize),
}

/// What the cookies of a request say.
#[derive(Clone, Debug)]
pub(super) enum Brought {
    Ticket(Ticket),
    Cookie(Session, SealedBy),
}

impl Brought {
    pub(super) fn key(&self) -> StoreKey {
        match self {
            Self::Ticket(ticket) => ticket.key(),
            Self::Cookie(session, _) => session.key(),
        }
    }

    pub(super) fn ends(&self) -> UnixTime {
        match self {
            Self::Ticket(ticket) => ticket.ends(),
            Self::Cookie(session, _) => session.ends(),
        }
    }

    /// When no cookie of the session counts any more.
    pub(super) fn last(&self, limits: &Lifetimes) -> UnixTime {
        match self {
            Self::Ticket(ticket) => ticket.ends(),
            Self::Cookie(session, _) => session.last(limits),
        }
    }
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) browser: usize,
    pub(super) replica: usize,
    pub(super) want: Want,
    pub(super) headers: HeaderMap,
    /// When its cookies were taken along.
    sent: u64,
    pub(super) arrived: bool,
    came: u64,
    /// Its cookies are copied: what comes of it does not come to their browser.
    copied: bool,
    pub(super) answered: bool,
    pub(super) brought: Option<Brought>,
    kept: Option<KeptSession>,
    lost: bool,
}

impl World {
    pub(super) fn sends(&mut self, browser: usize, want: Want) {
        self.sends_at(0, browser, want);
    }

    pub(super) fn sends_later(&mut self, browser: usize, want: Want, spread: u64) {
        let after = if spread > 0 {
            self.dice.below(spread)
        } else {
            0
        };
        self.sends_at(after, browser, want);
    }

    /// A tab sends a request after so long.
    pub(super) fn sends_at(&mut self, after: u64, browser: usize, want: Want) {
        let id = self.requests.len();
        self.requests.push(Request {
            browser,
            replica: 0,
            want,
            headers: HeaderMap::new(),
            sent: 0,
            arrived: false,
            came: 0,
            copied: false,
            answered: false,
            brought: None,
            kept: None,
            lost: false,
        });
        self.after(after, Event::Send(id));
    }

    /// Somebody has copied cookies of a session that is over from then on, and comes with them: soon, or when clocks differ
    /// about whether it would have ended by now.
    pub(super) fn copies(&mut self, headers: HeaderMap, at: usize) {
        let life = &self.book.lives[at];
        let (key, browser, ends) = (life.key, life.browser, life.ends);
        let brought = self.brought(&headers);
        let Some(gone) = (life.gone).filter(|_| brought.is_some_and(|it| it.key() == key)) else {
            return;
        };
        let last = (ends + self.dice.below(CLOCKS_DIFFER)).saturating_sub(CLOCKS_DIFFER / 2);
        let when = match self.dice.below(4) {
            0 => gone + self.dice.below(100_000),
            1 if last < self.now + HOUR => last,
            _ => return,
        };
        self.sends_at(when.saturating_sub(self.now), browser, Want::Use);
        let id = self.requests.len() - 1;
        let request = &mut self.requests[id];
        (request.headers, request.sent, request.copied) = (headers, self.now, true);
    }

    /// With the cookies that the browser has now; it is on its way for a moment.
    pub(super) fn sent(&mut self, id: usize) {
        let browser = self.requests[id].browser;
        if !self.requests[id].copied {
            self.requests[id].headers = self.browsers[browser].headers();
            self.requests[id].sent = self.now;
        }
        let after = match self.dice.chance(50) {
            true => self.dice.between(500, 5_000),
            false => self.dice.between(1, 50),
        };
        self.after(after, Event::Arrive(id));
    }

    pub(super) fn arrives(&mut self, id: usize) -> Held {
        let browser = self.requests[id].browser;
        let replica = match self.setting.keeping {
            Keeping::Memory => self.replica_of(browser),
            Keeping::Store | Keeping::Coordinated => {
                self.dice.below(self.replicas.len() as u64) as usize
            }
        };
        self.tally.requests += 1;
        let brought = self.brought(&self.requests[id].headers);
        let want = self.requests[id].want;
        self.note(|| {
            let key = brought.as_ref().map(Brought::key);
            format!("request {id} of browser {browser} at replica {replica}: {want:?}, {key:?}")
        });
        let request = &mut self.requests[id];
        (request.replica, request.arrived, request.came) = (replica, true, self.now);
        request.brought.clone_from(&brought);
        match (want, brought) {
            (Want::LogIn, brought) => {
                self.begins(id, brought.as_ref());
                Ok(())
            }
            (Want::StepUp, Some(brought)) => {
                self.begins(id, Some(&brought));
                Ok(())
            }
            (Want::Callback(attempt), _) => self.called_back(id, attempt),
            (_, None) => {
                self.requests[id].answered = true;
                Ok(())
            }
            (Want::SignOut, Some(brought)) => {
                self.tally.sign_outs += 1;
                let (key, last) = (brought.key(), brought.last(&self.setting.limits));
                if let Some(life) = self.book.life(&key) {
                    life.let_go = true;
                }
                let job = Job::End(End::of(&self.common.keys, key, last));
                self.start(replica, job, None, For::SignOut(id)).map(|_| ())
            }
            (Want::Use | Want::Poll | Want::Check, Some(brought)) => {
                let job = Job::Look(brought.key());
                self.start(replica, job, None, For::Look(id)).map(|_| ())
            }
        }
    }

    fn brought(&self, headers: &HeaderMap) -> Option<Brought> {
        let (keys, names) = (&self.common.keys, &self.common.names);
        names
            .sessions(headers)
            .find_map(|sealed| match self.setting.keeping {
                Keeping::Store => {
                    Ticket::open(keys, names, &sealed).map(|(t, _)| Brought::Ticket(t))
                }
                Keeping::Coordinated | Keeping::Memory => {
                    let (session, by) = Session::open(keys, names, &sealed)?;
                    Some(Brought::Cookie(session, by))
                }
            })
    }

    /// A run is done.
    pub(super) fn finished(&mut self, replica: usize, purpose: For, done: Done) -> Held {
        match (purpose, done) {
            (For::Look(id), Done::Looked(found)) => self.looked(id, found),
            (For::Flight(flight, waiting), Done::Refreshed(outcome)) => {
                self.replicas[replica].flights.remove(&flight);
                self.landed(&flight.0, &waiting, outcome)
            }
            (For::LogIn(login), done) => self.goes_down(replica, login, &done),
            (For::Replaced(id, key, how), done) => self.replaced(id, key, how, &done),
            (For::LogOut(hearing), done) => self.heard(replica, hearing, done),
            (For::SignOut(id), Done::Changed(written)) => {
                let brought = self.requests[id].brought.as_ref();
                let key = brought.expect("it has signed out").key();
                self.tells(replica, vec![key])?;
                if written.is_ok() {
                    let now = self.now;
                    let life = self.book.life_of(&key).expect("it has begun");
                    self.book.lives[life].is_gone(now);
                    self.copies(self.requests[id].headers.clone(), life);
                    let headers = &self.requests[id].headers;
                    let cookies = self.common.names.clear_session(headers);
                    self.respond(id, cookies);
                }
                Ok(())
            }
            (For::Race, Done::Changed(Ok(super::super::Changed::Yes))) => {
                self.book.races_won += 1;
                if self.book.races_won > 1 {
                    return Invariant::Listed.broken("two have done what is done once");
                }
                Ok(())
            }
            (For::Read(user), Done::Listed(listed)) => self.read(user, listed.as_deref()),
            _ => Ok(()),
        }
    }

    fn looked(&mut self, id: usize, found: Result<Option<Stored>, StoreDown>) -> Held {
        let request = &self.requests[id];
        if request.answered {
            return Ok(());
        }
        let (replica, want) = (request.replica, request.want);
        let now = self.clock(replica);
        let keys = &self.common.keys;
        let brought = request.brought.clone().expect("it has looked");
        let Ok(stored) = found else {
            return self.unanswered(id);
        };
        let found = match &brought {
            Brought::Ticket(ticket) => {
                KeptSession::stored(InStore::open(keys, &ticket.key(), stored.as_ref()), now)
            }
            Brought::Cookie(session, by) => KeptSession::in_cookie(
                session.clone(),
                *by,
                InStore::open(keys, &session.key(), stored.as_ref()),
                now,
            ),
        };
        let kept = match found {
            Found::Session(kept) => kept,
            Found::Over(check) => return self.over(id, check),
            Found::Unreadable => return self.over(id, Check::SessionUnreadable),
        };
        let kept_in = self.setting.keeping.kept_in();
        let rules = Self::rules();
        let freshness = match kept.judge(kept_in, &self.setting.limits, &rules, now) {
            Ok(freshness) => freshness,
            Err(check) => return self.over(id, check),
        };
        let now = self.now;
        if want != Want::Poll
            && let Some(life) = self.book.life(&brought.key())
        {
            life.used = now;
        }
        self.settle(replica, &kept)?;
        if kept.is_lost() {
            self.is_lost(id)?;
        }
        self.requests[id].kept = Some(kept);
        match freshness {
            Freshness::RefreshDue => self.refresh(id, true),
            Freshness::RefreshAhead => {
                self.refresh(id, false)?;
                self.goes_on(id)
            }
            Freshness::Fresh | Freshness::Touch | Freshness::Reseal => self.goes_on(id),
        }
    }

    /// Tells the store that the cookie has what it has, or lets it go of that.
    fn settle(&mut self, replica: usize, kept: &KeptSession) -> Held {
        if !kept.is_unsettled() {
            return Ok(());
        }
        let job = Job::Settle(Settle::of(&self.common.keys, kept.session()));
        self.start(replica, job, None, For::Nobody).map(|_| ())
    }

    /// Has the session refreshed, by whoever is at it already.
    fn refresh(&mut self, id: usize, waits: bool) -> Held {
        let request = &self.requests[id];
        let replica = request.replica;
        let kept = request.kept.as_ref().expect("there is a session");
        let key = kept.session().key();
        // What came of a refresh that began with an older cookie says nothing to one that has a newer.
        let flight = (key, kept.session().generation());
        if waits {
            self.after(PATIENCE, Event::Patience(id));
        }
        let waiting = if waits { vec![id] } else { vec![] };
        if let Some(run) = self.replicas[replica].flights.get(&flight).copied() {
            self.joins(run, &waiting);
            return Ok(());
        }
        let (keys, names) = (&self.common.keys, &self.common.names);
        let request = &self.requests[id];
        let kept = request.kept.as_ref().expect("there is a session");
        let tokens = kept.tokens(keys, |session| {
            session.open_tokens(keys, names, &request.headers)
        });
        let Some(base) = kept.base(self.setting.keeping.kept_in(), tokens) else {
            self.is_lost(id)?;
            return if waits { self.goes_on(id) } else { Ok(()) };
        };
        let redeemer = Box::new(Redeemer(self.common.clone(), self.setting.userinfo));
        let holder = self.dice.bytes();
        let witness = match self.setting.keeping {
            Keeping::Memory => Witness::ThisProcess,
            _ => Witness::Complete,
        };
        let mut machine = RefreshSession::new(keys.clone(), key, base, witness, redeemer, holder);
        machine.without = self.without;
        let job = Job::Refresh(Box::new(machine));
        // It may come to an end at once, so it is entered before it begins.
        let run = self.runs.len();
        self.replicas[replica].flights.insert(flight, run);
        self.start(replica, job, Some(holder), For::Flight(flight, waiting))?;
        Ok(())
    }

    /// What came of a refresh, for those who wait for it.
    fn landed(&mut self, key: &StoreKey, waiting: &[usize], outcome: Outcome) -> Held {
        if let Outcome::Ended(failed) = &outcome {
            let life = self.book.life_of(key).expect("it has begun");
            self.book
                .over(life, Check::SessionEnded, self.now, &self.setting)?;
            self.note(|| format!("session {life} has ended: {failed}"));
        }
        for id in waiting {
            let id = *id;
            if self.requests[id].answered {
                continue;
            }
            self.tally.adoptions += 1;
            match &outcome {
                Outcome::Ended(_) => self.over(id, Check::SessionEnded)?,
                Outcome::Renewed(session, tokens) => {
                    let request = &mut self.requests[id];
                    request.kept = Some(KeptSession::renewed(session.clone(), tokens.clone()));
                    self.goes_on(id)?;
                }
                Outcome::Kept(Kept::Lost(_)) => {
                    self.is_lost(id)?;
                    self.goes_on(id)?;
                }
                Outcome::Kept(_) => self.goes_on(id)?,
            }
        }
        Ok(())
    }

    pub(super) fn patience(&mut self, id: usize) -> Held {
        if self.requests[id].answered {
            return Ok(());
        }
        self.goes_on(id)
    }

    /// The request goes to the application, and the response back.
    fn goes_on(&mut self, id: usize) -> Held {
        let request = &self.requests[id];
        let (replica, want, browser) = (request.replica, request.want, request.browser);
        let now = self.clock(replica);
        let kept = request.kept.clone().expect("there is a session");
        let key = kept.session().key();
        let at = self.book.life_of(&key).expect("it has begun");
        let life = &self.book.lives[at];
        let subject = kept.session().identity().subject();
        if subject != provider::subject(life.user) || life.browser != browser {
            return Invariant::OwnIdentity.broken(format!("request {id} saw {subject}"));
        }
        self.book.recognised(at, request.came)?;
        let keys = &self.common.keys.clone();
        let names = &self.common.names;
        let tokens = kept.tokens(keys, |session| {
            session.open_tokens(keys, names, &request.headers)
        });
        let good = self.provider.logins[at].good;
        if let Some(access) = tokens.as_ref().and_then(|tokens| tokens.access.as_ref()) {
            let access = self.provider.access(access.expose());
            let access = access.expect("no gate makes one up");
            if access.login != at {
                return Invariant::OwnIdentity.broken(format!(
                    "request {id} of session {at} saw a token of {}",
                    access.login
                ));
            }
            if kept.is_token_fresh(now) && access.until <= self.now {
                return Invariant::Recovers.broken(format!(
                    "request {id} was told that a token is fresh that is not"
                ));
            }
        }
        let lost = request.lost;
        // A late response may have put back the cookie of a session that another took the place of, which is not refreshed.
        let let_go = life.let_go;
        if want == Want::Check && !lost && !let_go && good == Good::Yes {
            if tokens.is_none() {
                self.is_lost(id)?;
            } else if !kept.is_token_fresh(now) {
                return Invariant::Recovers.broken(format!(
                    "session {at} has no fresh token though nothing fails"
                ));
            }
        }
        if self.dice.chance(self.setting.watches) {
            self.opens(replica, key);
        }
        let keys = &self.common.keys;
        let limits = &self.setting.limits;
        let touch = want != Want::Poll && limits.judge(kept.session(), now) == Ok(Freshness::Touch);
        let mut cookies = Vec::new();
        match self.setting.keeping {
            Keeping::Store if touch => {
                let job = Job::Touch(Touch::of(keys, key));
                self.start(replica, job, None, For::Nobody)?;
            }
            Keeping::Store => {}
            Keeping::Coordinated | Keeping::Memory => {
                let session = match want {
                    Want::Poll => kept.session().clone(),
                    _ => kept.session().touched(now),
                };
                let news = kept.is_news().then_some(tokens).flatten();
                if touch || news.is_some() {
                    cookies = self.cookies(id, &session, news.as_ref());
                }
            }
        }
        self.respond(id, cookies);
        Ok(())
    }

    pub(super) fn cookies(
        &self,
        id: usize,
        session: &Session,
        tokens: Option<&Tokens>,
    ) -> Vec<SetCookie> {
        let (keys, names) = (&self.common.keys, &self.common.names);
        let headers = &self.requests[id].headers;
        let sealed = session.seal(keys, names).expect("there is randomness");
        let set = names.set_session(&sealed, GRACE, headers);
        let mut cookies = set.expect("it is small");
        if let Some(tokens) = tokens {
            let sealed = session.seal_tokens(tokens, keys, names);
            let sealed = sealed.expect("there is randomness");
            let set = names.set_tokens(&sealed, &cookies, GRACE, headers);
            cookies.extend(set.expect("they are small"));
        }
        cookies
    }

    fn over(&mut self, id: usize, check: Check) -> Held {
        let request = &self.requests[id];
        let brought = request.brought.as_ref().expect("it has looked");
        let life = self.book.life_of(&brought.key()).expect("it has begun");
        self.note(|| format!("request {id}: session {life} is over: {check:?}"));
        self.tally.over += 1;
        self.book.over(life, check, self.now, &self.setting)?;
        let cookies = self.common.names.clear_session(&self.requests[id].headers);
        self.respond(id, cookies);
        Ok(())
    }

    /// Nothing is left to refresh with.
    fn is_lost(&mut self, id: usize) -> Held {
        let request = &mut self.requests[id];
        request.lost = true;
        if self.now >= request.sent + GRACE.as_secs() * 1000 {
            // It has been under way for longer than what its cookie has is kept.
            return Ok(());
        }
        let key = request.brought.as_ref().expect("it has looked").key();
        let life = self.book.life_of(&key).expect("it has begun");
        self.tally.lost_tokens += 1;
        self.note(|| format!("request {id}: session {life} has lost its tokens"));
        let good = self.provider.logins[life].good;
        self.book.lost(life, good, &self.setting)
    }

    fn unanswered(&mut self, id: usize) -> Held {
        self.requests[id].answered = true;
        match self.requests[id].want {
            Want::Check => Invariant::Recovers.broken("the store still does not answer"),
            _ => Ok(()),
        }
    }

    pub(super) fn respond(&mut self, id: usize, cookies: Vec<SetCookie>) {
        let request = &mut self.requests[id];
        request.answered = true;
        let (browser, sent) = (request.browser, request.sent);
        if cookies.is_empty() || request.copied || self.dice.chance(self.faults.response_lost) {
            return;
        }
        let after = match self.dice.chance(30) {
            true => self.dice.between(1_000, 40_000),
            false => self.dice.between(5, 200),
        };
        // What takes longer than the grace together is cut off: what comes later may cost a session its tokens.
        if self.now + after >= sent + GRACE.as_secs() * 1000 {
            return;
        }
        self.after(after, Event::Deliver(browser, cookies));
    }

    /// Reads the lists of all users.
    pub(super) fn check_lists(&mut self) -> Held {
        if self.setting.keeping == Keeping::Memory {
            return Ok(());
        }
        let mut users: Vec<usize> = self.book.lives.iter().map(|life| life.user).collect();
        users.sort_unstable();
        users.dedup();
        for user in users {
            let subject = provider::subject(user);
            let scope = Scope::User(provider::ISSUER, &subject);
            let list = ReadList::of(&self.common.keys, scope);
            self.start(0, Job::ReadList(list), None, For::Read(user))?;
        }
        self.goes_through()
    }

    fn read(&self, user: usize, listed: Result<&[Listed], &super::super::UpdateError>) -> Held {
        let Ok(listed) = listed else {
            return Invariant::Listed.broken("a list cannot be read");
        };
        let missing = self.book.lives.iter().find(|life| {
            let alive = life.ends > self.now + 15_000;
            life.user == user
                && life.listed
                && alive
                && listed.iter().all(|one| one.key != life.key)
        });
        match missing {
            Some(life) => Invariant::Listed.broken(format!("{:?} is not listed", life.key)),
            None => Ok(()),
        }
    }
}
