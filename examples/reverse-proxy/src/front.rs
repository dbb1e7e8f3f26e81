//! How a request is read before anybody decides about it.

use crate::headers::end_to_end;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, header};
use oidc_gate_tower::{AddressHeader, PeerAddr, TrustedProxies};
use std::net::SocketAddr;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Whatever else is taken for the word of a proxy.
const FORWARDING: [&str; 6] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// What browsers speak to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// Reads requests.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) scheme: Scheme,
    /// The gate's. Nobody else says where a request came from.
    pub(crate) trusted: Option<TrustedProxies>,
}

/// Where a request came from, as upstreams are told. They are told after the gate has decided: it must not take this
/// process for a proxy in front of itself.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    from: Option<HeaderValue>,
    proto: HeaderValue,
    host: HeaderValue,
}

impl Origin {
    /// Tells an upstream.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.remove(REAL_IP);
        match self.from {
            Some(from) => drop(headers.insert(FOR, from)),
            None => drop(headers.remove(FOR)),
        }
        headers.insert(PROTO, self.proto);
        headers.insert(HOST, self.host);
    }
}

impl Front {
    /// Makes of a request what it says to everybody further in, or says why it says nothing.
    pub(crate) fn receive<B>(
        &self,
        request: &mut Request<B>,
        peer: SocketAddr,
    ) -> Result<(), &'static str> {
        let host = host(request)?;
        let headers = request.headers_mut();
        end_to_end(headers);
        let trusted = self.trusted.as_ref();
        let believed = trusted.filter(|trusted| trusted.peers.contains(peer.ip()));
        let said = |name: &HeaderName| headers.get(name).filter(|_| believed.is_some()).cloned();
        let known = |proto: &HeaderValue| matches!(proto.as_bytes(), b"http" | b"https");
        let own = HeaderValue::from_static(match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        });
        let origin = Origin {
            from: from(headers, believed, peer),
            proto: said(&PROTO).filter(known).unwrap_or(own),
            host: said(&HOST).unwrap_or(host),
        };
        // In any spelling: what a proxy in front passes on of its client's is not its own word.
        let forged = |name: &HeaderName| {
            let own_word = believed.is_some() && [FOR, REAL_IP].contains(name);
            is_forwarding(name) && !own_word
        };
        let forged: Vec<_> = headers
            .keys()
            .filter(|name| forged(name))
            .cloned()
            .collect();
        for name in forged {
            headers.remove(name);
        }
        request.extensions_mut().insert(PeerAddr(peer));
        request.extensions_mut().insert(origin);
        Ok(())
    }
}

/// The client, the proxies that are believed, and the peer.
fn from(
    headers: &HeaderMap,
    believed: Option<&TrustedProxies>,
    peer: SocketAddr,
) -> Option<HeaderValue> {
    let lines = believed.map(|proxies| match proxies.header {
        AddressHeader::XRealIp => headers.get_all(REAL_IP),
        _ => headers.get_all(FOR),
    });
    let others = lines.into_iter().flatten().map(HeaderValue::to_str);
    let mut all = others.collect::<Result<Vec<_>, _>>().unwrap_or_default();
    let peer = peer.ip().to_canonical().to_string();
    all.push(&peer);
    HeaderValue::try_from(all.join(", ")).ok()
}

fn is_forwarding(name: &HeaderName) -> bool {
    let name = name.as_str().replace(['_', '.'], "-");
    name.starts_with("x-forwarded-") || FORWARDING.contains(&&*name)
}

/// The one host that a request is for ([RFC 9112 § 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
fn host<B>(request: &Request<B>) -> Result<HeaderValue, &'static str> {
    if request.method() == Method::CONNECT || request.uri().path() == "*" {
        return Err("this is no tunnel to anywhere");
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next(), request.version()) {
        (Some(host), None, _) if is_host(host.as_bytes()) => Ok(host.clone()),
        (None, None, Version::HTTP_10) => Err("the request names no host"),
        _ => Err("the request has to name one host"),
    }
}

fn is_host(host: &[u8]) -> bool {
    !host.is_empty()
        && host
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:[]".contains(b))
}

#[cfg(test)]
mod tests;
