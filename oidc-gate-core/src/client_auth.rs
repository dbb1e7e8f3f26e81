//! How a client proves who it is.

mod basic;

pub use basic::{BasicCredentials, BasicError};

use crate::{form, secret::ClientSecret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A client authentication method, with what it takes to use it
/// ([OpenID Connect Core § 9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Method {
    /// `none`: a public client. It has nothing to prove with; PKCE alone ties the code to whoever asked for it.
    None,
    /// `client_secret_basic`: the secret in the `Authorization` header.
    SecretBasic(ClientSecret),
    /// `client_secret_post`: the secret in the body. For servers that take nothing else.
    SecretPost(ClientSecret),
}

impl Method {
    /// The registered name, as metadata lists it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
        }
    }

    /// The secret that the client shares with the server, if it has one.
    pub fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::None => None,
            Self::SecretBasic(secret) | Self::SecretPost(secret) => Some(secret),
        }
    }

    /// Whether a server that lists `supported` takes this method
    /// ([RFC 8414 § 2](https://www.rfc-editor.org/rfc/rfc8414#section-2)).
    ///
    /// `none` is taken for granted: it is no authentication, and widespread servers accept public clients without listing
    /// it.
    pub fn is_among<'a>(&self, supported: impl IntoIterator<Item = &'a str>) -> bool {
        matches!(self, Self::None) || supported.into_iter().any(|name| name == self.name())
    }
}

/// A client as it is registered at an authorization server.
#[derive(Clone, Debug)]
pub struct Client {
    id: Arc<str>,
    method: Method,
}

impl Client {
    /// The client `id`, which authenticates by `method`.
    pub fn new(id: impl Into<Arc<str>>, method: Method) -> Self {
        Self {
            id: id.into(),
            method,
        }
    }

    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the client authenticates.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Puts exactly one authentication method on a request: into its headers or its form, never into its URL.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, body: &mut String) {
        match &self.method {
            Method::None => form::push_pair(body, "client_id", &self.id),
            Method::SecretBasic(secret) => {
                headers.insert(AUTHORIZATION, basic(&self.id, secret));
            }
            Method::SecretPost(secret) => {
                form::push_pair(body, "client_id", &self.id);
                form::push_pair(body, "client_secret", secret.expose());
            }
        }
    }
}

/// Both halves are form-encoded before they are joined, so that a colon or a non-ASCII character cannot be misread
/// ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
fn basic(id: &str, secret: &ClientSecret) -> HeaderValue {
    let mut pair = Zeroizing::new(form::encode(id));
    pair.push(':');
    form::encode_into(secret.expose(), &mut pair);
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    // Base64 is visible ASCII, so this cannot fail; an empty value would be refused by every server.
    let mut value =
        HeaderValue::try_from(encoded.as_str()).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(id: &str, method: Method) -> (Option<String>, String) {
        let (mut headers, mut body) = (HeaderMap::new(), String::new());
        Client::new(id, method).apply(&mut headers, &mut body);
        let header = headers
            .get(AUTHORIZATION)
            .map(|v| v.to_str().unwrap().to_owned());
        assert!(headers.values().all(HeaderValue::is_sensitive));
        (header, body)
    }

    #[test]
    fn basic_encodes_both_halves_first() {
        for (id, secret, header) in [
            // RFC 6749 § 2.3.1
            (
                "s6BhdRkqt3",
                "gX1fBat3bV",
                "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW",
            ),
            (
                "my:client",
                "p@ss w+rd%é",
                "Basic bXklM0FjbGllbnQ6cCU0MHNzK3clMkJyZCUyNSVDMyVBOQ==",
            ),
        ] {
            let method = Method::SecretBasic(ClientSecret::new(secret));
            assert_eq!(
                applied(id, method),
                (Some(header.to_owned()), String::new())
            );
        }
    }

    #[test]
    fn post_puts_both_into_the_body_and_nothing_into_the_header() {
        let method = Method::SecretPost(ClientSecret::new("a b&c"));
        assert_eq!(
            applied("app", method),
            (None, "client_id=app&client_secret=a+b%26c".to_owned())
        );
    }

    #[test]
    fn none_names_the_client_only() {
        assert_eq!(
            applied("app", Method::None),
            (None, "client_id=app".to_owned())
        );
    }

    #[test]
    fn a_method_that_is_not_listed_is_not_taken() {
        let post = Method::SecretPost(ClientSecret::new("x"));
        assert!(!post.is_among(["client_secret_basic"]));
        assert!(post.is_among(["client_secret_basic", "client_secret_post"]));
        assert!(Method::None.is_among([]));
    }
}
