//! The headers of all dialects, so that each can tell its own from those of the others.

use crate::check::{Check, CheckFailed};
use http::{HeaderMap, HeaderName};

pub(super) const X_ORIGINAL_URI: &str = "x-original-uri";
pub(super) const X_ORIGINAL_METHOD: &str = "x-original-method";
pub(super) const X_FORWARDED_METHOD: &str = "x-forwarded-method";
pub(super) const X_FORWARDED_URI: &str = "x-forwarded-uri";
pub(super) const X_FORWARDED_HOST: &str = "x-forwarded-host";
pub(super) const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// What Traefik and Caddy describe a request by.
pub(super) const FORWARDED: &[&str] = &[X_FORWARDED_METHOD, X_FORWARDED_URI];

/// Whatever some proxy or application takes for the method or the target of a request. `X-Forwarded-Host` and `-Proto` are
/// not among them: every proxy sets these.
const DESCRIBING: &[&str] = &[
    "x-original-uri",
    "x-original-url",
    "x-original-method",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-rewrite-url",
    "x-envoy-original-path",
    "x-auth-request-uri",
    // What frameworks take for the method of a POST: the rules would be asked about one request, and another be done.
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// What the answer names a user in.
const ANSWERED: &[&str] = &[
    "x-auth-request-user",
    "x-auth-request-issuer",
    "x-auth-request-email",
    "x-auth-request-groups",
    "x-auth-request-preferred-username",
    "x-auth-request-access-token",
];

/// Refuses a header that describes a request in another dialect, or its own in another spelling. Somebody would believe it,
/// and it is not known who has written it.
pub(super) fn none_of_another(headers: &HeaderMap, own: &[&str]) -> Result<(), CheckFailed> {
    let foreign = |name: &&HeaderName| is_one(name, DESCRIBING) && !own.contains(&name.as_str());
    match headers.keys().find(foreign) {
        None => Ok(()),
        Some(name) => Err(CheckFailed::new(
            Check::ForwardedDialect,
            format!("expected none but the proxy's own, got {name} too"),
        )),
    }
}

/// Refuses a header that only the answer may bring.
pub(super) fn none_of_the_answer(headers: &HeaderMap) -> Result<(), CheckFailed> {
    match headers.keys().find(|name| is_one(name, ANSWERED)) {
        None => Ok(()),
        Some(name) => Err(CheckFailed::new(
            Check::ForwardedIdentity,
            format!("the request brings {name}"),
        )),
    }
}

/// Whether a server could take one for the other: to many, `-`, `_` and `.` are the same.
fn is_one(name: &HeaderName, known: &[&str]) -> bool {
    let same = |known: &&str| {
        name.as_str().len() == known.len()
            && name
                .as_str()
                .bytes()
                .zip(known.bytes())
                .all(|(have, want)| match have {
                    b'_' | b'.' => want == b'-',
                    _ => have == want,
                })
    };
    known.iter().any(same)
}

/// The value of a header that has to be there once. Where it is there twice, one of them may be the client's.
pub(super) fn the_only<'a>(
    headers: &'a HeaderMap,
    name: &str,
    check: Check,
) -> Result<&'a str, CheckFailed> {
    at_most_one(headers, name, check)?
        .ok_or_else(|| CheckFailed::new(check, format!("expected {name}, it is missing")))
}

/// The value of a header that may be there once.
pub(super) fn at_most_one<'a>(
    headers: &'a HeaderMap,
    name: &str,
    check: Check,
) -> Result<Option<&'a str>, CheckFailed> {
    let failed = |what: &str| CheckFailed::new(check, format!("expected one {name}, {what}"));
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(failed("there are several"));
    }
    std::str::from_utf8(value.as_bytes())
        .map(Some)
        .map_err(|_| failed("it is not UTF-8"))
}
