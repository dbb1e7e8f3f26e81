//! The one subject that is registered for a client with `tls_client_auth`.

use super::{DistinguishedName, NameError};
use rustls_pki_types::DnsName;
use std::{fmt, net::IpAddr};

/// Whose certificate a client with `tls_client_auth` has to show: exactly one of the five names that
/// [RFC 8705 § 2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2) can register.
///
/// A certificate fits if it has that name among those of its kind. No other kind is looked at: the common name does not
/// stand in for a missing alternative name.
///
/// ```
/// use oidc_gate_core::client_auth::certificate::{SubjectError, TlsSubject};
///
/// let subject = TlsSubject::san_dns("client.example")?;
/// assert_eq!(subject, TlsSubject::of_member("tls_client_auth_san_dns", "CLIENT.example")?);
/// assert_eq!(TlsSubject::san_dns("*.example").unwrap_err(), SubjectError::Dns);
/// # Ok::<_, SubjectError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsSubject(pub(super) Name);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Dn(DistinguishedName),
    /// In lower case.
    SanDns(Box<str>),
    SanUri(Box<str>),
    SanIp(IpAddr),
    SanEmail(Email),
}

/// An address, the part in front of the `@` as it is and the domain in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Email {
    local: Box<str>,
    domain: Box<str>,
}

impl Email {
    /// An address with one `@` and something on either side.
    pub(super) fn of(address: &str) -> Option<Self> {
        let (local, domain) = address.split_once('@')?;
        let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
        whole.then(|| Self {
            local: local.into(),
            domain: domain.to_ascii_lowercase().into(),
        })
    }
}

impl TlsSubject {
    /// The members of a client's metadata that register a subject, of which exactly one is there.
    pub const MEMBERS: [&str; 5] = [
        "tls_client_auth_subject_dn",
        "tls_client_auth_san_dns",
        "tls_client_auth_san_uri",
        "tls_client_auth_san_ip",
        "tls_client_auth_san_email",
    ];

    /// What the member `name` of a client's metadata registers.
    ///
    /// # Errors
    ///
    /// As the constructor that belongs to it; [`SubjectError::Member`] where it is none of [`MEMBERS`](Self::MEMBERS).
    pub fn of_member(name: &str, value: &str) -> Result<Self, SubjectError> {
        match name {
            "tls_client_auth_subject_dn" => Self::dn(value),
            "tls_client_auth_san_dns" => Self::san_dns(value),
            "tls_client_auth_san_uri" => Self::san_uri(value),
            "tls_client_auth_san_ip" => Self::san_ip(value),
            "tls_client_auth_san_email" => Self::san_email(value),
            _ => Err(SubjectError::Member),
        }
    }

    /// A distinguished name, as text: `CN=client,O=example`. See [`DistinguishedName`] for how it is compared.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Dn`].
    pub fn dn(text: &str) -> Result<Self, SubjectError> {
        let name = DistinguishedName::parse(text).map_err(SubjectError::Dn)?;
        Ok(name.into())
    }

    /// A `dNSName`, compared without regard to the case of ASCII letters
    /// ([RFC 5280 § 7.2](https://www.rfc-editor.org/rfc/rfc5280#section-7.2)). A wildcard is no name of a client, neither
    /// here nor in a certificate. A name beyond ASCII is written as its A-labels (`xn--…`).
    ///
    /// # Errors
    ///
    /// [`SubjectError::Dns`].
    pub fn san_dns(name: &str) -> Result<Self, SubjectError> {
        domain(name)
            .map(|name| Self(Name::SanDns(name)))
            .ok_or(SubjectError::Dns)
    }

    /// A `uniformResourceIdentifier`, compared character by character: nothing is normalised, and a prefix does not do.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Uri`].
    pub fn san_uri(uri: &str) -> Result<Self, SubjectError> {
        let scheme = |scheme: &str| {
            let mut bytes = scheme.bytes();
            bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
                && bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        };
        let absolute = uri
            .split_once(':')
            .is_some_and(|(first, rest)| scheme(first) && !rest.is_empty());
        let printable = uri.len() <= MAX_URI && uri.bytes().all(|b| b.is_ascii_graphic());
        match absolute && printable {
            true => Ok(Self(Name::SanUri(uri.into()))),
            false => Err(SubjectError::Uri),
        }
    }

    /// An `iPAddress`, four or sixteen bytes, in any of its notations. An IPv4 address and the same one mapped into IPv6
    /// are two addresses.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Ip`].
    pub fn san_ip(address: &str) -> Result<Self, SubjectError> {
        address
            .parse()
            .map(|address| Self(Name::SanIp(address)))
            .map_err(|_| SubjectError::Ip)
    }

    /// An `rfc822Name`: the part in front of the `@` is compared exactly, the domain without regard to the case of ASCII
    /// letters ([RFC 5280 § 7.5](https://www.rfc-editor.org/rfc/rfc5280#section-7.5)). ASCII only, without quotes.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Email`].
    pub fn san_email(address: &str) -> Result<Self, SubjectError> {
        Email::of(address)
            .filter(|email| {
                // RFC 5321 § 4.1.2, `Dot-string`
                email.local.split('.').all(|atom| {
                    let atext =
                        |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
                    !atom.is_empty() && atom.bytes().all(atext)
                }) && email.local.len() <= 64
                    && domain(&email.domain).is_some()
            })
            .map(|email| Self(Name::SanEmail(email)))
            .ok_or(SubjectError::Email)
    }

    /// The member of a client's metadata that registers this subject.
    pub fn member(&self) -> &'static str {
        let [dn, dns, uri, ip, email] = Self::MEMBERS;
        match &self.0 {
            Name::Dn(_) => dn,
            Name::SanDns(_) => dns,
            Name::SanUri(_) => uri,
            Name::SanIp(_) => ip,
            Name::SanEmail(_) => email,
        }
    }
}

const MAX_URI: usize = 2048;

/// A host name in lower case, with neither wildcard nor final dot.
fn domain(name: &str) -> Option<Box<str>> {
    let fits = DnsName::try_from(name).is_ok() && !name.ends_with('.');
    fits.then(|| name.to_ascii_lowercase().into())
}

impl From<DistinguishedName> for TlsSubject {
    fn from(name: DistinguishedName) -> Self {
        Self(Name::Dn(name))
    }
}

impl From<IpAddr> for TlsSubject {
    fn from(address: IpAddr) -> Self {
        Self(Name::SanIp(address))
    }
}

impl fmt::Debug for TlsSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsSubject({self})")
    }
}

/// The kind of name, and the name itself: `san_dns client.example`.
impl fmt::Display for TlsSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Dn(name) => write!(f, "subject_dn {name}"),
            Name::SanDns(name) => write!(f, "san_dns {name}"),
            Name::SanUri(uri) => write!(f, "san_uri {uri}"),
            Name::SanIp(address) => write!(f, "san_ip {address}"),
            Name::SanEmail(Email { local, domain }) => write!(f, "san_email {local}@{domain}"),
        }
    }
}

/// Why something cannot be registered as the subject of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectError {
    /// None of [`TlsSubject::MEMBERS`].
    Member,
    /// Not a distinguished name.
    Dn(NameError),
    /// Not a host name, or one with a wildcard or a final dot.
    Dns,
    /// Not an absolute URI in visible ASCII characters of at most 2048 bytes.
    Uri,
    /// Not an IP address.
    Ip,
    /// Not an address of the form `local@domain` in ASCII without quotes.
    Email,
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member => f.write_str("expected one of the five tls_client_auth members"),
            Self::Dn(error) => error.fmt(f),
            Self::Dns => f.write_str("expected a host name without wildcard and final dot"),
            Self::Uri => f.write_str("expected an absolute URI in visible ASCII characters"),
            Self::Ip => f.write_str("expected an IPv4 or IPv6 address"),
            Self::Email => f.write_str("expected an email address in ASCII without quotes"),
        }
    }
}

impl std::error::Error for SubjectError {}

#[cfg(test)]
mod tests;
