//! What a refresh sends, and what it hands on.

use super::*;
use crate::flow::SigningInput;

fn refresh(of: RefreshOf, registration: Registration, extra: Value) -> Refresh {
    let metadata = Arc::new(metadata(extra));
    Refresh::new(metadata, Arc::new(registration), Arc::default(), of)
}

fn of_alice() -> RefreshOf {
    signed_in("{}", &SignInRules::default())
}

fn resumed(flow: &mut Refresh, input: Input, now: UnixTime) -> Step<Refreshed> {
    let mut entropy = Counting::default();
    let env = &mut Env {
        now,
        entropy: &mut entropy,
    };
    flow.resume(input, env)
}

fn answer(body: &str) -> Input {
    Input::Response(http::Response::new(body.as_bytes().to_vec()))
}

fn renewed(step: Step<Refreshed>) -> Renewed {
    match step {
        Step::Done(Refreshed::Renewed(renewed)) => *renewed,
        other => panic!("{other:?}"),
    }
}

fn not_renewed(step: Step<Refreshed>) -> (Check, Spent) {
    match step {
        Step::Done(Refreshed::NotRenewed { failed, token, .. }) => (failed.check(), token),
        other => panic!("{other:?}"),
    }
}

const TOKENS: &str = r#"{"access_token":"hush-at","token_type":"Bearer"}"#;

#[test]
fn the_request_says_the_token_and_the_resources_and_no_scope() {
    let mut of = of_alice();
    of.resources = vec!["https://a.example".into(), "urn:b".into()];
    let mut flow = refresh(of, registration(), json!({}));
    let Step::Send(exchange) = resumed(&mut flow, Input::Start, LATER) else {
        panic!("nothing is sent")
    };
    assert_eq!(
        std::str::from_utf8(exchange.request.body()).unwrap(),
        "grant_type=refresh_token&refresh_token=hush-rt&resource=https%3A%2F%2Fa.example&resource=urn%3Ab"
    );
    assert_eq!(exchange.request.uri(), "https://id.example/token");
    assert_eq!(
        exchange.request.headers()["authorization"],
        "Basic YXBwOmh1c2g="
    );
    assert!(!format!("{flow:?}").contains("hush"));
}

#[test]
fn an_answer_says_whether_the_refresh_token_is_replaced() {
    for (body, token, scope) in [
        (TOKENS, None, "openid profile"),
        (
            r#"{"access_token":"a","token_type":"Bearer","refresh_token":"hush-2","scope":"openid"}"#,
            Some("hush-2"),
            "openid",
        ),
    ] {
        let mut flow = refresh(of_alice(), registration(), json!({}));
        resumed(&mut flow, Input::Start, LATER);
        let later = LATER + Duration::from_secs(8);
        let renewed = renewed(resumed(&mut flow, answer(body), later));
        let replaced = renewed.tokens.refresh_token.as_ref();
        assert_eq!(replaced.map(RefreshToken::expose), token);
        assert_eq!(renewed.tokens.scope.as_deref(), Some(scope));
        // Not when it was answered: `expires_in` runs since before.
        assert_eq!(renewed.requested_at, LATER);
        assert_eq!(renewed.provider_session.as_deref(), Some("s1"));
        assert!(renewed.identity.is_none() && renewed.note.is_none());
    }
}

#[test]
fn a_new_id_token_says_the_session_and_when_it_ends_and_a_disbelieved_one_is_not_handed_on() {
    let case = |claims: &str, keys| {
        let mut case = cases().swap_remove(1);
        case.claims = Some(claims.into());
        case.keys = keys;
        renewed(Step::Done(case.run()))
    };
    let believed = case(
        r#"{"sid":"s2","session_expiry":1700009000}"#,
        KeysAre::There,
    );
    assert_eq!(believed.provider_session.as_deref(), Some("s2"));
    assert_eq!(
        believed.session_expiry,
        Some(UnixTime::from_secs(1_700_009_000))
    );
    assert!(believed.tokens.id_token.is_some());
    // What is over ends the session, and is no reason to disbelieve the token that says so.
    let over = case(r#"{"session_expiry":1}"#, KeysAre::There);
    assert_eq!(over.session_expiry, Some(UnixTime::from_secs(1)));
    let without = case("{}", KeysAre::There);
    assert_eq!(without.provider_session.as_deref(), Some("s1"));
    assert_eq!(without.session_expiry, None);
    let disbelieved = case(r#"{"sid":"s2","session_expiry":1700009000}"#, KeysAre::Out);
    assert_eq!(disbelieved.provider_session.as_deref(), Some("s1"));
    assert_eq!(disbelieved.session_expiry, None);
    assert!(disbelieved.tokens.id_token.is_none());
}

#[test]
fn who_the_user_is_to_the_application_stays() {
    let mut case = cases().swap_remove(1);
    case.claims = Some(r#"{"groups":["new"]}"#.into());
    let identity = renewed(Step::Done(case.run())).identity.unwrap();
    let known = of_alice().identity;
    assert!(identity.is_same_user(&known) && identity.in_group("new"));
    assert_eq!(
        (identity.kind(), identity.provider(), identity.via()),
        (known.kind(), known.provider(), known.via())
    );
    // What is gone is gone: nobody stays in a group for having been there.
    assert!(known.in_group("admins") && !identity.in_group("admins"));
    assert_eq!(
        identity.scopes().collect::<Vec<_>>(),
        known.scopes().collect::<Vec<_>>()
    );
}

#[test]
fn changes_of_the_application_see_what_is_known_of_the_sign_in() {
    let mut rules = SignInRules {
        provider: "corp".into(),
        ..SignInRules::default()
    };
    rules.claims.map = Some(ClaimMap::new(|claims| {
        if claims.get("acr").is_some_and(|acr| acr == "phr") {
            claims.insert("groups".into(), json!(["strong"]));
        }
    }));
    let of = signed_in(r#"{"acr":"phr"}"#, &rules);
    let provider = Provider::new();
    let registration = registration();
    let (metadata, rules) = (metadata(json!({})), Arc::new(rules));
    let mut flow = Refresh::new(Arc::new(metadata), Arc::new(registration), rules, of);
    resumed(&mut flow, Input::Start, NOW);
    let mut claims = provider.claims("");
    claims.remove("nonce");
    let step = resumed(&mut flow, provider.answer(&claims), NOW);
    assert!(matches!(step, Step::FindKeys(_)));
    let step = resumed(&mut flow, Input::Keys(Ok(provider.published.clone())), NOW);
    let identity = renewed(step).identity.unwrap();
    assert!(identity.in_group("strong") && !identity.in_group("admins"));
    assert_eq!((identity.acr(), identity.provider()), (Some("phr"), "corp"));
}

#[test]
fn a_refresh_token_is_sent_to_no_other_issuer() {
    let mut of = of_alice();
    of.identity = of.identity.vouched_for_by("https://old.example", "");
    let mut flow = refresh(of, registration(), json!({}));
    assert_eq!(
        not_renewed(resumed(&mut flow, Input::Start, LATER)),
        (Check::RefreshIssuer, Spent::No)
    );
}

#[test]
fn a_client_that_could_not_believe_the_answer_never_sends_its_token() {
    let mut short = registration();
    short.id_token_alg = Some(Alg::HS256);
    let mut flow = refresh(of_alice(), short, json!({}));
    assert_eq!(
        not_renewed(resumed(&mut flow, Input::Start, LATER)),
        (Check::IdTokenSecret, Spent::No)
    );
    let mut flow = refresh(
        of_alice(),
        registration(),
        json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
    );
    assert_eq!(
        not_renewed(resumed(&mut flow, Input::Start, LATER)),
        (Check::ClientAuthUnsupported, Spent::No)
    );
}

#[test]
fn a_token_signed_with_the_secret_is_believed_where_that_is_registered() {
    let secret = ClientSecret::new("0123456789abcdef".repeat(4));
    let mut registered = registration();
    registered.client = Client::new("app", Method::SecretBasic(secret.clone()));
    registered.id_token_alg = Some(Alg::HS256);
    for (secret, expected) in [
        (secret, Ok(())),
        (
            ClientSecret::new("x".repeat(64)),
            Err((Check::IdTokenSignature, Spent::Yes)),
        ),
    ] {
        let provider = Provider::with(SigningKey::from_secret(Alg::HS256, &secret).unwrap());
        let mut flow = refresh(of_alice(), registered.clone(), json!({}));
        resumed(&mut flow, Input::Start, NOW);
        let mut claims = provider.claims("");
        claims.remove("nonce");
        let step = resumed(&mut flow, provider.answer(&claims), NOW);
        match expected {
            Ok(()) => assert!(renewed(step).identity.is_some()),
            Err(expected) => assert_eq!(not_renewed(step), expected),
        }
    }
}

#[test]
fn a_signature_from_outside_is_waited_for_and_its_failure_costs_nothing() {
    use crate::client_auth::AssertionKey;
    let external = || {
        let mut registration = registration();
        let key = AssertionKey::external(Alg::ES256, None).unwrap();
        registration.client = Client::new("app", Method::PrivateKeyJwt(key));
        let methods = json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"]});
        refresh(of_alice(), registration, methods)
    };
    let mut flow = external();
    let Step::Sign(SigningInput { .. }) = resumed(&mut flow, Input::Start, NOW) else {
        panic!("nobody is asked to sign")
    };
    let failed = resumed(&mut flow, Input::Failed(Failure::Unknown), LATER);
    assert_eq!(not_renewed(failed), (Check::ClientKey, Spent::No));
    let mut flow = external();
    resumed(&mut flow, Input::Start, NOW);
    let step = resumed(&mut flow, Input::Signature(vec![0; 64]), LATER);
    assert!(matches!(step, Step::Send(_)));
    // It was asked for when the signature was there.
    let renewed = renewed(resumed(&mut flow, answer(TOKENS), LATER));
    assert_eq!(renewed.requested_at, LATER);
}

#[test]
fn what_was_not_asked_ends_it_and_says_how_far_it_was() {
    let misuse = |inputs: Vec<Input>| {
        let mut flow = refresh(of_alice(), registration(), json!({}));
        for input in inputs {
            resumed(&mut flow, input, LATER);
        }
        not_renewed(resumed(&mut flow, Input::Elapsed, LATER))
    };
    let token =
        r#"{"access_token":"a","token_type":"Bearer","id_token":"eyJhbGciOiJFUzI1NiJ9.e30.AAAA"}"#;
    for (inputs, spent) in [
        (vec![], Spent::No),
        (vec![Input::Start], Spent::Perhaps),
        (vec![Input::Start, answer(token)], Spent::Yes),
        (vec![Input::Start, answer(TOKENS)], Spent::Perhaps),
    ] {
        assert_eq!(misuse(inputs), (Check::Misuse, spent));
    }
}
