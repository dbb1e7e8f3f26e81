//! An application that lives under a path of its origin: where a user lands who has no better place to go.

use crate::world::{APP, CLIENT_SECRET, NAVIGATION, World, world_of};
use crate::{login::assert_refused, world::Answer};
use oidc_gate_tower::{
    core::{form::encode, secret::ClientSecret},
    dev::Fault,
};

const HOME: &str = "https://app.test/tools/";

fn below() -> World {
    let redirect_uri = format!("{APP}/tools/oauth2/callback");
    world_of(
        |provider| {
            let secret = ClientSecret::new(CLIENT_SECRET);
            provider.client("app-below", Some(secret), redirect_uri)
        },
        |gate| {
            let secret = ClientSecret::new(CLIENT_SECRET);
            let auth = oidc_gate_tower::ClientAuth::client_secret_basic(secret);
            gate.client("app-below", auth)
                .base_url(format!("{APP}/tools"))
                .open(oidc_gate_tower::Pattern::prefix("/tools/go"))
        },
    )
}

/// The address a page of the gate leads on to.
fn way_on(answer: &Answer) -> &str {
    let (_, link) = answer.body.split_once(" href=\"").unwrap();
    link.split_once('"').unwrap().0
}

#[tokio::test]
async fn a_login_without_a_place_of_its_own_leads_to_the_applications_first_page() {
    for path in [
        "/tools/oauth2/start",
        "/tools/oauth2/start?rd=%2F",
        "/tools/oauth2/start?rd=%2Fme",
        "/tools/oauth2/start?rd=https%3A%2F%2Fevil.example%2F",
        "/tools/oauth2/start?iss=https%3A%2F%2Fid.test&target_link_uri=https%3A%2F%2Fapp.test%2F",
        // No place to come back to, since the browser would normalise it.
        "/tools/a/../b",
        "//evil.example/",
    ] {
        let mut w = below();
        let answer = w.navigate(path).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        for cookie in answer.set_cookies() {
            w.browser.set_cookie(APP, cookie);
        }
        w.browser.get(answer.header("location")).await;
        assert_eq!(w.browser.sign_in_as("alice").await.url, HOME, "{path}");
    }
}

#[tokio::test]
async fn a_place_under_the_path_is_kept() {
    let mut w = below();
    w.browser.get(&format!("{APP}/tools/me?x=1")).await;
    let page = w.browser.sign_in_as("alice").await;
    assert_eq!(page.url, format!("{APP}/tools/me?x=1"));
}

#[tokio::test]
async fn a_login_of_a_handler_leads_there_too() {
    let mut w = below();
    w.browser.get(&format!("{APP}/tools/go/elsewhere")).await;
    assert_eq!(w.browser.sign_in_as("alice").await.url, HOME);
    // Of two places that do not fit into one cookie, the first is given up.
    let page = w.browser.get(&format!("{APP}/tools/go/far")).await;
    assert_eq!(page.url, HOME, "{page:?}");
}

#[tokio::test]
async fn every_page_of_the_gate_leads_there() {
    let start = "/tools/oauth2/start?rd=%2Ftools%2F";
    let mut w = below();
    for (method, path, headers, status, way) in [
        // Signed out.
        ("GET", "/tools/oauth2/sign_out", vec![], 200, start),
        ("GET", "/tools/oauth2/nothing", vec![], 404, "/tools/"),
        ("POST", "/tools/me", vec![], 401, start),
        (
            "GET",
            "/tools/oauth2/start?iss=https%3A%2F%2Fevil.example",
            vec![],
            400,
            "/tools/",
        ),
        (
            "GET",
            "/tools/oauth2/callback?state=x&code=y",
            vec![],
            400,
            start,
        ),
        (
            "POST",
            "/tools/oauth2/sign_out",
            vec![("sec-fetch-site", "cross-site")],
            403,
            "/tools/",
        ),
    ] {
        let known: Vec<_> = NAVIGATION
            .iter()
            .filter(|(name, _)| headers.iter().all(|(other, _)| other != name))
            .copied()
            .collect();
        let answer = w.request(method, path, &[known, headers].concat()).await;
        assert_eq!(
            (answer.status, way_on(&answer)),
            (status, way),
            "{method} {path}"
        );
    }
    // Nobody knows where this login was to lead.
    w.fault(Fault::Unreachable);
    w.log.clear();
    let page = w
        .browser
        .get(&format!("{APP}/tools/oauth2/start?rd={}", encode("/me")))
        .await;
    assert_refused(&w, "", &page, "provider.unreachable", 503);
    assert!(page.body.contains(&format!("href=\"{start}\"")), "{page:?}");
}
