//! Whatever comes is answered.

use crate::{
    NOW, at,
    client_authentication::{Server, World, table},
};
use http::{HeaderValue, Request, header};
use oidc_gate_core::{
    client_auth::{Authenticator, Bodies, Refusal, Verifying},
    grant::{GrantRequest, GrantType, RefreshPolicy},
};
use proptest::prelude::*;
use std::sync::LazyLock;

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(&table()));
static SERVER: LazyLock<Authenticator> =
    LazyLock::new(|| Server::default().build().bodies(Bodies::FormOrJson));

/// As far as a request gets where nothing is stored.
fn through(request: &Request<Vec<u8>>) -> Result<(), Refusal> {
    let presented = SERVER.read(request)?;
    let id = presented.client_id().to_owned();
    let Some(client) = WORLD.client(&id) else {
        return SERVER.verify(presented, None, None, at(NOW)).map(drop);
    };
    let proven = match SERVER.verify(presented, Some(client), None, at(NOW))? {
        Verifying::Proven(proven) => proven,
        Verifying::KeysWanted(wanted) => wanted.resume(None)?,
    };
    let now = at(NOW);
    match GrantRequest::read(proven, GrantType::ALL)? {
        GrantRequest::AuthorizationCode(request) => request
            .check(None, now)
            .map(drop)
            .map_err(|declined| declined.refusal),
        GrantRequest::DeviceCode(request) => request
            .check(None, now)
            .map(drop)
            .map_err(|declined| declined.refusal),
        GrantRequest::RefreshToken(request) => {
            let policy = RefreshPolicy::default();
            request
                .check(None, policy, now)
                .map(drop)
                .map_err(|declined| declined.refusal)
        }
        GrantRequest::ClientCredentials(request) => request.check().map(drop),
        GrantRequest::JwtBearer(request) => request.check(&SERVER, None, now).map(drop),
        GrantRequest::TokenExchange(request) => request.check(None, None, now).map(drop),
    }
}

/// The names that mean something, so that chance gets somewhere.
const NAME: &str = "grant_type|client_id|client_secret|client_assertion|client_assertion_type|code|code_verifier|redirect_uri|refresh_token|scope|resource|audience|assertion|device_code|subject_token|subject_token_type|actor_token|[a-z_]{0,8}";
const VALUE: &str = "public|post|keys|authorization_code|refresh_token|client_credentials|urn:ietf:params:oauth:client-assertion-type:jwt-bearer|urn:ietf:params:oauth:grant-type:(jwt-bearer|device_code|token-exchange)|eyJhbGciOiJFUzI1NiJ9\\.e30\\.[A-Za-z0-9_-]{0,20}|[ -~]{0,20}|\\PC{0,5}";

proptest! {
    #[test]
    fn over_any_bytes(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        kind in proptest::collection::vec(any::<u8>(), 0..40),
        authorization in proptest::collection::vec(any::<u8>(), 0..40),
        json in any::<bool>(),
    ) {
        let mut request = Request::post("https://id.example/token").body(body).unwrap();
        let usual = match json {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(usual));
        let _ = through(&request);
        for prefix in [&b""[..], b"Basic "] {
            if let Ok(value) = HeaderValue::from_bytes(&[prefix, &authorization].concat()) {
                request.headers_mut().insert(header::AUTHORIZATION, value);
                let _ = through(&request);
            }
        }
        if let Ok(value) = HeaderValue::from_bytes(&kind) {
            request.headers_mut().insert(header::CONTENT_TYPE, value);
            let _ = through(&request);
        }
    }

    /// And what is answered is always an answer of a token endpoint.
    #[test]
    fn over_what_looks_like_a_request(fields in proptest::collection::vec((NAME, VALUE), 0..8)) {
        let mut body = String::new();
        for (name, value) in &fields {
            oidc_gate_core::form::push_pair(&mut body, name, value);
        }
        let request = Request::post("https://id.example/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .unwrap();
        if let Err(refusal) = through(&request) {
            let answer = refusal.respond("id.example");
            let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            prop_assert!(body["error"].is_string());
            prop_assert!(answer.status().is_client_error());
        }
    }
}
