//! Clients as an authorization server knows them.

use super::{
    Authenticator, Expires, MethodName, Secrets,
    certificate::{RegisteredCertificates, TlsSubject},
};
use crate::{
    grant::{GrantType, ScopeSet},
    jose::{Alg, JwkSet, SkippedKey},
    secret::ClientSecret,
    url::{EndpointUrl, is_absolute_uri},
};
use std::{fmt, sync::Arc};

/// How a client is to prove who it is, with what the server needs to know for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RegisteredMethod {
    /// `none`: a public client. It proves by PKCE that a code is its own.
    None,
    /// `client_secret_basic` or `client_secret_post`.
    Secret(SecretPlace, Secrets),
    /// `client_secret_jwt`. The secret is kept as it is: signatures are made with it.
    SecretJwt(JwtSecrets),
    /// `private_key_jwt`, with `token_endpoint_auth_signing_alg` where one is registered.
    PrivateKeyJwt(ClientKeys, Option<Alg>),
    /// `tls_client_auth`: a certificate by an authority that the server trusts, and the one name of it that counts.
    Tls(TlsSubject),
    /// `self_signed_tls_client_auth`: this certificate, or one of these while one replaces another.
    SelfSignedTls(RegisteredCertificates),
}

/// Where a client may send its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretPlace {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the body.
    Post,
    /// In either, for clients that cannot be told. Not what
    /// [RFC 7591 § 2](https://www.rfc-editor.org/rfc/rfc7591#section-2) has in mind.
    Either,
}

/// The secrets of a client that signs with them.
#[derive(Clone, Debug)]
pub struct JwtSecrets {
    pub(super) secrets: Vec<(ClientSecret, Expires)>,
    pub(super) alg: Option<Alg>,
}

impl JwtSecrets {
    /// Secrets that assertions may be signed with, by `alg` alone where one is registered.
    pub fn new(
        secrets: impl IntoIterator<Item = (ClientSecret, Expires)>,
        alg: Option<Alg>,
    ) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            alg,
        }
    }
}

/// Where a client's public keys are.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 7591 has these two, and either alone"
)]
pub enum ClientKeys {
    /// `jwks`: registered with the client.
    Here(Arc<JwkSet>),
    /// `jwks_uri`: at an address of the client's, which is fetched when they are needed.
    At(EndpointUrl),
}

/// What a client wants to be registered as; see [`Authenticator::register`].
#[derive(Clone, Debug)]
pub struct Registration {
    pub(super) id: Box<str>,
    pub(super) method: RegisteredMethod,
    pub(super) grants: Vec<GrantType>,
    pub(super) scopes: ScopeSet,
    pub(super) resources: Vec<Box<str>>,
    pub(super) tokens: TokenBinding,
}

/// What a client's tokens are tied to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenBinding {
    /// Nothing: whoever has a token can use it.
    #[default]
    Bearer,
    /// The certificate of the connection: `tls_client_certificate_bound_access_tokens`
    /// ([RFC 8705 § 3.4](https://www.rfc-editor.org/rfc/rfc8705#section-3.4)).
    Certificate,
}

impl Registration {
    /// The client `id`, which proves itself by `method` and may redeem authorization codes
    /// ([RFC 7591 § 2](https://www.rfc-editor.org/rfc/rfc7591#section-2), `grant_types`).
    pub fn new(id: impl Into<Box<str>>, method: RegisteredMethod) -> Self {
        Self {
            id: id.into(),
            method,
            grants: vec![GrantType::AuthorizationCode],
            scopes: ScopeSet::default(),
            resources: Vec::new(),
            tokens: TokenBinding::default(),
        }
    }

    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the client is to prove itself.
    pub fn method(&self) -> &RegisteredMethod {
        &self.method
    }

    /// The grants the client may use, these and no others.
    #[must_use]
    pub fn grants(self, grants: impl IntoIterator<Item = GrantType>) -> Self {
        Self {
            grants: grants.into_iter().collect(),
            ..self
        }
    }

    /// The scopes the client may have where no user decides: by `client_credentials`, an assertion or an exchange.
    #[must_use]
    pub fn scopes(self, scopes: ScopeSet) -> Self {
        Self { scopes, ..self }
    }

    /// The resources the client may have tokens for where no user decides, by `resource` or `audience`: absolute URIs.
    #[must_use]
    pub fn resources<R: Into<Box<str>>>(self, resources: impl IntoIterator<Item = R>) -> Self {
        Self {
            resources: resources.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    /// What the client's tokens are tied to.
    #[must_use]
    pub fn tokens(self, tokens: TokenBinding) -> Self {
        Self { tokens, ..self }
    }
}

/// A client that was registered: everything about it fits together and is spoken by the server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RegisteredClient(Arc<Registration>);

impl RegisteredClient {
    /// The client id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// How it has to prove itself.
    pub fn method(&self) -> &RegisteredMethod {
        &self.0.method
    }

    /// Whether it may use a grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.0.grants.contains(&grant)
    }

    /// The scopes it may have where no user decides.
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.scopes
    }

    /// The resources it may have tokens for where no user decides.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.0.resources.iter().map(|resource| &**resource)
    }

    pub(crate) fn resource_list(&self) -> &[Box<str>] {
        &self.0.resources
    }

    /// What its tokens are tied to.
    pub fn tokens(&self) -> TokenBinding {
        self.0.tokens
    }

    pub(super) fn secrets(&self) -> Option<&Secrets> {
        match &self.0.method {
            RegisteredMethod::Secret(_, secrets) => Some(secrets),
            _ => None,
        }
    }
}

impl RegisteredMethod {
    /// The names under which the client may come: one, or two where the secret may be in either place.
    pub fn names(&self) -> &'static [MethodName] {
        use MethodName as M;
        match self {
            Self::None => &[M::None],
            Self::Secret(SecretPlace::Basic, _) => &[M::SecretBasic],
            Self::Secret(SecretPlace::Post, _) => &[M::SecretPost],
            Self::Secret(SecretPlace::Either, _) => &[M::SecretBasic, M::SecretPost],
            Self::SecretJwt(..) => &[M::SecretJwt],
            Self::PrivateKeyJwt(..) => &[M::PrivateKeyJwt],
            Self::Tls(_) => &[M::Tls],
            Self::SelfSignedTls(_) => &[M::SelfSignedTls],
        }
    }
}

impl Authenticator {
    /// Registers a client, if everything about it fits together and this server speaks it.
    ///
    /// # Errors
    ///
    /// See [`RegistrationError`].
    pub fn register(&self, client: Registration) -> Result<RegisteredClient, RegistrationError> {
        use RegistrationError as E;
        let printable = |b: u8| matches!(b, 0x20..=0x7e);
        if client.id.is_empty() || client.id.len() > 1024 || !client.id.bytes().all(printable) {
            return Err(E::ClientId);
        }
        for name in client.method.names().iter().copied() {
            if !self.methods.contains(name) {
                return Err(E::MethodDisabled(name));
            }
        }
        match &client.method {
            RegisteredMethod::SecretJwt(JwtSecrets { secrets, alg }) => {
                if secrets.is_empty() {
                    return Err(E::NoKey);
                }
                if let Some(alg) = alg
                    && !(alg.is_symmetric() && self.algs.contains(*alg))
                {
                    return Err(E::Alg(*alg));
                }
                // Without a registered algorithm the client may use any that the server takes; the secret has to do for
                // one of them.
                let taken = self
                    .algs
                    .iter()
                    .filter(|it| alg.is_none_or(|alg| alg == *it));
                let Some(least) = taken.filter_map(Alg::min_secret_bytes).min() else {
                    return Err(E::NoKey);
                };
                if secrets
                    .iter()
                    .any(|(secret, _)| secret.expose().len() < least)
                {
                    return Err(E::SecretTooShort { least });
                }
            }
            RegisteredMethod::PrivateKeyJwt(keys, alg) => {
                if let Some(alg) = alg
                    && (alg.is_symmetric() || !self.algs.contains(*alg))
                {
                    return Err(E::Alg(*alg));
                }
                if let ClientKeys::Here(keys) = keys {
                    if keys.skipped().iter().any(SkippedKey::is_leak) {
                        return Err(E::PrivateKey);
                    }
                    let fit = |alg: Alg| !alg.is_symmetric() && keys.has(None, alg);
                    let some = match alg {
                        Some(alg) => fit(*alg),
                        None => self.algs.iter().any(fit),
                    };
                    if !some {
                        return Err(E::NoKey);
                    }
                }
            }
            RegisteredMethod::Tls(_) if !self.has_anchors() => return Err(E::NoAnchors),
            RegisteredMethod::SelfSignedTls(certificates) if certificates.is_empty() => {
                return Err(E::NoKey);
            }
            RegisteredMethod::None
            | RegisteredMethod::Secret(..)
            | RegisteredMethod::Tls(_)
            | RegisteredMethod::SelfSignedTls(_) => {}
        }
        let public = matches!(client.method, RegisteredMethod::None);
        if public && client.grants.contains(&GrantType::ClientCredentials) {
            return Err(E::PublicClientCredentials);
        }
        if let Some(bad) = client.resources.iter().find(|uri| !is_absolute_uri(uri)) {
            return Err(E::Resource(bad.clone()));
        }
        Ok(RegisteredClient(client.into()))
    }
}

/// Why a client cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The id is not 1 to 1024 characters of printable ASCII.
    ClientId,
    /// The server does not offer the method.
    MethodDisabled(MethodName),
    /// The algorithm does not go with the method, or the server does not take it.
    Alg(Alg),
    /// There is no secret, no certificate, or no key that fits an algorithm of the server's.
    NoKey,
    /// The server trusts no authority for certificates: see `Authenticator::anchors`, with the feature `mtls-server`.
    NoAnchors,
    /// A private or symmetric key stands among the public ones: it is lost.
    PrivateKey,
    /// The secret is shorter than the hash ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    SecretTooShort {
        /// What it needs at least, in bytes.
        least: usize,
    },
    /// A client that proves nothing gets nothing in its own name
    /// ([RFC 6749 § 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).
    PublicClientCredentials,
    /// Not an absolute URI without a fragment ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
    Resource(Box<str>),
}

impl fmt::Display for RegistrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientId => {
                f.write_str("expected a client id of 1 to 1024 characters of printable ASCII")
            }
            Self::MethodDisabled(name) => write!(
                f,
                "the client is to use {name}, which this server does not offer: enable it at the `Authenticator`"
            ),
            Self::Alg(alg) => write!(
                f,
                "the client is to sign with {alg}, which does not go with its method or is not taken by this server"
            ),
            Self::NoKey => f.write_str(
                "the client has no secret, certificate or public key that fits an algorithm of this server's",
            ),
            Self::NoAnchors => f.write_str(
                "the client is to show a certificate of an authority, and this server trusts none: give the `Authenticator` its `anchors`",
            ),
            Self::PrivateKey => f.write_str(
                "the client's JWK set holds a private or symmetric key: replace that key, and register the public half",
            ),
            Self::SecretTooShort { least } => {
                write!(f, "the client's secret needs at least {least} bytes to sign with")
            }
            Self::PublicClientCredentials => f.write_str(
                "a client without authentication cannot have `client_credentials`: register a method",
            ),
            Self::Resource(uri) => write!(
                f,
                "expected an absolute URI without a fragment as resource, got {}",
                crate::check::quote(uri)
            ),
        }
    }
}

impl std::error::Error for RegistrationError {}
