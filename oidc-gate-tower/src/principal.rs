//! The caller, as the gate found it.

use crate::{
    core::{
        gate::{Requirement, Unmet},
        identity::{Identity, Via},
        secret::AccessToken,
        time::UnixTime,
    },
    keeping::{SessionEnd, SessionHandle, SessionState, SessionsError, TokenError},
};
use std::{net::SocketAddr, ops::Deref, sync::Arc};

/// The signed-in caller: in the request extensions of every request that the gate admitted for somebody. Cheap to clone.
///
/// It derefs to [`Identity`]. Only a gate can put one there: what a request brings along is taken off first.
///
/// ```
/// use oidc_gate_tower::Principal;
/// fn greet<B>(request: &http::Request<B>) -> String {
///     match request.extensions().get::<Principal>() {
///         Some(user) => format!("hello {}", user.display_name()),
///         None => "hello stranger".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Principal {
    who: Who,
    seen_at: UnixTime,
}

#[derive(Clone, Debug)]
enum Who {
    /// By a token of its own, or made up.
    Identity(Arc<Identity>),
    /// By a session.
    Session(Arc<SessionHandle>),
}

impl Principal {
    /// The caller of a request that was decided about at `seen_at`.
    pub(crate) fn new(identity: impl Into<Arc<Identity>>, seen_at: UnixTime) -> Self {
        Self {
            who: Who::Identity(identity.into()),
            seen_at,
        }
    }

    /// The caller whose session that is.
    pub(crate) fn with_session(session: Arc<SessionHandle>, seen_at: UnixTime) -> Self {
        let who = Who::Session(session);
        Self { who, seen_at }
    }

    pub(crate) fn session(&self) -> Option<&Arc<SessionHandle>> {
        match &self.who {
            Who::Session(session) => Some(session),
            Who::Identity(_) => None,
        }
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        match &self.who {
            Who::Identity(identity) => identity,
            Who::Session(session) => session.kept().session().identity(),
        }
    }

    /// An access token of the user's for other services, good for a moment at least: the session's own, or one that it is
    /// refreshed for now. Requests that want one at the same time get the same.
    ///
    /// Where the provider does not say when an access token ends, it is taken to be good until a refresh that
    /// [`RefreshRules::every`](crate::RefreshRules::every) asks for. A socket that outlives its request gets tokens until the
    /// session's absolute limit or its end: the idle limit counts requests, and there are none.
    ///
    /// # Errors
    ///
    /// Why there is none, and what would help.
    ///
    /// # Security
    ///
    /// It speaks for the user wherever it is taken. Send it to the services it was issued for, over TLS, and do not let it
    /// follow redirects to others.
    pub async fn access_token(&self) -> Result<AccessToken, TokenError> {
        match &self.who {
            Who::Session(session) => session.access_token().await,
            Who::Identity(identity) if identity.via() == Via::Bearer => {
                Err(TokenError::PresentedByCaller)
            }
            Who::Identity(_) => Err(TokenError::NoSession),
        }
    }

    /// Waits for the end of the session: a sign-out, wherever it was, a logout by the provider, an end by the application, the
    /// session's absolute limit. For whatever outlives its request: a WebSocket, a stream of events. The guide is
    /// [`live_connections`](crate::live_connections).
    ///
    /// In this process it is known at once. Of another replica's doing it is known within half a second where sessions are
    /// in a [store](crate::GateBuilder::store) that replicas share, or they have a
    /// [coordinator](crate::GateBuilder::coordinator); sessions in cookies alone end for the connections of the process that
    /// ended them. The idle limit counts requests, and ends no connection.
    ///
    /// A caller with a token of its own has no session, and this waits for ever: give its connections a limit of their own. So
    /// it does for a caller that a test has made up.
    ///
    /// It may be asked for as often as one likes, dropped and asked for again: nothing is missed, and one task waits.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, like everything that waits for a time.
    ///
    /// ```
    /// # use oidc_gate_tower::{Principal, SessionEnd};
    /// # async fn next() -> Option<String> { None }
    /// async fn feed(user: Principal) {
    ///     loop {
    ///         tokio::select! {
    ///             () = user.session_ended() => break,
    ///             message = next() => match message { Some(_) => {} None => break },
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn session_ended(&self) {
        self.session_end().await;
    }

    /// As [`session_ended`](Self::session_ended), and how it ended: whether to connect again, or not.
    pub async fn session_end(&self) -> SessionEnd {
        match &self.who {
            Who::Session(session) => session.ended().await,
            Who::Identity(_) => std::future::pending().await,
        }
    }

    /// Ends the caller's session: this very one, and no other of the user's. A request that comes with it afterwards is of
    /// nobody, the answer to this one removes its cookies, and its tokens are revoked in the background, unless
    /// [`tokens_at_sign_out`](crate::GateBuilder::tokens_at_sign_out) says otherwise. Where the answer's head has gone, as on a
    /// socket, the browser keeps a cookie that is worth nothing.
    ///
    /// What the handler answers is its own matter, and the session at the provider stays. A [`LogOut`](crate::LogOut) leads
    /// there. A caller without a session has none to end.
    ///
    /// # Errors
    ///
    /// [`SessionsError::StoreDown`]: the session may have ended, and to ask again is harmless.
    pub async fn sign_out(&self) -> Result<(), SessionsError> {
        match &self.who {
            Who::Session(session) => session.sign_out().await,
            Who::Identity(_) => Ok(()),
        }
    }

    /// When the caller's session began and when it ends, as the request came with it: the request itself may have extended it.
    /// `None` where the caller has none: whoever comes with a token of its own.
    ///
    /// A page asks for the same, without extending anything, at the gate's `session`: see
    /// [`session_storage`](crate::session_storage).
    ///
    /// ```
    /// use oidc_gate_tower::Principal;
    /// use std::time::Duration;
    ///
    /// /// Whether there is still time to fill in a long form.
    /// fn has_an_hour(user: &Principal) -> bool {
    ///     user.session_state().is_none_or(|session| session.ends().since(session.seen()) >= Duration::from_secs(3600))
    /// }
    /// ```
    pub fn session_state(&self) -> Option<SessionState> {
        self.session().map(|session| session.state())
    }

    /// Whether the caller meets a requirement, at the time at which the gate looked at the request.
    ///
    /// # Errors
    ///
    /// What is lacking, and whether a stronger sign-in would mend it.
    pub fn meets(&self, requirement: &Requirement) -> Result<(), Unmet> {
        requirement.check(self.identity(), self.seen_at)
    }
}

impl Deref for Principal {
    type Target = Identity;
    fn deref(&self) -> &Identity {
        self.identity()
    }
}

impl AsRef<Identity> for Principal {
    fn as_ref(&self) -> &Identity {
        self.identity()
    }
}

/// In the extensions of a request that was admitted without a caller, on an open route. Tells "nobody" from "no gate".
#[derive(Clone, Copy, Debug)]
pub struct Anonymous {
    _private: (),
}

impl Anonymous {
    pub(crate) const MARK: Self = Self { _private: () };
}

/// The address of the direct peer. Whoever accepts connections puts it into the request's extensions; nothing that a
/// request says is taken for it. The gate names it in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);
