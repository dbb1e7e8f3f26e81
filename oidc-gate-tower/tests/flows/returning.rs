//! Where a login and a sign-out lead.

use crate::{
    sign_out::led_in,
    world::{APP, NAVIGATION, World, world, world_with},
};
use oidc_gate_tower::{SignOut, core::form::encode};

/// Signs in by a link with this `rd`. Where the callback leads.
async fn led_to(w: &mut World, rd: &str) -> String {
    let url = w.callback("alice", rd).await;
    let answer = w.deliver(&url).await;
    assert_eq!(answer.status, 303, "{rd}");
    answer.header("location").to_owned()
}

/// Signs out by a form with this `rd`. Where that leads.
async fn signed_out_to(w: &World, rd: &str) -> String {
    let request = http::Request::builder()
        .method("POST")
        .uri("/oauth2/sign_out")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(http_body_util::Full::from(format!("rd={}", encode(rd))))
        .unwrap();
    let Ok(response) = crate::world::serve(&w.gate, request).await;
    // After a POST: a browser goes on by GET (RFC 9700 § 4.12). To another origin a page leads.
    match response.headers().get("location") {
        Some(location) => {
            assert_eq!(response.status(), 303, "{rd}");
            location.to_str().unwrap().to_owned()
        }
        None => {
            let body = http_body_util::BodyExt::collect(response.into_body()).await;
            led_in(&String::from_utf8_lossy(&body.unwrap().to_bytes()))
        }
    }
}

#[tokio::test]
async fn a_fragment_survives_the_login() {
    for (rd, location) in [
        ("/me#tab=2", "/me#tab=2"),
        ("/?q=1#/route?x=1", "/?q=1#/route?x=1"),
        ("/café#ü", "/caf%C3%A9#%C3%BC"),
        ("https://app.test/me?a#b", "/me?a#b"),
    ] {
        let mut w = world_with(|gate| gate.sign_out(SignOut::Here));
        assert_eq!(led_to(&mut w, rd).await, location);
        assert_eq!(signed_out_to(&w, rd).await, location);
        assert!(!w.log.text().contains("tab=2"), "{}", w.log.text());
    }
}

#[tokio::test]
async fn a_browser_ends_at_the_fragment_it_asked_for() {
    let mut w = world();
    let start = w.gate.sign_in_path("/me?x=1#tab");
    w.browser.get(&format!("{APP}{start}")).await;
    let page = w.browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/me?x=1 alice "), "{page:?}");
}

#[tokio::test]
async fn what_is_no_place_of_the_application_leads_to_the_first_page() {
    let long = format!("/{}", "a".repeat(2048));
    for rd in [
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "https://evil.example/",
        "https://other.test/",
        "https://app.test@evil.example/",
        "javascript:alert(1)",
        "/a\r\nset-cookie: x=y",
        "/oauth2/sign_out",
        "/oauth2/callback?code=x&state=y",
        &long,
    ] {
        let mut w = world_with(|gate| gate.sign_out(SignOut::Here));
        assert_eq!(led_to(&mut w, rd).await, "/", "{rd}");
        assert_eq!(signed_out_to(&w, rd).await, "/oauth2/signed_out", "{rd}");
    }
}

#[tokio::test]
async fn an_origin_that_is_named_is_led_to_and_no_other() {
    for (rd, location) in [
        ("https://wiki.test/Start?x#y", "https://wiki.test/Start?x#y"),
        ("https://WIKI.test:443", "https://wiki.test/"),
        ("https://wiki.test.evil.example/", "/"),
        ("https://x.wiki.test/", "/"),
        ("http://wiki.test/", "/"),
        ("https://wiki.test//evil.example", "/"),
    ] {
        let mut w = world_with(|gate| {
            gate.return_to_origin("https://wiki.test")
                .sign_out(SignOut::Here)
        });
        assert_eq!(led_to(&mut w, rd).await, location, "{rd}");
        let after = signed_out_to(&w, rd).await;
        let expected = if location == "/" {
            "/oauth2/signed_out"
        } else {
            location
        };
        assert_eq!(after, expected, "{rd}");
    }
}

#[tokio::test]
async fn below_a_path_what_lies_beside_it_is_no_place_of_the_application() {
    for (rd, ours) in [
        ("/tools/me#a", true),
        ("https://app.test/tools", true),
        ("/me", false),
        ("https://app.test/", false),
        ("/tools/oauth2/sign_out", false),
    ] {
        let w = world_with(|gate| gate.base_url(format!("{APP}/tools")));
        let start = format!("/tools/oauth2/start?rd={}", encode(rd));
        assert_eq!(w.navigate(&start).await.status, 303);
        let refused = w.log.text().contains("is not one of this application");
        assert_eq!(refused, !ours, "{rd}");
    }
}

#[tokio::test]
async fn a_post_of_nobody_is_refused_and_begins_no_login() {
    let w = world();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = w.request(method, "/me", NAVIGATION).await;
        assert_eq!(answer.status, 401, "{method}");
        assert_eq!(answer.header("www-authenticate"), "Session", "{method}");
        assert_eq!(answer.header("location"), "", "{method}");
        assert_eq!(answer.header("cache-control"), "no-store", "{method}");
        assert_eq!(answer.set_cookies(), [""; 0], "{method}");
    }
}

#[tokio::test]
async fn a_page_whose_address_is_too_long_leads_to_the_first_page_and_fits_into_a_cookie() {
    let mut w = world();
    let longest = format!("/{}", "a".repeat(2047));
    assert_eq!(led_to(&mut w, &longest).await, longest);
    for cookie in w.navigate(&longest).await.set_cookies() {
        assert!(cookie.len() <= 4096, "{} bytes", cookie.len());
    }
    w.browser.clear_cookies();
    assert_eq!(led_to(&mut w, &format!("{longest}a")).await, "/");
}

#[tokio::test]
async fn what_is_fetched_ahead_sets_no_cookie_and_leads_nowhere() {
    let w = world();
    for ahead in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("x-purpose", "preview"),
    ] {
        for path in ["/me", "/oauth2/start"] {
            let headers = [NAVIGATION, &[ahead]].concat();
            let answer = w.request("GET", path, &headers).await;
            assert_eq!(answer.status, 401, "{ahead:?}");
            assert_eq!(answer.header("location"), "", "{ahead:?}");
            assert_eq!(answer.header("cache-control"), "no-store", "{ahead:?}");
            assert_eq!(answer.set_cookies(), [""; 0], "{ahead:?}");
        }
    }
}

/// Posts this form to this address, as a page of the application does. Where that leads.
async fn posted(w: &World, query: &str, form: &str) -> String {
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("/oauth2/sign_out{query}"))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(http_body_util::Full::from(form.to_owned()))
        .unwrap();
    let Ok(response) = crate::world::serve(&w.gate, request).await;
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_sign_out_leads_where_its_form_says_or_else_its_address() {
    let w = world_with(|gate| gate.sign_out(SignOut::Here));
    for (query, form, location) in [
        ("?rd=/bye", "", "/bye"),
        ("?rd=/bye", "x=1", "/bye"),
        ("?rd=/bye", "rd=/form", "/form"),
        ("", "rd=/form", "/form"),
        ("?rd=//evil.example", "", "/oauth2/signed_out"),
        ("?rd=/bye", "rd=//evil.example", "/oauth2/signed_out"),
        ("", "", "/oauth2/signed_out"),
    ] {
        assert_eq!(posted(&w, query, form).await, location, "{query} {form}");
    }
}

#[tokio::test]
async fn the_question_whether_to_sign_out_forgets_no_place_to_return_to() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let headers = [NAVIGATION, &[("cookie", cookies.as_str())]].concat();
    let hidden = "<input type=\"hidden\" name=\"rd\" value=";
    for (query, value) in [
        ("?rd=/bye%3Fa%3D1%26b", Some("\"/bye?a=1&amp;b\"")),
        ("?rd=//evil.example", None),
        ("?rd=https://evil.example/", None),
        ("", None),
    ] {
        let address = format!("/oauth2/sign_out{query}");
        let page = w.request("GET", &address, &headers).await.body;
        assert!(page.contains("<form method=\"post\""), "{page}");
        match value {
            Some(value) => assert!(page.contains(&format!("{hidden}{value}>")), "{page}"),
            None => assert!(!page.contains(hidden), "{page}"),
        }
    }
    let address = "/oauth2/sign_out?rd=/%22%3E%3Cscript%3E";
    let page = w.request("GET", address, &headers).await;
    assert!(!page.body.contains("><script>"), "{}", page.body);
    // Nobody is signed in: the way on leads there by a login.
    let w = world();
    let headers = NAVIGATION;
    let page = w.request("GET", "/oauth2/sign_out?rd=/bye", headers).await;
    assert!(
        page.body.contains("/oauth2/start?rd=%2Fbye"),
        "{}",
        page.body
    );
}
