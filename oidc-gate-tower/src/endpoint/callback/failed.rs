//! The end of a login that did not succeed.

use super::lead;
use crate::{
    Gate, answer,
    core::{
        check::{Check, CheckFailed},
        login::{Arrival, ReturnTo, is_over},
        session::SetCookie,
    },
    recognise::Recognised,
    upstream::Unavailable,
};
use bytes::Bytes;
use http::Response;
use std::time::Duration;

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
        gate: &Gate,
        present: &Recognised,
        clear: Option<SetCookie>,
    ) -> Response<Bytes> {
        let (check, cause) = (self.why.check(), self.why.cause());
        let return_to = self.return_to.unwrap_or_else(|| gate.home());
        let mut response = if is_over(check) && present.session().is_some() {
            tracing::info!(check = check.id(), cause, "a login that is over came again");
            lead(gate, return_to.as_str())
        } else if let Some(again) = again(gate, check) {
            tracing::info!(
                check = check.id(),
                cause,
                "a login is over; the browser is asked for its session"
            );
            lead(gate, &again)
        } else {
            let again = gate.sign_in_path(return_to.as_str());
            gate.0
                .answers
                .login_failed(&self.why, self.retry_after, &again)
        };
        answer::set_cookies(&mut response, clear);
        response
    }
}

/// Where a browser is led that may hold a session which did not come along: one that is kept from other sites, or from
/// their forms. It comes back to this endpoint with it, and with nothing that could be redeemed.
fn again(gate: &Gate, check: Check) -> Option<String> {
    if !gate.sessions_stay_behind() {
        return None;
    }
    let callback = gate.0.policy.endpoint_path(&gate.0.callback);
    Arrival::over(check).map(|query| format!("{callback}?{query}"))
}

/// The browser has come again with all its cookies. Signed in, it is led to the application; otherwise it is told what it
/// would have been told at first.
pub(super) fn came_again(gate: &Gate, check: Check, present: &Recognised) -> Response<Bytes> {
    let home = gate.home();
    if present.session().is_some() {
        tracing::info!(check = check.id(), "a login that is over came again");
        return answer::redirect(home.as_str());
    }
    let cause = "the browser holds no session either; the event before this one says what came";
    let failed = CheckFailed::new(check, cause);
    gate.0
        .answers
        .login_failed(&failed, None, &gate.sign_in_path(home.as_str()))
}
