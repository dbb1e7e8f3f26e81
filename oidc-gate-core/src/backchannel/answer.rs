//! Reading answers: strictly where a guess could be wrong, leniently where servers differ without harm.

use super::AskError;
use crate::{
    check::{Check, CheckFailed},
    jose::json,
    oauth_error::{ErrorCode, OAuthError},
    provider::Endpoint,
};
use http::{Response, StatusCode, header};
use serde_json::{Map, Value};
use std::time::Duration;

/// Which check fails for what, at one endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Faults(pub(crate) Endpoint);

impl Faults {
    pub(super) fn unavailable(self) -> Check {
        match self.0 {
            Endpoint::Token => Check::TokenUnavailable,
            _ => Check::BackchannelUnavailable,
        }
    }

    fn invalid_client(self) -> Check {
        match self.0 {
            Endpoint::Token => Check::TokenInvalidClient,
            _ => Check::BackchannelInvalidClient,
        }
    }

    fn refused(self, code: &ErrorCode) -> Check {
        match (code, self.0) {
            (ErrorCode::InvalidClient, _) => self.invalid_client(),
            (ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable, _) => self.unavailable(),
            (ErrorCode::InvalidGrant, Endpoint::Token) => Check::TokenInvalidGrant,
            (ErrorCode::AccessDenied, Endpoint::Token) => Check::TokenDenied,
            (ErrorCode::ExpiredToken, Endpoint::Token) => Check::TokenDeviceExpired,
            (_, Endpoint::Token) => Check::TokenError,
            _ => Check::BackchannelRefused,
        }
    }

    pub(crate) fn malformed(self, what: &str) -> CheckFailed {
        match self.0 {
            Endpoint::Token => {
                CheckFailed::new(Check::TokenMalformed, format!("the token response: {what}"))
            }
            endpoint => CheckFailed::new(
                Check::BackchannelMalformed,
                format!("the answer of the {endpoint}: {what}"),
            ),
        }
    }

    pub(super) fn status(self, status: StatusCode, expected: &str) -> CheckFailed {
        let check = match self.0 {
            Endpoint::Token => Check::TokenMalformed,
            _ => Check::BackchannelMalformed,
        };
        let (endpoint, status) = (self.0, status.as_u16());
        CheckFailed::new(
            check,
            format!("the {endpoint} answered {status} instead of {expected}"),
        )
    }

    /// An error, whatever an answer would have to look like; `None` for what may be an answer.
    pub(crate) fn error(
        self,
        response: &Response<Vec<u8>>,
        is_answer: impl FnOnce(&Map<String, Value>) -> bool,
    ) -> Option<AskError> {
        let (endpoint, status) = (self.0, response.status());
        let retry_after = retry_after(response);
        let answer = json::object(response.body()).ok();
        let error = answer.as_ref().and_then(OAuthError::from_json);
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            let cause = format!("the {endpoint} answered {}", status.as_u16());
            let failed = CheckFailed::new(self.unavailable(), cause);
            return Some(AskError::new(failed, error, retry_after));
        }
        if let Some(error) = error
            && (status.is_client_error() || !answer.as_ref().is_some_and(is_answer))
        {
            let cause = format!("the {endpoint} answered {}: {error}", status.as_u16());
            let failed = CheckFailed::new(self.refused(error.code()), cause);
            return Some(AskError::new(failed, Some(error), retry_after));
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let cause = format!(
                "the {endpoint} answered {} without an error code, as some providers do to wrong credentials",
                status.as_u16()
            );
            return Some(CheckFailed::new(self.invalid_client(), cause).into());
        }
        None
    }
}

/// The object that an endpoint answered with status 200 (201 where something was made), if it has this member.
pub(crate) fn object(
    endpoint: Endpoint,
    response: &Response<Vec<u8>>,
    essential: &str,
) -> Result<Map<String, Value>, AskError> {
    let faults = Faults(endpoint);
    let is_answer =
        |answer: &Map<String, Value>| answer.get(essential).is_some_and(|v| !v.is_null());
    if let Some(error) = faults.error(response, is_answer) {
        return Err(error);
    }
    match (endpoint, response.status()) {
        (_, StatusCode::OK) | (Endpoint::PushedAuthorizationRequest, StatusCode::CREATED) => {}
        (Endpoint::PushedAuthorizationRequest, status) => {
            return Err(faults.status(status, "201").into());
        }
        (_, status) => return Err(faults.status(status, "200").into()),
    }
    if !may_be_json(response) {
        return Err(faults.malformed("its media type is not JSON").into());
    }
    json::object(response.body()).map_err(|fault| faults.malformed(fault).into())
}

/// Whether the media type is JSON. Servers that leave it out mean it; a page means something else, whatever can be read
/// into it ([RFC 6749 § 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
fn may_be_json(response: &Response<Vec<u8>>) -> bool {
    let Some(value) = response.headers().get(header::CONTENT_TYPE) else {
        return true;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// A number of seconds; a date is not read, since whoever asks has a time of its own.
fn retry_after(response: &Response<Vec<u8>>) -> Option<Duration> {
    const DAY: u64 = 86_400;
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let secs: u64 = value.trim().parse().ok()?;
    Some(Duration::from_secs(secs.min(DAY)))
}

/// The text of a member; `null` counts as absent.
pub(crate) fn text(
    faults: Faults,
    answer: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, CheckFailed> {
    match answer.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(faults.malformed(&format!("`{name}` is not text"))),
    }
}

/// A number of seconds, its fraction dropped; some servers write it as text. A number that makes no sense (negative, or
/// more than a century) is as good as none.
pub(crate) fn lifetime(
    faults: Faults,
    answer: &Map<String, Value>,
    name: &str,
) -> Result<Option<Duration>, CheckFailed> {
    const CENTURY: f64 = 100.0 * 366.0 * 86_400.0;
    let secs = match answer.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse::<i64>().ok().map(|secs| secs as f64),
        Some(_) => None,
    };
    let secs =
        secs.ok_or_else(|| faults.malformed(&format!("`{name}` is not a number of seconds")))?;
    Ok((0.0..=CENTURY)
        .contains(&secs)
        .then(|| Duration::from_secs(secs as u64)))
}
