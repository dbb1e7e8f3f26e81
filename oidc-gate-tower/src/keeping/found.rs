//! The session that a request brings: its cookie, and what a store knows of it.

use crate::{
    core::{
        check::Check,
        session::{
            Found, Freshness, KeptIn, KeptSession, Predecessor, SealedBy, Session, StoreDown,
            Stored, Ticket, Tokens,
            coordinate::{Kept, Outcome, UpdateError},
        },
        time::UnixTime,
    },
    keeping::{
        ended::Ended,
        handle::{AGAIN, SessionHandle},
        opened::{Opened, Ring},
    },
    ports::Boxed,
    recognise::{Brought, Look, Present, Recognised, Seen},
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

impl Sessions {
    /// The session a request carries.
    ///
    /// Among several cookies of the name, the one that opens and lives counts; what another host planted does not open.
    /// Where two of different users do, there is no telling whose request it is, and nobody is recognised.
    pub(crate) fn recognise(self: &Arc<Self>, brought: Brought<'_>, now: UnixTime) -> Look {
        let ring = self.keys.ring();
        if let Some(sealed) = self.names.whole_session(brought.cookies) {
            return match self.at_once(&ring, sealed, now) {
                Ok(found) => Look::Now(found),
                Err(opened) => self.later(&ring, Recognised::Nobody, vec![Ok(opened)], now),
            };
        }
        let mut found = Recognised::Nobody;
        let mut sealed = (self.names).sessions_in(brought.cookies, brought.headers);
        while let Some(next) = sealed.next() {
            let next = match self.at_once(&ring, &next, now) {
                Ok(next) => next,
                Err(opened) => {
                    let rest = sealed.map(|sealed| self.open(&ring, &sealed, now));
                    let all = std::iter::once(Ok(opened)).chain(rest).collect();
                    return self.later(&ring, found, all, now);
                }
            };
            found = match (found, next) {
                (Recognised::Nobody, first) => first,
                (found, next) => match together(found, next) {
                    Some(found) => found,
                    None => return Look::Now(TORN),
                },
            };
        }
        Look::Now(found)
    }

    /// What a cookie comes to, if nobody has to be waited for; else what it holds, for whoever asks the store.
    #[inline]
    fn at_once(
        self: &Arc<Self>,
        ring: &Ring,
        sealed: &[u8],
        now: UnixTime,
    ) -> Result<Recognised, Opened> {
        let opened = match self.open(ring, sealed, now) {
            Ok(opened) => opened,
            Err(check) => return Ok(unopened(check)),
        };
        match self.keeping.peek(&opened.key()) {
            Some(stored) => Ok(self.judge(ring, opened, stored.as_ref(), now)),
            None => Err(opened),
        }
    }

    /// The same of these, once the store has answered for each.
    fn later(
        self: &Arc<Self>,
        ring: &Arc<Ring>,
        found: Recognised,
        all: Vec<Result<Opened, Check>>,
        now: UnixTime,
    ) -> Look {
        let (sessions, ring) = (self.clone(), ring.clone());
        Look::Later(Box::pin(async move {
            Seen::Session(sessions.load_all(&ring, found, all, now).await)
        }))
    }

    async fn load_all(
        self: &Arc<Self>,
        ring: &Ring,
        mut found: Recognised,
        all: Vec<Result<Opened, Check>>,
        now: UnixTime,
    ) -> Recognised {
        for opened in all {
            let next = match opened {
                Err(check) => unopened(check),
                Ok(opened) => match self.keeping.load(&opened.key()).await {
                    Ok(stored) => self.judge(ring, opened, stored.as_ref(), now),
                    Err(StoreDown) => Recognised::StoreDown,
                },
            };
            found = match together(found, next) {
                Some(found) => found,
                None => return TORN,
            };
        }
        found
    }

    /// Ends every session that a request carries, whether or not the store says anything of it just now.
    pub(crate) async fn end_all(
        self: &Arc<Self>,
        headers: &HeaderMap,
    ) -> Result<Ended, UpdateError> {
        let (ring, opened) = self.all_opened(headers);
        let mut all = Ended::default();
        for opened in opened {
            let last = self
                .end_and_take(opened.key(), opened.last(&self.keeping.limits))
                .await?;
            let in_cookies = || match &opened {
                Opened::Cookie(session, _) => session.open_tokens(&ring.keys, &self.names, headers),
                Opened::Ticket(..) => None,
            };
            all.add(last, in_cookies);
        }
        Ok(all)
    }

    /// Every session that a request carries and that lives: whoever signs in takes the place of all of them.
    pub(crate) async fn predecessors(self: &Arc<Self>, headers: &HeaderMap) -> Vec<Predecessor> {
        let (ring, opened) = self.all_opened(headers);
        let now = self.now();
        let mut found = Vec::new();
        for opened in opened {
            // One that nothing is known of cannot be ended either.
            if let Ok(stored) = self.keeping.load(&opened.key()).await
                && let Recognised::Session(present) =
                    self.judge(&ring, opened, stored.as_ref(), now)
            {
                let session = present.kept().session();
                found.push(Predecessor::of(session, &self.keeping.limits));
            }
        }
        found
    }

    fn all_opened(&self, headers: &HeaderMap) -> (Arc<Ring>, Vec<Opened>) {
        let (ring, now) = (self.keys.ring(), self.now());
        let opened = (self.names.sessions(headers))
            .filter_map(|sealed| self.open(&ring, &sealed, now).ok())
            .collect();
        (Arc::clone(&ring), opened)
    }

    fn open(&self, ring: &Ring, sealed: &[u8], now: UnixTime) -> Result<Opened, Check> {
        let names = &self.names;
        let opened = ring.open(sealed, |keys| match self.keeping.kept_in {
            KeptIn::Cookies => Session::open(keys, names, sealed)
                .map(|(session, sealed_by)| Opened::Cookie(session, sealed_by)),
            KeptIn::Store => Ticket::open(keys, names, sealed)
                .map(|(ticket, sealed_by)| Opened::Ticket(ticket, sealed_by)),
        });
        match opened {
            None => Err(Check::SessionUnreadable),
            Some(Opened::Ticket(ticket, _)) if now >= ticket.ends() => Err(Check::SessionExpired),
            Some(opened) => Ok(opened),
        }
    }

    /// What a cookie comes to, with what the store has under its key.
    fn judge(
        self: &Arc<Self>,
        ring: &Ring,
        opened: Opened,
        stored: Option<&Stored>,
        now: UnixTime,
    ) -> Recognised {
        let in_store = ring.in_store(&opened.key(), stored);
        let (found, ticket) = match opened {
            Opened::Cookie(session, sealed_by) => {
                let found = KeptSession::in_cookie(session, sealed_by, in_store, now);
                (found, None)
            }
            Opened::Ticket(ticket, sealed_by) => {
                let found = KeptSession::stored(in_store, now);
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
        self.present(kept, freshness, ticket, None)
    }

    /// `waits_again` is until when nobody makes it wait for a refresh again.
    #[inline]
    fn present(
        self: &Arc<Self>,
        kept: KeptSession,
        freshness: Result<Freshness, Check>,
        ticket: Option<(Ticket, SealedBy)>,
        waits_again: Option<UnixTime>,
    ) -> Recognised {
        // The configuration may have changed since: what another provider vouched for is not worth anything here.
        if !self.upstream.vouches_for(kept.session().identity()) {
            return Recognised::Expired(Check::SessionForeign);
        }
        match freshness {
            Err(check) => Recognised::Expired(check),
            Ok(freshness) => {
                let named_by = ticket.as_ref().map_or(SealedBy::First, |(_, key)| *key);
                let session = SessionHandle::new(self.clone(), kept, ticket, waits_again);
                Recognised::Session(Present {
                    session: Arc::new(session),
                    freshness: freshness.sealed_by(named_by),
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
            let outcome = sessions.refresh(present.kept(), tokens).await;
            let kept = match outcome.as_deref() {
                Some(Outcome::Renewed(session, tokens)) => {
                    KeptSession::renewed(session.clone(), tokens.clone())
                }
                Some(Outcome::Ended(failed)) => {
                    return Seen::Session(Recognised::Expired(failed.check()));
                }
                Some(Outcome::Kept(_)) | None => present.kept().clone(),
            };
            let in_vain = matches!(
                outcome.as_deref(),
                None | Some(Outcome::Kept(Kept::Busy | Kept::StoreDown))
            );
            let (keeping, now) = (&sessions.keeping, sessions.now());
            let rest = kept.rest(keeping.kept_in, &keeping.limits, now);
            let again = in_vain.then(|| now + AGAIN);
            let ticket = present.session.ticket.clone();
            Seen::Session(sessions.present(kept, rest, ticket, again))
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
        let kept = recognised.present()?.kept();
        Some(kept.tokens(&keys, in_cookies)?.good_at(now))
    }

    /// The tokens that came along in cookies.
    pub(super) fn tokens_in(&self, present: &Present, headers: &HeaderMap) -> Option<Tokens> {
        if self.keeping.kept_in == KeptIn::Store {
            return None;
        }
        let keys = self.keys.now();
        let in_cookies = |session: &Session| session.open_tokens(&keys, &self.names, headers);
        present.kept().tokens(&keys, in_cookies)
    }
}

/// Sessions of different users in one request: there is no telling whose it is.
const TORN: Recognised = Recognised::Unreadable(Check::SessionUnreadable);

/// Both, as far as they are one user's.
fn together(found: Recognised, next: Recognised) -> Option<Recognised> {
    if let (Some(one), Some(other)) = (found.session(), next.session())
        && !one.identity().is_same_user(other.identity())
    {
        return None;
    }
    Some(found.or(next))
}

/// A cookie that names no session that could be asked for.
fn unopened(check: Check) -> Recognised {
    match check {
        Check::SessionExpired => Recognised::Expired(check),
        other => Recognised::Unreadable(other),
    }
}
