//! Where claims come from, what they mean, and what is kept of them.

use crate::{
    login::assert_refused,
    world::{APP, ISSUER, World, world, world_at, world_from, world_of},
};
use http::StatusCode;
use oidc_gate_tower::{
    ClaimsSource, EmailRule, Gate, Identity, Pattern, Provider,
    dev::{DevProviderBuilder, Endpoint, Fault, Mishap},
    role,
};
use serde_json::json;

/// A gate that is configured so, at a provider with one more user.
fn world_for(user: Identity, configure: impl FnOnce(Provider) -> Provider) -> World {
    world_at(|provider| provider.user(user), configure)
}

/// A user called `zoe`.
fn zoe() -> oidc_gate_tower::core::identity::IdentityBuilder {
    Identity::builder("", "zoe")
        .name("Zoë")
        .email("zoe@example.com")
}

fn quiet(provider: DevProviderBuilder) -> DevProviderBuilder {
    provider.claims_in_userinfo_only()
}

#[tokio::test]
async fn a_provider_that_says_everything_in_userinfo_just_works() {
    let mut w = world_at(quiet, |provider| provider);
    let page = w.sign_in("alice", "/admin").await;
    assert_eq!(
        page.body.split(';').next(),
        Some("/admin alice Alice Adams <alice@example.com> in admins+staff acr -")
    );
    assert_eq!(w.wire.count("/userinfo"), 1);
    // The token goes in the header and nowhere else.
    let sent = w.wire.sent();
    let asked = sent.iter().find(|sent| sent.path == "/userinfo").unwrap();
    assert!(asked.authorization.starts_with("Bearer "));
    assert_eq!(asked.body, "");
    let token = asked.authorization.trim_start_matches("Bearer ");
    for secret in [token, "alice@example.com", "Alice Adams"] {
        assert!(!w.log.text().contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn userinfo_is_not_asked_where_the_id_token_says_enough_or_nobody_wants_it() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    assert_eq!(w.wire.count("/userinfo"), 0);
    let alone = |provider: Provider| provider.claims_from(ClaimsSource::IdToken);
    let mut w = world_at(quiet, alone);
    let page = w.sign_in("alice", "/me").await;
    assert!(
        page.body.starts_with("/me alice alice <-> in  acr -"),
        "{page:?}"
    );
    assert_eq!(w.wire.count("/userinfo"), 0);
}

#[tokio::test]
async fn a_shape_that_only_userinfo_fits_signs_the_user_in() {
    #[derive(serde::Deserialize)]
    struct Staff {
        #[serde(rename = "department")]
        _department: String,
    }
    let mut w = world_of(quiet, |gate| gate.scopes(["openid"]).claims::<Staff>());
    let page = w.sign_in("stranger", "/me").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(w.log.failed_login().get("check"), "id_token.claims_unfit");
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn an_access_token_for_another_api_is_one_warning_and_no_refusal() {
    for status in [401, 403] {
        let mut w = world_at(quiet, |provider| provider);
        w.wire.tamper(move |path, response| {
            if path == "/userinfo" {
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
            }
        });
        let page = w.sign_in("alice", "/me").await;
        assert!(page.body.starts_with("/me alice alice <-> "), "{page:?}");
        let mut warnings = w.log.entries();
        warnings.retain(|entry| entry.get("check") == "userinfo.refused");
        let [warning] = warnings.as_slice() else {
            panic!("{warnings:?}")
        };
        assert_eq!(warning.level, tracing::Level::WARN);
        assert_eq!(
            warning.get("cause"),
            format!("expected 200 from userinfo, got {status}")
        );
        assert!(warning.get("remedy").contains("ClaimsSource::IdToken"));
    }
}

#[tokio::test]
async fn nobody_is_signed_in_with_half_of_what_is_known() {
    let mut w = world_at(quiet, |provider| provider);
    for (fault, check, status) in [
        (
            Fault::At(Endpoint::Userinfo, Mishap::ServerError),
            "userinfo.unavailable",
            503,
        ),
        (
            Fault::At(Endpoint::Userinfo, Mishap::Redirected),
            "userinfo.malformed",
            502,
        ),
        (Fault::WrongUserinfoSubject, "userinfo.subject", 502),
        (Fault::MissingUserinfoSubject, "userinfo.subject", 502),
    ] {
        w.fault(fault);
        let url = w.callback("alice", "/me").await;
        let page = w.browser.get(&url).await;
        assert_refused(&w, &url, &page, check, status);
        assert_eq!(w.cookies(), [], "{check}");
        w.provider.clear_faults();
    }
}

#[tokio::test]
async fn signed_userinfo_is_refused_by_name() {
    let mut w = world_at(quiet, |provider| provider);
    w.wire.tamper(|path, response| {
        if path == "/userinfo" {
            let jwt = http::HeaderValue::from_static("application/jwt");
            response.headers_mut().insert("content-type", jwt);
        }
    });
    w.sign_in("alice", "/me").await;
    assert_eq!(w.log.failed_login().get("check"), "userinfo.signed");
    assert_eq!(w.cookies(), []);
}

#[tokio::test]
async fn a_user_without_the_demanded_address_reads_what_to_do() {
    let nobody = Identity::builder("", "zoe").name("Zoë").build();
    let mut w = world_for(nobody, |provider| provider.email(EmailRule::Present));
    let url = w.callback("zoe", "/me").await;
    let page = w.browser.get(&url).await;
    assert!(page.body.contains("your account has none"), "{page:?}");
    assert_refused(&w, &url, &page, "claims.email_missing", 403);
    assert_eq!(w.cookies(), []);

    let unchecked = || zoe().unverified_email("zoe@example.com").build();
    let verified = |provider: Provider| provider.email(EmailRule::Verified);
    let mut w = world_for(unchecked(), verified);
    let url = w.callback("zoe", "/me").await;
    let page = w.browser.get(&url).await;
    assert!(page.body.contains("that is confirmed"), "{page:?}");
    assert_refused(&w, &url, &page, "claims.email_unverified", 403);
    // Others can.
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn roles_of_several_places_open_what_they_are_demanded_for() {
    let zoe = zoe()
        .claim("realm_access", json!({"roles": ["user"]}))
        .claim(
            "resource_access",
            json!({"app": {"roles": ["editor", "user"]}}),
        )
        .build();
    let mut w = world_from(
        |provider| provider.user(zoe),
        |auth| {
            let provider = Provider::unnamed(ISSUER, "app", auth)
                .roles_at(["realm_access", "roles"])
                .roles_at(["resource_access", "app", "roles"]);
            Gate::builder().provider(provider)
        },
        |gate| gate.require(Pattern::prefix("/edit"), role("editor")),
    );
    let mut other = w.another_browser();
    let page = w.sign_in("zoe", "/edit").await;
    assert!(page.body.starts_with("/edit zoe "), "{page:?}");
    other.get(&format!("{APP}/edit")).await;
    let page = other.sign_in_as("alice").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_that_does_not_fit_names_what_to_drop_and_dropping_it_mends_it() {
    let large = || {
        let zoe = zoe().claim("picture_data", "x".repeat(7000));
        zoe.claim("teams", vec!["blue"; 100]).build()
    };
    let mut w = world_for(large(), |provider| provider);
    let page = w.sign_in("zoe", "/me").await;
    let event = w.log.failed_login();
    assert_eq!(event.get("check"), "session.too_large");
    assert_eq!(page.status.as_u16(), 502);
    let cause = event.get("cause");
    assert!(
        cause.contains(
            "; the largest claims are \"picture_data\" with 7002 bytes, \"teams\" with 701 bytes, "
        ),
        "{cause}"
    );
    assert!(!cause.contains("xxx") && !cause.contains("blue"), "{cause}");
    for setting in ["drop_claims", "keep_claims", "map_claims"] {
        assert!(event.get("remedy").contains(setting), "{event:?}");
    }
    for mend in [
        |provider: Provider| provider.drop_claims(["picture_data"]),
        |provider: Provider| provider.keep_claims(["teams"]),
        |provider: Provider| provider.map_claims(|claims| drop(claims.remove("picture_data"))),
    ] {
        let mut w = world_for(large(), mend);
        let page = w.sign_in("zoe", "/me").await;
        assert!(page.body.starts_with("/me zoe "), "{page:?}");
    }
}

#[tokio::test]
async fn a_change_that_panics_refuses_its_sign_in_and_nothing_else() {
    let mut w = world_for(zoe().build(), |provider| {
        provider.map_claims(|claims| assert_ne!(claims["sub"], "zoe", "a defect"))
    });
    let page = w.sign_in("zoe", "/me").await;
    assert_eq!(w.log.failed_login().get("check"), "system.misuse");
    assert_eq!(page.status.as_u16(), 503);
    assert_eq!(w.cookies(), []);
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    let patience = std::time::Duration::from_secs(1);
    assert!(w.gate.drain(patience).await.is_ok());
}
