//! Sign-outs that a handler asks for.

use crate::{
    sign_out::{at_provider, issued, led, refreshed, revocations, with_revocation},
    store_down::flaky,
    world::{NAVIGATION, World, world, world_with},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oidc_gate_tower::{LogOut, Pattern, Principal, SignOut, SiteData, Store};
use serde_json::Value;
use std::sync::atomic::Ordering;

/// The application's own ways to sign out.
pub(crate) async fn handler(request: &Request<Full<Bytes>>) -> Option<Response<Full<Bytes>>> {
    let no_gate = || Full::from("no gate");
    Some(match request.uri().path() {
        "/leave" | "/open/leave" => LogOut::to("/?bye").plain(no_gate()),
        "/leave/evil" => LogOut::to("https://evil.test/").plain(no_gate()),
        "/leave/page" => LogOut::new().plain(no_gate()),
        "/leave/quietly" => {
            let user = request.extensions().get::<Principal>().unwrap();
            let text = match user.sign_out().await {
                Ok(()) => format!("{:?}", user.access_token().await.is_err()),
                Err(error) => error.to_string(),
            };
            Response::new(Full::from(text))
        }
        _ => return None,
    })
}

async fn post(w: &World, path: &str, cookies: &str) -> crate::world::Answer {
    let headers = [
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", cookies),
    ];
    w.request("POST", path, &headers).await
}

/// The names that an answer removes, without the gate's own name before them.
fn removed(answer: &crate::world::Answer) -> Vec<String> {
    let lines = answer.set_cookies().into_iter();
    let removals = lines.filter(|line| line.contains("; Max-Age=0;"));
    let mut names: Vec<_> = removals
        .map(|line| line.split('=').next().unwrap()["__Host-gate-".len() + 12..].to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_handler_signs_out_as_the_gates_own_endpoint_does() {
    for stored in [false, true] {
        let mut w = refreshed(|gate| match stored {
            true => gate.store(Store::memory()),
            false => gate,
        });
        with_revocation(&w, 200);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let answer = post(&w, "/leave", &cookies).await;
        let said = at_provider(&led(&answer));
        let hint = ("id_token_hint".to_owned(), issued(&w, "id_token"));
        assert_eq!(said[0], hint, "stored: {stored}");
        assert_eq!(removed(&answer), ["", "-1", "-landed", "-t", "-t-1"]);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(revocations(&w).await.len(), 1);
        assert_eq!(w.script(&cookies).await.status, 401);
        // And back to the place that the handler has named.
        let lines = answer.set_cookies();
        let cookie = lines
            .iter()
            .find(|line| line.contains("-leaving="))
            .unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let back = format!("/oauth2/signed_out?state={}", said[3].1);
        let headers = [NAVIGATION, &[("cookie", cookie)]].concat();
        let answer = w.request("GET", &back, &headers).await;
        assert_eq!(answer.header("location"), "/?bye");
    }
}

#[tokio::test]
async fn a_handlers_sign_out_leads_to_a_page_of_the_application_only() {
    for (path, location) in [
        ("/leave", "/?bye"),
        ("/leave/evil", "/oauth2/signed_out"),
        ("/leave/page", "/oauth2/signed_out"),
    ] {
        let mut w = world_with(|gate| gate.sign_out(SignOut::Here));
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let answer = post(&w, path, &cookies).await;
        assert_eq!(answer.header("location"), location, "{path}");
        assert_eq!(w.script(&cookies).await.status, 401);
    }
}

#[tokio::test]
async fn nobody_is_signed_out_who_is_not_seen_to_ask_for_it() {
    let mut w = world_with(|gate| gate.open(Pattern::prefix("/open")));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    // From another site: refused, or where anyone may pass, of nobody.
    for (path, status) in [("/leave", 403), ("/open/leave", 303)] {
        let headers = [("sec-fetch-site", "cross-site"), ("cookie", &*cookies)];
        let answer = w.request("POST", path, &headers).await;
        assert_eq!(
            (answer.status, answer.set_cookies()),
            (status, vec![]),
            "{path}"
        );
        assert_eq!(w.script(&cookies).await.status, 200, "{path}");
        if status == 303 {
            assert_eq!(answer.header("location"), "/?bye");
        }
    }
    // Ahead of a click that may never come.
    let ahead = [
        NAVIGATION,
        &[("sec-purpose", "prefetch"), ("cookie", &*cookies)],
    ]
    .concat();
    assert_eq!(w.request("GET", "/leave", &ahead).await.status, 401);
    assert_eq!(w.script(&cookies).await.status, 200);
    let nobody = post(&w, "/open/leave", "").await;
    assert_eq!((nobody.status, nobody.header("location")), (303, "/?bye"));
}

#[tokio::test]
async fn a_script_that_asks_a_handler_is_told_where_to_go() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let headers = [
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", &*cookies),
    ];
    let answer = w.request("POST", "/leave", &headers).await;
    assert_eq!(answer.status, 200);
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    at_provider(told["location"].as_str().unwrap());
    assert_eq!(w.script(&cookies).await.status, 401);
}

#[tokio::test]
async fn a_sign_out_that_cannot_be_says_why() {
    let w = world_with(|gate| gate.bypass(Pattern::prefix("/leave")));
    let answer = post(&w, "/leave", "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("use an `open` rule"));
    assert_eq!(w.log.checks(), ["request.bypassed"]);
}

#[tokio::test]
async fn nobody_is_told_to_be_signed_out_while_nobody_knows_who_it_is() {
    let (store, down) = flaky();
    let mut w = refreshed(|gate| gate.store(store).open(Pattern::prefix("/open")));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    down.store(true, Ordering::SeqCst);
    let answer = post(&w, "/open/leave", &cookies).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (503, 0));
    down.store(false, Ordering::SeqCst);
    assert_eq!(w.script(&cookies).await.status, 200);
    assert_eq!(post(&w, "/open/leave", &cookies).await.status, 200);
    assert_eq!(w.script(&cookies).await.status, 401);
}

#[tokio::test]
async fn a_principal_ends_its_session_and_the_handler_answers() {
    for stored in [false, true] {
        let mut w = refreshed(|gate| {
            let gate = gate.clear_site_data([SiteData::Cache, SiteData::Cookies]);
            match stored {
                true => gate.store(Store::memory()),
                false => gate,
            }
        });
        with_revocation(&w, 200);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let answer = post(&w, "/leave/quietly", &cookies).await;
        assert_eq!((answer.status, &*answer.body), (200, "true"));
        assert_eq!(removed(&answer), ["", "-1", "-t", "-t-1"]);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("clear-site-data"), r#""cache", "cookies""#);
        assert_eq!(revocations(&w).await.len(), 1, "stored: {stored}");
        assert_eq!(w.script(&cookies).await.status, 401);
        let page = w.sign_in("alice", "/me").await;
        assert!(page.body.starts_with("/me alice"), "{page:?}");
        // After the answer has gone, too.
        let cookies = w.cookie_line();
        let user = w.principal(&cookies).await;
        assert_eq!(user.sign_out().await, Ok(()));
        assert_eq!(w.script(&cookies).await.status, 401);
    }
}
