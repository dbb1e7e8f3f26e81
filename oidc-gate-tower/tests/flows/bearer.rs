//! Bearer tokens at the gate: whom they let in, what they cost, and what is answered to those that name nobody.

use crate::{
    wire::DISCOVERY,
    world::{APP, Answer, ISSUER, NAVIGATION, START, World, world, world_of, world_with},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{
    Bearer, CookieKeys, Demand, Gate, GateBody, GateBuilder, GateLayer, HttpClient as _,
    InvalidBearer, Marker, Pattern, Principal, Provider,
    core::{
        client_auth::{HashedSecret, RegisteredMethod, Registration, SecretPlace, Secrets},
        flow::Exchange,
        form::with_query,
        gate::Target,
        grant::{GrantType, ScopeSet},
        jose::{Alg, SigningKey},
    },
    dev::{DevProvider, Fault},
    group, scope, testing, user,
};
use serde_json::{Map, Value, json};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};
use tower::{Layer as _, Service, ServiceExt as _};

const API: &str = "https://app.test/api";

fn with_bearer() -> World {
    world_with(|gate| gate.bearer(Bearer::audience(API)))
}

fn with(choice: InvalidBearer) -> World {
    world_with(|gate| gate.bearer(Bearer::audience(API)).invalid_bearer(choice))
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "name": "Alice", "aud": API, "client_id": "cli", "jti": "1",
        "iat": START, "exp": START + 600, "scope": "read",
    });
    claims.as_object().unwrap().clone()
}

/// A token of the provider's, with these changes.
fn token(provider: &DevProvider, edits: &Value) -> String {
    let mut claims = claims();
    claims.extend(edits.as_object().unwrap().clone());
    format!("Bearer {}", provider.sign(Some("at+jwt"), &claims))
}

fn good(w: &World) -> String {
    token(&w.provider, &json!({}))
}

fn expired(w: &World) -> String {
    token(&w.provider, &json!({"exp": 1}))
}

async fn show(w: &World, path: &str, authorization: &str) -> Answer {
    w.request("GET", path, &[("authorization", authorization)])
        .await
}

fn challenge(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("www-authenticate"))
}

const INVALID: (u16, &str) = (401, r#"Bearer error="invalid_token""#);

#[tokio::test]
async fn a_token_lets_in_and_only_the_first_request_with_it_asks_anybody() {
    let w = with_bearer();
    let good = good(&w);
    for _ in 0..3 {
        let answer = show(&w, "/me", &good).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.starts_with("/me alice Alice "),
            "{}",
            answer.body
        );
        assert_eq!(answer.header("cache-control"), "private");
        assert_eq!(answer.header("vary"), "Cookie, Authorization");
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    assert_eq!(w.wire.counts(), (1, 1, 0));
}

#[tokio::test]
async fn it_is_counted_what_tokens_come_to() {
    let w = with_bearer();
    let good = good(&w);
    let counts = |w: &World| {
        let text = w.gate.metrics();
        ["valid", "cached", "invalid", "unavailable"].map(|verdict| {
            let series = format!("oidc_gate_bearer_total{{verdict=\"{verdict}\"}} ");
            let value = text.lines().find_map(|line| line.strip_prefix(&series));
            value.unwrap().parse::<u64>().unwrap()
        })
    };
    w.fault(Fault::Unreachable);
    assert_eq!(show(&w, "/me", &good).await.status, 503);
    assert_eq!(counts(&w), [0, 0, 0, 1]);
    w.provider.clear_faults();
    w.advance(1);
    // What was verified while the keys came is verified once more.
    show(&w, "/me", &good).await;
    assert_eq!(counts(&w), [1, 0, 0, 1]);
    let other = token(&w.provider, &json!({"jti": "2"}));
    for shown in [&other, &good, &other, &good] {
        show(&w, "/me", shown).await;
    }
    assert_eq!(counts(&w), [3, 2, 0, 1]);
    for shown in [&expired(&w), "Bearer x", "Bearer x y", "Bearer"] {
        show(&w, "/me", shown).await;
    }
    assert_eq!(counts(&w), [3, 2, 4, 1]);
    // No token, no credential of the gate's, and nobody looks.
    show(&w, "/me", "Basic YTpi").await;
    w.navigate("/me").await;
    show(&w, "/oauth2/start", &good).await;
    assert_eq!(counts(&w), [3, 2, 4, 1]);
}

#[tokio::test]
async fn a_page_about_a_header_that_cannot_be_read_says_nothing_of_signing_in() {
    let w = with_bearer();
    let headers = [NAVIGATION, &[("authorization", "Bearer x y")]].concat();
    let page = w.request("GET", "/me", &headers).await;
    assert_eq!(page.status, 400);
    assert!(
        page.body.contains("<h1>This request cannot be read</h1>"),
        "{}",
        page.body
    );
    assert!(!page.body.to_lowercase().contains("sign"), "{}", page.body);
}

#[tokio::test]
async fn requests_at_once_wait_for_one_fetch() {
    let w = with_bearer();
    let good = good(&w);
    w.wire.hold("/jwks");
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let request = Request::get("/me").header("authorization", &good);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let gate = w.gate.clone();
        all.spawn(async move { crate::world::serve(&gate, request).await.unwrap().status() });
    }
    while w.wire.count("/jwks") == 0 {
        tokio::task::yield_now().await;
    }
    w.wire.release();
    while let Some(status) = all.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    assert_eq!(w.wire.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_token_that_was_verified_is_good_until_it_expires() {
    let w = with_bearer();
    let good = good(&w);
    for (secs, status) in [(0, 200), (599, 200), (30, 200), (1, 401)] {
        w.advance(secs);
        assert_eq!(show(&w, "/me", &good).await.status, status, "{secs}");
    }
}

#[tokio::test]
async fn another_token_is_not_the_one_that_was_verified() {
    let w = with_bearer();
    let good = good(&w);
    assert_eq!(show(&w, "/me", &good).await.status, 200);
    let mut forged = good.into_bytes();
    let last = forged.len() - 4;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    assert_eq!(challenge(&show(&w, "/me", &forged).await), INVALID);
}

#[tokio::test]
async fn a_new_key_is_found_and_one_that_was_given_up_verifies_nothing_more() {
    let w = with_bearer();
    let before = good(&w);
    assert_eq!(show(&w, "/me", &before).await.status, 200);
    w.provider.rotate_keys_and_forget();
    // Nobody has asked, so nobody knows.
    assert_eq!(show(&w, "/me", &before).await.status, 200);
    let after = good(&w);
    assert_eq!(show(&w, "/me", &after).await.status, 200);
    assert_eq!(challenge(&show(&w, "/me", &before).await), INVALID);
    assert_eq!(w.wire.count("/jwks"), 2);
}

#[tokio::test]
async fn keys_do_not_grow_old_behind_a_token_that_is_known() {
    let w = with_bearer();
    let long = token(&w.provider, &json!({"exp": START + 1_000_000}));
    assert_eq!(show(&w, "/me", &long).await.status, 200);
    w.provider.rotate_keys_and_forget();
    // Keys are fresh for an hour and renewed before use after five more minutes.
    w.advance(3600 + 301);
    assert_eq!(challenge(&show(&w, "/me", &long).await), INVALID);
}

#[tokio::test]
async fn a_thousand_keys_that_nobody_has_cost_one_fetch() {
    let w = with_bearer();
    assert_eq!(show(&w, "/me", &good(&w)).await.status, 200);
    let mut key = SigningKey::generate(Alg::ES256).unwrap();
    for n in 0..1000 {
        key = key.named(format!("made-up-{n}"));
        let header = [("typ".to_owned(), "at+jwt".into())].into_iter().collect();
        let token = key.sign_compact(&header, &claims()).unwrap();
        let answer = show(&w, "/me", &format!("Bearer {token}")).await;
        assert_eq!(challenge(&answer), INVALID);
    }
    assert_eq!(w.wire.count("/jwks"), 2);
    // Whoever has a good one waits for none of them.
    assert_eq!(show(&w, "/me", &good(&w)).await.status, 200);
}

#[tokio::test]
async fn a_token_of_nobodys_costs_no_fetch() {
    let w = with_bearer();
    let id_token = w.provider.sign(Some("JWT"), &claims());
    for other in [
        token(&w.provider, &json!({"iss": "https://evil.example"})),
        format!("Bearer {id_token}"),
        "Bearer opaque".to_owned(),
        "Bearer a.b.c.d.e".to_owned(),
    ] {
        assert_eq!(
            challenge(&show(&w, "/me", &other).await),
            INVALID,
            "{other}"
        );
    }
    assert_eq!(w.wire.sent().len(), 0);
}

#[tokio::test]
async fn while_the_issuer_is_down_nobody_is_called_a_liar() {
    let w = with_bearer();
    w.fault(Fault::Unreachable);
    let good = good(&w);
    let answer = show(&w, "/me", &good).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.header("www-authenticate"), "");
    let open = show(&w, "/", &good).await;
    assert_eq!((open.status, &*open.body), (200, "/ nobody; cookies: none"));
    w.provider.clear_faults();
    w.advance(60);
    assert_eq!(show(&w, "/me", &good).await.status, 200);
    // What is known by now is known without it.
    w.fault(Fault::Unreachable);
    assert_eq!(
        show(&w, "/me", &token(&w.provider, &json!({"jti": "2"})))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_header_decides_and_the_cookie_is_not_looked_at() {
    let mut w = with_bearer();
    w.sign_in("bob", "/me").await;
    let cookies = w.cookie_line();
    let ask = async |path: &str, authorization: &str| {
        let headers = [
            ("authorization", authorization),
            ("cookie", cookies.as_str()),
        ];
        w.request("GET", path, &headers).await
    };
    for bad in [expired(&w), "Bearer opaque".into()] {
        assert_eq!(challenge(&ask("/me", &bad).await), INVALID);
        assert!(ask("/", &bad).await.body.starts_with("/ nobody;"));
    }
    assert!(ask("/me", &good(&w)).await.body.starts_with("/me alice "));
    assert!(ask("/", &good(&w)).await.body.starts_with("/ alice "));
    let malformed = ask("/me", "Bearer a b").await;
    assert_eq!(
        challenge(&malformed),
        (400, r#"Bearer error="invalid_request""#)
    );
    assert_eq!(challenge(&ask("/me", "DPoP x").await), (401, "Bearer"));
    // What is no credential of the gate's is none of its business.
    for other in ["Basic YTpi", "Negotiate x", ""] {
        assert!(
            ask("/me", other).await.body.starts_with("/me bob "),
            "{other}"
        );
    }
}

#[tokio::test]
async fn what_an_invalid_token_leads_to_is_chosen() {
    use InvalidBearer::{Challenge, Forbidden, Login};
    for (choice, navigation, signed_in, expected) in [
        (Login, true, false, 303),
        (Login, true, true, 401),
        (Login, false, false, 401),
        (Login, false, true, 401),
        (Forbidden, true, false, 403),
        (Forbidden, true, true, 403),
        (Forbidden, false, false, 403),
        (Forbidden, false, true, 403),
        (Challenge, true, false, 401),
        (Challenge, true, true, 401),
        (Challenge, false, false, 401),
        (Challenge, false, true, 401),
    ] {
        let mut w = with(choice);
        if signed_in {
            w.sign_in("bob", "/me").await;
        }
        let (cookies, bad) = (w.cookie_line(), expired(&w));
        let mut headers = vec![("authorization", bad.as_str()), ("cookie", &cookies)];
        if navigation {
            headers.extend(NAVIGATION);
        }
        let answer = w.request("GET", "/me", &headers).await;
        let told = match expected {
            401 => INVALID.1,
            _ => "",
        };
        assert_eq!(
            challenge(&answer),
            (expected, told),
            "{choice:?}, a navigation {navigation}, signed in {signed_in}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_has_no_error() {
    let w = with_bearer();
    assert_eq!(challenge(&w.script("").await), (401, "Bearer"));
    assert_eq!(w.navigate("/me").await.status, 303);
    let named = world_with(|gate| gate.bearer(Bearer::audience(API)).realm("the \"shop\""));
    assert_eq!(
        challenge(&named.script("").await),
        (401, r#"Bearer realm="the \"shop\"""#)
    );
}

#[tokio::test]
async fn a_token_in_the_query_is_none() {
    let w = with_bearer();
    let good = good(&w);
    let path = format!("/me?access_token={}", good.strip_prefix("Bearer ").unwrap());
    assert_eq!(
        challenge(&w.request("GET", &path, &[]).await),
        (401, "Bearer")
    );
}

#[tokio::test]
async fn where_bearer_is_off_the_header_is_nothing() {
    let mut w = world();
    let (good, cookies) = (good(&w), w.cookie_line());
    assert_eq!(challenge(&show(&w, "/me", &good).await), (401, "Session"));
    assert_eq!(cookies, "");
    w.sign_in("bob", "/me").await;
    let cookies = w.cookie_line();
    let headers = [("authorization", "Bearer x"), ("cookie", cookies.as_str())];
    let answer = w.request("GET", "/me", &headers).await;
    assert!(answer.body.starts_with("/me bob "), "{}", answer.body);
}

#[tokio::test]
async fn what_is_lacking_is_said_so_that_a_program_can_mend_it() {
    let w = world_with(|gate| {
        gate.bearer(Bearer::audience(API))
            .require(
                Pattern::prefix("/orders"),
                scope("read").and(scope("write")),
            )
            .require(Pattern::prefix("/people"), user())
            .require(
                Pattern::prefix("/both"),
                scope("write").and(group("admins")),
            )
            .require(Pattern::prefix("/both"), oidc_gate_tower::acr("phr"))
    });
    let shown = async |path: &str, edits: Value| {
        let answer = show(&w, path, &token(&w.provider, &edits)).await;
        (answer.status, answer.header("www-authenticate").to_owned())
    };
    let scope_error = r#"Bearer error="insufficient_scope", scope="write""#;
    let step_up = r#"Bearer error="insufficient_user_authentication", acr_values="phr""#;
    for (path, edits, expected) in [
        ("/orders", json!({}), (403, scope_error)),
        ("/orders", json!({"scope": "read write"}), (200, "")),
        (
            "/orders",
            json!({"scope": "read writer"}),
            (403, scope_error),
        ),
        (
            "/admin",
            json!({}),
            (403, r#"Bearer error="insufficient_scope""#),
        ),
        ("/admin", json!({"groups": ["admins"]}), (200, "")),
        ("/vault", json!({}), (401, step_up)),
        ("/vault", json!({"acr": "phr"}), (200, "")),
        ("/people", json!({}), (200, "")),
        (
            "/people",
            json!({"sub": "cli"}),
            (403, r#"Bearer error="insufficient_scope""#),
        ),
        // The scope first: a stronger sign-in would not help.
        ("/both", json!({"groups": ["admins"]}), (403, scope_error)),
        (
            "/both",
            json!({"groups": ["admins"], "scope": "write"}),
            (401, step_up),
        ),
        // The token itself before anything else.
        ("/both", json!({"exp": 1}), INVALID),
    ] {
        let got = shown(path, edits.clone()).await;
        assert_eq!((got.0, got.1.as_str()), expected, "{path} {edits}");
    }
}

#[tokio::test]
async fn a_request_with_a_token_is_not_another_sites_to_send() {
    let mut w = with_bearer();
    w.sign_in("bob", "/me").await;
    let (good, cookies) = (good(&w), w.cookie_line());
    let from_elsewhere = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let with = |credential| [&from_elsewhere[..], &[credential]].concat();
    let answer = w
        .request("POST", "/me", &with(("authorization", &good)))
        .await;
    assert_eq!(answer.status, 200);
    let answer = w.request("POST", "/me", &with(("cookie", &cookies))).await;
    assert_eq!(answer.status, 403);
    // A token that is none does not open the way for the cookie.
    let bad = [
        with(("authorization", "Bearer x")),
        vec![("cookie", cookies.as_str())],
    ]
    .concat();
    assert_eq!(w.request("POST", "/me", &bad).await.status, 401);
}

#[tokio::test]
async fn userinfo_knows_tokens_and_signing_out_is_about_sessions() {
    let mut w = with_bearer();
    let answer = show(&w, "/oauth2/userinfo", &good(&w)).await;
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (answer.status, told),
        (200, json!({"user": "alice", "groups": []}))
    );
    assert_eq!(
        challenge(&show(&w, "/oauth2/userinfo", &expired(&w)).await),
        INVALID
    );
    w.sign_in("bob", "/me").await;
    let cookies = w.cookie_line();
    let headers = [
        ("authorization", "Bearer x"),
        ("cookie", cookies.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(
        w.request("POST", "/oauth2/sign_out", &headers).await.status,
        200
    );
    assert_eq!(w.script(&cookies).await.status, 401);
}

#[tokio::test]
async fn grpc_is_answered_in_its_own_words() {
    let w = with_bearer();
    let ask = async |path: &str, authorization: &str| {
        let headers = [
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("authorization", authorization),
        ];
        let answer = w.request("POST", path, &headers).await;
        (answer.status, answer.header("grpc-status").to_owned())
    };
    assert_eq!(ask("/me", "").await, (200, "16".into()));
    assert_eq!(ask("/me", &expired(&w)).await, (200, "16".into()));
    assert_eq!(ask("/me", "Bearer a b").await, (200, "16".into()));
    assert_eq!(ask("/admin", &good(&w)).await, (200, "7".into()));
    assert_eq!(ask("/me", &good(&w)).await, (200, String::new()));
}

/// An application whose open page takes signed-in callers only.
async fn demanding(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = Target::Whole(request.uri());
    let demand = Demand::of(request.method(), request.headers(), target);
    Ok(match request.extensions().get::<Principal>() {
        Some(_) => Response::default(),
        None => demand.sign_in().plain(),
    })
}

#[tokio::test]
async fn a_handlers_demand_is_answered_as_the_gate_would_have() {
    for (choice, path, authorization, expected) in [
        (InvalidBearer::Login, "/", "expired", INVALID),
        (InvalidBearer::Forbidden, "/", "expired", (403, "")),
        (
            InvalidBearer::Login,
            "/",
            "Bearer a b",
            (400, r#"Bearer error="invalid_request""#),
        ),
        (InvalidBearer::Login, "/", "DPoP x", (401, "Bearer")),
        (InvalidBearer::Login, "/", "", (401, "Bearer")),
        (InvalidBearer::Login, "/", "down", (503, "")),
        (InvalidBearer::Login, "/", "good", (200, "")),
    ] {
        let w = with(choice);
        let sent = match authorization {
            "expired" => expired(&w),
            "good" => good(&w),
            "down" => {
                w.fault(Fault::Unreachable);
                good(&w)
            }
            other => other.to_owned(),
        };
        if authorization == "expired" {
            show(&w, "/", &good(&w)).await;
        }
        let request = Request::get(path).header("authorization", sent);
        let service = GateLayer::new(&w.gate).layer(tower::service_fn(demanding));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let answer = service.oneshot(request).await.unwrap();
        let told = answer.headers().get("www-authenticate");
        let told = told.map_or("", |told| told.to_str().unwrap());
        assert_eq!(
            (answer.status().as_u16(), told),
            expected,
            "{choice:?} {authorization}"
        );
    }
}

/// A service that has to be ready before it is called, as one with a limit has.
#[derive(Default)]
struct Strict {
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<Full<Bytes>>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        assert!(self.is_ready, "called before it was ready");
        self.is_ready = false;
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn a_request_that_waits_has_the_service_that_was_ready_for_it() {
    let w = with_bearer();
    let mut service = GateLayer::new(&w.gate).layer(Strict::default());
    for _ in 0..2 {
        let request = Request::get("/me").header("authorization", good(&w));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let answer = service.ready().await.unwrap().call(request);
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    }
}

/// What an API asks of nobody's browser.
fn api_only(w: &World, build: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    let gate = Gate::builder()
        .http_client(w.wire.clone())
        .clock(w.clock.clone());
    build(gate).build().unwrap()
}

async fn at(gate: &Gate, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let answer = crate::world::serve(gate, request).await.unwrap();
    let told = answer.headers().get("www-authenticate").cloned();
    let told = told.map_or(String::new(), |told| told.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, told, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn an_api_needs_no_client_no_address_and_no_cookies() {
    let w = world();
    for gate in [
        api_only(&w, |gate| gate.bearer(Bearer::audience(API).issuer(ISSUER))),
        api_only(&w, |gate| gate.issuer(ISSUER).bearer(Bearer::audience(API))),
    ] {
        gate.ready().await.unwrap();
        let good = good(&w);
        let (status, _, body) = at(&gate, "/me", &[("authorization", &good)]).await;
        assert_eq!(status, 200);
        assert!(body.starts_with("/me alice "), "{body}");
        // Nobody is ever sent to a login.
        let (status, told, _) = at(&gate, "/me", NAVIGATION).await;
        assert_eq!((status, told.as_str()), (401, "Bearer"));
        for path in ["/oauth2/start", "/oauth2/callback", "/oauth2/sign_out"] {
            assert_eq!(at(&gate, path, NAVIGATION).await.0, 404, "{path}");
        }
        let (status, ..) = at(&gate, "/oauth2/userinfo", &[("authorization", &good)]).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn issuers_have_their_own_keys_and_a_token_is_held_against_those_of_its_own() {
    let w = world_with(|gate| {
        gate.bearer(Bearer::audience(API))
            .bearer(
                Bearer::audience("shop")
                    .issuer("https://ci.test")
                    .jwks_uri("https://ci.test/keys"),
            )
            .bearer(Bearer::audience("cli").id_tokens())
    });
    let ci = DevProvider::builder().issuer("https://ci.test").build();
    let keys = ci.http_client();
    let request = Request::get("https://ci.test/jwks").body(vec![]).unwrap();
    let published = keys.send(Exchange::new(request)).await.unwrap().into_body();
    w.wire.alias("https://ci.test/keys", "https://id.test/jwks");
    w.wire.tamper(move |path, answer| {
        if path == "/keys" {
            answer.body_mut().clone_from(&published);
        }
    });
    let of_ci = json!({"iss": "https://ci.test", "aud": "shop"});
    assert_eq!(show(&w, "/me", &token(&ci, &of_ci)).await.status, 200);
    assert_eq!(w.wire.counts(), (0, 0, 0));
    assert_eq!(show(&w, "/me", &good(&w)).await.status, 200);
    for wrong in [
        // Signed by one in the name of the other.
        token(&w.provider, &of_ci),
        token(&ci, &json!({})),
        // For what the other is for.
        token(&ci, &json!({"iss": "https://ci.test"})),
        token(&w.provider, &json!({"aud": "shop"})),
        // An access token for what ID tokens are for.
        token(&w.provider, &json!({"aud": "cli"})),
    ] {
        assert_eq!(
            challenge(&show(&w, "/me", &wrong).await),
            INVALID,
            "{wrong}"
        );
    }
    let mut id_token = claims();
    id_token.insert("aud".into(), "cli".into());
    let id_token = w.provider.sign(Some("JWT"), &id_token);
    assert_eq!(
        show(&w, "/me", &format!("Bearer {id_token}")).await.status,
        200
    );
}

#[tokio::test]
async fn a_client_gets_a_token_of_its_own_and_shows_it() {
    // Of "hush".
    let stored = "sha256:AQEBAQEBAQEBAQEBAQEBAQ:Fho_jIafBOFLGi0YbndQO0jKTl5GHGdeX-2vnOQatmI";
    let hashed = HashedSecret::parse(stored).unwrap();
    let method = RegisteredMethod::Secret(SecretPlace::Basic, Secrets::one(hashed));
    let service = Registration::new("batch", method)
        .grants([GrantType::ClientCredentials])
        .scopes(ScopeSet::parse("read").unwrap())
        .resources([API]);
    let w = world_of(
        |provider| provider.registered(service, []),
        |gate| {
            gate.bearer(Bearer::audience(API))
                .require(Pattern::prefix("/people"), user())
        },
    );
    let fields = [
        ("grant_type", "client_credentials"),
        ("resource", API),
        ("scope", "read"),
    ];
    let body = with_query("", fields)[1..].to_owned();
    let request = Request::post(format!("{ISSUER}/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic YmF0Y2g6aHVzaA==")
        .body(body.into_bytes())
        .unwrap();
    let answer = w
        .provider
        .http_client()
        .send(Exchange::new(request))
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    let shown = format!(
        "Bearer {}",
        answer["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
    );
    let answer = show(&w, "/me", &shown).await;
    assert_eq!(answer.status, 200, "{shown}");
    assert!(answer.body.starts_with("/me batch "), "{}", answer.body);
    assert_eq!(show(&w, "/people", &shown).await.status, 403);
}

#[tokio::test]
async fn the_token_of_a_login_is_not_for_this_service_and_neither_is_its_id_token() {
    let mut w = with_bearer();
    w.sign_in("alice", "/me").await;
    let answer = w
        .wire
        .sent()
        .into_iter()
        .find(|sent| sent.path == "/token")
        .unwrap();
    let tokens: Value = serde_json::from_str(&answer.answer).unwrap();
    for kind in ["access_token", "id_token"] {
        let shown = format!("Bearer {}", tokens[kind].as_str().unwrap());
        assert_eq!(challenge(&show(&w, "/me", &shown).await), INVALID, "{kind}");
    }
    // The keys that the login has fetched are these keys.
    assert_eq!(show(&w, "/me", &good(&w)).await.status, 200);
    assert_eq!(w.wire.count("/jwks"), 1);
    assert_eq!(w.wire.count(DISCOVERY), 1);
}

#[tokio::test]
async fn the_claims_of_a_token_mean_what_those_of_a_login_mean() {
    let configure = |provider: Provider| provider.roles_at(["realm", "roles"]).groups_at("teams");
    let w = crate::world::world_where(configure, |gate| gate.bearer(Bearer::audience(API)));
    let shown = token(
        &w.provider,
        &json!({"teams": ["admins"], "groups": ["none"]}),
    );
    assert_eq!(show(&w, "/admin", &shown).await.status, 200);
}

#[tokio::test]
async fn a_token_may_come_in_basic_where_that_is_said() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let w = world_with(|gate| gate.bearer(Bearer::audience(API).also_in_basic()));
    let jwt = good(&w).strip_prefix("Bearer ").unwrap().to_owned();
    let basic = format!("Basic {}", STANDARD.encode(format!("{jwt}:x-oauth-basic")));
    assert!(show(&w, "/me", &basic).await.body.starts_with("/me alice "));
    assert_eq!(
        challenge(&show(&w, "/me", "Basic YTpi").await),
        (401, "Bearer")
    );
}

#[tokio::test]
async fn no_token_is_written_anywhere() {
    let w = with_bearer();
    let tokens = [
        good(&w),
        expired(&w),
        token(&w.provider, &json!({"aud": "other"})),
    ];
    for shown in &tokens {
        show(&w, "/me", shown).await;
        show(&w, "/", shown).await;
    }
    show(&w, "/me", "Bearer hush-hush hush-hush").await;
    let log = w.log.text();
    assert!(
        log.contains("check=bearer.expired") && log.contains("check=bearer.audience"),
        "{log}"
    );
    let all = format!("{log} {:?}", w.gate);
    assert!(!all.contains("hush"), "{all}");
    for part in tokens
        .iter()
        .flat_map(|token| token["Bearer ".len()..].split('.').skip(1))
    {
        assert!(!all.contains(part), "{all}");
    }
}

#[tokio::test]
async fn tests_make_real_tokens_for_a_real_gate() {
    let untyped = Bearer::audience("api").untyped(Marker::value("use", "access"));
    for bearer in [
        Bearer::audience("api"),
        untyped.scopes_at("scp"),
        Bearer::audience("api").id_tokens(),
    ] {
        let gate = testing::gate()
            .bearer(bearer.clone())
            .require(Pattern::prefix("/admin"), group("admins"))
            .build()
            .unwrap();
        let alice = testing::user("alice").group("admins").scope("read").build();
        let header: HeaderValue = testing::bearer(&gate, alice);
        let (status, _, body) = at(
            &gate,
            "/admin",
            &[("authorization", header.to_str().unwrap())],
        )
        .await;
        assert_eq!(status, 200, "{bearer:?}");
        assert!(body.starts_with("/admin alice "), "{body}");
    }
}

#[test]
fn what_cannot_be_meant_is_told_at_once() {
    let problems = |bearer: Bearer| {
        let built = Gate::builder().issuer(ISSUER).bearer(bearer).build();
        built.err().map_or(String::new(), |error| error.to_string())
    };
    assert_eq!(problems(Bearer::audience("api")), "");
    for (bearer, problem) in [
        (Bearer::audience(""), "audience: empty"),
        (Bearer::audience("api").or_audience(""), "audience: empty"),
        (
            Bearer::audience("api").issuer("http://id.example"),
            "issuer: ",
        ),
        (
            Bearer::audience("api").untyped(Marker::present("azp")),
            "\"azp\" is in ID tokens too",
        ),
        (
            Bearer::audience("api").client_id_is_audience(),
            "client_id_is_audience: ",
        ),
        (
            Bearer::audience("api").algs([]),
            "algs: expected asymmetric",
        ),
        (
            Bearer::audience("api").algs([Alg::HS256]),
            "algs: expected asymmetric",
        ),
        (
            Bearer::audience("api").leeway(std::time::Duration::from_secs(301)),
            "leeway: at most five minutes",
        ),
        (Bearer::audience("api").jwks_uri("keys"), "jwks_uri: "),
        (
            Bearer::audience("api").key_cache(std::time::Duration::from_secs(59)),
            "key_cache: 59 s",
        ),
    ] {
        let told = problems(bearer);
        assert!(
            told.contains(problem) && told.contains("bearer \""),
            "{told}"
        );
    }
    let nobodys = Gate::builder().bearer(Bearer::audience("api")).build();
    assert!(nobodys.unwrap_err().to_string().contains("issuer: missing"));
    // Half a login is a login that something is missing of.
    for half in [
        Gate::builder().base_url(APP),
        Gate::builder().cookie_keys(CookieKeys::ephemeral()),
    ] {
        let built = half.bearer(Bearer::audience("api").issuer(ISSUER)).build();
        assert!(built.unwrap_err().to_string().contains("client"));
    }
}

#[test]
fn a_gate_that_waits_can_be_sent_between_threads() {
    fn sendable<T: Send>(_: &T) {}
    let gate = Gate::builder()
        .bearer(Bearer::audience("api").issuer(ISSUER))
        .build()
        .unwrap();
    let mut service = GateLayer::new(&gate).layer(Strict::default());
    let future = service.call(Request::new(Full::<Bytes>::default()));
    sendable(&future);
    let _: Option<Response<GateBody<Full<Bytes>>>> = None;
}
