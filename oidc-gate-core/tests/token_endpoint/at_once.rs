//! What is good once is good once, however many come at once. All have looked before the first of them acts, so each of
//! them would succeed if looking were enough.

use crate::{NOW, at, endpoint::Endpoint};
use oidc_gate_core::{
    check::Check,
    grant::{Aftermath, RefreshPolicy, Refreshing, Rotated, Rotation},
};
use std::{sync::Barrier, thread, time::Duration};

const MANY: usize = 32;

/// What `looked` and then `act` come to, in as many threads at once.
fn at_once<L: Send, T: Send>(look: impl Fn() -> L + Sync, act: impl Fn(L) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(MANY);
    thread::scope(|scope| {
        let one = || {
            let looked = look();
            barrier.wait();
            act(looked)
        };
        let threads: Vec<_> = (0..MANY).map(|_| scope.spawn(one)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

#[test]
fn of_many_redemptions_of_a_code_one_succeeds() {
    let endpoint = Endpoint::new();
    let outcomes = at_once(
        || {
            let request = endpoint.code();
            let issued = endpoint.stored_code(request.handle());
            request.check(issued.as_ref(), at(NOW)).unwrap()
        },
        |spend| {
            let spent = endpoint.spend(spend.handle());
            spend.resolve(spent).map(|owed| endpoint.pay(owed))
        },
    );
    let (granted, declined): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((granted.len(), declined.len()), (1, MANY - 1));
    for declined in declined {
        let declined = declined.unwrap_err();
        assert_eq!(
            (declined.refusal.check(), declined.then),
            (Check::GrantRace, Aftermath::RevokeGrant)
        );
    }
}

#[test]
fn of_many_refreshes_one_gets_a_new_token() {
    for grace in [Duration::ZERO, Duration::from_secs(10)] {
        let policy = RefreshPolicy {
            rotation: Rotation::Always,
            grace,
        };
        let endpoint = Endpoint::new();
        let outcomes = at_once(
            || {
                let request = endpoint.refresh();
                let issued = endpoint.stored_token(request.handle());
                request.check(issued.as_ref(), policy, at(NOW)).unwrap()
            },
            |refreshing| match refreshing {
                Refreshing::Rotate(rotate) => {
                    let replaced = endpoint.replace(rotate.handle());
                    rotate.resolve(replaced)
                }
                other => panic!("{other:?}"),
            },
        );
        let new = outcomes
            .iter()
            .filter(|it| matches!(it, Ok(Rotated::New(_))))
            .count();
        let repeated = outcomes
            .iter()
            .filter(|it| matches!(it, Ok(Rotated::Repeat(_))))
            .count();
        let reused = outcomes.iter().filter(|it| {
            it.as_ref().is_err_and(|declined| {
                declined.refusal.check() == Check::RefreshReused
                    && declined.then == Aftermath::RevokeGrant
            })
        });
        let expected = match grace.is_zero() {
            true => (1, 0, MANY - 1),
            false => (1, MANY - 1, 0),
        };
        assert_eq!((new, repeated, reused.count()), expected);
    }
}

#[test]
fn of_many_uses_of_an_assertion_one_succeeds() {
    let endpoint = Endpoint::new();
    let assertion = endpoint.assertion();
    let outcomes = at_once(
        || {
            endpoint
                .prove(&endpoint.signed(&assertion))
                .unwrap()
                .accept()
        },
        |owed| owed.resolve_with(|key, _| endpoint.insert(key)),
    );
    let (accepted, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((accepted.len(), refused.len()), (1, MANY - 1));
    for refusal in refused {
        assert_eq!(refusal.unwrap_err().check(), Check::AssertionReplayed);
    }
}

/// Not at once, but again: everything between the first success and now is remembered.
#[test]
fn a_code_is_lost_after_three_wrong_verifiers_and_not_before() {
    let endpoint = Endpoint::new();
    let attempt = |verifier: &str| {
        let request = endpoint.code_with(crate::endpoint::CODE, verifier);
        let handle = request.handle();
        let issued = endpoint.stored_code(handle);
        request.check(issued.as_ref(), at(NOW)).map_err(|declined| {
            endpoint.carry_out(handle, declined.then);
            declined.then
        })
    };
    let wrong = "x".repeat(43);
    for then in [Aftermath::CountFailure, Aftermath::CountFailure] {
        assert_eq!(attempt(&wrong).unwrap_err(), then);
        assert!(attempt(crate::endpoint::VERIFIER).is_ok());
    }
    assert_eq!(attempt(&wrong).unwrap_err(), Aftermath::Burn);
    assert_eq!(
        attempt(crate::endpoint::VERIFIER).unwrap_err(),
        Aftermath::RevokeGrant
    );
}

#[test]
fn the_registration_of_another_client_lends_nothing() {
    let endpoint = Endpoint::new();
    let other = endpoint.client("signing");
    let mine = endpoint.request(&[("grant_type", "client_credentials")]);
    let presented = endpoint.server.read(&mine).unwrap();
    let verified = endpoint
        .server
        .verify(presented, Some(other), None, at(NOW));
    let check = verified.map(drop).map_err(|refusal| refusal.check());
    assert_eq!(check, Err(Check::ClientUnknown));
}
