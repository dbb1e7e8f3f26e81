//! The development provider's token endpoint: every grant, as a client meets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::{Request, StatusCode, header};
use oidc_gate_tower::{
    HttpClient as _,
    core::{
        client_auth::{ClientKeys, RegisteredMethod, Registration},
        flow::Exchange,
        form::with_query,
        grant::{GrantType, ScopeSet, TrustedIssuer},
        jose::{Alg, CompactJws, JwkSet, SigningKey},
        secret::ClientSecret,
        time::UnixTime,
    },
    dev::{DevProvider, DevProviderBuilder},
    testing::{Browser, ManualClock},
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

const ISSUER: &str = "https://id.test";
const CALLBACK: &str = "https://app.test/callback";
// RFC 7636 Appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

struct World {
    provider: DevProvider,
    browser: Browser,
    clock: ManualClock,
}

fn world(build: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder) -> World {
    let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
    let builder = DevProvider::builder().issuer(ISSUER).demo_users();
    let provider = build(builder.clock(clock.clone())).build();
    let browser = Browser::new()
        .clock(clock.clone())
        .site(ISSUER, provider.clone());
    World {
        provider,
        browser,
        clock,
    }
}

impl World {
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let body = with_query("", fields.iter().copied());
        let request = Request::post(format!("{ISSUER}{path}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body[1..].into())
            .unwrap();
        let client = self.provider.http_client();
        let response = client.send(Exchange::new(request)).await.unwrap();
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::PRAGMA], "no-cache");
        let body = serde_json::from_slice(response.body()).unwrap();
        (response.status(), body)
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Value {
        let (status, answer) = self.post("/token", fields).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    async fn refused(&self, fields: &[(&str, &str)]) -> (u16, String) {
        let (status, answer) = self.post("/token", fields).await;
        (
            status.as_u16(),
            answer["error"].as_str().unwrap().to_owned(),
        )
    }

    async fn userinfo(&self, answer: &Value) -> (StatusCode, Value) {
        let token = answer["access_token"].as_str().unwrap();
        let request = Request::get(format!("{ISSUER}/userinfo"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(vec![])
            .unwrap();
        let client = self.provider.http_client();
        let response = client.send(Exchange::new(request)).await.unwrap();
        (
            response.status(),
            serde_json::from_slice(response.body()).unwrap(),
        )
    }

    /// The answer to the code of a login.
    async fn signed_in(&mut self, scope: &str) -> (String, Value) {
        let code = self.code(scope).await;
        let answer = self.token(&redeem(&code, VERIFIER)).await;
        (code, answer)
    }

    async fn code(&mut self, scope: &str) -> String {
        let query = [
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
            ("login_hint", "alice"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let address = with_query("/authorize", query);
        let request = Request::get(address).body(http_body_util::Full::<bytes::Bytes>::default());
        let answer = tower::ServiceExt::oneshot(self.provider.clone(), request.unwrap());
        let answer = answer.await.unwrap();
        let location = answer.headers()[header::LOCATION]
            .to_str()
            .unwrap()
            .to_owned();
        let query = location.split_once("code=").unwrap().1;
        query.split('&').next().unwrap().to_owned()
    }
}

fn redeem<'a>(code: &'a str, verifier: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("code_verifier", verifier),
    ]
}

fn refresh(answer: &Value) -> Vec<(&str, &str)> {
    let token = answer["refresh_token"].as_str().unwrap();
    vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "app"),
    ]
}

/// The same of a client that proves who it is.
fn refresh_proven(answer: &Value) -> Vec<(&str, &str)> {
    let mut fields = refresh(answer);
    fields.push(("client_secret", "hush"));
    fields
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn a_refresh_token_is_issued_when_asked_for_and_replaced_when_used() {
    let mut w = world(|p| p);
    assert_eq!(w.signed_in("openid").await.1.get("refresh_token"), None);

    let (_, first) = w.signed_in("openid offline_access profile").await;
    w.clock.advance(Duration::from_secs(60));
    let second = w.token(&refresh(&first)).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(second["scope"], "openid offline_access profile");
    assert_eq!(w.userinfo(&second).await.1["name"], "Alice Adams");
    let id_token = CompactJws::parse(second["id_token"].as_str().unwrap()).unwrap();
    let request = Request::get(format!("{ISSUER}/jwks")).body(vec![]).unwrap();
    let keys = w
        .provider
        .http_client()
        .send(Exchange::new(request))
        .await
        .unwrap();
    let claims = id_token
        .verify(&JwkSet::parse(keys.body()).unwrap())
        .unwrap();
    assert_eq!(claims["auth_time"], 1_700_000_000);
    assert_eq!(claims["iat"], 1_700_000_060);

    // A narrower access token does not narrow what the refresh token is good for.
    let mut narrow = refresh(&second);
    narrow.push(("scope", "openid"));
    let third = w.token(&narrow).await;
    assert_eq!(third.get("scope"), None);
    let fourth = w.token(&refresh(&third)).await;
    assert_eq!(fourth["scope"], "openid offline_access profile");
    let mut wide = refresh(&fourth);
    wide.push(("scope", "openid email"));
    assert_eq!(w.refused(&wide).await, (400, "invalid_scope".into()));
}

#[tokio::test]
async fn two_refreshes_at_once_get_the_same_successor_and_a_late_one_ends_everything() {
    let mut w = world(|p| p);
    let (_, first) = w.signed_in("openid offline_access").await;
    let second = w.token(&refresh_proven(&first)).await;
    w.clock.advance(Duration::from_secs(9));
    let again = w.token(&refresh_proven(&first)).await;
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_eq!(w.userinfo(&second).await.0, StatusCode::OK);

    w.clock.advance(Duration::from_secs(1));
    assert_eq!(w.refused(&refresh_proven(&first)).await, invalid_grant());
    assert_eq!(w.refused(&refresh_proven(&second)).await, invalid_grant());
    for answer in [&first, &second, &again] {
        assert_eq!(w.userinfo(answer).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_public_client_gets_no_second_answer_to_a_refresh() {
    let mut w = world(|p| p);
    let (_, first) = w.signed_in("openid offline_access").await;
    let second = w.token(&refresh(&first)).await;
    assert_eq!(w.refused(&refresh(&first)).await, invalid_grant());
    assert_eq!(w.userinfo(&second).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_ends_without_use_and_after_two_weeks() {
    let mut w = world(|p| p);
    let (_, answer) = w.signed_in("openid offline_access").await;
    w.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(w.refused(&refresh(&answer)).await, invalid_grant());

    let (_, mut answer) = w.signed_in("openid offline_access").await;
    for _ in 0..14 {
        w.clock.advance(Duration::from_secs(24 * 3600 - 1));
        answer = w.token(&refresh(&answer)).await;
    }
    w.clock.advance(Duration::from_secs(14));
    assert_eq!(w.refused(&refresh(&answer)).await, invalid_grant());
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_back_everything_that_came_of_it() {
    let mut w = world(|p| p);
    let (code, first) = w.signed_in("openid offline_access").await;
    let second = w.token(&refresh(&first)).await;
    // Without the verifier it is a stranger's try, and changes nothing.
    assert_eq!(
        w.refused(&redeem(&code, &"x".repeat(43))).await,
        invalid_grant()
    );
    assert_eq!(w.userinfo(&second).await.0, StatusCode::OK);
    assert_eq!(w.refused(&redeem(&code, VERIFIER)).await, invalid_grant());
    assert_eq!(w.userinfo(&second).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(w.refused(&refresh(&second)).await, invalid_grant());
}

#[tokio::test]
async fn a_code_bears_two_wrong_verifiers_and_not_three() {
    for (wrong, expected) in [(2, 200), (3, 400)] {
        let mut w = world(|p| p);
        let code = w.code("openid").await;
        for _ in 0..wrong {
            assert_eq!(
                w.refused(&redeem(&code, &"x".repeat(43))).await,
                invalid_grant()
            );
        }
        let (status, _) = w.post("/token", &redeem(&code, VERIFIER)).await;
        assert_eq!(status.as_u16(), expected);
    }
}

fn service_key() -> (SigningKey, Arc<JwkSet>) {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let keys = json!({"keys": [key.public_jwk()]}).to_string();
    (key, JwkSet::parse(keys.as_bytes()).unwrap().into())
}

fn signed(key: &SigningKey, claims: Value) -> String {
    let Value::Object(claims) = claims else {
        panic!("claims are an object")
    };
    key.sign_compact(&Map::new(), &claims).unwrap()
}

fn service(keys: Arc<JwkSet>) -> Registration {
    let method = RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(keys), None);
    Registration::new("service", method)
        .grants([
            GrantType::ClientCredentials,
            GrantType::JwtBearer,
            GrantType::TokenExchange,
        ])
        .scopes(ScopeSet::parse("read write").unwrap())
        .resources(["https://api.test/"])
}

fn assertion(key: &SigningKey, jti: &str) -> String {
    signed(
        key,
        json!({"iss": "service", "sub": "service", "aud": ISSUER, "jti": jti, "exp": 1_700_000_060}),
    )
}

fn by_assertion<'a>(assertion: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let mut fields = vec![
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    fields.extend(more);
    fields
}

#[tokio::test]
async fn a_service_gets_a_token_in_its_own_name_once_per_assertion() {
    let (key, keys) = service_key();
    let w = world(|p| p.registered(service(keys), []));
    let own = [("grant_type", "client_credentials"), ("scope", "read")];
    let proof = assertion(&key, "1");
    let answer = w.token(&by_assertion(&proof, &own)).await;
    let names: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "expires_in", "token_type"]);
    let replayed = w.refused(&by_assertion(&proof, &own)).await;
    assert_eq!(replayed, (401, "invalid_client".into()));
    let unknown = [("grant_type", "client_credentials"), ("scope", "admin")];
    let got = w
        .refused(&by_assertion(&assertion(&key, "2"), &unknown))
        .await;
    assert_eq!(got, (400, "invalid_scope".into()));
    // A request that fails for another reason does not use the assertion up.
    assert_eq!(
        w.token(&by_assertion(&assertion(&key, "2"), &own)).await["token_type"],
        "Bearer"
    );
    let code = [("grant_type", "authorization_code"), ("code", "x")];
    let got = w.refused(&by_assertion(&assertion(&key, "3"), &code)).await;
    assert_eq!(got, (400, "unauthorized_client".into()));
    let (other, _) = service_key();
    let got = w
        .refused(&by_assertion(&assertion(&other, "4"), &own))
        .await;
    assert_eq!(got, (401, "invalid_client".into()));
}

#[tokio::test]
async fn an_assertion_of_a_trusted_issuer_is_a_grant() {
    let (key, keys) = service_key();
    let (idp, idp_keys) = service_key();
    let trusted = TrustedIssuer {
        issuer: "https://idp.test".into(),
        keys: idp_keys,
        scopes: ScopeSet::parse("read admin").unwrap(),
    };
    let w = world(|p| p.registered(service(keys), []).trust(trusted));
    let grant = |jti: &str, iss: &str| {
        signed(
            &idp,
            json!({"iss": iss, "sub": "alice", "aud": ISSUER, "jti": jti, "exp": 1_700_000_060}),
        )
    };
    const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let proof = assertion(&key, "1");
    let (first, stranger) = (grant("1", "https://idp.test"), grant("2", "https://x.test"));
    let fields = by_assertion(&proof, &[GRANT, ("assertion", &first)]);
    let answer = w.token(&fields).await;
    assert_eq!(answer["scope"], "read");
    assert_eq!(w.userinfo(&answer).await.1["sub"], "alice");
    for (proof, assertion) in [("2", &first), ("3", &stranger)] {
        let proof = self::assertion(&key, proof);
        let fields = by_assertion(&proof, &[GRANT, ("assertion", assertion)]);
        assert_eq!(w.refused(&fields).await, invalid_grant());
    }
}

#[tokio::test]
async fn a_token_is_exchanged_for_a_narrower_one_that_does_not_outlive_it() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    let (key, keys) = service_key();
    let w = world(|p| p.registered(service(keys), []));
    let own = [("grant_type", "client_credentials")];
    let first = w.token(&by_assertion(&assertion(&key, "1"), &own)).await;
    assert_eq!(first["scope"], "read write");
    w.clock.advance(Duration::from_secs(30));
    let token = first["access_token"].as_str().unwrap();
    let exchange = [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS),
        ("scope", "read"),
        ("audience", "https://api.test/"),
    ];
    let answer = w
        .token(&by_assertion(&assertion(&key, "2"), &exchange))
        .await;
    assert_eq!(answer["issued_token_type"], ACCESS);
    assert_eq!(answer["expires_in"], 3570);
    let mut elsewhere = exchange;
    elsewhere[4].1 = "https://other.test/";
    let got = w
        .refused(&by_assertion(&assertion(&key, "3"), &elsewhere))
        .await;
    assert_eq!(got, (400, "invalid_target".into()));
    let mut unknown = exchange;
    unknown[1].1 = "x";
    let got = w
        .refused(&by_assertion(&assertion(&key, "4"), &unknown))
        .await;
    assert_eq!(got, (400, "invalid_request".into()));
}

async fn begin_device(w: &World) -> (String, String) {
    let fields = [
        ("client_id", "tv"),
        ("scope", "openid profile offline_access"),
    ];
    let (status, begun) = w.post("/device_authorization", &fields).await;
    assert_eq!(status, StatusCode::OK, "{begun}");
    assert_eq!(begun["verification_uri"], "https://id.test/device");
    assert_eq!(
        (&begun["interval"], &begun["expires_in"]),
        (&json!(5), &json!(600))
    );
    let code = begun["device_code"].as_str().unwrap().to_owned();
    let page = begun["verification_uri_complete"]
        .as_str()
        .unwrap()
        .to_owned();
    (code, page)
}

fn poll(code: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", DEVICE),
        ("client_id", "tv"),
        ("device_code", code),
    ]
}

#[tokio::test]
async fn a_device_gets_its_tokens_once_somebody_agrees() {
    let mut w = world(|p| p);
    let (code, page) = begin_device(&w).await;
    assert_eq!(
        w.refused(&poll(&code)).await,
        (400, "authorization_pending".into())
    );
    // Too soon: from now on it has to leave ten seconds.
    w.clock.advance(Duration::from_secs(4));
    assert_eq!(w.refused(&poll(&code)).await, (400, "slow_down".into()));
    w.clock.advance(Duration::from_secs(9));
    assert_eq!(w.refused(&poll(&code)).await, (400, "slow_down".into()));

    w.browser.get(&page).await;
    let done = w.browser.sign_in_as("alice").await;
    assert!(done.body.contains("Device connected"), "{done:?}");

    w.clock.advance(Duration::from_secs(15));
    let answer = w.token(&poll(&code)).await;
    assert_eq!(w.userinfo(&answer).await.1["name"], "Alice Adams");
    assert_eq!(answer["scope"], "openid profile offline_access");
    assert!(answer["refresh_token"].is_string() && answer["id_token"].is_string());
    // Once, and a second use takes it back.
    w.clock.advance(Duration::from_secs(15));
    assert_eq!(w.refused(&poll(&code)).await, invalid_grant());
    assert_eq!(w.userinfo(&answer).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_device_is_told_that_the_user_refused_or_never_came() {
    let mut w = world(|p| p);
    let (code, page) = begin_device(&w).await;
    w.browser.get(&page).await;
    let done = w.browser.submit("Refuse", &[]).await;
    assert!(done.body.contains("Device refused"), "{done:?}");
    assert_eq!(w.refused(&poll(&code)).await, (400, "access_denied".into()));
    let again = w.browser.get(&page).await;
    assert!(
        again.body.contains("No device waits with this code"),
        "{again:?}"
    );

    let (code, _) = begin_device(&w).await;
    w.clock.advance(Duration::from_secs(600));
    assert_eq!(w.refused(&poll(&code)).await, (400, "expired_token".into()));
}

#[tokio::test]
async fn registered_and_simple_clients_stand_side_by_side() {
    let (key, keys) = service_key();
    let w = world(|p| {
        p.client("app", Some(ClientSecret::new("hush")), CALLBACK)
            .client(
                "app",
                Some(ClientSecret::new("hush")),
                "https://app.test/other",
            )
            .registered(service(keys), [])
    });
    let own = [("grant_type", "client_credentials")];
    w.token(&by_assertion(&assertion(&key, "1"), &own)).await;
    let fields = [own[0], ("client_id", "app"), ("client_secret", "hush")];
    w.token(&fields).await;
    let wrong = [own[0], ("client_id", "app"), ("client_secret", "other")];
    assert_eq!(w.refused(&wrong).await, (401, "invalid_client".into()));
}

#[tokio::test]
async fn an_assertion_names_the_issuer_whatever_that_is() {
    const PLAIN: &str = "http://provider.internal:3001";
    let (key, keys) = service_key();
    let clock = ManualClock::new(UnixTime::from_secs(1_700_000_000));
    let builder = DevProvider::builder().issuer(PLAIN).clock(clock);
    let provider = builder.registered(service(keys), []).build();
    for (audience, status) in [(PLAIN, 200), (ISSUER, 401)] {
        let assertion = signed(
            &key,
            json!({"iss": "service", "sub": "service", "aud": audience, "jti": audience, "exp": 1_700_000_060}),
        );
        let own = [("grant_type", "client_credentials")];
        let body = with_query("", by_assertion(&assertion, &own));
        let request = Request::post(format!("{PLAIN}/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body[1..].into())
            .unwrap();
        let sent = provider.http_client().send(Exchange::new(request)).await;
        assert_eq!(sent.unwrap().status(), status, "{audience}");
    }
}
