//! The server and its clients, as a TOML file has them. A client's members are those of
//! [RFC 7591 § 2](https://www.rfc-editor.org/rfc/rfc7591#section-2).

use oidc_gate_core::{
    client_auth::{
        Authenticator, ClientKeys, Expires, HashedSecret, JwtSecrets, MethodName, RegisteredClient,
        RegisteredMethod, Registration, SecretPlace, Secrets, TokenBinding,
        certificate::{RegisteredCertificates, TlsSubject},
    },
    grant::{GrantType, ScopeSet},
    jose::JwkSet,
    secret::ClientSecret,
};
use serde::Deserialize;
use std::{collections::HashMap, error::Error, fs, path::Path, sync::Arc};

/// The whole file. Paths in it start where the file is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) issuer: String,
    /// The folder with the server's certificate, the authority and the keys of the demonstration.
    pub(crate) files: String,
    /// Who agrees to everything at the authorization endpoint.
    pub(crate) user: String,
    /// Whether a body may be JSON.
    #[serde(default)]
    pub(crate) json: bool,
    client: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    client_id: String,
    token_endpoint_auth_method: String,
    /// As `--hash` prints it; as it is for a client that signs with it.
    client_secret: Option<String>,
    /// A file.
    jwks: Option<String>,
    tls_client_auth_subject_dn: Option<String>,
    #[serde(default)]
    tls_client_certificate_bound_access_tokens: bool,
    grant_types: Vec<String>,
    scope: String,
    #[serde(default)]
    redirect_uris: Vec<String>,
}

/// A client, with what the authorization endpoint needs.
pub(crate) struct Client {
    pub(crate) registered: RegisteredClient,
    pub(crate) redirect_uris: Vec<String>,
}

impl Config {
    /// Registers the clients of a file in `folder`.
    pub(crate) fn register(
        &self,
        server: &Authenticator,
        folder: &Path,
    ) -> Result<HashMap<String, Client>, Box<dyn Error>> {
        let mut clients = HashMap::new();
        for entry in &self.client {
            let id = entry.client_id.as_str();
            let client = entry
                .register(server, folder)
                .map_err(|error| format!("client {id:?}: {error}"))?;
            if clients.insert(id.to_owned(), client).is_some() {
                return Err(format!("client {id:?} is there twice").into());
            }
        }
        Ok(clients)
    }
}

impl Entry {
    fn register(&self, server: &Authenticator, folder: &Path) -> Result<Client, Box<dyn Error>> {
        let grants = self.grant_types.iter().map(|name| {
            GrantType::from_name(name).ok_or_else(|| format!("there is no grant {name:?}"))
        });
        let registration = Registration::new(self.client_id.as_str(), self.method(folder)?)
            .grants(grants.collect::<Result<Vec<_>, _>>()?)
            .scopes(ScopeSet::parse(&self.scope).ok_or("`scope` is malformed")?)
            .tokens(match self.tls_client_certificate_bound_access_tokens {
                true => TokenBinding::Certificate,
                false => TokenBinding::Bearer,
            });
        Ok(Client {
            registered: server.register(registration)?,
            redirect_uris: self.redirect_uris.clone(),
        })
    }

    fn method(&self, folder: &Path) -> Result<RegisteredMethod, Box<dyn Error>> {
        let secret = || {
            self.client_secret
                .as_deref()
                .ok_or("`client_secret` is missing")
        };
        let hashed =
            || HashedSecret::parse(secret()?).ok_or("`client_secret` is not what `--hash` prints");
        let jwks = || {
            let file = folder.join(self.jwks.as_deref().ok_or("`jwks` is missing")?);
            fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
        };
        let name = &self.token_endpoint_auth_method;
        Ok(match MethodName::from_name(name) {
            Some(MethodName::None) => RegisteredMethod::None,
            Some(MethodName::SecretBasic) => {
                RegisteredMethod::Secret(SecretPlace::Basic, Secrets::one(hashed()?))
            }
            Some(MethodName::SecretPost) => {
                RegisteredMethod::Secret(SecretPlace::Post, Secrets::one(hashed()?))
            }
            Some(MethodName::SecretJwt) => {
                let secret = (ClientSecret::new(secret()?), Expires::Never);
                RegisteredMethod::SecretJwt(JwtSecrets::new([secret], None))
            }
            Some(MethodName::PrivateKeyJwt) => {
                let keys = ClientKeys::Here(Arc::new(JwkSet::parse(&jwks()?)?));
                RegisteredMethod::PrivateKeyJwt(keys, None)
            }
            Some(MethodName::Tls) => {
                let dn = self.tls_client_auth_subject_dn.as_deref();
                let dn = dn.ok_or("`tls_client_auth_subject_dn` is missing")?;
                RegisteredMethod::Tls(TlsSubject::dn(dn)?)
            }
            Some(MethodName::SelfSignedTls) => {
                RegisteredMethod::SelfSignedTls(RegisteredCertificates::from_jwks(&jwks()?)?)
            }
            _ => return Err(format!("there is no method {name:?}").into()),
        })
    }
}
