//! Certificates of clients, as an authorization server judges them
//! ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).
//!
//! A [`ClientCertificate`] comes from the connection, or from a header of a proxy that is believed
//! ([`CertificateSource`]). Whoever made the connection has proven that it holds the private key; what the certificate
//! says is not believed before one of these has looked:
//!
//! - `tls_client_auth`: [`TrustAnchors`] follow the path to an authority and compare the one name that is registered, a
//!   [`TlsSubject`] ([§ 2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)). This needs the feature `mtls-server`.
//! - `self_signed_tls_client_auth`: [`RegisteredCertificates`] know the very certificate
//!   ([§ 2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)).
//!
//! Tokens are bound to [`ClientCertificate::x5t_s256`], whatever the client authenticates by
//! ([§ 3](https://www.rfc-editor.org/rfc/rfc8705#section-3)).

mod der;
mod name;
mod pem;
#[cfg(feature = "mtls-server")]
mod read;
mod registered;
mod source;
mod subject;
#[cfg(feature = "mtls-server")]
mod trust;

pub use name::{DistinguishedName, NameError};
pub use registered::RegisteredCertificates;
pub use source::{CertificateSource, HeaderForm};
pub use subject::{SubjectError, TlsSubject};
#[cfg(feature = "mtls-server")]
pub use trust::{AnchorError, TrustAnchors};

use crate::{
    check::{Check, CheckFailed},
    jose::base64url,
};
use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;
use std::fmt;

/// The certificate that a client has shown, and what it sent along to lead to an authority.
///
/// It has the outer shape of a certificate and keeps to the limits; nothing has been verified.
///
/// ```
/// use oidc_gate_core::client_auth::certificate::ClientCertificate;
///
/// // RFC 8705, Appendix A
/// let pem = "-----BEGIN CERTIFICATE-----
/// MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
/// ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
/// SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/// /Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
/// SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
/// bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
/// -----END CERTIFICATE-----
/// ";
/// let certificate = ClientCertificate::from_pem(pem.as_bytes())?;
/// assert_eq!(certificate.x5t_s256(), "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0");
/// # Ok::<_, oidc_gate_core::check::CheckFailed>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    leaf: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
}

impl ClientCertificate {
    /// How many bytes a certificate may have in DER. Real ones have one or two thousand.
    pub const MAX_BYTES: usize = 16 * 1024;
    /// How many certificates may come along with the client's own.
    pub const MAX_CHAIN: usize = 8;

    /// The certificate `leaf` of a client, with the certificates that came along in any order.
    ///
    /// A TLS library that hands out one list, the client's own certificate first, fits
    /// [`from_list`](Self::from_list).
    ///
    /// # Errors
    ///
    /// [`Check::CertificateMalformed`] where one of them is not a single DER `SEQUENCE`, has more than
    /// [`MAX_BYTES`](Self::MAX_BYTES), or where more than [`MAX_CHAIN`](Self::MAX_CHAIN) came along.
    pub fn from_der<'a>(
        leaf: &'a [u8],
        chain: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, CheckFailed> {
        Self::from_list([leaf].into_iter().chain(chain))
    }

    /// The certificates of a connection in the order in which TLS sends them: the client's own comes first
    /// ([RFC 8446 § 4.4.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2)).
    ///
    /// # Errors
    ///
    /// As for [`from_der`](Self::from_der), and where there is none: a client that sent none has no
    /// `ClientCertificate`.
    pub fn from_list<'a>(list: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CheckFailed> {
        let mut list = list.into_iter();
        let leaf = list
            .next()
            .ok_or_else(|| malformed("expected a certificate, there is none"))?;
        let leaf = certificate(leaf)?;
        // One more than there may be, so that no more than that is copied.
        let chain: Vec<_> = list
            .take(Self::MAX_CHAIN + 1)
            .map(certificate)
            .collect::<Result<_, _>>()?;
        if chain.len() > Self::MAX_CHAIN {
            return Err(malformed(
                "more than 8 certificates came along with the client's own",
            ));
        }
        Ok(Self { leaf, chain })
    }

    /// Reads PEM ([RFC 7468 § 5](https://www.rfc-editor.org/rfc/rfc7468#section-5)): the client's own certificate first,
    /// then what came along.
    ///
    /// # Errors
    ///
    /// As for [`from_list`](Self::from_list), and where the text is no PEM or holds anything but certificates.
    pub fn from_pem(text: &[u8]) -> Result<Self, CheckFailed> {
        let list = pem::certificates(text).map_err(malformed)?;
        Self::from_list(list.iter().map(AsRef::as_ref))
    }

    /// The certificate that a client of `tls_client_auth` or `self_signed_tls_client_auth` has to show.
    ///
    /// # Errors
    ///
    /// [`Check::CertificateMissing`] where it has shown none
    /// ([RFC 8705 § 2](https://www.rfc-editor.org/rfc/rfc8705#section-2)).
    pub fn required(shown: Option<&Self>) -> Result<&Self, CheckFailed> {
        let cause = "the client authenticates by a certificate and has shown none";
        shown.ok_or_else(|| CheckFailed::new(Check::CertificateMissing, cause))
    }

    /// The client's own certificate, in DER.
    pub fn der(&self) -> &[u8] {
        &self.leaf
    }

    /// What came along with it, in DER.
    pub fn chain(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.chain.iter().map(AsRef::as_ref)
    }

    /// The thumbprint that tokens are bound to: SHA-256 of the certificate in DER, in base64url
    /// ([RFC 8705 § 3.1](https://www.rfc-editor.org/rfc/rfc8705#section-3.1)).
    pub fn x5t_s256(&self) -> String {
        base64url::encode(digest::digest(&digest::SHA256, &self.leaf).as_ref())
    }
}

/// The thumbprint, and nothing of what the certificate says about people.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.x5t_s256())
    }
}

/// `bytes` as one certificate, judged from outside: what follows it would change the thumbprint and nothing else.
fn certificate(bytes: &[u8]) -> Result<CertificateDer<'static>, CheckFailed> {
    if bytes.len() > ClientCertificate::MAX_BYTES {
        return Err(malformed("a certificate has more than 16384 bytes"));
    }
    match der::only(bytes) {
        Some(element) if element.tag == der::SEQUENCE => Ok(bytes.to_vec().into()),
        _ => Err(malformed("a certificate is not one SEQUENCE in DER")),
    }
}

fn malformed(cause: &'static str) -> CheckFailed {
    CheckFailed::new(Check::CertificateMalformed, cause)
}

#[cfg(test)]
mod tests;
