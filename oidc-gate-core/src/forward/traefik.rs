//! ForwardAuth of Traefik.
//!
//! The subrequest is a GET with the headers of the request, or has the request's own method with
//! `preserveRequestMethod`. Unless `trustForwardHeader` is set, Traefik writes all four headers itself, whatever came.
//! `X-Forwarded-Prefix`, `-Port` and `-Server` are not looked at: of these it has let through what clients send.

use super::{
    Forwarded, Subrequest,
    headers::{X_FORWARDED_HOST, X_FORWARDED_METHOD, X_FORWARDED_PROTO, X_FORWARDED_URI, the_only},
    parts,
};
use crate::check::{Check, CheckFailed};
use http::Method;

pub(super) fn read(asked: &Subrequest<'_>) -> Result<Forwarded, CheckFailed> {
    let header = |name, check| the_only(asked.headers, name, check);
    let method = parts::method(header(X_FORWARDED_METHOD, Check::ForwardedMethod)?)?;
    if *asked.method != Method::GET && *asked.method != method {
        return Err(CheckFailed::new(
            Check::ForwardedMethod,
            "it is neither that of the request nor is that GET",
        ));
    }
    Ok(Forwarded {
        method,
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
