//! What goes to the endpoints at which clients prove themselves: the request of this crate beside the one of `oauth2`, by the
//! same client with the same question. Where they differ, a table says why.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oidc_gate_core::{
    backchannel::{DeviceAuthorizationRequest, IntrospectionRequest, Question, RevocationRequest},
    client_auth::{Client, Credentials, Method, Proving},
    flow::{Entropy, EntropyUnavailable, Env},
    secret,
    time::UnixTime,
    token::TokenRequest,
    url::{EndpointUrl, Issuer},
};
use openidconnect::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret,
    DeviceAuthorizationResponse, DeviceAuthorizationUrl, EmptyExtraDeviceAuthorizationFields,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IntrospectionUrl, IssuerUrl,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RevocationUrl, Scope, TokenUrl,
    core::{CoreClient, CoreJsonWebKeySet, CoreRevocableToken},
    url::form_urlencoded,
};
use serde_json::json;
use std::{cell::RefCell, collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

const CODE: &str = "a code/with=+&%";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CALLBACK: &str = "https://app.example/callback?x=1";
const TOKEN: &str = "a+token/with=~*";
const SCOPES: [&str; 2] = ["stock:read", "stock&write"];
const AT: &str = "https://id.example/endpoint?tenant=1";

type Theirs =
    CoreClient<EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointNotSet>;

/// One question, as each side asks it.
struct Case {
    name: &'static str,
    ours: fn(Credentials) -> http::Request<Vec<u8>>,
    theirs: fn(&Theirs, &dyn Fn(HttpRequest) -> Result<HttpResponse, Infallible>),
}

fn sent(question: &impl Question, credentials: Credentials) -> http::Request<Vec<u8>> {
    question
        .request(&EndpointUrl::parse(AT).unwrap(), credentials)
        .unwrap()
}

fn scopes() -> impl Iterator<Item = Scope> {
    SCOPES.iter().map(|scope| Scope::new((*scope).to_owned()))
}

const CASES: &[Case] = &[
    Case {
        name: "authorization_code",
        ours: |credentials| {
            let (code, verifier) = (
                secret::AuthorizationCode::new(CODE),
                secret::CodeVerifier::new(VERIFIER),
            );
            sent(
                &TokenRequest::authorization_code(&code, CALLBACK, &verifier, &[]),
                credentials,
            )
        },
        theirs: |client, http| {
            let request = client.exchange_code(AuthorizationCode::new(CODE.into()));
            drop(
                request
                    .set_pkce_verifier(PkceCodeVerifier::new(VERIFIER.into()))
                    .request(&http),
            );
        },
    },
    Case {
        name: "refresh_token",
        ours: |credentials| {
            let request = TokenRequest::refresh_token(&secret::RefreshToken::new(TOKEN));
            sent(&request.scope(&SCOPES.join(" ")).unwrap(), credentials)
        },
        theirs: |client, http| {
            let token = RefreshToken::new(TOKEN.into());
            drop(
                client
                    .exchange_refresh_token(&token)
                    .add_scopes(scopes())
                    .request(&http),
            );
        },
    },
    Case {
        name: "client_credentials",
        ours: |credentials| {
            let request = TokenRequest::client_credentials().scope(&SCOPES.join(" "));
            let request = request
                .unwrap()
                .resource("https://api.example/stock")
                .unwrap();
            sent(&request, credentials)
        },
        theirs: |client, http| {
            let request = client.exchange_client_credentials().add_scopes(scopes());
            drop(
                request
                    .add_extra_param("resource", "https://api.example/stock")
                    .request(&http),
            );
        },
    },
    Case {
        name: "device authorization",
        ours: |credentials| {
            let request = DeviceAuthorizationRequest::new().scope(&SCOPES.join(" "));
            sent(&request.unwrap(), credentials)
        },
        theirs: |client, http| {
            let request = client.exchange_device_code().add_scopes(scopes());
            drop(request.request::<_, EmptyExtraDeviceAuthorizationFields>(&http));
        },
    },
    Case {
        name: "device_code",
        ours: |credentials| {
            sent(
                &TokenRequest::device_code(&secret::DeviceCode::new(CODE)),
                credentials,
            )
        },
        theirs: |client, http| {
            let device: DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields> = serde_json::from_value(
                json!({"device_code": CODE, "user_code": "x", "verification_uri": "https://id.example", "expires_in": 60}),
            )
            .unwrap();
            let request = client.exchange_device_access_token(&device);
            drop(request.request(&http, |_| (), Some(Duration::from_secs(60))));
        },
    },
    Case {
        name: "introspection",
        ours: |credentials| {
            sent(
                &IntrospectionRequest::access_token(&secret::AccessToken::new(TOKEN)),
                credentials,
            )
        },
        theirs: |client, http| {
            let token = AccessToken::new(TOKEN.into());
            drop(
                client
                    .introspect(&token)
                    .set_token_type_hint("access_token")
                    .request(&http),
            );
        },
    },
    Case {
        name: "revocation",
        ours: |credentials| {
            sent(
                &RevocationRequest::refresh_token(&secret::RefreshToken::new(TOKEN)),
                credentials,
            )
        },
        theirs: |client, http| {
            let token = CoreRevocableToken::RefreshToken(RefreshToken::new(TOKEN.into()));
            drop(client.revoke_token(token).unwrap().request(&http));
        },
    },
];

/// What they send, caught: the answer ends every one of their conversations.
fn caught(
    ask: impl FnOnce(&dyn Fn(HttpRequest) -> Result<HttpResponse, Infallible>),
) -> http::Request<Vec<u8>> {
    let seen = RefCell::new(Vec::new());
    ask(&|request| {
        seen.borrow_mut().push(request);
        let answer = http::Response::builder()
            .status(400)
            .header("content-type", "application/json");
        Ok(answer
            .body(br#"{"error":"access_denied"}"#.to_vec())
            .unwrap())
    });
    let [request] = <[_; 1]>::try_from(seen.into_inner()).unwrap();
    request
}

fn their_client(id: &str, secret: Option<&str>, auth_type: AuthType) -> Theirs {
    let at = || AT.to_owned();
    let client = CoreClient::new(
        ClientId::new(id.to_owned()),
        IssuerUrl::new("https://id.example".to_owned()).unwrap(),
        CoreJsonWebKeySet::new(Vec::new()),
    )
    .set_auth_uri(AuthUrl::new(at()).unwrap())
    .set_token_uri(TokenUrl::new(at()).unwrap())
    .set_device_authorization_url(DeviceAuthorizationUrl::new(at()).unwrap())
    .set_introspection_url(IntrospectionUrl::new(at()).unwrap())
    .set_revocation_url(RevocationUrl::new(at()).unwrap())
    .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap())
    .set_auth_type(auth_type);
    match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
        None => client,
    }
}

/// None of these draws on it: they write what they are given.
#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

fn our_credentials(id: &str, method: &Method) -> Credentials {
    let mut env = Env {
        now: UnixTime::from_secs(0),
        entropy: &mut NoEntropy,
    };
    let issuer = Issuer::parse("https://id.example").unwrap();
    let client = Client::new(id, method.clone());
    match method
        .prove(&Arc::from(client.id()), &issuer, &mut env)
        .unwrap()
    {
        Proving::Done(credentials) => credentials,
        Proving::ToBeSigned(..) => panic!("nothing is signed"),
    }
}

/// How two requests differ, in words.
fn differences(ours: &http::Request<Vec<u8>>, theirs: &http::Request<Vec<u8>>) -> Vec<String> {
    let mut found = Vec::new();
    if (ours.method(), ours.uri()) != (theirs.method(), theirs.uri()) {
        found.push("method or address".to_owned());
    }
    let names: BTreeSet<_> = [ours, theirs]
        .iter()
        .flat_map(|it| it.headers().keys())
        .map(|name| name.as_str())
        .collect();
    for name in names {
        let values = [ours, theirs].map(|it| it.headers().get_all(name).iter().collect::<Vec<_>>());
        if values[0] == values[1] {
            continue;
        }
        let meant = [ours, theirs].map(basic);
        match name == "authorization" && meant[0].is_some() && meant[0] == meant[1] {
            true => {
                found.push("authorization: the same id and secret, written otherwise".to_owned())
            }
            false => found.push(format!("header {name}")),
        }
    }
    let form = |it: &http::Request<Vec<u8>>| {
        let mut fields: Vec<(String, String)> =
            form_urlencoded::parse(it.body()).into_owned().collect();
        fields.sort();
        fields
    };
    let (ours, theirs) = (form(ours), form(theirs));
    let without = |a: &[(String, String)], b: &[(String, String)]| {
        let mut rest = b.to_vec();
        let left = a.iter().filter(
            |field| match rest.iter().position(|other| other == *field) {
                Some(at) => {
                    rest.swap_remove(at);
                    false
                }
                None => true,
            },
        );
        left.map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    found.extend(
        without(&ours, &theirs)
            .iter()
            .map(|name| format!("ours alone: {name}")),
    );
    found.extend(
        without(&theirs, &ours)
            .iter()
            .map(|name| format!("theirs alone: {name}")),
    );
    found
}

/// Id and secret, as a server decodes them (RFC 6749 § 2.3.1).
fn basic(request: &http::Request<Vec<u8>>) -> Option<(String, String)> {
    let value = request.headers().get("authorization")?.to_str().ok()?;
    let pair = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decoded = |text: &str| {
        let text = format!("x={text}");
        form_urlencoded::parse(text.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((decoded(id)?, decoded(secret)?))
}

/// Who asks: the method, an id and a secret.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("none", "app", ""),
    ("basic", "app", "secret"),
    ("basic", "https://app.example/a b", "a secret: +&%=~*-._ü"),
    ("post", "app", "secret"),
    ("post", "https://app.example/a b", "a secret: +&%=~*-._ü"),
];

fn compared(
    case: &Case,
    client: &(&'static str, &str, &str),
) -> BTreeSet<(&'static str, &'static str, String)> {
    let (method, id, text) = *client;
    let secret = secret::ClientSecret::new(text);
    let (ours, auth_type) = match method {
        "none" => (Method::None, AuthType::RequestBody),
        "basic" => (Method::SecretBasic(secret), AuthType::BasicAuth),
        _ => (Method::SecretPost(secret), AuthType::RequestBody),
    };
    let theirs = their_client(id, (method != "none").then_some(text), auth_type);
    let theirs = caught(|http| (case.theirs)(&theirs, http));
    let ours = (case.ours)(our_credentials(id, &ours));
    differences(&ours, &theirs)
        .into_iter()
        .map(|what| (case.name, method, what))
        .collect()
}

const NOT_TOLD: &str = "their client adds `openid` to what a device asks for; RFC 8628 § 3.1 leaves the scope to who asks";

/// What is not the same: `(question, method, what, why)`. Everything else is, byte for byte in the headers: both write a
/// Basic header as RFC 6749 § 2.3.1 has it.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "device authorization",
        "none",
        "ours alone: scope=stock:read stock&write",
        NOT_TOLD,
    ),
    (
        "device authorization",
        "none",
        "theirs alone: scope=openid stock:read stock&write",
        NOT_TOLD,
    ),
    (
        "device authorization",
        "basic",
        "ours alone: scope=stock:read stock&write",
        NOT_TOLD,
    ),
    (
        "device authorization",
        "basic",
        "theirs alone: scope=openid stock:read stock&write",
        NOT_TOLD,
    ),
    (
        "device authorization",
        "post",
        "ours alone: scope=stock:read stock&write",
        NOT_TOLD,
    ),
    (
        "device authorization",
        "post",
        "theirs alone: scope=openid stock:read stock&write",
        NOT_TOLD,
    ),
];

#[test]
fn every_difference_is_explained() {
    let found: BTreeSet<_> = CASES
        .iter()
        .flat_map(|case| CLIENTS.iter().flat_map(|client| compared(case, client)))
        .collect();
    let explained: BTreeSet<_> = DIFFERENCES
        .iter()
        .map(|(case, method, what, _)| (*case, *method, (*what).to_owned()))
        .collect();
    assert_eq!(found, explained);
}

#[test]
fn a_difference_would_be_seen() {
    let request = |body: &str| {
        http::Request::post(AT)
            .body(body.as_bytes().to_vec())
            .unwrap()
    };
    assert!(
        differences(&request("a=1&b=2"), &request("b=2&a=1")).is_empty(),
        "the order says nothing"
    );
    assert_eq!(
        differences(&request("a=1&a=1"), &request("a=1")),
        ["ours alone: a=1"]
    );
    assert_eq!(
        differences(&request("a=1"), &request("a=2")),
        ["ours alone: a=1", "theirs alone: a=2"]
    );
    let mut with_header = request("");
    with_header
        .headers_mut()
        .insert("accept", "x".parse().unwrap());
    assert_eq!(differences(&with_header, &request("")), ["header accept"]);
}
