//! No secret is in anything that is printed: not in the values on the way, and not in the cause of a refusal.

use crate::{
    Counting, NOW, at,
    client_authentication::{self, Store},
    endpoint::{CODE, Endpoint, REFRESH, SECRET, VERIFIER},
    grants,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oidc_gate_core::{
    client_auth::{JwtSecrets, Refusal, RegisteredMethod, Registration},
    grant::{DeviceAuthorizationRequest, RefreshPolicy, Refreshing, Rotated},
    secret::{AccessToken, ClientSecret, IdToken, RefreshToken},
};
use std::{collections::BTreeSet, fmt::Debug, time::Duration};

/// Shorter ones are words that a cause may well have.
const LEAST: usize = 8;

fn clean(what: &str, printed: &str, secrets: &BTreeSet<String>) {
    for secret in secrets.iter().filter(|secret| secret.len() >= LEAST) {
        assert!(
            !printed.contains(secret.as_str()),
            "{what}: {secret:?} in {printed}"
        );
    }
}

fn printed(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn in_no_value_on_the_way_to_a_token() {
    let endpoint = Endpoint::new();
    let assertion = endpoint.assertion();
    let basic = STANDARD.encode(format!("app:{SECRET}"));
    let texts = [
        SECRET,
        CODE,
        REFRESH,
        VERIFIER,
        "access-token-1",
        "refresh-token-2",
        "id-token-3",
        &basic,
    ];
    let mut secrets: BTreeSet<String> = texts.map(str::to_owned).into();
    secrets.extend(assertion.split('.').map(str::to_owned));
    let check = |what: &str, value: &dyn Debug| clean(what, &printed(&value), &secrets);

    let signed = endpoint.signed(&assertion);
    check("presented", &endpoint.server.read(&signed).unwrap());
    let proven = endpoint.prove(&signed).unwrap();
    check("proven", &proven);
    check("accepted", &proven.accept());

    let params = [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
    ];
    let request = endpoint.request(&params);
    check("presented", &endpoint.server.read(&request).unwrap());
    check("proven", &endpoint.prove(&request).unwrap());
    let request = endpoint.code();
    check("request", &request);
    let issued = endpoint.stored_code(request.handle());
    check("stored", &issued);
    let spend = request.check(issued.as_ref(), at(NOW)).unwrap();
    check("spend", &spend);
    let spent = endpoint.spend(spend.handle());
    let granted = endpoint.pay(spend.resolve(spent).unwrap());
    check("granted", &granted);
    let answer = granted
        .answer(&AccessToken::new("access-token-1"))
        .refresh_token(&RefreshToken::new("refresh-token-2"))
        .id_token(&IdToken::new("id-token-3"));
    check("answer", &answer);

    let request = endpoint.refresh();
    check("request", &request);
    let issued = endpoint.stored_token(request.handle());
    check("stored", &issued);
    let refreshing = request
        .check(issued.as_ref(), RefreshPolicy::default(), at(NOW))
        .unwrap();
    check("refreshing", &refreshing);
    let Refreshing::Rotate(rotate) = refreshing else {
        panic!("it is replaced");
    };
    let replaced = endpoint.replace(rotate.handle());
    let rotated = rotate.resolve(replaced).unwrap();
    check("rotated", &rotated);
    assert!(matches!(rotated, Rotated::New(_)));

    check("client", endpoint.client("app"));
    check("client", endpoint.client("signing"));
    let jwt = JwtSecrets::new(
        [(ClientSecret::new(SECRET.repeat(2)), Default::default())],
        None,
    );
    let registration = Registration::new("hmac", RegisteredMethod::SecretJwt(jwt));
    check("registration", &registration);
    check("client", &endpoint.server.register(registration).unwrap());
    check("server", &endpoint.server);
}

#[test]
fn in_no_request_for_a_grant() {
    const HIDDEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl";
    let endpoint = Endpoint::new();
    let secrets = HIDDEN.split('.').map(str::to_owned).collect();
    let of = |kind: &str| format!("urn:ietf:params:oauth:grant-type:{kind}");
    let token = "urn:ietf:params:oauth:token-type:access_token";
    let mut seen = 0;
    for (kind, fields) in [
        (
            "authorization_code".to_owned(),
            vec![("code", HIDDEN), ("code_verifier", HIDDEN)],
        ),
        ("refresh_token".to_owned(), vec![("refresh_token", HIDDEN)]),
        (of("device_code"), vec![("device_code", HIDDEN)]),
        (of("jwt-bearer"), vec![("assertion", HIDDEN)]),
        (
            of("token-exchange"),
            vec![
                ("subject_token", HIDDEN),
                ("subject_token_type", token),
                ("actor_token", HIDDEN),
                ("actor_token_type", token),
            ],
        ),
    ] {
        let mut params = vec![("grant_type", kind.as_str())];
        params.extend(fields);
        let request = endpoint.read(&endpoint.request(&params)).unwrap();
        clean(&kind, &printed(&request), &secrets);
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn in_no_device_authorization() {
    let endpoint = Endpoint::new();
    let proven = endpoint.prove(&endpoint.request(&[])).unwrap();
    let owed = DeviceAuthorizationRequest::read(proven).unwrap();
    let request = owed.resolve_with(|key, _| endpoint.insert(key)).unwrap();
    let request_printed = printed(&request);
    let life = Duration::from_secs(600);
    let issued = request
        .issue(
            "https://id.example/device",
            life,
            5,
            at(NOW),
            &mut Counting(0),
        )
        .unwrap();
    let printed = format!(
        "{request_printed} {} {}",
        printed(&issued),
        printed(&issued.user_code())
    );
    let typed = issued.user_code().to_string();
    let answer: serde_json::Value = serde_json::from_slice(issued.respond().body()).unwrap();
    let code = answer["device_code"].as_str().unwrap().to_owned();
    clean("device", &printed, &[code, typed].into());
}

fn refusal_is_clean(name: &str, refusal: &Refusal, secrets: &BTreeSet<String>) {
    let printed = format!("{refusal} {} {}", refusal.cause(), printed(refusal));
    clean(name, &printed, secrets);
    let answer = refusal.respond("id.example");
    clean(name, &String::from_utf8_lossy(answer.body()), secrets);
}

#[test]
fn in_no_refusal_of_a_client() {
    let table = client_authentication::table();
    let world = client_authentication::World::new(&table);
    let mut seen = 0;
    for case in &table.case {
        let mut secrets = BTreeSet::new();
        secrets.extend(case.basic.iter().map(|[_, secret]| secret.clone()));
        let params = case
            .params
            .iter()
            .filter(|[name, _]| name == "client_secret");
        secrets.extend(params.map(|[_, secret]| secret.clone()));
        if let Some(template) = &case.assertion {
            // The whole of it and its signature; what it says may stand in a cause.
            let assertion = template.of_client(&world.keys);
            secrets.extend(
                assertion
                    .rsplit_once('.')
                    .map(|(_, signature)| signature.to_owned()),
            );
            secrets.insert(assertion);
            secrets.extend(template.secret.clone());
        }
        let headers = case
            .headers
            .iter()
            .filter(|[name, _]| name == "authorization");
        secrets.extend(
            headers.filter_map(|[_, value]| value.split(' ').next_back().map(str::to_owned)),
        );
        if let Err(refusal) = case.run(&world, &mut Store::default()) {
            seen += 1;
            // Nothing that is empty or a name of the format.
            secrets.retain(|secret| !matches!(secret.as_str(), "assertion"));
            refusal_is_clean(&case.name, &refusal, &secrets);
        }
    }
    assert!(seen > 150);
}

#[test]
fn in_no_refusal_of_a_grant() {
    const NAMES: [&str; 7] = [
        "code",
        "code_verifier",
        "refresh_token",
        "device_code",
        "subject_token",
        "actor_token",
        "assertion",
    ];
    let table = grants::table();
    let world = grants::World::new(&table);
    let mut seen = 0;
    for case in &table.case {
        let params = case
            .params
            .iter()
            .filter(|[name, _]| NAMES.contains(&name.as_str()));
        let secrets = params.map(|[_, value]| value.clone()).collect();
        if let Err(declined) = case.run(&world) {
            seen += 1;
            refusal_is_clean(&case.name, &declined.refusal, &secrets);
        }
    }
    assert!(seen > 100);
}
