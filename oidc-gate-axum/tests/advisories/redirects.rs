//! Logins and sign-outs that are to lead somewhere else.

use crate::world::{APP, ISSUER, NAVIGATION, World, world};
use oidc_gate_axum::{
    GateBuilder, SignOut,
    core::form::{Form, encode},
    testing::{self, user},
};

/// Signs out within the application: the answer itself says where that leads.
fn here(gate: GateBuilder) -> GateBuilder {
    gate.sign_out(SignOut::Here)
}

/// Wherever a text can say where to go afterwards, this one leads into the application.
async fn stays(w: &mut World, place: &str) {
    assert_stays(w, place, |url| url.starts_with("https://app.test/")).await;
}

async fn assert_stays(w: &mut World, place: &str, fine: impl Fn(&str) -> bool) {
    let encoded = encode(place);
    // A login that a link begins, and one that the provider begins. No other address is known to this browser.
    let initiated = format!("iss={}&target_link_uri={encoded}", encode(ISSUER));
    for query in [format!("rd={encoded}"), initiated] {
        w.browser.clear_cookies();
        w.browser.get(&format!("{APP}/oauth2/start?{query}")).await;
        let page = w.browser.sign_in_as("alice").await;
        for (url, _) in &page.history {
            assert!(
                fine(url) || url.starts_with("https://id.test/"),
                "{place:?}: {page:?}"
            );
        }
        assert!(fine(&page.url), "{place:?}: {page:?}");
    }
    let cookies = w.cookies();
    // The page with a button, and the sign-out.
    let target = format!("/oauth2/sign_in?rd={encoded}");
    let sign_in = w.ask("GET", &target, NAVIGATION).await;
    for (_, href) in sign_in
        .body
        .match_indices("href=\"")
        .map(|(at, _)| sign_in.body.split_at(at + 6))
    {
        let href = href.split('"').next().unwrap();
        assert!(is_inside(href, &fine), "{place:?}: {href}");
    }
    let headers = [
        ("cookie", &*cookies),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("referer", "https://evil.test/"),
    ];
    let body = format!("rd={encoded}&redirect={encoded}&post_logout_redirect_uri={encoded}");
    let signed_out = w.ask_with("POST", "/oauth2/sign_out", &headers, body).await;
    assert_eq!(signed_out.status, 303, "{place:?}");
    let location = signed_out.header("location");
    assert!(is_inside(location, &fine), "{place:?}: {location}");
}

/// A path, as a browser reads it, or an address that is fine.
fn is_inside(location: &str, fine: impl Fn(&str) -> bool) -> bool {
    let path = location.starts_with('/') && !location.starts_with("//");
    let plain = location.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    plain && (path || fine(location))
}

#[tokio::test]
async fn cve_2017_1000070_two_slashes_lead_to_no_host() {
    let mut w = world(here);
    for place in [
        "//evil.com",
        "//evil.com/%2f..",
        "///evil.com",
        "////evil.com",
        "https:evil.com",
        "https:///evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

/// Also CVE-2021-32786 (at the sign-out) and CVE-2019-14857.
#[tokio::test]
async fn cve_2020_5233_a_backslash_is_a_slash_to_browsers() {
    let mut w = world(here);
    for place in [
        "/\\evil.com",
        "\\\\evil.com",
        "/\\/evil.com",
        "\\/evil.com",
        "/%5cevil.com",
        "/%5c%5cevil.com",
        "https:\\\\evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

/// Also CVE-2022-23527.
#[tokio::test]
async fn cve_2020_11053_white_space_is_dropped_by_browsers() {
    let mut w = world(here);
    for place in [
        "/\t/evil.com",
        "/\n/evil.com",
        "/\r\\evil.com",
        "/ /evil.com",
        "/\u{b}/evil.com",
        "/%09/evil.com",
        "/%0a/evil.com",
        "/%0d\\evil.com",
        "/%20/evil.com",
        "/%00/evil.com",
        "\t//evil.com",
        " //evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

#[tokio::test]
async fn cve_2020_4037_white_space_and_dots_lead_to_no_host() {
    let mut w = world(here);
    for place in [
        "/\t\t/\t/evil.com",
        "/./\\evil.com",
        "/./../../\\evil.com",
        "/.//evil.com",
        "/..//evil.com",
        "/x/..//evil.com",
        "/%2e/%5cevil.com",
        "/./%2fevil.com",
    ] {
        stays(&mut w, place).await;
    }
}

/// Also CVE-2019-20479.
#[tokio::test]
async fn cve_2021_21291_a_host_that_ends_like_an_allowed_one_is_another() {
    let mut w = world(|gate| here(gate).return_to_origin("https://bar.foo"));
    for place in [
        "http://evilbar.foo",
        "https://evilbar.foo",
        "https://bar.foo.evil.com",
        "https://bar.foo@evil.com",
        "https://evil.com/bar.foo",
        "https://evil.com?bar.foo",
        "https://evil.com#.bar.foo",
        "https://x.bar.foo",
        "http://bar.foo",
        "https://bar.foo:444",
        "https://bar.foo.",
        "https://evil-bar.foo",
    ] {
        stays(&mut w, place).await;
    }
}

#[tokio::test]
async fn a_full_width_slash_ends_no_host() {
    let mut w = world(|gate| here(gate).return_to_origin("https://bar.foo"));
    for place in [
        "https://evil.com\u{ff0f}.bar.foo/",
        "https://evil.com\u{ff1f}.bar.foo/",
        "https://evil.com\u{ff03}.bar.foo/",
        "https://evil.com\u{2100}.bar.foo",
        "//\u{ff45}vil.com",
        "https://bar\u{3002}foo.evil.com",
        "/\u{ff0f}evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

#[tokio::test]
async fn cve_2021_39191_a_login_that_the_provider_begins_leads_into_the_application() {
    let mut w = world(here);
    for place in [
        "https://evil.com/",
        "https://app.test.evil.com/",
        "https://app.test@evil.com/",
        "http://app.test/",
        "//evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

/// Also CVE-2021-43812, CVE-2022-24858, CVE-2022-29214 and CVE-2025-27143.
#[tokio::test]
async fn cve_2022_24794_a_crafted_path_is_no_address() {
    let mut w = world(here);
    for place in [
        "/%2f/evil.com",
        "/%2fevil.com",
        "/%252fevil.com",
        "/x/%2f%2fevil.com",
        "https://evil.com",
        "http://evil.com/",
        "//evil.com/app.test",
        "https://app.test:evil.com/",
        "https://app.test%2eevil.com/",
        "evil.com",
        "@evil.com",
        ".evil.com",
        ":80",
        "https://app.test\\@evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

#[tokio::test]
async fn cve_2020_1723_signing_out_leads_into_the_application() {
    let mut w = world(here);
    for place in [
        "https://evil.com/",
        "//evil.com",
        "/\\evil.com",
        "https://app.test.evil.com",
    ] {
        stays(&mut w, place).await;
    }
}

/// Also CVE-2024-21496: what a `Referer` says is not looked at.
#[tokio::test]
async fn cve_2024_21497_only_addresses_of_the_web_are_places() {
    let mut w = world(here);
    for place in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://app.test/",
        "blob:https://app.test/x",
        "view-source:https://app.test/",
        "//javascript:alert(1)",
        "/javascript:alert(1)",
    ] {
        stays(&mut w, place).await;
    }
    for path in [
        "/me",
        "/oauth2/sign_in",
        "/oauth2/callback?error=x",
        "/oauth2/sign_out",
    ] {
        let headers = [
            NAVIGATION,
            &[("referer", "javascript:alert(1)//https://evil.test")],
        ]
        .concat();
        let answer = w.ask("GET", path, &headers).await;
        assert!(
            !answer.body.contains("evil") && !answer.body.contains("javascript:"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn cve_2024_39694_control_characters_make_no_address_local() {
    let mut w = world(here);
    for code in (0..0x20).chain([0x7f, 0x80, 0x85, 0xa0, 0xad]) {
        let c = char::from_u32(code).unwrap();
        for place in [
            format!("/{c}/evil.com"),
            format!("{c}//evil.com"),
            format!("/{c}\\evil.com"),
        ] {
            let answer = w
                .ask(
                    "GET",
                    &format!("/oauth2/sign_in?rd={}", encode(&place)),
                    NAVIGATION,
                )
                .await;
            assert!(
                !answer.body.contains("href=\"/%2F") && !answer.body.contains("//evil"),
                "{place:?}"
            );
        }
    }
    stays(&mut w, "/\u{1}/evil.com").await;
    stays(&mut w, "/\u{85}/evil.com").await;
}

#[tokio::test]
async fn cve_2021_29651_no_token_travels_in_a_redirect() {
    let mut w = world(|gate| gate);
    let page = w.sign_in("alice", "/me?x=1").await;
    for (url, _) in &page.history {
        // How every JWT begins.
        assert!(!url.contains("eyJ") && !url.contains("token"), "{url}");
    }
    assert_eq!(page.url, "https://app.test/me?x=1");
}

#[tokio::test]
async fn cve_2025_67716_a_place_to_return_to_asks_the_provider_for_nothing() {
    let w = world(|gate| gate);
    for place in [
        "/x&prompt=none&scope=admin",
        "/x%26prompt=none",
        "/x\r\nprompt: none",
        "/x#&prompt=none",
    ] {
        let target = format!("/oauth2/start?rd={}", encode(place));
        let answer = w.ask("GET", &target, NAVIGATION).await;
        let location = answer.header("location");
        assert!(
            !location.contains("prompt") && !location.contains("admin"),
            "{location}"
        );
        let names: Vec<_> = location
            .split(['?', '&'])
            .skip(1)
            .filter_map(|pair| pair.split('=').next())
            .collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{location}");
    }
    // Nor does a parameter beside it.
    let answer = w
        .ask(
            "GET",
            "/oauth2/start?rd=/&redirect_uri=https://evil.test&scope=admin&state=x&nonce=x",
            NAVIGATION,
        )
        .await;
    let location = answer.header("location");
    assert!(
        !location.contains("evil") && !location.contains("admin") && !location.contains("state=x&"),
        "{location}"
    );
}

/// Also for whoever has no session, where there is no token to put there.
#[tokio::test]
async fn no_token_is_put_into_a_place_to_sign_out_to() {
    let mut w = world(|gate| here(gate.return_to_origin("https://www.app.test")));
    w.sign_in("alice", "/me").await;
    for cookies in [w.cookies(), String::new()] {
        for (place, status) in [
            ("/bye?t={id_token}", 303),
            // To another origin leads a page.
            ("https://www.app.test/?t={id_token}", 200),
            ("/{access_token}/{refresh_token}", 303),
        ] {
            let headers = [
                ("cookie", &*cookies),
                ("sec-fetch-site", "same-origin"),
                ("content-type", "application/x-www-form-urlencoded"),
            ];
            let body = format!("rd={}", encode(place));
            let answer = w.ask_with("POST", "/oauth2/sign_out", &headers, body).await;
            assert_eq!(answer.status, status);
            let said = format!("{} {}", answer.header("location"), answer.body);
            assert!(!said.contains("eyJ") && said.contains("_token"), "{said}");
        }
    }
}

/// Where the provider stands in between, the place is kept in the browser, and its own sign-out is what leads there.
#[tokio::test]
async fn a_place_beyond_the_provider_is_reached_by_the_sign_out_that_named_it() {
    let w = world(|gate| gate.return_to_origin("https://bar.foo"));
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    for (place, end) in [
        ("/?x=1", "/?x=1"),
        ("https://bar.foo/bye", "https://bar.foo/bye"),
        ("https://evilbar.foo/", "/oauth2/signed_out"),
        ("//evil.com", "/oauth2/signed_out"),
        ("/\\evil.com", "/oauth2/signed_out"),
        ("/\t/evil.com", "/oauth2/signed_out"),
        ("javascript:alert('evil')", "/oauth2/signed_out"),
        ("/oauth2/start?rd=https://evil.com", "/oauth2/signed_out"),
    ] {
        let mut kept = vec![];
        for _ in 0..2 {
            let session = testing::session(&w.gate, user("alice").build()).await;
            let headers = [&headers[..], &[("cookie", session.to_str().unwrap())]].concat();
            let body = format!("rd={}", encode(place));
            let answer = w.ask_with("POST", "/oauth2/sign_out", &headers, body).await;
            assert_eq!((answer.status, answer.header("location")), (200, ""));
            assert!(!answer.body.contains("evil"), "{place:?}: {}", answer.body);
            // Every way on leads to the provider, and from there to this gate.
            let begin = "https://id.test/end_session?";
            let (_, query) = answer.body.split_once(begin).unwrap();
            let query = query.split('"').next().unwrap().replace("&amp;", "&");
            for link in ["href=\"", "url="] {
                for (at, _) in answer.body.match_indices(link) {
                    let to = &answer.body[at + link.len()..];
                    assert!(to.starts_with(begin), "{place:?}: {to}");
                }
            }
            let mut form = Form::parse(query.as_bytes()).unwrap();
            let back = form.take("post_logout_redirect_uri").unwrap();
            assert_eq!(back, format!("{APP}/oauth2/signed_out"));
            let lines = answer.set_cookies();
            let line = lines.iter().find(|line| line.contains("-leaving="));
            let cookie = line.unwrap().split(';').next().unwrap().to_owned();
            kept.push((form.take("state").unwrap(), cookie));
        }
        let [(state, cookie), (anothers, _)] = &kept[..] else {
            unreachable!()
        };
        let evil = "rd=https%3A%2F%2Fevil.com&post_logout_redirect_uri=https%3A%2F%2Fevil.com";
        for (query, cookie, location) in [
            (format!("state={anothers}"), &**cookie, ""),
            (format!("state=&{evil}"), cookie, ""),
            (evil.to_owned(), cookie, ""),
            (format!("state={state}&{evil}"), "", ""),
            (format!("state={state}&{evil}"), cookie, end),
        ] {
            let headers = [NAVIGATION, &[("cookie", cookie)]].concat();
            let target = format!("/oauth2/signed_out?{query}");
            let answer = w.ask("GET", &target, &headers).await;
            let status = if location.is_empty() { 200 } else { 303 };
            let got = (answer.status, answer.header("location"));
            assert_eq!(got, (status, location), "{place:?} {query} {cookie}");
            assert!(!answer.body.contains("evil"), "{place:?}: {}", answer.body);
        }
    }
}
