//! Addresses and networks: of proxies that are believed, of clients that need no login.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Addresses and networks, at least one.
///
/// An IPv4 address that a socket for IPv6 shows mapped (`::ffff:10.0.0.1`) is that IPv4 address.
///
/// ```
/// use oidc_gate_core::peers::{PeerError, Peers};
///
/// let peers = Peers::new(["192.0.2.1", "10.0.0.0/8", "fd00::/8"])?;
/// assert!(peers.contains("10.1.2.3".parse().unwrap()));
/// assert!(peers.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!(!peers.contains("192.0.2.2".parse().unwrap()));
/// # Ok::<_, PeerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peers(Vec<Network>);

/// The bits of an address, at the left, and how many of them count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Peers {
    /// Addresses (`192.0.2.1`, `2001:db8::1`) and networks (`10.0.0.0/8`, `fd00::/8`).
    ///
    /// # Errors
    ///
    /// See [`PeerError`].
    pub fn new<T: AsRef<str>>(peers: impl IntoIterator<Item = T>) -> Result<Self, PeerError> {
        let peers: Vec<_> = peers
            .into_iter()
            .map(|peer| Network::parse(peer.as_ref()))
            .collect::<Result<_, _>>()?;
        match peers.is_empty() {
            true => Err(PeerError::Empty),
            false => Ok(Self(peers)),
        }
    }

    /// Whether `peer` is one of them.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let contains = |network: &Network| match (*network, peer.to_canonical()) {
            (Network::V4 { bits, mask }, IpAddr::V4(peer)) => peer.to_bits() & mask == bits,
            (Network::V6 { bits, mask }, IpAddr::V6(peer)) => peer.to_bits() & mask == bits,
            _ => false,
        };
        self.0.iter().any(contains)
    }

    /// Whether `peer` is known and one of them.
    pub fn believes(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.contains(peer))
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, PeerError> {
        let Some((address, length)) = text.split_once('/') else {
            let address: IpAddr = text.parse().map_err(|_| PeerError::Address)?;
            return Ok(match address.to_canonical() {
                IpAddr::V4(address) => Self::V4 {
                    bits: address.to_bits(),
                    mask: u32::MAX,
                },
                IpAddr::V6(address) => Self::V6 {
                    bits: address.to_bits(),
                    mask: u128::MAX,
                },
            });
        };
        let address: IpAddr = address.parse().map_err(|_| PeerError::Address)?;
        // One spelling: no sign and no leading zero.
        let length: u32 = Some(length)
            .filter(|length| length.bytes().all(|b| b.is_ascii_digit()) && !length.starts_with('0'))
            .and_then(|length| length.parse().ok())
            .ok_or(match length {
                "0" => PeerError::Everybody,
                _ => PeerError::Length,
            })?;
        let (network, whole) = match address {
            IpAddr::V4(address) => {
                let mask =
                    u32::MAX.checked_shl(32_u32.checked_sub(length).ok_or(PeerError::Length)?);
                let mask = mask.ok_or(PeerError::Everybody)?;
                let bits = address.to_bits();
                (Self::V4 { bits, mask }, bits & mask == bits)
            }
            // What it would hold is written as a network of IPv4.
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
                return Err(PeerError::Mapped);
            }
            IpAddr::V6(address) => {
                let mask =
                    u128::MAX.checked_shl(128_u32.checked_sub(length).ok_or(PeerError::Length)?);
                let mask = mask.ok_or(PeerError::Everybody)?;
                let bits = address.to_bits();
                (Self::V6 { bits, mask }, bits & mask == bits)
            }
        };
        match whole {
            true => Ok(network),
            false => Err(PeerError::HostBits),
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, network) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{network:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, length): (IpAddr, _) = match *self {
            Self::V4 { bits, mask } => (Ipv4Addr::from_bits(bits).into(), mask.count_ones()),
            Self::V6 { bits, mask } => (Ipv6Addr::from_bits(bits).into(), mask.count_ones()),
        };
        write!(f, "{address}/{length}")
    }
}

/// Why something is no address or network to go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerError {
    /// There is none: nobody would be believed.
    Empty,
    /// Not an IP address. Names are not resolved.
    Address,
    /// The length of a network is no number that its kind of address has.
    Length,
    /// A network of length 0: everybody could write the header.
    Everybody,
    /// The address of a network has bits beyond its length: `10.0.0.1/8` may mean `10.0.0.1` or `10.0.0.0/8`.
    HostBits,
    /// A network of IPv4 addresses, written in IPv6.
    Mapped,
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "expected at least one address",
            Self::Address => "expected an IP address, or a network such as 10.0.0.0/8",
            Self::Length => "expected a network's length from 1 to 32, or to 128 for IPv6",
            Self::Everybody => "a network of length 0 would let everybody say who they are",
            Self::HostBits => "the address of a network has bits beyond its length",
            Self::Mapped => "a network of IPv4 addresses has to be written in IPv4",
        })
    }
}

impl std::error::Error for PeerError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_within_a_network() {
        let peers = Peers::new([
            "192.0.2.1",
            "10.0.0.0/8",
            "198.51.100.128/25",
            "203.0.113.7/32",
            "2001:db8::1",
            "fd00::/8",
            "2001:db8:1::/127",
            "::ffff:192.0.2.9",
        ])
        .unwrap();
        for peer in [
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "10.0.0.0",
            "10.255.255.255",
            "::ffff:10.0.0.1",
            "198.51.100.128",
            "198.51.100.255",
            "203.0.113.7",
            "2001:db8::1",
            "fd00::",
            "fdff::1",
            "2001:db8:1::1",
            "192.0.2.9",
        ] {
            assert!(peers.contains(peer.parse().unwrap()), "{peer}");
        }
        for peer in [
            "192.0.2.2",
            "192.0.2.0",
            "9.255.255.255",
            "11.0.0.0",
            "198.51.100.127",
            "203.0.113.6",
            "2001:db8::2",
            "fc00::",
            "fe00::",
            "2001:db8:1::2",
            "::1",
            "::10.0.0.1",
            "::",
        ] {
            assert!(!peers.contains(peer.parse().unwrap()), "{peer}");
        }
        assert_eq!(
            format!("{peers:?}"),
            "Peers([192.0.2.1/32, 10.0.0.0/8, 198.51.100.128/25, 203.0.113.7/32, 2001:db8::1/128, fd00::/8, \
             2001:db8:1::/127, 192.0.2.9/32])"
        );
        assert!(peers.believes(Some("10.0.0.1".parse().unwrap())));
        assert!(!peers.believes(None), "nobody knows who it is");
    }

    #[test]
    fn whatever_is_not_one_address_or_network_is_refused() {
        assert_eq!(Peers::new([""; 0]), Err(PeerError::Empty));
        for (peer, error) in [
            ("", PeerError::Address),
            ("proxy.example", PeerError::Address),
            ("10.0.0.1:80", PeerError::Address),
            ("10.0.0", PeerError::Address),
            ("10.0.0.0/8/8", PeerError::Length),
            ("10.0.0.0/", PeerError::Length),
            ("10.0.0.0/33", PeerError::Length),
            ("10.0.0.0/08", PeerError::Length),
            ("10.0.0.0/+8", PeerError::Length),
            ("10.0.0.0/255.0.0.0", PeerError::Length),
            ("fd00::/129", PeerError::Length),
            ("fd00::/4294967304", PeerError::Length),
            ("0.0.0.0/0", PeerError::Everybody),
            ("::/0", PeerError::Everybody),
            ("10.0.0.1/8", PeerError::HostBits),
            ("fd00::1/8", PeerError::HostBits),
            ("::ffff:10.0.0.0/104", PeerError::Mapped),
        ] {
            assert_eq!(Peers::new([peer]), Err(error), "{peer}");
            assert_eq!(Peers::new(["10.0.0.1", peer]), Err(error), "{peer}");
        }
    }
}
