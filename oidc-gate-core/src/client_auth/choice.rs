//! By which of the methods that it could use a client proves itself.

use super::{AssertionKey, Method};
use crate::{
    jose::{Alg, AlgSet},
    secret::ClientSecret,
};

/// How it is decided by which method a client authenticates. Either way one request uses one method, and none is tried
/// after another has been refused ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a method is said or it is looked for"
)]
pub enum Choice {
    /// This one, as the client is registered.
    Exactly(Method),
    /// The strongest that the server lists and the client has been given what it takes for.
    Strongest(Held),
}

impl Choice {
    /// The secret that the client shares with the server, if it has one.
    pub fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::Exactly(method) => method.secret(),
            Self::Strongest(held) => held.secret.as_ref(),
        }
    }
}

impl From<Method> for Choice {
    fn from(method: Method) -> Self {
        Self::Exactly(method)
    }
}

impl From<Held> for Choice {
    fn from(held: Held) -> Self {
        Self::Strongest(held)
    }
}

/// What a client has been given to prove itself with: a private key, a certificate, a secret, several of them or nothing.
///
/// By what a server lists for the endpoint, in this order ([`choose`](Self::choose)):
///
/// 1. `private_key_jwt`, where there is a key and the server takes its algorithm;
/// 2. `tls_client_auth` or `self_signed_tls_client_auth`, where there is a certificate of that kind;
/// 3. `client_secret_jwt`, where there is a secret, and the server lists an algorithm that it is long enough for;
/// 4. `client_secret_basic`, where there is a secret;
/// 5. `client_secret_post`, where there is a secret;
/// 6. `none`, where nothing has been given at all. Who has been given something never goes without.
///
/// # Security
///
/// A server's list is for all its clients. One that holds each to the method it is registered for may refuse a stronger
/// one; then say which with a [`Method`].
///
/// ```
/// use oidc_gate_core::{client_auth::{Client, Held}, secret::ClientSecret};
///
/// let held = Held::default().with_secret(ClientSecret::new("…"));
/// assert_eq!(held.choose(&["client_secret_basic", "none"], None).unwrap().name(), "client_secret_basic");
/// assert!(held.choose(&["none"], None).is_none());
/// let client = Client::new("my-app", held);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Held {
    key: Option<AssertionKey>,
    certificate: Option<CertificateKind>,
    secret: Option<ClientSecret>,
}

/// How a server knows the certificate of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 8705 knows two")]
pub enum CertificateKind {
    /// By the authority that issued it ([RFC 8705 § 2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)).
    ByAuthority,
    /// Itself ([RFC 8705 § 2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)).
    SelfSigned,
}

impl Held {
    /// And this key. A secret is not one: see [`AssertionKey::secret`].
    #[must_use]
    pub fn with_key(self, key: AssertionKey) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// And a certificate, which whoever connects shows.
    #[must_use]
    pub fn with_certificate(self, kind: CertificateKind) -> Self {
        Self {
            certificate: Some(kind),
            ..self
        }
    }

    /// And this secret.
    #[must_use]
    pub fn with_secret(self, secret: ClientSecret) -> Self {
        Self {
            secret: Some(secret),
            ..self
        }
    }

    /// The secret, if there is one.
    pub fn secret(&self) -> Option<&ClientSecret> {
        self.secret.as_ref()
    }

    /// The strongest method at an endpoint that takes these, and assertions with these algorithms (`None` where it does not
    /// say which).
    pub fn choose(&self, taken: &[&str], algs: Option<AlgSet>) -> Option<Method> {
        let takes = |method: &Method| method.is_among(taken.iter().copied());
        let secret = |method: fn(ClientSecret) -> Method| self.secret.clone().map(method);
        [
            self.by_key(algs),
            self.by_certificate(),
            self.by_hash_of_secret(algs),
            secret(Method::SecretBasic),
            secret(Method::SecretPost),
            self.is_empty().then_some(Method::None),
        ]
        .into_iter()
        .flatten()
        .find(takes)
    }

    fn by_key(&self, algs: Option<AlgSet>) -> Option<Method> {
        let key = self.key.as_ref()?;
        let takes = algs.is_none_or(|algs| algs.contains(key.alg()));
        // A symmetric one is a secret in disguise, and another method.
        (takes && !key.alg().is_symmetric()).then(|| Method::PrivateKeyJwt(key.clone()))
    }

    fn by_certificate(&self) -> Option<Method> {
        Some(match self.certificate? {
            CertificateKind::ByAuthority => Method::Tls,
            CertificateKind::SelfSigned => Method::SelfSignedTls,
        })
    }

    /// An algorithm that is not listed is not guessed: where none is, the secret itself is what the server takes.
    fn by_hash_of_secret(&self, algs: Option<AlgSet>) -> Option<Method> {
        let (secret, algs) = (self.secret.as_ref()?, algs?);
        [Alg::HS256, Alg::HS384, Alg::HS512]
            .into_iter()
            .filter(|alg| algs.contains(*alg))
            .find_map(|alg| Method::secret_jwt(alg, secret.clone()).ok())
    }

    fn is_empty(&self) -> bool {
        self.key.is_none() && self.certificate.is_none() && self.secret.is_none()
    }

    /// What there is, for whoever has to find out why it does not fit.
    pub(super) fn listed(&self) -> String {
        let key = (self.key.as_ref()).map(|key| format!("a key for {}", key.alg()));
        let certificate = self.certificate.map(|kind| match kind {
            CertificateKind::ByAuthority => "a certificate".to_owned(),
            CertificateKind::SelfSigned => "a self-signed certificate".to_owned(),
        });
        let secret = self.secret.as_ref().map(|_| "a secret".to_owned());
        let all: Vec<_> = [key, certificate, secret].into_iter().flatten().collect();
        all.join(" and ")
    }
}
