//! The domain that a session is shared over.

use crate::url::BaseUrl;
use std::{fmt, sync::Arc};
use url::{Host, Url};

/// A domain whose hosts share one session: `example.com` for `app.example.com` and `wiki.example.com`.
///
/// # Security
///
/// Every host below the domain gets the session cookie, and every one can set cookies of that name. Whoever runs one of
/// them is trusted with all sessions.
///
/// ```
/// use oidc_gate_core::{session::CookieDomain, url::BaseUrl};
/// let base = BaseUrl::parse("https://app.example.com")?;
/// assert!(CookieDomain::parse("example.com", &base).is_ok());
/// assert!(CookieDomain::parse("example.org", &base).is_err());
/// assert!(CookieDomain::parse("com", &base).is_err());
/// # Ok::<_, oidc_gate_core::url::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieDomain(Arc<str>);

/// Why a domain cannot be shared over. Says what to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainError {
    /// The application is not reached by https.
    NotHttps,
    /// Not a host name in lower case.
    NotAName,
    /// An IP address: nothing is below it.
    Address,
    /// A single label: everybody's.
    Public,
    /// The application is not in it.
    Elsewhere,
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttps => "takes https, and the base URL is http; leave it out on this machine",
            Self::NotAName => {
                "must be a host name as in \"example.com\": lower case, no dot in front, no scheme, no port"
            }
            Self::Address => "is an address, and has no hosts below it; leave it out",
            Self::Public => {
                "is one label, and browsers keep no cookie for it; name the domain that is yours"
            }
            Self::Elsewhere => {
                "does not hold the base URL's host; name a domain that the host is or ends with"
            }
        })
    }
}

impl std::error::Error for DomainError {}

impl CookieDomain {
    /// The domain, if a browser lets the application at `base` set cookies for it. That it is no public suffix such as
    /// `co.uk` is for the browser to know; a single label never is anybody's own.
    ///
    /// # Errors
    ///
    /// See [`DomainError`].
    pub fn parse(text: &str, base: &BaseUrl) -> Result<Self, DomainError> {
        if !base.is_secure() {
            return Err(DomainError::NotHttps);
        }
        match Host::parse(text) {
            Ok(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(DomainError::Address),
            // What the parser would have to repair is not what browsers compare with.
            Ok(Host::Domain(name)) if name == text && is_plain(text) => {}
            Ok(Host::Domain(_)) | Err(_) => return Err(DomainError::NotAName),
        }
        if !text.contains('.') {
            return Err(DomainError::Public);
        }
        let url = Url::parse(base.origin()).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let holds = host
            .strip_suffix(text)
            .is_some_and(|below| below.is_empty() || below.ends_with('.'));
        if holds {
            Ok(Self(text.into()))
        } else {
            Err(DomainError::Elsewhere)
        }
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_that_the_application_is_in_and_that_can_be_somebodys() {
        use DomainError::{Address, Elsewhere, NotAName, NotHttps, Public};
        for (domain, base, expected) in [
            ("example.com", "https://app.example.com", Ok(())),
            ("example.com", "https://example.com:8443/at", Ok(())),
            ("app.example.com", "https://app.example.com", Ok(())),
            ("example.com", "https://a.b.example.com", Ok(())),
            ("example.com", "https://badexample.com", Err(Elsewhere)),
            ("a.example.com", "https://b.example.com", Err(Elsewhere)),
            ("app.example.com", "https://example.com", Err(Elsewhere)),
            ("com", "https://app.example.com", Err(Public)),
            ("localhost", "https://localhost", Err(Public)),
            ("127.0.0.1", "https://127.0.0.1", Err(Address)),
            ("[::1]", "https://[::1]", Err(Address)),
            ("2130706433", "https://127.0.0.1", Err(Address)),
            (".example.com", "https://app.example.com", Err(NotAName)),
            ("example.com.", "https://app.example.com", Err(NotAName)),
            ("Example.com", "https://app.example.com", Err(NotAName)),
            ("example.com:1", "https://app.example.com", Err(NotAName)),
            ("https://example.com", "https://example.com", Err(NotAName)),
            ("example.com; x", "https://app.example.com", Err(NotAName)),
            ("example_.com", "https://app.example_.com", Err(NotAName)),
            ("", "https://app.example.com", Err(NotAName)),
            ("*.example.com", "https://app.example.com", Err(NotAName)),
            ("dev.localhost", "http://app.dev.localhost", Err(NotHttps)),
        ] {
            let found = CookieDomain::parse(domain, &BaseUrl::parse(base).unwrap());
            assert_eq!(found.map(drop), expected, "{domain} {base}");
        }
    }
}
