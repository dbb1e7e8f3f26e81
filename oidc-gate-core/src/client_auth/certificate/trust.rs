//! Paths from a client's certificate to an authority.

use super::{ClientCertificate, TlsSubject, pem, read};
use crate::{
    check::{Check, CheckFailed, quote},
    time::UnixTime,
};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, TrustAnchor, pem::PemObject as _,
};
use std::{fmt, time::Duration};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    OwnedCertRevocationList, RevocationOptionsBuilder, VerifiedPath,
};

/// The authorities whose certificates clients may authenticate by, and what is revoked of them.
///
/// Name as few as possible, best a single one that issues to clients alone: whatever an authority signs can be shown here
/// ([RFC 8705 § 7.4](https://www.rfc-editor.org/rfc/rfc8705#section-7.4)). The roots of the web are no such authorities.
///
/// ```no_run
/// # use oidc_gate_core::{check::CheckFailed, client_auth::certificate::ClientCertificate, time::UnixTime};
/// use oidc_gate_core::client_auth::certificate::{TlsSubject, TrustAnchors};
///
/// # fn shown(certificate: ClientCertificate, now: UnixTime) -> Result<(), Box<dyn std::error::Error>> {
/// let anchors = TrustAnchors::from_pem(&std::fs::read("clients-ca.pem")?)?;
/// let registered = TlsSubject::dn("CN=client,O=Example,C=DE")?;
/// anchors.verify(&certificate, &registered, now)?;
/// # Ok(())
/// # }
/// ```
///
/// # Revocation
///
/// Nothing is fetched. Lists that are [given](Self::with_revocation_lists) are looked at; without any, revocation is left
/// to whatever ends TLS, and to certificates that do not last long.
pub struct TrustAnchors {
    anchors: Vec<TrustAnchor<'static>>,
    lists: Vec<CertRevocationList<'static>>,
}

impl TrustAnchors {
    /// The authorities whose certificates stand in `text`, in PEM.
    ///
    /// # Errors
    ///
    /// See [`AnchorError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, AnchorError> {
        let found = pem::certificates(text).map_err(|_| AnchorError::Pem)?;
        Self::from_der(found.iter().map(AsRef::as_ref))
    }

    /// The authorities with these certificates, each in DER.
    ///
    /// A certificate is an authority here because it is listed, even if it does not say that it is one or has expired.
    ///
    /// # Errors
    ///
    /// See [`AnchorError`].
    pub fn from_der<'a>(
        certificates: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, AnchorError> {
        let anchors: Vec<_> = certificates
            .into_iter()
            .map(|der| {
                let certificate = CertificateDer::from(der);
                let anchor = webpki::anchor_from_trusted_cert(&certificate);
                anchor
                    .map(|anchor| anchor.to_owned())
                    .map_err(|_| AnchorError::Certificate)
            })
            .collect::<Result<_, _>>()?;
        if anchors.is_empty() {
            return Err(AnchorError::Empty);
        }
        Ok(Self {
            anchors,
            lists: vec![],
        })
    }

    /// Has the revocation lists in `text`, in PEM, looked at
    /// ([RFC 5280 § 6.3](https://www.rfc-editor.org/rfc/rfc5280#section-6.3)), in the place of those given before.
    ///
    /// From then on a certificate is refused unless a list says that it is not revoked: of every authority on the path
    /// there has to be a list that is signed by it and has not passed its next update. Replace the `TrustAnchors` in time.
    ///
    /// # Errors
    ///
    /// [`AnchorError::RevocationList`].
    pub fn with_revocation_lists(mut self, text: &[u8]) -> Result<Self, AnchorError> {
        self.lists = CertificateRevocationListDer::pem_slice_iter(text)
            .map(|der| {
                let der = der.map_err(|_| AnchorError::RevocationList)?;
                OwnedCertRevocationList::from_der(&der)
                    .map(CertRevocationList::from)
                    .map_err(|_| AnchorError::RevocationList)
            })
            .collect::<Result<_, _>>()?;
        match self.lists.is_empty() {
            true => Err(AnchorError::RevocationList),
            false => Ok(self),
        }
    }

    /// Whether `certificate` is that of the client with the subject `wanted`, at the time `now`
    /// ([RFC 8705 § 2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)):
    ///
    /// 1. A path leads from it to one of the authorities by signatures of sufficient strength, within the validity, the
    ///    path length, the purposes and the permitted names of every certificate on it
    ///    ([RFC 5280 § 6](https://www.rfc-editor.org/rfc/rfc5280#section-6)).
    /// 2. It is not that of an authority, and where it lists purposes, `clientAuth` is among them. That any purpose is
    ///    allowed (`anyExtendedKeyUsage`) does not do. Where it says what its key is for, that is signatures or key
    ///    agreement; where an authority on the way does, certificates are among it.
    /// 3. No list says that something on the path is revoked, where lists are given.
    /// 4. It has the subject; see [`TlsSubject`].
    ///
    /// # Errors
    ///
    /// The check of the area `certificate` that it fails.
    pub fn verify(
        &self,
        certificate: &ClientCertificate,
        wanted: &TlsSubject,
        now: UnixTime,
    ) -> Result<(), CheckFailed> {
        self.verify_path(certificate, now).map_err(refusal)?;
        read::verify(certificate.der(), wanted)
    }

    fn verify_path(&self, certificate: &ClientCertificate, now: UnixTime) -> Result<(), Error> {
        let lists: Vec<_> = self.lists.iter().collect();
        // Fails where there is none, which is what `None` says. By default every certificate of the path is looked up,
        // and one that no list covers fails.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let now = Duration::from_secs(now.as_secs());
        EndEntityCert::try_from(&certificate.leaf)?.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &self.anchors,
            &certificate.chain,
            rustls_pki_types::UnixTime::since_unix_epoch(now),
            KeyUsage::client_auth(),
            revocation,
            Some(&signed_by_authorities),
        )?;
        Ok(())
    }
}

/// What the library leaves to others: the use of keys, where a certificate says for what its key is.
fn signed_by_authorities(path: &VerifiedPath<'_>) -> Result<(), Error> {
    let mut authorities = path.intermediate_certificates();
    match authorities.all(|authority| read::signs_certificates(&authority.der())) {
        true => Ok(()),
        false => Err(Error::EndEntityUsedAsCa),
    }
}

/// How many there are of each.
impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustAnchors")
            .field("anchors", &self.anchors.len())
            .field("lists", &self.lists.len())
            .finish()
    }
}

/// The check that a path fails. Other than here, the cause is in the library's own words, which hold nothing secret.
fn refusal(error: Error) -> CheckFailed {
    let check = match &error {
        Error::CertNotValidYet { .. } => Check::CertificateNotYetValid,
        Error::CertExpired { .. } => Check::CertificateExpired,
        Error::CertRevoked
        | Error::UnknownRevocationStatus
        | Error::CrlExpired { .. }
        | Error::IssuerNotCrlSigner
        | Error::InvalidCrlSignatureForPublicKey => Check::CertificateRevoked,
        Error::CaUsedAsEndEntity
        | Error::EmptyEkuExtension
        | Error::RequiredEkuNotFoundContext(_) => Check::CertificatePurpose,
        Error::EndEntityUsedAsCa
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated
        // A constraint that the library cannot apply is not one that is met.
        | Error::UnsupportedNameType => Check::CertificateConstraints,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Check::CertificateAlgorithm,
        Error::UnsupportedCriticalExtension => Check::CertificateCriticalExtension,
        Error::BadDer
        | Error::BadDerTime
        | Error::ExtensionValueInvalid
        | Error::InvalidCertValidity
        | Error::InvalidNetworkMaskConstraint
        | Error::InvalidSerialNumber
        | Error::MalformedExtensions
        | Error::MalformedNameConstraint
        | Error::SignatureAlgorithmMismatch
        | Error::TrailingData(_)
        | Error::UnsupportedCertVersion => Check::CertificateMalformed,
        // No authority, a signature that is not its own or of too small a key, and whatever costs too much to find out.
        _ => Check::CertificateUntrusted,
    };
    let cause = match error {
        Error::CertNotValidYet { time, not_before } => {
            let (from, now) = (not_before.as_secs(), time.as_secs());
            format!("a certificate on the path is good from {from} on, it is {now}")
        }
        Error::CertExpired { time, not_after } => {
            let (until, now) = (not_after.as_secs(), time.as_secs());
            format!("a certificate on the path was good until {until}, it is {now}")
        }
        Error::RequiredEkuNotFoundContext(_) => {
            "clientAuth is not among the purposes of a certificate on the path".to_owned()
        }
        other => format!(
            "the path to an authority fails: {}",
            quote(&other.to_string())
        ),
    };
    CheckFailed::new(check, cause)
}

/// Why there are no trust anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnchorError {
    /// The list is empty: nobody could authenticate.
    Empty,
    /// Not PEM, or not of certificates alone.
    Pem,
    /// One of them is no X.509 certificate.
    Certificate,
    /// Not PEM with at least one X.509 revocation list, or one of a kind that is not supported.
    RevocationList,
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "expected at least one authority to trust",
            Self::Pem => "expected certificates in PEM and nothing else",
            Self::Certificate => "expected X.509 certificates of authorities",
            Self::RevocationList => "expected complete X.509 revocation lists in PEM",
        })
    }
}

impl std::error::Error for AnchorError {}

#[cfg(test)]
mod tests;
