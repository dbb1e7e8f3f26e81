//! A session in the hands of a handler: its tokens, when somebody asks for them.

use super::{SessionsError, ended::Ended, live::Ending};
use crate::{
    core::{
        check::Check,
        login::ReturnTo,
        secret::{AccessToken, IdToken},
        session::{
            KeptIn, KeptSession, SealedBy, SetCookie, Ticket, Tokens, TokensNote,
            coordinate::{Changed, Kept, Outcome, UpdateError},
        },
        time::UnixTime,
    },
    keeping::SessionState,
    ports::Boxed,
    sessions::Sessions,
    sign_out::{By, Leave},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header::COOKIE};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// The session of a request that was admitted.
pub(crate) struct SessionHandle {
    pub(super) sessions: Arc<Sessions>,
    /// As the request came with it: who is signed in does not change under a handler's hands.
    kept: KeptSession,
    /// What names it, where it is stored.
    pub(super) ticket: Option<(Ticket, SealedBy)>,
    /// What its cookies are, where its tokens are in them.
    cookies: OnceLock<Vec<HeaderValue>>,
    /// The request has waited for a refresh in vain: its handler does not before then.
    waits_again: Option<UnixTime>,
    now: Mutex<Now>,
    /// Whether somebody waits for its end.
    pub(super) ending: OnceLock<Ending>,
}

/// When to come again where another is at a refresh, or the store does not answer.
pub(super) const AGAIN: Duration = Duration::from_secs(5);

/// What has become of the session since.
#[derive(Default)]
struct Now {
    newer: Option<Box<KeptSession>>,
    head: Head,
    life: Life,
}

/// Whether a handler has ended it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Lives,
    Ended,
}

/// What is left of a session that a handler has ended.
pub(crate) struct Parted {
    /// What the provider knows it by.
    hint: Option<IdToken>,
    tokens: Vec<Tokens>,
}

/// What a handler has made of a session's cookies.
pub(crate) enum Written {
    /// Nothing. They are as they were, or in a store.
    Nothing,
    /// Newer ones.
    Renewed(Vec<SetCookie>),
    /// The session has ended.
    Ended(Vec<SetCookie>),
}

/// Whether something can still be written into the browser's cookies.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Head {
    #[default]
    ToCome,
    Gone,
}

impl SessionHandle {
    #[inline]
    pub(super) fn new(
        sessions: Arc<Sessions>,
        kept: KeptSession,
        ticket: Option<(Ticket, SealedBy)>,
        waits_again: Option<UnixTime>,
    ) -> Self {
        Self {
            sessions,
            kept,
            ticket,
            cookies: OnceLock::new(),
            waits_again,
            now: Mutex::default(),
            ending: OnceLock::new(),
        }
    }

    /// The same with the cookies of its request, where its tokens are in them.
    pub(crate) fn beside_cookies(self: Arc<Self>, headers: &HeaderMap) -> Arc<Self> {
        let in_cookies = self.sessions.keeping.kept_in == KeptIn::Cookies
            && self.kept.session().tokens().is_some()
            && !self.kept.is_news();
        if in_cookies {
            let lines = || headers.get_all(COOKIE).iter().cloned().collect();
            self.cookies.get_or_init(lines);
        }
        self
    }

    /// The lines of cookies that its request came with, where its tokens are in them.
    fn lines(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let lines = self.cookies.get().into_iter().flatten();
        lines.map(|line| (COOKIE, line.clone()))
    }

    /// When it ends, as the request came with it.
    pub(crate) fn state(&self) -> SessionState {
        SessionState::of(self.kept.session(), &self.sessions.keeping.limits)
    }

    pub(crate) fn kept(&self) -> &KeptSession {
        &self.kept
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was made of the session while the handler ran. The head of its answer goes now, and what is refreshed later is
    /// too late for it.
    pub(crate) fn head_goes(self: &mut Arc<Self>) -> Written {
        let (newer, life) = match Arc::get_mut(self) {
            // Most handlers have let go of it by now, and nobody else will ever look.
            Some(only) => {
                let now = only.now.get_mut().unwrap_or_else(PoisonError::into_inner);
                (now.newer.take(), now.life)
            }
            None => {
                let mut now = self.now();
                now.head = Head::Gone;
                (now.newer.clone(), now.life)
            }
        };
        if life == Life::Ended {
            return Written::Ended(self.sessions.names.clear_every_piece());
        }
        let in_cookies = self.sessions.keeping.kept_in == KeptIn::Cookies;
        let Some(newer) = newer.filter(|_| in_cookies) else {
            return Written::Nothing;
        };
        let (session, tokens) = (newer.session(), self.tokens(&newer));
        let headers = self.lines().collect();
        let now = self.sessions.now();
        let sessions = &self.sessions;
        match sessions.renewed_cookies(session, tokens.as_ref(), now, &headers) {
            Some(cookies) => Written::Renewed(cookies),
            None => Written::Nothing,
        }
    }

    /// Ends the session, for a handler. What the provider knows it by comes back, and the tokens that it would still take.
    pub(crate) fn end(&self) -> Boxed<'_, Result<Parted, UpdateError>> {
        // Boxed, because handlers await it, and compilers count how deep futures are nested.
        Box::pin(async move {
            let newest = self.now().newer.clone();
            let newest = newest.as_deref().unwrap_or(&self.kept);
            let hint = self.tokens(newest).and_then(|tokens| tokens.id);
            let session = newest.session();
            let last = (self.sessions)
                .end_and_take(session.key(), session.last(&self.sessions.keeping.limits))
                .await?;
            self.now().life = Life::Ended;
            let mut ended = Ended::default();
            ended.add(last, || self.tokens(newest));
            if ended.changed == Changed::Yes {
                self.sessions.signed_out(session.identity());
            }
            let tokens = ended.tokens;
            Ok(Parted { hint, tokens })
        })
    }

    /// As [`Principal::sign_out`](crate::Principal::sign_out).
    pub(crate) async fn sign_out(&self) -> Result<(), SessionsError> {
        let Parted { tokens, .. } = self.end().await.map_err(|_| SessionsError::StoreDown)?;
        self.sessions.revoke(tokens);
        Ok(())
    }

    /// Ends it, and leads the browser to where a sign-out goes.
    pub(crate) async fn log_out(
        &self,
        place: Option<ReturnTo>,
        cookies: Vec<SetCookie>,
        by: By,
    ) -> Response<Bytes> {
        let Parted { hint, tokens } = match self.end().await {
            Ok(ended) => ended,
            Err(_) => {
                let cause =
                    "expected the session's end to be written down, the store does not answer";
                return crate::endpoint::refuse(
                    &self.sessions,
                    Check::StoreUnavailable,
                    cause.to_owned(),
                    None,
                );
            }
        };
        let leave = Leave {
            hint,
            tokens,
            cookies,
            place,
            by,
        };
        self.sessions.leave(leave).await
    }

    fn tokens(&self, kept: &KeptSession) -> Option<Tokens> {
        let sessions = &self.sessions;
        let keys = sessions.keys.now();
        kept.tokens(&keys, |session| {
            session.open_tokens(&keys, &sessions.names, &self.lines().collect())
        })
    }

    /// The tokens that can be passed on as they are.
    pub(crate) fn at_hand(&self, now: UnixTime) -> Option<Tokens> {
        Some(self.tokens(&self.kept)?.good_at(now))
    }

    /// An access token that is good now.
    pub(crate) async fn access_token(&self) -> Result<AccessToken, TokenError> {
        let began = self.sessions.now();
        let (access, note) = self.renewed().await?;
        // Where another renewed it so long ago that this has ended as well, it is renewed from there.
        let has_ended = note.expires.is_some_and(|end| self.sessions.now() >= end);
        if has_ended && note.obtained < began {
            return Ok(self.renewed().await?.0);
        }
        Ok(access)
    }

    /// The newest access token there is, after a refresh if it needs one.
    async fn renewed(&self) -> Result<(AccessToken, TokensNote), TokenError> {
        let (kept, head) = {
            let now = self.now();
            if now.life == Life::Ended {
                return Err(TokenError::Ended);
            }
            (now.newer.as_deref().unwrap_or(&self.kept).clone(), now.head)
        };
        let now = || self.sessions.now();
        let note = kept.session().tokens().ok_or(TokenError::NotKept)?;
        let tokens = self.tokens(&kept).ok_or(TokenError::Ended)?;
        let access = tokens.access.clone().ok_or(TokenError::NotKept)?;
        if now() >= kept.session().ends() {
            return Err(TokenError::Ended);
        }
        if kept.is_token_fresh(now()) {
            return Ok((access, note));
        }
        // Nearly over is better than none, and waiting for another may have taken long.
        let or_as_it_is = |error| match note.expires {
            Some(end) if now() < end => Ok((access.clone(), note)),
            _ => Err(error),
        };
        if !note.refreshable || kept.is_lost() {
            return or_as_it_is(TokenError::Ended);
        }
        let keeping = &self.sessions.keeping;
        if keeping.kept_in == KeptIn::Cookies && head == Head::Gone && !keeping.is_shared() {
            return or_as_it_is(TokenError::TooLate);
        }
        if let Some(until) = self.waits_again.filter(|until| now() < *until) {
            return or_as_it_is(unavailable(until, now()));
        }
        match self.sessions.refresh(&kept, Some(tokens)).await.as_deref() {
            Some(Outcome::Renewed(session, tokens)) => {
                let newer = KeptSession::renewed(session.clone(), tokens.clone());
                let access = self.tokens(&newer).and_then(|tokens| tokens.access);
                let note = newer.session().tokens();
                self.now().newer = Some(Box::new(newer));
                access.zip(note).ok_or(TokenError::Ended)
            }
            Some(Outcome::Ended(_)) => Err(TokenError::Ended),
            Some(Outcome::Kept(Kept::Lost(_))) => or_as_it_is(TokenError::Ended),
            Some(Outcome::Kept(Kept::NotNow { until, .. })) => {
                or_as_it_is(unavailable(*until, now()))
            }
            Some(Outcome::Kept(Kept::Busy | Kept::StoreDown)) | None => {
                or_as_it_is(unavailable(now() + AGAIN, now()))
            }
        }
    }
}

fn unavailable(until: UnixTime, now: UnixTime) -> TokenError {
    TokenError::ProviderUnavailable {
        retry_after: until.since(now).max(Duration::from_secs(1)),
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// Why there is no access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The caller has no session: a test made it up.
    NoSession,
    /// The caller has shown a token of its own, which was meant for this application and for no other.
    PresentedByCaller,
    /// The session keeps no access token: [`keep_tokens`](crate::GateBuilder::keep_tokens) says so, or the session's cookies
    /// had no room for it.
    NotKept,
    /// The token has ended, and there is no other to be had without the user: somebody has to sign in again.
    Ended,
    /// The token has ended, and the provider or the session store does not answer.
    ProviderUnavailable {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The token has ended after the answer to this request has gone. A session in cookies can only be refreshed in a request
    /// whose answer carries the cookies; one that is stored, or that replicas coordinate, can at any time.
    TooLate,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSession => f.write_str("the caller has no session, and so no access token"),
            Self::PresentedByCaller => f.write_str(
                "the caller has shown a token of its own, which is not handed on to other services",
            ),
            Self::NotKept => f.write_str(
                "the session keeps no access token; see `keep_tokens`, or keep sessions in a store",
            ),
            Self::Ended => {
                f.write_str("the access token has ended, and the user has to sign in again")
            }
            Self::ProviderUnavailable { retry_after } => write!(
                f,
                "the access token has ended, and a new one cannot be had just now; ask again in {} s",
                retry_after.as_secs()
            ),
            Self::TooLate => f.write_str(
                "the access token has ended, and a session in cookies is not refreshed after the answer has gone; \
                 keep sessions in a store, or set a shared coordinator",
            ),
        }
    }
}

impl std::error::Error for TokenError {}
