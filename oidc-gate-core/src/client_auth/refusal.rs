//! What an authorization server answers to a request it refuses.

use crate::{
    check::{Check, CheckFailed},
    oauth_error::ErrorCode,
};
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};
use std::{borrow::Cow, fmt};

/// A request that was refused: why, for the log, and what the client is told, which says less
/// ([RFC 6749 § 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
///
/// # Security
///
/// The body of `invalid_client` is always the same, and so is that of `invalid_grant`. Whether a client is unknown or its secret wrong, whether a code
/// never existed, is somebody else's or has expired, cannot be told from it; the log says it, by [`check`](Self::check).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    failed: CheckFailed,
    code: ErrorCode,
}

impl Refusal {
    /// Refused by `check` because of `cause`: lower case, no full stop, no secret.
    pub fn new(check: Check, cause: impl Into<Cow<'static, str>>) -> Self {
        Self {
            failed: CheckFailed::new(check, cause),
            code: code_of(check),
        }
    }

    /// The same of an assertion that is the grant itself
    /// ([RFC 7521 § 4.1.1](https://www.rfc-editor.org/rfc/rfc7521#section-4.1.1)).
    pub(crate) fn of_grant(self) -> Self {
        let code = match self.code {
            ErrorCode::InvalidClient => ErrorCode::InvalidGrant,
            code => code,
        };
        Self { code, ..self }
    }

    /// With another code than that of the check.
    pub(crate) fn with_code(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// Which check failed.
    pub fn check(&self) -> Check {
        self.failed.check()
    }

    /// What was seen, for the log.
    pub fn cause(&self) -> &str {
        self.failed.cause()
    }

    /// What the client is told.
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self.code {
            ErrorCode::InvalidGrant => StatusCode::BAD_REQUEST,
            _ => self.check().status(),
        }
    }

    /// The answer. `realm` names the server in the challenge of a 401; what cannot stand in a quoted string is left out.
    pub fn respond(&self, realm: &str) -> Response<Vec<u8>> {
        let description = match self.code {
            ErrorCode::InvalidClient => "the client is unknown, or its authentication failed",
            ErrorCode::InvalidGrant => "the grant is wrong, used, expired, or not for this request",
            ErrorCode::UnauthorizedClient => "the client may not use this grant",
            ErrorCode::UnsupportedGrantType => "the grant is not known here",
            ErrorCode::InvalidScope => "the scope is malformed or too wide",
            ErrorCode::InvalidTarget => "the resource is malformed or not to be had",
            ErrorCode::TemporarilyUnavailable => "try again later",
            _ => self.check().rule(),
        };
        let body = json!({"error": self.code.as_str(), "error_description": description});
        let mut response = json_answer(self.status(), &body);
        let headers = response.headers_mut();
        match self.status() {
            // RFC 9110 § 15.5.2: no 401 without a challenge.
            StatusCode::UNAUTHORIZED => {
                let fit = |c: &char| c.is_ascii_graphic() && !"\"\\".contains(*c) || *c == ' ';
                let realm: String = realm.chars().filter(fit).collect();
                let challenge = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
                if let Ok(value) = HeaderValue::try_from(challenge) {
                    headers.insert(WWW_AUTHENTICATE, value);
                }
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

/// For checks of a server's that say nothing of OAuth themselves.
impl From<CheckFailed> for Refusal {
    fn from(failed: CheckFailed) -> Self {
        let code = code_of(failed.check());
        Self { failed, code }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failed.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// JSON that nobody may store ([RFC 6749 § 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Vec<u8>> {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "application/json;charset=UTF-8"),
        (CACHE_CONTROL, "no-store"),
        (PRAGMA, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The one place that says what a client is told. Every check of a server's is here; the catalogue shows the same.
fn code_of(check: Check) -> ErrorCode {
    use Check as C;
    match check {
        C::RequestMethod
        | C::RequestMediaType
        | C::RequestSize
        | C::RequestMalformed
        | C::RequestQuery
        | C::RequestRepeated
        | C::RequestHeaderRepeated
        | C::ClientMechanisms
        | C::ClientBasic
        | C::ClientAssertionHalf
        | C::ClientIdsDiffer
        | C::ClientCharacters
        | C::ClientProofUnsupported
        | C::GrantTypeMissing
        | C::GrantParameter
        | C::GrantMissing
        | C::GrantCertificateMissing
        | C::GrantTokenType
        | C::GrantActorHalf
        | C::GrantTokenInvalid
        | C::GrantDelegation => ErrorCode::InvalidRequest,
        C::GrantTypeUnknown => ErrorCode::UnsupportedGrantType,
        C::GrantNotAllowed | C::ClientCredentialsPublic => ErrorCode::UnauthorizedClient,
        C::GrantScopeMalformed | C::GrantScope => ErrorCode::InvalidScope,
        C::GrantResourceMalformed | C::GrantTarget => ErrorCode::InvalidTarget,
        C::GrantUnknown
        | C::GrantClient
        | C::GrantUsed
        | C::GrantExpired
        | C::GrantEnded
        | C::GrantRace
        | C::GrantRedirectUri
        | C::GrantVerifierMissing
        | C::GrantVerifierUnasked
        | C::GrantChallengeMissing
        | C::GrantVerifierMalformed
        | C::GrantVerifierWrong
        | C::RefreshReused
        | C::RefreshSender => ErrorCode::InvalidGrant,
        C::DevicePending => ErrorCode::AuthorizationPending,
        C::DeviceSlowDown => ErrorCode::SlowDown,
        C::DeviceDenied => ErrorCode::AccessDenied,
        C::DeviceExpired => ErrorCode::ExpiredToken,
        C::ServerStore => ErrorCode::TemporarilyUnavailable,
        // What is left is about who the client is. A check of another part of this crate would be a mistake of ours; the
        // safest thing to say then is that nobody was recognised.
        _ => ErrorCode::InvalidClient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_says_what_is_answered() {
        let mut seen = 0;
        for check in Check::ALL.iter().copied() {
            let (area, _) = check.id().split_once('.').unwrap();
            if !["client_auth", "assertion", "grant", "certificate"].contains(&area) {
                continue;
            }
            seen += 1;
            let refusal = Refusal::new(check, "");
            let code = format!("`{}`", refusal.code());
            assert!(check.answer().contains(&code), "{check}: {code}");
            assert_eq!(refusal.status(), check.status(), "{check}");
        }
        assert!(seen > 60);
    }

    #[test]
    fn a_refusal_is_answered_so_that_nobody_stores_it() {
        let answer = Refusal::new(Check::ClientUnknown, "").respond("the \"realm\"\r\n");
        assert_eq!(answer.status(), 401);
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), "application/json;charset=UTF-8");
        assert_eq!(
            (header("cache-control"), header("pragma")),
            ("no-store", "no-cache")
        );
        assert_eq!(
            header("www-authenticate"),
            "Basic realm=\"the realm\", charset=\"UTF-8\""
        );
        assert_eq!(
            String::from_utf8_lossy(answer.body()),
            r#"{"error":"invalid_client","error_description":"the client is unknown, or its authentication failed"}"#
        );
        let same = Refusal::new(Check::ClientSecretWrong, "").respond("the realm");
        assert_eq!(answer.body(), same.body());
    }

    #[test]
    fn each_status_brings_its_header() {
        for (check, status, name, value) in [
            (Check::RequestMethod, 405, "allow", "POST"),
            (Check::ServerStore, 503, "retry-after", "5"),
            (Check::ClientTooMany, 429, "retry-after", "5"),
        ] {
            let answer = Refusal::new(check, "").respond("");
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[name], value);
        }
    }

    #[test]
    fn an_assertion_that_is_the_grant_is_no_fault_of_the_client() {
        let refusal = Refusal::new(Check::AssertionSignature, "").of_grant();
        assert_eq!(
            (refusal.code().as_str(), refusal.status().as_u16()),
            ("invalid_grant", 400)
        );
        assert!(
            refusal
                .respond("")
                .headers()
                .get(WWW_AUTHENTICATE)
                .is_none()
        );
    }
}
