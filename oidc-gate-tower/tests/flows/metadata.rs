//! Where metadata and keys come from, and what becomes of a login when they change.

use crate::{
    login::assert_refused,
    wire::DISCOVERY,
    world::{APP, World, world, world_where},
};
use http::{Response, StatusCode, header};
use oidc_gate_tower::{
    ClaimsSource, Provider, ProviderMetadata, ResponseMode,
    dev::{Endpoint, Fault, Mishap},
};
use serde_json::{Value, json};
use std::time::Duration;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
/// For so long the development provider's answers are fresh, and for so long after that nobody waits for new ones.
const LATE: u64 = 300 + 300;
const DAY: u64 = 24 * 60 * 60;

/// The usual world, its gate with more to say of the provider.
fn world_at(configure: impl FnOnce(Provider) -> Provider) -> World {
    world_where(configure, |gate| gate)
}

/// Signs in from start to end, with a session or without. The check that failed, if one did.
async fn login(w: &mut World) -> Result<(), String> {
    let (url, before) = (
        w.callback("alice", "/me").await,
        w.log.failed_logins().len(),
    );
    let page = w.browser.get(&url).await;
    match w.log.failed_logins().get(before) {
        Some(event) => Err(event.get("check").to_owned()),
        None => {
            assert!(page.body.starts_with("/me alice "), "{page:?}");
            Ok(())
        }
    }
}

/// Answers `document`, whatever was answered.
fn answer(response: &mut Response<Vec<u8>>, document: &Value) {
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = document.to_string().into_bytes();
}

fn edit(response: &mut Response<Vec<u8>>, name: &str, value: impl Into<Value>) {
    let mut document: Value = serde_json::from_slice(response.body()).unwrap();
    document[name] = value.into();
    *response.body_mut() = document.to_string().into_bytes();
}

/// From now on the metadata says this.
fn announce(w: &World, name: &'static str, value: impl Into<Value>) {
    let value = value.into();
    w.wire.tamper(move |path, response| {
        if path == DISCOVERY {
            edit(response, name, value.clone());
        }
    });
}

#[tokio::test]
async fn a_plain_oauth_server_is_found_where_its_specification_puts_it() {
    let mut w = world();
    w.wire.alias(
        "https://id.test/.well-known/oauth-authorization-server",
        "https://id.test/.well-known/openid-configuration",
    );
    w.wire.tamper(|path, response| {
        if path == DISCOVERY {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
    });
    assert_eq!(login(&mut w).await, Ok(()));
    assert_eq!((w.wire.count(DISCOVERY), w.wire.count(OAUTH)), (1, 1));
}

#[tokio::test]
async fn where_neither_place_has_it_the_log_names_both() {
    let w = world();
    w.wire
        .tamper(|_, response| *response.status_mut() = StatusCode::NOT_FOUND);
    assert_eq!(w.navigate("/me").await.status, 503);
    let event = w.log.failed_login();
    assert_eq!(event.get("check"), "provider.status");
    assert_eq!(
        event.get("cause"),
        "\"https://id.test/.well-known/oauth-authorization-server\" answered 404 instead of 200, after \
         \"https://id.test/.well-known/openid-configuration\" answered 404"
    );
}

#[tokio::test]
async fn only_a_404_leads_to_the_second_place() {
    let w = world();
    w.wire
        .tamper(|_, response| *response.status_mut() = StatusCode::FORBIDDEN);
    assert_eq!(w.navigate("/me").await.status, 503);
    assert_eq!((w.wire.count(DISCOVERY), w.wire.count(OAUTH)), (1, 0));
}

#[tokio::test]
async fn a_discovery_url_is_the_only_place_that_is_asked() {
    let mut w = world_at(|provider| provider.discovery_url("https://inner.test/metadata"));
    w.wire.alias(
        "https://inner.test/metadata",
        "https://id.test/.well-known/openid-configuration",
    );
    assert_eq!(login(&mut w).await, Ok(()));
    assert_eq!((w.wire.count("/metadata"), w.wire.count(DISCOVERY)), (1, 0));
    // Not even if it has nothing.
    let w = world_at(|provider| provider.discovery_url("https://id.test/nothing"));
    assert_eq!(w.navigate("/me").await.status, 503);
    let paths: Vec<_> = w.wire.sent().into_iter().map(|sent| sent.path).collect();
    assert_eq!(paths, ["/nothing"]);
}

#[tokio::test]
async fn a_document_from_a_discovery_url_has_to_name_the_configured_issuer() {
    let w = world_at(|provider| provider.discovery_url("https://inner.test/metadata"));
    w.wire.alias(
        "https://inner.test/metadata",
        "https://id.test/.well-known/openid-configuration",
    );
    w.wire
        .tamper(|_, response| edit(response, "issuer", "https://inner.test"));
    assert_eq!(w.navigate("/me").await.status, 503);
    let event = w.log.failed_login();
    assert_eq!(event.get("check"), "provider.issuer_mismatch");
    assert_eq!(w.wire.count("/jwks"), 0);
}

fn inner_addresses(provider: Provider) -> Provider {
    provider.metadata(
        ProviderMetadata::new(
            "https://id.test/authorize",
            "https://inner.test/token",
            "https://inner.test/jwks",
        )
        .userinfo_endpoint("https://inner.test/userinfo")
        .end_session_endpoint("https://id.test/end_session")
        .member("id_token_signing_alg_values_supported", json!(["ES256"]))
        .member("code_challenge_methods_supported", json!(["S256"])),
    )
}

#[tokio::test]
async fn metadata_that_is_configured_is_never_asked_for() {
    let mut w = world_at(inner_addresses);
    w.wire
        .alias("https://inner.test/token", "https://id.test/token");
    w.wire
        .alias("https://inner.test/jwks", "https://id.test/jwks");
    for _ in 0..3 {
        assert_eq!(w.gate.ready().await, Ok(()));
        assert_eq!(login(&mut w).await, Ok(()));
        w.advance(2 * DAY);
    }
    let mut paths: Vec<_> = w.wire.sent().into_iter().map(|sent| sent.path).collect();
    paths.sort();
    assert_eq!(
        paths,
        ["/jwks", "/jwks", "/jwks", "/token", "/token", "/token"]
    );
}

#[tokio::test]
async fn metadata_that_is_configured_is_at_hand_without_its_provider() {
    let w = world_at(inner_addresses);
    w.fault(Fault::Unreachable);
    let answer = w.navigate("/me").await;
    assert_eq!(answer.status, 303);
    assert!(
        answer
            .header("location")
            .starts_with("https://id.test/authorize?")
    );
    assert_eq!(w.wire.sent().len(), 0);
}

#[tokio::test]
async fn an_endpoint_that_moves_is_asked_at_its_new_address() {
    let mut w = world();
    assert_eq!(login(&mut w).await, Ok(()));
    w.wire
        .alias("https://id.test/token-2", "https://id.test/token");
    announce(&w, "token_endpoint", "https://id.test/token-2");
    // What has just expired is renewed behind a login, what is older before it.
    w.advance(LATE);
    assert_eq!(login(&mut w).await, Ok(()));
    assert_eq!((w.wire.count("/token"), w.wire.count("/token-2")), (1, 1));
    assert_eq!(w.wire.count(DISCOVERY), 2);
}

#[tokio::test]
async fn an_endpoint_that_moves_too_soon_costs_one_login_at_most() {
    let mut w = world();
    assert_eq!(login(&mut w).await, Ok(()));
    w.wire
        .alias("https://id.test/token-2", "https://id.test/token");
    w.wire.tamper(|path, response| match path {
        DISCOVERY => edit(response, "token_endpoint", "https://id.test/token-2"),
        "/token" => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
        _ => {}
    });
    w.advance(30);
    assert_eq!(login(&mut w).await, Err("token.unavailable".to_owned()));
    assert_eq!(login(&mut w).await, Ok(()));
    assert_eq!(w.wire.count(DISCOVERY), 2);
}

#[tokio::test]
async fn algorithms_that_change_cost_one_login_at_most() {
    let mut w = world();
    announce(
        &w,
        "id_token_signing_alg_values_supported",
        json!(["RS256"]),
    );
    w.gate.ready().await.unwrap();
    w.wire.tamper(|_, _| {});
    // Whoever fails often asks no more often than that.
    for _ in 0..3 {
        assert_eq!(login(&mut w).await, Err("id_token.alg".to_owned()));
    }
    assert_eq!(w.wire.count(DISCOVERY), 1);
    w.advance(30);
    assert_eq!(login(&mut w).await, Err("id_token.alg".to_owned()));
    assert_eq!(login(&mut w).await, Ok(()));
    assert_eq!(w.wire.count(DISCOVERY), 2);
}

#[tokio::test]
async fn a_setting_that_is_mended_at_the_provider_is_seen_without_a_restart() {
    type Configure = fn(Provider) -> Provider;
    let cases: [(Configure, _, _, _); 7] = [
        (
            |provider| provider,
            "code_challenge_methods_supported",
            json!(["plain"]),
            "provider.pkce_unsupported",
        ),
        (
            |provider| provider,
            "response_types_supported",
            json!(["token"]),
            "provider.code_flow_unsupported",
        ),
        (
            |provider| provider,
            "token_endpoint_auth_methods_supported",
            json!(["private_key_jwt"]),
            "provider.client_auth_unsupported",
        ),
        (
            |provider| provider,
            "id_token_signing_alg_values_supported",
            json!(["none"]),
            "provider.no_common_algorithm",
        ),
        (
            |provider| provider.request_claims(json!({"userinfo": {"email": null}})),
            "claims_parameter_supported",
            json!(false),
            "provider.claims_unsupported",
        ),
        (
            |provider| provider.response_mode(ResponseMode::FormPost),
            "response_modes_supported",
            json!(["query"]),
            "provider.response_mode_unsupported",
        ),
        (
            |provider| provider.claims_from(ClaimsSource::UserinfoAlways),
            "userinfo_endpoint",
            Value::Null,
            "userinfo.unsupported",
        ),
    ];
    for (configure, name, value, check) in cases {
        let w = world_at(configure);
        announce(&w, name, value);
        assert_eq!(w.navigate("/me").await.status, 503, "{name}");
        assert_eq!(w.log.failed_login().get("check"), check);
        w.wire.tamper(|_, _| {});
        w.advance(30);
        assert_eq!(w.navigate("/me").await.status, 503, "{name}");
        assert_eq!(w.navigate("/me").await.status, 303, "{name}");
        assert_eq!(w.wire.count(DISCOVERY), 2, "{name}");
    }
}

#[tokio::test]
async fn a_userinfo_endpoint_that_moves_costs_one_login_at_most() {
    let mut w = world_at(|provider| provider.claims_from(ClaimsSource::UserinfoAlways));
    announce(&w, "userinfo_endpoint", "https://id.test/elsewhere");
    w.gate.ready().await.unwrap();
    w.wire.tamper(|_, _| {});
    w.advance(30);
    assert_eq!(login(&mut w).await, Err("userinfo.malformed".to_owned()));
    assert_eq!(login(&mut w).await, Ok(()));
}

type Spoil = fn(&mut Response<Vec<u8>>);

#[tokio::test]
async fn a_document_that_cannot_be_used_leaves_the_one_before_in_use_for_a_day() {
    let spoilt: [(&str, Spoil); 6] = [
        ("provider.status", |response| {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }),
        ("provider.status", |response| {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }),
        ("provider.metadata_malformed", |response| {
            response.body_mut().truncate(100);
        }),
        ("provider.metadata_malformed", |response| {
            edit(response, "jwks_uri", "http://id.test/jwks");
        }),
        ("provider.metadata_malformed", |response| {
            edit(response, "token_endpoint", Value::Null);
        }),
        ("provider.issuer_mismatch", |response| {
            edit(response, "issuer", "https://id.test/");
        }),
    ];
    for (check, spoil) in spoilt {
        let mut w = world();
        assert_eq!(login(&mut w).await, Ok(()));
        w.wire.tamper(move |path, response| {
            if path == DISCOVERY {
                spoil(response);
            }
        });
        for secs in [LATE, DAY - LATE] {
            w.log.clear();
            w.advance(secs);
            assert_eq!(login(&mut w).await, Ok(()), "{check}");
            assert!(w.log.checks().contains(&check.to_owned()), "{check}");
        }
        w.advance(300);
        w.log.clear();
        assert_eq!(w.navigate("/me").await.status, 503, "{check}");
        assert_eq!(w.log.failed_login().get("check"), check);
    }
}

#[tokio::test]
async fn keys_that_move_are_asked_for_there_before_a_login_fails() {
    // The old address is gone, or goes on with the old keys.
    for gone in [true, false] {
        let mut w = world();
        let old = w.provider.clone();
        assert_eq!(login(&mut w).await, Ok(()));
        let before = w.wire.sent().into_iter().find(|sent| sent.path == "/jwks");
        let before: Value = serde_json::from_str(&before.unwrap().answer).unwrap();
        old.rotate_keys_and_forget();
        w.wire
            .alias("https://id.test/keys-2", "https://id.test/jwks");
        w.wire.tamper(move |path, response| match path {
            DISCOVERY => edit(response, "jwks_uri", "https://id.test/keys-2"),
            "/jwks" if gone => *response.status_mut() = StatusCode::NOT_FOUND,
            "/jwks" => answer(response, &before),
            _ => {}
        });
        assert_eq!(login(&mut w).await, Ok(()), "{gone}");
        assert_eq!(w.wire.count("/keys-2"), 1);
        assert_eq!(w.wire.count(DISCOVERY), 2);
        // And that was it.
        assert_eq!(login(&mut w).await, Ok(()), "{gone}");
        assert_eq!((w.wire.count("/jwks"), w.wire.count("/keys-2")), (2, 1));
    }
}

#[tokio::test]
async fn a_key_of_the_address_before_verifies_nothing_once_the_new_one_has_answered() {
    let mut w = world();
    w.wire.tamper(|path, response| {
        if path == "/jwks" {
            fresh_for(response, DAY);
        }
    });
    assert_eq!(login(&mut w).await, Ok(()));
    w.wire
        .alias("https://id.test/keys-2", "https://id.test/jwks");
    w.wire.tamper(|path, response| match path {
        DISCOVERY => edit(response, "jwks_uri", "https://id.test/keys-2"),
        // The provider goes on signing with the key, or somebody who has stolen it does.
        "/keys-2" => answer(response, &json!({"keys": []})),
        _ => {}
    });
    w.advance(LATE);
    for _ in 0..3 {
        assert_eq!(login(&mut w).await, Err("id_token.key".to_owned()));
    }
    // Once because nothing was known of it, once because the key was not.
    assert_eq!((w.wire.count("/jwks"), w.wire.count("/keys-2")), (1, 2));
}

#[tokio::test]
async fn until_the_new_address_answers_the_keys_before_do_while_they_are_fresh() {
    let mut w = world();
    w.wire.tamper(|path, response| {
        if path == "/jwks" {
            fresh_for(response, 3600);
        }
    });
    assert_eq!(login(&mut w).await, Ok(()));
    w.wire.tamper(|path, response| match path {
        DISCOVERY => edit(response, "jwks_uri", "https://id.test/keys-2"),
        "/keys-2" => *response.status_mut() = StatusCode::BAD_GATEWAY,
        _ => {}
    });
    w.advance(LATE);
    assert_eq!(login(&mut w).await, Ok(()));
    assert_eq!(w.wire.count("/keys-2"), 1);
    w.advance(3600 - LATE);
    assert_eq!(login(&mut w).await, Err("provider.status".to_owned()));
    assert_eq!(w.wire.count("/jwks"), 1);
}

#[tokio::test]
async fn a_withdrawn_key_verifies_nothing_when_its_set_has_expired() {
    let mut w = world();
    assert_eq!(login(&mut w).await, Ok(()));
    w.wire.tamper(|path, response| {
        if path == "/jwks" {
            answer(response, &json!({"keys": []}));
        }
    });
    w.advance(LATE);
    assert_eq!(login(&mut w).await, Err("id_token.key".to_owned()));
}

#[tokio::test]
async fn keys_that_cannot_be_renewed_stay_in_use_for_a_day() {
    // So does a set that lists too many to be read.
    let many = json!({"keys": vec![json!({}); 101]});
    for (check, document) in [
        ("provider.status", None),
        ("provider.keys_malformed", Some(many)),
    ] {
        let mut w = world();
        assert_eq!(login(&mut w).await, Ok(()));
        w.wire
            .tamper(move |path, response| match (path, &document) {
                ("/jwks", None) => *response.status_mut() = StatusCode::BAD_GATEWAY,
                ("/jwks", Some(document)) => answer(response, document),
                _ => {}
            });
        for secs in [LATE, DAY + 300 - LATE - 1] {
            w.advance(secs);
            assert_eq!(login(&mut w).await, Ok(()), "{check}");
        }
        w.advance(1);
        assert_eq!(login(&mut w).await, Err(check.to_owned()));
    }
}

#[tokio::test]
async fn a_wrong_signature_by_a_known_key_asks_for_nothing() {
    let mut w = world();
    w.fault(Fault::InvalidSignature);
    for _ in 0..3 {
        assert_eq!(login(&mut w).await, Err("id_token.signature".to_owned()));
        w.advance(31);
    }
    assert_eq!(w.wire.counts(), (1, 1, 3));
}

#[tokio::test]
async fn a_token_of_a_foreign_issuer_makes_nobody_ask_there() {
    let mut w = world();
    w.fault(Fault::WrongIssuer);
    assert_eq!(login(&mut w).await, Err("id_token.issuer".to_owned()));
    assert_eq!(w.wire.counts(), (1, 1, 1));
    assert_eq!(w.wire.sent().len(), 3);
}

#[tokio::test]
async fn keys_that_are_nowhere_to_be_found_cause_one_search_in_an_interval() {
    let mut w = world();
    assert_eq!(login(&mut w).await, Ok(()));
    w.fault(Fault::UnknownKey);
    for _ in 0..10 {
        assert_eq!(login(&mut w).await, Err("id_token.key".to_owned()));
        w.advance(2);
    }
    assert_eq!(w.wire.counts(), (2, 2, 11));
}

#[tokio::test]
async fn a_leaked_secret_among_the_keys_is_an_alarm_without_its_value() {
    let mut w = world();
    w.wire.tamper(|path, response| {
        if path == "/jwks" {
            let mut set: Value = serde_json::from_slice(response.body()).unwrap();
            let leaked = json!({"kty": "oct", "kid": "hush-kid", "k": "aHVzaC1odXNo"});
            set["keys"].as_array_mut().unwrap().push(leaked);
            answer(response, &set);
        }
    });
    assert_eq!(login(&mut w).await, Ok(()));
    let alarms: Vec<_> = w
        .log
        .entries()
        .into_iter()
        .filter(|event| event.level == tracing::Level::ERROR)
        .collect();
    let [alarm] = alarms.as_slice() else {
        panic!("{alarms:?}")
    };
    assert_eq!(
        alarm.get("key"),
        "keys[1] is a symmetric key, published for all to read"
    );
    assert!(!format!("{alarm:?}").contains("hush"));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up_after_ten_seconds() {
    let w = world();
    w.fault(Fault::At(Endpoint::Metadata, Mishap::Slow));
    let begun = tokio::time::Instant::now();
    assert_eq!(w.navigate("/me").await.status, 503);
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(w.log.failed_login().get("check"), "provider.unreachable");
    // Whoever comes in the back-off does not wait, and who needs no login never does.
    let begun = tokio::time::Instant::now();
    assert_eq!(w.navigate("/me").await.status, 503);
    assert_eq!(w.navigate("/").await.status, 200);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

fn fresh_for(response: &mut Response<Vec<u8>>, secs: u64) {
    let value = format!("max-age={secs}").parse().unwrap();
    response.headers_mut().insert(header::CACHE_CONTROL, value);
}

#[tokio::test]
async fn a_provider_without_userinfo_that_is_always_to_be_asked_is_told_of_before_the_browser_leaves()
 {
    let mut w = world_at(|provider| provider.claims_from(ClaimsSource::UserinfoAlways));
    w.wire.tamper(|path, answer| {
        if path == DISCOVERY {
            let body = String::from_utf8(answer.body().clone()).unwrap();
            *answer.body_mut() = body.replace("userinfo_endpoint", "x").into_bytes();
        }
    });
    let page = w.browser.get(&format!("{APP}/me")).await;
    assert_refused(&w, "", &page, "userinfo.unsupported", 503);
    assert_eq!(w.login_cookies(), []);
    let not_ready = w.gate.ready().await.unwrap_err();
    assert_eq!(not_ready.check().id(), "userinfo.unsupported");
}
