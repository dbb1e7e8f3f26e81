use crate::first_line;
use http::{HeaderValue, Request, header};
use oidc_gate_core::{
    client_auth::{
        Authenticator, Bodies, HashedSecret, MethodName, Presented, RegisteredClient,
        RegisteredMethod, Registration, SecretPlace, Secrets, Verifying,
    },
    grant::{GrantRequest, GrantType},
    time::UnixTime,
    url::Issuer,
};
use std::{collections::BTreeSet, sync::LazyLock};

/// An `Authorization` header, if its line is not empty, and a body: JSON if it begins as an object, else a form. What is
/// taken as a form, the `url` crate reads alike; nobody proves anything, and only the public client has grants.
pub fn token_request(data: &[u8]) {
    let (authorization, body) = first_line(data);
    let json = body.starts_with(b"{");
    let kind = match json {
        true => "application/json",
        false => "application/x-www-form-urlencoded",
    };
    let mut request = Request::post("https://id.example/token")
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .expect("a request");
    if !authorization.is_empty() {
        let Ok(value) = HeaderValue::from_bytes(authorization) else {
            return;
        };
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    if json {
        assert!(Presented::read(&request, Bodies::Form).is_err());
    }
    let Ok(presented) = Presented::read(&request, Bodies::FormOrJson) else {
        return;
    };
    let id = presented.client_id().to_owned();
    assert!(id.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    let method = presented.method();
    assert_eq!(
        method == Some(MethodName::SecretBasic),
        !authorization.is_empty()
    );
    let _ = format!("{presented:?}");
    if !json {
        as_another_reads_it(body, &id);
    }

    let (server, clients) = &*WORLD;
    let client = clients.iter().find(|client| client.id() == id);
    let Ok(verified) = server.verify(presented, client, None, UnixTime::from_secs(1_700_000_000))
    else {
        return;
    };
    let Verifying::Proven(proven) = verified else {
        panic!("no keys are elsewhere");
    };
    // Nobody can have guessed a secret that was made of nothing.
    assert_eq!(method, None);
    assert_eq!(proven.client().id(), "public");
    assert!(!proven.client().is_confidential());
    assert!(client.is_some(), "one that is known");
    match GrantRequest::read(proven, GrantType::ALL) {
        Ok(GrantRequest::ClientCredentials(_)) => panic!("a public client proves nothing"),
        Ok(request) => drop(format!("{request:?}")),
        Err(refusal) => {
            let answer = refusal.respond("id.example");
            assert!(answer.status().is_client_error());
            let body: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
            assert!(body["error"].is_string());
        }
    }
}

static WORLD: LazyLock<(Authenticator, Vec<RegisteredClient>)> = LazyLock::new(|| {
    let issuer = Issuer::parse("https://id.example").expect("an issuer");
    let server = Authenticator::new(issuer, MethodName::ALL.iter().copied());
    let nobodys = format!("sha256:{}:{}", "A".repeat(22), "A".repeat(43));
    let secrets = Secrets::one(HashedSecret::parse(&nobodys).expect("a hash"));
    let secret = RegisteredMethod::Secret(SecretPlace::Either, secrets);
    let public = GrantType::ALL.iter().copied();
    let public = public.filter(|grant| *grant != GrantType::ClientCredentials);
    let clients = vec![
        server.register(Registration::new("public", RegisteredMethod::None).grants(public)),
        server.register(Registration::new("app", secret)),
    ];
    let clients = clients
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("clients");
    (server, clients)
});

/// Names that are there once, but for those that may be there more often; and the id is the one that is written.
fn as_another_reads_it(body: &[u8], id: &str) {
    let mut seen = BTreeSet::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        let often = ["resource", "audience"].contains(&&*name);
        assert!(seen.insert(name.to_string()) || often, "{name} twice");
        assert!(name != "client_id" || value.is_empty() || value == id);
    }
}
