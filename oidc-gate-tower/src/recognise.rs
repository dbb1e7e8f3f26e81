//! Whom a request brings, by its bearer token or by its cookies, and what writes a session down.

use crate::{
    Gate, Identity, Principal,
    bearer::{Sight, Unusable},
    core::{
        check::{Check, CheckFailed},
        gate::{
            BearerVerdict, Credential, Endpoint, LiveSession, Route, SessionEffect, SessionView,
        },
        session::{
            CookieKeys, Found, Freshness, KeptIn, KeptSession, Predecessor, SealedBy, Session,
            SetCookie, StoreDown, StoreKey, Stored, Ticket, Tokens,
            coordinate::{Outcome, Reseal, Settle, Touch},
        },
        time::UnixTime,
    },
    keeping::{GRACE, SessionHandle},
    ports::Boxed,
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

/// What a request's credentials come to.
pub(crate) enum Recognised {
    Nobody,
    Session(Present),
    Expired(Check),
    Unreadable(Check),
    /// There may be a session, and the store does not answer.
    StoreDown,
    Bearer(Arc<Identity>),
    /// A token was presented, and names nobody.
    Unusable(Unusable),
}

/// A session that lives, as a request came with it.
pub(crate) struct Present {
    pub(crate) kept: KeptSession,
    freshness: Freshness,
    /// What names it, where it is stored.
    ticket: Option<(Ticket, SealedBy)>,
}

impl Recognised {
    pub(crate) fn credential(&self) -> Credential<'_> {
        match self {
            Self::Nobody => Credential::None,
            Self::Session(present) => Credential::Session(SessionView::new(
                present.kept.session().identity(),
                present.freshness,
            )),
            Self::Expired(check) => Credential::Expired(*check),
            Self::Unreadable(check) => Credential::Unreadable(*check),
            Self::StoreDown => Credential::StoreUnavailable,
            Self::Bearer(identity) => Credential::Bearer(BearerVerdict::Valid(identity)),
            Self::Unusable(token) => Credential::Bearer(token.verdict()),
        }
    }

    pub(crate) fn present(&self) -> Option<&Present> {
        match self {
            Self::Session(present) => Some(present),
            _ => None,
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        self.present().map(|present| present.kept.session())
    }

    /// The token that was presented and names nobody.
    pub(crate) fn unusable(&self) -> Option<Unusable> {
        match self {
            Self::Unusable(token) => Some(token.clone()),
            _ => None,
        }
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Bearer(identity) => Some(identity),
            other => other.session().map(Session::identity),
        }
    }

    /// What says more: a session, then that there is no telling, then one that ended, then a cookie that does not open.
    fn or(self, other: Self) -> Self {
        let says = |one: &Self| match one {
            Self::Session(_) => 4,
            Self::StoreDown => 3,
            Self::Expired(_) => 2,
            Self::Unreadable(_) => 1,
            Self::Nobody | Self::Bearer(_) | Self::Unusable(_) => 0,
        };
        if says(&other) > says(&self) {
            other
        } else {
            self
        }
    }

    /// The same without taking it: for who is not admitted.
    pub(crate) fn principal(&self, now: UnixTime) -> Option<Principal> {
        let identity = self.identity()?.clone();
        Some(Principal::new(identity, now))
    }

    /// The caller for a handler, who may ask for tokens.
    pub(crate) fn into_principal(
        self,
        sessions: Option<&Arc<Sessions>>,
        headers: &HeaderMap,
        now: UnixTime,
    ) -> Option<Principal> {
        match (self, sessions) {
            (Self::Session(present), Some(sessions)) => {
                let handle = SessionHandle::new(sessions.clone(), present.kept, headers);
                Some(Principal::with_session(handle, now))
            }
            (Self::Bearer(identity), _) => Some(Principal::new(identity, now)),
            _ => None,
        }
    }
}

/// Whom a request brings, at hand or to come.
pub(crate) enum Look {
    Now(Recognised),
    /// What it takes to know is fetched first.
    Later(Boxed<'static, Seen>),
}

/// What has been found out about whom a request brings, when that took waiting.
pub(crate) enum Seen {
    /// What its token comes to.
    Token(Sight),
    /// What its session comes to, where no token decides.
    Session(Recognised),
    /// What its session comes to, when its token names nobody.
    Beside(CheckFailed, LiveSession),
}

impl Gate {
    /// Looks for whoever a request brings, as far as its route takes it.
    pub(crate) fn look(&self, route: &Route<'_>, headers: &HeaderMap, now: UnixTime) -> Look {
        if !route.needs_identity() {
            return Look::Now(Recognised::Nobody);
        }
        let sight = match (&self.0.bearer, route) {
            // These are about sessions, whatever else comes along.
            (_, Route::Endpoint(Endpoint::Start | Endpoint::Callback(_) | Endpoint::SignOut))
            | (None, _) => Sight::Nothing,
            (Some(verifier), _) => verifier.look(headers, now),
        };
        match sight {
            Sight::Later(work) => Look::Later(Box::pin(async move { Seen::Token(work.await) })),
            sight => self.seen(Seen::Token(sight), headers, now),
        }
    }

    /// Whom a request brings of whom this has been found out. Where there is a token it decides, and a session beside it does
    /// not.
    pub(crate) fn seen(&self, seen: Seen, headers: &HeaderMap, now: UnixTime) -> Look {
        let sight = match seen {
            Seen::Session(recognised) => return Look::Now(recognised),
            Seen::Beside(failed, session) => {
                let bad = Unusable::Bad(Box::new(failed), session);
                return Look::Now(Recognised::Unusable(bad));
            }
            Seen::Token(sight) => sight,
        };
        let session = || match &self.0.sessions {
            Some(sessions) => sessions.recognise(headers, now),
            None => Look::Now(Recognised::Nobody),
        };
        match sight {
            Sight::Nothing => session(),
            Sight::Good(identity) => Look::Now(Recognised::Bearer(identity)),
            Sight::Bad(failed) => match session() {
                Look::Now(recognised) => {
                    let beside = Seen::Beside(failed, recognised.is_live());
                    self.seen(beside, headers, now)
                }
                Look::Later(work) => Look::Later(Box::pin(async move {
                    match work.await {
                        Seen::Session(recognised) => Seen::Beside(failed, recognised.is_live()),
                        Seen::Token(_) | Seen::Beside(..) => {
                            Seen::Beside(failed, LiveSession::Absent)
                        }
                    }
                })),
            },
            // What waited once does not wait again.
            Sight::NoTelling | Sight::Later(_) => {
                Look::Now(Recognised::Unusable(Unusable::NoTelling))
            }
        }
    }
}

impl Recognised {
    fn is_live(&self) -> LiveSession {
        match self.session() {
            Some(_) => LiveSession::Present,
            None => LiveSession::Absent,
        }
    }
}

/// A cookie of a session that opens. What a store knows of it is still to be asked.
enum Opened {
    Cookie(Session, SealedBy),
    Ticket(Ticket, SealedBy),
}

impl Opened {
    fn key(&self) -> StoreKey {
        match self {
            Self::Cookie(session, _) => session.key(),
            Self::Ticket(ticket, _) => ticket.key(),
        }
    }
}

impl Sessions {
    /// The session a request carries.
    ///
    /// Among several cookies of the name, the one that opens and lives counts; what another host planted does not open.
    /// Where two of different users do, there is no telling whose request it is, and nobody is recognised.
    fn recognise(self: &Arc<Self>, headers: &HeaderMap, now: UnixTime) -> Look {
        let keys = self.keys.now();
        let mut found = Recognised::Nobody;
        let mut sealed = self.names.sessions(headers);
        while let Some(next) = sealed.next() {
            let next = match self.open(&keys, &next, now) {
                Err(recognised) => recognised,
                Ok(opened) => match self.keeping.peek(&opened.key()) {
                    Some(stored) => self.judge(&keys, opened, stored.as_ref(), now),
                    None => {
                        let rest = sealed.map(|sealed| self.open(&keys, &sealed, now));
                        let all = std::iter::once(Ok(opened)).chain(rest).collect();
                        let sessions = self.clone();
                        return Look::Later(Box::pin(async move {
                            let found = sessions.load_all(&keys, found, all, now).await;
                            Seen::Session(found)
                        }));
                    }
                },
            };
            found = match together(found, next) {
                Ok(found) => found,
                Err(torn) => return Look::Now(torn),
            };
        }
        Look::Now(found)
    }

    async fn load_all(
        &self,
        keys: &CookieKeys,
        mut found: Recognised,
        all: Vec<Result<Opened, Recognised>>,
        now: UnixTime,
    ) -> Recognised {
        for opened in all {
            let next = match opened {
                Err(recognised) => recognised,
                Ok(opened) => match self.keeping.load(&opened.key()).await {
                    Ok(stored) => self.judge(keys, opened, stored.as_ref(), now),
                    Err(StoreDown) => Recognised::StoreDown,
                },
            };
            found = match together(found, next) {
                Ok(found) => found,
                Err(torn) => return torn,
            };
        }
        found
    }

    /// Every session that a request carries and that lives: whoever signs in takes the place of all of them.
    pub(crate) async fn predecessors(&self, headers: &HeaderMap) -> Vec<Predecessor> {
        let (keys, now) = (self.keys.now(), self.now());
        let opened: Vec<_> = (self.names.sessions(headers))
            .filter_map(|sealed| self.open(&keys, &sealed, now).ok())
            .collect();
        let mut found = Vec::new();
        for opened in opened {
            // One that nothing is known of cannot be ended either.
            if let Ok(stored) = self.keeping.load(&opened.key()).await
                && let Recognised::Session(present) =
                    self.judge(&keys, opened, stored.as_ref(), now)
            {
                found.push(Predecessor::from(present.kept.session()));
            }
        }
        found
    }

    fn open(&self, keys: &CookieKeys, sealed: &[u8], now: UnixTime) -> Result<Opened, Recognised> {
        let opened = match self.keeping.kept_in {
            KeptIn::Cookies => Session::open(keys, &self.names, sealed)
                .map(|(session, sealed_by)| Opened::Cookie(session, sealed_by)),
            KeptIn::Store => Ticket::open(keys, &self.names, sealed)
                .map(|(ticket, sealed_by)| Opened::Ticket(ticket, sealed_by)),
        };
        match opened {
            None => Err(Recognised::Unreadable(Check::SessionUnreadable)),
            Some(Opened::Ticket(ticket, _)) if now >= ticket.ends() => {
                Err(Recognised::Expired(Check::SessionExpired))
            }
            Some(opened) => Ok(opened),
        }
    }

    /// What a cookie comes to, with what the store has under its key.
    fn judge(
        &self,
        keys: &CookieKeys,
        opened: Opened,
        stored: Option<&Stored>,
        now: UnixTime,
    ) -> Recognised {
        let (found, ticket) = match opened {
            Opened::Cookie(session, sealed_by) => {
                let found = KeptSession::in_cookie(keys, session, sealed_by, stored, now);
                (found, None)
            }
            Opened::Ticket(ticket, sealed_by) => {
                let found = KeptSession::stored(keys, &ticket, stored, now);
                (found, Some((ticket, sealed_by)))
            }
        };
        let kept = match found {
            Found::Session(kept) => kept,
            Found::Over(check) => return Recognised::Expired(check),
            Found::Unreadable => return Recognised::Unreadable(Check::SessionUnreadable),
        };
        let keeping = &self.keeping;
        let freshness = kept.judge(keeping.kept_in, &keeping.limits, &keeping.rules, now);
        self.present(kept, freshness, ticket)
    }

    fn present(
        &self,
        kept: KeptSession,
        freshness: Result<Freshness, Check>,
        ticket: Option<(Ticket, SealedBy)>,
    ) -> Recognised {
        // The configuration may have changed since: what another provider vouched for is not worth anything here.
        if !self.upstream.vouches_for(kept.session().identity()) {
            return Recognised::Expired(Check::SessionForeign);
        }
        match freshness {
            Err(check) => Recognised::Expired(check),
            Ok(freshness) => {
                let named_by = ticket.as_ref().map_or(SealedBy::First, |(_, key)| *key);
                Recognised::Session(Present {
                    kept,
                    freshness: freshness.sealed_by(named_by),
                    ticket,
                })
            }
        }
    }

    /// Refreshes the session of a request before anything else, and says what it comes to then. It is not tried twice.
    pub(crate) fn refreshed(
        self: &Arc<Self>,
        present: Present,
        headers: &HeaderMap,
    ) -> Boxed<'static, Seen> {
        let tokens = self.tokens_in(&present, headers);
        let sessions = self.clone();
        Box::pin(async move {
            let outcome = sessions.refresh(&present.kept, tokens).await;
            let kept = match outcome.as_deref() {
                Some(Outcome::Renewed(session, tokens)) => {
                    KeptSession::renewed(session.clone(), tokens.clone())
                }
                Some(Outcome::Ended(failed)) => {
                    return Seen::Session(Recognised::Expired(failed.check()));
                }
                Some(Outcome::Kept(_)) | None => present.kept,
            };
            let keeping = &sessions.keeping;
            let rest = kept.rest(keeping.kept_in, &keeping.limits, sessions.now());
            Seen::Session(sessions.present(kept, rest, present.ticket))
        })
    }

    /// The tokens of whoever a request brings that can be passed on as they are.
    pub(crate) fn at_hand(
        &self,
        recognised: &Recognised,
        headers: &HeaderMap,
        now: UnixTime,
    ) -> Option<Tokens> {
        let keys = self.keys.now();
        let in_cookies = |session: &Session| session.open_tokens(&keys, &self.names, headers);
        let kept = &recognised.present()?.kept;
        Some(kept.tokens(&keys, in_cookies)?.good_at(now))
    }

    /// The tokens that came along in cookies.
    fn tokens_in(&self, present: &Present, headers: &HeaderMap) -> Option<Tokens> {
        if self.keeping.kept_in == KeptIn::Store {
            return None;
        }
        let keys = self.keys.now();
        let in_cookies = |session: &Session| session.open_tokens(&keys, &self.names, headers);
        present.kept.tokens(&keys, in_cookies)
    }

    /// What a decision makes of the session: what the browser is to keep of it from now on, and what is written elsewhere.
    pub(crate) fn carry_out(
        self: &Arc<Self>,
        effect: SessionEffect,
        recognised: &Recognised,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Vec<SetCookie> {
        let present = match (effect, recognised) {
            (SessionEffect::Clear, _) => return self.names.clear_session(headers),
            (_, Recognised::Session(present)) => present,
            _ => return Vec::new(),
        };
        match self.keeping.kept_in {
            KeptIn::Cookies => self.carry_out_in_cookies(effect, present, now, headers),
            KeptIn::Store => self.carry_out_in_store(effect, present, now, headers),
        }
    }

    fn carry_out_in_cookies(
        self: &Arc<Self>,
        effect: SessionEffect,
        present: &Present,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Vec<SetCookie> {
        let kept = &present.kept;
        if let Some(note) = kept.session().tokens()
            && kept.is_unsettled()
            && now.since(note.obtained) >= GRACE
        {
            self.in_background(Settle::of(&self.keys.now(), kept.session()));
        }
        let written = match effect {
            SessionEffect::Touch => kept.touched(now),
            SessionEffect::Reseal => kept.clone(),
            _ => return Vec::new(),
        };
        let is_sealed_anew = kept.sealed_by() == SealedBy::Older || kept.is_news();
        let tokens = match is_sealed_anew {
            true => self.tokens_in(present, headers),
            // They stay as they are.
            false => None,
        };
        // A session that cannot be sealed now goes on as it is.
        self.session_cookies(written.session(), tokens.as_ref(), now, headers)
            .unwrap_or_default()
    }

    fn carry_out_in_store(
        self: &Arc<Self>,
        effect: SessionEffect,
        present: &Present,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Vec<SetCookie> {
        let (kept, key) = (&present.kept, present.kept.session().key());
        match effect {
            SessionEffect::Touch => self.in_background(Touch::of(&self.keys.now(), key)),
            SessionEffect::Reseal if kept.sealed_by() == SealedBy::Older => {
                self.in_background(Reseal::of(&self.keys.now(), key));
            }
            SessionEffect::RefreshAhead => drop(self.start_refresh(kept, None)),
            _ => {}
        }
        match (&present.ticket, effect) {
            (Some((ticket, SealedBy::Older)), SessionEffect::Touch | SessionEffect::Reseal) => self
                .ticket_cookies(ticket, now, headers)
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The cookies that name a stored session, in answer to a request with these headers.
    pub(crate) fn ticket_cookies(
        &self,
        ticket: &Ticket,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let sealed = ticket.seal(&self.keys.now(), &self.names)?;
        let life = ticket.ends().since(now);
        self.names.set_session(&sealed, life, present)
    }

    /// The cookies that write a session down, in answer to a request with these headers; its tokens too, where they are given.
    pub(crate) fn session_cookies(
        &self,
        session: &Session,
        tokens: Option<&Tokens>,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let (keys, life) = (self.keys.now(), session.ends().since(now));
        let sealed = session.seal(&keys, &self.names)?;
        let mut cookies = (self.names)
            .set_session(&sealed, life, present)
            .map_err(|failed| session.too_large(&failed))?;
        if let Some(tokens) = tokens {
            let sealed = session.seal_tokens(tokens, &keys, &self.names)?;
            let beside = self.names.set_tokens(&sealed, &cookies, life, present)?;
            cookies.extend(beside);
        }
        Ok(cookies)
    }
}

/// Both, as far as they are one user's.
fn together(found: Recognised, next: Recognised) -> Result<Recognised, Recognised> {
    if let (Some(one), Some(other)) = (found.session(), next.session())
        && !one.identity().is_same_user(other.identity())
    {
        return Err(Recognised::Unreadable(Check::SessionUnreadable));
    }
    Ok(found.or(next))
}
