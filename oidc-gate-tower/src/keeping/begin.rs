//! A login that has ended well becomes a session.

use super::Keep;
use crate::{
    core::{
        check::{Check, CheckFailed},
        flow::Entropy as _,
        login::SignedIn,
        secret::SessionId,
        session::{
            KeptIn, Session, SetCookie, StoreKey, Ticket, Tokens,
            coordinate::{
                Begin, Begun, Changed, End, Enlist, Enlisted, Machine, Once, Scope, UpdateError,
            },
        },
        time::UnixTime,
    },
    ports::OsEntropy,
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

impl Sessions {
    /// Writes down the session of whoever has signed in: in the store if it is kept there, and in the cookies that come
    /// back. Nothing else has changed yet.
    pub(crate) async fn signed_in(
        self: &Arc<Self>,
        signed_in: SignedIn,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Result<(Session, Vec<SetCookie>), CheckFailed> {
        let tokens = Tokens::issued(
            &signed_in.tokens,
            signed_in.requested_at.unwrap_or(now),
            &signed_in.scope,
            Some(&signed_in.nonce),
            &signed_in.resources,
            self.keeping.keep.tokens(),
        );
        let sid = signed_in.provider_session.as_deref();
        let ends = signed_in.session_expiry;
        let identity = signed_in.identity;
        let begin = |key| {
            let session = Session::begin(key, identity, sid, &self.keeping.limits, now);
            match ends {
                Some(ends) => session.ending(ends),
                None => session,
            }
        };
        self.write_down(begin, tokens, Some(signed_in.begun), now, headers)
            .await
    }

    /// As [`signed_in`](Self::signed_in), of the session that `begin` makes of a fresh key. `begun` is when its login began, if
    /// the provider may have ended it since.
    pub(crate) async fn write_down(
        self: &Arc<Self>,
        begin: impl FnOnce(StoreKey) -> Session + Send,
        tokens: Option<Tokens>,
        begun: Option<UnixTime>,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Result<(Session, Vec<SetCookie>), CheckFailed> {
        match self.keeping.kept_in {
            KeptIn::Cookies => {
                let session = begin(StoreKey::from_bytes(random()?));
                let (session, cookies) = self.in_cookies(session, tokens, now, headers)?;
                if self.keeping.lists() {
                    self.enlist(&session, begun).await?;
                }
                Ok((session, cookies))
            }
            KeptIn::Store => {
                let id = SessionId::from_bytes(random()?);
                let ticket = Ticket::new(id, now + self.keeping.limits.absolute());
                let session = begin(ticket.key()).with_tokens(tokens.as_ref());
                let ticket = ticket.ending(session.ends());
                self.enlist(&session, begun).await?;
                let keys = self.keys.now();
                let begin = || Begin::of(&keys, session.clone(), tokens.clone());
                if self.must(begin).await? == Begun::SignedOut {
                    return Err(signed_out_meanwhile());
                }
                let cookies = self.ticket_cookies(&ticket, now, headers)?;
                Ok((session, cookies))
            }
        }
    }

    /// The cookies of a session that begins, with its tokens if there is room for them.
    fn in_cookies(
        &self,
        session: Session,
        tokens: Option<Tokens>,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Result<(Session, Vec<SetCookie>), CheckFailed> {
        if let Some(fits) = self.with_hint(&session, tokens.as_ref(), now, headers) {
            return Ok(fits);
        }
        let tokens = match self.keeping.keep {
            Keep::IfTheyFit(_) => tokens.and_then(|tokens| tokens.without_id()),
            Keep::Demanded(_) => tokens,
        };
        let with = session.clone().with_tokens(tokens.as_ref());
        match self.session_cookies(&with, tokens.as_ref(), now, headers) {
            Ok(cookies) => Ok((with, cookies)),
            Err(failed)
                if failed.check() == Check::SessionTooLarge
                    && tokens.is_some()
                    && matches!(self.keeping.keep, Keep::IfTheyFit(_)) =>
            {
                let cookies = self.session_cookies(&session, None, now, headers)?;
                tracing::warn!(
                    cause = failed.cause(),
                    "a session goes without its tokens, and so without a refresh; keep sessions in a store, or fewer \
                     tokens with `keep_tokens`"
                );
                Ok((session, cookies))
            }
            Err(failed) => Err(failed),
        }
    }

    /// The cookies of a session with its ID token, where nobody relies on that and there is room for it: it goes first, because
    /// all that it is good for is a hint.
    pub(super) fn with_hint(
        &self,
        session: &Session,
        tokens: Option<&Tokens>,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Option<(Session, Vec<SetCookie>)> {
        let tokens = tokens.filter(|tokens| tokens.id.is_some());
        let (Keep::IfTheyFit(_), Some(tokens)) = (self.keeping.keep, tokens) else {
            return None;
        };
        let with = session.clone().with_tokens(Some(tokens));
        let cookies = self
            .session_cookies(&with, Some(tokens), now, headers)
            .ok()?;
        let kept = cookies.iter().filter(|cookie| !cookie.is_removal());
        let bytes: usize = kept.map(SetCookie::pair_bytes).sum();
        (bytes <= MAX_WITH_HINT).then_some((with, cookies))
    }

    /// Lists a session under its user, and under its name at the provider, unless that has ended it meanwhile.
    async fn enlist(
        self: &Arc<Self>,
        session: &Session,
        begun: Option<UnixTime>,
    ) -> Result<(), CheckFailed> {
        let who = session.identity();
        self.enlist_in(Scope::User(who.issuer(), who.subject()), session, begun)
            .await?;
        if let Some(sid) = session.provider_session() {
            self.enlist_in(Scope::AtProvider(who.issuer(), sid), session, begun)
                .await?;
        }
        Ok(())
    }

    /// Has the lists that a session stands in sealed anew, as it is itself: they have to open for as long as it does.
    pub(super) fn list_anew(self: &Arc<Self>, session: &Session) {
        if !self.keeping.lists() {
            return;
        }
        let (sessions, session) = (self.clone(), session.clone());
        drop(self.common.tasks.spawn(async move {
            // What the store has not taken is done when the session is sealed anew in another request.
            let _ = sessions.enlist(&session, None).await;
        }));
    }

    /// Lists a session that goes on under another name at the provider, and ends it if that has been ended.
    pub(super) async fn enlist_anew(
        self: &Arc<Self>,
        session: &Session,
    ) -> Result<(), CheckFailed> {
        let Some(sid) = session.provider_session().filter(|_| self.keeping.lists()) else {
            return Ok(());
        };
        let scope = Scope::AtProvider(session.identity().issuer(), sid);
        let listed = self
            .enlist_in(scope, session, Some(session.created()))
            .await;
        if let Err(failed) = &listed
            && failed.check() == Check::SignedOutMeanwhile
        {
            // What cannot be written down now is over here all the same, and its tokens with it.
            let _ = self.end(session.key(), session.ends()).await;
        }
        listed
    }

    async fn enlist_in(
        self: &Arc<Self>,
        scope: Scope<'_>,
        session: &Session,
        begun: Option<UnixTime>,
    ) -> Result<(), CheckFailed> {
        let (keys, apart) = (self.keys.now(), self.keeping.clocks_apart());
        let enlist = || Enlist::of(&keys, scope, session.into(), begun, apart);
        match self.must(enlist).await? {
            Enlisted::SignedOut => Err(signed_out_meanwhile()),
            Enlisted::Listed { crowded_out: None } => Ok(()),
            Enlisted::Listed {
                crowded_out: Some(other),
            } => {
                // Nobody would find it any more, so nobody could end it.
                let ended = self.must(|| End::of(&keys, other.key, other.ends)).await;
                self.tell(vec![other.key]);
                ended.map(|_| ())
            }
        }
    }

    /// Whether a state is used for the first time, as far as replicas know.
    pub(crate) async fn is_first(
        &self,
        state: &[u8],
        until: UnixTime,
    ) -> Result<bool, CheckFailed> {
        if !self.keeping.is_shared() {
            return Ok(true);
        }
        let by = random()?;
        let first = self.must(|| Once::of("state", state, until, by)).await?;
        Ok(first == Changed::Yes)
    }

    /// Runs a change without which a login cannot go on.
    async fn must<M, T>(&self, change: impl Fn() -> M) -> Result<T, CheckFailed>
    where
        M: Machine<Output = Result<T, UpdateError>> + Send,
    {
        match self.surely(change).await {
            Ok(output) => Ok(output),
            Err(UpdateError::Failed(failed)) => Err(failed),
            Err(_) => Err(CheckFailed::new(
                Check::StoreUnavailable,
                "expected the session to be written down, the store does not answer",
            )),
        }
    }
}

/// How many bytes of a request a session may take with a token in it that is not needed until it ends. Servers have room for
/// eight thousand in a line, and the application has cookies too.
const MAX_WITH_HINT: usize = 6000;

fn signed_out_meanwhile() -> CheckFailed {
    let cause = "the provider has ended the user's session after this login began";
    CheckFailed::new(Check::SignedOutMeanwhile, cause)
}

fn random<const N: usize>() -> Result<[u8; N], CheckFailed> {
    let mut bytes = [0; N];
    OsEntropy
        .fill(&mut bytes)
        .map_err(|error| CheckFailed::new(Check::Randomness, error.to_string()))?;
    Ok(bytes)
}
