//! Forward-auth: a proxy asks, for each request that it has in hand, whether it may pass.
//!
//! What the proxy has in hand it describes in headers or in a path, in a dialect of its own. Each has its own parser, and
//! nothing is read by another's rules. [`Proxy::read`] believes the configured [`Peers`] alone; what then is missing,
//! occurs twice or has another form is refused, because a description that is not understood is no reason to let anybody
//! in ([CVE-2021-32637](https://nvd.nist.gov/vuln/detail/CVE-2021-32637)). What it gives goes through the rules of the gate
//! as if the request itself had come: [`Policy::decide_forwarded`](crate::gate::Policy::decide_forwarded).
//!
//! ```
//! use http::{HeaderMap, Method, Uri};
//! use oidc_gate_core::{check::Check, forward::{Dialect, Proxy, Subrequest}, peers::Peers};
//!
//! let proxy = Proxy::new(Dialect::Nginx, Peers::new(["127.0.0.1"])?);
//! let mut headers = HeaderMap::new();
//! headers.insert("x-original-uri", "/reports?year=2026".parse()?);
//! headers.insert("x-original-method", "GET".parse()?);
//! let (method, target) = (Method::GET, Uri::from_static("/oauth2/auth"));
//! let from = |peer: &str| Subrequest::new("/oauth2/auth", &method, &target, &headers, peer.parse().ok());
//!
//! let forwarded = proxy.read(&from("127.0.0.1"))?;
//! assert_eq!(forwarded.target, "/reports?year=2026");
//! let refused = proxy.read(&from("192.0.2.1")).unwrap_err();
//! assert_eq!(refused.check(), Check::ForwardedPeer);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod caddy;
mod envoy;
mod headers;
mod nginx;
mod parts;
mod traefik;

pub use parts::{Forwarded, MAX_TARGET_BYTES, Proto};

use crate::{
    check::{Check, CheckFailed},
    peers::Peers,
};
use http::{HeaderMap, Method, Uri};
use std::{fmt, net::IpAddr};

/// Which proxy asks, and so how it describes the request it has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "each is answered in a way of its own"
)]
pub enum Dialect {
    /// [`auth_request`](https://nginx.org/en/docs/http/ngx_http_auth_request_module.html) of nginx: `X-Original-URI` and
    /// `X-Original-Method`, both of which the configuration has to set.
    Nginx,
    /// [`ForwardAuth`](https://doc.traefik.io/traefik/middlewares/http/forwardauth/) of Traefik: `X-Forwarded-Method`,
    /// `-Proto`, `-Host` and `-Uri`, with `trustForwardHeader` off, as it is by default.
    Traefik,
    /// [`forward_auth`](https://caddyserver.com/docs/caddyfile/directives/forward_auth) of Caddy: the same four headers.
    Caddy,
    /// [`ext_authz`](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_authz_filter) of Envoy
    /// over HTTP: the method and the host are the request's own, and its path follows a `path_prefix`.
    Envoy,
}

impl Dialect {
    /// The proxy's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "Traefik",
            Self::Caddy => "Caddy",
            Self::Envoy => "Envoy",
        }
    }
}

/// What a proxy has sent to ask about a request.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Subrequest<'a> {
    /// The method that it was sent with.
    pub method: &'a Method,
    /// Where it was sent.
    pub target: &'a Uri,
    /// The path of the endpoint that is asked; for [`Dialect::Envoy`] its `path_prefix`.
    pub endpoint: &'a str,
    /// Every header, before any was taken off.
    pub headers: &'a HeaderMap,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
}

impl<'a> Subrequest<'a> {
    /// What has come from `peer` to the endpoint at this path.
    pub fn new(
        endpoint: &'a str,
        method: &'a Method,
        target: &'a Uri,
        headers: &'a HeaderMap,
        peer: Option<IpAddr>,
    ) -> Self {
        Self {
            method,
            target,
            endpoint,
            headers,
            peer,
        }
    }
}

impl fmt::Debug for Subrequest<'_> {
    // Headers hold cookies and tokens, a query what a user typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subrequest")
            .field("method", self.method)
            .field("path", &self.target.path())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// A proxy that is believed about the requests it asks about: its dialect, and where it asks from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    dialect: Dialect,
    trusted: Peers,
}

impl Proxy {
    /// A proxy that speaks `dialect` and connects from one of `trusted`.
    pub fn new(dialect: Dialect, trusted: Peers) -> Self {
        Self { dialect, trusted }
    }

    /// What it speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether a request for `path` is a question to the endpoint at that path: it is sent to it or, by
    /// [`Dialect::Envoy`], to anything below.
    pub fn asks(&self, endpoint: &str, path: &str) -> bool {
        path.strip_prefix(endpoint)
            .is_some_and(|rest| match self.dialect {
                Dialect::Nginx | Dialect::Traefik | Dialect::Caddy => rest.is_empty(),
                Dialect::Envoy => rest.is_empty() || rest.starts_with('/'),
            })
    }

    /// The request that the proxy asks about.
    ///
    /// 1. The peer is one of the proxy's addresses. One of unknown address is none of them.
    /// 2. No header of another dialect stands beside the proxy's own, in any spelling that a server could take for it.
    /// 3. The request brings none of the headers that the answer names a user in: a proxy that copies them from the answer
    ///    may leave the request's own where the answer has none.
    /// 4. What describes the request is there once, in the one form that the proxy writes.
    ///
    /// # Errors
    ///
    /// [`Check::ForwardedPeer`], [`Check::ForwardedDialect`], [`Check::ForwardedIdentity`], [`Check::ForwardedMethod`],
    /// [`Check::ForwardedTarget`], [`Check::ForwardedHost`], [`Check::ForwardedProto`]: the first that fails.
    ///
    /// # Security
    ///
    /// Whoever can connect from a trusted address can say anything. A proxy has to overwrite what its clients send under
    /// the names of its headers; that it does is its configuration's part.
    pub fn read(&self, asked: &Subrequest<'_>) -> Result<Forwarded, CheckFailed> {
        if !asked.peer.is_some_and(|peer| self.trusted.contains(peer)) {
            let cause = match asked.peer {
                Some(peer) => format!("expected a trusted {}, got {peer}", self.dialect.name()),
                None => "the address of the peer is not known".to_owned(),
            };
            return Err(CheckFailed::new(Check::ForwardedPeer, cause));
        }
        let own = match self.dialect {
            Dialect::Nginx => nginx::OWN,
            Dialect::Traefik | Dialect::Caddy => headers::FORWARDED,
            Dialect::Envoy => envoy::OWN,
        };
        headers::none_of_another(asked.headers, own)?;
        headers::none_of_the_answer(asked.headers)?;
        match self.dialect {
            Dialect::Nginx => nginx::read(asked),
            Dialect::Traefik => traefik::read(asked),
            Dialect::Caddy => caddy::read(asked),
            Dialect::Envoy => envoy::read(asked),
        }
    }
}

#[cfg(test)]
mod tests;
