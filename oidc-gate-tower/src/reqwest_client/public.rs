//! Names that lead to the public internet, and nowhere else.

use crate::core::address::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};

/// Looks a name up and forgets every address that is not public. The connection is made to what was looked at here, so a
/// name cannot lead elsewhere a moment later.
#[derive(Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the connector's to set.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            match public.is_empty() {
                true => Err("the name has no public address".into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether the host is a name, or an address in numbers that is public. What `url` takes for a number in any spelling, it
/// writes in the usual one.
pub(super) fn may_be_public(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']');
    number.parse::<IpAddr>().map_or(true, is_public)
}
