//! A sign-out from its beginning to its end, whoever asks for it.

pub(crate) use super::onwards::By;
use super::onwards::Onwards;
use crate::{
    answer,
    core::{
        identity::Identity,
        login::ReturnTo,
        secret::IdToken,
        session::{Other, SetCookie, Tokens},
    },
    metrics::EndedBy,
    ports::Boxed,
    report,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, Response};
use std::sync::Arc;

/// What is left to do of a sign-out once the session here has ended, which is past all doubt by then.
pub(crate) struct Leave {
    /// Of the session that was there: what the provider knows it by.
    pub(crate) hint: Option<IdToken>,
    /// Of all sessions that have ended.
    pub(crate) tokens: Vec<Tokens>,
    /// What the browser is to forget.
    pub(crate) cookies: Vec<SetCookie>,
    pub(crate) place: Option<ReturnTo>,
    pub(crate) by: By,
}

impl Sessions {
    /// Revokes tokens, in the background, and says where the browser goes: to the provider, if it is to and can.
    pub(crate) fn leave(self: &Arc<Self>, leave: Leave) -> Boxed<'static, Response<Bytes>> {
        let sessions = self.clone();
        // Boxed, because it comes at the end of many that wait for each other.
        Box::pin(async move {
            sessions.revoke(leave.tokens);
            let hint = match leave.by {
                By::Tab => leave.hint.as_ref(),
                // A script would get hold of a token. Without it, the provider asks the user.
                By::Script => None,
            };
            let onwards = sessions.onwards(hint, leave.place).await;
            let keeps = matches!(onwards, Onwards::Provider(_));
            let mut response = sessions.lead_onwards(onwards, leave.by);
            // The one that has just been set stays.
            let name = sessions.names.leaving();
            let cookies = leave.cookies.into_iter();
            let cookies = cookies.filter(|cookie| !(keeps && cookie.name() == name));
            answer::set_cookies(&mut response, cookies);
            response
        })
    }

    /// What a browser is to forget with its session: all of that, the logins under way, and what is kept of those that have
    /// ended, so that whoever signs out and in as somebody else does not go round in circles.
    pub(crate) fn forget(&self, headers: &HeaderMap) -> Vec<SetCookie> {
        let names = &self.names;
        let mut cookies = names.clear_session(headers);
        for other in names.others(headers).take(MAX_SEEN) {
            let name = match other {
                Other::Login { name, .. } => name,
                Other::Landed(_) => names.landed(),
            };
            if !cookies.iter().any(|cookie| cookie.name() == name) {
                cookies.push(names.clear(name));
            }
        }
        let leaving = names.find(headers, names.leaving()).next();
        cookies.extend(leaving.map(|_| names.clear(names.leaving())));
        cookies
    }

    /// Counts and logs a sign-out.
    pub(crate) fn signed_out(&self, who: &Identity) {
        self.common.metrics.session_ended(EndedBy::SignOut);
        let (issuer, user) = (who.issuer(), report::user(who));
        tracing::info!(issuer, user, "a user signed out");
    }
}

/// How many cookies are looked at.
const MAX_SEEN: usize = 20;
