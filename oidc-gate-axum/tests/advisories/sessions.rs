//! Sessions that are planted, copied, changed, kept too long or shown to others.

use crate::world::{APP, ISSUER, NAVIGATION, World, world, world_of};
use oidc_gate_axum::{
    ClientAuth, CookieKeys, Provider,
    testing::{self, user},
};
use std::{collections::BTreeSet, time::Duration};

async fn me(w: &World, cookies: &str) -> (u16, usize) {
    let answer = w.ask("GET", "/me", &[("cookie", cookies)]).await;
    (answer.status, answer.calls)
}

fn pair(line: &str) -> &str {
    line.split(';').next().unwrap()
}

/// Signs out by the application's own form. The cookies from before.
async fn sign_out(w: &mut World) -> String {
    let before = w.cookies();
    w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
    w.browser.submit("Sign out", &[]).await;
    before
}

/// Also CVE-2021-41246: an attacker's own session, planted in a browser whose user then signs in.
#[tokio::test]
async fn cve_2022_25896_signing_in_begins_a_session_of_its_own() {
    let mut w = world(|gate| gate);
    w.sign_in("bob", "/me").await;
    let (name, bobs) = w.session().unwrap();
    let planted = format!("{name}={bobs}");

    w.browser = w.another_browser();
    w.browser.set_cookie(
        APP,
        &format!("{planted}; Path=/; Secure; HttpOnly; SameSite=Lax"),
    );
    assert_eq!(w.who(&w.cookies()).await, "bob");
    w.sign_in("alice", "/me").await;
    assert_eq!(w.who(&w.cookies()).await, "alice");
    // What was planted is dead, and never was alice's.
    assert_eq!(me(&w, &planted).await, (401, 0));
    // The same user gets a new one too.
    let first = w.session().unwrap();
    w.sign_in("alice", "/me").await;
    assert_ne!(w.session().unwrap(), first);
}

#[tokio::test]
async fn cve_2026_34454_signing_out_clears_the_cookie_on_the_wire() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    let (name, _) = w.session().unwrap();
    let cookies = w.cookies();
    let headers = [("cookie", &*cookies), ("sec-fetch-site", "same-origin")];
    let answer = w.ask("POST", "/oauth2/sign_out", &headers).await;
    let cleared = format!("{name}=; ");
    let lines = answer.set_cookies();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with(&cleared) && line.contains("Max-Age=0")),
        "{lines:?}"
    );
    assert_eq!(me(&w, &cookies).await, (401, 0));
}

/// Also CVE-2023-20862.
#[tokio::test]
async fn cve_2024_21492_a_copied_cookie_is_worth_nothing_after_signing_out() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    let copied = sign_out(&mut w).await;
    for _ in 0..20 {
        assert_eq!(me(&w, &copied).await, (401, 0));
        w.advance(3600);
    }
}

/// A browser drops a `Set-Cookie` of a `__Host-` cookie that lacks one of its attributes.
#[tokio::test]
async fn cve_2025_55162_a_deletion_is_one_that_browsers_take() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    assert!(w.session().unwrap().0.starts_with("__Host-"));
    sign_out(&mut w).await;
    assert_eq!(w.cookies(), "");
}

#[tokio::test]
async fn another_site_signs_nobody_out() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    let cookies = w.cookies();
    for (method, headers) in [
        ("GET", &[("sec-fetch-site", "cross-site")][..]),
        ("POST", &[("sec-fetch-site", "cross-site")]),
        (
            "POST",
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.app.test"),
            ],
        ),
        ("POST", &[("origin", "null")]),
        ("POST", &[]),
    ] {
        let headers = [headers, &[("cookie", &*cookies)]].concat();
        for path in ["/oauth2/sign_out", "/oauth2/sign_in", "/oauth2/start"] {
            w.ask(method, path, &headers).await;
            assert_eq!(
                w.who(&cookies).await,
                "alice",
                "{method} {path} {headers:?}"
            );
        }
    }
}

#[tokio::test]
async fn cve_2021_32791_no_two_cookies_of_one_session_are_alike() {
    let w = world(|gate| gate);
    let mut begins = BTreeSet::new();
    for _ in 0..1000 {
        let cookie = testing::session(&w.gate, user("alice").build()).await;
        let cookie = cookie.to_str().unwrap().to_owned();
        let (_, value) = cookie.split_once('=').unwrap();
        // A nonce is among the first bytes, and what is sealed differs with it.
        assert!(begins.insert(value[value.len() - 24..].to_owned()));
        assert!(begins.insert(value[..40.min(value.len())].to_owned()));
    }
}

/// Wherever it is changed, the answer is the same: there is nothing to learn from it.
#[tokio::test]
async fn cve_2026_47775_every_changed_byte_has_one_answer() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    let (name, value) = w.session().unwrap();
    let told = async |value: &str| {
        let cookie = format!("{name}={value}");
        let answer = w.ask("GET", "/me", &[("cookie", &*cookie)]).await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{value}");
        (answer.body, format!("{:?}", answer.headers))
    };
    let expected = told("nonsense").await;
    for at in 0..value.len() {
        let other = if &value[at..=at] == "A" { "B" } else { "A" };
        // The last digit may hold bits that mean nothing; there is only one way to write them.
        let forged = format!("{}{other}{}", &value[..at], &value[at + 1..]);
        assert_eq!(told(&forged).await, expected, "{at}");
    }
}

/// Also CVE-2026-27840.
#[tokio::test]
async fn cve_2025_47275_no_part_of_a_cookie_is_a_cookie() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    let (name, value) = w.session().unwrap();
    for end in 0..value.len() {
        assert_eq!(
            me(&w, &format!("{name}={}", &value[..end])).await.1,
            0,
            "{end}"
        );
        assert_eq!(
            me(&w, &format!("{name}={}", &value[end + 1..])).await.1,
            0,
            "{end}"
        );
    }
    for more in ["A", "AAAA", "=", "."] {
        assert_eq!(
            me(&w, &format!("{name}={value}{more}")).await.1,
            0,
            "{more}"
        );
    }
}

/// What is sealed for one purpose is nothing for another.
#[tokio::test]
async fn cve_2023_48309_no_cookie_stands_in_for_another() {
    let mut w = world(|gate| gate);
    w.callback("alice", "/me").await;
    let logins = w.browser.cookies(APP);
    w.sign_in("alice", "/me").await;
    let (name, _) = w.session().unwrap();
    for cookie in logins.iter().chain(&w.browser.cookies(APP)) {
        if cookie.name == name {
            continue;
        }
        assert_eq!(
            me(&w, &format!("{name}={}", cookie.value)).await,
            (401, 0),
            "{}",
            cookie.name
        );
    }
    // Nor is a session a login.
    w.browser = w.another_browser();
    let url = w.callback("alice", "/me").await;
    let session = testing::session(&w.gate, user("alice").build()).await;
    let session = session
        .to_str()
        .unwrap()
        .split_once('=')
        .unwrap()
        .1
        .to_owned();
    let login = w.browser.cookies(APP).remove(0);
    let answer = w
        .deliver_with(&url, &format!("{}={session}", login.name))
        .await;
    assert_eq!((answer.status, w.wire.count("/token")), (303, 1));
    // One begins anew, and that is all there is.
    let location = answer.header("location");
    assert!(location.starts_with("https://id.test/authorize?"));
    let mut left = answer.set_cookies();
    left.retain(|line| !line.contains("Max-Age=0"));
    assert!(left.len() == 1 && left[0].contains("-login-"), "{left:?}");
    // Nor is one of another gate with other keys.
    let other = world(|gate| gate);
    let foreign = testing::session(&other.gate, user("alice").build()).await;
    assert_eq!(me(&w, foreign.to_str().unwrap()).await, (401, 0));
}

/// Two applications of one operator, with the same keys: what one has sealed says nothing to the other, under whatever name.
#[tokio::test]
async fn cve_2023_35941_a_session_of_one_client_is_none_of_another() {
    let keys = CookieKeys::ephemeral();
    let one = world(|gate| gate.cookie_keys(keys.clone()));
    let other = |_| Provider::unnamed(ISSUER, "other", ClientAuth::none());
    let two = world_of(|provider| provider, other, |gate| gate.cookie_keys(keys));
    let cookie = async |w: &World| {
        let cookie = testing::session(&w.gate, user("alice").build()).await;
        let (name, value) = cookie.to_str().unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    let ((name, value), (other_name, other_value)) = (cookie(&one).await, cookie(&two).await);
    assert_ne!(name, other_name);
    assert_eq!(me(&one, &format!("{name}={value}")).await, (200, 1));
    assert_eq!(me(&two, &format!("{other_name}={value}")).await, (401, 0));
    assert_eq!(me(&one, &format!("{name}={other_value}")).await, (401, 0));
    assert_eq!(me(&two, &format!("{name}={value}")).await, (401, 0));
}

#[tokio::test]
async fn cve_2024_24814_no_number_of_parts_is_believed() {
    let w = world(|gate| gate);
    let session = testing::session(&w.gate, user("alice").build()).await;
    let (name, value) = session.to_str().unwrap().split_once('=').unwrap();
    for suffix in ["0", "1", "2", "-1", "99999999", "1e9", "chunks", "x", ""] {
        for separator in [".", "_", "-", ""] {
            for content in ["99999999", "-1", "", value] {
                let forged = format!("{name}{separator}{suffix}={content}");
                if separator.is_empty() && suffix.is_empty() {
                    continue;
                }
                assert_eq!(me(&w, &forged).await.1, 0, "{forged}");
                // Beside a good one it changes nothing, or the session counts as unreadable.
                let (status, _) = me(&w, &format!("{name}={value}; {forged}")).await;
                assert!([200, 401].contains(&status), "{forged}");
            }
        }
    }
}

#[tokio::test]
async fn cve_2023_28625_no_cookie_header_breaks_anything() {
    let w = world(|gate| gate);
    let session = testing::session(&w.gate, user("alice").build()).await;
    let session = session.to_str().unwrap();
    let name = session.split_once('=').unwrap().0;
    let many = format!("{name}=x; ").repeat(500);
    for odd in [
        "",
        ";",
        "=",
        ";;;=;=;",
        " ",
        "=x",
        "x",
        "\t",
        ";=;",
        "a=\"b;c\"",
        "a=b,c=d",
        name,
        &format!("{name}="),
        &format!("{name}=;{name}=;{name}"),
        &format!("{name}=\"\""),
        &many,
        &"a".repeat(20_000),
        &"=".repeat(5000),
    ] {
        assert_eq!(me(&w, odd).await.1, 0, "{odd:.40}");
        let (status, _) = me(&w, &format!("{odd}; {session}")).await;
        assert!([200, 401].contains(&status), "{odd:.40}");
    }
    let raw = http::HeaderValue::from_bytes(b"a=\xff\xfe; \x80=\x81").unwrap();
    let mut request = http::Request::get("/me")
        .body(axum::body::Body::empty())
        .unwrap();
    request.headers_mut().insert("cookie", raw);
    assert_eq!(w.send(request).await.calls, 0);
}

/// Nor is there a header that brings one.
#[tokio::test]
async fn cve_2024_29901_a_session_that_is_over_is_over_everywhere() {
    let limits = |idle, absolute| (Duration::from_secs(idle), Duration::from_secs(absolute));
    let (idle, absolute) = limits(600, 3600);
    let w = world(|gate| gate.session_limits(idle, absolute));
    let session = testing::session(&w.gate, user("alice").build()).await;
    let session = session.to_str().unwrap();
    let value = session.split_once('=').unwrap().1;
    for name in [
        "x-session",
        "x-workos-session",
        "x-oidc-gate-session",
        "authorization",
        "set-cookie",
        "cookie2",
    ] {
        for value in [session, value, &format!("Bearer {value}")] {
            assert_eq!(
                w.ask("GET", "/me", &[(name, value)]).await.calls,
                0,
                "{name}"
            );
        }
    }
    assert_eq!(me(&w, session).await, (200, 1));
    w.advance(601);
    for path in ["/me", "/oauth2/auth", "/oauth2/userinfo"] {
        let answer = w.ask("GET", path, &[("cookie", session)]).await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{path}");
    }
    assert_eq!(w.who(session).await, "nobody");
}

#[tokio::test]
async fn cve_2025_46344_the_end_of_a_session_is_sealed_within_it() {
    let (idle, absolute) = (Duration::from_secs(3600), Duration::from_secs(7200));
    let w = world(|gate| gate.session_limits(idle, absolute));
    let session = testing::session(&w.gate, user("alice").build()).await;
    let mut cookies = session.to_str().unwrap().to_owned();
    // Kept in use all the time, by whoever keeps a cookie that the browser should have dropped.
    for _ in 0..4 {
        w.advance(1790);
        let answer = w.ask("GET", "/me", &[("cookie", &*cookies)]).await;
        assert_eq!(answer.status, 200);
        if let Some(line) = answer.set_cookies().first() {
            cookies = pair(line).to_owned();
        }
    }
    w.advance(100);
    assert_eq!(me(&w, &cookies).await, (401, 0));
}

/// Also CVE-2025-64762.
#[tokio::test]
async fn cve_2025_48947_no_cache_keeps_what_is_a_users_own() {
    let mut w = world(|gate| gate);
    let url = w.callback("alice", "/me").await;
    let landed = w.deliver(&url).await;
    let session = landed
        .set_cookies()
        .iter()
        .map(|line| pair(line).to_owned())
        .collect::<Vec<_>>()
        .join("; ");
    w.advance(3600);
    let mut answers = vec![landed];
    for (path, cookies) in [
        ("/me", &*session),
        ("/", &session),
        ("/oauth2/userinfo", &session),
        ("/me", ""),
        ("/oauth2/start", ""),
    ] {
        answers.push(
            w.ask("GET", path, &[NAVIGATION, &[("cookie", cookies)]].concat())
                .await,
        );
    }
    for answer in answers {
        let control = answer.header("cache-control");
        assert!(
            control.contains("no-store") || control.contains("private"),
            "{:?}",
            answer.headers
        );
        if !answer.set_cookies().is_empty() {
            assert!(control.contains("no-store") || control.contains("private"));
        }
    }
}

/// Also CVE-2025-55008 and CVE-2025-55009.
#[tokio::test]
async fn cve_2024_39315_no_answer_shows_a_token() {
    let mut w = world(|gate| gate);
    w.sign_in("alice", "/me").await;
    let cookies = w.cookies();
    for path in [
        "/oauth2/userinfo",
        "/oauth2/auth",
        "/oauth2/sign_out",
        "/oauth2/sign_in",
        "/me",
        "/",
    ] {
        let answer = w.ask("GET", path, &[("cookie", &*cookies)]).await;
        let all = format!("{} {:?}", answer.body, answer.headers);
        assert!(
            !all.contains("eyJ") && !all.contains("id_token") && !all.contains("access_token"),
            "{path}: {all}"
        );
    }
    let page = w.browser.fetch(&format!("{APP}/oauth2/userinfo")).await;
    let names: Vec<_> = page.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["email", "groups", "preferredUsername", "user"]);
}
