//! The provider's answer, held against the login that it claims to end.

use super::*;

#[test]
fn a_transaction_survives_its_cookie_and_opens_under_its_own_name_only() {
    let keys = CookieKeys::ephemeral();
    let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
    let demand = Demand {
        acr_values: vec!["phr".into()],
        max_age: Some(Duration::from_secs(60)),
    };
    let Started {
        state, transaction, ..
    } = begin("/me?x=1", demand.clone());
    let name = transaction.cookie_name(&names);
    let sealed = transaction.seal(&keys, &name).unwrap();
    let again = Transaction::open(&keys, &name, sealed.as_bytes()).unwrap();
    assert_eq!(
        (
            again.return_to().as_str(),
            again.created(),
            again.demand.clone()
        ),
        ("/me?x=1", NOW, demand)
    );
    assert!(again.state.is_of(&state) && again.nonce.ct_eq(transaction.nonce.expose()));
    assert!(again.promises_iss);
    assert!(
        Transaction::open(
            &keys,
            &names.transaction(&State::new("other")),
            sealed.as_bytes()
        )
        .is_none()
    );
}

#[test]
fn a_response_is_read_strictly() {
    for (query, check) in [
        ("code=a&state=%zz", Check::CallbackMalformed),
        ("code=a", Check::StateMissing),
        ("code=a&state=", Check::StateMissing),
        ("code=a&code=b&state=s", Check::CallbackDuplicate),
        ("code=a&state=s&state=s", Check::CallbackDuplicate),
    ] {
        assert_eq!(
            Callback::parse(query.as_bytes()).unwrap_err().check(),
            check,
            "{query}"
        );
    }
    let long = |bytes: usize| format!("state=s&code={}", "a".repeat(bytes - "state=s&code=".len()));
    assert!(Callback::parse(long(8 * 1024).as_bytes()).is_ok());
    assert_eq!(
        Callback::parse(long(8 * 1024 + 1).as_bytes())
            .unwrap_err()
            .check(),
        Check::CallbackMalformed
    );
}

#[test]
fn state_then_time_then_issuer_then_the_response() {
    let accept = |state: Option<&str>, rest: &str, after: u64| {
        let begun = begin("/", Demand::default());
        let (transaction, own) = (begun.transaction, begun.state);
        let state = state.map_or(own, State::new);
        callback(&state, rest).accept(transaction, NOW + Duration::from_secs(after))
    };
    let refused = |state, rest, after| accept(state, rest, after).unwrap_err().check();
    // Each response is wrong in everything that comes later too.
    assert_eq!(
        refused(Some("foreign"), "error=x&iss=https%3A%2F%2Fevil", 900),
        Check::StateUnknown
    );
    assert_eq!(
        refused(None, "error=x&iss=https%3A%2F%2Fevil", 900),
        Check::TransactionExpired
    );
    assert_eq!(
        refused(None, "error=x&iss=https%3A%2F%2Fevil", 899),
        Check::CallbackIssuer
    );
    assert_eq!(
        refused(None, "error=x&iss=https%3A%2F%2Fid.example%2F", 0),
        Check::CallbackIssuer
    );
    assert_eq!(refused(None, "error=x", 0), Check::CallbackIssuerMissing);

    let resolved = |rest: &str, outcome| {
        let rest = format!("{rest}&{ISS}");
        accept(None, &rest, 0)
            .unwrap()
            .resolve(outcome)
            .map(|answered| granted(answered).code.expose().to_owned())
    };
    assert_eq!(
        resolved("code=abc", Use::Again).unwrap_err().check(),
        Check::StateReplayed
    );
    assert_eq!(
        resolved("code=abc", Use::Unknown).unwrap_err().check(),
        Check::StoreUnavailable
    );
    assert_eq!(resolved("code=abc", Use::First).unwrap(), "abc");
    for (rest, check) in [
        ("code=a&error=b", Check::CallbackMixed),
        ("x=y", Check::CallbackMixed),
        ("code=", Check::CallbackMixed),
        ("code=a&id_token=b", Check::CallbackMixed),
        ("code=a&access_token=b", Check::CallbackMixed),
        ("error=access_denied", Check::AccessDenied),
    ] {
        assert_eq!(
            resolved(rest, Use::First).unwrap_err().check(),
            check,
            "{rest}"
        );
    }
}

#[test]
fn a_provider_that_promises_nothing_may_leave_iss_out_but_not_forge_it() {
    let begin = || {
        let mut entropy = Counting::default();
        let mut env = Env {
            now: NOW,
            entropy: &mut entropy,
        };
        let metadata = metadata(json!({"authorization_response_iss_parameter_supported": false}));
        start(
            &metadata,
            &registration(),
            Wanted::to(ReturnTo::root()),
            &mut env,
        )
        .unwrap()
    };
    let begun = begin();
    assert!(
        callback(&begun.state, "code=a")
            .accept(begun.transaction, NOW)
            .is_ok()
    );
    let begun = begin();
    let forged = callback(&begun.state, "code=a&iss=https%3A%2F%2Fevil");
    assert_eq!(
        forged.accept(begun.transaction, NOW).unwrap_err().check(),
        Check::CallbackIssuer
    );
}
