//! How the client proves itself, as an application says it.

use crate::core::{client_auth::Method, secret::ClientSecret};

/// How the client proves itself to the provider.
///
/// One method, chosen here; nothing is fallen back to
/// ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).
#[derive(Clone, Debug)]
pub struct ClientAuth {
    pub(crate) method: Method,
}

impl ClientAuth {
    /// `client_secret_basic`: the secret in a header. What providers take unless told otherwise.
    pub fn client_secret_basic(secret: impl Into<ClientSecret>) -> Self {
        Self {
            method: Method::SecretBasic(secret.into()),
        }
    }

    /// `client_secret_post`: the secret in the body. For providers that take nothing else.
    pub fn client_secret_post(secret: impl Into<ClientSecret>) -> Self {
        Self {
            method: Method::SecretPost(secret.into()),
        }
    }

    /// `none`: a public client. PKCE protects the login either way; a server-side application can keep a secret and is
    /// better registered with one.
    pub fn none() -> Self {
        Self {
            method: Method::None,
        }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match &self.method {
            Method::SecretBasic(secret) | Method::SecretPost(secret)
                if secret.expose().trim().is_empty() =>
            {
                Some("the secret is empty; a client without a secret is `ClientAuth::none()`")
            }
            _ => None,
        }
    }
}
