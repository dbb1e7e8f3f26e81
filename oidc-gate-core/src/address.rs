//! Where requests may go whose address somebody else has chosen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet: not to this host, a private network, a link, documentation or
/// anything else that is set apart
/// ([IPv4 registry](https://www.iana.org/assignments/iana-ipv4-special-registry/),
/// [IPv6 registry](https://www.iana.org/assignments/iana-ipv6-special-registry/)).
///
/// A server that fetches what a client has registered would otherwise fetch from its own network
/// ([RFC 9700 § 4.15](https://www.rfc-editor.org/rfc/rfc9700#section-4.15)). An IPv6 address that holds an IPv4 one counts
/// as that one.
///
/// ```
/// use oidc_gate_core::address::is_public;
/// assert!(is_public("9.9.9.9".parse()?));
/// assert!(!is_public("169.254.169.254".parse()?));
/// assert!(!is_public("::ffff:10.0.0.1".parse()?));
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let set_apart = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_broadcast()
        || address.is_multicast()
        || a == 0
        // Shared by carriers (RFC 6598).
        || (a == 100 && (64..128).contains(&b))
        // Protocol assignments, and the relays that were 6to4 (RFC 6890, RFC 7526).
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        // Benchmarks (RFC 2544).
        || (a == 198 && (18..20).contains(&b))
        // Reserved (RFC 1112 § 4).
        || a >= 240;
    !set_apart
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = address.segments();
    let [first, second, ..] = segments;
    let v4_at = |at: usize| {
        let high = segments.get(at).copied().unwrap_or_default().to_be_bytes();
        let low = segments
            .get(at + 1)
            .copied()
            .unwrap_or_default()
            .to_be_bytes();
        Ipv4Addr::new(high[0], high[1], low[0], low[1])
    };
    match (first, second) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056): the packet ends at the IPv4 address inside.
        (0x64, 0xff9b) => segments[2..6] == [0; 4] && is_public_v4(v4_at(6)),
        (0x2002, _) => is_public_v4(v4_at(1)),
        // Protocol assignments, Teredo among them (RFC 2928, RFC 4380), and documentation (RFC 3849, RFC 9637).
        (0x2001, second) if second < 0x200 || second == 0xdb8 => false,
        (0x3fff, second) if second < 0x1000 => false,
        // What has been given out so far (RFC 4291 § 2.4).
        (first, _) => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_apart_is_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "64:ff9b:0:0:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
            "1000::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn the_rest_is_public() {
        for text in [
            "1.1.1.1",
            "9.9.9.9",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.88.98.1",
            "192.167.0.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:9.9.9.9",
            "64:ff9b::9.9.9.9",
            "2002:909:909::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
