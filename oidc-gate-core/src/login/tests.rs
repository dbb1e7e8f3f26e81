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

mod answer;
mod extent;
mod interleaved;
mod refresh;
mod request;
mod shape;
mod tokens;
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

/// As [`super::start`], with keys of its own.
fn start(
    metadata: &Metadata,
    registration: &Registration,
    wanted: Wanted,
    env: &mut Env<'_>,
) -> Result<Started, CheckFailed> {
    super::start(
        metadata,
        registration,
        wanted,
        &CookieKeys::ephemeral(),
        env,
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
    let response = callback(&started.state, &format!("code=abc&{ISS}"));
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
