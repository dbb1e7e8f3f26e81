//! Errors in the words of OAuth, wherever they come from: a token response, a callback, a userinfo answer.

use crate::check::quote;
use serde_json::{Map, Value};
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal),* $(,)?) => {
        /// The `error` member of an OAuth answer
        /// ([registry](https://www.iana.org/assignments/oauth-parameters/oauth-parameters.xhtml#extensions-error)).
        /// Codes are compared exactly.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// Any other code, reduced to the characters a code may have. Text from outside.
            Other(Box<str>),
        }

        impl ErrorCode {
            /// The code of that exact name.
            pub fn parse(name: &str) -> Self {
                match name {
                    $($code => Self::$name,)*
                    other => Self::Other(reduced(other, MAX_CODE)),
                }
            }

            /// The code as it is written.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(name) => name,
                }
            }
        }
    };
}

codes! {
    /// The request lacks something, repeats something or is malformed.
    InvalidRequest = "invalid_request",
    /// The client is unknown, or its credentials are wrong.
    InvalidClient = "invalid_client",
    /// The code or the refresh token is wrong, used, revoked, expired or somebody else's.
    InvalidGrant = "invalid_grant",
    /// The client may not do this.
    UnauthorizedClient = "unauthorized_client",
    /// The server does not know the grant.
    UnsupportedGrantType = "unsupported_grant_type",
    /// The server does not know the response type.
    UnsupportedResponseType = "unsupported_response_type",
    /// The scope is unknown or too wide.
    InvalidScope = "invalid_scope",
    /// The user or the server refused.
    AccessDenied = "access_denied",
    /// The server failed.
    ServerError = "server_error",
    /// The server is overloaded or in maintenance.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// The access token is wrong, expired or revoked.
    InvalidToken = "invalid_token",
    /// The access token does not reach that far.
    InsufficientScope = "insufficient_scope",
    /// Nobody is signed in, and the request forbade to ask.
    LoginRequired = "login_required",
    /// Something has to be asked, and the request forbade to ask.
    InteractionRequired = "interaction_required",
    /// The user has to agree, and the request forbade to ask.
    ConsentRequired = "consent_required",
    /// The user has to choose an account, and the request forbade to ask.
    AccountSelectionRequired = "account_selection_required",
    /// The demanded authentication cannot be reached.
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// Request objects are not taken.
    RequestNotSupported = "request_not_supported",
    /// Request objects are not fetched.
    RequestUriNotSupported = "request_uri_not_supported",
    /// The address of a request object leads nowhere or to nothing valid.
    InvalidRequestUri = "invalid_request_uri",
    /// The request object is invalid.
    InvalidRequestObject = "invalid_request_object",
    /// Clients are not registered by a request.
    RegistrationNotSupported = "registration_not_supported",
    /// The resource is unknown, malformed or not for this client.
    InvalidTarget = "invalid_target",
    /// The user has not answered yet ([RFC 8628 § 3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
    AuthorizationPending = "authorization_pending",
    /// The same, and it was asked too often.
    SlowDown = "slow_down",
    /// The device code has expired.
    ExpiredToken = "expired_token",
    /// The server does not revoke tokens of this type
    /// ([RFC 7009 § 2.2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.2.1)).
    UnsupportedTokenType = "unsupported_token_type",
    /// The authorization details are not understood
    /// ([RFC 9396 § 5](https://www.rfc-editor.org/rfc/rfc9396#section-5)).
    InvalidAuthorizationDetails = "invalid_authorization_details",
    /// A proof of possession is wrong ([RFC 9449 § 5](https://www.rfc-editor.org/rfc/rfc9449#section-5)).
    InvalidDpopProof = "invalid_dpop_proof",
    /// A proof of possession has to carry a nonce of the server.
    UseDpopNonce = "use_dpop_nonce",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error as an OAuth server reports it. All of it is text from outside: it is printed quoted and cut, and never shown
/// to a user ([RFC 6749 § 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    code: ErrorCode,
    description: Option<Box<str>>,
}

impl OAuthError {
    /// An error from its parts, as they were received.
    pub fn new(code: &str, description: Option<&str>) -> Self {
        Self {
            code: ErrorCode::parse(code),
            description: description.map(|text| reduced(text, MAX_DESCRIPTION)),
        }
    }

    /// The error in a JSON answer, if its `error` is text.
    pub(crate) fn from_json(answer: &Map<String, Value>) -> Option<Self> {
        let text = |name| answer.get(name).and_then(Value::as_str);
        Some(Self::new(text("error")?, text("error_description")))
    }

    /// What kind of error.
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {}", quote(self.code.as_str()))?;
        match &self.description {
            Some(text) => write!(f, ", description {}", quote(text)),
            None => Ok(()),
        }
    }
}

const MAX_CODE: usize = 64;
const MAX_DESCRIPTION: usize = 100;

/// The text with every character that RFC 6749 § 5.2 forbids replaced by `?`, and cut.
fn reduced(text: &str, max: usize) -> Box<str> {
    text.chars()
        .take(max)
        .map(|c| match c {
            ' ' | '!' | '#'..='[' | ']'..='~' => c,
            _ => '?',
        })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_compared_exactly() {
        assert_eq!(ErrorCode::parse("invalid_grant"), ErrorCode::InvalidGrant);
        for other in ["Invalid_Grant", "invalid_grant ", "invalid grant", ""] {
            assert_eq!(ErrorCode::parse(other), ErrorCode::Other(other.into()));
        }
    }

    #[test]
    fn text_from_outside_is_reduced_and_cut() {
        let error = OAuthError::new("a\"b\r\n\u{e9}", Some(&"<x>\u{1b}\\".repeat(100)));
        assert_eq!(error.code(), &ErrorCode::Other("a?b???".into()));
        assert_eq!(
            error.to_string(),
            format!("error \"a?b???\", description \"{}\"", "<x>??".repeat(20))
        );
        assert_eq!(ErrorCode::parse(&"x".repeat(1000)).as_str(), "x".repeat(64));
    }
}
