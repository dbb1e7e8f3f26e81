//! `auth_request` of nginx.
//!
//! The subrequest is a GET to the gate's `auth` endpoint with all headers of the request. What it is about says the
//! configuration, in the names that nginx's own documentation uses:
//!
//! ```text
//! proxy_set_header X-Original-URI $request_uri;
//! proxy_set_header X-Original-Method $request_method;
//! ```
//!
//! Without the second line anybody could name the method, so neither has a default. Host and scheme are not said: nginx
//! makes the redirects itself.

use super::{
    Forwarded, Subrequest,
    headers::{X_ORIGINAL_METHOD, X_ORIGINAL_URI, the_only},
    parts,
};
use crate::check::{Check, CheckFailed};

pub(super) const OWN: &[&str] = &[X_ORIGINAL_URI, X_ORIGINAL_METHOD];

pub(super) fn read(asked: &Subrequest<'_>) -> Result<Forwarded, CheckFailed> {
    let header = |name, check| the_only(asked.headers, name, check);
    Ok(Forwarded {
        method: parts::method(header(X_ORIGINAL_METHOD, Check::ForwardedMethod)?)?,
        target: parts::target(header(X_ORIGINAL_URI, Check::ForwardedTarget)?)?,
        host: None,
        proto: None,
    })
}
