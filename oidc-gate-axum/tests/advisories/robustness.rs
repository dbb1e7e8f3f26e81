//! Requests that are made to break something, and a provider that fails.

use crate::world::{APP, NAVIGATION, api, claims, world};
use http::Request;
use oidc_gate_axum::{
    core::form::encode,
    dev::{Endpoint, Fault, Mishap},
};
use std::time::Instant;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn cve_2023_27496_every_subset_of_parameters_has_an_answer() {
    let mut w = world(|gate| gate);
    let parts = [
        "code=x",
        "state={state}",
        "iss=https%3A%2F%2Fid.test",
        "error=access_denied",
        "error_description=x",
        "session_state=x",
        "id_token=x",
        "access_token=x",
    ];
    for set in 0..1usize << parts.len() {
        let url = w.callback("alice", "/me").await;
        let state = url.split("state=").nth(1).unwrap();
        let state = state.split('&').next().unwrap();
        let chosen: Vec<_> = (0..parts.len())
            .filter(|at| set >> at & 1 == 1)
            .map(|at| parts[at])
            .collect();
        let query = chosen.join("&");
        // A login that is not this browser's begins anew, unless its user has said no.
        let is_no = set & 0b1100_1001 == 0b1000;
        let is_ours = query.contains("state={state}") && !is_no;
        let url = format!("{APP}/oauth2/callback?{query}").replace("{state}", state);
        for (cookies, begins) in [(String::new(), is_ours), (w.cookies(), false)] {
            let answer = w.deliver_with(&url, &cookies).await;
            match begins {
                true => {
                    let location = answer.header("location");
                    assert!(
                        location.starts_with("https://id.test/authorize?"),
                        "{query}"
                    );
                }
                false => assert!(
                    [400, 403].contains(&answer.status),
                    "{query}: {}",
                    answer.status
                ),
            }
            assert_eq!(answer.calls, 0, "{query}");
            let mut left = answer.set_cookies();
            left.retain(|line| !line.contains("Max-Age=0") && !line.contains("-login-"));
            assert_eq!(left, [""; 0], "{query}");
        }
    }
    // With a code that is none, and an issuer, beside what means nothing.
    assert_eq!(w.wire.count("/token"), 4);
    assert_eq!(w.session(), None);
}

/// Also CVE-2022-22969: what a login needs is in the browser that begins it, and little of that.
#[tokio::test]
async fn cve_2021_22119_logins_that_are_begun_fill_nothing() {
    let mut w = world(|gate| gate);
    for _ in 0..200 {
        w.browser.get(&format!("{APP}/oauth2/start")).await;
        let logins = w.browser.cookies(APP);
        let size: usize = logins
            .iter()
            .map(|c| c.name.len() + c.value.len() + 2)
            .sum();
        assert!(logins.len() <= 5 && size <= 4096, "{} {size}", logins.len());
    }
    // The provider is asked for its metadata once, and for nothing more.
    assert_eq!(w.wire.all(), 1);
}

#[tokio::test]
async fn cve_2025_3891_no_body_breaks_an_endpoint() {
    let w = world(|gate| gate);
    let huge = "a=".to_owned() + &"x".repeat(8 << 20);
    let many = "a&".repeat(200_000);
    for body in [
        "",
        "=",
        "&&&",
        "a",
        "%",
        "%zz=%",
        "rd",
        "rd=&rd=",
        "\0",
        "{\"a\":1}",
        &huge,
        &many,
    ] {
        for path in [
            "/oauth2/callback",
            "/oauth2/sign_out",
            "/oauth2/start",
            "/oauth2/sign_in",
            "/oauth2/userinfo",
            "/oauth2/x",
        ] {
            for headers in [
                &[][..],
                &[FORM],
                &[FORM, ("sec-fetch-site", "same-origin")],
                &[("content-type", "multipart/form-data")],
            ] {
                let answer = w.ask_with("POST", path, headers, body.to_owned()).await;
                assert!(
                    answer.status < 500 && answer.calls == 0,
                    "{path} {body:.20}: {}",
                    answer.status
                );
            }
        }
    }
}

#[tokio::test]
async fn cve_2022_31093_no_place_to_return_to_makes_anything_hang() {
    let w = world(|gate| gate);
    let began = Instant::now();
    for place in [
        "%".repeat(2000),
        "%25".repeat(600),
        "%2525".repeat(400),
        "/..".repeat(700),
        "/\\".repeat(1000),
        "\u{ff0f}".repeat(300),
        "a:".repeat(900),
        "[".repeat(900),
        "https://[::".to_owned(),
        "https://%".to_owned(),
        "\u{202e}/x".to_owned(),
        "?".repeat(900),
    ] {
        for target in ["start?rd=", "sign_in?rd=", "start?rd=x&rd="] {
            let answer = w
                .ask(
                    "GET",
                    &format!("/oauth2/{target}{}", encode(&place)),
                    NAVIGATION,
                )
                .await;
            assert!(answer.status < 500, "{place:.20}: {}", answer.status);
        }
    }
    assert!(began.elapsed().as_secs() < 10);
}

/// Also CVE-2023-27488: whatever cannot be asked, nobody passes.
#[tokio::test]
async fn cve_2024_23324_no_failure_lets_anybody_through() {
    for fault in [
        Fault::Unreachable,
        Fault::TokenEndpointDown,
        Fault::LostTokenResponse,
        Fault::WrongMetadataIssuer,
        Fault::At(Endpoint::Metadata, Mishap::ServerError),
        Fault::At(Endpoint::Metadata, Mishap::Truncated),
        Fault::At(Endpoint::Keys, Mishap::Closed),
        Fault::At(Endpoint::Keys, Mishap::Html),
        Fault::At(Endpoint::Token, Mishap::Redirected),
    ] {
        let w = api(|gate| gate);
        w.provider.fault(fault);
        let token = w.provider.sign(Some("at+jwt"), &claims());
        for headers in [&[][..], NAVIGATION, &[("accept", "application/json")]] {
            let answer = w.ask("GET", "/me", headers).await;
            assert_eq!(answer.calls, 0, "{fault:?}");
        }
        let keys_fail = !matches!(
            fault,
            Fault::At(Endpoint::Token, _) | Fault::TokenEndpointDown | Fault::LostTokenResponse
        );
        let answer = w.bearer("/me", &token).await;
        assert_eq!(
            answer.calls,
            usize::from(!keys_fail),
            "{fault:?}: {}",
            answer.status
        );
        assert!(
            !keys_fail || answer.status == 503,
            "{fault:?}: {}",
            answer.status
        );
        let mut w = world(|gate| gate);
        w.provider.fault(fault);
        let page = w.browser.get(&format!("{APP}/me")).await;
        if page.url.starts_with("https://id.test") {
            let page = w.browser.sign_in_as("alice").await;
            assert!(page.status.as_u16() >= 500, "{fault:?}: {page:?}");
        }
        assert_eq!(
            (w.session(), w.handlers.take_calls()),
            (None, 0),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn cve_2026_26998_an_answer_without_end_is_not_read_to_its_end() {
    for endpoint in [Endpoint::Metadata, Endpoint::Keys, Endpoint::Token] {
        let mut w = world(|gate| gate);
        w.provider.fault(Fault::At(endpoint, Mishap::Oversized));
        let page = w.browser.get(&format!("{APP}/me")).await;
        let page = if page.url.starts_with("https://id.test") {
            w.browser.sign_in_as("alice").await
        } else {
            page
        };
        assert_eq!(
            (page.status.as_u16(), w.session()),
            (503, None),
            "{endpoint:?}"
        );
    }
}

#[tokio::test]
async fn cve_2026_22751_two_callbacks_at_once_redeem_one_code() {
    let mut w = world(|gate| gate);
    let url = w.callback("alice", "/me").await;
    let cookies = w.cookies();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (app, cookies) = (w.app.clone(), cookies.clone());
        let request = Request::get(url.strip_prefix(APP).unwrap()).header("cookie", cookies);
        let request = request.body(axum::body::Body::empty()).unwrap();
        running.spawn(async move {
            tower::ServiceExt::oneshot(app, request)
                .await
                .unwrap()
                .status()
        });
    }
    let mut signed_in = 0;
    while let Some(status) = running.join_next().await {
        signed_in += usize::from(status.unwrap() == 303);
    }
    assert_eq!(w.wire.count("/token"), 1);
    assert!((1..=20).contains(&signed_in));
}

/// A connection that breaks off anywhere in a login leaves nothing broken behind.
#[tokio::test]
async fn cve_2026_48090_who_goes_away_takes_nothing_along() {
    let mut w = world(|gate| gate);
    for _ in 0..5 {
        let url = w.callback("alice", "/me").await;
        let cookies = w.cookies();
        let request = Request::get(url.strip_prefix(APP).unwrap()).header("cookie", &cookies);
        let request = request.body(axum::body::Body::empty()).unwrap();
        let app = w.app.clone();
        let task = tokio::spawn(tower::ServiceExt::oneshot(app, request));
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.is_err() || w.wire.count("/token") > 0);
        w.browser.clear_cookies();
    }
    assert_eq!(w.sign_in("alice", "/me").await.body, "/me alice");
}

/// Also CVE-2021-32792, CVE-2021-32702, CVE-2026-33525, CVE-2020-36599 and CVE-2019-1010247.
#[tokio::test]
async fn cve_2023_52430_no_text_of_a_request_is_markup() {
    let mut w = world(|gate| gate);
    let url = w.callback("alice", "/me").await;
    let state = url
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let cookies = w.cookies();
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'-alert(1)-'",
        "</title><svg onload=alert(1)>",
        "{{constructor}}",
        "%n%s%d",
        "javascript:alert(1)",
        "\u{202e}<b>",
    ] {
        let text = encode(text);
        for target in [
            format!(
                "/oauth2/callback?state={state}&error={text}&error_description={text}&error_uri={text}&iss=https%3A%2F%2Fid.test"
            ),
            format!("/oauth2/callback?state={text}&code={text}&iss={text}"),
            format!("/oauth2/start?rd={text}&iss={text}&login_hint={text}"),
            format!("/oauth2/sign_in?rd={text}&error={text}"),
            format!("/oauth2/sign_out?rd={text}"),
            format!("/oauth2/{text}"),
            format!("/me/{text}?{text}"),
        ] {
            let answer = w
                .ask(
                    "GET",
                    &target,
                    &[NAVIGATION, &[("cookie", &*cookies)]].concat(),
                )
                .await;
            for markup in [
                "<script>alert",
                "onerror=alert(1)>",
                "<svg",
                "<b>",
                "href=\"javascript:",
                "'-alert",
                "{{constructor}}",
            ] {
                assert!(!answer.body.contains(markup), "{target}: {}", answer.body);
            }
            if answer.header("content-type").starts_with("text/html") {
                let policy = answer.header("content-security-policy");
                assert!(policy.contains("default-src 'none'"), "{target}: {policy}");
                assert_eq!(answer.header("x-content-type-options"), "nosniff");
            }
        }
    }
}

/// What the provider says of an error is for the log.
#[tokio::test]
async fn no_text_of_the_provider_is_shown_or_formatted() {
    let mut w = world(|gate| gate);
    for text in [
        "call 0900-FRAUD",
        "%s%s%n",
        "{} {0}",
        "https://evil.test/help",
    ] {
        let url = w.callback("alice", "/me").await;
        let state = url
            .split("state=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let text = encode(text);
        let error = format!(
            "{APP}/oauth2/callback?state={state}&error=server_error&error_description={text}&error_uri={text}&iss=https%3A%2F%2Fid.test"
        );
        let answer = w.deliver(&error).await;
        assert!(answer.status >= 400);
        assert!(
            !answer.body.contains("0900")
                && !answer.body.contains("evil")
                && !answer.body.contains("%s"),
            "{}",
            answer.body
        );
    }
}

/// Whoever is there, and whatever is sent: an answer, and never a panic.
#[tokio::test]
async fn every_endpoint_answers_everybody() {
    let mut w = api(|gate| gate.open_to(["10.0.0.0/8"]));
    w.sign_in("alice", "/me").await;
    let live = w.cookies();
    let token = format!("Bearer {}", w.provider.sign(Some("at+jwt"), &claims()));
    let callers = [
        ("cookie", ""),
        ("cookie", &*live),
        ("cookie", "__Host-gate=x"),
        ("authorization", &*token),
        ("authorization", "Bearer x"),
    ];
    for caller in callers {
        for path in [
            "start", "sign_in", "callback", "sign_out", "userinfo", "auth", "ping", "ready",
            "metrics", "", "x",
        ] {
            for method in [
                "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO",
            ] {
                for query in [
                    "",
                    "?rd={id_token}",
                    "?state=&code=",
                    "?iss=&target_link_uri=",
                ] {
                    let target = format!("/oauth2/{path}{query}");
                    let answer = w
                        .ask(method, &target, &[caller, ("sec-fetch-site", "none")])
                        .await;
                    assert_ne!(answer.status, 500, "{method} {target} {}", caller.0);
                    assert_eq!(answer.calls, 0, "{method} {target}");
                }
            }
        }
    }
}
