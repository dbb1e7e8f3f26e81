//! How a request is read before anybody decides about it.

use crate::headers::end_to_end;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, header};
use oidc_gate_tower::{PeerAddr, core::peers::Peers};
use std::net::SocketAddr;

/// What browsers speak to this process, or to the proxy in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// Where a request came from, said anew: by this process, or by a proxy that it believes.
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whatever else is taken for the word of a proxy.
const FORWARDING: [&str; 6] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Reads requests.
#[derive(Clone, Debug)]
pub struct Front {
    trusted: Option<Peers>,
    scheme: Scheme,
}

impl Front {
    /// At the edge: nobody in front says where a request came from.
    pub fn new(scheme: Scheme) -> Self {
        Self {
            trusted: None,
            scheme,
        }
    }

    /// Behind these proxies, whose `X-Forwarded-For`, `-Proto` and `-Host` are believed.
    #[must_use]
    pub fn behind(mut self, proxies: Peers) -> Self {
        self.trusted = Some(proxies);
        self
    }

    /// Makes of a request what it says to everybody further in, or says why it says nothing.
    pub(crate) fn receive<B>(
        &self,
        request: &mut Request<B>,
        peer: SocketAddr,
    ) -> Result<(), &'static str> {
        let host = host(request)?;
        let headers = request.headers_mut();
        end_to_end(headers);
        let believed = self
            .trusted
            .as_ref()
            .is_some_and(|trusted| trusted.contains(peer.ip()));
        let said = [FOR, PROTO, HOST].map(|name| {
            let value = headers.get(&name).filter(|_| believed).cloned();
            (name, value)
        });
        let forwarding: Vec<_> = headers
            .keys()
            .filter(|name| is_forwarding(name))
            .cloned()
            .collect();
        for name in forwarding {
            headers.remove(name);
        }
        let [(_, others), (_, proto), (_, outer)] = said;
        let from = peer.ip().to_canonical().to_string();
        let from = match others.as_ref().and_then(|others| others.to_str().ok()) {
            Some(others) => format!("{others}, {from}"),
            None => from,
        };
        let known = |proto: &HeaderValue| matches!(proto.as_bytes(), b"http" | b"https");
        let own = HeaderValue::from_static(match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        });
        set(headers, FOR, HeaderValue::try_from(from).ok());
        set(headers, PROTO, Some(proto.filter(known).unwrap_or(own)));
        set(headers, HOST, outer.or(Some(host)));
        request.extensions_mut().insert(PeerAddr(peer));
        Ok(())
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// In any spelling: what a proxy in front passes on of its client's is not its own word.
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
mod tests {
    use super::*;

    fn receive(front: &Front, lines: &[(&'static str, &str)]) -> Result<HeaderMap, &'static str> {
        let mut request = Request::new(());
        for (name, value) in lines {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        front.receive(&mut request, "[::ffff:192.0.2.7]:4711".parse().unwrap())?;
        Ok(std::mem::take(request.headers_mut()))
    }

    const CLAIMS: &[(&str, &str)] = &[
        ("host", "app.example"),
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "public.example"),
        ("x-forwarded-prefix", "/admin"),
        ("x_forwarded_for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("connection", "x-forwarded-for, x-forwarded-proto"),
    ];

    #[test]
    fn where_a_request_came_from_is_nobodys_word_but_a_trusted_proxys() {
        let edge = Front::new(Scheme::Http);
        let headers = receive(&edge, CLAIMS).unwrap();
        assert_eq!(headers.len(), 4, "{headers:?}");
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "app.example");

        let inner = edge.behind(Peers::new(["192.0.2.0/24"]).unwrap());
        let headers = receive(&inner, CLAIMS).unwrap();
        assert_eq!(headers.len(), 4, "{headers:?}");
        assert_eq!(headers["x-forwarded-for"], "198.51.100.1, 192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "public.example");
        let odd = receive(
            &inner,
            &[("host", "a"), ("x-forwarded-proto", "javascript")],
        );
        assert_eq!(odd.unwrap()["x-forwarded-proto"], "http");

        let elsewhere = inner.behind(Peers::new(["10.0.0.0/8"]).unwrap());
        assert_eq!(
            receive(&elsewhere, CLAIMS).unwrap()["x-forwarded-for"],
            "192.0.2.7"
        );
    }

    #[test]
    fn a_request_is_for_one_host() {
        let front = Front::new(Scheme::Http);
        for hosts in [
            &[][..],
            &[("host", "a"), ("host", "b")],
            &[("host", "a"), ("host", "a")],
            &[("host", "a/b")],
            &[("host", "")],
        ] {
            assert_eq!(
                receive(&front, hosts),
                Err("the request has to name one host"),
                "{hosts:?}"
            );
        }
        for host in ["app.example", "app.example:8080", "[::1]:80"] {
            assert!(receive(&front, &[("host", host)]).is_ok());
        }
    }
}
