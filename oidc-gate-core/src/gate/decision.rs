//! What happens to a request, as data.

use super::requirement::StepUp;
use super::route::Endpoint;
use super::settings::Accepts;
use crate::check::Check;
use crate::form::is_word;
use crate::login::ReturnTo;
use http::{HeaderValue, StatusCode};
use std::{borrow::Cow, sync::Arc};

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

    /// The sign-in that would let the caller in, where one would.
    pub fn step_up(&self) -> Option<&StepUp> {
        match &self.challenge.as_ref()?.error {
            Some(ChallengeError::StepUp(way)) => Some(way),
            _ => None,
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
    /// What the caller has no access to, in words for a person.
    pub realm: Option<Arc<str>>,
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
    /// `invalid_request` ([RFC 6750 § 3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    InvalidRequest,
    /// `invalid_token`.
    InvalidToken,
    /// `insufficient_scope`, which also says that the caller lacks a group.
    InsufficientScope {
        /// The scopes that are missing, if that is what is.
        scopes: Vec<String>,
    },
    /// `insufficient_user_authentication` ([RFC 9470 § 3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    StepUp(StepUp),
}

impl Challenge {
    /// A challenge by that scheme.
    pub fn new(scheme: Scheme, error: Option<ChallengeError>) -> Self {
        Self {
            scheme,
            error,
            realm: None,
        }
    }

    /// With a realm. Quotes and backslashes are escaped, and what no header can hold is left out.
    #[must_use]
    pub fn realm(mut self, realm: Option<Arc<str>>) -> Self {
        self.realm = realm;
        self
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
        let mut params: Vec<String> = Vec::new();
        if let Some(realm) = &self.realm {
            let plain = realm.chars().filter(|c| *c == ' ' || c.is_ascii_graphic());
            let quoted: String = plain
                .flat_map(|c| {
                    matches!(c, '"' | '\\')
                        .then_some('\\')
                        .into_iter()
                        .chain([c])
                })
                .collect();
            params.push(format!(r#"realm="{quoted}""#));
        }
        if let Some(error) = &self.error {
            params.push(format!(r#"error="{}""#, error.code()));
        }
        // A demand from inside the application may hold what is no fit value; a header must not.
        let mut words = |name: &str, values: &[String]| {
            let fit: Vec<_> = values
                .iter()
                .filter(|v| is_word(v))
                .map(String::as_str)
                .collect();
            if !fit.is_empty() {
                params.push(format!(r#"{name}="{}""#, fit.join(" ")));
            }
        };
        match &self.error {
            Some(ChallengeError::InsufficientScope { scopes }) => words("scope", scopes),
            Some(ChallengeError::StepUp(way)) => {
                words("acr_values", &way.acr_values);
                if let Some(age) = way.max_age {
                    params.push(format!(r#"max_age="{}""#, age.as_secs()));
                }
            }
            Some(ChallengeError::InvalidRequest | ChallengeError::InvalidToken) | None => {}
        }
        if params.is_empty() {
            return HeaderValue::from_static(scheme);
        }
        HeaderValue::try_from(format!("{scheme} {}", params.join(", ")))
            .unwrap_or(HeaderValue::from_static(scheme))
    }
}

impl ChallengeError {
    /// The error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope { .. } => "insufficient_scope",
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
    /// It is written down anew as it is: an older key has sealed it. Its idle time goes on.
    Reseal,
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
    /// As the application says, with the [headers of these](Accepts::vary) added to `Vary`: another caller might see something
    /// else.
    Vary(Accepts),
    /// `private` at least, with the headers of these added to `Vary`.
    Private(Accepts),
    /// `no-store`: an answer of the gate.
    NoStore,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn whatever_is_in_it_a_challenge_can_be_read() {
        let scopes = |all: &[&str]| ChallengeError::InsufficientScope {
            scopes: all.iter().map(ToString::to_string).collect(),
        };
        let way = StepUp::new(
            vec!["a\"b".into(), "phr".into()],
            Some(Duration::from_secs(5)),
        );
        for (realm, error, expected) in [
            (None, None, "Bearer"),
            (
                Some("the \"shop\" \\"),
                None,
                r#"Bearer realm="the \"shop\" \\""#,
            ),
            (Some("a\r\nb\u{e9}"), None, r#"Bearer realm="ab""#),
            (
                Some("shop"),
                Some(ChallengeError::InvalidRequest),
                r#"Bearer realm="shop", error="invalid_request""#,
            ),
            (
                None,
                Some(scopes(&[])),
                r#"Bearer error="insufficient_scope""#,
            ),
            (
                None,
                Some(scopes(&["read", "a\"b", "", "x y", "write"])),
                r#"Bearer error="insufficient_scope", scope="read write""#,
            ),
            (
                None,
                Some(ChallengeError::StepUp(way)),
                r#"Bearer error="insufficient_user_authentication", acr_values="phr", max_age="5""#,
            ),
        ] {
            let challenge = Challenge::new(Scheme::Bearer, error).realm(realm.map(Into::into));
            assert_eq!(challenge.header_value(), expected);
        }
    }
}
