//! Who may keep which answer, and what a browser may do with it.

use crate::world::{Answer, NAVIGATION, world, world_with};
use oidc_gate_tower::Pattern;

fn headers(answer: &Answer) -> (&str, &str) {
    (answer.header("cache-control"), answer.header("vary"))
}

#[tokio::test]
async fn what_a_user_sees_is_kept_from_others() {
    let mut w = world_with(|gate| gate.bypass(Pattern::prefix("/assets")));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let get = async |path, cookies: &str| w.request("GET", path, &[("cookie", cookies)]).await;
    let me = get("/me", &cookies).await;
    assert_eq!((me.status, headers(&me)), (200, ("private", "Cookie")));
    assert_eq!(headers(&get("/", &cookies).await), ("private", "Cookie"));
    assert_eq!(headers(&get("/", "").await), ("", "Cookie"));
    assert_eq!(headers(&get("/assets/x", &cookies).await), ("", ""));
    // The use of the session is written down, and whoever keeps that answer keeps the session.
    w.advance(24 * 360);
    let touched = get("/me", &cookies).await;
    assert_eq!((touched.status, touched.set_cookies().len()), (200, 1));
    assert_eq!(touched.header("cache-control"), "no-store");
}

#[tokio::test]
async fn each_answer_of_the_gate_is_kept_by_nobody_framed_by_nobody_and_taken_for_what_it_is() {
    const JSON: &[(&str, &str)] = &[("accept", "application/json")];
    let mut w = world();
    w.sign_in("bob", "/me").await;
    let session = w.cookie_line();
    let signed_in = |more: &[(&'static str, &'static str)], site: &'static str| {
        let mut headers: Vec<(&str, &str)> = more.to_vec();
        headers.extend([("cookie", ""), ("sec-fetch-site", site)]);
        headers
    };
    let (page, script) = (
        signed_in(NAVIGATION, "none"),
        signed_in(JSON, "same-origin"),
    );
    let (own_form, foreign_form) = (
        signed_in(NAVIGATION, "same-origin"),
        signed_in(NAVIGATION, "cross-site"),
    );
    for (method, path, headers, status) in [
        ("GET", "/me", NAVIGATION, 303),
        ("GET", "/me", JSON, 401),
        ("POST", "/me", NAVIGATION, 401),
        (
            "GET",
            "/me",
            &[("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "navigate")],
            401,
        ),
        ("GET", "/me", &[("sec-purpose", "prefetch")], 401),
        ("GET", "/me", &[("upgrade", "websocket")], 401),
        (
            "POST",
            "/x.Y/Z",
            &[("content-type", "application/grpc")],
            200,
        ),
        ("GET", "/oauth2/start?rd=/me", NAVIGATION, 303),
        ("POST", "/oauth2/start", NAVIGATION, 303),
        ("PUT", "/oauth2/start", NAVIGATION, 405),
        ("GET", "/oauth2/nothing", NAVIGATION, 404),
        ("GET", "/oauth2/nothing", JSON, 404),
        ("GET", "/oauth2/callback", NAVIGATION, 400),
        ("GET", "/oauth2/callback?state=x&code=y", JSON, 400),
        ("GET", "/oauth2/userinfo", JSON, 401),
        ("GET", "/oauth2/sign_in", NAVIGATION, 200),
        ("GET", "/oauth2/sign_in", &page, 200),
        ("GET", "/oauth2/sign_out", NAVIGATION, 200),
        ("GET", "/admin", &page, 403),
        ("GET", "/admin", &script, 403),
        ("POST", "/me", &foreign_form, 403),
        ("GET", "/oauth2/userinfo", &script, 200),
        ("GET", "/oauth2/sign_out", &page, 200),
        ("POST", "/oauth2/sign_out", &own_form, 200),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|&(name, value)| (name, if name == "cookie" { &*session } else { value }))
            .collect();
        let answer = w.request(method, path, &headers).await;
        let asked = format!("{method} {path} {headers:?}");
        assert_eq!(answer.status, status, "{asked}");
        assert_eq!(answer.header("cache-control"), "no-store", "{asked}");
        let kind = answer.header("content-type");
        let sniffed = matches!(kind, "application/json" | "text/html; charset=utf-8");
        assert!(sniffed || answer.body.is_empty(), "{asked}: {kind}");
        if sniffed {
            assert_eq!(
                answer.header("x-content-type-options"),
                "nosniff",
                "{asked}"
            );
        }
        if kind.starts_with("text/html") {
            let policy = answer.header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none'; "),
                "{asked}: {policy}"
            );
            assert!(
                policy.contains("frame-ancestors 'none'"),
                "{asked}: {policy}"
            );
            assert_eq!(answer.header("x-frame-options"), "DENY", "{asked}");
            let referrer = answer.header("referrer-policy");
            // The form that signs out has to be known for the application's own.
            let own = path == "/oauth2/sign_out" && answer.body.contains("<form");
            assert_eq!(
                referrer,
                if own { "same-origin" } else { "no-referrer" },
                "{asked}"
            );
        }
        if status == 303 {
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{asked}");
        }
    }
}
