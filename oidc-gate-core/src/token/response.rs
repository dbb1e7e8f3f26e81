//! The answer of a token endpoint ([RFC 6749 § 5](https://www.rfc-editor.org/rfc/rfc6749#section-5)).

use crate::check::{Check, CheckFailed, quote};
use crate::jose::json;
use crate::oauth_error::{ErrorCode, OAuthError};
use crate::secret::{AccessToken, IdToken, RefreshToken};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use std::time::Duration;

/// The tokens that a token endpoint gave out.
///
/// Access and refresh tokens are opaque: the gate keeps and sends them and never looks inside. The ID token is not yet
/// believed; see [`UnverifiedIdToken`](super::UnverifiedIdToken).
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token: visible ASCII, so that it fits into a header. Its type is `Bearer`.
    pub access_token: AccessToken,
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

impl TokenResponse {
    /// Reads an answer, whatever its status. An optional member that is `null` counts as absent; unknown ones are
    /// ignored.
    ///
    /// # Errors
    ///
    /// 1. [`Check::TokenUnavailable`] for status 5xx and 429, and for the errors `server_error` and
    ///    `temporarily_unavailable`.
    /// 2. [`Check::TokenInvalidClient`], [`Check::TokenInvalidGrant`] or, for any other code, [`Check::TokenError`] for
    ///    an error in the words of OAuth: with a status 4xx, or with 200 and no access token.
    /// 3. [`Check::TokenInvalidClient`] for 401 and 403 without such an error, as real providers answer a wrong secret.
    /// 4. [`Check::TokenType`] for a token that is not a bearer token.
    /// 5. [`Check::TokenMalformed`] for everything else: a redirect, no JSON, a repeated member, a wrong type.
    pub fn parse(response: &Response<Vec<u8>>) -> Result<Self, CheckFailed> {
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(CheckFailed::new(
                Check::TokenUnavailable,
                format!("the token endpoint answered {}", status.as_u16()),
            ));
        }
        let answer = json::object(response.body());
        if let Ok(answer) = &answer
            && (status.is_client_error() || answer.get("access_token").is_none_or(Value::is_null))
            && let Some(error) = OAuthError::from_json(answer)
        {
            return Err(refused(status, &error));
        }
        match (status, answer) {
            (StatusCode::OK, Ok(answer)) => Self::read(answer),
            (StatusCode::OK, Err(fault)) => Err(malformed(fault)),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => Err(CheckFailed::new(
                Check::TokenInvalidClient,
                format!(
                    "the token endpoint answered {} without an error code, as some providers do to wrong credentials",
                    status.as_u16()
                ),
            )),
            _ => Err(CheckFailed::new(
                Check::TokenMalformed,
                format!(
                    "the token endpoint answered {} instead of 200",
                    status.as_u16()
                ),
            )),
        }
    }

    fn read(mut answer: Map<String, Value>) -> Result<Self, CheckFailed> {
        let access_token = text(&mut answer, "access_token")?
            .ok_or_else(|| malformed("`access_token` is missing"))?;
        if access_token.is_empty() || !access_token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(malformed("`access_token` is not visible ASCII"));
        }
        let token_type =
            text(&mut answer, "token_type")?.ok_or_else(|| malformed("`token_type` is missing"))?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(CheckFailed::new(
                Check::TokenType,
                format!("expected \"Bearer\", got {}", quote(&token_type)),
            ));
        }
        let refresh_token = text(&mut answer, "refresh_token")?;
        if let Some(token) = &refresh_token
            && (token.is_empty() || !token.bytes().all(|b| matches!(b, b' '..=b'~')))
        {
            return Err(malformed("`refresh_token` is not printable ASCII"));
        }
        Ok(Self {
            access_token: AccessToken::new(access_token),
            id_token: text(&mut answer, "id_token")?.map(IdToken::new),
            refresh_token: refresh_token.map(RefreshToken::new),
            expires_in: lifetime(answer.get("expires_in"))?,
            scope: text(&mut answer, "scope")?,
        })
    }
}

/// What an error in the words of OAuth means for whoever asked.
fn refused(status: StatusCode, error: &OAuthError) -> CheckFailed {
    let check = match error.code() {
        ErrorCode::InvalidClient => Check::TokenInvalidClient,
        ErrorCode::InvalidGrant => Check::TokenInvalidGrant,
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => Check::TokenUnavailable,
        _ => Check::TokenError,
    };
    CheckFailed::new(
        check,
        format!("the token endpoint answered {}: {error}", status.as_u16()),
    )
}

fn malformed(what: &str) -> CheckFailed {
    CheckFailed::new(Check::TokenMalformed, format!("the token response: {what}"))
}

fn text(answer: &mut Map<String, Value>, name: &str) -> Result<Option<String>, CheckFailed> {
    match answer.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(&format!("`{name}` is not text"))),
    }
}

/// A number of seconds, its fraction dropped; some servers write it as text. A number that makes no sense (negative, or
/// more than a century) is as good as none.
fn lifetime(value: Option<&Value>) -> Result<Option<Duration>, CheckFailed> {
    const CENTURY: f64 = 100.0 * 366.0 * 86_400.0;
    let secs = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse::<i64>().ok().map(|secs| secs as f64),
        Some(_) => None,
    };
    let secs = secs.ok_or_else(|| malformed("`expires_in` is not a number of seconds"))?;
    Ok((0.0..=CENTURY)
        .contains(&secs)
        .then(|| Duration::from_secs(secs as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        status: u16,
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
            let result = TokenResponse::parse(&answer(case.status, case.body));
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
