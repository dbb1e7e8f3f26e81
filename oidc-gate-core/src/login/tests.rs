//! A login as a whole: relying party and provider in one process, time and randomness given.

use super::*;
use crate::{
    check::{Check, CheckFailed},
    client_auth::{Client, Method},
    flow::{Entropy, EntropyUnavailable, Env, Failure, Flow, Input, Step},
    form::Form,
    jose::{Alg, AlgSet, JwkSet, SigningKey},
    provider::Metadata,
    secret::{ClientSecret, State},
    session::{CookieKeys, CookieNames},
    time::UnixTime,
    url::{BaseUrl, Issuer},
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

mod shape;
mod userinfo;

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const ISSUER: &str = "https://id.example";

/// Predictable, and different every time.
#[derive(Debug, Default)]
pub(super) struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

pub(super) fn metadata(extra: Value) -> Metadata {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example/authorize?tenant=1",
        "token_endpoint": "https://id.example/token",
        "jwks_uri": "https://id.example/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (name, value) in extra.as_object().unwrap() {
        document[name] = value.clone();
    }
    Metadata::parse(
        document.to_string().as_bytes(),
        &Issuer::parse(ISSUER).unwrap(),
    )
    .unwrap()
}

pub(super) fn registration() -> Registration {
    let client = Client::new("app", Method::SecretBasic(ClientSecret::new("hush")));
    Registration::new(
        client,
        "https://app.example/oauth2/callback",
        &["profile", "openid"],
    )
}

fn begin(return_to: &str, demand: Demand) -> Started {
    begin_with(&metadata(json!({})), &registration(), return_to, demand)
}

fn begin_with(
    metadata: &Metadata,
    registration: &Registration,
    return_to: &str,
    demand: Demand,
) -> Started {
    let mut entropy = Counting::default();
    let mut env = Env {
        now: NOW,
        entropy: &mut entropy,
    };
    let return_to = ReturnTo::parse(return_to).unwrap();
    start(
        metadata,
        registration,
        Wanted::to(return_to).demand(demand),
        &mut env,
    )
    .unwrap()
}

pub(super) fn query(location: &str) -> Form {
    Form::parse(location.split_once('?').unwrap().1.as_bytes()).unwrap()
}

pub(super) fn callback(state: &State, rest: &str) -> Callback {
    Callback::parse(format!("state={}&{rest}", state.expose()).as_bytes()).unwrap()
}

fn granted(answered: Answered) -> Grant {
    match answered {
        Answered::Granted(grant) => *grant,
        other => panic!("{other:?}"),
    }
}

pub(super) const ISS: &str = "iss=https%3A%2F%2Fid.example";

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
    let secrets = [
        get("state"),
        get("nonce"),
        started.transaction.verifier.expose(),
    ];
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

#[test]
fn a_transaction_survives_its_cookie_and_opens_under_its_own_name_only() {
    let keys = CookieKeys::ephemeral();
    let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
    let demand = Demand {
        acr_values: vec!["phr".into()],
        max_age: Some(Duration::from_secs(60)),
    };
    let transaction = begin("/me?x=1", demand.clone()).transaction;
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
    assert!(
        again.state.ct_eq(transaction.state.expose())
            && again.nonce.ct_eq(transaction.nonce.expose())
    );
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
        let transaction = begin("/", Demand::default()).transaction;
        let state = State::new(state.unwrap_or(transaction.state.expose()));
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
        .transaction
    };
    let transaction = begin();
    assert!(
        callback(&transaction.state, "code=a")
            .accept(transaction, NOW)
            .is_ok()
    );
    let transaction = begin();
    let forged = callback(&transaction.state, "code=a&iss=https%3A%2F%2Fevil");
    assert_eq!(
        forged.accept(transaction, NOW).unwrap_err().check(),
        Check::CallbackIssuer
    );
}

/// The provider's half: answers the token request and the question for keys.
pub(super) struct Provider {
    key: SigningKey,
    published: Arc<JwkSet>,
}

impl Provider {
    pub(super) fn new() -> Self {
        Self::with(SigningKey::generate(Alg::ES256).unwrap())
    }

    fn with(key: SigningKey) -> Self {
        let set = json!({"keys": [key.public_jwk()]}).to_string();
        Self {
            published: Arc::new(JwkSet::parse(set.as_bytes()).unwrap()),
            key,
        }
    }

    fn claims(&self, nonce: &str) -> Map<String, Value> {
        let now = NOW.as_secs();
        let claims = json!({"iss": ISSUER, "sub": "alice", "aud": "app", "exp": now + 300, "iat": now, "nonce": nonce,
            "sid": "s1", "name": "Alice", "groups": ["admins"]});
        claims.as_object().unwrap().clone()
    }

    fn answer(&self, claims: &Map<String, Value>) -> Input {
        let id_token = self.key.sign_compact(&Map::new(), claims).unwrap();
        let body = json!({"access_token": "at", "token_type": "bearer", "id_token": id_token});
        Input::Response(http::Response::new(body.to_string().into_bytes()))
    }
}

/// Drives a sign-in whose ID token is changed by `edit`.
fn sign_in(now: UnixTime, edit: impl Fn(&mut Map<String, Value>)) -> Result<SignedIn, CheckFailed> {
    sign_in_with(
        now,
        edit,
        Provider::new(),
        json!({}),
        registration(),
        SignInRules::default(),
    )
    .0
}

/// The same with a provider, metadata, a registration and rules; says how often keys were looked for.
pub(super) fn sign_in_with(
    now: UnixTime,
    edit: impl Fn(&mut Map<String, Value>),
    provider: Provider,
    extra: Value,
    registration: Registration,
    rules: SignInRules,
) -> (Result<SignedIn, CheckFailed>, u32) {
    let mut lookups = 0;
    let metadata = metadata(extra);
    // As if the algorithm had been configured while the user was away.
    let begun = Registration {
        id_token_alg: None,
        ..registration.clone()
    };
    let mut started = begin_with(&metadata, &begun, "/me", Demand::default());
    let nonce = query(&started.location).take("nonce").unwrap();
    let verifier = started.transaction.verifier.clone();
    started.transaction.created = now;
    let response = callback(
        &started.transaction.state.clone(),
        &format!("code=abc&{ISS}"),
    );
    let secret = registration.client.secret().cloned();
    let grant = response
        .accept(started.transaction, now)
        .and_then(|consume| consume.resolve(Use::First))
        .map(granted)
        .unwrap();
    let mut flow = SignIn::new(
        Arc::new(metadata),
        Arc::new(registration),
        Arc::new(rules),
        grant,
    );
    let mut entropy = Counting::default();
    let mut input = Input::Start;
    loop {
        input = match flow.resume(
            input,
            &mut Env {
                now,
                entropy: &mut entropy,
            },
        ) {
            Step::Send(exchange) => {
                let form = Form::parse(exchange.request.body()).unwrap();
                assert_eq!(exchange.request.uri(), "https://id.example/token");
                if secret.as_ref().is_some_and(|secret| secret.ct_eq("hush")) {
                    assert_eq!(
                        exchange.request.headers()["authorization"],
                        "Basic YXBwOmh1c2g="
                    );
                }
                assert_eq!(
                    (form.get("code"), form.get("code_verifier")),
                    (Some("abc"), Some(verifier.expose()))
                );
                let mut claims = provider.claims(&nonce);
                edit(&mut claims);
                provider.answer(&claims)
            }
            Step::FindKeys(query) => {
                assert_eq!(query.alg, provider.key.alg());
                lookups += 1;
                Input::Keys(Ok(provider.published.clone()))
            }
            Step::Done(output) => return (output, lookups),
            other => panic!("unexpected step {other:?}"),
        };
    }
}

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
        let transaction = begin("/", Demand::default()).transaction;
        let response = callback(&transaction.state.clone(), &format!("code=abc&{ISS}"));
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
    let mut transaction = begin("/", Demand::default()).transaction;
    transaction.issuer = Issuer::parse("https://old.example").unwrap();
    let response = callback(
        &transaction.state.clone(),
        "code=abc&iss=https%3A%2F%2Fold.example",
    );
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
