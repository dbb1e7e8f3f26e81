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
    pub(super) name: String,
    pub(super) value: String,
    /// How long the browser keeps it; without, until it ends.
    pub(super) max_age: Option<Duration>,
    pub(super) domain: Option<CookieDomain>,
    pub(super) same_site: Site,
    pub(super) secure: bool,
}

impl SetCookie {
    /// The cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it removes the cookie.
    pub fn is_removal(&self) -> bool {
        self.max_age.is_some_and(|age| age.is_zero())
    }

    /// The header's value, marked as sensitive.
    pub fn to_header(&self) -> HeaderValue {
        let line = format!("{}={}{}", self.name, self.value, self.attributes());
        // Name and value are base64 and our own words; an empty header would set nothing.
        let mut header = HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    pub(super) fn attributes(&self) -> String {
        let same_site = match self.same_site {
            Site::Strict => "Strict",
            Site::Lax => "Lax",
            Site::None => "None",
        };
        // Room for all of it, so that it is allocated once.
        let domain = self.domain.as_ref().map_or("", CookieDomain::as_str);
        let mut text = String::with_capacity(96 + domain.len());
        text += "; Path=/";
        if let Some(max_age) = self.max_age {
            // Writing to a string does not fail.
            let _ = write!(text, "; Max-Age={}", max_age.as_secs());
        }
        text += "; HttpOnly; SameSite=";
        text += same_site;
        if self.secure {
            text += "; Secure";
        }
        if let Some(domain) = &self.domain {
            text += "; Domain=";
            text += domain.as_str();
        }
        text
    }

    /// How long [`pair`](Self::pair) is, without making it.
    pub fn pair_bytes(&self) -> usize {
        self.name.len() + 1 + self.value.len()
    }

    /// The `name=value` half, as a browser sends it back.
    pub fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookie({}=***, {:?})", self.name, self.max_age)
    }
}

/// The attribute `SameSite`
/// ([RFC 6265bis § 5.6.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Strict,
    Lax,
    None,
}
