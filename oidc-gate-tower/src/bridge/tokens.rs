//! What a token endpoint has answered.

use super::{ConversionError, FromTheirs, ToTheirs};
use crate::core::{
    secret::IdToken,
    token::{TokenResponse, TokenType},
};
use openidconnect::{
    EmptyExtraTokenFields, Scope,
    core::{CoreIdToken, CoreIdTokenFields, CoreTokenResponse, CoreTokenType},
};
use std::str::FromStr as _;

/// Text that nobody has believed yet, on either side. Theirs reads its parts at once, and refuses what is no signed JWT of
/// an algorithm that it knows.
impl ToTheirs<CoreIdToken> for IdToken {
    type Error = ConversionError;

    fn to_theirs(&self) -> Result<CoreIdToken, ConversionError> {
        CoreIdToken::from_str(self.expose())
            .map_err(|_| ConversionError::Expected("a signed JWT with the claims of an ID token"))
    }
}

impl FromTheirs<&CoreIdToken> for IdToken {
    type Error = std::convert::Infallible;

    fn from_theirs(theirs: &CoreIdToken) -> Result<Self, Self::Error> {
        Ok(Self::new(theirs.to_string()))
    }
}

/// What kind of token an [exchange](TokenResponse::issued) has issued is lost: theirs has no place for it.
impl ToTheirs<CoreTokenResponse> for TokenResponse {
    type Error = ConversionError;

    fn to_theirs(&self) -> Result<CoreTokenResponse, ConversionError> {
        let kind = match self.token_type {
            TokenType::Bearer => CoreTokenType::Bearer,
            TokenType::DPoP => CoreTokenType::Extension("DPoP".to_owned()),
            TokenType::NotApplicable => CoreTokenType::Extension("N_A".to_owned()),
            _ => {
                return Err(ConversionError::Expected(
                    "a token type that they can be told of",
                ));
            }
        };
        let Ok(access_token) = self.access_token.to_theirs();
        let id_token = self
            .id_token
            .as_ref()
            .map(ToTheirs::to_theirs)
            .transpose()?;
        let fields = CoreIdTokenFields::new(id_token, EmptyExtraTokenFields {});
        let mut theirs = CoreTokenResponse::new(access_token, kind, fields);
        theirs.set_expires_in(self.expires_in.as_ref());
        theirs.set_refresh_token(self.refresh_token.as_ref().map(|token| {
            let Ok(token) = token.to_theirs();
            token
        }));
        theirs.set_scopes(self.scope.as_deref().map(|scope| {
            let words = scope.split(' ').filter(|word| !word.is_empty());
            words.map(|word| Scope::new(word.to_owned())).collect()
        }));
        Ok(theirs)
    }
}

/// Read by the rules of [`TokenResponse::parse`]: what an answer would be refused for is refused here, too, so it is a bearer
/// token.
impl FromTheirs<&CoreTokenResponse> for TokenResponse {
    type Error = ConversionError;

    fn from_theirs(theirs: &CoreTokenResponse) -> Result<Self, ConversionError> {
        let body = serde_json::to_vec(theirs)
            .map_err(|_| ConversionError::Expected("a token response that is JSON"))?;
        Self::parse(&http::Response::new(body)).map_err(|error| {
            ConversionError::Refused(crate::core::check::CheckFailed::new(
                error.check(),
                error.cause().to_owned(),
            ))
        })
    }
}

#[cfg(test)]
mod tests;
