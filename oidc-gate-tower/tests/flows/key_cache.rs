//! How long what a provider publishes is used before it is asked again.

use crate::{
    wire::DISCOVERY,
    world::{ISSUER, START, World, serve, world, world_where, world_with},
};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use oidc_gate_tower::{Bearer, Gate};
use serde_json::json;
use std::time::Duration;

const TEN_MINUTES: Duration = Duration::from_secs(600);
/// For so long afterwards nobody waits for what is new.
const BEHIND: u64 = 300;

fn asked(w: &World) -> (usize, usize) {
    (w.wire.count(DISCOVERY), w.wire.count("/jwks"))
}

/// Asks this gate with a token that nobody has seen before.
async fn show(w: &World, gate: &Gate, number: u64) -> u16 {
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": "api", "client_id": "cli", "jti": number.to_string(),
        "iat": START, "exp": START + 100_000,
    });
    let token = w.provider.sign(Some("at+jwt"), claims.as_object().unwrap());
    let request = Request::get("/me").header("authorization", format!("Bearer {token}"));
    let request = request.body(Full::<Bytes>::default()).unwrap();
    serve(gate, request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_login_uses_keys_no_longer_than_is_said_whatever_the_provider_allows() {
    for (said, again) in [(None, (1, 1)), (Some(TEN_MINUTES), (2, 2))] {
        let mut w = world_where(
            |provider| match said {
                Some(age) => provider.key_cache(age),
                None => provider,
            },
            |gate| gate,
        );
        w.wire.tamper(|_, answer| {
            let allowed = http::HeaderValue::from_static("max-age=7200");
            answer.headers_mut().insert("cache-control", allowed);
        });
        w.sign_in("alice", "/me").await;
        w.advance(599);
        let url = w.callback("bob", "/me").await;
        w.browser.get(&url).await;
        assert_eq!(asked(&w), (1, 1), "{said:?}");
        w.advance(1 + BEHIND);
        let url = w.callback("carol", "/me").await;
        let page = w.browser.get(&url).await;
        assert!(page.body.starts_with("/me carol "), "{page:?}");
        assert_eq!(asked(&w), again, "{said:?}");
    }
}

#[tokio::test]
async fn what_the_provider_allows_may_be_less_than_what_is_said() {
    let mut w = world_where(|provider| provider.key_cache(4 * TEN_MINUTES), |gate| gate);
    w.wire.tamper(|_, answer| {
        let allowed = http::HeaderValue::from_static("max-age=600");
        answer.headers_mut().insert("cache-control", allowed);
    });
    w.sign_in("alice", "/me").await;
    w.advance(600 + BEHIND);
    w.callback("bob", "/me").await;
    assert_eq!(w.wire.count(DISCOVERY), 2);
}

#[tokio::test]
async fn a_withdrawn_key_verifies_no_token_for_longer() {
    let w = world_where(
        |provider| provider.key_cache(TEN_MINUTES),
        |gate| gate.bearer(Bearer::audience("api")),
    );
    assert_eq!(show(&w, &w.gate, 1).await, 200);
    w.advance(600 + BEHIND - 1);
    assert_eq!(asked(&w), (1, 1));
    w.advance(1);
    assert_eq!(show(&w, &w.gate, 2).await, 200);
    assert_eq!(asked(&w), (2, 2));
}

#[tokio::test]
async fn an_issuer_of_tokens_alone_has_its_own_and_the_shortest_holds() {
    let w = world();
    let gate = Gate::builder()
        .issuer(ISSUER)
        .bearer(Bearer::audience("api"))
        .bearer(Bearer::audience("other").key_cache(TEN_MINUTES))
        .bearer(Bearer::audience("third").key_cache(2 * TEN_MINUTES))
        .http_client(w.wire.clone())
        .clock(w.clock.clone())
        .build()
        .unwrap();
    assert_eq!(show(&w, &gate, 1).await, 200);
    assert_eq!(asked(&w), (1, 1));
    w.advance(600 + BEHIND);
    assert_eq!(show(&w, &gate, 2).await, 200);
    assert_eq!(asked(&w), (2, 2));
}

#[cfg(feature = "config")]
#[tokio::test]
async fn what_the_environment_says_holds_for_tokens_where_nobody_signs_in() {
    let w = world();
    let said = [
        ("OIDC_GATE_ISSUER_URL", ISSUER),
        ("OIDC_GATE_BEARER_AUDIENCES", "api"),
        ("OIDC_GATE_KEY_CACHE_AGE", "10m"),
    ];
    let said = oidc_gate_tower::config::Sources::new().env(said);
    let gate = oidc_gate_tower::config::Config::read(said)
        .unwrap()
        .gate()
        .http_client(w.wire.clone())
        .clock(w.clock.clone())
        .build()
        .unwrap();
    assert_eq!(show(&w, &gate, 1).await, 200);
    w.advance(600 + BEHIND);
    assert_eq!(show(&w, &gate, 2).await, 200);
    assert_eq!(asked(&w), (2, 2));
}

#[test]
fn of_the_provider_that_users_sign_in_with_it_is_said_once() {
    let w = world_with(|gate| gate);
    let built = Gate::builder()
        .issuer(ISSUER)
        .client("app", oidc_gate_tower::ClientAuth::none())
        .base_url("https://app.test")
        .cookie_keys(oidc_gate_tower::CookieKeys::ephemeral())
        .http_client(w.wire)
        .bearer(Bearer::audience("api").key_cache(TEN_MINUTES))
        .build();
    assert_eq!(
        built.unwrap_err().problems().collect::<Vec<_>>(),
        [
            "bearer \"api\": key_cache: the issuer is the provider, of whom it is said by Provider::key_cache"
        ]
    );
}
