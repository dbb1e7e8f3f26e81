//! Where sessions are kept, which tokens they keep, and what the application relies on, as settings say it.

use super::{
    parse::{either, list, text},
    value::Value,
};
use crate::{Guarantee, Store, core::session::KeepTokens};

/// Where sessions are kept.
#[derive(Clone, Debug)]
pub(crate) enum KeptAt {
    /// In the browsers.
    Cookies,
    Store(Store),
}

/// `cookies`, `memory`, or the address of a Redis. It may hold a password, so no problem shows it.
pub(crate) fn kept_at(value: Value) -> Result<KeptAt, String> {
    match text(value)?.as_str() {
        "cookies" => Ok(KeptAt::Cookies),
        "memory" => Ok(KeptAt::Store(Store::memory())),
        address if address.contains("://") => redis(address).map(KeptAt::Store),
        _ => Err(UNKNOWN.to_owned()),
    }
}

/// As [`kept_at`], for what replicas agree through.
pub(crate) fn coordinator(value: Value) -> Result<Store, String> {
    match kept_at(value)? {
        KeptAt::Store(store) => Ok(store),
        KeptAt::Cookies => Err(
            "is cookies, through which replicas cannot agree; use memory or the address of a Redis"
                .to_owned(),
        ),
    }
}

const UNKNOWN: &str =
    "is unknown; use cookies, memory or the address of a Redis, as redis://cache.example.com:6379";

#[cfg(feature = "redis")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "without the feature it is a problem"
)]
fn redis(address: &str) -> Result<Store, String> {
    Ok(Store::redis(address))
}

#[cfg(not(feature = "redis"))]
fn redis(_: &str) -> Result<Store, String> {
    Err(
        "is the address of a Redis, for which this program was not built; turn on the feature `redis` of oidc-gate-tower"
            .to_owned(),
    )
}

/// `access`, `refresh` and `id`, or `none`.
pub(crate) fn keep_tokens(value: Value) -> Result<KeepTokens, String> {
    let said = list(value)?;
    if said.iter().any(|word| word == "none") {
        return match said.len() {
            1 => Ok(KeepTokens::none()),
            _ => Err("names tokens beside none; name some, or none alone".to_owned()),
        };
    }
    if said.is_empty() {
        return Err("names no token; name access, refresh or id, or say none".to_owned());
    }
    said.iter()
        .try_fold(KeepTokens::none(), |keep, word| match word.as_str() {
            "access" => Ok(keep.access()),
            "refresh" => Ok(keep.refresh()),
            "id" => Ok(keep.id()),
            other => Err(format!(
                "{other:?} is unknown; use access, refresh and id, or none"
            )),
        })
}

/// By the names that they show themselves by.
pub(crate) fn guarantees(value: Value) -> Result<Vec<Guarantee>, String> {
    let one = |name: &String| {
        let mut known = Guarantee::ALL.into_iter();
        known
            .find(|guarantee| guarantee.to_string() == *name)
            .ok_or_else(|| {
                let names = Guarantee::ALL.map(|guarantee| guarantee.to_string());
                format!(
                    "{name:?} is unknown; use {}",
                    either(names.iter().map(String::as_str))
                )
            })
    };
    list(value)?.iter().map(one).collect()
}
