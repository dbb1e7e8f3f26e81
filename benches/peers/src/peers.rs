//! Those that are compared, each in the kindest setting: everything in memory, one key, nobody who logs.

mod axum_keycloak_auth;
mod axum_login;
mod axum_oidc;
mod bare;
mod huskarl;
mod jwt_authorizer;
mod oidc_gate;
mod tower_oauth2_resource_server;
mod tower_sessions;

pub(crate) use bare::BARE;
pub(crate) use oidc_gate::{GATE, two_sessions};

use crate::{
    contender::{Contender, What},
    provider::Provider,
};

/// The name of the gate that is written by hand and can do nothing else.
pub(crate) const BOUND: &str = "the least, by hand";

/// All of them, by what is asked.
pub(crate) async fn all(provider: &Provider) -> Vec<Contender> {
    let mut all = bare::contenders();
    all.extend(oidc_gate::contenders(provider).await);
    all.extend(tower_sessions::contenders().await);
    all.extend(axum_login::contenders().await);
    all.extend(axum_oidc::contenders(provider).await);
    all.extend(huskarl::contenders(provider).await);
    all.extend(tower_oauth2_resource_server::contenders(provider).await);
    all.extend(jwt_authorizer::contenders(provider).await);
    all.extend(axum_keycloak_auth::contenders(provider).await);
    all.sort_by_key(|contender| What::ALL.iter().position(|what| *what == contender.what));
    for contender in &all {
        contender.prove().await;
    }
    all
}

/// The name of a crate with its version, as the lock file beside this crate has it.
fn named(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let line = format!("name = \"{name}\"");
    // The later of two versions is the one that is named here.
    let version = (lock
        .split("[[package]]")
        .filter(|package| package.contains(&line)))
    .filter_map(|package| package.split_once("version = \"")?.1.split_once('"'))
    .map(|(version, _)| version)
    .last();
    format!("{name} {}", version.unwrap_or("?"))
}
