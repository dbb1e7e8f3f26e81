//! `forward_auth` of Caddy.
//!
//! The directive stands for a `reverse_proxy` that rewrites the method to GET, keeps the headers of the request, sets
//! `X-Forwarded-Method` and `X-Forwarded-Uri`, and `X-Forwarded-Host` and `X-Forwarded-Proto` as every `reverse_proxy` of
//! Caddy does. What clients send under these names it replaces, unless they are among its `trusted_proxies`.

use super::{
    Forwarded, Subrequest,
    headers::{X_FORWARDED_HOST, X_FORWARDED_METHOD, X_FORWARDED_PROTO, X_FORWARDED_URI, the_only},
    parts,
};
use crate::check::{Check, CheckFailed};
use http::Method;

pub(super) fn read(asked: &Subrequest<'_>) -> Result<Forwarded, CheckFailed> {
    // A plain `reverse_proxy` keeps the method: this is no question then, but a request that was sent here.
    if *asked.method != Method::GET {
        return Err(CheckFailed::new(
            Check::ForwardedMethod,
            "expected to be asked by GET",
        ));
    }
    let header = |name, check| the_only(asked.headers, name, check);
    Ok(Forwarded {
        method: parts::method(header(X_FORWARDED_METHOD, Check::ForwardedMethod)?)?,
        target: parts::target(header(X_FORWARDED_URI, Check::ForwardedTarget)?)?,
        host: Some(parts::host(header(
            X_FORWARDED_HOST,
            Check::ForwardedHost,
        )?)?),
        proto: Some(parts::proto(header(
            X_FORWARDED_PROTO,
            Check::ForwardedProto,
        )?)?),
    })
}
