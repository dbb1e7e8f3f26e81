//! The HTTP client that comes along: reqwest with rustls.

mod certificate;
mod public;
mod renewed;

use self::certificate::Certificate;
use crate::{
    ConfigError, HttpClient, TransportError,
    core::flow::{Exchange, Transport},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Talks to the provider over TLS.
///
/// It follows no redirect, keeps no cookie, takes no proxy but those of the environment, connects within five seconds,
/// and reads no more of an answer than the exchange allows.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    client: reqwest::Client,
    authorities: Vec<reqwest::Certificate>,
    certificate: Option<Arc<Certificate>>,
    reach: Reach,
}

/// Where a client goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Anywhere,
    Public,
}

impl ReqwestClient {
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

    /// A client that trusts the system's certificate authorities.
    ///
    /// # Errors
    ///
    /// If the system's TLS configuration cannot be loaded.
    pub fn new() -> Result<Self, ConfigError> {
        Self::trusting(Vec::new())
            .map_err(|error| ConfigError::one(format!("http_client: {}", root(&error))))
    }

    /// A client that connects to public addresses only, whatever a name leads to, and through no proxy: for addresses that
    /// somebody else has chosen.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn for_public_addresses() -> Result<Self, ConfigError> {
        // A proxy would look the name up itself.
        let builder = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(Arc::new(public::PublicOnly));
        let client = Self::build(builder, &[])
            .map_err(|error| ConfigError::one(format!("http_client: {}", root(&error))))?;
        Ok(Self {
            client,
            authorities: Vec::new(),
            certificate: None,
            reach: Reach::Public,
        })
    }

    /// A client that trusts the certificate authorities in this PEM file beside the system's.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or holds no certificate.
    pub fn with_ca_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::with_ca_files([path])
    }

    /// The same with several files.
    ///
    /// # Errors
    ///
    /// Every file that cannot be read or holds no certificate.
    pub fn with_ca_files(
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> Result<Self, ConfigError> {
        let (mut authorities, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            let path = path.as_ref();
            match authorities_in(path) {
                Ok(more) => authorities.extend(more),
                Err(cause) => problems.push(format!("ca_pem_file: {path:?}: {cause}")),
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        Self::trusting(authorities)
            .map_err(|error| ConfigError::one(format!("ca_pem_file: {}", root(&error))))
    }

    /// The same client with a certificate of its own, which it shows for
    /// [`Transport::MutualTls`] and never otherwise. Both files are in PEM form, and are read again when they have changed.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read, or they hold no certificate and its key.
    pub fn with_certificate(
        mut self,
        cert: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, ConfigError> {
        if self.reach == Reach::Public {
            // A client that shows a certificate is built anew when that changes, without the limits of this one.
            return Err(ConfigError::one(
                "client: a client for public addresses shows no certificate".to_owned(),
            ));
        }
        let certificate = Certificate::load(cert.into(), key.into(), self.authorities.clone())
            .map_err(|problem| ConfigError::one(format!("client: {problem}")))?;
        self.certificate = Some(Arc::new(certificate));
        Ok(self)
    }

    fn trusting(authorities: Vec<reqwest::Certificate>) -> reqwest::Result<Self> {
        Ok(Self {
            client: Self::build(reqwest::Client::builder(), &authorities)?,
            authorities,
            certificate: None,
            reach: Reach::Anywhere,
        })
    }

    fn build(
        builder: reqwest::ClientBuilder,
        authorities: &[reqwest::Certificate],
    ) -> reqwest::Result<reqwest::Client> {
        let builder = match authorities {
            [] => builder,
            more => builder.tls_certs_merge(more.iter().cloned()),
        };
        builder
            // A redirect could carry a client secret to another host (RFC 9700 § 4.12).
            .redirect(reqwest::redirect::Policy::none())
            // A code is used up by being sent, so nothing is sent a second time behind the flow's back.
            .retry(reqwest::retry::never())
            .connect_timeout(Self::CONNECT_TIMEOUT)
            .user_agent(concat!("oidc-gate/", env!("CARGO_PKG_VERSION")))
            .build()
    }

    async fn exchange(
        &self,
        exchange: Exchange,
    ) -> Result<http::Response<Vec<u8>>, TransportError> {
        let client = match (exchange.transport, &self.certificate) {
            (Transport::Tls, _) => self.client.clone(),
            (Transport::MutualTls, Some(certificate)) => certificate.client(),
            (Transport::MutualTls, None) => {
                return Err(TransportError::not_sent(
                    "this client has no certificate to show",
                ));
            }
        };
        let request =
            reqwest::Request::try_from(exchange.request).map_err(TransportError::not_sent)?;
        // Nobody looks up an address in numbers.
        if self.reach == Reach::Public && !public::may_be_public(request.url()) {
            return Err(TransportError::not_sent("the address is not public"));
        }
        // An error of reqwest quotes the URL; a flow's URLs hold no secret, but a log needs no query either way.
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            if error.is_connect() {
                TransportError::not_sent(error)
            } else {
                TransportError::new(error)
            }
        };
        let mut response = client.execute(request).await.map_err(failed)?;
        let mut answer = http::Response::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.body().len() + chunk.len() > exchange.max_body_bytes {
                return Err(TransportError::too_large(format!(
                    "more than {} bytes",
                    exchange.max_body_bytes
                )));
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn authorities_in(path: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| root(&error))?;
    match found.is_empty() {
        true => Err("the file holds no certificate in PEM form".to_owned()),
        false => Ok(found),
    }
}

/// What is at the bottom of an error: "builder error" helps nobody.
fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}

impl HttpClient for ReqwestClient {
    async fn send(&self, exchange: Exchange) -> Result<http::Response<Vec<u8>>, TransportError> {
        let deadline = exchange.deadline;
        match tokio::time::timeout(deadline, self.exchange(exchange)).await {
            Ok(result) => result,
            Err(_) => Err(TransportError::new(format!(
                "no answer within {} s",
                deadline.as_secs()
            ))),
        }
    }
}
