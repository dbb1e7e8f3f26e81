//! The answer of a token endpoint ([RFC 6749 § 5](https://www.rfc-editor.org/rfc/rfc6749#section-5)).

use super::TokenKind;
use crate::{
    backchannel::{AskError, Faults, lifetime, object, text},
    check::{Check, CheckFailed, quote},
    provider::Endpoint,
    secret::{AccessToken, IdToken, RefreshToken},
};
use http::Response;
use serde_json::{Map, Value};
use std::time::Duration;

/// The tokens that a token endpoint gave out.
///
/// Access and refresh tokens are opaque: the gate keeps and sends them and never looks inside. The ID token is not yet
/// believed; see [`UnverifiedIdToken`](super::UnverifiedIdToken).
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token: visible ASCII, so that it fits into a header. An exchange may put another token in its place:
    /// see [`issued`](Self::issued).
    pub access_token: AccessToken,
    /// How the access token is used.
    pub token_type: TokenType,
    /// What kind of token an exchange has issued
    /// ([RFC 8693 § 2.2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1)).
    pub issued: Option<TokenKind>,
    /// The ID token. A login demands it; a refresh does without.
    pub id_token: Option<IdToken>,
    /// The refresh token.
    pub refresh_token: Option<RefreshToken>,
    /// How long the access token lives, if the provider says so in a way that makes sense.
    pub expires_in: Option<Duration>,
    /// The granted scope. `None` means the one that was requested
    /// ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
    pub scope: Option<String>,
}

/// How an access token is used ([RFC 6749 § 7.1](https://www.rfc-editor.org/rfc/rfc6749#section-7.1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// Whoever has it can use it ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
    Bearer,
    /// With a proof of possession ([RFC 9449 § 7](https://www.rfc-editor.org/rfc/rfc9449#section-7)).
    DPoP,
    /// It is no access token: `N_A` ([RFC 8693 § 2.2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1)).
    NotApplicable,
}

/// What a request can be answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expected {
    /// A bearer token.
    #[default]
    Bearer,
    /// A token that is bound to a key.
    DPoP,
    /// A bearer token or none that gives access, and what kind it is.
    Exchanged,
    /// A token that is bound to a key, and what kind it is.
    ExchangedDPoP,
}

impl Expected {
    /// The same, bound to a key.
    pub(super) fn bound(self) -> Self {
        match self {
            Self::Bearer | Self::DPoP => Self::DPoP,
            Self::Exchanged | Self::ExchangedDPoP => Self::ExchangedDPoP,
        }
    }

    fn read(self, token_type: &str) -> Result<TokenType, CheckFailed> {
        let is = |name: &str| token_type.eq_ignore_ascii_case(name);
        let expected = match self {
            Self::Bearer | Self::Exchanged if is("bearer") => return Ok(TokenType::Bearer),
            Self::DPoP | Self::ExchangedDPoP if is("dpop") => return Ok(TokenType::DPoP),
            Self::Exchanged if is("n_a") => return Ok(TokenType::NotApplicable),
            Self::Bearer => "\"Bearer\"",
            Self::DPoP | Self::ExchangedDPoP => "\"DPoP\"",
            Self::Exchanged => "\"Bearer\" or \"N_A\"",
        };
        let cause = format!("expected {expected}, got {}", quote(token_type));
        Err(CheckFailed::new(Check::TokenType, cause))
    }
}

impl TokenResponse {
    /// Reads an answer, whatever its status. An optional member that is `null` counts as absent; unknown ones are
    /// ignored.
    ///
    /// # Errors
    ///
    /// 1. [`Check::TokenUnavailable`] for status 5xx and 429, and for the errors `server_error` and
    ///    `temporarily_unavailable`.
    /// 2. [`Check::TokenInvalidClient`], [`Check::TokenInvalidGrant`], [`Check::TokenDenied`],
    ///    [`Check::TokenDeviceExpired`] or, for any other code, [`Check::TokenError`] for an error in the words of OAuth:
    ///    with a status 4xx, or with 200 and no access token. [`AskError::code`] has the code.
    /// 3. [`Check::TokenInvalidClient`] for 401 and 403 without such an error, as real providers answer a wrong secret.
    /// 4. [`Check::TokenType`] for a token that is not a bearer token.
    /// 5. [`Check::TokenMalformed`] for everything else: a redirect, no JSON, a repeated member, a wrong type.
    pub fn parse(response: &Response<Vec<u8>>) -> Result<Self, AskError> {
        Self::parse_expecting(response, Expected::Bearer)
    }

    pub(super) fn parse_expecting(
        response: &Response<Vec<u8>>,
        expected: Expected,
    ) -> Result<Self, AskError> {
        let answer = object(Endpoint::Token, response, "access_token")?;
        Self::read(answer, expected).map_err(AskError::from)
    }

    fn read(mut answer: Map<String, Value>, expected: Expected) -> Result<Self, CheckFailed> {
        let mut text = |name| text(FAULTS, &mut answer, name);
        let access_token =
            text("access_token")?.ok_or_else(|| malformed("`access_token` is missing"))?;
        if access_token.is_empty() || !access_token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(malformed("`access_token` is not visible ASCII"));
        }
        let token_type = text("token_type")?.ok_or_else(|| malformed("`token_type` is missing"))?;
        let token_type = expected.read(&token_type)?;
        let issued = text("issued_token_type")?;
        let issued = match (expected, issued) {
            (Expected::Exchanged | Expected::ExchangedDPoP, None) => {
                return Err(malformed("`issued_token_type` is missing"));
            }
            (Expected::Exchanged | Expected::ExchangedDPoP, Some(uri)) => Some(
                TokenKind::other(&uri).ok_or_else(|| malformed("`issued_token_type` is no URI"))?,
            ),
            // Nobody has asked.
            (Expected::Bearer | Expected::DPoP, _) => None,
        };
        let refresh_token = text("refresh_token")?;
        if let Some(token) = &refresh_token
            && (token.is_empty() || !token.bytes().all(|b| matches!(b, b' '..=b'~')))
        {
            return Err(malformed("`refresh_token` is not printable ASCII"));
        }
        Ok(Self {
            access_token: AccessToken::new(access_token),
            token_type,
            issued,
            id_token: text("id_token")?.map(IdToken::new),
            refresh_token: refresh_token.map(RefreshToken::new),
            scope: text("scope")?,
            expires_in: lifetime(FAULTS, &answer, "expires_in")?,
        })
    }
}

const FAULTS: Faults = Faults(Endpoint::Token);

fn malformed(what: &str) -> CheckFailed {
    FAULTS.malformed(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        status: u16,
        media_type: Option<String>,
        body: String,
        expected: String,
        cause: Option<String>,
    }

    fn answer(status: u16, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
        let mut response = Response::new(body.into());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    fn expires_in(value: &str) -> Result<Option<u64>, Check> {
        let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{value}}}"#);
        match TokenResponse::parse(&answer(200, body)) {
            Ok(tokens) => Ok(tokens.expires_in.map(|time| time.as_secs())),
            Err(failed) => Err(failed.check()),
        }
    }

    #[test]
    fn every_answer_ends_as_the_data_says() {
        let cases: Vec<Case> =
            crate::testdata::cases(include_str!("../../testdata/token_response.toml"));
        assert!(cases.len() > 30);
        for case in cases {
            let mut response = answer(case.status, case.body);
            if let Some(media_type) = case.media_type {
                let media_type = media_type.parse().unwrap();
                response.headers_mut().insert("content-type", media_type);
            }
            let result = TokenResponse::parse(&response);
            let got = match &result {
                Ok(_) => "ok",
                Err(failed) => failed.check().id(),
            };
            assert_eq!(got, case.expected, "{}", case.name);
            if let Some(cause) = case.cause {
                assert_eq!(result.unwrap_err().cause(), cause, "{}", case.name);
            }
        }
    }

    #[test]
    fn a_full_answer_is_read() {
        let body = r#"{"access_token":"at","token_type":"bEARER","id_token":"a.b.c","refresh_token":"r t","expires_in":3600,
            "scope":"openid email","more":{"x":1}}"#;
        let tokens = TokenResponse::parse(&answer(200, body)).unwrap();
        assert_eq!(tokens.access_token.expose(), "at");
        assert_eq!(tokens.id_token.unwrap().expose(), "a.b.c");
        assert_eq!(tokens.refresh_token.unwrap().expose(), "r t");
        assert_eq!(tokens.expires_in, Some(Duration::from_secs(3600)));
        assert_eq!(tokens.scope.as_deref(), Some("openid email"));
    }

    #[test]
    fn a_lifetime_is_a_number_or_nothing() {
        for (value, expected) in [
            ("3600", Ok(Some(3600))),
            ("\"3600\"", Ok(Some(3600))),
            ("3599.9", Ok(Some(3599))),
            ("0", Ok(Some(0))),
            ("null", Ok(None)),
            ("-1", Ok(None)),
            ("\"-1\"", Ok(None)),
            ("1e300", Ok(None)),
            ("18446744073709551615", Ok(None)),
            ("\"x\"", Err(Check::TokenMalformed)),
            ("\"\"", Err(Check::TokenMalformed)),
            ("true", Err(Check::TokenMalformed)),
            ("[1]", Err(Check::TokenMalformed)),
        ] {
            assert_eq!(expires_in(value), expected, "{value}");
        }
    }

    #[test]
    fn a_code_is_told_with_the_check_and_how_long_to_wait() {
        use crate::oauth_error::ErrorCode;
        for (status, code, check, expected) in [
            (400, "slow_down", Check::TokenError, ErrorCode::SlowDown),
            (
                400,
                "invalid_target",
                Check::TokenError,
                ErrorCode::InvalidTarget,
            ),
            (
                400,
                "use_dpop_nonce",
                Check::TokenError,
                ErrorCode::UseDpopNonce,
            ),
            (
                503,
                "temporarily_unavailable",
                Check::TokenUnavailable,
                ErrorCode::TemporarilyUnavailable,
            ),
        ] {
            let mut response = answer(status, format!(r#"{{"error":"{code}"}}"#));
            let retry = "7".parse().unwrap();
            response.headers_mut().insert("retry-after", retry);
            let error = TokenResponse::parse(&response).unwrap_err();
            assert_eq!((error.check(), error.code()), (check, Some(&expected)));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        }
        let error = TokenResponse::parse(&answer(500, "")).unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (None, None));
    }

    #[test]
    fn no_error_shows_a_token() {
        let body =
            r#"{"access_token":"hush","token_type":"mac","id_token":7,"refresh_token":"hush"}"#;
        for status in [200, 302, 400, 401, 500] {
            let failed = TokenResponse::parse(&answer(status, body)).unwrap_err();
            assert!(!format!("{failed:?}").contains("hush"), "{failed}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(status in 100_u16..1000, bytes in proptest::collection::vec(any::<u8>(), 0..60),
            name in "access_token|token_type|expires_in|error|error_description", value in "-?[0-9]{1,30}|\"\\PC{0,5}\"|\\{\\}") {
            let _ = TokenResponse::parse(&answer(status, bytes));
            let _ = TokenResponse::parse(&answer(status, format!(r#"{{"access_token":"a","token_type":"Bearer","x":1,"{name}":{value}}}"#)));
        }
    }
}
