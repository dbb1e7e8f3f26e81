//! From where a client comes, as far as those in between are believed.

use crate::peers::Peers;
use http::{HeaderMap, HeaderName};
use std::net::IpAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The proxies in front of the application, and where they write down from where a client comes.
///
/// # Security
///
/// Whoever connects from one of these addresses can claim to be any client. Name the proxies and nobody else, and let them
/// set the header anew or append to it, as all of them do when told to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustedProxies {
    /// Their addresses, as the connection has them.
    pub peers: Peers,
    /// Which of their headers counts. The others are not looked at.
    pub header: AddressHeader,
}

/// Where a proxy writes down from where a client comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressHeader {
    /// `X-Forwarded-For`: one address for each proxy on the way, the nearest last. The last that is no trusted proxy's is
    /// the client's; what stands before it the client may have written.
    #[default]
    XForwardedFor,
    /// `X-Real-IP`: one address, the client's.
    XRealIp,
}

impl From<Peers> for TrustedProxies {
    fn from(peers: Peers) -> Self {
        Self {
            peers,
            header: AddressHeader::default(),
        }
    }
}

impl TrustedProxies {
    /// The same proxies, which write it down there.
    #[must_use]
    pub fn header(mut self, header: AddressHeader) -> Self {
        self.header = header;
        self
    }

    /// From where the client comes whose request `peer` has sent. `None` where nobody knows: the connection has no address,
    /// or a proxy has not written down what can be read.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use oidc_gate_core::{gate::TrustedProxies, peers::{PeerError, Peers}};
    ///
    /// let proxies = TrustedProxies::from(Peers::new(["10.0.0.0/8"])?);
    /// let mut headers = HeaderMap::new();
    /// headers.insert("x-forwarded-for", "192.0.2.66, 203.0.113.7, 10.0.0.2".parse().unwrap());
    /// let proxy = "10.0.0.1".parse().ok();
    /// assert_eq!(proxies.client(proxy, &headers), "203.0.113.7".parse().ok());
    ///
    /// // Anybody else's header is worth nothing.
    /// let somebody = "198.51.100.9".parse().ok();
    /// assert_eq!(proxies.client(somebody, &headers), somebody);
    /// # Ok::<_, PeerError>(())
    /// ```
    pub fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?;
        if !self.peers.contains(peer) {
            return Some(peer);
        }
        match self.header {
            AddressHeader::XRealIp => {
                let mut lines = headers.get_all(X_REAL_IP).iter();
                let only = lines.next().filter(|_| lines.next().is_none())?;
                address(only.to_str().ok()?)
            }
            AddressHeader::XForwardedFor => self.nearest(headers),
        }
    }

    fn nearest(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let mut farthest = None;
        for line in headers.get_all(X_FORWARDED_FOR).iter().rev() {
            for entry in line.to_str().ok()?.rsplit(',') {
                // What cannot be read hides who is behind it.
                let hop = address(entry)?;
                if !self.peers.contains(hop) {
                    return Some(hop);
                }
                farthest = Some(hop);
            }
        }
        farthest
    }
}

/// `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, each with a port or without where that can be told.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let read = match (bare, text.parse::<std::net::SocketAddr>()) {
        (Some(bare), _) => bare.parse().ok().filter(IpAddr::is_ipv6),
        (None, Ok(with_port)) => Some(with_port.ip()),
        (None, Err(_)) => text.parse().ok(),
    };
    read.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        let lines = lines.iter().map(|l| (name.clone(), l.parse().unwrap()));
        lines.collect()
    }

    fn proxies() -> TrustedProxies {
        Peers::new(["10.0.0.0/8", "fd00::/8"]).unwrap().into()
    }

    fn client(lines: &[&str]) -> Option<String> {
        let proxy = "10.0.0.1".parse().ok();
        let found = proxies().client(proxy, &headers(X_FORWARDED_FOR, lines));
        found.map(|address| address.to_string())
    }

    #[test]
    fn the_nearest_that_is_no_proxy_is_the_client() {
        for (lines, expected) in [
            (&["203.0.113.7"][..], Some("203.0.113.7")),
            (&["10.9.9.9, 203.0.113.7"], Some("203.0.113.7")),
            (&["192.0.2.66, 203.0.113.7 , 10.0.0.2"], Some("203.0.113.7")),
            (
                &["192.0.2.66", "203.0.113.7", "10.0.0.2"],
                Some("203.0.113.7"),
            ),
            (&["203.0.113.7:4711"], Some("203.0.113.7")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["[2001:db8::1]:443"], Some("2001:db8::1")),
            (&["::ffff:203.0.113.7"], Some("203.0.113.7")),
            // Somebody within: another proxy, or whoever runs there.
            (&["10.0.0.7, 10.0.0.2"], Some("10.0.0.7")),
            // What cannot be read hides who is behind it.
            (&["203.0.113.7, unknown"], None),
            (&["203.0.113.7, "], None),
            (&["203.0.113.7, _hidden, 10.0.0.2"], None),
            (&["unknown, 203.0.113.7"], Some("203.0.113.7")),
            (&["203.0.113.7, [203.0.113.8]"], None),
            (&["203.0.113.7, 203.0.113"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(client(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn nobody_but_a_proxy_is_believed() {
        let claimed = headers(X_FORWARDED_FOR, &["10.0.0.9"]);
        let somebody = "198.51.100.9".parse().ok();
        assert_eq!(proxies().client(somebody, &claimed), somebody);
        assert_eq!(proxies().client(None, &claimed), None);
    }

    #[test]
    fn one_header_counts_and_the_other_does_not() {
        let proxy = "fd00::1".parse().ok();
        let real = proxies().header(AddressHeader::XRealIp);
        let mut both = headers(X_REAL_IP, &["203.0.113.7"]);
        both.extend(headers(X_FORWARDED_FOR, &["192.0.2.66"]));
        assert_eq!(real.client(proxy, &both), "203.0.113.7".parse().ok());
        assert_eq!(proxies().client(proxy, &both), "192.0.2.66".parse().ok());
        for lines in [
            &[][..],
            &["203.0.113.7", "192.0.2.66"],
            &["203.0.113.7, 192.0.2.66"],
        ] {
            assert_eq!(
                real.client(proxy, &headers(X_REAL_IP, lines)),
                None,
                "{lines:?}"
            );
        }
    }
}
