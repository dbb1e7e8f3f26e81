//! What a login asks for beyond every login, from its request to its identity.

use super::*;
use crate::{form, identity::Identity};

const TAKES_CLAIMS: &str = "claims_parameter_supported";

fn wanting(edit: impl FnOnce(&mut Wanted)) -> Wanted {
    let mut wanted = Wanted::to(ReturnTo::parse("/me").unwrap());
    edit(&mut wanted);
    wanted
}

fn claims(value: Value) -> Option<ClaimsRequest> {
    Some(ClaimsRequest::parse(value).unwrap())
}

fn registered(edit: impl FnOnce(&mut Wishes)) -> Registration {
    let mut registration = registration();
    edit(&mut registration.wishes);
    registration
}

fn started(registration: &Registration, wanted: Wanted) -> Result<Started, CheckFailed> {
    let mut env = Env {
        now: NOW,
        entropy: &mut Counting::default(),
    };
    start(
        &metadata(json!({TAKES_CLAIMS: true})),
        registration,
        wanted,
        &mut env,
    )
}

/// The login as it comes out of its cookie.
fn kept(transaction: &Transaction) -> Transaction {
    let keys = CookieKeys::ephemeral();
    let sealed = transaction.seal(&keys, "login").unwrap();
    Transaction::open(&keys, "login", sealed.as_bytes()).unwrap()
}

/// The one parameter that may come several times.
fn resources_in(form: &str) -> Vec<String> {
    form.split('&')
        .filter_map(|pair| pair.strip_prefix("resource="))
        .map(|value| form::decode(value.as_bytes()).unwrap().into())
        .collect()
}

/// Ends the login; the token response names `granted`, and the ID token `auth_time`. The resources of the token request,
/// and what came of it.
fn ended(
    registration: &Registration,
    started: &Started,
    granted_scope: Option<&str>,
    auth_time: Option<u64>,
) -> (Vec<String>, Result<Identity, Check>) {
    let provider = Provider::new();
    let Started {
        state, transaction, ..
    } = started;
    let grant = callback(state, &format!("code=abc&{ISS}"))
        .accept(kept(transaction), NOW)
        .and_then(|consume| consume.resolve(Use::First))
        .map(granted)
        .unwrap();
    let mut id_token = provider.claims(transaction.nonce.expose());
    id_token.extend(auth_time.map(|time| ("auth_time".to_owned(), time.into())));
    let id_token = provider.key.sign_compact(&Map::new(), &id_token).unwrap();
    let mut tokens = json!({"access_token": "at", "token_type": "bearer", "id_token": id_token});
    if let Some(scope) = granted_scope {
        tokens["scope"] = scope.into();
    }
    let mut flow = SignIn::new(
        Arc::new(metadata(json!({}))),
        Arc::new(registration.clone()),
        Arc::new(SignInRules::default()),
        grant,
    );
    let (mut input, mut resources) = (Input::Start, Vec::new());
    loop {
        let mut env = Env {
            now: NOW,
            entropy: &mut Counting::default(),
        };
        input = match flow.resume(input, &mut env) {
            Step::Send(exchange) => {
                let body = std::str::from_utf8(exchange.request.body()).unwrap();
                resources = resources_in(body);
                Input::Response(http::Response::new(tokens.to_string().into_bytes()))
            }
            Step::FindKeys(_) => Input::Keys(Ok(provider.published.clone())),
            Step::Done(output) => {
                let identity = output.map(|signed_in| signed_in.identity);
                return (resources, identity.map_err(|failed| failed.check()));
            }
            other => panic!("unexpected step {other:?}"),
        };
    }
}

#[test]
fn scopes_are_asked_for_once_and_granted_where_the_token_response_says_nothing() {
    let registration = registration();
    for (wanted, asked) in [
        (&[][..], "openid profile"),
        (&["calendar"], "openid profile calendar"),
        (
            &["profile", "calendar", "openid", "calendar"],
            "openid profile calendar",
        ),
        // Not a part of one that is there.
        (&["pro", "open"], "openid profile pro open"),
    ] {
        let scopes = wanted.iter().map(|scope| (*scope).to_owned()).collect();
        let started = started(&registration, wanting(|w| w.scopes = scopes)).unwrap();
        assert_eq!(query(&started.location).get("scope"), Some(asked));
        for (granted, has) in [(None, asked), (Some("openid mail"), "openid mail")] {
            let (_, identity) = ended(&registration, &started, granted, None);
            let identity = identity.unwrap();
            assert_eq!(identity.scopes().collect::<Vec<_>>().join(" "), has);
        }
    }
}

#[test]
fn the_resources_of_the_request_are_those_of_the_token_request() {
    let always = registered(|wishes| wishes.resource = vec!["https://always.example/".into()]);
    let own = vec!["https://a.example/x?y=1&z".to_owned(), "urn:b".to_owned()];
    for (registration, wanted, resources) in [
        (registration(), vec![], vec![]),
        (always.clone(), vec![], always.wishes.resource.clone()),
        (always, own.clone(), own.clone()),
        (registration(), own.clone(), own),
    ] {
        let started = started(&registration, wanting(|w| w.resource = wanted)).unwrap();
        let query = started.location.split_once('?').unwrap().1;
        assert_eq!(resources_in(query), resources);
        // The configuration may change while the user is away.
        let changed = registered(|wishes| wishes.resource = vec!["https://new.example/".into()]);
        let (sent, identity) = ended(&changed, &started, None, None);
        assert_eq!(sent, resources);
        assert!(identity.is_ok());
    }
}

#[test]
fn a_logins_own_claims_are_sent_alone_and_only_to_a_provider_that_reads_them() {
    let registration = registered(|w| w.claims = claims(json!({"userinfo": {"email": null}})));
    let own = || wanting(|w| w.claims = claims(json!({"userinfo": {"phone_number": null}})));
    let location = started(&registration, own()).unwrap().location;
    assert_eq!(
        query(&location).get("claims"),
        Some(r#"{"userinfo":{"phone_number":null}}"#)
    );
    let mut env = Env {
        now: NOW,
        entropy: &mut Counting::default(),
    };
    let metadata = metadata(json!({TAKES_CLAIMS: false}));
    let failed = start(&metadata, &self::registration(), own(), &mut env).unwrap_err();
    assert_eq!(failed.check(), Check::ClaimsUnsupported);
}

#[test]
fn what_is_demanded_of_every_login_is_not_lost_by_a_logins_own_claims() {
    let level =
        |values: &[&str]| json!({"id_token": {"acr": {"essential": true, "values": values}}});
    let registration = registered(|w| w.claims = claims(level(&["a", "b"])));
    for (own, demanded, sent) in [
        (
            json!({"userinfo": {"email": null}}),
            Ok(vec!["a", "b"]),
            json!({"userinfo": {"email": null}}),
        ),
        (
            json!({"id_token": {"acr": null}}),
            Ok(vec!["a", "b"]),
            level(&["a", "b"]),
        ),
        (level(&["b", "c"]), Ok(vec!["b"]), level(&["b"])),
        (level(&["c"]), Err(Check::IdTokenAcr), json!({})),
    ] {
        let names_acr = own["id_token"].get("acr").is_some();
        let got = started(&registration, wanting(|w| w.claims = claims(own.clone())));
        match (got, demanded) {
            (Ok(started), Ok(demanded)) => {
                assert_eq!(kept(&started.transaction).demand.acr_values, demanded);
                let form = query(&started.location);
                let asked: Value = serde_json::from_str(form.get("claims").unwrap()).unwrap();
                assert_eq!(asked, sent, "{own}");
                // Said in one place of the two.
                let beside = (!names_acr).then(|| demanded.join(" "));
                assert_eq!(form.get("acr_values"), beside.as_deref(), "{own}");
            }
            (got, demanded) => assert_eq!(
                got.map(|_| ()).map_err(|failed| failed.check()),
                demanded.map(|_| ())
            ),
        }
    }
}

#[test]
fn a_time_of_the_sign_in_that_is_essential_is_asked_for_and_has_to_come() {
    let time = || claims(json!({"id_token": {"auth_time": {"essential": true}}}));
    let none = || claims(json!({"userinfo": {"email": null}}));
    for (always, own, essential) in [
        (time(), None, true),
        (time(), none(), true),
        (none(), time(), true),
        (None, time(), true),
        (none(), None, false),
        (None, None, false),
    ] {
        let what = format!("{always:?} {own:?}");
        let registration = registered(|wishes| wishes.claims = always);
        let started = started(&registration, wanting(|w| w.claims = own)).unwrap();
        let asked = query(&started.location).take("claims").unwrap_or_default();
        assert_eq!(asked.contains("auth_time"), essential, "{what}");
        // What held when the login began.
        let (_, without) = ended(&self::registration(), &started, None, None);
        let refused = essential.then_some(Check::IdTokenAuthTime);
        assert_eq!(without.err(), refused, "{what}");
        let now = Some(NOW.as_secs());
        let (_, with) = ended(&self::registration(), &started, None, now);
        assert_eq!(with.err(), None, "{what}");
    }
}
