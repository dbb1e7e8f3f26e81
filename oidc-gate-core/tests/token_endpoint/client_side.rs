//! What this crate's own client writes, its server reads: the cases of `testdata/client_authentication.toml` that end well
//! and have nothing odd in them, once more with a request that [`Method::prove`] has made.

use crate::{
    Counting,
    client_authentication::{Case, World, table},
    issuer,
};
use http::Request;
use oidc_gate_core::{
    backchannel::Question as _,
    client_auth::{AssertionKey, Authenticator, Method, MethodName, Proving, Verifying},
    flow::Env,
    form::Form,
    jose::{Alg, SigningKey},
    secret::{AuthorizationCode, ClientSecret, CodeVerifier},
    time::UnixTime,
    token::TokenRequest,
    url::EndpointUrl,
};
use std::collections::BTreeSet;

/// The exchange of a code, as the client sends it.
pub(crate) fn exchange(id: &str, method: &Method, now: UnixTime, seed: u8) -> Request<Vec<u8>> {
    let env = &mut Env {
        now,
        entropy: &mut Counting(seed),
    };
    let credentials = match method.prove(&id.into(), &issuer(), env).unwrap() {
        Proving::Done(credentials) => credentials,
        Proving::ToBeSigned(..) => panic!("nobody else has the key"),
    };
    let question = TokenRequest::authorization_code(
        &AuthorizationCode::new("code-1"),
        "https://app.example/cb",
        &CodeVerifier::new("v".repeat(43)),
        &["https://api.example".to_owned()],
    );
    let endpoint = EndpointUrl::parse("https://id.example/token").unwrap();
    question.request(&endpoint, credentials).unwrap()
}

/// The id and the method of a case, where a client of ours does the same.
fn client_of(case: &Case) -> Option<(&str, Method)> {
    let plain = case.headers.is_empty() && case.raw_body.is_none();
    if !case.is_ok() || !plain {
        return None;
    }
    let id = case.client.as_deref()?;
    let param = |name: &str| {
        let found = case.params.iter().find(|[known, _]| known == name);
        found.map(|[_, value]| value.as_str())
    };
    let method = match MethodName::from_name(case.used.as_deref()?)? {
        MethodName::None => Method::None,
        MethodName::SecretBasic => {
            let [_, secret] = case.basic.as_ref()?;
            Method::SecretBasic(ClientSecret::new(secret.as_str()))
        }
        MethodName::SecretPost => Method::SecretPost(ClientSecret::new(param("client_secret")?)),
        MethodName::SecretJwt => {
            let alg = Alg::from_name(case.alg.as_deref()?)?;
            let secret = case.assertion.as_ref()?.secret.as_deref()?;
            // Ours names no key, where there is none to name.
            case.kid.is_none().then_some(())?;
            Method::secret_jwt(alg, ClientSecret::new(secret)).ok()?
        }
        MethodName::PrivateKeyJwt => {
            let template = case
                .assertion
                .as_ref()
                .filter(|template| template.is_plain())?;
            Method::PrivateKeyJwt(key(template.key.as_deref()?))
        }
        _ => return None,
    };
    Some((id, method))
}

fn key(name: &str) -> AssertionKey {
    let alg = Alg::ALL
        .iter()
        .find(|alg| alg.name().eq_ignore_ascii_case(name));
    let pem = match name {
        "es256" => include_str!("../../testdata/keys/ec-prime256v1-pkcs8.pem"),
        "es384" => include_str!("../../testdata/keys/ec-secp384r1-pkcs8.pem"),
        "es512" => include_str!("../../testdata/keys/ec-secp521r1-pkcs8.pem"),
        "eddsa" | "ed25519" => include_str!("../../testdata/keys/ed25519-pkcs8.pem"),
        _ => include_str!("../../testdata/keys/rsa-pkcs8.pem"),
    };
    let key = SigningKey::from_pem(pem).unwrap().with_alg(*alg.unwrap());
    AssertionKey::private(key.unwrap().named(name)).unwrap()
}

#[test]
fn what_our_client_writes_ends_as_the_data_says() {
    let table = table();
    let world = World::new(&table);
    let mut seen = BTreeSet::new();
    for case in &table.case {
        let Some((id, method)) = client_of(case) else {
            continue;
        };
        let name = &case.name;
        // The parts of a server that a client has nothing to do with are those of the case.
        let server: Authenticator = case.server.build();
        let request = exchange(id, &method, case.now(), 0);
        let presented = server
            .read(&request)
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(
            Some(presented.client_id()),
            case.client.as_deref(),
            "{name}"
        );
        let registered = world.client(presented.client_id());
        let proven = match server.verify(presented, registered, None, case.now()) {
            Ok(Verifying::Proven(proven)) => proven,
            Ok(Verifying::KeysWanted(wanted)) => {
                let keys = world.published(wanted.uri().as_str());
                wanted
                    .resume(keys)
                    .unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
            }
            Err(refusal) => panic!("{name}: {refusal}"),
        };
        let got = proven.client();
        assert_eq!(Some(got.method().as_str()), case.used.as_deref(), "{name}");
        assert_eq!(
            (got.kid(), got.alg().map(Alg::name)),
            (case.kid.as_deref(), case.alg.as_deref()),
            "{name}"
        );
        seen.insert((method.name(), method.assertion_alg().map(Alg::name)));
    }
    for alg in Alg::ALL {
        let method = match alg.is_symmetric() {
            true => "client_secret_jwt",
            false => "private_key_jwt",
        };
        assert!(seen.contains(&(method, Some(alg.name()))), "{alg}");
    }
    for method in ["none", "client_secret_basic", "client_secret_post"] {
        assert!(seen.contains(&(method, None)), "{method}");
    }
}

/// The token request itself comes through, not the authentication alone.
#[test]
fn what_our_client_asks_for_is_read() {
    let request = exchange("public", &Method::None, crate::at(crate::NOW), 0);
    let mut form = Form::parse(request.body()).unwrap();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("redirect_uri", "https://app.example/cb"),
        ("resource", "https://api.example"),
        ("client_id", "public"),
    ] {
        assert_eq!(form.take(name).as_deref(), Some(value));
    }
}
