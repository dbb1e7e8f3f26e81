//! One token for another ([RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)).

use crate::{backchannel::Fields, url::is_absolute_uri};
use std::fmt;
use zeroize::Zeroizing;

/// What kind of token one is ([RFC 8693 § 3](https://www.rfc-editor.org/rfc/rfc8693#section-3)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenKind {
    /// An access token of this server.
    AccessToken,
    /// A refresh token of this server.
    RefreshToken,
    /// An ID token.
    IdToken,
    /// A JWT, whatever it is for.
    Jwt,
    /// A base64url-encoded SAML 1.1 assertion.
    Saml1,
    /// A base64url-encoded SAML 2.0 assertion.
    Saml2,
    /// Another kind, which a server has named. See [`other`](Self::other).
    Other(Box<str>),
}

impl TokenKind {
    const KNOWN: [(Self, &str); 6] = [
        (
            Self::AccessToken,
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        (
            Self::RefreshToken,
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        (Self::IdToken, "urn:ietf:params:oauth:token-type:id_token"),
        (Self::Jwt, "urn:ietf:params:oauth:token-type:jwt"),
        (Self::Saml1, "urn:ietf:params:oauth:token-type:saml1"),
        (Self::Saml2, "urn:ietf:params:oauth:token-type:saml2"),
    ];

    /// The kind of this URI; `None` if it is none.
    pub fn other(uri: &str) -> Option<Self> {
        let known = Self::KNOWN.into_iter().find(|(_, known)| *known == uri);
        match known {
            Some((kind, _)) => Some(kind),
            None => is_absolute_uri(uri).then(|| Self::Other(uri.into())),
        }
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(uri) => uri,
            kind => Self::KNOWN
                .iter()
                .find_map(|(known, uri)| (known == kind).then_some(*uri))
                .unwrap_or_default(),
        }
    }
}

/// A token that another is asked for with, and what kind it is: neither goes without the other.
#[derive(Clone)]
pub struct TypedToken {
    token: Zeroizing<String>,
    kind: TokenKind,
}

impl TypedToken {
    /// A token of this kind.
    pub fn new(kind: TokenKind, token: impl Into<String>) -> Self {
        let token = Zeroizing::new(token.into());
        Self { token, kind }
    }
}

impl fmt::Debug for TypedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedToken({:?}, ***)", self.kind)
    }
}

/// What to exchange for what ([RFC 8693 § 2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)), for
/// [`TokenRequest::token_exchange`](super::TokenRequest::token_exchange).
///
/// ```
/// use oidc_gate_core::token::{Exchanged, TokenKind, TokenRequest, TypedToken};
/// # let user_token = String::from("…");
/// let request = TokenRequest::token_exchange(
///     Exchanged::subject(TypedToken::new(TokenKind::AccessToken, user_token)).audience("orders"),
/// )
/// .scope("orders:read")?;
/// # Ok::<_, oidc_gate_core::backchannel::RequestError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Exchanged {
    subject: TypedToken,
    actor: Option<TypedToken>,
    requested: Option<TokenKind>,
    audiences: Vec<String>,
}

impl Exchanged {
    /// Who the new token stands for.
    pub fn subject(token: TypedToken) -> Self {
        Self {
            subject: token,
            actor: None,
            requested: None,
            audiences: Vec::new(),
        }
    }

    /// Who acts for them.
    pub fn actor(self, token: TypedToken) -> Self {
        Self {
            actor: Some(token),
            ..self
        }
    }

    /// What kind the new token is to be; an access token by most servers' default.
    pub fn requesting(self, kind: TokenKind) -> Self {
        Self {
            requested: Some(kind),
            ..self
        }
    }

    /// By its name at the server, the service that the new token is for; may be said several times.
    pub fn audience(mut self, name: impl Into<String>) -> Self {
        self.audiences.push(name.into());
        self
    }

    pub(super) fn write(self, fields: &mut Fields) {
        fields.push("subject_token", &**self.subject.token);
        fields.push("subject_token_type", self.subject.kind.as_str());
        if let Some(actor) = &self.actor {
            fields.push("actor_token", &**actor.token);
            fields.push("actor_token_type", actor.kind.as_str());
        }
        if let Some(kind) = &self.requested {
            fields.push("requested_token_type", kind.as_str());
        }
        for name in self.audiences {
            fields.push("audience", name);
        }
    }
}
