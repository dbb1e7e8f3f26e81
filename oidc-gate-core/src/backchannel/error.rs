//! Why a question has no answer.

use crate::{
    check::{Check, CheckFailed},
    oauth_error::{ErrorCode, OAuthError},
};
use std::{fmt, time::Duration};

/// Why a question has no answer: which check failed, the error in the server's own words if it had any, and when to ask
/// again if it said so. It holds nothing else of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    failed: CheckFailed,
    oauth: Option<OAuthError>,
    retry_after: Option<Duration>,
}

impl AskError {
    pub(super) fn new(
        failed: CheckFailed,
        oauth: Option<OAuthError>,
        retry_after: Option<Duration>,
    ) -> Self {
        Self(Box::new(Inner {
            failed,
            oauth,
            retry_after,
        }))
    }

    /// The same, and this long is to be waited before the next attempt.
    #[must_use]
    pub fn with_retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// Which check.
    pub fn check(&self) -> Check {
        self.0.failed.check()
    }

    /// What was seen, for the log.
    pub fn cause(&self) -> &str {
        self.0.failed.cause()
    }

    /// What the server said, in the words of OAuth.
    pub fn oauth(&self) -> Option<&OAuthError> {
        self.0.oauth.as_ref()
    }

    /// What kind of error the server named.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.oauth().map(OAuthError::code)
    }

    /// How long to wait before the next attempt, where that is known: what the server says ([RFC 9110 § 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3),
    /// a day at most), or what is left of the wait after it could not be asked.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl From<CheckFailed> for AskError {
    fn from(failed: CheckFailed) -> Self {
        Self::new(failed, None, None)
    }
}

impl From<AskError> for CheckFailed {
    fn from(error: AskError) -> Self {
        error.0.failed
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.failed.fmt(f)
    }
}

impl std::error::Error for AskError {}
