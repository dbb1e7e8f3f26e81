//! The end of a login that did not succeed.

use crate::{
    answer,
    core::{check::CheckFailed, login::ReturnTo, session::SetCookie},
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

    /// The page that says so. Nothing of the present session is changed by it.
    pub(super) fn respond(
        self,
        sessions: &Arc<Sessions>,
        clear: Option<SetCookie>,
    ) -> Response<Bytes> {
        let return_to = self.return_to.unwrap_or_else(|| sessions.home());
        let again = sessions.sign_in_path(return_to.as_str());
        let mut response =
            (sessions.common.answers).login_failed(&self.why, self.retry_after, &again);
        answer::set_cookies(&mut response, clear);
        response
    }
}
