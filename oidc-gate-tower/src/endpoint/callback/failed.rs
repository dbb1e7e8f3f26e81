//! The end of a login that did not succeed.

use super::lead;
use crate::{
    answer,
    core::{
        check::{Check, CheckFailed},
        login::{Arrival, ConsumeState, ReturnTo, is_over},
        session::SetCookie,
    },
    pages::{Message, WayOn},
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
    aim: Option<Aim>,
}

/// What a login was for.
pub(super) struct Aim {
    return_to: ReturnTo,
    asked_of: AskedOf,
}

/// Who was asked to sign in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AskedOf {
    Anybody,
    /// Somebody who was signed in, to prove more.
    WhoWasSignedIn,
}

impl Aim {
    pub(super) fn of(login: &ConsumeState) -> Self {
        Self {
            return_to: login.return_to().clone(),
            asked_of: match login.same_user() {
                Some(_) => AskedOf::WhoWasSignedIn,
                None => AskedOf::Anybody,
            },
        }
    }
}

impl From<CheckFailed> for Failed {
    fn from(why: CheckFailed) -> Self {
        Self {
            why,
            retry_after: None,
            aim: None,
        }
    }
}

impl From<Unavailable> for Failed {
    fn from(Unavailable { why, retry_after }: Unavailable) -> Self {
        Self {
            why,
            retry_after: Some(retry_after),
            aim: None,
        }
    }
}

impl Failed {
    /// The same of a login that was for this.
    pub(super) fn towards(self, aim: Aim) -> Self {
        Self {
            aim: Some(aim),
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
        let (return_to, asked_of) = match self.aim {
            Some(aim) => (aim.return_to, aim.asked_of),
            None => (sessions.home(), AskedOf::Anybody),
        };
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
        } else if asked_of == AskedOf::WhoWasSignedIn {
            step_up_failed(sessions, &self.why, self.retry_after, &return_to)
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

/// The end of a login that was demanded of somebody: what was there is there, and the page must not say otherwise. The
/// main way leads to where nothing more is demanded; the page that demanded it would send the browser away again.
fn step_up_failed(
    sessions: &Arc<Sessions>,
    why: &CheckFailed,
    retry_after: Option<Duration>,
    place: &ReturnTo,
) -> Response<Bytes> {
    let answers = &sessions.common.answers;
    // It demands again what it needs, which a link to a login would have to know.
    let again = match place.as_str() {
        place if place.starts_with('/') => place.to_owned(),
        place => sessions.sign_in_path(place),
    };
    let (message, other) = match why.check() {
        Check::AnotherUser => {
            let someone_else = WayOn::link(sessions.sign_in_as_someone_else());
            (Message::AnotherUser, (Message::Forbidden, someone_else))
        }
        Check::AccessDenied | Check::LoginRequired | Check::IdTokenAcr | Check::IdTokenAuthTime => {
            (Message::NotProven, (Message::TooWeak, WayOn::link(again)))
        }
        _ => return answers.login_failed(why, retry_after, &again),
    };
    let home = WayOn::link(sessions.home().as_str());
    answers.step_up_failed(why, message, home, other)
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
