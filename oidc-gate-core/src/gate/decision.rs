//! What happens to a request, as data.

use super::requirement::StepUp;
use super::route::Endpoint;
use crate::check::Check;
use crate::form::is_word;
use crate::login::ReturnTo;
use http::{HeaderValue, StatusCode};
use std::borrow::Cow;

/// What happens to a request.
///
/// Holds no secret and no randomness, so that a test can assert the whole of it. Request hygiene is no part: it is the
/// same for every request, see [`strip_identity_headers`](super::strip_identity_headers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Who answers, and what.
    pub verdict: Verdict,
    /// What becomes of the session.
    pub session: SessionEffect,
    /// How the response may be cached.
    pub cache: Cache,
}

/// Who answers a request, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum Verdict {
    /// The application answers.
    Admit(Caller),
    /// The browser is sent to the login.
    LogIn {
        /// Why, for the log.
        check: Check,
        /// Where the login leads back to.
        return_to: ReturnTo,
        /// The stronger or more recent sign-in that is asked for.
        step_up: Option<StepUp>,
    },
    /// The browser comes once more, led by a page of this application: another site has led it here, and so its session, if
    /// it has one, was kept back. Only where sessions are [`Strict`](crate::session::SameSite::Strict).
    ComeAgain(ReturnTo),
    /// The gate says no.
    Refuse(Refusal),
    /// The gate serves an endpoint of its own.
    Serve(Endpoint),
}

/// As whom the application sees the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum Caller {
    /// The gate did not look.
    Bypassed,
    /// Nobody is signed in, or nobody may be recognised here.
    Anonymous,
    /// The identity of the credential is passed on.
    Identified,
}

/// The gate says no: the inner reason for the log, the outer answer for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The check that failed.
    pub check: Check,
    /// What was expected and what came, for the log.
    pub cause: Cow<'static, str>,
    /// The status. 503 goes with `Retry-After`.
    pub status: StatusCode,
    /// The form of the body.
    pub form: AnswerForm,
    /// What goes into `WWW-Authenticate`.
    pub challenge: Option<Challenge>,
    /// What goes into `Allow`.
    pub allow: Option<&'static str>,
}

impl Refusal {
    /// A refusal without challenge.
    pub fn new(
        check: Check,
        cause: impl Into<Cow<'static, str>>,
        status: StatusCode,
        form: AnswerForm,
    ) -> Self {
        Self {
            check,
            cause: cause.into(),
            status,
            form,
            challenge: None,
            allow: None,
        }
    }

    pub(super) fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }
}

/// The form of a refusal's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum AnswerForm {
    /// A page for a person.
    Page,
    /// JSON for a program.
    Json,
    /// Status 200 with `grpc-status` and no body.
    Grpc,
    /// No body.
    Empty,
}

/// How a caller could be let in ([RFC 9110 § 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// By which scheme.
    pub scheme: Scheme,
    /// What was wrong with the credential, if there was one.
    pub error: Option<ChallengeError>,
}

/// An authentication scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the gate takes these two")]
pub enum Scheme {
    /// `Bearer` ([RFC 6750 § 3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
    Bearer,
    /// `Session`: a login in a browser. Not registered, since no scheme for cookies is; a browser shows no dialog for
    /// it, as it would for `Basic`.
    Session,
}

/// What was wrong with a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum ChallengeError {
    /// `invalid_token` ([RFC 6750 § 3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    InvalidToken,
    /// `insufficient_scope`, which also says that the caller lacks a group.
    InsufficientScope,
    /// `insufficient_user_authentication` ([RFC 9470 § 3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    StepUp(StepUp),
}

impl Challenge {
    /// A challenge by that scheme.
    pub fn new(scheme: Scheme, error: Option<ChallengeError>) -> Self {
        Self { scheme, error }
    }

    /// The value of `WWW-Authenticate`.
    ///
    /// ```
    /// use oidc_gate_core::gate::{Challenge, ChallengeError, Scheme};
    /// assert_eq!(Challenge::new(Scheme::Bearer, None).header_value(), "Bearer");
    /// let challenge = Challenge::new(Scheme::Bearer, Some(ChallengeError::InvalidToken));
    /// assert_eq!(challenge.header_value(), r#"Bearer error="invalid_token""#);
    /// ```
    pub fn header_value(&self) -> HeaderValue {
        let scheme = match self.scheme {
            Scheme::Bearer => "Bearer",
            Scheme::Session => "Session",
        };
        let Some(error) = &self.error else {
            return HeaderValue::from_static(scheme);
        };
        let mut text = format!(r#"{scheme} error="{}""#, error.code());
        if let ChallengeError::StepUp(way) = error {
            // A demand from inside the application may hold what is no fit value; a header must not.
            let values = way.acr_values.iter().map(String::as_str);
            let values: Vec<_> = values.filter(|value| is_word(value)).collect();
            if !values.is_empty() {
                text += &format!(r#", acr_values="{}""#, values.join(" "));
            }
            if let Some(age) = way.max_age {
                text += &format!(r#", max_age="{}""#, age.as_secs());
            }
        }
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(scheme))
    }
}

impl ChallengeError {
    /// The error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::StepUp(_) => "insufficient_user_authentication",
        }
    }
}

/// What becomes of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum SessionEffect {
    /// Nothing.
    Keep,
    /// Its idle time begins anew.
    Touch,
    /// It is refreshed before anything else, and the request is decided again with what comes of it: the verdict beside
    /// this one is about facts that are out of date.
    RefreshNow,
    /// It is refreshed while the request is served, or after.
    RefreshAhead,
    /// What the browser keeps of it is removed.
    Clear,
}

/// How a response may be cached ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111)).
///
/// A response that sets a cookie is `no-store`, whatever stands here. What the application says itself is never made
/// weaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum Cache {
    /// As the application says.
    Untouched,
    /// As the application says, with these names added to `Vary`: another caller might see something else.
    Vary(&'static str),
    /// `private` at least, with these names added to `Vary`.
    Private(&'static str),
    /// `no-store`: an answer of the gate.
    NoStore,
}
