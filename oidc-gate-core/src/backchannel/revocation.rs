//! The end of a token ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use super::{AskError, Faults, Fields, Question};
use crate::{
    oauth_error::ErrorCode,
    provider::Endpoint,
    secret::{AccessToken, RefreshToken},
};
use http::{Response, StatusCode};

/// That a token shall end ([RFC 7009 § 2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)).
#[derive(Clone, Debug)]
pub struct RevocationRequest(Fields);

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 7009 knows no third")]
pub enum Revoked {
    /// The token is not good any more. Also what is said of a token that never was
    /// ([RFC 7009 § 2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).
    Revoked,
    /// The server revokes no tokens of this kind; it expires by itself.
    TypeUnsupported,
}

impl RevocationRequest {
    /// This access token shall end.
    pub fn access_token(token: &AccessToken) -> Self {
        Self::of(token.expose(), "access_token")
    }

    /// This refresh token shall end, and with it what was obtained by it, where the server does so.
    pub fn refresh_token(token: &RefreshToken) -> Self {
        Self::of(token.expose(), "refresh_token")
    }

    fn of(token: &str, hint: &str) -> Self {
        Self(
            Fields::new(&["token", "token_type_hint"])
                .with("token", token)
                .with("token_type_hint", hint),
        )
    }
}

impl Question for RevocationRequest {
    type Answer = Revoked;

    fn endpoint(&self) -> Endpoint {
        Endpoint::Revocation
    }

    fn fields(&self) -> &Fields {
        &self.0
    }

    /// Status 200 is all there is to know; the body means nothing
    /// ([RFC 7009 § 2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).
    fn read(&self, response: &Response<Vec<u8>>) -> Result<Revoked, AskError> {
        if response.status() == StatusCode::OK {
            return Ok(Revoked::Revoked);
        }
        let faults = Faults(Endpoint::Revocation);
        match faults.error(response, |_| false) {
            Some(error) if error.code() == Some(&ErrorCode::UnsupportedTokenType) => {
                Ok(Revoked::TypeUnsupported)
            }
            Some(error) => Err(error),
            None => Err(faults.status(response.status(), "200").into()),
        }
    }
}
