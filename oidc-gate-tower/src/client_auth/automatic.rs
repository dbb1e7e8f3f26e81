//! A client that proves itself as well as it can.

use super::{ClientAuth, ClientCert, ClientKey};
use crate::core::{
    client_auth::{CertificateKind, Held},
    secret::ClientSecret,
};

/// What a client has been given to prove itself with, for [`ClientAuth::automatic`].
#[derive(Debug, Default)]
#[must_use]
pub struct AutomaticAuth {
    secret: Option<ClientSecret>,
    key: Option<ClientKey>,
    certificate: Option<(ClientCert, CertificateKind)>,
}

impl AutomaticAuth {
    /// A secret that it shares with the provider.
    pub fn with_secret(mut self, secret: impl Into<ClientSecret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// A private key, here or elsewhere.
    pub fn with_key(mut self, key: impl Into<ClientKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// A certificate by an authority that the provider trusts.
    pub fn with_certificate(mut self, certificate: ClientCert) -> Self {
        self.certificate = Some((certificate, CertificateKind::ByAuthority));
        self
    }

    /// A certificate that the provider knows itself.
    pub fn with_self_signed_certificate(mut self, certificate: ClientCert) -> Self {
        self.certificate = Some((certificate, CertificateKind::SelfSigned));
        self
    }
}

impl From<AutomaticAuth> for ClientAuth {
    fn from(automatic: AutomaticAuth) -> Self {
        let (mut held, mut problem, mut signer) = (Held::default(), None, None);
        if let Some(secret) = automatic.secret {
            held = held.with_secret(secret);
        }
        if let Some(key) = automatic.key {
            signer = key.signer;
            match key.key {
                Ok(key) => held = held.with_key(key),
                Err(wrong) => problem = Some(wrong),
            }
        }
        let certificate = automatic.certificate.map(|(certificate, kind)| {
            held = std::mem::take(&mut held).with_certificate(kind);
            certificate
        });
        Self {
            choice: held.into(),
            signer,
            certificate,
            problem,
        }
    }
}
