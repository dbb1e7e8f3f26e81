//! `ext_authz` of Envoy over HTTP.
//!
//! The subrequest has the method and the host of the request, no body, and its path and query after the `path_prefix`. Of
//! the headers only those come along that the configuration lets through (`allowed_headers`); none of them describes the
//! request but `X-Forwarded-Proto`, which Envoy sets, where it is let through.
//!
//! What follows the prefix has to be a path: with a prefix of `/oauth2/forward`, `/oauth2/forward//admin` asks about
//! nothing.

use super::{
    Forwarded, Subrequest,
    headers::{X_FORWARDED_PROTO, at_most_one},
    parts,
};
use crate::check::{Check, CheckFailed};

pub(super) const OWN: &[&str] = &[];

pub(super) fn read(asked: &Subrequest<'_>) -> Result<Forwarded, CheckFailed> {
    let whole = asked.target.path_and_query().map_or("", |t| t.as_str());
    let target = whole.strip_prefix(asked.endpoint).unwrap_or_default();
    let named = at_most_one(asked.headers, "host", Check::ForwardedHost)?;
    // HTTP/2 has it in the target (RFC 9113 § 8.3.1). Where both are there, they agree.
    let host = match (asked.target.authority(), named) {
        (Some(authority), Some(host)) if !authority.as_str().eq_ignore_ascii_case(host) => {
            return Err(CheckFailed::new(
                Check::ForwardedHost,
                "the target and the `Host` header name different hosts",
            ));
        }
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host,
        (None, None) => {
            return Err(CheckFailed::new(
                Check::ForwardedHost,
                "expected a host, it is missing",
            ));
        }
    };
    let proto = at_most_one(asked.headers, X_FORWARDED_PROTO, Check::ForwardedProto)?;
    Ok(Forwarded {
        method: parts::method(asked.method.as_str())?,
        target: parts::target(target)?,
        host: Some(parts::host(host)?),
        proto: proto.map(parts::proto).transpose()?,
    })
}
