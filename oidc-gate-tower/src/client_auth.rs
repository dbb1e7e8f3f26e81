//! How the client proves itself, as an application says it.

mod automatic;

pub use automatic::AutomaticAuth;

use crate::{
    core::{
        client_auth::{AssertionKey, Choice, Method},
        jose::{Alg, SigningKey},
        secret::ClientSecret,
    },
    ports::{DynSigner, Signer},
};
use std::{fmt, path::PathBuf, sync::Arc};

/// How the client proves itself to the provider.
///
/// One method for each request, chosen here or [by what the provider lists](Self::automatic); nothing is fallen back to
/// ([RFC 6749 § 2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)). What the provider does not list is found out
/// before anything is sent to it.
#[derive(Clone)]
pub struct ClientAuth {
    pub(crate) choice: Choice,
    pub(crate) signer: Option<Arc<dyn DynSigner>>,
    pub(crate) certificate: Option<ClientCert>,
    /// What was said and cannot be, as `build` tells it.
    problem: Option<String>,
}

impl ClientAuth {
    fn new(choice: impl Into<Choice>) -> Self {
        Self {
            choice: choice.into(),
            signer: None,
            certificate: None,
            problem: None,
        }
    }

    /// `client_secret_basic`: the secret in a header. What providers take unless told otherwise.
    pub fn client_secret_basic(secret: impl Into<ClientSecret>) -> Self {
        Self::new(Method::SecretBasic(secret.into()))
    }

    /// `client_secret_basic` for providers that do not form-decode the header, as
    /// [RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1) has them do: to be tried where a secret
    /// with special characters is refused.
    pub fn client_secret_basic_raw(secret: impl Into<ClientSecret>) -> Self {
        Self::new(Method::SecretBasicRaw(secret.into()))
    }

    /// `client_secret_post`: the secret in the body. For providers that take nothing else.
    pub fn client_secret_post(secret: impl Into<ClientSecret>) -> Self {
        Self::new(Method::SecretPost(secret.into()))
    }

    /// `client_secret_jwt`: a short-lived assertion that is signed with the secret, which itself never travels. With
    /// `HS256`, `HS384` or `HS512`, and a secret of at least 32, 48 or 64 bytes
    /// ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    pub fn client_secret_jwt(alg: Alg, secret: impl Into<ClientSecret>) -> Self {
        let secret = secret.into();
        match Method::secret_jwt(alg, secret.clone()) {
            Ok(method) => Self::new(method),
            Err(failed) => Self {
                problem: Some(failed.cause().to_owned()),
                ..Self::new(Method::SecretBasic(secret))
            },
        }
    }

    /// `private_key_jwt`: a short-lived assertion that is signed with a key of the client's own
    /// ([RFC 7523 § 2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)). Nothing that the provider keeps or that
    /// travels can be used by anybody else.
    ///
    /// ```
    /// use oidc_gate_tower::{Alg, ClientAuth, SigningKey};
    ///
    /// # let pem = include_str!("../../oidc-gate-core/testdata/keys/rsa-pkcs8.pem");
    /// let key = SigningKey::from_pem(pem)?.with_alg(Alg::PS256)?.named("2026-11");
    /// let auth = ClientAuth::private_key_jwt(key);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A key in a KMS or a smart card signs as a [`ClientKey::external`].
    pub fn private_key_jwt(key: impl Into<ClientKey>) -> Self {
        let ClientKey { key, signer } = key.into();
        match key {
            Ok(key) => Self {
                signer,
                ..Self::new(Method::PrivateKeyJwt(key))
            },
            Err(problem) => Self {
                problem: Some(problem),
                ..Self::none()
            },
        }
    }

    /// `tls_client_auth`: a certificate by an authority that the provider trusts, shown by the connection itself
    /// ([RFC 8705 § 2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)).
    pub fn tls_client_auth(certificate: ClientCert) -> Self {
        Self {
            certificate: Some(certificate),
            ..Self::new(Method::Tls)
        }
    }

    /// `self_signed_tls_client_auth`: a certificate that the provider knows itself
    /// ([RFC 8705 § 2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)).
    pub fn self_signed_tls_client_auth(certificate: ClientCert) -> Self {
        Self {
            certificate: Some(certificate),
            ..Self::new(Method::SelfSignedTls)
        }
    }

    /// `none`: a public client. PKCE protects the login either way; a server-side application can keep a secret and is
    /// better registered with one.
    pub fn none() -> Self {
        Self::new(Method::None)
    }

    /// The strongest method that the provider lists and that the application has been given what it takes for:
    ///
    /// ```
    /// use oidc_gate_tower::ClientAuth;
    /// let auth = ClientAuth::automatic().with_secret(String::from("…"));
    /// ```
    ///
    /// First `private_key_jwt`, then mutual TLS, `client_secret_jwt`, `client_secret_basic` and `client_secret_post`;
    /// `none` only where nothing has been given ([`Held`](crate::core::client_auth::Held)). A provider's list is for all its
    /// clients: one that holds each to the method it is registered for may refuse a stronger one, which is then to be named
    /// here instead.
    pub fn automatic() -> AutomaticAuth {
        AutomaticAuth::default()
    }

    /// The method, where it is one.
    pub(crate) fn method(&self) -> Option<&Method> {
        match &self.choice {
            Choice::Exactly(method) => Some(method),
            Choice::Strongest(_) => None,
        }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn problem(&self, client_id: &str) -> Option<String> {
        if let Some(problem) = &self.problem {
            return Some(problem.clone());
        }
        let is_empty = |secret: &ClientSecret| secret.expose().trim().is_empty();
        if self.choice.secret().is_some_and(is_empty) {
            return Some(
                "the secret is empty; a client without a secret is `ClientAuth::none()`".to_owned(),
            );
        }
        match &self.choice {
            Choice::Exactly(Method::SecretBasicRaw(_)) if client_id.contains(':') => Some(format!(
                "{client_id:?} holds a colon, at which a raw header would be cut; use client_secret_basic"
            )),
            _ => None,
        }
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.choice.fmt(f)
    }
}

/// Where the certificate is that a client shows in mutual TLS.
///
/// It is shown to the provider's token endpoint alone, where the client has to prove itself.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientCert(pub(crate) CertPlace);

#[derive(Clone, Debug)]
pub(crate) enum CertPlace {
    #[cfg_attr(
        not(feature = "reqwest"),
        expect(dead_code, reason = "the HTTP client that comes along reads them")
    )]
    Files {
        cert: PathBuf,
        key: PathBuf,
    },
    InTransport,
}

impl ClientCert {
    /// A certificate with its chain, and its private key, each a file in PEM form. Both are read again when they have
    /// changed, as a certificate manager changes them.
    pub fn pem_files(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self(CertPlace::Files {
            cert: cert.into(),
            key: key.into(),
        })
    }

    /// The application's own [`HttpClient`](crate::HttpClient) shows it, for exchanges whose
    /// [`transport`](crate::core::flow::Exchange::transport) says so: a mesh, a smart card, another TLS library.
    pub fn in_transport() -> Self {
        Self(CertPlace::InTransport)
    }
}

/// The key that a client's assertions are signed with: here, or elsewhere.
#[must_use]
pub struct ClientKey {
    /// Or what is wrong with it.
    key: Result<AssertionKey, String>,
    signer: Option<Arc<dyn DynSigner>>,
}

impl ClientKey {
    fn new(key: Result<AssertionKey, crate::core::check::CheckFailed>) -> Self {
        Self {
            key: key.map_err(|failed| failed.cause().to_owned()),
            signer: None,
        }
    }

    /// A key that this process does not hold. It is asked once for each request to the provider that needs it.
    pub fn external(signer: impl Signer) -> Self {
        let key = AssertionKey::external(signer.alg(), signer.kid());
        Self {
            signer: Some(Arc::new(signer)),
            ..Self::new(key)
        }
    }

    /// Names the key by its certificate (in DER) and not by a `kid`, for providers where a certificate is registered, such
    /// as Entra ID.
    pub fn with_certificate(mut self, der: &[u8]) -> Self {
        self.key = self.key.map(|key| key.with_certificate(der));
        self
    }

    /// Writes `typ: JWT` into the header, for providers that refuse a type they do not know yet.
    pub fn with_plain_type(mut self) -> Self {
        self.key = self.key.map(AssertionKey::with_plain_type);
        self
    }
}

impl From<SigningKey> for ClientKey {
    fn from(key: SigningKey) -> Self {
        Self::new(AssertionKey::private(key))
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientKey").field(&self.key).finish()
    }
}
