//! Sign-out: what ends here, what the provider is told, and where the browser goes.

use crate::{
    wire::DISCOVERY,
    world::{
        APP, Answer, CLIENT_SECRET, ISSUER, NAVIGATION, World, world, world_from, world_of,
        world_with,
    },
};
use oidc_gate_tower::{
    Gate, GateBuilder, KeepTokens, Pattern, Provider, SignOut, SiteData, Store, TokensAtSignOut,
    core::{
        form::{Form, encode},
        grant::{RefreshPolicy, Rotation},
    },
    dev::Fault,
    testing::user,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Access tokens live for five minutes; there are refresh tokens.
pub(crate) fn refreshed(build: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    let scopes = ["openid", "profile", "email", "offline_access"];
    world_from(
        |provider| {
            let rotation = Rotation::Always;
            let grace = Duration::ZERO;
            provider
                .refresh_tokens(RefreshPolicy { rotation, grace })
                .access_token_life(Duration::from_secs(300))
        },
        |auth| Gate::builder().provider(Provider::unnamed(ISSUER, "app", auth).scopes(scopes)),
        build,
    )
}

/// From now on the metadata says this, and what is asked to revoke is answered with this status.
pub(crate) fn announce(w: &World, members: Value, status: u16) {
    w.wire.tamper(move |path, response| match path {
        DISCOVERY => {
            let mut document: Value = serde_json::from_slice(response.body()).unwrap();
            for (name, value) in members.as_object().unwrap() {
                document[name] = value.clone();
            }
            *response.body_mut() = document.to_string().into_bytes();
        }
        "/revoke" => {
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            *response.body_mut() = Vec::new();
        }
        _ => {}
    });
}

pub(crate) fn with_revocation(w: &World, status: u16) {
    announce(
        w,
        json!({"revocation_endpoint": "https://id.test/revoke"}),
        status,
    );
}

/// What the revocation endpoint was asked, once nothing is left to do.
pub(crate) async fn revocations(w: &World) -> Vec<String> {
    w.gate.drain(Duration::from_secs(60)).await.unwrap();
    let sent = w.wire.sent().into_iter();
    let asked = sent.filter(|sent| sent.path == "/revoke");
    asked
        .map(|sent| {
            assert!(sent.authorization.starts_with("Basic "));
            assert!(!sent.authorization.contains(CLIENT_SECRET));
            sent.body
        })
        .collect()
}

/// The newest member of that name of what the token endpoint has answered.
pub(crate) fn issued(w: &World, member: &str) -> String {
    let sent = w.wire.sent();
    let answers = sent.iter().rev().filter(|sent| sent.path == "/token");
    let mut found = answers.filter_map(|sent| {
        let answer: Value = serde_json::from_str(&sent.answer).ok()?;
        Some(answer[member].as_str()?.to_owned())
    });
    found.next().unwrap()
}

/// Where a page leads that a browser gets in answer to a form: browsers follow no redirect from there to another origin.
pub(crate) fn led(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    led_in(&answer.body)
}

/// The same, of what the page says.
pub(crate) fn led_in(page: &str) -> String {
    let (_, rest) = page.split_once("content=\"0;url=").unwrap();
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

/// What is said at the provider's endpoint, by name.
pub(crate) fn at_provider(location: &str) -> Vec<(String, String)> {
    let query = location
        .strip_prefix("https://id.test/end_session?")
        .unwrap_or_else(|| panic!("{location}"));
    let form = Form::parse(query.as_bytes()).unwrap();
    form.names()
        .map(|name| (name.to_owned(), form.get(name).unwrap().to_owned()))
        .collect()
}

fn names(location: &str) -> Vec<String> {
    at_provider(location)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn hint(location: &str) -> Option<String> {
    let mut all = at_provider(location).into_iter();
    all.find_map(|(name, value)| (name == "id_token_hint").then_some(value))
}

async fn sign_out_to(w: &World, cookies: &str, rd: &str) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("cookie", cookies)];
    let body = format!("rd={}", encode(rd));
    w.request_with("POST", "/oauth2/sign_out", &headers, &body)
        .await
}

/// The `name=value` of the cookie that an answer sets for the way back.
fn leaving(answer: &Answer) -> String {
    let lines = answer.set_cookies();
    let mut found = lines.iter().filter(|line| line.contains("-leaving="));
    let line = found.next().unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(found.next(), None);
    line.split(';').next().unwrap().to_owned()
}

/// A browser that comes from the provider.
async fn come_back(w: &World, query: &str, cookies: &str) -> Answer {
    let mut headers = NAVIGATION.to_vec();
    headers.retain(|(name, _)| *name != "sec-fetch-site");
    headers.extend([("sec-fetch-site", "cross-site"), ("cookie", cookies)]);
    let path = format!("/oauth2/signed_out{query}");
    w.request("GET", &path, &headers).await
}

#[tokio::test]
async fn a_sign_out_ends_the_session_at_the_provider_too_and_comes_back_to_its_place() {
    let mut w = world_with(|gate| gate.open(Pattern::prefix("/go")));
    w.sign_in("alice", "/me").await;
    w.browser
        .get(&format!("{APP}/oauth2/sign_out?rd=%2F%3Fx%3D1"))
        .await;
    let page = w.browser.submit("Sign out", &[]).await;
    assert_eq!(page.url, format!("{APP}/?x=1"));
    let visited = page.history.iter().map(|(url, status)| {
        let path = url.split('?').next().unwrap();
        (path, status.as_u16())
    });
    let [out, end, back] = [
        format!("{APP}/oauth2/sign_out"),
        format!("{ISSUER}/end_session"),
        format!("{APP}/oauth2/signed_out"),
    ];
    assert_eq!(
        visited.collect::<Vec<_>>(),
        [
            (&*out, 200),
            (&*end, 303),
            (&*back, 303),
            (&*format!("{APP}/"), 200)
        ]
    );
    assert_eq!(w.cookies(), [], "nothing is left, also not of the way back");
    let page = w.browser.get(&format!("{APP}/go/silently")).await;
    let mut visited = page.history.iter();
    assert!(
        visited.any(|(url, _)| *url == format!("{APP}/landing?x=1")),
        "{page:?}"
    );
}

#[tokio::test]
async fn a_sign_out_here_leaves_the_session_at_the_provider() {
    let mut w = world_with(|gate| gate.open(Pattern::prefix("/go")).sign_out(SignOut::Here));
    w.sign_in("alice", "/me").await;
    w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
    w.browser.submit("Sign out", &[]).await;
    assert_eq!(w.browser.page().url, format!("{APP}/oauth2/signed_out"));
    assert!(w.browser.page().body.contains("You are signed out"));
    let page = w.browser.get(&format!("{APP}/go/silently")).await;
    assert_eq!(page.url, format!("{APP}/account"), "nobody was asked");
}

#[tokio::test]
async fn the_provider_is_told_what_the_specification_names_and_nothing_else() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let name = w.session_cookie().unwrap().name;
    let answer = sign_out_to(&w, &w.cookie_line(), "/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("clear-site-data"), "");
    let said = at_provider(&led(&answer));
    let [hint, client, back, state] = &said[..] else {
        panic!("{said:?}");
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(*hint, pair("id_token_hint", &issued(&w, "id_token")));
    assert_eq!(*client, pair("client_id", "app"));
    let to = format!("{APP}/oauth2/signed_out");
    assert_eq!(*back, pair("post_logout_redirect_uri", &to));
    assert_eq!((&*state.0, state.1.len()), ("state", 43));
    let mut lines = answer.set_cookies();
    lines.retain(|line| !line.starts_with(&format!("{name}-leaving=")));
    let removal =
        |name: &str| format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    for name in [name.clone(), format!("{name}-t"), format!("{name}-landed")] {
        assert!(lines.contains(&&*removal(&name)), "{name} {lines:?}");
    }
    assert!(
        lines.iter().all(|line| line.contains("; Max-Age=0;")),
        "{lines:?}"
    );
    let line = answer
        .set_cookies()
        .into_iter()
        .find(|line| line.contains("-leaving="));
    assert!(
        line.unwrap()
            .ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure")
    );
    // Two sign-outs have two states.
    w.sign_in("alice", "/me").await;
    let again = sign_out_to(&w, &w.cookie_line(), "/").await;
    assert_ne!(at_provider(&led(&again))[3], said[3]);
}

#[tokio::test]
async fn logins_under_way_are_forgotten_with_the_session() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    w.callback("alice", "/other").await;
    let login = w.login_cookies().remove(0).name;
    let answer = w.sign_out(&w.cookie_line()).await;
    let removal = format!("{login}=; Path=/; Max-Age=0;");
    assert!(
        answer
            .set_cookies()
            .iter()
            .any(|line| line.starts_with(&removal))
    );
}

#[tokio::test]
async fn where_the_provider_has_no_endpoint_the_place_is_the_end_of_it() {
    for (rd, location) in [
        ("/?x=1", "/?x=1"),
        ("https://wiki.test/Start", "https://wiki.test/Start"),
        ("https://evil.test/", "/oauth2/signed_out"),
        ("//evil.test", "/oauth2/signed_out"),
        ("/oauth2/start", "/oauth2/signed_out"),
    ] {
        let mut w = world_with(|gate| gate.return_to_origin("https://wiki.test"));
        announce(&w, json!({"end_session_endpoint": null}), 200);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let answer = sign_out_to(&w, &cookies, rd).await;
        let led = match location.starts_with('/') {
            true => answer.header("location").to_owned(),
            // To another origin by a page: the browser holds redirects against the policy of the page with the form.
            false => led(&answer),
        };
        assert_eq!(led, location, "{rd}");
        let lines = answer.set_cookies();
        assert!(
            lines.iter().all(|line| line.contains("; Max-Age=0;")),
            "{lines:?}"
        );
        assert_eq!(w.script(&cookies).await.status, 401);
    }
}

#[tokio::test]
async fn the_endpoints_own_query_is_kept_and_a_parameter_of_ours_in_it_is_its_end() {
    let mut w = world();
    announce(
        &w,
        json!({"end_session_endpoint": "https://id.test/end_session?t=1"}),
        200,
    );
    w.sign_in("alice", "/me").await;
    let answer = w.sign_out(&w.cookie_line()).await;
    let names = names(&led(&answer));
    assert_eq!(names[..2], ["t", "id_token_hint"]);

    let mut w = world();
    announce(
        &w,
        json!({"end_session_endpoint": "https://id.test/end_session?state=1"}),
        200,
    );
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    w.log.clear();
    let answer = w.sign_out(&cookies).await;
    assert_eq!(
        answer.header("location"),
        "/oauth2/signed_out?provider=unreached"
    );
    assert_eq!(w.log.checks(), ["provider.metadata_malformed"]);
    assert_eq!(w.script(&cookies).await.status, 401);
}

/// A gate that has just started, with the same keys, and has asked its provider nothing.
fn restarted() -> World {
    world()
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_or_slow_keeps_nobody_signed_in() {
    for slow in [false, true] {
        let mut before = world();
        before.sign_in("alice", "/me").await;
        let cookies = before.cookie_line();
        let w = restarted();
        match slow {
            true => w.wire.hold(DISCOVERY),
            false => w.fault(Fault::Unreachable),
        }
        let began = tokio::time::Instant::now();
        let answer = sign_out_to(&w, &cookies, "/?x=1").await;
        assert!(
            began.elapsed() <= Duration::from_millis(2100),
            "slow: {slow}"
        );
        let location = "/oauth2/signed_out?provider=unreached&rd=%2F%3Fx%3D1";
        assert_eq!((answer.status, answer.header("location")), (303, location));
        assert_eq!(w.script(&cookies).await.status, 401);
        let page = w.request("GET", location, NAVIGATION).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("You are signed out here"));
        assert!(page.body.contains("you may still be signed in there"));
        // It leads to another try, which the provider answers once it is there.
        assert!(
            page.body.contains("action=\"/oauth2/sign_out\""),
            "{}",
            page.body
        );
        assert!(page.body.contains("value=\"/?x=1\""), "{}", page.body);
        assert_eq!(page.header("referrer-policy"), "same-origin");
    }
}

#[tokio::test]
async fn a_link_to_the_page_leads_to_no_other_site() {
    let w = world();
    for query in [
        "?provider=unreached&rd=https%3A%2F%2Fevil.test%2F",
        "?rd=https%3A%2F%2Fevil.test%2F",
        "?rd=%2Fme",
        "?provider=reached&rd=%2Fme",
    ] {
        let answer = come_back(&w, query, "").await;
        assert_eq!((answer.status, answer.header("location")), (200, ""));
        assert!(!answer.body.contains("evil"), "{query}");
    }
}

#[tokio::test]
async fn the_hint_is_the_newest_id_token_there_is() {
    for stored in [false, true] {
        let mut w = refreshed(|gate| match stored {
            true => gate.store(Store::memory()),
            false => gate,
        });
        w.sign_in("alice", "/me").await;
        let first = issued(&w, "id_token");
        let cookies = w.cookie_line();
        w.advance(295);
        w.browser.fetch(&format!("{APP}/me")).await;
        let second = issued(&w, "id_token");
        assert_ne!(first, second);
        let answer = w.sign_out(&w.cookie_line()).await;
        assert_eq!(hint(&led(&answer)), Some(second), "stored: {stored}");
        assert_eq!(w.script(&cookies).await.status, 401);
    }
    // Also long after it has ended.
    let mut w = world();
    w.sign_in("alice", "/me").await;
    w.advance(7200);
    let answer = w.sign_out(&w.cookie_line()).await;
    assert_eq!(hint(&led(&answer)), Some(issued(&w, "id_token")));
}

#[tokio::test]
async fn a_hint_without_room_stays_behind_and_the_other_tokens_do_not() {
    let with_claim = |bytes: usize, build: fn(GateBuilder) -> GateBuilder| {
        world_of(
            move |provider| provider.user(user("zoe").claim("long", "a".repeat(bytes)).build()),
            build,
        )
    };
    // The session's cookies have no room for it.
    let mut w = with_claim(1800, |gate| gate);
    w.sign_in("zoe", "/me").await;
    let token = w.fetch("/access-token", &w.cookie_line()).await.body;
    assert_eq!(token, format!("token {}", issued(&w, "access_token")));
    let answer = w.sign_out(&w.cookie_line()).await;
    let without = ["client_id", "post_logout_redirect_uri", "state"];
    assert_eq!(names(&led(&answer)), without);
    // A store has, and the address has not.
    let mut w = with_claim(3000, |gate| gate.store(Store::memory()));
    w.sign_in("zoe", "/me").await;
    let answer = w.sign_out(&w.cookie_line()).await;
    assert_eq!(names(&led(&answer)), without);
    let mut w = with_claim(1800, |gate| gate.store(Store::memory()));
    w.sign_in("zoe", "/me").await;
    let answer = w.sign_out(&w.cookie_line()).await;
    assert!(hint(&led(&answer)).is_some());
    // What the application names is what is kept.
    let mut w = with_claim(0, |gate| gate.keep_tokens(KeepTokens::default()));
    w.sign_in("zoe", "/me").await;
    let answer = w.sign_out(&w.cookie_line()).await;
    assert_eq!(names(&led(&answer)), without);
}

#[tokio::test]
async fn coming_back_leads_on_once_and_whoever_has_not_left_nowhere() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let answer = sign_out_to(&w, &w.cookie_line(), "/?x=1").await;
    let cookie = leaving(&answer);
    let state = at_provider(&led(&answer))[3].1.clone();
    let right = format!("?state={state}");
    w.sign_in("bob", "/me").await;
    let bob = w.cookie_line();
    for (query, cookies) in [
        ("", &*cookie),
        ("?state=", &cookie),
        ("?state=other", &cookie),
        (&format!("{right}&state={state}"), &cookie),
        (&right, ""),
        (
            &right,
            &format!("{}=AAAA", cookie.split_once('=').unwrap().0),
        ),
    ] {
        let answer = come_back(&w, query, cookies).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (200, ""),
            "{query}"
        );
        assert_eq!(answer.set_cookies(), [""; 0], "{query}");
        assert!(answer.body.contains("You are signed out"), "{query}");
    }
    // Whoever is signed in is not told otherwise.
    let answer = come_back(&w, &right, &bob).await;
    let asked = (303, "/oauth2/sign_out");
    assert_eq!((answer.status, answer.header("location")), asked);
    assert_eq!(answer.set_cookies(), [""; 0]);
    let both = format!("{cookie}; {bob}");
    let answer = come_back(&w, &right, &both).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/?x=1"));
    let name = cookie.split_once('=').unwrap().0;
    assert_eq!(
        answer.set_cookies(),
        [format!(
            "{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        )]
    );
    // Coming back ends nobody's session, and a second time leads nowhere.
    assert_eq!(w.script(&bob).await.status, 200);
    assert_eq!(come_back(&w, &right, &bob).await.status, 303);
    assert_eq!(w.script(&bob).await.status, 200);
    for method in ["POST", "PUT"] {
        assert_eq!(
            w.request(method, "/oauth2/signed_out", &[]).await.status,
            405
        );
    }
}

#[tokio::test]
async fn an_old_cookie_signs_nobody_out_again_and_tells_nobody_anything() {
    for stored in [false, true] {
        let mut w = refreshed(|gate| match stored {
            true => gate.store(Store::memory()),
            false => gate,
        });
        with_revocation(&w, 200);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        w.sign_out(&cookies).await;
        assert_eq!(revocations(&w).await.len(), 1);
        assert_eq!(w.script(&cookies).await.status, 401);
        // A second click, too, comes to the provider, which asks by itself.
        let answer = w.sign_out(&cookies).await;
        assert_eq!(hint(&led(&answer)), None, "stored: {stored}");
        assert_eq!(revocations(&w).await.len(), 1, "stored: {stored}");
    }
}

#[tokio::test]
async fn the_refresh_token_is_revoked_and_nothing_waits_for_it() {
    for (status, checks) in [(200, &[][..]), (503, &["backchannel.unavailable"])] {
        for stored in [false, true] {
            let mut w = refreshed(|gate| match stored {
                true => gate.store(Store::memory()),
                false => gate,
            });
            with_revocation(&w, status);
            w.sign_in("alice", "/me").await;
            let cookies = w.cookie_line();
            w.wire.hold("/revoke");
            w.log.clear();
            let answer = w.sign_out(&cookies).await;
            assert_eq!(answer.status, 200);
            w.wire.release();
            let token = issued(&w, "refresh_token");
            let asked = format!("token={}&token_type_hint=refresh_token", encode(&token));
            assert_eq!(revocations(&w).await, [asked]);
            assert_eq!(w.log.checks(), checks, "stored: {stored}");
            assert!(!w.log.text().contains(&token));
            let counted = match status {
                200 => {
                    "oidc_gate_provider_requests_total{endpoint=\"revocation\",outcome=\"success\"} 1"
                }
                _ => {
                    "oidc_gate_provider_requests_total{endpoint=\"revocation\",outcome=\"error\"} 1"
                }
            };
            assert!(w.gate.metrics().contains(counted), "{}", w.gate.metrics());
            assert_eq!(w.script(&cookies).await.status, 401);
        }
    }
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_is_revoked() {
    let mut w = world();
    with_revocation(&w, 200);
    w.sign_in("alice", "/me").await;
    w.sign_out(&w.cookie_line()).await;
    let token = issued(&w, "access_token");
    let asked = format!("token={}&token_type_hint=access_token", encode(&token));
    assert_eq!(revocations(&w).await, [asked]);
}

#[tokio::test]
async fn nothing_is_revoked_where_it_is_not_wanted_or_cannot_be() {
    let mut w = refreshed(|gate| gate.tokens_at_sign_out(TokensAtSignOut::Leave));
    with_revocation(&w, 200);
    w.sign_in("alice", "/me").await;
    w.sign_out(&w.cookie_line()).await;
    assert_eq!(revocations(&w).await, [""; 0]);
    let mut w = refreshed(|gate| gate);
    announce(&w, json!({"revocation_endpoint": null}), 200);
    w.sign_in("alice", "/me").await;
    w.log.clear();
    w.sign_out(&w.cookie_line()).await;
    assert_eq!(revocations(&w).await, [""; 0]);
    assert_eq!(w.log.checks(), [""; 0]);
}

#[tokio::test]
async fn the_newest_refresh_token_is_revoked_also_by_an_older_cookie() {
    let mut w = refreshed(|gate| gate);
    with_revocation(&w, 200);
    w.sign_in("alice", "/me").await;
    let old = w.cookie_line();
    let first = issued(&w, "refresh_token");
    w.advance(295);
    assert_eq!(w.script(&old).await.status, 200);
    let second = issued(&w, "refresh_token");
    assert_ne!(first, second);
    w.sign_out(&old).await;
    let asked = format!("token={}&token_type_hint=refresh_token", encode(&second));
    assert_eq!(revocations(&w).await, [asked]);
}

#[tokio::test]
async fn sessions_that_the_application_ends_have_their_tokens_revoked() {
    for one in [false, true] {
        let mut w = refreshed(|gate| gate.store(Store::memory()));
        with_revocation(&w, 200);
        for _ in 0..2 {
            w.browser = w.another_browser();
            w.sign_in("alice", "/me").await;
        }
        let all = w.gate.sessions_of(ISSUER, "alice").await.unwrap();
        match one {
            true => w.gate.end_session(&all[0]).await.unwrap(),
            false => assert_eq!(w.gate.end_sessions_of(ISSUER, "alice").await, Ok(2)),
        }
        assert_eq!(revocations(&w).await.len(), if one { 1 } else { 2 });
        let again = w.gate.end_session(&all[0]).await;
        assert_eq!(again, Ok(()));
        assert_eq!(revocations(&w).await.len(), if one { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_script_is_told_where_to_go() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let headers = [
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", &*cookies),
    ];
    let answer = w.request("POST", "/oauth2/sign_out", &headers).await;
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    // The hint is a token, and no script gets hold of one.
    assert!(hint(told["location"].as_str().unwrap()).is_none());
    leaving(&answer);
    assert_eq!(w.script(&cookies).await.status, 401);
    // Within the application it is led by a redirect.
    let mut w = world_with(|gate| gate.sign_out(SignOut::Here));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let headers = [headers[0], headers[1], ("cookie", &*cookies)];
    let answer = w.request("POST", "/oauth2/sign_out", &headers).await;
    assert_eq!(answer.header("location"), "/oauth2/signed_out");
}

#[tokio::test]
async fn a_browser_is_told_what_to_forget_and_keeps_its_way_back() {
    let all = [SiteData::Cache, SiteData::Cookies, SiteData::Storage];
    let mut w = world_with(|gate| gate.clear_site_data(all));
    w.sign_in("alice", "/me").await;
    let answer = sign_out_to(&w, &w.cookie_line(), "/?x=1").await;
    assert_eq!(answer.header("clear-site-data"), r#""cache", "storage""#);
    let state = at_provider(&led(&answer))[3].1.clone();
    let back = come_back(&w, &format!("?state={state}"), &leaving(&answer)).await;
    assert_eq!(back.header("clear-site-data"), r#""cookies""#);
    // Who only looks at the page keeps everything.
    assert_eq!(come_back(&w, "", "").await.header("clear-site-data"), "");
    let mut w = world_with(|gate| gate.clear_site_data(all).sign_out(SignOut::Here));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    assert_eq!(w.script(&cookies).await.header("clear-site-data"), "");
    let answer = w.sign_out(&cookies).await;
    let whole = r#""cache", "cookies", "storage""#;
    assert_eq!(answer.header("clear-site-data"), whole);
}

#[tokio::test]
async fn what_a_refresh_brings_for_a_session_that_has_ended_meanwhile_is_revoked_too() {
    let mut w = refreshed(|gate| gate.store(Store::memory()));
    with_revocation(&w, 200);
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let before = issued(&w, "refresh_token");
    w.advance(300);
    let redeemed = w.wire.count("/token");
    w.wire.hold("/token");
    let sign_out = async {
        while w.wire.count("/token") == redeemed {
            tokio::task::yield_now().await;
        }
        assert_eq!(w.sign_out(&cookies).await.status, 200);
        w.wire.release();
    };
    assert_eq!(tokio::join!(w.script(&cookies), sign_out).0.status, 401);
    let asked = |token: &str| format!("token={}&token_type_hint=refresh_token", encode(token));
    let after = issued(&w, "refresh_token");
    assert_ne!(before, after);
    assert_eq!(revocations(&w).await, [asked(&before), asked(&after)]);
}
