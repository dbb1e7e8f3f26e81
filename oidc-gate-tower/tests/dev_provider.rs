//! The development provider, driven as a relying party and a browser drive it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{
    HttpClient as _, Identity,
    core::{
        flow::{Exchange, Failure},
        form::{Form, encode, with_query},
        jose::{Alg, CompactJws, JwkSet},
        secret::ClientSecret,
        time::UnixTime,
    },
    dev::{DevProvider, DevProviderBuilder, Endpoint, Fault, Mishap},
    testing::{self, Browser, ManualClock, Page},
};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};

const ISSUER: &str = "https://id.test";
const CALLBACK: &str = "https://app.test/callback";
// RFC 7636 Appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const START: u64 = 1_700_000_000;

/// A provider with the demo users, a browser that knows it and an application, and a clock for both.
struct World {
    provider: DevProvider,
    browser: Browser,
    clock: ManualClock,
}

fn world(build: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder) -> World {
    let clock = ManualClock::new(UnixTime::from_secs(START));
    let builder = DevProvider::builder().issuer(ISSUER).demo_users();
    let provider = build(builder.clock(clock.clone())).build();
    let app = tower::service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("the application"))))
    });
    let browser = Browser::new()
        .clock(clock.clone())
        .site(ISSUER, provider.clone())
        .site("https://app.test", app);
    World {
        provider,
        browser,
        clock,
    }
}

/// An authorization request with these parameters added or, where they are there already, put in their place. An empty
/// value counts as left out.
fn authorize(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email"),
        ("state", "s t&a+te%20=é"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
    let endpoint = format!("{ISSUER}/authorize");
    with_query(&endpoint, kept.chain(changes).copied())
}

/// The parameters that arrived at the application.
fn reply(page: &Page) -> Form {
    let (at, query) = page.url.split_once('?').unwrap();
    assert_eq!(at, CALLBACK, "{page:?}");
    Form::parse(query.as_bytes()).unwrap()
}

impl World {
    async fn code(&mut self, user: &str) -> String {
        self.browser.get(&authorize(&[])).await;
        let page = self.browser.sign_in_as(user).await;
        reply(&page).take("code").unwrap()
    }

    async fn send(&self, request: Request<Vec<u8>>) -> (StatusCode, Response<Vec<u8>>) {
        let response = self
            .provider
            .http_client()
            .send(Exchange::new(request))
            .await
            .unwrap();
        (response.status(), response)
    }

    async fn token(&self, code: &str, changes: &[(&str, &str)]) -> (StatusCode, Value) {
        let (status, response) = self.send(token_request(code, changes, None)).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        (status, serde_json::from_slice(response.body()).unwrap())
    }

    async fn keys(&self) -> JwkSet {
        let request = Request::get(format!("{ISSUER}/jwks")).body(vec![]).unwrap();
        JwkSet::parse(self.send(request).await.1.body()).unwrap()
    }

    async fn userinfo(&self, token: &str) -> (StatusCode, Value) {
        let request = Request::get(format!("{ISSUER}/userinfo"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(vec![])
            .unwrap();
        let (status, response) = self.send(request).await;
        (status, serde_json::from_slice(response.body()).unwrap())
    }
}

fn token_request(
    code: &str,
    changes: &[(&str, &str)],
    authorization: Option<String>,
) -> Request<Vec<u8>> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("code_verifier", VERIFIER),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
    let body = with_query("", kept.chain(changes).copied());
    let mut request = Request::post(format!("{ISSUER}/token"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request.body(body[1..].into()).unwrap()
}

fn claims(answer: &Value, keys: &JwkSet) -> Value {
    let token = CompactJws::parse(answer["id_token"].as_str().unwrap()).unwrap();
    Value::Object(token.verify(keys).unwrap())
}

#[tokio::test]
async fn a_user_signs_in_and_the_tokens_say_who() {
    let mut w = world(|b| b);
    w.browser
        .get(&authorize(&[("acr_values", "phr mfa")]))
        .await;
    let page = w.browser.sign_in_as("alice").await;
    assert_eq!(page.body, "the application");
    let mut reply = reply(&page);
    assert_eq!(reply.get("state"), Some("s t&a+te%20=é"));
    assert_eq!(reply.get("iss"), Some(ISSUER));
    assert_eq!(
        page.history[page.history.len() - 2].1,
        StatusCode::SEE_OTHER
    );

    let code = reply.take("code").unwrap();
    let (status, answer) = w.token(&code, &[]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["token_type"], "Bearer");
    let mut claims = claims(&answer, &w.keys().await);
    let one_off = claims.as_object_mut().unwrap();
    assert!(one_off.remove("sid").is_some() && one_off.remove("at_hash").is_some());
    assert_eq!(
        claims,
        json!({"iss": ISSUER, "sub": "alice", "aud": "app", "iat": START, "exp": START + 3600, "auth_time": START,
            "nonce": "n-1", "acr": "phr", "amr": ["user"], "name": "Alice Adams", "email": "alice@example.com",
            "email_verified": true, "preferred_username": "alice", "groups": ["admins", "staff"],
            "department": "Operations", "locale": "en"})
    );

    let access = answer["access_token"].as_str().unwrap();
    let (status, info) = w.userinfo(access).await;
    assert_eq!((status, &info["sub"]), (StatusCode::OK, &json!("alice")));
    w.clock.advance(Duration::from_secs(3600));
    assert_eq!(
        w.userinfo(access).await,
        (StatusCode::UNAUTHORIZED, json!({"error": "invalid_token"}))
    );
}

#[tokio::test]
async fn a_code_is_good_once_and_its_second_use_revokes_the_token() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    let (_, answer) = w.token(&code, &[]).await;
    let access = answer["access_token"].as_str().unwrap();
    // A thief without the verifier cannot revoke anything.
    let (_, refused) = w.token(&code, &[("code_verifier", &"x".repeat(43))]).await;
    assert_eq!(refused["error"], "invalid_grant");
    assert_eq!(w.userinfo(access).await.0, StatusCode::OK);
    let (status, refused) = w.token(&code, &[]).await;
    assert_eq!(
        (status, &refused["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"))
    );
    assert_eq!(w.userinfo(access).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_code_is_bound_to_all_it_was_made_for_and_a_failed_try_does_not_spend_it() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    let (short, long) = ("x".repeat(42), "x".repeat(129));
    for (changes, error) in [
        (&[("code_verifier", &*"x".repeat(43))][..], "invalid_grant"),
        (&[("code_verifier", &*short)], "invalid_grant"),
        (&[("code_verifier", &*long)], "invalid_grant"),
        (&[("code_verifier", CHALLENGE)], "invalid_grant"),
        (&[("code_verifier", "")], "invalid_grant"),
        (
            &[("redirect_uri", "https://app.test/callback/")],
            "invalid_grant",
        ),
        (&[("redirect_uri", "")], "invalid_request"),
        (&[("client_id", "other")], "invalid_grant"),
        (&[("client_id", "")], "invalid_client"),
        (&[("code", "other")], "invalid_grant"),
        (&[("code", "")], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("grant_type", "")], "invalid_request"),
        (&[("code", "a"), ("code", "b")], "invalid_request"),
        (&[("client_assertion", "x")], "invalid_request"),
    ] {
        assert_eq!(
            w.token(&code, changes).await.1["error"],
            error,
            "{changes:?}"
        );
    }
    assert_eq!(w.token(&code, &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_level_can_be_asked_for_as_a_claim() {
    for (request, acr) in [
        (
            json!({"id_token": {"acr": {"essential": true, "values": ["phr", "mfa"]}}}),
            json!("phr"),
        ),
        (json!({"id_token": {"acr": {"value": "mfa"}}}), json!("mfa")),
        (json!({"id_token": {"acr": null}}), Value::Null),
        (json!({"userinfo": {"acr": {"value": "mfa"}}}), Value::Null),
    ] {
        let mut w = world(|p| p);
        w.browser
            .get(&authorize(&[("claims", &request.to_string())]))
            .await;
        let page = w.browser.sign_in_as("alice").await;
        let code = reply(&page).take("code").unwrap();
        let (_, tokens) = w.token(&code, &[]).await;
        assert_eq!(claims(&tokens, &w.keys().await)["acr"], acr, "{request}");
    }
    let mut w = world(|p| p);
    let page = w.browser.get(&authorize(&[("claims", "[]")])).await;
    assert_eq!(reply(&page).get("error"), Some("invalid_request"));
}

#[tokio::test]
async fn resources_may_be_several_and_a_code_is_for_no_others() {
    let mut w = world(|p| p);
    let two = [("resource", "https://api.test/a"), ("resource", "urn:b")];
    w.browser.get(&authorize(&two)).await;
    let page = w.browser.sign_in_as("alice").await;
    let code = reply(&page).take("code").unwrap();
    for other in ["https://api.test/", "relative", "https://api.test/a#x"] {
        let (status, answer) = w.token(&code, &[("resource", other)]).await;
        assert_eq!(
            (status.as_u16(), &answer["error"]),
            (400, &json!("invalid_target"))
        );
    }
    // What fails does not spend the code.
    let (status, _) = w.token(&code, &two).await;
    assert_eq!(status, StatusCode::OK);

    let page = w
        .browser
        .get(&authorize(&[("resource", "https://api.test/#x")]))
        .await;
    assert_eq!(reply(&page).get("error"), Some("invalid_target"));
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    w.clock.advance(Duration::from_secs(60));
    assert_eq!(w.token(&code, &[]).await.1["error"], "invalid_grant");
    let code = w.code("bob").await;
    w.clock.advance(Duration::from_secs(59));
    assert_eq!(w.token(&code, &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_registered_client_proves_itself_by_exactly_one_method() {
    const SECRET: &str = "s:ecr et+%";
    let secret = || Some(ClientSecret::new(SECRET));
    let mut w = world(|b| {
        b.client("app", secret(), CALLBACK)
            .client("public", None, CALLBACK)
    });
    let basic = |id: &str, secret: &str| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let pair = format!("{}:{}", encode(id), encode(secret));
        Some(format!("Basic {}", STANDARD.encode(pair)))
    };
    let in_body = [("client_secret", SECRET)];
    for (authorization, changes, status, error) in [
        (None, &[][..], 401, "invalid_client"),
        (None, &[("client_secret", "wrong")], 401, "invalid_client"),
        (basic("app", "wrong"), &[], 401, "invalid_client"),
        (
            basic("nobody", SECRET),
            &[("client_id", "")],
            401,
            "invalid_client",
        ),
        (basic("app", SECRET), &in_body, 400, "invalid_request"),
        (basic("public", SECRET), &[], 400, "invalid_request"),
        (
            basic("public", SECRET),
            &[("client_id", "")],
            401,
            "invalid_client",
        ),
        (Some("Basic !!!".into()), &[], 400, "invalid_request"),
        (Some("Bearer x".into()), &[], 401, "invalid_client"),
        (basic("app", SECRET), &[], 200, ""),
        (None, &in_body, 200, ""),
    ] {
        let code = w.code("alice").await;
        let (got, response) = w.send(token_request(&code, changes, authorization)).await;
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let got_error = body["error"].as_str().unwrap_or_default();
        assert_eq!((got.as_u16(), got_error), (status, error), "{changes:?}");
        let challenged = response.headers().contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(challenged, status == 401);
    }
}

#[tokio::test]
async fn an_unfit_redirect_uri_is_never_redirected_to() {
    let mut open = world(|b| b);
    let mut registered = world(|b| b.client("app", None, CALLBACK));
    for (redirect_uri, open_takes_it) in [
        ("https://app.test/callback/", true),
        ("https://app.test/callback?x", true),
        ("https://APP.test/callback", true),
        ("http://127.0.0.1:1/x", true),
        ("https://app.example/callback", false),
        ("https://app.test.evil.example/", false),
        ("https://eviltest/", false),
        ("javascript:alert(1)//app.test", false),
        ("https://app.test/#x", false),
        ("/callback", false),
        ("", false),
    ] {
        let request = authorize(&[("redirect_uri", redirect_uri)]);
        let page = open.browser.get(&request).await;
        let expected = if open_takes_it {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        };
        assert_eq!(page.status, expected, "{redirect_uri}");
        let page = registered.browser.get(&request).await;
        assert_eq!(
            (page.status, page.history.len()),
            (StatusCode::BAD_REQUEST, 1)
        );
    }
    let page = registered
        .browser
        .get(&authorize(&[("client_id", "x")]))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    open.provider
        .allow_redirect_uri("https://app.example/callback");
    let request = authorize(&[("redirect_uri", "https://app.example/callback")]);
    assert_eq!(open.browser.get(&request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn other_faults_of_a_request_are_told_to_the_client() {
    let mut w = world(|b| b);
    for (changes, error) in [
        (
            &[("response_type", "token")][..],
            "unsupported_response_type",
        ),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("scope", "profile")], "invalid_scope"),
        (&[("scope", "openid \"")], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "none")], "login_required"),
        (
            &[("prompt", "none"), ("login_hint", "alice")],
            "login_required",
        ),
        (&[("request", "x")], "request_not_supported"),
        (&[("request_uri", "https://x")], "request_uri_not_supported"),
    ] {
        let page = w.browser.get(&authorize(changes)).await;
        let reply = reply(&page);
        assert_eq!(reply.get("error"), Some(error), "{changes:?}");
        assert_eq!(reply.get("state"), Some("s t&a+te%20=é"));
        assert_eq!(reply.get("iss"), Some(ISSUER));
    }
    w.browser.get(&authorize(&[])).await;
    let page = w.browser.submit("Cancel", &[]).await;
    assert_eq!(reply(&page).get("error"), Some("access_denied"));
}

#[tokio::test]
async fn a_second_login_offers_to_continue() {
    let mut w = world(|b| b);
    w.code("alice").await;
    // As `prompt=login`, even within the same second (OpenID Connect Core § 3.1.2.1).
    let page = w.browser.get(&authorize(&[("max_age", "0")])).await;
    assert!(!page.body.contains("Continue as"));
    w.clock.advance(Duration::from_secs(100));
    w.browser.get(&authorize(&[])).await;
    let page = w.browser.submit("Continue as Alice Adams", &[]).await;
    let code = reply(&page).take("code").unwrap();
    let (_, answer) = w.token(&code, &[]).await;
    let claims = claims(&answer, &w.keys().await);
    assert_eq!(
        (&claims["sub"], &claims["auth_time"]),
        (&json!("alice"), &json!(START))
    );

    // Without a page, and only for the user that is meant.
    let page = w.browser.get(&authorize(&[("prompt", "none")])).await;
    assert!(reply(&page).get("code").is_some());
    let page = w
        .browser
        .get(&authorize(&[("prompt", "none"), ("login_hint", "bob")]))
        .await;
    assert_eq!(reply(&page).get("error"), Some("login_required"));
    let hint = [
        ("prompt", "none"),
        ("id_token_hint", answer["id_token"].as_str().unwrap()),
    ];
    assert!(
        reply(&w.browser.get(&authorize(&hint)).await)
            .get("code")
            .is_some()
    );
    let hint = [("prompt", "none"), ("id_token_hint", "forged")];
    let page = w.browser.get(&authorize(&hint)).await;
    assert_eq!(reply(&page).get("error"), Some("login_required"));

    for fresh in [("prompt", "login"), ("max_age", "99"), ("max_age", "0")] {
        let page = w.browser.get(&authorize(&[fresh])).await;
        assert!(!page.body.contains("Continue as"), "{fresh:?}");
    }
    let page = w
        .browser
        .get(&authorize(&[("prompt", "none"), ("max_age", "99")]))
        .await;
    assert_eq!(reply(&page).get("error"), Some("login_required"));
    let page = w.browser.get(&authorize(&[("max_age", "100")])).await;
    assert!(page.body.contains("Continue as"));
}

#[tokio::test]
async fn a_hint_picks_the_user_and_a_stranger_can_be_typed() {
    let mut w = world(|b| b);
    let page = w
        .browser
        .get(&authorize(&[("login_hint", "bob@example.com")]))
        .await;
    let (_, answer) = w.token(reply(&page).get("code").unwrap(), &[]).await;
    assert_eq!(claims(&answer, &w.keys().await)["sub"], "bob");

    let page = w
        .browser
        .get(&authorize(&[("login_hint", "bob"), ("prompt", "login")]))
        .await;
    assert_eq!(
        page.url.split('?').next(),
        Some("https://id.test/authorize")
    );

    w.browser.get(&authorize(&[])).await;
    let fields = [("name", "Zoë@example.com"), ("groups", "a, b c ,")];
    let page = w.browser.submit("Sign in", &fields).await;
    let (_, answer) = w.token(reply(&page).get("code").unwrap(), &[]).await;
    let claims = claims(&answer, &w.keys().await);
    assert_eq!(claims["sub"], "Zo%C3%AB%40example.com");
    assert_eq!(claims["name"], "Zoë@example.com");
    assert_eq!(claims["email"], "Zoë@example.com");
    assert_eq!(claims["groups"], json!(["a", "b c"]));
}

#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let mut w = world(|b| b);
    w.browser.get("https://app.test/").await;
    let fields = [("user", "alice"), ("request", "client_id=app")];
    let page = w
        .browser
        .post_form("https://id.test/authorize/choose", &fields)
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_relying_party_signs_out_with_a_hint_and_a_stranger_asks() {
    const AFTER: &str = "https://app.test/bye";
    let mut w = world(|b| b);
    let code = w.code("alice").await;
    let (_, answer) = w.token(&code, &[]).await;
    let endpoint = format!("{ISSUER}/end_session");
    let after = ("post_logout_redirect_uri", AFTER);

    let page = w
        .browser
        .get(&with_query(&endpoint, [after, ("state", "a b")]))
        .await;
    assert!(
        page.body
            .contains("You are signed in here as <strong>Alice Adams"),
        "{page:?}"
    );
    let page = w.browser.submit("Sign out", &[]).await;
    assert_eq!(page.url, "https://app.test/bye?state=a+b");
    assert_eq!(w.browser.cookies(ISSUER), []);

    w.code("alice").await;
    let hint = ("id_token_hint", answer["id_token"].as_str().unwrap());
    let page = w.browser.get(&with_query(&endpoint, [after, hint])).await;
    assert_eq!(page.url, AFTER);
    let page = w.browser.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(reply(&page).get("error"), Some("login_required"));

    let elsewhere = [("post_logout_redirect_uri", "https://evil.example/"), hint];
    let page = w.browser.get(&with_query(&endpoint, elsewhere)).await;
    assert_eq!(
        (page.status, page.history.len()),
        (StatusCode::BAD_REQUEST, 1)
    );
    let page = w
        .browser
        .get(&with_query(&endpoint, [hint, ("client_id", "other")]))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn each_fault_does_what_it_says() {
    for fault in [
        Fault::WrongIssuer,
        Fault::WrongAudience,
        Fault::WrongNonce,
        Fault::ExpiredToken,
        Fault::RotatedKey,
        Fault::InvalidSignature,
        Fault::WrongIssParameter,
        Fault::TokenEndpointDown,
        Fault::InvalidClient,
    ] {
        let mut w = world(|b| b);
        let before = w.keys().await;
        w.provider.fault(fault);
        w.browser.get(&authorize(&[])).await;
        let mut reply = reply(&w.browser.sign_in_as("bob").await);
        let wrong_iss = reply.get("iss") != Some(ISSUER);
        assert_eq!(wrong_iss, fault == Fault::WrongIssParameter);
        let code = reply.take("code").unwrap();
        let (status, answer) = w.token(&code, &[]).await;
        match fault {
            Fault::TokenEndpointDown => {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                w.provider.clear_faults();
                assert_eq!(w.token(&code, &[]).await.0, StatusCode::OK);
                continue;
            }
            Fault::InvalidClient => {
                assert_eq!(
                    (status, &answer["error"]),
                    (StatusCode::UNAUTHORIZED, &json!("invalid_client"))
                );
                continue;
            }
            _ => assert_eq!(status, StatusCode::OK, "{fault:?}"),
        }
        let keys = w.keys().await;
        let token = answer["id_token"].as_str().unwrap();
        let verified = |keys: &JwkSet| CompactJws::parse(token).unwrap().verify(keys).is_ok();
        assert_eq!(
            verified(&keys),
            fault != Fault::InvalidSignature,
            "{fault:?}"
        );
        let known = !matches!(fault, Fault::InvalidSignature | Fault::RotatedKey);
        assert_eq!(verified(&before), known, "{fault:?}");
        if fault != Fault::InvalidSignature {
            let claims = claims(&answer, &keys);
            assert_eq!(claims["iss"] != ISSUER, fault == Fault::WrongIssuer);
            assert_eq!(claims["aud"] != "app", fault == Fault::WrongAudience);
            assert_eq!(claims["nonce"] != "n-1", fault == Fault::WrongNonce);
            let exp = claims["exp"].as_u64().unwrap();
            assert_eq!(exp == START - 3600, fault == Fault::ExpiredToken);
        }
    }
}

#[tokio::test]
async fn keys_can_be_several_and_unnamed() {
    for (fault, published, named) in [
        (Fault::MissingKid, 1, false),
        (Fault::MissingKidAmongSeveral, 2, false),
        (Fault::SharedKid, 2, true),
    ] {
        let mut w = world(|b| b);
        w.provider.fault(fault);
        let request = Request::get(format!("{ISSUER}/jwks")).body(vec![]).unwrap();
        let set: Value = serde_json::from_slice(w.send(request).await.1.body()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), published, "{fault:?}");
        let same = keys.iter().all(|key| key["kid"] == keys[0]["kid"]);
        assert_eq!(same, fault != Fault::MissingKidAmongSeveral, "{fault:?}");

        let code = w.code("bob").await;
        let answer = w.token(&code, &[]).await.1;
        let token = CompactJws::parse(answer["id_token"].as_str().unwrap()).unwrap();
        assert_eq!(token.kid().is_some(), named, "{fault:?}");
        // The right key is the last: whoever takes the first of two fails.
        let alone = |key: &Value| {
            let set = json!({"keys": [key]}).to_string();
            let set = JwkSet::parse(set.as_bytes()).unwrap();
            let token = answer["id_token"].as_str().unwrap();
            CompactJws::parse(token).unwrap().verify(&set).is_ok()
        };
        assert!(alone(keys.last().unwrap()), "{fault:?}");
        assert_eq!(alone(&keys[0]), published == 1, "{fault:?}");
    }
}

#[tokio::test]
async fn userinfo_can_be_about_somebody_else_or_nobody() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    let answer = w.token(&code, &[]).await.1;
    let access = answer["access_token"].as_str().unwrap();
    for (fault, subject) in [
        (Fault::WrongUserinfoSubject, json!("somebody-else")),
        (Fault::MissingUserinfoSubject, Value::Null),
    ] {
        w.provider.fault(fault);
        let (status, info) = w.userinfo(access).await;
        assert_eq!((status, &info["sub"]), (StatusCode::OK, &subject));
        w.provider.clear_faults();
    }
    assert_eq!(w.userinfo(access).await.1["sub"], "bob");
}

#[tokio::test]
async fn a_redirect_leads_to_the_right_answer_and_an_error_uses_no_code_up() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    let at = |mishap| Fault::At(Endpoint::Token, mishap);
    w.provider.fault(at(Mishap::ServerError));
    let (status, response) = w.send(token_request(&code, &[], None)).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.body(), b"out of order");
    w.provider.clear_faults();

    w.provider.fault(at(Mishap::Redirected));
    let (status, response) = w.send(token_request(&code, &[], None)).await;
    assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
    let location = &response.headers()[header::LOCATION];
    assert_eq!(location, "https://id.test/token?moved");
    let mut request = token_request(&code, &[], None);
    *request.uri_mut() = location.to_str().unwrap().parse().unwrap();
    assert_eq!(w.send(request).await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_an_error_once_the_deadline_is_over() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    w.provider.fault(Fault::At(Endpoint::Token, Mishap::Slow));
    let before = tokio::time::Instant::now();
    let mut exchange = Exchange::new(token_request(&code, &[], None));
    exchange.deadline = Duration::from_secs(7);
    let error = w.provider.http_client().send(exchange).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unknown);
    assert_eq!(before.elapsed().as_secs(), 7);
    w.provider.clear_faults();
    // The work was done.
    assert_eq!(w.token(&code, &[]).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn silence_says_whether_the_request_arrived() {
    let mut w = world(|b| b);
    let code = w.code("bob").await;
    let client = w.provider.http_client();
    let send = || client.send(Exchange::new(token_request(&code, &[], None)));
    w.provider.fault(Fault::Unreachable);
    assert_eq!(send().await.unwrap_err().failure(), Failure::NotSent);
    w.provider.clear_faults();
    w.provider.fault(Fault::LostTokenResponse);
    assert_eq!(send().await.unwrap_err().failure(), Failure::Unknown);
    w.provider.clear_faults();
    // It did arrive.
    assert_eq!(w.token(&code, &[]).await.1["error"], "invalid_grant");

    let elsewhere = Request::get("https://other.test/jwks")
        .body(vec![])
        .unwrap();
    let error = client.send(Exchange::new(elsewhere)).await.unwrap_err();
    assert_eq!(error.failure(), Failure::NotSent);
    let mut small = Exchange::new(Request::get(format!("{ISSUER}/jwks")).body(vec![]).unwrap());
    small.max_body_bytes = 10;
    assert_eq!(
        client.send(small).await.unwrap_err().failure(),
        Failure::TooLarge
    );
}

#[tokio::test]
async fn rotated_keys_stay_published_until_they_are_forgotten() {
    for alg in [Alg::ES256, Alg::EdDSA, Alg::RS256] {
        let mut w = world(|b| b.signing_alg(alg));
        let code = w.code("bob").await;
        let (_, answer) = w.token(&code, &[]).await;
        w.provider.rotate_keys();
        let keys = w.keys().await;
        assert_eq!(keys.len(), 2);
        assert_eq!(claims(&answer, &keys)["sub"], "bob");
        w.provider.rotate_keys_and_forget();
        assert_eq!(w.keys().await.len(), 1);
    }
}

#[tokio::test]
async fn nothing_from_a_request_becomes_markup() {
    const EVIL: &str = "\"'><script>alert(1)</script><b \0&amp;";
    let evil_user = Identity::builder(ISSUER, EVIL)
        .name(EVIL)
        .email(EVIL)
        .group(EVIL)
        .build();
    let mut w = world(|b| b.user(evil_user));
    let check = |page: &Page| {
        for raw in ["<script", "<b ", "\"'>"] {
            assert!(!page.body.contains(raw), "{raw:?} in {page:?}");
        }
        let policy = page.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(
            policy.ends_with("frame-ancestors 'none'; base-uri 'none'"),
            "{policy}"
        );
        assert_eq!(page.headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    };
    for name in [
        "client_id",
        "state",
        "nonce",
        "login_hint",
        "acr_values",
        "x",
    ] {
        let page = w
            .browser
            .get(&authorize(&[(name, EVIL), ("prompt", "login")]))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{name}: {page:?}");
        check(&page);
    }
    check(&w.browser.get(&authorize(&[("redirect_uri", EVIL)])).await);
    let device = |code: &str| with_query(&format!("{ISSUER}/device"), [("user_code", code)]);
    check(&w.browser.get(&device(EVIL)).await);
    // A browser escapes; who sends bytes of their own does not.
    let raw = authorize(&[]).split_once('?').unwrap().1.to_owned() + "&x=\"'><script>";
    let request = Request::post("/authorize").body(Full::new(Bytes::from(raw)));
    let response = tower::ServiceExt::oneshot(w.provider.clone(), request.unwrap());
    let body = response.await.unwrap().into_body().collect().await.unwrap();
    let html = String::from_utf8(body.to_bytes().to_vec()).unwrap();
    assert!(
        html.contains("<h1>Sign in</h1>") && !html.contains("<script"),
        "{html}"
    );
    // What was carried through the page comes back as it was.
    w.browser.get(&authorize(&[("state", EVIL)])).await;
    let page = w.browser.sign_in_as(EVIL).await;
    assert_eq!(reply(&page).get("state"), Some(EVIL));
    check(&w.browser.get(&authorize(&[])).await);
    let query = [
        ("client_id", EVIL),
        ("state", EVIL),
        ("post_logout_redirect_uri", CALLBACK),
    ];
    let page = w
        .browser
        .get(&with_query(&format!("{ISSUER}/end_session"), query))
        .await;
    assert!(page.body.contains("Sign out?"));
    check(&page);
    check(&w.browser.get(&format!("{ISSUER}/")).await);
    check(&w.browser.get(&format!("{ISSUER}/%3Cscript%3E")).await);
}

#[tokio::test]
async fn the_policy_lets_the_form_reach_the_application() {
    let mut w = world(|b| b);
    let page = w.browser.get(&authorize(&[])).await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("form-action 'self' https://app.test;"),
        "{policy}"
    );
}

#[tokio::test]
async fn memory_is_bounded() {
    let mut w = world(|b| b);
    let first = w.code("bob").await;
    for _ in 0..1000 {
        w.browser.get(&authorize(&[("prompt", "none")])).await;
    }
    assert_eq!(w.token(&first, &[]).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let mut w = world(|b| b.client("app", Some(ClientSecret::new("hunter2")), CALLBACK));
    let code = w.code("bob").await;
    let text = format!("{:?} {:?}", w.provider, w.provider.http_client());
    assert!(!text.contains("hunter2") && !text.contains(&code), "{text}");
    let builder =
        DevProvider::builder().client("app", Some(ClientSecret::new("hunter2")), CALLBACK);
    assert!(!format!("{builder:?}").contains("hunter2"));
}

#[tokio::test]
async fn endpoints_lie_under_the_issuers_path() {
    let provider = DevProvider::builder()
        .issuer("https://id.test/tenant/")
        .build();
    let get = async |path: &str| {
        let request = Request::get(format!("https://id.test{path}"))
            .body(vec![])
            .unwrap();
        provider
            .http_client()
            .send(Exchange::new(request))
            .await
            .unwrap()
    };
    let response = get("/tenant/.well-known/openid-configuration").await;
    let metadata: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(metadata["issuer"], "https://id.test/tenant/");
    assert_eq!(metadata["jwks_uri"], "https://id.test/tenant/jwks");
    assert_eq!(get("/tenant/jwks").await.status(), StatusCode::OK);
    assert_eq!(get("/jwks").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn wrong_methods_and_large_bodies_are_refused() {
    let w = world(|b| b);
    for (method, path, status, allow) in [
        ("GET", "/token", 405, "POST"),
        ("POST", "/jwks", 405, "GET, HEAD"),
        ("PUT", "/authorize", 405, "GET, HEAD, POST"),
        ("GET", "/authorize/choose", 405, "POST"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(format!("{ISSUER}{path}"))
            .body(vec![])
            .unwrap();
        let (got, response) = w.send(request).await;
        assert_eq!(got, status, "{method} {path}");
        assert_eq!(response.headers()[header::ALLOW], allow);
    }
    let large = Request::post("/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(vec![b'a'; 65 * 1024])));
    let response = tower::ServiceExt::oneshot(w.provider.clone(), large.unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_port_serves_the_provider_on_loopback_and_names_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let provider = DevProvider::demo();
    assert_eq!(provider.issuer(), "http://localhost:3001");
    let address = provider.listen(0).await.unwrap();
    assert!(address.ip().is_loopback());
    let issuer = format!("http://localhost:{}", address.port());
    assert_eq!(provider.issuer(), issuer);

    let ask = async || {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = ask().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains(&format!("\"issuer\":\"{issuer}\"")),
        "{answer}"
    );
    provider.fault(Fault::Unreachable);
    assert_eq!(ask().await, "");
}

#[tokio::test]
async fn a_given_issuer_survives_the_port() {
    let provider = DevProvider::builder()
        .issuer("http://id.localhost:9")
        .user(testing::user("zoe").build())
        .build();
    provider.listen(0).await.unwrap();
    assert_eq!(provider.issuer(), "http://id.localhost:9");
}
