//! The `auth` endpoint: whether whoever asks is signed in, and meets what the query demands.

use crate::world::{Answer, World, world, world_with};
use http::header;

async fn auth(world: &World, query: &str, headers: &[(&str, &str)]) -> Answer {
    let cookies = world.cookie_line();
    let headers = [headers, &[("cookie", cookies.as_str())]].concat();
    world
        .request("GET", &format!("/oauth2/auth{query}"), &headers)
        .await
}

#[tokio::test]
async fn it_says_202_and_401_and_nothing_else() {
    let mut world = world();
    for headers in [
        &[][..],
        &[("accept", "text/html")],
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        &[("accept", "application/json")],
        &[("content-type", "application/grpc")],
    ] {
        let answer = auth(&world, "", headers).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert_eq!(answer.header("www-authenticate"), "Session");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.body.is_empty() && answer.set_cookies().is_empty());
        assert!(!answer.headers.contains_key(header::LOCATION));
    }
    world.sign_in("alice", "/me").await;
    let answer = auth(&world, "", &[]).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.body.is_empty());
    let named = |answer: &Answer| {
        let mut names = answer.headers.keys();
        names.any(|name| name.as_str().starts_with("x-auth-request"))
    };
    assert!(!named(&answer), "no proxy is configured to be told");
    assert_eq!(world.request("HEAD", "/oauth2/auth", &[]).await.status, 401);
    for method in ["POST", "OPTIONS", "PUT"] {
        let answer = world.request(method, "/oauth2/auth", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    }
}

#[tokio::test]
async fn what_the_query_demands_is_demanded() {
    let mut world = world();
    let demand = "?allowed_groups=admins";
    assert_eq!(auth(&world, demand, &[]).await.status, 401);
    world.sign_in("alice", "/me").await;
    for (query, status) in [
        ("?allowed_groups=admins,x", 202),
        ("?allowed_groups=nobodies", 403),
        ("?allowed_emails=alice@example.com", 202),
        ("?allowed_emails=bob@example.com", 403),
        ("?allowed_email_domains=.example.com", 202),
        ("?allowed_email_domains=example.net", 403),
        (
            "?allowed_groups=admins&allowed_email_domains=example.net",
            403,
        ),
        ("?allowed_groups=", 403),
        ("?allowed_group=admins", 403),
        ("?rd=//evil.example", 202),
    ] {
        let answer = auth(&world, query, &[]).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.body.is_empty(), "{query}");
        assert!(!answer.headers.contains_key(header::LOCATION), "{query}");
    }
    // Of the other endpoints and the application it demands nothing.
    let me = auth(&world, "", &[]).await;
    assert_eq!(me.status, 202);
    let page = world
        .browser
        .fetch("https://app.test/me?allowed_groups=nobodies")
        .await;
    assert_eq!(page.status, 200);
}

/// Nothing that a request brings makes another question of it.
#[tokio::test]
async fn no_header_turns_it_into_a_pass() {
    let world = world();
    for (name, value) in [
        ("x-original-uri", "/"),
        ("x-original-url", "https://app.test/"),
        ("x-original-method", "OPTIONS"),
        ("x-forwarded-uri", "/"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("user-agent", "GoogleHC/1.0"),
        ("x-auth-request-user", "root"),
        ("x-auth-request-redirect", "/"),
        ("x-http-method-override", "OPTIONS"),
    ] {
        let answer = world.request("GET", "/oauth2/auth", &[(name, value)]).await;
        assert_eq!(answer.status, 401, "{name}");
    }
    // It has one address.
    for path in [
        "/oauth2/auth/",
        "/oauth2//auth",
        "/oauth2/%61uth",
        "/oauth2/auth/x",
        "/OAUTH2/auth",
        "/oauth2/AUTH",
    ] {
        let answer = world.request("GET", path, &[]).await;
        assert!(
            [401, 404].contains(&answer.status),
            "{path} {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn a_session_in_use_is_prolonged_and_one_that_ended_is_not() {
    let mut world = world_with(|gate| gate);
    world.sign_in("alice", "/me").await;
    world.advance(3600 * 13);
    let answer = auth(&world, "", &[]).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (202, 1));
    world.advance(3600 * 25);
    assert_eq!(auth(&world, "", &[]).await.status, 401);
}

#[tokio::test]
async fn it_names_the_caller_where_answers_are_to() {
    let mut world = world_with(|gate| {
        gate.identity_response_headers(oidc_gate_tower::IdentityHeaders::auth_request())
    });
    let named = |answer: &Answer| {
        let names = answer.headers.keys().map(|name| name.as_str().to_owned());
        names
            .filter(|name| name.starts_with("x-auth-request"))
            .count()
    };
    assert_eq!(named(&auth(&world, "", &[]).await), 0);
    world.sign_in("alice", "/me").await;
    let forged = [("x-auth-request-user", "root")];
    let answer = auth(&world, "", &forged).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("x-auth-request-user"), "alice");
    assert_eq!(answer.header("x-auth-request-email"), "alice@example.com");
    assert_eq!(answer.header("x-auth-request-groups"), "admins,staff");
    assert!(answer.body.is_empty());
    let refused = auth(&world, "?allowed_groups=nobodies", &[]).await;
    assert_eq!((refused.status, named(&refused)), (403, 0));
}
