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

/// Counts how often it is asked.
#[derive(Debug, Default)]
struct Asked {
    bytes: Counting,
    times: u32,
}

impl Entropy for Asked {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        self.times += 1;
        self.bytes.fill(out)
    }
}

#[test]
fn what_was_prepared_begins_the_same_login_with_randomness_drawn_at_once() {
    let (metadata, registration) = (Arc::new(metadata(json!({}))), Arc::new(registration()));
    let prepared = Prepared::new(metadata.clone(), registration.clone()).unwrap();
    assert!(prepared.is_of(&metadata));
    assert!(!prepared.is_of(&Arc::new(Metadata::clone(&metadata))));
    let keys = CookieKeys::ephemeral();
    let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
    for scopes in [&[][..], &["calendar"]] {
        let [one, other] = [false, true].map(|at_once| {
            let mut wanted = Wanted::to(ReturnTo::parse("/me").unwrap());
            wanted.scopes = scopes.iter().map(ToString::to_string).collect();
            let mut entropy = Asked::default();
            let mut env = Env {
                now: NOW,
                entropy: &mut entropy,
            };
            let started = match at_once {
                true => prepared.start(wanted, &keys, &mut env),
                false => super::super::start(&metadata, &registration, wanted, &keys, &mut env),
            };
            let kept = started.unwrap().keep(&keys, &names, ReturnTo::root);
            assert_eq!(entropy.times, 1);
            kept.unwrap()
        });
        // Whatever is random came from what was drawn, also what it is sealed with.
        assert_eq!(one, other);
        assert_eq!(one.0.len(), one.0.capacity(), "{}", one.0);
    }
}

#[test]
fn a_provider_that_does_not_fit_is_not_prepared_for() {
    for (extra, check) in [
        (
            json!({"code_challenge_methods_supported": ["plain"]}),
            Check::PkceUnsupported,
        ),
        (
            json!({"authorization_endpoint": "https://id.example/authorize?Scope=x"}),
            Check::MetadataMalformed,
        ),
    ] {
        let prepared = Prepared::new(Arc::new(metadata(extra)), Arc::new(registration()));
        assert_eq!(prepared.map(drop).unwrap_err().check(), check);
    }
}
