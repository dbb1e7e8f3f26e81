//! What is written of a session that goes on: into the browser's cookies, and into the store.

use super::Keep;
use crate::{
    core::{
        check::{Check, CheckFailed},
        gate::SessionEffect,
        session::{
            KeptIn, SealedBy, Session, SetCookie, Ticket, Tokens,
            coordinate::{Reseal, Settle, Touch},
        },
        time::UnixTime,
    },
    recognise::{Present, Recognised},
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

impl Sessions {
    /// What a decision makes of the session: what the browser is to keep of it from now on, and what is written elsewhere.
    pub(crate) fn carry_out(
        self: &Arc<Self>,
        effect: SessionEffect,
        recognised: &Recognised,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Vec<SetCookie> {
        let present = match (effect, recognised) {
            (SessionEffect::Clear, _) => return self.names.clear_session(headers),
            (_, Recognised::Session(present)) => present,
            _ => return Vec::new(),
        };
        match self.keeping.kept_in {
            KeptIn::Cookies => self.carry_out_in_cookies(effect, present, now, headers),
            KeptIn::Store => self.carry_out_in_store(effect, present, now, headers),
        }
    }

    fn carry_out_in_cookies(
        self: &Arc<Self>,
        effect: SessionEffect,
        present: &Present,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Vec<SetCookie> {
        let kept = present.kept();
        if kept.is_unsettled() {
            self.in_background(Settle::of(&self.keys.now(), kept.session()));
        }
        let written = match effect {
            SessionEffect::Touch => kept.touched(now),
            SessionEffect::Reseal => kept.clone(),
            _ => return Vec::new(),
        };
        let is_sealed_anew = kept.sealed_by() == SealedBy::Older || kept.is_news();
        let tokens = match is_sealed_anew {
            true => self.tokens_in(present, headers),
            // They stay as they are.
            false => None,
        };
        if kept.sealed_by() == SealedBy::Older {
            // So is what the store has of it: it has to open as long as the cookie does.
            self.in_background(Reseal::of(&self.keys.now(), kept.session().key()));
            self.list_anew(kept.session());
        }
        self.renewed_cookies(written.session(), tokens.as_ref(), now, headers)
            .unwrap_or_default()
    }

    /// The cookies of a session that goes on. Where its new tokens have no room any more, it goes on without the ID token, or
    /// else without any; where it cannot be sealed now, as it is.
    pub(super) fn renewed_cookies(
        &self,
        session: &Session,
        tokens: Option<&Tokens>,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Option<Vec<SetCookie>> {
        if let Some((_, cookies)) = self.with_hint(session, tokens, now, present) {
            return Some(cookies);
        }
        let fewer = match self.keeping.keep {
            Keep::IfTheyFit(_) => tokens.and_then(Tokens::without_id),
            Keep::Demanded(_) => tokens.cloned(),
        };
        let tokens = fewer.as_ref();
        let failed = match self.session_cookies(session, tokens, now, present) {
            Ok(cookies) => return Some(cookies),
            Err(failed) => failed,
        };
        tokens.filter(|_| failed.check() == Check::SessionTooLarge)?;
        tracing::warn!(
            cause = failed.cause(),
            remedy = failed.check().remedy(),
            "a session goes on without its tokens, which have no room in its cookies any more"
        );
        let without = session.clone().with_tokens(None);
        let mut cookies = self.session_cookies(&without, None, now, present).ok()?;
        // Those before are used up.
        let life = session.ends().since(now);
        let none = self.names.set_tokens("", &[], life, present);
        cookies.extend(none.unwrap_or_default());
        Some(cookies)
    }

    fn carry_out_in_store(
        self: &Arc<Self>,
        effect: SessionEffect,
        present: &Present,
        now: UnixTime,
        headers: &HeaderMap,
    ) -> Vec<SetCookie> {
        let (kept, key) = (present.kept(), present.kept().session().key());
        if kept.sealed_by() == SealedBy::Older
            && matches!(effect, SessionEffect::Touch | SessionEffect::Reseal)
        {
            self.list_anew(kept.session());
        }
        match effect {
            SessionEffect::Touch => self.in_background(Touch::of(&self.keys.now(), key)),
            SessionEffect::Reseal if kept.sealed_by() == SealedBy::Older => {
                self.in_background(Reseal::of(&self.keys.now(), key));
            }
            SessionEffect::RefreshAhead => drop(self.start_refresh(kept, None)),
            _ => {}
        }
        match (&present.session.ticket, effect) {
            (Some((ticket, SealedBy::Older)), SessionEffect::Touch | SessionEffect::Reseal) => self
                .ticket_cookies(ticket, now, headers)
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The cookies that name a stored session, in answer to a request with these headers.
    pub(crate) fn ticket_cookies(
        &self,
        ticket: &Ticket,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let sealed = ticket.seal(&self.keys.now(), &self.names)?;
        let life = ticket.ends().since(now);
        self.names.set_session(&sealed, life, present)
    }

    /// The cookies that write a session down, in answer to a request with these headers; its tokens too, where they are given.
    pub(crate) fn session_cookies(
        &self,
        session: &Session,
        tokens: Option<&Tokens>,
        now: UnixTime,
        present: &HeaderMap,
    ) -> Result<Vec<SetCookie>, CheckFailed> {
        let (keys, life) = (self.keys.now(), session.ends().since(now));
        let sealed = session.seal(&keys, &self.names)?;
        let mut cookies = (self.names)
            .set_session(&sealed, life, present)
            .map_err(|failed| session.too_large(&failed))?;
        if let Some(tokens) = tokens {
            let sealed = session.seal_tokens(tokens, &keys, &self.names)?;
            let beside = self.names.set_tokens(&sealed, &cookies, life, present)?;
            cookies.extend(beside);
        }
        Ok(cookies)
    }
}
