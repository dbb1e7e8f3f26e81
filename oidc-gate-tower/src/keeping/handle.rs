//! A session in the hands of a handler: its tokens, when somebody asks for them.

use super::live::Ending;
use crate::{
    core::{
        secret::AccessToken,
        session::{
            KeptIn, KeptSession, SetCookie, Tokens, TokensNote,
            coordinate::{Kept, Outcome},
        },
        time::UnixTime,
    },
    recognise::Present,
    sessions::Sessions,
};
use http::{HeaderMap, HeaderValue, header::COOKIE};
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
    /// What its cookies are, where its tokens are in them.
    cookies: Vec<HeaderValue>,
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
    newer: Option<KeptSession>,
    head: Head,
}

/// Whether something can still be written into the browser's cookies.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Head {
    #[default]
    ToCome,
    Gone,
}

impl SessionHandle {
    pub(crate) fn new(sessions: Arc<Sessions>, present: Present, headers: &HeaderMap) -> Self {
        let kept = present.kept;
        let in_cookies = sessions.keeping.kept_in == KeptIn::Cookies
            && kept.session().tokens().is_some()
            && !kept.is_news();
        let cookies = match in_cookies {
            true => headers.get_all(COOKIE).iter().cloned().collect(),
            false => Vec::new(),
        };
        Self {
            sessions,
            kept,
            cookies,
            waits_again: present.waits_again,
            now: Mutex::default(),
            ending: OnceLock::new(),
        }
    }

    pub(crate) fn kept(&self) -> &KeptSession {
        &self.kept
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a handler can ask for tokens.
    pub(crate) fn has_tokens(&self) -> bool {
        self.kept.session().tokens().is_some()
    }

    /// The cookies of what was refreshed while the handler ran. The head of its answer goes now, and what is refreshed later is
    /// too late for them.
    pub(crate) fn head_goes(&self) -> Option<Vec<SetCookie>> {
        let newer = {
            let mut now = self.now();
            now.head = Head::Gone;
            now.newer.clone()?
        };
        if self.sessions.keeping.kept_in == KeptIn::Store {
            return None;
        }
        let (session, tokens) = (newer.session(), self.tokens(&newer));
        let headers = (self.cookies.iter())
            .map(|line| (COOKIE, line.clone()))
            .collect();
        let now = self.sessions.now();
        let sessions = &self.sessions;
        sessions.renewed_cookies(session, tokens.as_ref(), now, &headers)
    }

    fn tokens(&self, kept: &KeptSession) -> Option<Tokens> {
        let sessions = &self.sessions;
        let keys = sessions.keys.now();
        kept.tokens(&keys, |session| {
            let headers = (self.cookies.iter()).map(|line| (COOKIE, line.clone()));
            session.open_tokens(&keys, &sessions.names, &headers.collect())
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
            (
                now.newer.clone().unwrap_or_else(|| self.kept.clone()),
                now.head,
            )
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
                self.now().newer = Some(newer);
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
