//! Values that are text: secrets, names, scopes, addresses.

use super::{ConversionError, FromTheirs, ToTheirs};
use crate::core::{
    client_auth::Client,
    grant::ScopeSet,
    login::pkce,
    secret::{
        AccessToken, AuthorizationCode, ClientSecret, CodeVerifier, DeviceCode, Nonce,
        RefreshToken, State,
    },
    url::{EndpointUrl, Issuer},
};
use openidconnect as theirs;
use serde_json::json;
use std::convert::Infallible;

/// Text on both sides, of any form.
macro_rules! any_text {
    ($($ours:ident = $theirs:ident),* $(,)?) => {$(
        impl ToTheirs<theirs::$theirs> for $ours {
            type Error = Infallible;

            fn to_theirs(&self) -> Result<theirs::$theirs, Infallible> {
                Ok(theirs::$theirs::new(self.expose().to_owned()))
            }
        }

        impl FromTheirs<theirs::$theirs> for $ours {
            type Error = Infallible;

            fn from_theirs(theirs: theirs::$theirs) -> Result<Self, Infallible> {
                Ok(Self::new(theirs.into_secret()))
            }
        }
    )*};
}

any_text! {
    ClientSecret = ClientSecret,
    AuthorizationCode = AuthorizationCode,
    DeviceCode = DeviceCode,
    State = CsrfToken,
    Nonce = Nonce,
}

/// Text that has a form on our side alone.
macro_rules! text_of_a_form {
    ($($ours:ident = $theirs:ident if $fits:ident: $form:literal;)*) => {$(
        impl ToTheirs<theirs::$theirs> for $ours {
            type Error = Infallible;

            fn to_theirs(&self) -> Result<theirs::$theirs, Infallible> {
                Ok(theirs::$theirs::new(self.expose().to_owned()))
            }
        }

        impl FromTheirs<theirs::$theirs> for $ours {
            type Error = ConversionError;

            fn from_theirs(theirs: theirs::$theirs) -> Result<Self, ConversionError> {
                match $fits(theirs.secret()) {
                    true => Ok(Self::new(theirs.into_secret())),
                    false => Err(ConversionError::Expected($form)),
                }
            }
        }
    )*};
}

text_of_a_form! {
    AccessToken = AccessToken if is_visible: "an access token of visible ASCII characters";
    RefreshToken = RefreshToken if is_printable: "a refresh token of printable ASCII characters";
}

/// So that it fits into a header ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// [RFC 6749 appendix A](https://www.rfc-editor.org/rfc/rfc6749#appendix-A): `VSCHAR`.
fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

const VERIFIER: ConversionError =
    ConversionError::Expected("a code verifier of 43 to 128 unreserved characters");
const CHALLENGE: ConversionError =
    ConversionError::Expected("a code challenge of S256, 43 characters of base64url");

/// Theirs says that it has this form and does not look; what is made of it panics where it has not.
impl ToTheirs<theirs::PkceCodeVerifier> for CodeVerifier {
    type Error = ConversionError;

    fn to_theirs(&self) -> Result<theirs::PkceCodeVerifier, ConversionError> {
        match pkce::is_verifier(self) {
            true => Ok(theirs::PkceCodeVerifier::new(self.expose().to_owned())),
            false => Err(VERIFIER),
        }
    }
}

impl FromTheirs<theirs::PkceCodeVerifier> for CodeVerifier {
    type Error = ConversionError;

    fn from_theirs(theirs: theirs::PkceCodeVerifier) -> Result<Self, ConversionError> {
        let verifier = Self::new(theirs.into_secret());
        match pkce::is_verifier(&verifier) {
            true => Ok(verifier),
            false => Err(VERIFIER),
        }
    }
}

/// The challenge of the verifier, by `S256`.
impl ToTheirs<theirs::PkceCodeChallenge> for CodeVerifier {
    type Error = ConversionError;

    fn to_theirs(&self) -> Result<theirs::PkceCodeChallenge, ConversionError> {
        let verifier = self.to_theirs()?;
        Ok(theirs::PkceCodeChallenge::from_code_verifier_sha256(
            &verifier,
        ))
    }
}

/// A challenge of `S256`, as [`pkce::challenge`] makes it.
impl ToTheirs<theirs::PkceCodeChallenge> for str {
    type Error = ConversionError;

    fn to_theirs(&self) -> Result<theirs::PkceCodeChallenge, ConversionError> {
        if !pkce::is_challenge(self) {
            return Err(CHALLENGE);
        }
        // There is no constructor for one that was made elsewhere.
        let members = json!({"code_challenge": self, "code_challenge_method": "S256"});
        serde_json::from_value(members).map_err(|_| CHALLENGE)
    }
}

/// Its text. Refused for any other method than `S256`.
impl FromTheirs<theirs::PkceCodeChallenge> for String {
    type Error = ConversionError;

    fn from_theirs(theirs: theirs::PkceCodeChallenge) -> Result<Self, ConversionError> {
        match theirs.method().as_str() == "S256" && pkce::is_challenge(theirs.as_str()) {
            true => Ok(theirs.as_str().to_owned()),
            false => Err(CHALLENGE),
        }
    }
}

impl ToTheirs<theirs::ClientId> for Client {
    type Error = Infallible;

    fn to_theirs(&self) -> Result<theirs::ClientId, Infallible> {
        Ok(theirs::ClientId::new(self.id().to_owned()))
    }
}

/// The id of a client is text here, too.
impl FromTheirs<theirs::ClientId> for String {
    type Error = ConversionError;

    fn from_theirs(theirs: theirs::ClientId) -> Result<Self, ConversionError> {
        match is_printable(&theirs) {
            true => Ok(theirs.to_string()),
            false => Err(ConversionError::Expected(
                "a client id of printable ASCII characters",
            )),
        }
    }
}

impl ToTheirs<Vec<theirs::Scope>> for ScopeSet {
    type Error = Infallible;

    fn to_theirs(&self) -> Result<Vec<theirs::Scope>, Infallible> {
        let scopes = self.iter().map(str::to_owned);
        Ok(scopes.map(theirs::Scope::new).collect())
    }
}

/// A scope of theirs can be any text; here it is one word
/// ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
impl FromTheirs<Vec<theirs::Scope>> for ScopeSet {
    type Error = ConversionError;

    fn from_theirs(theirs: Vec<theirs::Scope>) -> Result<Self, ConversionError> {
        let expected = ConversionError::Expected(
            "scopes that are a word of visible ASCII each, without `\"` and `\\`",
        );
        if theirs.is_empty() {
            return Ok(Self::default());
        }
        // Two words in one would pass for two when they are joined.
        if theirs.iter().any(|scope| scope.contains(' ')) {
            return Err(expected);
        }
        let words: Vec<&str> = theirs.iter().map(|scope| scope.as_str()).collect();
        Self::parse(&words.join(" ")).ok_or(expected)
    }
}

/// Addresses: ours are https, or http on this machine, without credentials and fragment.
macro_rules! addresses {
    ($($ours:ident = $theirs:ident),* $(,)?) => {$(
        impl ToTheirs<theirs::$theirs> for $ours {
            type Error = ConversionError;

            fn to_theirs(&self) -> Result<theirs::$theirs, ConversionError> {
                theirs::$theirs::new(self.as_str().to_owned()).map_err(|_| ConversionError::Expected("a URL"))
            }
        }

        impl FromTheirs<theirs::$theirs> for $ours {
            type Error = ConversionError;

            fn from_theirs(theirs: theirs::$theirs) -> Result<Self, ConversionError> {
                $ours::parse(theirs.as_str())
                    .map_err(|_| ConversionError::Expected("an https URL, or an http URL of this machine, without credentials and fragment"))
            }
        }
    )*};
}

addresses! {
    Issuer = IssuerUrl,
    EndpointUrl = AuthUrl,
    EndpointUrl = TokenUrl,
    EndpointUrl = JsonWebKeySetUrl,
    EndpointUrl = UserInfoUrl,
    EndpointUrl = DeviceAuthorizationUrl,
    EndpointUrl = IntrospectionUrl,
    EndpointUrl = RevocationUrl,
}

#[cfg(test)]
mod tests;
