//! Every check of the token endpoint is hit by a case, and has a case beside it that passes.

use crate::{client_authentication, grants};
use oidc_gate_core::{
    check::Check,
    client_auth::{RegisteredMethod, Registration, RegistrationError},
    grant::GrantType,
};
use std::collections::{BTreeMap, BTreeSet};

const AREAS: [&str; 3] = ["client_auth", "assertion", "grant"];

/// Checks that no case of these tables can hit, and why.
const NOT_HIT: [(&str, &str); 3] = [
    (
        "client_auth.too_many",
        "whoever counts attempts refuses by it; nothing counts here",
    ),
    (
        "grant.certificate_missing",
        "these tables have no connection that could show a certificate",
    ),
    (
        "grant.client_credentials_public",
        "such a client cannot be registered, see below",
    ),
];

#[test]
fn every_check_is_hit_by_a_case_and_has_one_beside_it_that_passes() {
    let (clients, grants) = (client_authentication::table(), grants::table());
    let mut hit = BTreeSet::new();
    let mut passing = BTreeSet::new();
    for case in &clients.case {
        for step in std::iter::once(case).chain(&case.then) {
            hit.insert(step.expected.as_str());
        }
        if case.is_ok() {
            passing.insert(case.name.as_str());
        }
    }
    for case in &grants.case {
        hit.insert(case.expected.as_str());
        if case.is_ok() {
            passing.insert(case.name.as_str());
        }
    }
    let near: BTreeMap<_, _> = clients.near_miss.iter().chain(&grants.near_miss).collect();
    let mut missing = vec![];
    for check in Check::ALL {
        let id = check.id();
        let (area, _) = id.split_once('.').unwrap();
        if !AREAS.contains(&area) || NOT_HIT.iter().any(|(name, _)| *name == id) {
            continue;
        }
        if !hit.contains(id) {
            missing.push(format!("{id} is hit by no case"));
        }
        if !near
            .get(&id.to_owned())
            .is_some_and(|name| passing.contains(name.as_str()))
        {
            missing.push(format!("{id} has no case beside it that passes"));
        }
    }
    assert_eq!(missing, [""; 0]);
    let known: BTreeSet<&str> = Check::ALL.iter().map(|check| check.id()).collect();
    for id in hit.iter().chain(NOT_HIT.iter().map(|(id, _)| id)) {
        assert!(*id == "ok" || known.contains(id), "{id}");
    }
}

/// The exception above: [`Check::ClientCredentialsPublic`] stands behind this.
#[test]
fn a_public_client_cannot_be_registered_to_have_tokens_in_its_own_name() {
    let server = client_authentication::Server::default().build();
    let registration =
        Registration::new("public", RegisteredMethod::None).grants([GrantType::ClientCredentials]);
    assert_eq!(
        server.register(registration).unwrap_err(),
        RegistrationError::PublicClientCredentials
    );
}
