//! The browser without a network behaves as a browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::testing::Browser;
use std::convert::Infallible;

/// Answers `/to/{status}/{address}` with that redirect, `/set` with cookies, `/form` with forms, and everything else
/// with what came.
async fn mirror(request: Request<Full<Bytes>>) -> Result<Response<String>, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let mut response = Response::new(String::new());
    if let Some((status, address)) = path.strip_prefix("/to/").and_then(|p| p.split_once('/')) {
        *response.status_mut() = status.parse().unwrap();
        let address = address.parse().unwrap();
        response.headers_mut().insert(header::LOCATION, address);
    } else if path == "/set" {
        for cookie in [
            "s=1; Path=/; SameSite=Strict",
            "l=1; Path=/",
            "n=1; Path=/; SameSite=None; Secure",
        ] {
            response
                .headers_mut()
                .append(header::SET_COOKIE, cookie.parse().unwrap());
        }
    } else if path.starts_with("/form") {
        if path == "/form/private" {
            let policy = "no-referrer".parse().unwrap();
            response
                .headers_mut()
                .insert(header::REFERRER_POLICY, policy);
        }
        *response.body_mut() =
            "<form method=post action=/echo><input name=a value=1><input name=b value=2>\
            <button name=go value=x>Go</button></form><form action=/echo?old><input name=q></form>"
                .to_owned();
    } else {
        let body = body.collect().await.unwrap().to_bytes();
        let seen = |headers: &HeaderMap, name: &str| {
            headers
                .get(name)
                .map_or("-", |v| v.to_str().unwrap())
                .to_owned()
        };
        let mut lines = vec![format!("{} {}", parts.method, parts.uri)];
        for name in [
            "host",
            "cookie",
            "origin",
            "sec-fetch-site",
            "sec-fetch-mode",
        ] {
            lines.push(format!("{name}: {}", seen(&parts.headers, name)));
        }
        if parts.method == Method::POST {
            lines.push(String::from_utf8_lossy(&body).into_owned());
        }
        *response.body_mut() = lines.join("\n");
    }
    Ok(response)
}

fn browser() -> Browser {
    let site = || tower::service_fn(mirror);
    Browser::new()
        .site("https://app.test", site())
        .site("https://sub.app.test", site())
        .site("https://id.test", site())
        .site("http://app.test", site())
        .site("http://localhost:3000", site())
}

/// The line of the mirror's answer that begins with `name`.
fn line<'a>(body: &'a str, name: &str) -> &'a str {
    body.lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(": "))
        .unwrap()
}

#[tokio::test]
async fn a_redirect_changes_the_method_as_its_status_says() {
    for (status, method) in [
        (301, "GET"),
        (302, "GET"),
        (303, "GET"),
        (307, "POST"),
        (308, "POST"),
    ] {
        let mut browser = browser();
        let url = format!("https://app.test/to/{status}/https://app.test/echo");
        let page = browser.post_form(&url, &[("a", "b c")]).await;
        assert!(
            page.body.starts_with(&format!("{method} /echo\n")),
            "{status}: {page:?}"
        );
        assert_eq!(page.body.ends_with("\na=b+c"), method == "POST");
        let statuses: Vec<_> = page.history.iter().map(|(_, s)| s.as_u16()).collect();
        assert_eq!(statuses, [status, 200]);
    }
}

#[tokio::test]
async fn a_fragment_survives_a_redirect_without_one() {
    let mut browser = browser();
    let page = browser
        .get("https://app.test/to/302/https://app.test/echo#here")
        .await;
    assert_eq!(page.url, "https://app.test/echo#here");
    assert!(page.body.starts_with("GET /echo\n"));
}

#[tokio::test]
#[should_panic(expected = "more than 20 redirects")]
async fn a_circle_is_noticed() {
    let circle = tower::service_fn(|_: Request<Full<Bytes>>| async {
        let response = Response::builder().status(302).header("location", "/");
        Ok::<_, Infallible>(response.body(String::new()).unwrap())
    });
    Browser::new()
        .site("https://app.test", circle)
        .get("https://app.test/")
        .await;
}

#[tokio::test]
async fn same_site_cookies_stay_home_when_another_site_calls() {
    let mut browser = browser();
    browser.get("https://app.test/set").await;
    let cookie = |body: &str| line(body, "cookie").to_owned();
    let page = browser.get("https://app.test/echo").await;
    assert_eq!(cookie(&page.body), "s=1; l=1; n=1");
    // A detour over another site makes it that site's doing.
    let page = browser
        .get("https://id.test/to/303/https://app.test/echo")
        .await;
    assert_eq!(cookie(&page.body), "l=1; n=1");

    browser.get("https://id.test/").await;
    let page = browser.follow("https://app.test/echo").await;
    assert_eq!(cookie(&page.body), "l=1; n=1");
    browser.get("https://id.test/").await;
    let page = browser.post_form("https://app.test/echo", &[]).await;
    assert_eq!(cookie(&page.body), "n=1");
    // A plain connection is another site.
    browser.get("http://app.test/").await;
    let page = browser.follow("https://app.test/echo").await;
    assert_eq!(cookie(&page.body), "l=1; n=1");

    browser.clear_cookies();
    assert_eq!(browser.cookies("https://app.test"), []);
}

#[tokio::test]
async fn fetch_metadata_says_who_asked() {
    let mut browser = browser();
    let site = |body: &str| line(body, "sec-fetch-site").to_owned();
    let page = browser.get("https://app.test/echo").await;
    assert_eq!(
        (&*site(&page.body), line(&page.body, "sec-fetch-mode")),
        ("none", "navigate")
    );
    assert_eq!(site(&browser.follow("/echo").await.body), "same-origin");
    assert_eq!(
        site(&browser.follow("https://sub.app.test/echo").await.body),
        "same-site"
    );
    assert_eq!(
        site(&browser.follow("https://id.test/echo").await.body),
        "cross-site"
    );
    // Home again over another site.
    let page = browser
        .follow("https://app.test/to/302/https://id.test/echo")
        .await;
    assert_eq!(site(&page.body), "cross-site");
    // Plain connections do not get it; localhost does.
    assert_eq!(site(&browser.get("http://app.test/echo").await.body), "-");
    let page = browser.get("http://localhost:3000/echo").await;
    assert_eq!(
        (&*site(&page.body), line(&page.body, "host")),
        ("none", "localhost:3000")
    );
}

#[tokio::test]
async fn a_form_tells_its_origin_unless_its_page_hides_it() {
    let mut browser = browser();
    browser.get("https://app.test/form").await;
    let page = browser.submit("Go", &[("a", "9"), ("c", "3")]).await;
    assert_eq!(page.body.lines().next(), Some("POST /echo"));
    assert_eq!(page.body.lines().last(), Some("a=9&b=2&c=3&go=x"));
    assert_eq!(line(&page.body, "origin"), "https://app.test");

    browser.get("https://app.test/form/private").await;
    let page = browser.submit("Go", &[]).await;
    assert_eq!(line(&page.body, "origin"), "null");

    browser.get("https://app.test/form").await;
    let page = browser.submit_form(1, &[("q", "x y")]).await;
    assert_eq!(page.body.lines().next(), Some("GET /echo?q=x+y"));
    assert_eq!(line(&page.body, "origin"), "-");
}

#[tokio::test]
#[should_panic(expected = "a button \"Stop\" is not on the page https://app.test/form (200 OK)")]
async fn a_missing_button_says_what_is_there() {
    let mut browser = browser();
    browser.get("https://app.test/form").await;
    browser.submit("Stop", &[]).await;
}

#[tokio::test]
async fn a_script_keeps_to_its_origin() {
    let mut browser = browser();
    browser.set_cookie("https://id.test", "n=1; Path=/; SameSite=None; Secure");
    browser.get("https://app.test/set").await;
    let page = browser.fetch("/echo").await;
    assert_eq!(line(&page.body, "sec-fetch-mode"), "cors");
    assert_eq!(line(&page.body, "cookie"), "s=1; l=1; n=1");
    assert_eq!(line(&page.body, "origin"), "-");
    let page = browser.fetch("https://id.test/echo").await;
    assert_eq!(
        (line(&page.body, "cookie"), line(&page.body, "origin")),
        ("-", "https://app.test")
    );
    let page = browser.fetch("/to/303/https://id.test/echo").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let page = browser.fetch("/to/303/https://app.test/echo").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(browser.page().url, "https://app.test/set");
}

#[tokio::test]
async fn a_page_that_sends_its_form_by_script_is_followed_with_the_cookies_of_such_a_request() {
    let mut browser = browser().site("https://form.test", tower::service_fn(form_post));
    browser.get("https://app.test/set").await;
    let page = browser.get("https://form.test/").await;
    assert!(page.body.starts_with("POST /echo\n"), "{page:?}");
    assert_eq!(line(&page.body, "cookie"), "n=1");
    assert_eq!(line(&page.body, "sec-fetch-site"), "cross-site");
    assert_eq!(line(&page.body, "origin"), "null");
    assert!(page.body.ends_with("\na=%3C+%26"), "{page:?}");
    assert_eq!(page.history.len(), 2);

    // After a redirect it is a navigation with a safe method, still of another site.
    let page = browser.get("https://form.test/redirected").await;
    assert!(page.body.starts_with("GET /echo\n"), "{page:?}");
    assert_eq!(line(&page.body, "cookie"), "l=1; n=1");
    assert_eq!(line(&page.body, "sec-fetch-site"), "cross-site");

    let mut browser = browser.without_scripts();
    let page = browser.get("https://form.test/").await;
    assert_eq!(page.url, "https://form.test/");
    let page = browser.submit("Go", &[]).await;
    assert!(page.body.starts_with("POST /echo\n"), "{page:?}");
}

async fn form_post(request: Request<Full<Bytes>>) -> Result<Response<String>, Infallible> {
    let action = match request.uri().path() {
        "/redirected" => "https://app.test/to/303/https://app.test/echo",
        _ => "https://app.test/echo",
    };
    let mut response = Response::new(format!(
        "<form method=post action={action}><input type=hidden name=a value=\"&lt; &amp;\"><button>Go</button></form>\
         <script>document.forms[0].submit()</script>"
    ));
    let policy = "no-referrer".parse().unwrap();
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    Ok(response)
}

#[tokio::test]
async fn a_page_that_refreshes_leads_on_as_a_page_of_its_own_site() {
    let mut browser = browser().site("https://www.app.test", tower::service_fn(refresh));
    browser.get("https://app.test/set").await;
    browser.get("https://id.test/").await;
    let page = browser.follow("https://www.app.test/?a&b").await;
    assert!(page.body.starts_with("GET /echo?x&y\n"), "{page:?}");
    assert_eq!(line(&page.body, "cookie"), "s=1; l=1; n=1");
    assert_eq!(line(&page.body, "sec-fetch-site"), "same-site");
}

async fn refresh(_: Request<Full<Bytes>>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(
        "<meta http-equiv=\"refresh\" content=\"0;url=https://app.test/echo?x&amp;y\">".to_owned(),
    ))
}

#[tokio::test]
#[should_panic(expected = "more than 20 redirects")]
async fn a_circle_of_pages_is_noticed() {
    let circle = tower::service_fn(|_: Request<Full<Bytes>>| async {
        let page = "<meta http-equiv=\"refresh\" content=\"0;url=/\">".to_owned();
        Ok::<_, Infallible>(Response::new(page))
    });
    Browser::new()
        .site("https://app.test", circle)
        .get("https://app.test/")
        .await;
}
