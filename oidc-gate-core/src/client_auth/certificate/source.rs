//! Where the certificate of a client comes from.

mod envoy;
mod header;

use super::ClientCertificate;
use crate::check::{Check, CheckFailed};
use crate::peers::Peers;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::IpAddr;

/// Where the certificate of a client comes from: one place, and no other is looked at.
///
/// # Security
///
/// Anybody can write a header. [`read`](Self::read) believes one from the configured [`Peers`] alone, and
/// [`strip`](Self::strip) takes it off every other request, so that nothing further in believes it either
/// ([RFC 9440 § 4](https://www.rfc-editor.org/rfc/rfc9440#section-4)). A proxy has to take off what clients send under the
/// name of its header, and to have verified that the client holds the private key, which ending TLS with client
/// certificates implies.
///
/// ```
/// use http::{HeaderMap, HeaderName, HeaderValue};
/// use oidc_gate_core::client_auth::certificate::{CertificateSource, HeaderForm};
/// use oidc_gate_core::peers::Peers;
///
/// // nginx: proxy_set_header X-SSL-Cert $ssl_client_escaped_cert;
/// let source = CertificateSource::Header {
///     form: HeaderForm::EscapedPem(HeaderName::from_static("x-ssl-cert")),
///     peers: Peers::new(["10.0.0.0/8", "fd00::7"])?,
/// };
/// let mut forged = HeaderMap::new();
/// forged.insert("x-ssl-cert", HeaderValue::from_static("-----BEGIN%20CERTIFICATE"));
/// let somebody = "192.0.2.1".parse().ok();
/// assert_eq!(source.read(None, somebody, &forged), Ok(None));
/// source.strip(somebody, &mut forged);
/// assert!(forged.is_empty());
/// # Ok::<_, oidc_gate_core::peers::PeerError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CertificateSource {
    /// The connection: TLS ends in this process, or whoever ends it hands the certificate on outside of HTTP. Headers are
    /// ordinary ones then, and none is taken off.
    Connection,
    /// A header of a proxy. A certificate of the connection is the proxy's own and is not looked at.
    Header {
        /// Which header, and how it is written.
        form: HeaderForm,
        /// The addresses of the proxies, as the connection has them.
        peers: Peers,
    },
}

/// How a proxy hands on the certificate of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderForm {
    /// `Client-Cert` and, if the proxy likes, `Client-Cert-Chain`
    /// ([RFC 9440 § 2](https://www.rfc-editor.org/rfc/rfc9440#section-2)): byte sequences in base64 with its padding.
    ClientCert,
    /// PEM with percent escapes, under a name of the proxy's choice: `$ssl_client_escaped_cert` of nginx, or
    /// `X-Amzn-Mtls-Clientcert` of an AWS load balancer that passes certificates through. An empty value is that of a
    /// client without a certificate. A plus sign is a plus sign.
    EscapedPem(HeaderName),
    /// `X-Forwarded-Client-Cert` of Envoy with `cert` or `chain` among `set_current_client_cert_details`. The header has
    /// exactly one element, that of the connection to the client (`forward_client_cert_details: SANITIZE_SET`): of several,
    /// it cannot be told who has written which. `Hash` has to agree where it stands; `Subject` and the others are not
    /// looked at.
    ForwardedClientCert,
}

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
const FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

impl CertificateSource {
    /// The certificate of the client that made a request with these `headers` over a connection with `peer`, on which the
    /// certificate `connection` was shown, if any. A peer of unknown address is not believed.
    ///
    /// That there is none is no error here: whether there has to be one depends on the client. See
    /// [`ClientCertificate::required`].
    ///
    /// # Errors
    ///
    /// [`Check::CertificateHeader`] where a header of a trusted peer occurs more than once or has another form, and
    /// [`Check::CertificateMalformed`] where what it holds is no certificate. A header of anybody else is as if it were
    /// absent.
    pub fn read(
        &self,
        connection: Option<ClientCertificate>,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<Option<ClientCertificate>, CheckFailed> {
        match self {
            Self::Connection => Ok(connection),
            Self::Header { form, peers } if peers.believes(peer) => form.read(headers),
            Self::Header { .. } => Ok(None),
        }
    }

    /// Takes the headers of the configured form off a request of a peer that is not believed.
    pub fn strip(&self, peer: Option<IpAddr>, headers: &mut HeaderMap) {
        if let Self::Header { form, peers } = self
            && !peers.believes(peer)
        {
            form.strip(headers);
        }
    }
}

impl HeaderForm {
    fn strip(&self, headers: &mut HeaderMap) {
        match self {
            Self::ClientCert => {
                headers.remove(CLIENT_CERT);
                headers.remove(CLIENT_CERT_CHAIN);
            }
            Self::EscapedPem(name) => drop(headers.remove(name)),
            Self::ForwardedClientCert => drop(headers.remove(FORWARDED_CLIENT_CERT)),
        }
    }

    fn read(&self, headers: &HeaderMap) -> Result<Option<ClientCertificate>, CheckFailed> {
        match self {
            Self::ClientCert => {
                let chain = the_only(headers, &CLIENT_CERT_CHAIN)?;
                match the_only(headers, &CLIENT_CERT)? {
                    Some(leaf) => header::client_cert(leaf, chain).map(Some),
                    None if chain.is_some() => {
                        Err(misshapen("Client-Cert-Chain came without Client-Cert"))
                    }
                    None => Ok(None),
                }
            }
            Self::EscapedPem(name) => the_only(headers, name)?
                .filter(|value| !value.is_empty())
                .map(header::escaped_pem)
                .transpose(),
            Self::ForwardedClientCert => the_only(headers, &FORWARDED_CLIENT_CERT)?
                .map(envoy::forwarded_client_cert)
                .transpose(),
        }
    }
}

/// The value of a header that occurs at most once. Where it occurs twice, one of them may be the client's.
fn the_only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, CheckFailed> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    if values.next().is_some() {
        return Err(misshapen(
            "the header of the certificate occurs more than once",
        ));
    }
    value.map_err(|_| misshapen("the header of the certificate holds other bytes than ASCII"))
}

fn misshapen(cause: &'static str) -> CheckFailed {
    CheckFailed::new(Check::CertificateHeader, cause)
}

#[cfg(test)]
mod tests;
