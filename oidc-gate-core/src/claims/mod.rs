//! What a provider's claims say about a user, and how they become an [`Identity`](crate::identity::Identity).
//!
//! 1. The claims of the ID token, which are signed.
//! 2. What [userinfo](Userinfo) adds, where it was asked.
//! 3. The application's own changes ([`ClaimMap`]).
//! 4. Where things are, what is demanded and what is kept ([`ClaimRules`]).
//!
//! Aggregated and distributed claims
//! ([OpenID Connect Core § 5.6.2](https://openid.net/specs/openid-connect-core-1_0.html#AggregatedDistributedClaims)) are
//! not fetched: they name addresses of others' choice.

mod path;
mod read;
mod renew;
mod rules;
mod userinfo;

pub use path::ClaimPath;
pub(crate) use read::{Facts, read, read_signed};
pub(crate) use renew::renew;
pub use rules::{ClaimMap, ClaimRules, ClaimsSource, EmailRule, Shape};
pub(crate) use userinfo::Unfit;
pub use userinfo::Userinfo;

use serde_json::{Map, Value};

/// The claims that are about a token or a sign-in rather than about a user. They are what was signed: neither userinfo nor
/// the application's own changes have a say in them.
const PROTOCOL: [&str; 21] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "azp",
    "acr",
    "amr",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "session_expiry",
    "events",
    "cnf",
    "_claim_names",
    "_claim_sources",
];

/// Lets `change` do what it likes to `claims` and puts the [protocol's](PROTOCOL) back as they were.
fn guarded(claims: &mut Map<String, Value>, change: impl FnOnce(&mut Map<String, Value>)) {
    let signed = PROTOCOL.map(|name| claims.get(name).cloned());
    change(claims);
    for (name, value) in PROTOCOL.into_iter().zip(signed) {
        match value {
            Some(value) => drop(claims.insert(name.to_owned(), value)),
            None => drop(claims.remove(name)),
        }
    }
}
