//! Addresses, as far as a decision may rest on them.

use crate::identity::Identity;
use std::collections::BTreeSet;

/// The part before the `@` and the one behind it. Exactly one: `a@example.com@evil.example` belongs to nobody who can be
/// named. A comma or a space would make two addresses of it where somebody else reads.
pub(super) fn parts(address: &str) -> Option<(&str, &str)> {
    let odd = |c: char| c == ',' || c == '"' || c.is_whitespace() || c.is_control();
    let (local, host) = address.split_once('@').filter(|_| !address.contains(odd))?;
    (!local.is_empty() && !host.is_empty() && !host.contains('@')).then_some((local, host))
}

pub(super) fn has_domain(who: &Identity, domain: &str) -> bool {
    let Some((_, host)) = who.verified_email().and_then(parts) else {
        return false;
    };
    match domain.strip_prefix("*.") {
        None => host.eq_ignore_ascii_case(domain),
        // Something, and then a dot: `evilexample.com` is not below `example.com`.
        Some(above) => host
            .len()
            .checked_sub(above.len())
            .and_then(|at| host.split_at_checked(at))
            .is_some_and(|(below, end)| {
                end.eq_ignore_ascii_case(above) && below.len() > 1 && below.ends_with('.')
            }),
    }
}

pub(super) fn has_address(who: &Identity, addresses: &BTreeSet<Box<str>>) -> bool {
    who.verified_email()
        .filter(|address| parts(address).is_some())
        .is_some_and(|address| addresses.contains(&*address.to_ascii_lowercase()))
}

/// Whether somebody's address could lie there.
pub(super) fn is_domain(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    !text.is_empty()
        && !text.starts_with('.')
        && !text.contains(|c: char| c == '@' || c == '*' || c.is_whitespace() || c.is_control())
}
