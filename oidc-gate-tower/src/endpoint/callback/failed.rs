//! The end of a login that did not succeed.

use super::lead;
use crate::{
    answer,
    core::{
        check::{Check, CheckFailed},
        login::{Arrival, ReturnTo, is_over},
        session::SetCookie,
    },
    recognise::Recognised,
    sessions::Sessions,
    upstream::Unavailable,
};
use bytes::Bytes;
use http::Response;
use std::{sync::Arc, time::Duration};

/// A login that came to nothing.
pub(super) struct Failed {
    why: CheckFailed,
    retry_after: Option<Duration>,
    return_to: Option<ReturnTo>,
}

impl From<CheckFailed> for Failed {
    fn from(why: CheckFailed) -> Self {
        Self {
            why,
            retry_after: None,
            return_to: None,
        }
    }
}

impl From<Unavailable> for Failed {
    fn from(Unavailable { why, retry_after }: Unavailable) -> Self {
        Self {
            why,
            retry_after: Some(retry_after),
            return_to: None,
        }
    }
}

impl Failed {
    /// The same of a login that was to lead to this place.
    pub(super) fn on_the_way_to(self, place: ReturnTo) -> Self {
        Self {
            return_to: Some(place),
            ..self
        }
    }

    /// What the browser is answered.
    ///
    /// A login that is over already, in a browser that is signed in, is the back button or a reload: the user is where
    /// they wanted to be. Nothing of the present session is changed by it.
    pub(super) fn respond(
        self,
        sessions: &Arc<Sessions>,
        present: &Recognised,
        clear: Option<SetCookie>,
    ) -> Response<Bytes> {
        let (check, cause) = (self.why.check(), self.why.cause());
        let return_to = self.return_to.unwrap_or_else(|| sessions.home());
        let mut response = if is_over(check) && present.session().is_some() {
            tracing::info!(check = check.id(), cause, "a login that is over came again");
            lead(sessions, return_to.as_str())
        } else if let Some(again) = again(sessions, check) {
            tracing::info!(
                check = check.id(),
                cause,
                "a login is over; the browser is asked for its session"
            );
            lead(sessions, &again)
        } else {
            let again = sessions.sign_in_path(return_to.as_str());
            sessions
                .common
                .answers
                .login_failed(&self.why, self.retry_after, &again)
        };
        answer::set_cookies(&mut response, clear);
        response
    }
}

/// Where a browser is led that may hold a session which did not come along: one that is kept from other sites, or from
/// their forms. It comes back to this endpoint with it, and with nothing that could be redeemed.
fn again(sessions: &Arc<Sessions>, check: Check) -> Option<String> {
    if !sessions.sessions_stay_behind() {
        return None;
    }
    let callback = sessions.common.policy.endpoint_path(&sessions.callback);
    Arrival::over(check).map(|query| format!("{callback}?{query}"))
}

/// The browser has come again with all its cookies. Signed in, it is led to the application; otherwise it is told what it
/// would have been told at first.
pub(super) fn came_again(
    sessions: &Arc<Sessions>,
    check: Check,
    present: &Recognised,
) -> Response<Bytes> {
    let home = sessions.home();
    if present.session().is_some() {
        tracing::info!(check = check.id(), "a login that is over came again");
        return answer::redirect(home.as_str());
    }
    let cause = "the browser holds no session either; the event before this one says what came";
    let failed = CheckFailed::new(check, cause);
    sessions
        .common
        .answers
        .login_failed(&failed, None, &sessions.sign_in_path(home.as_str()))
}
