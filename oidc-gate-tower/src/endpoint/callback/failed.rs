//! The end of a login that did not succeed.

use crate::{
    answer,
    core::{
        check::{Check, CheckFailed},
        login::{ConsumeState, ReturnTo},
        session::SetCookie,
    },
    pages::{Message, WayOn},
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
    pub(super) fn check(&self) -> Check {
        self.why.check()
    }

    pub(super) fn into_why(self) -> CheckFailed {
        self.why
    }

    /// The same of a login that was to lead to this place.
    pub(super) fn on_the_way_to(self, return_to: ReturnTo) -> Self {
        self.towards(Aim {
            return_to,
            asked_of: AskedOf::Anybody,
        })
    }

    /// The same of a login that was for this.
    pub(super) fn towards(self, aim: Aim) -> Self {
        Self {
            aim: Some(aim),
            ..self
        }
    }

    /// The page that says so. Nothing of the present session is changed by it.
    pub(super) fn respond(
        self,
        sessions: &Arc<Sessions>,
        clear: Option<SetCookie>,
    ) -> Response<Bytes> {
        let (return_to, asked_of) = match self.aim {
            Some(aim) => (aim.return_to, aim.asked_of),
            None => (sessions.home(), AskedOf::Anybody),
        };
        let mut response = match asked_of {
            AskedOf::WhoWasSignedIn => {
                step_up_failed(sessions, &self.why, self.retry_after, &return_to)
            }
            AskedOf::Anybody => {
                let again = sessions.sign_in_path(return_to.as_str());
                (sessions.common.answers).login_failed(&self.why, self.retry_after, &again)
            }
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
