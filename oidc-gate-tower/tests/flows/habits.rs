//! Providers with habits of their own: each signs users in like any other.

use crate::{
    wire::DISCOVERY,
    world::{APP, World, world, world_of, world_with},
};
use oidc_gate_tower::{
    ClientAuth, GateBuilder, Pattern,
    core::secret::ClientSecret,
    dev::{Fault, Habit},
    email_domain, max_age,
};
use std::time::Duration;

/// Signs `user` in with a provider of this habit. What the application says of them.
async fn signed_in_by(habit: Habit, user: &str) -> (World, String) {
    let mut w = world();
    w.provider.habit(habit);
    let page = w.sign_in(user, "/me").await;
    assert_eq!(
        w.log.failed_logins().len(),
        0,
        "{habit:?}: {}",
        w.log.text()
    );
    (w, page.body)
}

fn token_answer(w: &World) -> serde_json::Value {
    let sent = w.wire.sent();
    let token = sent.iter().find(|sent| sent.path.ends_with("/token"));
    serde_json::from_str(&token.unwrap().answer).unwrap()
}

const ALICE: &str = "/me alice Alice Adams <alice@example.com> in admins+staff acr -;";

#[tokio::test]
async fn an_issuer_with_a_trailing_slash() {
    for issuer in [
        "https://id.test/",
        "https://id.test/tenant/",
        "https://id.test/a/b",
    ] {
        let mut w = world_of(|p| p.issuer(issuer), |gate| gate.issuer(issuer));
        let page = w.sign_in("alice", "/me").await;
        assert!(page.body.starts_with(ALICE), "{issuer}: {page:?}");
    }
}

#[tokio::test]
async fn an_issuer_whose_slash_is_configured_otherwise_is_named_in_the_log() {
    for (theirs, ours) in [
        ("https://id.test/tenant/", "https://id.test/tenant"),
        ("https://id.test/tenant", "https://id.test/tenant/"),
    ] {
        let w = world_of(|p| p.issuer(theirs), |gate| gate.issuer(ours));
        assert_eq!(w.navigate("/me").await.status, 503);
        let failed = w.log.failed_login();
        assert_eq!(failed.get("check"), "provider.issuer_mismatch");
        assert!(failed.get("cause").contains(theirs), "{failed:?}");
    }
}

#[tokio::test]
async fn every_habit_alone_signs_users_in() {
    for habit in Habit::all() {
        let (w, body) = signed_in_by(habit, "carol").await;
        assert!(
            body.starts_with("/me carol Carol Clark <"),
            "{habit:?}: {body}"
        );
        assert!(w.session_cookie().is_some());
    }
}

#[tokio::test]
async fn all_habits_at_once_sign_users_in() {
    let mut w = world();
    Habit::all().for_each(|habit| w.provider.habit(habit));
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice Alice Adams <"), "{page:?}");
}

#[tokio::test]
async fn an_audience_that_is_a_list() {
    let (_, body) = signed_in_by(Habit::AudienceList, "alice").await;
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn an_auth_time_with_a_fraction_counts_as_a_time() {
    let recent = max_age(Duration::from_secs(300));
    let mut w = world_with(|gate| gate.require(Pattern::prefix("/recent"), recent));
    w.provider.habit(Habit::FractionalTimes);
    let page = w.sign_in("alice", "/recent").await;
    assert!(page.body.starts_with("/recent alice "), "{page:?}");
}

#[tokio::test]
async fn an_email_verified_that_is_text_verifies_nothing() {
    let ours =
        |gate: GateBuilder| gate.require(Pattern::path("/ours"), email_domain("example.com"));
    let mut w = world_with(ours);
    assert_eq!(w.sign_in("alice", "/ours").await.status, 200);
    let mut w = world_with(ours);
    w.provider.habit(Habit::EmailVerifiedText);
    assert_eq!(w.sign_in("alice", "/ours").await.status, 403);
    assert_eq!(w.whoami().await, "alice");
}

#[tokio::test]
async fn an_only_group_that_is_text() {
    let (_, body) = signed_in_by(Habit::GroupText, "bob").await;
    assert!(body.contains(" in staff acr "), "{body}");
}

#[tokio::test]
async fn a_token_type_in_lower_case() {
    let (w, body) = signed_in_by(Habit::LowerCaseBearer, "alice").await;
    assert_eq!(token_answer(&w)["token_type"], "bearer");
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn an_expires_in_that_is_text_or_has_a_fraction_or_is_missing() {
    for (habit, expected) in [
        (Habit::ExpiresInText, serde_json::json!("3600")),
        (Habit::ExpiresInFraction, serde_json::json!(3600.5)),
        (Habit::MissingExpiresIn, serde_json::Value::Null),
    ] {
        let (w, body) = signed_in_by(habit, "alice").await;
        assert_eq!(token_answer(&w)["expires_in"], expected);
        assert!(body.starts_with(ALICE), "{body}");
    }
}

#[tokio::test]
async fn a_token_response_without_a_scope() {
    let (w, body) = signed_in_by(Habit::MissingScope, "alice").await;
    assert_eq!(token_answer(&w).get("scope"), None);
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn members_without_a_value_that_are_null() {
    let (w, body) = signed_in_by(Habit::NullMembers, "alice").await;
    assert_eq!(
        token_answer(&w).get("refresh_token"),
        Some(&serde_json::Value::Null)
    );
    let metadata = &w.wire.sent()[0];
    assert_eq!(metadata.path, DISCOVERY);
    assert!(metadata.answer.contains("\"registration_endpoint\":null"));
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn members_that_nobody_has_heard_of() {
    let (w, body) = signed_in_by(Habit::UnknownMembers, "alice").await;
    let sent = w.wire.sent();
    assert!(sent.len() >= 3);
    assert!(sent.iter().all(|sent| sent.answer.contains("x_stranger")));
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn keys_of_unknown_types_and_certificates() {
    let (w, body) = signed_in_by(Habit::StrangeKeys, "alice").await;
    let sent = w.wire.sent();
    let keys = sent.iter().find(|sent| sent.path == "/jwks").unwrap();
    assert!(keys.answer.contains("x5c") && keys.answer.contains("of the future"));
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn id_tokens_without_a_kid() {
    let mut w = world();
    w.fault(Fault::MissingKid);
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with(ALICE), "{page:?}");
}

#[tokio::test]
async fn a_code_with_odd_characters() {
    let (w, body) = signed_in_by(Habit::OddCode, "alice").await;
    let sent = w.wire.sent();
    let token = sent.iter().find(|sent| sent.path == "/token").unwrap();
    assert!(token.body.contains("code=4%2F0+"), "{}", token.body);
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn a_content_type_with_a_charset() {
    let (_, body) = signed_in_by(Habit::Charset, "alice").await;
    assert!(body.starts_with(ALICE), "{body}");
}

#[tokio::test]
async fn a_wrong_secret_that_is_answered_with_403_and_nothing_is_called_that() {
    let wrong = ClientAuth::client_secret_basic(ClientSecret::new("wrong"));
    let mut w = world_with(|gate| gate.client("app", wrong));
    w.provider.habit(Habit::EmptyRefusal);
    w.sign_in("alice", "/me").await;
    let failed = w.log.failed_login();
    assert_eq!(failed.get("check"), "token.invalid_client");
    assert!(failed.get("cause").contains("answered 403"), "{failed:?}");
    assert!(failed.get("remedy").contains("secret"), "{failed:?}");
    assert_eq!(w.session_cookie(), None);
}

#[tokio::test]
async fn a_callback_with_parameters_of_the_providers_own() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let url = format!(
        "{url}&session_state=9a7f.x&scope=openid+email&authuser=0&hd=example.com&prompt=none"
    );
    let answer = w.deliver(&url).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/me"));
}

#[tokio::test]
async fn a_token_response_without_a_content_type() {
    let mut w = world();
    w.wire.tamper(|path, answer| {
        if path == "/token" {
            answer.headers_mut().remove("content-type");
        }
    });
    let page = w.sign_in("alice", "/me").await;
    assert!(
        page.url.starts_with(APP) && page.body.starts_with(ALICE),
        "{page:?}"
    );
}
