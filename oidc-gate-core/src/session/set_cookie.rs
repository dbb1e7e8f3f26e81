//! A cookie as it is written.

use super::CookieDomain;
use http::HeaderValue;
use std::{
    fmt::{self, Write as _},
    time::Duration,
};

/// A `Set-Cookie` to be sent.
///
/// Always `HttpOnly` and `Path=/`, always with a `SameSite`; with a `Max-Age` but for a session that
/// [ends with the browser](super::CookieLifetime::BrowserSession); `Secure` wherever the base URL is https; with a `Domain` for
/// a session that is shared and never otherwise.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// As it is sent: name, value and attributes.
    line: String,
    name_bytes: usize,
    pair_bytes: usize,
    /// How long the browser keeps it; without, until it ends.
    max_age: Option<Duration>,
}

impl SetCookie {
    /// A cookie whose value has so many bytes and is written behind what is there: the line is made once, and is sent as it is.
    pub(super) fn new(
        name: &str,
        value_bytes: usize,
        attributes: &Attributes<'_>,
        value: impl FnOnce(&mut String),
    ) -> Self {
        let pair_bytes = name.len() + 1 + value_bytes;
        let mut line = String::with_capacity(pair_bytes + attributes.bytes());
        line.push_str(name);
        line.push('=');
        value(&mut line);
        let pair_bytes = line.len();
        attributes.write(&mut line);
        Self {
            line,
            name_bytes: name.len(),
            pair_bytes,
            max_age: attributes.max_age,
        }
    }

    /// The cookie's name.
    pub fn name(&self) -> &str {
        self.line.get(..self.name_bytes).unwrap_or_default()
    }

    /// Whether it removes the cookie.
    pub fn is_removal(&self) -> bool {
        self.max_age.is_some_and(|age| age.is_zero())
    }

    /// The header's value, marked as sensitive.
    pub fn to_header(&self) -> HeaderValue {
        self.clone().into_header()
    }

    /// The same, without a copy of it.
    pub fn into_header(self) -> HeaderValue {
        // Name and value are base64 and our own words; an empty header would set nothing.
        let mut header = HeaderValue::try_from(self.line).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    /// How long [`pair`](Self::pair) is, without making it.
    pub fn pair_bytes(&self) -> usize {
        self.pair_bytes
    }

    /// The `name=value` half, as a browser sends it back.
    pub fn pair(&self) -> String {
        self.line.get(..self.pair_bytes).unwrap_or_default().into()
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookie({}=***, {:?})", self.name(), self.max_age)
    }
}

/// What stands behind name and value.
pub(super) struct Attributes<'a> {
    pub(super) max_age: Option<Duration>,
    pub(super) domain: Option<&'a CookieDomain>,
    pub(super) same_site: Site,
    pub(super) secure: bool,
}

impl Attributes<'_> {
    /// How long they are.
    pub(super) fn bytes(&self) -> usize {
        let age = self.max_age.map(|age| {
            let digits = age.as_secs().checked_ilog10().unwrap_or(0) as usize + 1;
            MAX_AGE.len() + digits
        });
        let secure = if self.secure { SECURE.len() } else { 0 };
        let domain = self.domain.map(|it| DOMAIN.len() + it.as_str().len());
        PATH.len()
            + age.unwrap_or(0)
            + HTTP_ONLY.len()
            + self.same_site.text().len()
            + secure
            + domain.unwrap_or(0)
    }

    fn write(&self, line: &mut String) {
        *line += PATH;
        if let Some(max_age) = self.max_age {
            *line += MAX_AGE;
            // Writing to a string does not fail.
            let _ = write!(line, "{}", max_age.as_secs());
        }
        *line += HTTP_ONLY;
        *line += self.same_site.text();
        if self.secure {
            *line += SECURE;
        }
        if let Some(domain) = self.domain {
            *line += DOMAIN;
            *line += domain.as_str();
        }
    }
}

const PATH: &str = "; Path=/";
const MAX_AGE: &str = "; Max-Age=";
const HTTP_ONLY: &str = "; HttpOnly; SameSite=";
const SECURE: &str = "; Secure";
const DOMAIN: &str = "; Domain=";

/// The attribute `SameSite`
/// ([RFC 6265bis § 5.6.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Strict,
    Lax,
    None,
}

impl Site {
    const fn text(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::BaseUrl;

    #[test]
    fn a_line_is_as_long_as_was_reckoned() {
        let base = BaseUrl::parse("https://app.example.com").unwrap();
        let domain = CookieDomain::parse("example.com", &base).unwrap();
        for secs in [
            None,
            Some(0),
            Some(9),
            Some(10),
            Some(900),
            Some(34_560_000),
        ] {
            for (domain, secure) in [(None, false), (None, true), (Some(&domain), true)] {
                for same_site in [Site::Strict, Site::Lax, Site::None] {
                    let attributes = Attributes {
                        max_age: secs.map(Duration::from_secs),
                        domain,
                        same_site,
                        secure,
                    };
                    let cookie = SetCookie::new("name", 5, &attributes, |line| *line += "value");
                    let line = cookie.to_header();
                    assert_eq!(line.len(), "name=value".len() + attributes.bytes());
                    assert_eq!(cookie.line.capacity(), line.len());
                    assert_eq!((cookie.name(), &*cookie.pair()), ("name", "name=value"));
                    assert_eq!(cookie.pair_bytes(), "name=value".len());
                }
            }
        }
    }
}
