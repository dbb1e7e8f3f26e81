//! What a proxy says of a request, each part in the one form it can have.

use crate::check::{Check, CheckFailed};
use http::{Method, Uri};
use std::fmt;

/// A request that a proxy has in hand.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded {
    /// Its method.
    pub method: Method,
    /// Its path and query as they came, without scheme and host. The path may be ambiguous; then no rule that permits
    /// matches it.
    pub target: Uri,
    /// The host, with its port where it has one. Nothing is sent there for it alone: see
    /// [`place`](Self::place).
    pub host: Option<Box<str>>,
    /// How the client reached the proxy.
    pub proto: Option<Proto>,
}

/// How a client has reached a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it is encrypted or it is not")]
pub enum Proto {
    /// `http`, or `ws`.
    Http,
    /// `https`, or `wss`.
    Https,
}

/// The longest target that is read, in bytes.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;

impl Forwarded {
    /// The address that was asked for, for [`Places::read`](crate::login::Places::read), which knows whether it is one to
    /// come back to. `None` where the proxy has not said the host.
    ///
    /// Where the application is reached by https alone, so is this address: a proxy in front of this one may have ended
    /// TLS.
    pub fn place(&self, secure: bool) -> Option<String> {
        let host = self.host.as_deref()?;
        let scheme = match self.proto {
            Some(Proto::Https) => "https",
            _ if secure => "https",
            Some(Proto::Http) | None => "http",
        };
        Some(format!("{scheme}://{host}{}", self.target))
    }
}

impl fmt::Debug for Forwarded {
    // A query holds codes and what a user typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarded")
            .field("method", &self.method)
            .field("path", &self.target.path())
            .field("host", &self.host)
            .field("proto", &self.proto)
            .finish()
    }
}

pub(super) fn method(text: &str) -> Result<Method, CheckFailed> {
    // A method is case-sensitive (RFC 9110 § 9.1); one in lower case is none that a browser or a proxy writes, and an
    // application may take it for the one in upper case.
    let usual = !text.is_empty()
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b"-_".contains(&b));
    Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| usual)
        .ok_or_else(|| CheckFailed::new(Check::ForwardedMethod, "expected a method in upper case"))
}

/// A path and a query as they stand in a request line
/// ([RFC 9112 § 3.2.1](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.1)).
///
/// It is not read as a URL: `//admin` is a path to who sends it and a host to a URL parser
/// ([CVE-2026-26205](https://nvd.nist.gov/vuln/detail/CVE-2026-26205)), so nothing that begins with two slashes is taken.
pub(super) fn target(text: &str) -> Result<Uri, CheckFailed> {
    let refused = |cause| Err(CheckFailed::new(Check::ForwardedTarget, cause));
    if text.is_empty() {
        return refused("expected a path, it is empty");
    }
    if text.len() > MAX_TARGET_BYTES {
        return refused("expected at most 8192 bytes");
    }
    if !text.starts_with('/') {
        return refused("expected a path that begins with `/`");
    }
    if text.starts_with("//") || text.starts_with("/\\") {
        return refused("expected a path, it begins with two slashes");
    }
    // The parser below would cut it off, and the application behind the proxy might not (CVE-2026-41059).
    if text.contains('#') {
        return refused("expected a path and a query, there is a fragment");
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return refused("expected no space and no control character");
    }
    let kept = |uri: &Uri| uri.path_and_query().map(|kept| kept.as_str() == text);
    match text.parse::<Uri>() {
        // What it keeps is what came, to the byte.
        Ok(uri) if uri.authority().is_none() && kept(&uri) == Some(true) => Ok(uri),
        _ => refused("expected a path and a query as in a request line"),
    }
}

/// A host and a port, as `Host` has them, of the characters that mean the same everywhere.
pub(super) fn host(text: &str) -> Result<Box<str>, CheckFailed> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    if text.is_empty() || text.len() > 255 || !text.bytes().all(plain) {
        return Err(CheckFailed::new(
            Check::ForwardedHost,
            "expected one host with an optional port",
        ));
    }
    Ok(text.into())
}

pub(super) fn proto(text: &str) -> Result<Proto, CheckFailed> {
    match text {
        "http" | "ws" => Ok(Proto::Http),
        "https" | "wss" => Ok(Proto::Https),
        _ => Err(CheckFailed::new(
            Check::ForwardedProto,
            "expected http or https",
        )),
    }
}
