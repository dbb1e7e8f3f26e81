//! Sessions in cookies: whom a request brings, and what writes one down.

use crate::{
    Principal,
    core::{
        check::{Check, CheckFailed},
        gate::{Credential, SessionView},
        session::{Freshness, Predecessor, Session, SetCookie},
        time::UnixTime,
    },
    sessions::Sessions,
};
use http::HeaderMap;

/// What a request's cookies come to.
pub(crate) enum Recognised {
    Nobody,
    Session(Session, Freshness),
    Expired(Check),
    Unreadable(Check),
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
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session, _) => Some(session),
            Self::Nobody | Self::Expired(_) | Self::Unreadable(_) => None,
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

    pub(crate) fn into_principal(self, now: UnixTime) -> Option<Principal> {
        match self {
            Self::Session(session, _) => Some(Principal::new(session.into_identity(), now)),
            Self::Nobody | Self::Expired(_) | Self::Unreadable(_) => None,
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
        let sealed = self.names.sessions(headers);
        sealed.map(move |sealed| self.open(&sealed, now))
    }

    fn open(&self, sealed: &[u8], now: UnixTime) -> Recognised {
        let Some(session) = Session::open(&self.keys, &self.names, sealed) else {
            return Recognised::Unreadable(Check::SessionUnreadable);
        };
        // The configuration may have changed since: what another provider vouched for is not worth anything here.
        if !self.upstream.vouches_for(session.identity()) {
            return Recognised::Expired(Check::SessionForeign);
        }
        if self.ended.contains(session.id().expose(), now) {
            return Recognised::Expired(Check::SessionEnded);
        }
        match self.limits.judge(&session, now) {
            Ok(freshness) => Recognised::Session(session, freshness),
            Err(check) => Recognised::Expired(check),
        }
    }

    /// The cookies that write a session down, in answer to a request with these headers.
    pub(crate) fn session_cookies(
        &self,
        session: &Session,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let sealed = session.seal(&self.keys, &self.names)?;
        self.names
            .set_session(&sealed, session.ends().since(now), present)
            .map_err(|failed| session.too_large(&failed))
    }
}
