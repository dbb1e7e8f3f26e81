//! From a code to an identity: what the token endpoint says and how far it is believed.

use super::*;

#[test]
fn a_code_becomes_an_identity() {
    let signed_in = sign_in(NOW, |_| {}).unwrap();
    assert_eq!(signed_in.identity.subject(), "alice");
    assert!(signed_in.identity.in_group("admins") && signed_in.identity.has_scope("profile"));
    assert_eq!(signed_in.provider_session.as_deref(), Some("s1"));
    assert_eq!(signed_in.return_to.as_str(), "/me");
}

/// How a sign-in ends whose ID token is signed with `signed`, and how often keys were looked for.
fn signed_with(
    signed: SigningKey,
    announced: Value,
    registered: Option<Alg>,
    method: Method,
    algs: AlgSet,
) -> (Result<(), Check>, u32) {
    let mut registration = registration();
    registration.client = Client::new("app", method);
    registration.id_token_alg = registered;
    let rules = SignInRules {
        algs,
        ..SignInRules::default()
    };
    let extra = json!({"id_token_signing_alg_values_supported": announced,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]});
    let provider = Provider::with(signed);
    let (result, lookups) = sign_in_with(NOW, |_| {}, provider, extra, registration, rules);
    (result.map(drop).map_err(|failed| failed.check()), lookups)
}

#[test]
fn the_registered_algorithm_wins_over_what_is_announced_and_that_over_rs256() {
    let rs256 = || SigningKey::generate(Alg::RS256).unwrap();
    let ps256 = || SigningKey::generate(Alg::PS256).unwrap();
    let basic = || Method::SecretBasic(ClientSecret::new("hush"));
    let all = AlgSet::asymmetric;
    let refused = (Err(Check::IdTokenAlg), 0);
    // A right signature is not enough: RS256 is registered.
    let both = json!(["RS256", "PS256"]);
    let registered = Some(Alg::RS256);
    assert_eq!(
        signed_with(ps256(), both.clone(), registered, basic(), all()),
        refused
    );
    assert_eq!(
        signed_with(rs256(), both.clone(), registered, basic(), all()),
        (Ok(()), 1)
    );
    // What is registered need not be announced.
    assert_eq!(
        signed_with(ps256(), json!(["RS256"]), Some(Alg::PS256), basic(), all()),
        (Ok(()), 1)
    );
    // Nothing is registered: what is announced, as far as it is allowed.
    assert_eq!(
        signed_with(ps256(), both.clone(), None, basic(), all()),
        (Ok(()), 1)
    );
    assert_eq!(
        signed_with(ps256(), json!(["RS256"]), None, basic(), all()),
        refused
    );
    let only = [Alg::RS256].into_iter().collect();
    assert_eq!(signed_with(ps256(), both, None, basic(), only), refused);
    // Nothing is announced: RS256.
    assert_eq!(
        signed_with(ps256(), Value::Null, None, basic(), all()),
        refused
    );
    assert_eq!(
        signed_with(rs256(), Value::Null, None, basic(), all()),
        (Ok(()), 1)
    );
}

#[test]
fn a_token_signed_with_the_secret_is_believed_where_that_is_registered_and_no_key_is_looked_for() {
    let secret = ClientSecret::new("0123456789abcdef".repeat(4));
    for alg in [Alg::HS256, Alg::HS384, Alg::HS512] {
        let key = || SigningKey::from_secret(alg, &secret).unwrap();
        for method in [
            Method::SecretBasic(secret.clone()),
            Method::SecretPost(secret.clone()),
        ] {
            let announced = json!([alg.name(), "ES256"]);
            assert_eq!(
                signed_with(
                    key(),
                    announced.clone(),
                    Some(alg),
                    method.clone(),
                    AlgSet::asymmetric()
                ),
                (Ok(()), 0)
            );
            // Announced and even allowed is not registered.
            for algs in [
                AlgSet::asymmetric(),
                [alg, Alg::ES256].into_iter().collect(),
            ] {
                assert_eq!(
                    signed_with(key(), announced.clone(), None, method.clone(), algs),
                    (Err(Check::IdTokenAlg), 0)
                );
            }
        }
        // Of the secret's own length only the longest is enough for all, and another secret is another key.
        let other = Method::SecretPost(ClientSecret::new("x".repeat(64)));
        assert_eq!(
            signed_with(
                key(),
                json!(["RS256"]),
                Some(alg),
                other,
                AlgSet::asymmetric()
            ),
            (Err(Check::IdTokenSignature), 0)
        );
    }
}

#[test]
fn a_client_without_a_long_secret_never_sends_its_code() {
    let secret = ClientSecret::new("x".repeat(64));
    let short = |bytes: usize| Method::SecretPost(ClientSecret::new("x".repeat(bytes)));
    for (alg, method) in [
        (Alg::HS256, Method::None),
        (Alg::HS512, Method::None),
        (Alg::HS256, short(31)),
        (Alg::HS384, short(47)),
        (Alg::HS512, short(63)),
    ] {
        let mut registration = registration();
        registration.client = Client::new("app", method.clone());
        registration.id_token_alg = Some(alg);
        let failed = start(
            &metadata(json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]})),
            &registration,
            Wanted::to(ReturnTo::root()),
            &mut Env {
                now: NOW,
                entropy: &mut Counting::default(),
            },
        )
        .unwrap_err();
        assert_eq!(failed.check(), Check::IdTokenSecret);
        assert!(!failed.cause().contains("xxx"));
        let key = SigningKey::from_secret(alg, &secret).unwrap();
        assert_eq!(
            signed_with(
                key,
                json!(["RS256"]),
                Some(alg),
                method,
                AlgSet::asymmetric()
            ),
            (Err(Check::IdTokenSecret), 0)
        );
    }
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    let check = |secs: i64| {
        let now = UnixTime::from_secs(NOW.as_secs().saturating_add_signed(secs));
        sign_in(now, |_| {})
            .map(drop)
            .map_err(|failed| failed.check())
    };
    assert_eq!(check(329), Ok(()));
    assert_eq!(check(330), Err(Check::IdTokenExpired));
    assert_eq!(check(-30), Ok(()));
    assert_eq!(check(-31), Err(Check::IdTokenIssuedAt));
}

#[test]
fn a_token_of_another_login_is_refused() {
    let stolen = sign_in(NOW, |claims| {
        drop(claims.insert("nonce".into(), "other".into()))
    });
    assert_eq!(stolen.unwrap_err().check(), Check::IdTokenNonce);
}

#[test]
fn a_token_request_that_failed_says_how() {
    for (failure, check) in [
        (Failure::NotSent, Check::ProviderUnreachable),
        (Failure::Unknown, Check::TokenUnavailable),
        (Failure::TooLarge, Check::ProviderTooLarge),
    ] {
        let Started {
            state, transaction, ..
        } = begin("/", Demand::default());
        let response = callback(&state, &format!("code=abc&{ISS}"));
        let grant = response
            .accept(transaction, NOW)
            .unwrap()
            .resolve(Use::First)
            .map(granted)
            .unwrap();
        let (metadata, registration) = (Arc::new(metadata(json!({}))), Arc::new(registration()));
        let mut flow = SignIn::new(metadata, registration, Arc::default(), grant);
        let mut entropy = Counting::default();
        let env = &mut Env {
            now: NOW,
            entropy: &mut entropy,
        };
        assert!(matches!(flow.resume(Input::Start, env), Step::Send(_)));
        let Step::Done(Err(failed)) = flow.resume(Input::Failed(failure), env) else {
            panic!("not over")
        };
        assert_eq!(failed.check(), check);
        // And it is over: a flow that has ended does nothing more.
        let Step::Done(Err(failed)) = flow.resume(Input::Start, env) else {
            panic!("begun again")
        };
        assert_eq!(failed.check(), Check::Misuse);
    }
}

#[test]
fn a_code_of_an_issuer_that_is_no_longer_configured_is_not_sent_anywhere() {
    let Started {
        state,
        mut transaction,
        ..
    } = begin("/", Demand::default());
    transaction.issuer = Issuer::parse("https://old.example").unwrap();
    let response = callback(&state, "code=abc&iss=https%3A%2F%2Fold.example");
    let grant = response
        .accept(transaction, NOW)
        .unwrap()
        .resolve(Use::First)
        .map(granted)
        .unwrap();
    let mut flow = SignIn::new(
        Arc::new(metadata(json!({}))),
        Arc::new(registration()),
        Arc::default(),
        grant,
    );
    let mut entropy = Counting::default();
    let Step::Done(Err(failed)) = flow.resume(
        Input::Start,
        &mut Env {
            now: NOW,
            entropy: &mut entropy,
        },
    ) else {
        panic!("a request was sent")
    };
    assert_eq!(failed.check(), Check::CallbackIssuer);
}
