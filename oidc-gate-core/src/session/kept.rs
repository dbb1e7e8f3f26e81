//! A session as a request finds it: what its cookie says, and what a store knows better.

use super::{
    CookieKeys, InStore, Lifetimes, OpenedEntry, RefreshRules, SealedBy, SealedTokens, Session,
    Stored,
    coordinate::{Base, Listed},
    due::{Due, is_fresh},
    entry::{Entry, Refreshing},
    lifetime::Freshness,
};
use crate::{check::Check, session::Tokens, time::UnixTime};

/// A session that a request brings.
#[derive(Clone, Debug)]
pub struct KeptSession {
    session: Session,
    tokens: Place,
    refreshing: Refreshing,
    sealed_by: SealedBy,
    /// There is something to settle.
    unsettled: bool,
    /// Another has taken its place, and it lives on for requests that are under way.
    replaced: bool,
}

/// Where a session's tokens are.
#[derive(Clone, Debug)]
enum Place {
    /// In the cookies that came along.
    Cookies,
    Sealed(Option<SealedTokens>),
}

/// What there is of a session.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a gate has to decide about each")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Found {
    /// It lives, as far as limits go that a store knows of; [`KeptSession::judge`] knows the others.
    Session(KeptSession),
    /// It does not any more.
    Over(Check),
    /// What the store has does not open with the keys there are.
    Unreadable,
}

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two places")]
pub enum KeptIn {
    /// In the browser. A response that has gone can take nothing along, so what is refreshed is refreshed before.
    Cookies,
    /// In a store.
    Store,
}

impl KeptSession {
    /// A stored session, from what the store has under the key of its ticket.
    pub fn stored(in_store: InStore, now: UnixTime) -> Found {
        let OpenedEntry { entry, sealed_by } = match in_store {
            InStore::Nothing => return Found::Over(Check::SessionUnknown),
            InStore::Unreadable => return Found::Unreadable,
            InStore::Entry(opened) => opened,
        };
        match entry {
            Entry::Ended { .. } => Found::Over(Check::SessionEnded),
            Entry::Live(live) if now >= live.ends => Found::Over(Check::SessionExpired),
            Entry::Live(live) => {
                let replaced = live.is_replaced(now);
                let Some(session) = live.session else {
                    return Found::Unreadable;
                };
                Found::Session(Self {
                    session,
                    tokens: Place::Sealed(live.tokens),
                    refreshing: live.refreshing,
                    sealed_by,
                    unsettled: false,
                    replaced,
                })
            }
        }
    }

    /// The session that a cookie holds, with what the store has under its key. What does not open there could say that it has
    /// ended.
    pub fn in_cookie(
        session: Session,
        sealed_by: SealedBy,
        in_store: InStore,
        now: UnixTime,
    ) -> Found {
        let entry = match in_store {
            InStore::Nothing => None,
            InStore::Unreadable => return Found::Unreadable,
            InStore::Entry(opened) => Some((opened.entry, opened.sealed_by)),
        };
        // Both have to open as long as either does.
        let sealed_by = match &entry {
            Some((_, SealedBy::Older)) => SealedBy::Older,
            _ => sealed_by,
        };
        let replaced = match &entry {
            Some((Entry::Live(live), _)) => live.is_replaced(now),
            _ => false,
        };
        let as_it_came = |session, refreshing, unsettled| {
            Found::Session(Self {
                session,
                tokens: Place::Cookies,
                refreshing,
                sealed_by,
                unsettled,
                replaced,
            })
        };
        match entry {
            None => as_it_came(session, Refreshing::default(), false),
            Some((Entry::Ended { .. }, _)) => Found::Over(Check::SessionEnded),
            Some((Entry::Live(live), _)) if now >= live.ends => Found::Over(Check::SessionEnded),
            Some((Entry::Live(live), _)) if live.generation > session.generation() => {
                match live.session {
                    Some(newer) => Found::Session(Self {
                        session: newer.touched(session.seen()),
                        tokens: Place::Sealed(live.tokens),
                        refreshing: live.refreshing,
                        sealed_by,
                        unsettled: false,
                        replaced,
                    }),
                    // A browser that brings an old cookie again. Its refresh token is used up.
                    None => {
                        let lost = Refreshing {
                            lost: true,
                            ..Refreshing::default()
                        };
                        as_it_came(session, lost, false)
                    }
                }
            }
            Some((Entry::Live(live), _)) if live.generation == session.generation() => {
                let unsettled = live.is_unsettled(now);
                as_it_came(session, live.refreshing, unsettled)
            }
            Some((Entry::Live(_), _)) => as_it_came(session, Refreshing::default(), false),
        }
    }

    /// When a listed session was last written down as used, as far as a store knows; `None` if the session is over. One in a
    /// cookie lives where a store says nothing against it.
    pub fn last_seen(
        keys: &CookieKeys,
        listed: &Listed,
        kept_in: KeptIn,
        limits: &Lifetimes,
        stored: Option<&Stored>,
        now: UnixTime,
    ) -> Option<UnixTime> {
        if now.since(listed.created) >= limits.absolute() {
            return None;
        }
        let entry = stored.map(|stored| Entry::open(keys, &listed.key, &stored.bytes));
        match (entry, kept_in) {
            (None, KeptIn::Store) | (Some(Some((Entry::Ended { .. }, _))), _) => None,
            (Some(Some((Entry::Live(live), _))), _) if now >= live.ends => None,
            (Some(Some((Entry::Live(live), _))), KeptIn::Store) => {
                let session = live.session.as_ref()?;
                limits.judge(session, now).ok()?;
                Some(session.seen())
            }
            (Some(Some((Entry::Live(live), _))), KeptIn::Cookies) => {
                Some((live.session.as_ref()).map_or(listed.created, Session::seen))
            }
            // What does not open here may open in another replica: it is not over.
            (None, KeptIn::Cookies) | (Some(None), _) => Some(listed.created),
        }
    }

    /// After a refresh.
    pub fn renewed(session: Session, tokens: Option<SealedTokens>) -> Self {
        Self {
            session,
            tokens: Place::Sealed(tokens),
            refreshing: Refreshing::default(),
            sealed_by: SealedBy::First,
            unsettled: false,
            replaced: false,
        }
    }

    /// What the clocks say of it.
    ///
    /// # Errors
    ///
    /// [`Check::SessionExpired`] or [`Check::SessionIdle`].
    pub fn judge(
        &self,
        kept_in: KeptIn,
        limits: &Lifetimes,
        rules: &RefreshRules,
        now: UnixTime,
    ) -> Result<Freshness, Check> {
        let session = &self.session;
        let used = self.rest(kept_in, limits, now)?;
        if self.replaced {
            return Ok(used);
        }
        let due = session.tokens().map_or(Due::Nothing, |note| {
            rules.judge(
                &session.key(),
                session.generation(),
                note,
                &self.refreshing,
                now,
            )
        });
        Ok(match (due, kept_in) {
            (Due::Now, _) | (Due::Soon, KeptIn::Cookies) => Freshness::RefreshDue,
            (Due::Soon, KeptIn::Store) => Freshness::RefreshAhead,
            (Due::Nothing, _) => used,
        })
    }

    /// The same once a refresh has been tried, whatever came of it.
    ///
    /// # Errors
    ///
    /// As [`judge`](Self::judge).
    pub fn rest(
        &self,
        kept_in: KeptIn,
        limits: &Lifetimes,
        now: UnixTime,
    ) -> Result<Freshness, Check> {
        let used = limits.judge(&self.session, now)?;
        if self.replaced {
            // Its cookies would take the place of those of the session after it.
            return Ok(Freshness::Fresh);
        }
        let written_by = match kept_in {
            // What the browser does not have is written into its cookies.
            KeptIn::Cookies if self.is_news() => SealedBy::Older,
            KeptIn::Cookies | KeptIn::Store => self.sealed_by,
        };
        Ok(used.sealed_by(written_by))
    }

    /// Which key has sealed it.
    pub fn sealed_by(&self) -> SealedBy {
        self.sealed_by
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The same, written down as used at `now`.
    #[must_use]
    pub fn touched(&self, now: UnixTime) -> Self {
        Self {
            session: self.session.touched(now),
            ..self.clone()
        }
    }

    /// Takes the session out.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// Whether what is known of it comes from a store: where sessions are cookies, that is newer than the cookie.
    pub fn is_news(&self) -> bool {
        matches!(self.tokens, Place::Sealed(_))
    }

    /// Whether the store is to be told that a browser has brought the newest cookie, or may let go of what that has: then
    /// [`Settle`](super::coordinate::Settle) has something to do.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// Whether its refresh token is known to be worth nothing.
    pub fn is_lost(&self) -> bool {
        self.refreshing.lost
    }

    /// Until when nobody asks the provider again, after a failure.
    pub fn held(&self, now: UnixTime) -> Option<UnixTime> {
        self.refreshing.hold.filter(|hold| now < *hold)
    }

    /// Whether an access token of it can be used now.
    pub fn is_token_fresh(&self, now: UnixTime) -> bool {
        self.session
            .tokens()
            .is_some_and(|note| is_fresh(note, now))
    }

    /// Its tokens, if it has any and they open. `cookies` opens those that came along.
    pub fn tokens(
        &self,
        keys: &CookieKeys,
        cookies: impl FnOnce(&Session) -> Option<Tokens>,
    ) -> Option<Tokens> {
        self.session.tokens()?;
        match &self.tokens {
            Place::Cookies => cookies(&self.session),
            Place::Sealed(sealed) => sealed.as_ref()?.open(keys),
        }
    }

    /// What a refresh of it starts from: of a session that is a cookie, its tokens too. `None` where they are missing.
    pub fn base(&self, kept_in: KeptIn, tokens: Option<Tokens>) -> Option<Base> {
        match kept_in {
            KeptIn::Store => Some(Base::Stored {
                generation: self.session.generation(),
            }),
            KeptIn::Cookies => Some(Base::Cookie {
                session: self.session.clone(),
                tokens: tokens?,
            }),
        }
    }
}
