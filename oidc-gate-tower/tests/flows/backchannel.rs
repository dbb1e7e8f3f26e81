//! The provider ends sessions by calling the gate.

use crate::{
    watched::Watched,
    wire::DISCOVERY,
    world::{Answer, ISSUER, START, World, serve, world, world_from, world_where, world_with},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use oidc_gate_tower::{
    Alg, Bearer, ClientAuth, Clock as _, ConfigError, CookieKeys, Gate, GateBuilder,
    MetricsEndpoint, Provider, SigningKey, Store,
    core::time::UnixTime,
    dev::{Fault, Habit},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const PATH: &str = "/oauth2/backchannel_logout";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Whoever sends a token here as the provider does.
async fn send(w: &World, token: &str) -> Answer {
    post(w, &format!("logout_token={token}")).await
}

async fn post(w: &World, form: &str) -> Answer {
    w.request_with("POST", PATH, &[FORM], form).await
}

/// What a logout token of now says, with these members in it.
fn claims(w: &World, edits: Value) -> Map<String, Value> {
    let now = w.provider_clock.now().as_secs();
    let claims = json!({
        "iss": ISSUER, "aud": "app", "iat": now, "exp": now + 120, "jti": "j-1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let mut claims = claims.as_object().unwrap().clone();
    claims.extend(edits.as_object().unwrap().clone());
    claims
}

fn token(w: &World, edits: Value) -> String {
    w.provider.sign(Some("logout+jwt"), &claims(w, edits))
}

/// Signs in with a browser of its own: its cookies, and what the provider calls the session.
async fn signed_in(w: &mut World, user: &str) -> (String, String) {
    w.browser = w.another_browser();
    w.sign_in(user, "/me").await;
    let cookies = w.cookie_line();
    let principal = w.principal(&cookies).await;
    let sid = principal.claims()["sid"].as_str().unwrap().to_owned();
    (cookies, sid)
}

async fn lives(w: &World, cookies: &str) -> bool {
    match w.script(cookies).await.status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

fn is_done(answer: &Answer) {
    let seen = (answer.status, answer.body.as_str());
    assert_eq!(seen, (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.set_cookies(), [""; 0]);
}

/// Refused by this check, in the form that the specification wants.
fn is_refused(w: &World, answer: &Answer, status: u16, check: &str) {
    assert_eq!(answer.status, status, "{check}: {}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("retry-after").is_empty(), status != 503);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let error = match status {
        503 => "temporarily_unavailable",
        _ => "invalid_request",
    };
    assert_eq!(body["error"], error);
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("{check}: ")), "{body}");
    assert_eq!(w.log.checks().last().map(String::as_str), Some(check));
}

/// Every way of keeping sessions in which the provider can end them.
type Way = fn() -> World;

const WAYS: [Way; 3] = [
    || told(|gate| gate.store(Store::memory())),
    || told(|gate| gate.store(Watched::new().store())),
    || told(|gate| gate.coordinator(Watched::new().store())),
];

fn told(keeping: fn(GateBuilder) -> GateBuilder) -> World {
    let metrics = MetricsEndpoint::ForAnybody;
    world_with(|gate| keeping(gate.backchannel_logout().metrics_endpoint(metrics)))
}

#[tokio::test]
async fn a_session_there_ends_the_sessions_that_began_with_it_and_no_other() {
    for way in WAYS {
        let mut w = way();
        let (one, sid) = signed_in(&mut w, "alice").await;
        let (two, _) = signed_in(&mut w, "alice").await;
        let (bob, _) = signed_in(&mut w, "bob").await;
        w.log.clear();
        let token = token(&w, json!({ "sid": sid }));
        is_done(&send(&w, &token).await);
        let entries = w.log.entries();
        let said = entries
            .iter()
            .find(|entry| entry.get("message") == "the provider has ended sessions")
            .unwrap();
        assert_eq!((said.get("ended"), said.get("issuer")), ("1", ISSUER));
        for secret in [&*token, &*sid] {
            assert!(!w.log.text().contains(secret), "{}", w.log.text());
        }
        assert!(!lives(&w, &one).await);
        assert!(lives(&w, &two).await);
        assert!(lives(&w, &bob).await);
    }
}

#[tokio::test]
async fn a_user_ends_all_sessions_of_that_user_and_of_nobody_else() {
    for way in WAYS {
        let mut w = way();
        let (one, _) = signed_in(&mut w, "alice").await;
        let (two, _) = signed_in(&mut w, "alice").await;
        let (bob, _) = signed_in(&mut w, "bob").await;
        w.log.clear();
        is_done(&send(&w, &token(&w, json!({ "sub": "alice" }))).await);
        let text = w.log.text();
        assert!(
            text.contains("ended=2") && !text.contains("alice"),
            "{text}"
        );
        assert!(!lives(&w, &one).await);
        assert!(!lives(&w, &two).await);
        assert!(lives(&w, &bob).await);
    }
}

#[tokio::test]
async fn a_user_and_a_session_end_what_is_both() {
    for way in WAYS {
        let mut w = way();
        let (one, sid) = signed_in(&mut w, "alice").await;
        let (two, _) = signed_in(&mut w, "alice").await;
        let of_another = token(&w, json!({ "sub": "bob", "sid": sid, "jti": "1" }));
        is_done(&send(&w, &of_another).await);
        assert!(lives(&w, &one).await);
        let both = token(&w, json!({ "sub": "alice", "sid": sid, "jti": "2" }));
        is_done(&send(&w, &both).await);
        assert!(!lives(&w, &one).await);
        assert!(lives(&w, &two).await);
    }
}

#[tokio::test]
async fn a_session_that_nobody_knows_is_as_good_as_ended() {
    for way in WAYS {
        let w = way();
        is_done(&send(&w, &token(&w, json!({ "sid": "none" }))).await);
        is_done(&send(&w, &token(&w, json!({ "sub": "none", "jti": "2" }))).await);
    }
}

#[tokio::test]
async fn what_one_replica_is_told_holds_in_the_other() {
    let shared = Watched::new();
    let way = |cookies: bool| {
        let store = shared.store();
        world_with(move |gate| match cookies {
            true => gate.backchannel_logout().coordinator(store),
            false => gate.backchannel_logout().store(store),
        })
    };
    for cookies in [false, true] {
        // What the second logs is caught.
        let two = way(cookies);
        let mut one = way(cookies);
        let (session, sid) = signed_in(&mut one, "alice").await;
        assert!(lives(&two, &session).await);
        let jti = format!("{cookies}");
        let told = token(&two, json!({ "sid": sid, "jti": jti }));
        is_done(&send(&two, &told).await);
        assert!(!lives(&one, &session).await);
        assert!(!lives(&two, &session).await);
        // Nor is it taken again by the other.
        let again = token(&one, json!({ "sub": "alice", "jti": jti }));
        is_refused(&one, &send(&one, &again).await, 400, "logout.replayed");
    }
}

#[tokio::test]
async fn a_token_is_carried_out_once_and_ends_nothing_that_began_since() {
    for way in WAYS {
        let mut w = way();
        let (before, _) = signed_in(&mut w, "alice").await;
        let token = token(&w, json!({ "sub": "alice" }));
        is_done(&send(&w, &token).await);
        w.advance(20);
        let (since, _) = signed_in(&mut w, "alice").await;
        w.advance(129);
        is_refused(&w, &send(&w, &token).await, 400, "logout.replayed");
        assert!(!lives(&w, &before).await);
        assert!(lives(&w, &since).await);
        // From then on it is over by itself, and nobody remembers it.
        w.advance(1);
        is_refused(&w, &send(&w, &token).await, 400, "logout.expired");
        assert!(lives(&w, &since).await);
    }
}

#[tokio::test]
async fn two_deliveries_at_once_do_what_one_does() {
    for way in WAYS {
        let mut w = way();
        let (session, sid) = signed_in(&mut w, "alice").await;
        let token = token(&w, json!({ "sid": sid }));
        let both = tokio::join!(send(&w, &token), send(&w, &token));
        for answer in [both.0, both.1] {
            assert!([200, 400].contains(&answer.status), "{}", answer.body);
        }
        assert!(!lives(&w, &session).await);
        let metrics = w.request("GET", "/oauth2/metrics", &[]).await.body;
        let line = "oidc_gate_sessions_ended_total{by=\"back_channel\"} 1";
        assert!(metrics.lines().any(|seen| seen == line), "{metrics}");
    }
}

/// Where a login is when the logout comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Overtaken {
    AtTheProvider,
    RedeemingItsCode,
}

/// What these cookies are that an answer sets, if they are of a session.
fn session_of(answer: &Answer) -> Vec<&str> {
    let mut lines = answer.set_cookies();
    lines.retain(|line| !line.contains("-login-") && !line.contains("Max-Age=0"));
    lines
}

fn is_signed_out_meanwhile(w: &World, answer: &Answer, what: &str) {
    // By the next login the provider knows that it has signed the user out, and asks.
    assert_eq!(answer.status, 303, "{what}: {}", answer.body);
    let location = answer.header("location");
    assert!(
        location.starts_with("https://id.test/authorize?"),
        "{what}: {location}"
    );
    assert_eq!(session_of(answer), [""; 0], "{what}");
    let checks = w.log.checks();
    assert_eq!(checks, ["login.signed_out_meanwhile"], "{what}");
}

#[tokio::test]
async fn a_login_that_a_logout_has_overtaken_becomes_no_session() {
    for (number, way) in WAYS.into_iter().enumerate() {
        for by in ["sid", "sub"] {
            for overtaken in [Overtaken::AtTheProvider, Overtaken::RedeemingItsCode] {
                let what = format!("{number} {by} {overtaken:?}");
                let mut w = way();
                let (before, sid) = signed_in(&mut w, "alice").await;
                w.advance(60);
                let url = w.callback_of_the_same_session("/me").await;
                let login = w.login_cookies().remove(0);
                let login = format!("{}={}", login.name, login.value);
                w.advance(5);
                let who = match by {
                    "sid" => json!({ "sid": sid }),
                    _ => json!({ "sub": "alice" }),
                };
                let token = token(&w, who);
                w.log.clear();
                let answer = match overtaken {
                    Overtaken::AtTheProvider => {
                        is_done(&send(&w, &token).await);
                        w.deliver_with(&url, &login).await
                    }
                    Overtaken::RedeemingItsCode => {
                        let redeemed = w.wire.count("/token");
                        w.wire.hold("/token");
                        let logout = async {
                            while w.wire.count("/token") == redeemed {
                                tokio::task::yield_now().await;
                            }
                            is_done(&send(&w, &token).await);
                            w.wire.release();
                        };
                        tokio::join!(w.deliver_with(&url, &login), logout).0
                    }
                };
                is_signed_out_meanwhile(&w, &answer, &what);
                assert!(!lives(&w, &before).await, "{what}");
                // Nor does it when the callback comes once more, from the way back or out of the history.
                for after in [0, 61] {
                    w.advance(after);
                    let again = w.deliver_with(&url, &login).await;
                    assert_eq!(again.status, 303, "{what}: {}", again.body);
                    assert_eq!(session_of(&again), [""; 0], "{what}");
                }
                assert_eq!(w.wire.count("/token"), 2, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_login_that_began_after_a_logout_is_let_in() {
    // Clocks of replicas that share a store may be ten seconds apart.
    for (way, apart) in WAYS.into_iter().zip([0, 10, 10]) {
        for by in ["sid", "sub"] {
            let mut w = way();
            let (_, sid) = signed_in(&mut w, "alice").await;
            let who = match by {
                "sid" => json!({ "sid": sid }),
                _ => json!({ "sub": "alice" }),
            };
            is_done(&send(&w, &token(&w, who)).await);
            if by == "sub" {
                w.advance(apart);
                w.browser = w.another_browser();
                let url = w.callback("alice", "/me").await;
                // However long the user takes.
                w.advance(30);
                w.log.clear();
                let what = format!("{apart} seconds later");
                is_signed_out_meanwhile(&w, &w.deliver(&url).await, &what);
                w.clock.set(UnixTime::from_secs(START + apart + 1));
                w.provider_clock.set(UnixTime::from_secs(START + apart + 1));
            }
            // With a `sid` of its own, it is none of those that were ended.
            let (since, _) = signed_in(&mut w, "alice").await;
            assert!(lives(&w, &since).await, "{by} {apart}");
        }
    }
}

/// Whether before the logout, in the middle of it, or after it and before it was remembered.
#[tokio::test]
async fn wherever_the_store_fails_the_provider_can_send_it_again() {
    let mut failures = 0;
    for answers in 0.. {
        let store = Watched::new();
        let mut w = world_with(|gate| gate.backchannel_logout().store(store.store()));
        let (session, sid) = signed_in(&mut w, "alice").await;
        let token = token(&w, json!({ "sid": sid }));
        store.answer(answers);
        let first = send(&w, &token).await;
        store.answer(usize::MAX);
        if first.status == 200 {
            break;
        }
        failures += 1;
        is_refused(&w, &first, 503, "session.store_unavailable");
        is_done(&send(&w, &token).await);
        assert!(!lives(&w, &session).await, "{answers}");
        is_refused(&w, &send(&w, &token).await, 400, "logout.replayed");
    }
    assert!(failures >= 4, "{failures}");
}

#[tokio::test]
async fn only_a_form_with_one_token_is_read_whatever_else_is_in_it() {
    let w = &WAYS[1]();
    let token = |jti: &str| token(w, json!({ "sub": "alice", "jti": jti }));
    let one = token("1");
    let refused = async |headers: &[(&str, &str)], body: &str| {
        let answer = w.request_with("POST", PATH, headers, body).await;
        is_refused(w, &answer, 400, "logout.request");
    };
    let form = format!("logout_token={one}");
    refused(&[], &form).await;
    refused(&[FORM, FORM], &form).await;
    refused(&[("content-type", "text/plain")], &form).await;
    let object = format!("{{\"logout_token\":\"{one}\"}}");
    refused(&[("content-type", "application/json")], &object).await;
    refused(&[FORM], &object).await;
    refused(&[FORM], "").await;
    refused(&[FORM], "logout_token=").await;
    refused(&[FORM], &format!("{form}&{form}")).await;
    refused(&[FORM], &format!("{form}&logout%5ftoken=x")).await;
    // Not from the query.
    let query = format!("{PATH}?{form}");
    let answer = w.request_with("POST", &query, &[FORM], "").await;
    is_refused(w, &answer, 400, "logout.request");
    let large = format!("{form}&x={}", "x".repeat(8 * 1024));
    let answer = post(w, &large).await;
    is_refused(w, &answer, 413, "request.body_too_large");
    is_done(&post(w, &form).await);
    let more = format!("state=1&logout_token={}&state=2&x=%ff", token("2"));
    is_done(&post(w, &more).await);
}

#[tokio::test]
async fn it_takes_a_post_and_looks_at_no_cookie_and_at_no_page_it_comes_from() {
    let w = &mut WAYS[0]();
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let answer = w.request(method, PATH, &[FORM]).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "POST"),
            "{method}"
        );
    }
    let (bob, _) = signed_in(w, "bob").await;
    let headers = [
        FORM,
        ("cookie", &*bob),
        ("origin", "https://elsewhere.test"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "no-cors"),
    ];
    let form = format!("logout_token={}", token(w, json!({ "sub": "alice" })));
    is_done(&w.request_with("POST", PATH, &headers, &form).await);
    assert!(lives(w, &bob).await);
}

#[tokio::test]
async fn a_key_that_is_new_is_found_and_made_up_ones_are_not_looked_for_each_time() {
    let w = &mut WAYS[0]();
    let (session, sid) = signed_in(w, "alice").await;
    assert_eq!(w.wire.count("/jwks"), 1);
    w.provider.rotate_keys();
    is_done(&send(w, &token(w, json!({ "sid": sid }))).await);
    assert!(!lives(w, &session).await);
    assert_eq!(w.wire.count("/jwks"), 2);
    let made_up = |number: u32| {
        let header = json!({"alg": "ES256", "kid": number.to_string(), "typ": "logout+jwt"});
        compact(&header.to_string(), "{}", "AAAA")
    };
    for number in 0..20 {
        is_refused(w, &send(w, &made_up(number)).await, 400, "logout.key");
    }
    assert_eq!(w.wire.count("/jwks"), 2);
    // Half a minute later one is worth a look again.
    w.advance(30);
    for number in 20..40 {
        send(w, &made_up(number)).await;
    }
    assert_eq!(w.wire.count("/jwks"), 3);
}

#[tokio::test]
async fn what_is_no_logout_token_asks_the_provider_nothing() {
    let w = &WAYS[0]();
    let not_ours = |header: Value| compact(&header.to_string(), "{}", "AAAA");
    for (text, check) in [
        ("nonsense".to_owned(), "logout.malformed"),
        (not_ours(json!({"alg": "none"})), "logout.alg"),
        (
            not_ours(json!({"alg": "ES256", "typ": "at+jwt"})),
            "logout.type",
        ),
        ("a.b.c.d.e".to_owned(), "logout.encrypted"),
    ] {
        is_refused(w, &send(w, &text).await, 400, check);
    }
    assert_eq!(w.wire.sent().len(), 0);
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_told_to_come_again() {
    let w = &mut WAYS[0]();
    let (session, sid) = signed_in(w, "alice").await;
    let token = token(w, json!({ "sid": sid, "exp": START + 100_000 }));
    w.fault(Fault::Unreachable);
    // What was fetched is not used for longer than a day.
    w.advance(60 * 60 * 23);
    w.clock.advance(std::time::Duration::from_secs(60 * 30));
    is_done(&send(w, &token).await);
    assert!(!lives(w, &session).await);
    let fresh = &WAYS[0]();
    fresh.fault(Fault::Unreachable);
    let token = token_of(fresh, "alice");
    let answer = send(fresh, &token).await;
    is_refused(fresh, &answer, 503, "provider.unreachable");
}

fn token_of(w: &World, subject: &str) -> String {
    token(w, json!({ "sub": subject }))
}

#[tokio::test]
async fn a_token_that_says_nothing_of_its_end_is_taken_where_that_is_said() {
    let accepting = || {
        world_where(
            |provider| provider.danger_accept_logout_without_exp(),
            |gate| gate.backchannel_logout().store(Store::memory()),
        )
    };
    for (way, accepts) in [(accepting as Way, true), (WAYS[0], false)] {
        let w = way();
        let without = |jti: &str| {
            let mut claims = claims(&w, json!({ "sub": "alice", "jti": jti }));
            claims.remove("exp");
            w.provider.sign(None, &claims)
        };
        let (one, two) = (without("1"), without("2"));
        let answer = send(&w, &one).await;
        match accepts {
            true => is_done(&answer),
            false => is_refused(&w, &answer, 400, "logout.claim"),
        }
        w.advance(150);
        let check = if accepts {
            "logout.issued_at"
        } else {
            "logout.claim"
        };
        is_refused(&w, &send(&w, &two).await, 400, check);
    }
}

#[tokio::test]
async fn it_is_counted_what_was_ended_and_what_was_refused() {
    let mut w = world_with(|gate| {
        gate.backchannel_logout()
            .store(Store::memory())
            .metrics_endpoint(MetricsEndpoint::ForAnybody)
    });
    let (_, sid) = signed_in(&mut w, "alice").await;
    send(&w, &token(&w, json!({ "sid": sid }))).await;
    send(&w, "nonsense").await;
    let metrics = w.request("GET", "/oauth2/metrics", &[]).await.body;
    for line in [
        "oidc_gate_sessions_ended_total{by=\"back_channel\"} 1",
        "oidc_gate_sessions_ended_total{by=\"front_channel\"} 0",
        "oidc_gate_refusals_total{check=\"logout.malformed\"} 1",
    ] {
        assert!(
            metrics.lines().any(|seen| seen == line),
            "{line}\n{metrics}"
        );
    }
}

fn built(with: impl FnOnce(GateBuilder) -> GateBuilder) -> Result<Gate, ConfigError> {
    let gate = Gate::builder()
        .issuer(ISSUER)
        .client("app", ClientAuth::none())
        .base_url("https://app.test")
        .cookie_keys(CookieKeys::ephemeral())
        .http_client(world().wire.clone());
    with(gate).build()
}

const REFUSED: &str = "sessions are in browsers' cookies alone, and nobody can end them from elsewhere; set `store`, or \
                       `coordinator` to one that replicas share";

#[test]
fn sessions_that_nobody_knows_of_cannot_be_ended_and_build_says_so() {
    let both = |gate: GateBuilder| gate.backchannel_logout().frontchannel_logout();
    for gate in [
        built(both),
        built(|gate| both(gate).coordinator(Store::memory())),
    ] {
        let error = gate.unwrap_err();
        let problems: Vec<_> = error.problems().collect();
        let expected =
            ["backchannel_logout", "frontchannel_logout"].map(|name| format!("{name}: {REFUSED}"));
        assert_eq!(problems, expected);
    }
    assert!(built(|gate| both(gate).store(Store::memory())).is_ok());
    assert!(built(|gate| both(gate).coordinator(Watched::new().store())).is_ok());
    let error = Gate::builder()
        .issuer(ISSUER)
        .bearer(Bearer::audience("api"))
        .http_client(world().wire.clone())
        .backchannel_logout()
        .build()
        .unwrap_err();
    let problems: Vec<_> = error.problems().collect();
    assert_eq!(
        problems,
        [
            "backchannel_logout: nobody signs in at a gate that takes bearer tokens alone; leave it out"
        ]
    );
}

#[tokio::test]
async fn nobody_serves_it_who_has_not_switched_it_on() {
    let w = world_with(|gate| gate.store(Store::memory()));
    for path in [PATH, "/oauth2/frontchannel_logout"] {
        let answer = w.request("POST", path, &[FORM]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// As in tests/logout_token.rs of core.
#[derive(Default, Deserialize)]
struct Case {
    name: String,
    algs: Option<Vec<String>>,
    header: Option<String>,
    raw_header: Option<String>,
    claims: Option<String>,
    raw_claims: Option<String>,
    signature: Option<String>,
    #[serde(default)]
    now: u64,
    #[serde(default)]
    expect: Expect,
    expected: String,
}

fn compact(header: &str, claims: &str, signature: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn merged(mut base: Value, edits: &Option<String>) -> String {
    let edits = edits.as_deref().unwrap_or("{}");
    let edits: Map<String, Value> = serde_json::from_str(edits).unwrap();
    let object = base.as_object_mut().unwrap();
    for (name, value) in edits {
        match value {
            Value::Null => drop(object.remove(&name)),
            value => drop(object.insert(name, value)),
        }
    }
    base.to_string()
}

impl Case {
    fn token(&self, w: &World, sid: &str, keys: &[SigningKey; 2]) -> String {
        let header = json!({"alg": "ES256", "kid": "key", "typ": "logout+jwt"});
        let header = self
            .raw_header
            .clone()
            .unwrap_or_else(|| merged(header, &self.header));
        let base = Value::Object(claims(w, json!({ "sub": "alice", "sid": sid })));
        let claims = self
            .raw_claims
            .clone()
            .unwrap_or_else(|| merged(base, &self.claims));
        let claims = claims.replace("https://id.example", ISSUER);
        let unsigned = compact(&header, &claims, "");
        let signed = unsigned.trim_end_matches('.');
        let sign = |key: &SigningKey| key.sign(signed.as_bytes()).unwrap();
        let mut signature = sign(&keys[0]);
        match self.signature.as_deref() {
            None => {}
            Some("missing") => return signed.to_owned(),
            Some("empty") => signature.clear(),
            Some("others") => signature = sign(&keys[1]),
            Some("broken") => signature[5] ^= 1,
            Some(other) => panic!("{}: {other}", self.name),
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What a case expects that not every gate does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    algs: Option<Vec<String>>,
    no_expiry: Option<String>,
    #[serde(default)]
    trusted_audiences: Vec<String>,
}

impl Expect {
    /// A gate that expects it, at a provider that signs ID tokens accordingly.
    fn world(&self) -> World {
        let sessions = |gate: GateBuilder| gate.backchannel_logout().store(Store::memory());
        let provider = |mut provider: Provider| {
            if self.no_expiry.is_some() {
                provider = provider.danger_accept_logout_without_exp();
            }
            // Any other one than that of the case's keys.
            match self.algs {
                Some(_) => provider.id_token_alg("RS256"),
                None => provider,
            }
        };
        let alg = match self.algs {
            Some(_) => Alg::RS256,
            None => Alg::ES256,
        };
        let gate =
            |auth| Gate::builder().provider(provider(Provider::unnamed(ISSUER, "app", auth)));
        world_from(|provider| provider.signing_alg(alg), gate, sessions)
    }
}

/// Publishes this key too, and says that such tokens are signed.
fn publish(w: &World, key: &SigningKey) {
    let mut jwk = key.public_jwk();
    jwk["kid"] = "key".into();
    w.wire.tamper(move |path, answer| {
        let mut document: Value = match serde_json::from_slice(answer.body()) {
            Ok(document) => document,
            Err(_) => return,
        };
        match path {
            "/jwks" => document["keys"].as_array_mut().unwrap().push(jwk.clone()),
            DISCOVERY => {
                let algs = json!(["ES256", "RS256", "RS512", "PS256"]);
                document["id_token_signing_alg_values_supported"] = algs;
            }
            _ => return,
        }
        *answer.body_mut() = document.to_string().into();
    });
}

/// Each token that core refuses, sent to the endpoint of a gate with a session that it names.
#[tokio::test]
async fn every_wrong_token_is_refused_by_name_and_ends_nothing() {
    let cases = include_str!("../../../oidc-gate-core/testdata/logout_token.toml");
    let cases: Cases = toml::from_str(cases).unwrap();
    let keys = [(); 2].map(|()| SigningKey::generate(Alg::ES256).unwrap());
    let with_ours =
        |algs: &Vec<String>| algs.iter().any(|alg| alg == "ES256" || alg == "asymmetric");
    let mut refused = cases.case;
    refused.retain(|case| case.expected.contains('.') && case.algs.as_ref().is_none_or(with_ours));
    let mut expects: Vec<Expect> = Vec::new();
    for case in &refused {
        if !expects.contains(&case.expect) {
            expects.push(case.expect.clone());
        }
    }
    let mut tried = Vec::new();
    for expect in &expects {
        let mut w = expect.world();
        publish(&w, &keys[0]);
        let (session, sid) = signed_in(&mut w, "alice").await;
        let of_this_gate = refused.iter().filter(|case| case.expect == *expect);
        let before = tried.len();
        for case in of_this_gate {
            let token = case.token(&w, &sid, &keys);
            w.clock.set(UnixTime::from_secs(START + case.now));
            w.log.clear();
            let answer = send(&w, &token).await;
            w.clock.set(UnixTime::from_secs(START));
            is_refused(&w, &answer, 400, &case.expected);
            assert!(!w.log.text().contains(&token), "{}", case.name);
            assert!(lives(&w, &session).await, "{}", case.name);
            tried.push(&case.name);
        }
        assert!(tried.len() > before);
        // And it is no other fault that kept the session alive.
        let right = match expect.algs {
            Some(_) => token(&w, json!({ "sid": sid })),
            None => Case::default().token(&w, &sid, &keys),
        };
        is_done(&send(&w, &right).await);
        assert!(!lives(&w, &session).await, "{expect:?}");
    }
    let wrong_alg = "an algorithm that ID tokens are not signed with, with a right signature";
    assert!(tried.iter().any(|name| *name == wrong_alg), "{tried:?}");
    assert!(tried.len() > 80 && expects.len() == 3, "{expects:?}");
}

#[tokio::test]
async fn a_token_for_the_application_is_still_the_applications() {
    let w = world_with(|gate| gate.backchannel_logout().store(Store::memory()));
    let request = Request::post("/logout").header("content-type", FORM.1);
    let body = format!("logout_token={}", token_of(&w, "alice"));
    let request = request.body(Full::<Bytes>::from(body)).unwrap();
    assert_eq!(serve(&w.gate, request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_session_that_the_provider_has_named_anew_is_found_by_either_name() {
    for anew in ["", "-anew"] {
        for logout_first in [false, true] {
            let mut w = world_with(|gate| gate.store(Store::memory()).backchannel_logout());
            w.provider.habit(Habit::SidAtRefresh);
            w.provider.habit(Habit::RefreshTokenUnasked);
            let (cookies, sid) = signed_in(&mut w, "alice").await;
            let sid = format!("{sid}{anew}");
            w.advance(3590);
            if logout_first {
                // Nobody has this name yet, unless it is the old one.
                assert_eq!(
                    send(&w, &token(&w, json!({ "sid": sid }))).await.status,
                    200
                );
            }
            w.advance(10);
            // The token has ended: the request refreshes, and the provider says the new name.
            let lived = lives(&w, &cookies).await;
            assert_eq!(lived, !logout_first, "{anew} {logout_first}");
            w.gate
                .drain(std::time::Duration::from_secs(5))
                .await
                .unwrap();
            let again = json!({ "sid": sid, "jti": "j-2" });
            assert_eq!(send(&w, &token(&w, again)).await.status, 200);
            assert!(!lives(&w, &cookies).await, "{anew} {logout_first}");
        }
    }
}
