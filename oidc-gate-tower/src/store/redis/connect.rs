//! From an address to a connection that has been let in.

use super::{
    address::{Address, Host, Login, Tls},
    failure::Failure,
};
use crate::store::StoreError;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, aio::MultiplexedConnection};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

/// A connection, and the task that reads and writes it.
pub(super) struct Connection {
    pub(super) commands: MultiplexedConnection,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Whether it has ended by itself.
    pub(super) fn is_over(&self) -> bool {
        self.driver.is_finished()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Where to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Host(Host),
    Unix(PathBuf),
}

/// Makes connections: over what, and as whom.
pub(super) struct Dial {
    tls: Tls,
    login: Option<Login>,
    db: u16,
    /// Made with the first connection: that reads a file, or what the platform trusts.
    config: OnceLock<Option<Arc<ClientConfig>>>,
}

impl Dial {
    /// For what is kept.
    pub(super) fn to_servers(address: &Address) -> Self {
        Self::new(&address.tls, address.login.as_ref(), address.db)
    }

    /// For questions to sentinels, which have no databases and users of their own.
    pub(super) fn to_sentinels(address: &Address) -> Self {
        Self::new(&address.tls, address.sentinel_login.as_ref(), 0)
    }

    fn new(tls: &Tls, login: Option<&Login>, db: u16) -> Self {
        Self {
            tls: tls.clone(),
            login: login.cloned(),
            db,
            config: OnceLock::new(),
        }
    }

    /// Whether the certificates that are to be trusted are there and can be read.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.tls {
            Tls::Off => Ok(()),
            Tls::Platform | Tls::Authority(_) => self.config().map(drop),
        }
    }

    pub(super) async fn connect(&self, target: &Target) -> Result<Connection, StoreError> {
        match target {
            Target::Host(host) => {
                let stream = TcpStream::connect((host.name.as_str(), host.port))
                    .await
                    .map_err(unreachable)?;
                // A command is one small packet, and somebody waits for its answer.
                stream.set_nodelay(true).map_err(unreachable)?;
                if self.tls == Tls::Off {
                    return self.introduce(stream).await;
                }
                let name = ServerName::try_from(host.name.clone()).map_err(|error| {
                    StoreError::misconfigured("redis has a name that no certificate could have")
                        .because(error)
                })?;
                let stream = TlsConnector::from(self.config()?)
                    .connect(name, stream)
                    .await
                    .map_err(|error| {
                        StoreError::unavailable("there is no TLS connection to redis")
                            .because(error)
                    })?;
                self.introduce(stream).await
            }
            #[cfg(unix)]
            Target::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path)
                    .await
                    .map_err(unreachable)?;
                self.introduce(stream).await
            }
            #[cfg(not(unix))]
            Target::Unix(_) => Err(StoreError::misconfigured(
                "there are no sockets with paths on this platform",
            )),
        }
    }

    /// Says who we are and which database it is about.
    async fn introduce(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Connection, StoreError> {
        let mut info = RedisConnectionInfo::default()
            .set_skip_set_lib_name()
            .set_db(self.db.into());
        if let Some(login) = &self.login {
            info = info.set_password(&login.password);
            if let Some(user) = &login.user {
                info = info.set_username(user);
            }
        }
        // How long an answer may take is decided where it is waited for.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (commands, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
            .await
            .map_err(|error: RedisError| Failure::of(&error, None).into_error())?;
        Ok(Connection {
            commands,
            driver: tokio::spawn(driver),
        })
    }

    fn config(&self) -> Result<Arc<ClientConfig>, StoreError> {
        if let Some(Some(config)) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(match &self.tls {
            Tls::Authority(path) => trusting(path)?,
            Tls::Off | Tls::Platform => trusting_the_platform().map_err(|error| {
                StoreError::misconfigured("what the platform trusts cannot be read").because(error)
            })?,
        });
        // Failures are not kept: the file may be there the next time.
        let _ = self.config.set(Some(Arc::clone(&config)));
        Ok(config)
    }
}

fn unreachable(error: std::io::Error) -> StoreError {
    StoreError::unavailable("redis cannot be reached").because(error)
}

/// With the crypto library that the gate has, whatever else is in the process.
fn versions() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn trusting_the_platform() -> Result<ClientConfig, rustls::Error> {
    Ok(versions()?.with_platform_verifier()?.with_no_client_auth())
}

fn trusting(path: &Path) -> Result<ClientConfig, StoreError> {
    let misconfigured = StoreError::misconfigured;
    let pem = std::fs::read(path)
        .map_err(|error| misconfigured("the file of `ca` cannot be read").because(error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()))
            .map_err(|error| {
                misconfigured("the file of `ca` has a broken certificate").because(error)
            })?;
    }
    if roots.is_empty() {
        return Err(misconfigured("the file of `ca` has no certificate"));
    }
    let config = versions()
        .map_err(|error| misconfigured("there is no TLS").because(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
