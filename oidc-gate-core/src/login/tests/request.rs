//! The request: what it has to hold, and what is said before it is made.

use super::*;

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

#[test]
fn the_request_has_everything_fresh_and_keeps_the_endpoints_own_query() {
    let demand = Demand {
        acr_values: vec!["phr".into(), "mfa".into()],
        max_age: Some(Duration::ZERO),
    };
    let started = begin("/me", demand);
    let form = query(&started.location);
    let get = |name| form.get(name).unwrap();
    assert!(
        started
            .location
            .starts_with("https://id.example/authorize?tenant=1&response_type=code&")
    );
    assert_eq!(
        (get("tenant"), get("client_id"), get("scope")),
        ("1", "app", "openid profile")
    );
    assert_eq!(get("redirect_uri"), "https://app.example/oauth2/callback");
    assert_eq!((get("acr_values"), get("max_age")), ("phr mfa", "0"));
    assert_eq!(
        get("code_challenge"),
        pkce::challenge(&started.transaction.verifier)
    );
    assert_eq!(get("code_challenge_method"), "S256");
    assert_eq!(get("state"), started.state.expose());
    let (random, _) = get("state").split_once('.').unwrap();
    let secrets = [random, get("nonce"), started.transaction.verifier.expose()];
    assert!(secrets.iter().all(|text| text.len() == 43));
    assert!(secrets[0] != secrets[1] && secrets[1] != secrets[2] && secrets[0] != secrets[2]);
    assert!(
        !started
            .location
            .contains(started.transaction.verifier.expose())
    );
}

#[test]
fn without_randomness_nothing_begins() {
    let mut env = Env {
        now: NOW,
        entropy: &mut NoEntropy,
    };
    let error = start(
        &metadata(json!({})),
        &registration(),
        Wanted::to(ReturnTo::root()),
        &mut env,
    )
    .unwrap_err();
    assert_eq!(error.check(), Check::Randomness);
}

#[test]
fn what_cannot_work_is_said_before_the_user_goes_away() {
    for (extra, check) in [
        (
            json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
            Check::ClientAuthUnsupported,
        ),
        (
            json!({"response_types_supported": ["token", "code id_token"]}),
            Check::CodeFlowUnsupported,
        ),
        (
            json!({"code_challenge_methods_supported": ["plain"]}),
            Check::PkceUnsupported,
        ),
        (
            json!({"id_token_signing_alg_values_supported": ["HS256"]}),
            Check::NoCommonAlgorithm,
        ),
    ] {
        let mut entropy = Counting::default();
        let mut env = Env {
            now: NOW,
            entropy: &mut entropy,
        };
        let error = start(
            &metadata(extra),
            &registration(),
            Wanted::to(ReturnTo::root()),
            &mut env,
        )
        .unwrap_err();
        assert_eq!(error.check(), check);
    }
}

#[test]
fn of_what_a_provider_lists_one_that_fits_is_enough() {
    for extra in [
        json!({"token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"]}),
        json!({"code_challenge_methods_supported": ["plain", "S256"]}),
        json!({"id_token_signing_alg_values_supported": ["none", "HS256", "ES256"]}),
    ] {
        let mut entropy = Counting::default();
        let mut env = Env {
            now: NOW,
            entropy: &mut entropy,
        };
        let wanted = Wanted::to(ReturnTo::root());
        assert!(start(&metadata(extra), &registration(), wanted, &mut env).is_ok());
    }
}

#[test]
fn a_form_post_is_asked_for_where_the_provider_has_it_and_a_query_never() {
    let begin = |extra, mode| {
        let mut entropy = Counting::default();
        let mut env = Env {
            now: NOW,
            entropy: &mut entropy,
        };
        let mut registration = registration();
        registration.response_mode = mode;
        let wanted = Wanted::to(ReturnTo::root());
        start(&metadata(extra), &registration, wanted, &mut env)
    };
    let listed = |modes: &[&str]| json!({ "response_modes_supported": modes });
    for (extra, supported) in [
        (json!({}), false),
        (listed(&["query", "fragment"]), false),
        (listed(&["form_post.jwt"]), false),
        (listed(&["query", "form_post"]), true),
    ] {
        let started = begin(extra.clone(), ResponseMode::FormPost);
        match started {
            Ok(started) if supported => {
                let mode = query(&started.location).take("response_mode");
                assert_eq!(mode.as_deref(), Some("form_post"));
            }
            Err(failed) if !supported => {
                assert_eq!(failed.check(), Check::ResponseModeUnsupported, "{extra}");
            }
            other => panic!("{extra}: {other:?}"),
        }
        let started = begin(extra, ResponseMode::Query).unwrap();
        assert_eq!(query(&started.location).get("response_mode"), None);
    }
}
