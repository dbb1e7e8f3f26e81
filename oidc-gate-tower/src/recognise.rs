//! Whom a request brings, by its bearer token or by its cookies.

use crate::{
    Gate, Identity, Principal,
    bearer::{Sight, Unusable},
    core::{
        check::{Check, CheckFailed},
        gate::{BearerVerdict, Credential, Endpoint, LiveSession, Route, SessionView},
        session::{Freshness, GateCookies, KeptSession, Session},
        time::UnixTime,
    },
    keeping::SessionHandle,
    ports::Boxed,
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

/// A session that lives, as a request came with it: at once in the place that a handler gets it in, so that it is not moved about.
pub(crate) struct Present {
    pub(crate) session: Arc<SessionHandle>,
    pub(crate) freshness: Freshness,
}

impl Present {
    pub(crate) fn kept(&self) -> &KeptSession {
        self.session.kept()
    }
}

impl Recognised {
    pub(crate) fn credential(&self) -> Credential<'_> {
        match self {
            Self::Nobody => Credential::None,
            Self::Session(present) => Credential::Session(SessionView::new(
                present.kept().session().identity(),
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
        self.present().map(|present| present.kept().session())
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
    pub(crate) fn or(self, other: Self) -> Self {
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
    pub(crate) fn into_principal(self, headers: &HeaderMap, now: UnixTime) -> Option<Principal> {
        match self {
            Self::Session(present) => {
                let session = present.session.beside_cookies(headers);
                Some(Principal::with_session(session, now))
            }
            Self::Bearer(identity) => Some(Principal::new(identity, now)),
            _ => None,
        }
    }
}

/// The headers of a request, and the gate's cookies among them, which are read once.
#[derive(Clone, Copy)]
pub(crate) struct Brought<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) cookies: GateCookies<'a>,
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
    /// What these headers bring.
    pub(crate) fn brought<'a>(&self, headers: &'a HeaderMap) -> Brought<'a> {
        let cookies = (self.0.sessions.as_ref())
            .map(|sessions| sessions.names.read(headers))
            .unwrap_or_default();
        Brought { headers, cookies }
    }

    /// Looks for whoever a request brings, as far as its route takes it.
    pub(crate) fn look(&self, route: &Route<'_>, brought: Brought<'_>, now: UnixTime) -> Look {
        if !route.needs_identity() {
            return Look::Now(Recognised::Nobody);
        }
        let sight = match (&self.0.bearer, route) {
            // These are about sessions, whatever else comes along.
            (
                _,
                Route::Endpoint(
                    Endpoint::Start | Endpoint::Callback(_) | Endpoint::Session | Endpoint::SignOut,
                ),
            )
            | (None, _) => Sight::Nothing,
            (Some(verifier), _) => verifier.look(brought.headers, now),
        };
        match sight {
            Sight::Later(work) => Look::Later(Box::pin(async move { Seen::Token(work.await) })),
            sight => self.seen(Seen::Token(sight), brought, now),
        }
    }

    /// Whom a request brings of whom this has been found out. Where there is a token it decides, and a session beside it does
    /// not.
    pub(crate) fn seen(&self, seen: Seen, brought: Brought<'_>, now: UnixTime) -> Look {
        let sight = match seen {
            Seen::Session(recognised) => return Look::Now(recognised),
            Seen::Beside(failed, session) => {
                let bad = Unusable::Bad(Box::new(failed), session);
                return Look::Now(Recognised::Unusable(bad));
            }
            Seen::Token(sight) => sight,
        };
        let session = || match &self.0.sessions {
            Some(sessions) => sessions.recognise(brought, now),
            None => Look::Now(Recognised::Nobody),
        };
        match sight {
            Sight::Nothing => session(),
            Sight::Good(identity) => Look::Now(Recognised::Bearer(identity)),
            Sight::Bad(failed) => match session() {
                Look::Now(recognised) => {
                    let beside = Seen::Beside(failed, recognised.is_live());
                    self.seen(beside, brought, now)
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
