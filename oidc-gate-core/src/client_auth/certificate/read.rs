//! What a certificate says of its key and its subject, as a parser of certificates reads it.

use super::{
    malformed,
    name::{Attribute, AttributeType, DistinguishedName, Rdn, Value},
    subject::{Email, Name, TlsSubject},
};
use crate::check::{Check, CheckFailed, quote};
use std::{fmt, net::IpAddr};
use x509_cert::{
    Certificate,
    der::{Decode as _, Encode as _},
    ext::pkix::{KeyUsage, SubjectAltName, name::GeneralName},
    name::Name as X501Name,
};

/// Whether the certificate `der` is fit for a client, and has the subject `wanted`.
pub(super) fn verify(der: &[u8], wanted: &TlsSubject) -> Result<(), CheckFailed> {
    let certificate = Certificate::from_der(der)
        .map_err(|_| malformed("the certificate is not X.509 in strict DER"))?;
    let certificate = certificate.tbs_certificate();
    // RFC 5280 § 4.2.1.12 names both for `clientAuth`.
    let signs = |usage: &KeyUsage| usage.digital_signature() || usage.key_agreement();
    match certificate.get_extension::<KeyUsage>() {
        Err(_) => {
            return Err(malformed(
                "the key usage of the certificate is not readable",
            ));
        }
        Ok(Some((_, usage))) if !signs(&usage) => {
            let cause = "the key of the certificate is meant for other uses than signatures";
            return Err(CheckFailed::new(Check::CertificatePurpose, cause));
        }
        Ok(_) => {}
    }
    if let Name::Dn(registered) = &wanted.0 {
        let found = distinguished_name(certificate.subject())
            .ok_or_else(|| malformed("the subject of the certificate is not readable"))?;
        return match found == *registered {
            true => Ok(()),
            false => Err(other(wanted, [found])),
        };
    }
    let names = certificate
        .get_extension::<SubjectAltName>()
        .map_err(|_| malformed("the alternative names of the certificate are not readable"))?
        .map_or_else(Vec::new, |(_, names)| names.0);
    match names.iter().any(|name| is(name, &wanted.0)) {
        true => Ok(()),
        false => Err(other(wanted, names.iter().filter_map(shown))),
    }
}

/// Whether the key of the certificate `der` may sign certificates: it does not say what it may, or says this
/// ([RFC 5280 § 6.1.4](https://www.rfc-editor.org/rfc/rfc5280#section-6.1.4), step n).
pub(super) fn signs_certificates(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok_and(|certificate| {
        let usage = certificate.tbs_certificate().get_extension::<KeyUsage>();
        usage.is_ok_and(|usage| usage.is_none_or(|(_, usage)| usage.key_cert_sign()))
    })
}

/// Whether an alternative name is the one that is registered: of the same kind, and equal as that kind is compared.
fn is(found: &GeneralName, wanted: &Name) -> bool {
    match (found, wanted) {
        (GeneralName::DnsName(found), Name::SanDns(wanted)) => {
            found.as_str().eq_ignore_ascii_case(wanted)
        }
        (GeneralName::UniformResourceIdentifier(found), Name::SanUri(wanted)) => {
            found.as_str() == &**wanted
        }
        (GeneralName::IpAddress(found), Name::SanIp(wanted)) => match wanted {
            IpAddr::V4(wanted) => found.as_bytes() == wanted.octets(),
            IpAddr::V6(wanted) => found.as_bytes() == wanted.octets(),
        },
        (GeneralName::Rfc822Name(found), Name::SanEmail(wanted)) => {
            Email::of(found.as_str()).is_some_and(|found| found == *wanted)
        }
        _ => false,
    }
}

fn distinguished_name(name: &X501Name) -> Option<DistinguishedName> {
    let rdns = name.iter_rdn().map(|rdn| {
        let attributes = rdn.iter().map(|attribute| {
            Some(Attribute {
                kind: AttributeType::from_oid(&attribute.oid.to_string())?,
                value: Value::of_der(&attribute.value.to_der().ok()?)?,
            })
        });
        attributes.collect::<Option<_>>().map(Rdn::new)
    });
    rdns.collect::<Option<_>>()
        .map(DistinguishedName::from_rdns)
}

/// An alternative name for the log, if it is of a kind that could have been registered.
fn shown(name: &GeneralName) -> Option<String> {
    Some(match name {
        GeneralName::DnsName(name) => format!("san_dns {}", name.as_str()),
        GeneralName::UniformResourceIdentifier(uri) => format!("san_uri {}", uri.as_str()),
        GeneralName::Rfc822Name(address) => format!("san_email {}", address.as_str()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            format!("san_ip {}", address.ok()?)
        }
        _ => return None,
    })
}

fn other<T: fmt::Display>(wanted: &TlsSubject, found: impl IntoIterator<Item = T>) -> CheckFailed {
    let found: Vec<_> = found
        .into_iter()
        .take(4)
        .map(|name| quote(&name.to_string()).to_string())
        .collect();
    let cause = match &*found {
        [] => format!(
            "expected {}, the certificate has no alternative name",
            quote(&wanted.to_string())
        ),
        found => format!(
            "expected {}, the certificate has {}",
            quote(&wanted.to_string()),
            found.join(", ")
        ),
    };
    CheckFailed::new(Check::CertificateSubject, cause)
}
