//! Whom a request brings, by its bearer token or by its cookies, and what writes a session down.

use crate::{
    Gate, Identity, Principal,
    bearer::{Sight, Unusable},
    core::{
        check::{Check, CheckFailed},
        gate::{
            BearerVerdict, Credential, Endpoint, LiveSession, Route, SessionEffect, SessionView,
        },
        session::{CookieKeys, Freshness, Predecessor, Session, SetCookie},
        time::UnixTime,
    },
    ports::Boxed,
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

/// What a request's credentials come to.
pub(crate) enum Recognised {
    Nobody,
    Session(Session, Freshness),
    Expired(Check),
    Unreadable(Check),
    Bearer(Arc<Identity>),
    /// A token was presented, and names nobody.
    Unusable(Unusable),
}

impl Recognised {
    pub(crate) fn credential(&self) -> Credential<'_> {
        match self {
            Self::Nobody => Credential::None,
            Self::Session(session, freshness) => {
                Credential::Session(SessionView::new(session.identity(), *freshness))
            }
            Self::Expired(check) => Credential::Expired(*check),
            Self::Unreadable(check) => Credential::Unreadable(*check),
            Self::Bearer(identity) => Credential::Bearer(BearerVerdict::Valid(identity)),
            Self::Unusable(token) => Credential::Bearer(token.verdict()),
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session, _) => Some(session),
            Self::Nobody
            | Self::Expired(_)
            | Self::Unreadable(_)
            | Self::Bearer(_)
            | Self::Unusable(_) => None,
        }
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

    /// What says more: a session, then one that ended, then a cookie that does not open.
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Session(..), _) => self,
            (_, Self::Session(..))
            | (Self::Nobody, _)
            | (Self::Unreadable(_), Self::Expired(_)) => other,
            _ => self,
        }
    }

    /// The same without taking it: for who is not admitted.
    pub(crate) fn principal(&self, now: UnixTime) -> Option<Principal> {
        let identity = self.identity()?.clone();
        Some(Principal::new(identity, now))
    }

    pub(crate) fn into_principal(self, now: UnixTime) -> Option<Principal> {
        match self {
            Self::Session(session, _) => Some(Principal::new(session.into_identity(), now)),
            Self::Bearer(identity) => Some(Principal::new(identity, now)),
            Self::Nobody | Self::Expired(_) | Self::Unreadable(_) | Self::Unusable(_) => None,
        }
    }
}

/// Whom a request brings, at hand or to come.
pub(crate) enum Look {
    Now(Recognised),
    /// The keys of the token's issuer are fetched first.
    Later(Boxed<'static, Sight>),
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
            Sight::Later(work) => Look::Later(work),
            sight => Look::Now(self.seen(sight, headers, now)),
        }
    }

    /// Whom a request brings whose token comes to this. Where there is a token it decides, and a session beside it does not.
    pub(crate) fn seen(&self, sight: Sight, headers: &HeaderMap, now: UnixTime) -> Recognised {
        let session = || match &self.0.sessions {
            Some(sessions) => sessions.recognise(headers, now),
            None => Recognised::Nobody,
        };
        match sight {
            Sight::Nothing => session(),
            Sight::Good(identity) => Recognised::Bearer(identity),
            Sight::Bad(failed) => {
                let session = match session().session() {
                    Some(_) => LiveSession::Present,
                    None => LiveSession::Absent,
                };
                Recognised::Unusable(Unusable::Bad(Box::new(failed), session))
            }
            // What waited once does not wait again.
            Sight::NoTelling | Sight::Later(_) => Recognised::Unusable(Unusable::NoTelling),
        }
    }
}

impl Sessions {
    /// The session a request carries.
    ///
    /// Among several cookies of the name, the one that opens and lives counts; what another host planted does not open.
    /// Where two of different users do, there is no telling whose request it is, and nobody is recognised.
    pub(crate) fn recognise(&self, headers: &HeaderMap, now: UnixTime) -> Recognised {
        let mut found = Recognised::Nobody;
        for next in self.all(headers, now) {
            if let (Some(one), Some(other)) = (found.session(), next.session())
                && !one.identity().is_same_user(other.identity())
            {
                return Recognised::Unreadable(Check::SessionUnreadable);
            }
            found = found.or(next);
        }
        found
    }

    /// Every session that a request carries and that lives: whoever signs in takes the place of all of them.
    pub(crate) fn predecessors(&self, headers: &HeaderMap) -> Vec<Predecessor> {
        let found: Vec<_> = self.all(headers, self.now()).collect();
        let sessions = found.iter().filter_map(Recognised::session);
        sessions.map(Predecessor::from).collect()
    }

    fn all<'a>(
        &'a self,
        headers: &'a HeaderMap,
        now: UnixTime,
    ) -> impl Iterator<Item = Recognised> + 'a {
        let (keys, sealed) = (self.keys.now(), self.names.sessions(headers));
        sealed.map(move |sealed| self.open(&keys, &sealed, now))
    }

    fn open(&self, keys: &CookieKeys, sealed: &[u8], now: UnixTime) -> Recognised {
        let Some((session, sealed_by)) = Session::open(keys, &self.names, sealed) else {
            return Recognised::Unreadable(Check::SessionUnreadable);
        };
        // The configuration may have changed since: what another provider vouched for is not worth anything here.
        if !self.upstream.vouches_for(session.identity()) {
            return Recognised::Expired(Check::SessionForeign);
        }
        if self.ended.contains(session.key().as_bytes(), now) {
            return Recognised::Expired(Check::SessionEnded);
        }
        match self.limits.judge(&session, now) {
            Ok(freshness) => Recognised::Session(session, freshness.sealed_by(sealed_by)),
            Err(check) => Recognised::Expired(check),
        }
    }

    /// The cookies that write a session down that goes on: as used now, or as it is.
    pub(crate) fn written_anew(
        &self,
        effect: SessionEffect,
        session: &Session,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        match effect {
            SessionEffect::Touch => self.session_cookies(&session.touched(now), now, present),
            _ => self.session_cookies(session, now, present),
        }
    }

    /// The cookies that write a session down, in answer to a request with these headers.
    pub(crate) fn session_cookies(
        &self,
        session: &Session,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let sealed = session.seal(&self.keys.now(), &self.names)?;
        self.names
            .set_session(&sealed, session.ends().since(now), present)
            .map_err(|failed| session.too_large(&failed))
    }
}
