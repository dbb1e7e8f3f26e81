//! The sessions of a user: to show them, and to end them.

use super::ended::Ended;
use crate::{
    Gate, Principal,
    core::{
        logout::{LoggedOut, LogoutOf},
        session::{
            KeptIn, KeptSession, StoreDown,
            coordinate::{Changed, Listed, LogOut, Marks, ReadList, Scope, UpdateError},
        },
        time::UnixTime,
    },
    metrics::EndedBy,
    sessions::Sessions,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{fmt, sync::Arc};

/// A session of a user, in a list. Who knows it can end it through the gate, and cannot use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    listed: Listed,
    name: String,
    seen: UnixTime,
}

impl SessionInfo {
    fn new(listed: Listed, seen: UnixTime) -> Self {
        Self {
            name: URL_SAFE_NO_PAD.encode(listed.key.as_bytes()),
            listed,
            seen,
        }
    }

    /// What names it: 43 characters for a link or a form, of which nobody can make a cookie.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When its user signed in.
    pub fn created(&self) -> UnixTime {
        self.listed.created
    }

    /// When it was last written down as used: to a tenth of the idle limit. Of a session in a cookie, when the provider was
    /// last asked, or its user signed in.
    pub fn seen(&self) -> UnixTime {
        self.seen
    }

    /// When it ends however it is used.
    pub fn ends(&self) -> UnixTime {
        self.listed.ends
    }

    /// Whether it is the one that this caller came with.
    pub fn is_of(&self, caller: &Principal) -> bool {
        let session = caller.session().map(|session| session.kept().session());
        session.is_some_and(|session| session.key() == self.listed.key)
    }
}

/// Why the sessions of a user cannot be listed or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionsError {
    /// They are in browsers' cookies alone: nobody knows of them. Set [`store`](crate::GateBuilder::store), or
    /// [`coordinator`](crate::GateBuilder::coordinator) to a store that replicas share; and
    /// [`Guarantee::SessionsOfAUser`](crate::Guarantee::SessionsOfAUser) makes `build` see to it.
    NotListed,
    /// The list was sealed with a key that is not in force: a replica is ahead of this one in a [rotation](crate::rotation).
    Unreadable,
    /// The store does not answer. What was to be ended may have been in part; to ask again is harmless.
    StoreDown,
}

impl fmt::Display for SessionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => {
                "sessions are in cookies alone and cannot be listed; keep them in a store, or set a shared coordinator"
            }
            Self::Unreadable => {
                "the list of the user's sessions does not open with the keys in force; put the same keys in force everywhere"
            }
            Self::StoreDown => "the session store does not answer",
        })
    }
}

impl std::error::Error for SessionsError {}

impl Gate {
    /// The sessions of a user that live, in the order in which they began. A user is an issuer and a subject: of the one who
    /// asks, `user.issuer()` and `user.subject()`. At most [a thousand](Listed::MAX).
    ///
    /// # Errors
    ///
    /// If nobody knows of them, or the store does not answer.
    ///
    /// ```
    /// # use oidc_gate_tower::{Gate, Principal, SessionsError};
    /// async fn elsewhere(gate: &Gate, user: &Principal) -> Result<usize, SessionsError> {
    ///     let all = gate.sessions_of(user.issuer(), user.subject()).await?;
    ///     Ok(all.iter().filter(|session| !session.is_of(user)).count())
    /// }
    /// ```
    pub async fn sessions_of(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Vec<SessionInfo>, SessionsError> {
        let sessions = self.listing()?;
        let hints = sessions.hints(Scope::User(issuer, subject)).await?;
        sessions.living(&hints).await
    }

    /// Ends a session, wherever it is used: a request that comes with it afterwards is of nobody. Tokens that are stored with it
    /// are revoked in the background, unless [`tokens_at_sign_out`](crate::GateBuilder::tokens_at_sign_out) says otherwise.
    ///
    /// # Errors
    ///
    /// If the store does not answer.
    pub async fn end_session(&self, session: &SessionInfo) -> Result<(), SessionsError> {
        let sessions = self.listing()?;
        let ended = sessions.end_listed(&session.listed).await?;
        sessions.tell(vec![session.listed.key]);
        sessions.revoke(ended.tokens);
        Ok(())
    }

    /// Ends the session of this [name](SessionInfo::name), if it is one of this user's, and says which it was. For a form on a
    /// page of the user's devices: what was posted is a name from outside, and of another user's session it ends nothing.
    ///
    /// # Errors
    ///
    /// As [`sessions_of`](Self::sessions_of).
    ///
    /// ```
    /// # use oidc_gate_tower::{Gate, Principal, SessionsError};
    /// async fn sign_out_there(gate: &Gate, user: &Principal, posted: &str) -> Result<&'static str, SessionsError> {
    ///     match gate.end_session_of(user.issuer(), user.subject(), posted).await? {
    ///         Some(ended) if ended.is_of(user) => Ok("you are signed out here"),
    ///         Some(_) => Ok("that device is signed out"),
    ///         None => Ok("that device was signed out already"),
    ///     }
    /// }
    /// ```
    pub async fn end_session_of(
        &self,
        issuer: &str,
        subject: &str,
        name: &str,
    ) -> Result<Option<SessionInfo>, SessionsError> {
        let all = self.sessions_of(issuer, subject).await?;
        let Some(found) = all.into_iter().find(|session| session.name() == name) else {
            return Ok(None);
        };
        self.end_session(&found).await?;
        Ok(Some(found))
    }

    /// Ends all sessions of a user that are listed, at most [a thousand](Listed::MAX), and says how many there were that lived.
    /// [Connections](crate::live_connections) of those that had idled out end, too, and a login of the user that is under way
    /// becomes no session.
    ///
    /// # Errors
    ///
    /// As [`sessions_of`](Self::sessions_of).
    pub async fn end_sessions_of(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<usize, SessionsError> {
        let sessions = self.listing()?;
        let all = sessions.logged_out(issuer, subject).await?;
        let living = sessions.living(&all).await?.len();
        // Of one that has idled out, connections may be open.
        let (mut tokens, mut told, mut failed) = (Vec::new(), Vec::new(), None);
        for session in &all {
            match sessions.end_listed(session).await {
                Ok(ended) => {
                    told.push(session.key);
                    tokens.extend(ended.tokens);
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        // Also of those that have ended before the store was down.
        sessions.tell(told);
        sessions.revoke(tokens);
        failed.map_or(Ok(living), Err)
    }

    fn listing(&self) -> Result<&Arc<Sessions>, SessionsError> {
        let sessions = self.0.sessions.as_ref();
        sessions
            .filter(|sessions| sessions.keeping.lists())
            .ok_or(SessionsError::NotListed)
    }
}

impl Sessions {
    /// What is listed of a user, whether it lives or not. No login that has begun before becomes a session after this.
    async fn logged_out(&self, issuer: &str, subject: &str) -> Result<Vec<Listed>, SessionsError> {
        let logout = LogoutOf::new(issuer, LoggedOut::User(subject.into()));
        let keys = self.keys.now();
        let hints = self.surely(|| LogOut::of(&keys, &logout, Marks::Always));
        hints.await.map_err(unread)
    }

    /// What is listed, whether it lives or not.
    async fn hints(&self, scope: Scope<'_>) -> Result<Vec<Listed>, SessionsError> {
        let mut read = ReadList::of(&self.keys.now(), scope);
        self.run(&mut read).await.map_err(unread)
    }

    async fn living(&self, hints: &[Listed]) -> Result<Vec<SessionInfo>, SessionsError> {
        let (keys, now) = (self.keys.now(), self.now());
        let mut found = Vec::new();
        for listed in hints {
            let stored = self.keeping.load(&listed.key).await;
            let stored = stored.map_err(|StoreDown| SessionsError::StoreDown)?;
            let (kept_in, limits) = (self.keeping.kept_in, &self.keeping.limits);
            if let Some(seen) =
                KeptSession::last_seen(&keys, listed, kept_in, limits, stored.as_ref(), now)
            {
                found.push(SessionInfo::new(*listed, seen));
            }
        }
        found.sort_by_key(|session| session.created());
        Ok(found)
    }

    async fn end_listed(self: &Arc<Self>, session: &Listed) -> Result<Ended, SessionsError> {
        let last = self
            .end_and_take_untold(session.key, session.ends)
            .await
            .map_err(|_| SessionsError::StoreDown)?;
        let mut ended = Ended::default();
        // Whoever ends a session of somebody else has not the cookies that its tokens may be in.
        ended.add(last, || None);
        if ended.changed == Changed::Yes {
            self.common.metrics.session_ended(EndedBy::Application);
        }
        Ok(ended)
    }
}

/// Why a list cannot be read or written.
pub(super) fn unread(error: UpdateError) -> SessionsError {
    match error {
        UpdateError::Failed(_) => SessionsError::Unreadable,
        _ => SessionsError::StoreDown,
    }
}

impl super::Keeping {
    /// Whether somebody keeps a list of them.
    pub(super) fn lists(&self) -> bool {
        self.kept_in == KeptIn::Store || self.is_shared()
    }
}
