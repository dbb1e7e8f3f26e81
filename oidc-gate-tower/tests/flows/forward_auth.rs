//! A proxy asks about requests that it has in hand.

use crate::world::{APP, Answer, ISSUER, NAVIGATION, START, World, serve, world_with};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{
    Bearer, CallerInfo, Check, ClientAuth, CookieKeys, ForwardAuth, Gate, GateBuilder,
    HeaderSource, IdentityHeaders, MetricsEndpoint, Pattern, PeerAddr, Peers, SameSite,
    core::identity::Via, pages::SignInPage, testing,
};

const PROXY: &str = "127.0.0.1:50000";

fn rules(gate: GateBuilder) -> GateBuilder {
    gate.open(Pattern::prefix("/public"))
        .bypass(Pattern::prefix("/assets"))
        .json(Pattern::prefix("/api"))
}

fn world(proxy: ForwardAuth) -> World {
    world_with(|gate| rules(gate).forward_auth(proxy.trust(["127.0.0.1"])))
}

fn nginx() -> World {
    world(ForwardAuth::nginx())
}

thread_local! {
    /// What the last answer has said of its caller, for whoever stands outside of the gate.
    static TOLD: std::cell::RefCell<Option<CallerInfo>> = const { std::cell::RefCell::new(None) };
}

/// The question of a proxy, as it comes from `peer`.
async fn ask(
    world: &World,
    peer: Option<&str>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(peer) = peer {
        request = request.extension(PeerAddr(peer.parse().unwrap()));
    }
    let request: Request<Full<Bytes>> = request.body(Full::default()).unwrap();
    let Ok(response) = serve(&world.gate, request).await;
    TOLD.set(response.extensions().get::<CallerInfo>().cloned());
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}

/// What nginx asks about a request with this browser's cookies.
async fn by_nginx(
    world: &World,
    query: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let cookies = world.cookie_line();
    let own = [
        ("x-original-method", method),
        ("x-original-uri", target),
        ("cookie", &cookies),
    ];
    let headers = [&own[..], headers].concat();
    ask(
        world,
        Some(PROXY),
        "GET",
        &format!("/oauth2/auth{query}"),
        &headers,
    )
    .await
}

/// What Caddy and Traefik ask.
async fn by_caddy(
    world: &World,
    host: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let cookies = world.cookie_line();
    let own = [
        ("x-forwarded-method", method),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", host),
        ("x-forwarded-uri", target),
        ("cookie", &cookies),
    ];
    let headers = [&own[..], headers].concat();
    ask(world, Some(PROXY), "GET", "/oauth2/forward", &headers).await
}

fn names(answer: &Answer) -> Vec<String> {
    let named = answer
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-auth-request"));
    let mut named: Vec<_> = named
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    named.sort();
    named
}

#[tokio::test]
async fn the_rules_hold_for_the_path_that_nginx_has_in_hand() {
    let mut world = nginx();
    for (method, path, status) in [
        ("GET", "/", 202),
        ("POST", "/", 401),
        ("GET", "/public/a", 202),
        ("GET", "/assets/a", 202),
        ("GET", "/me", 401),
        ("GET", "/admin", 401),
        ("GET", "/public/..%2fadmin", 401),
        ("GET", "/public%2f..%2fadmin", 401),
        ("GET", "/public/../admin", 401),
        ("GET", "/public//a", 401),
        ("GET", "/assets/%2e%2e/me", 401),
        ("GET", "/me?x=/public", 401),
        ("GET", "//public/a", 403),
        ("GET", "public", 403),
        ("GET", "", 403),
        ("GET", "/public/#/../me", 403),
        ("get", "/", 403),
        ("GET", "/oauth2/userinfo", 403),
    ] {
        let answer = by_nginx(&world, "", method, path, NAVIGATION).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(
            answer.body.is_empty() && answer.set_cookies().is_empty(),
            "{path}"
        );
        assert!(!answer.headers.contains_key(header::LOCATION), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let challenged = answer.headers.contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(challenged, status == 401, "{path}");
        assert!(
            names(&answer)
                .iter()
                .all(|name| name.starts_with("x-auth-request-redirect"))
        );
    }
    world.sign_in("bob", "/me").await;
    for (path, status) in [
        ("/me", 202),
        ("/admin", 403),
        ("/public/..%2fadmin", 403),
        ("/public/a", 202),
        ("/vault", 403),
    ] {
        let answer = by_nginx(&world, "", "GET", path, NAVIGATION).await;
        assert_eq!(answer.status, status, "{path}");
    }
    // A session does not vouch for what another site sends.
    let cross = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(
        by_nginx(&world, "", "POST", "/me", &cross).await.status,
        403
    );
    let own = [("sec-fetch-site", "same-origin")];
    assert_eq!(by_nginx(&world, "", "POST", "/me", &own).await.status, 202);
}

#[tokio::test]
async fn nginx_is_told_where_a_login_begins_that_leads_back() {
    let mut world = nginx();
    let login = async |world: &World, path: &str, headers: &[(&str, &str)]| {
        let answer = by_nginx(world, "", "GET", path, headers).await;
        answer.header("x-auth-request-redirect").to_owned()
    };
    for (path, start) in [
        ("/me?a=1&b=2", "/oauth2/start?rd=%2Fme%3Fa%3D1%26b%3D2"),
        ("/a//b", "/oauth2/start?rd=%2F"),
        ("/%5cevil.example", "/oauth2/start?rd=%2F"),
        ("//evil.example", ""),
        ("/oauth2/callback", ""),
        ("/public/a", ""),
        ("/api/x", ""),
    ] {
        assert_eq!(login(&world, path, NAVIGATION).await, start, "{path}");
        assert_eq!(
            login(&world, path, &[("sec-fetch-mode", "cors")]).await,
            "",
            "{path}"
        );
    }
    world.sign_in("bob", "/me").await;
    for path in ["/me", "/admin", "/vault"] {
        assert_eq!(login(&world, path, NAVIGATION).await, "", "{path}");
    }
    // Three logins that ended well, and still no session: a fourth would end the same way.
    let mut world = nginx();
    for _ in 0..3 {
        world
            .browser
            .get(&format!("{APP}/oauth2/start?rd=%2F"))
            .await;
        world.browser.sign_in_as("bob").await;
        let session = world.session_cookie().unwrap();
        world.browser.set_cookie(
            APP,
            &format!("{}=; Path=/; Max-Age=0; Secure", session.name),
        );
    }
    let answer = by_nginx(&world, "", "GET", "/me", NAVIGATION).await;
    assert_eq!(
        (answer.status, answer.header("x-auth-request-redirect")),
        (401, "")
    );
}

#[tokio::test]
async fn who_is_admitted_is_named_and_nobody_else() {
    let mut world = nginx();
    world.sign_in("alice", "/me").await;
    let named = names(&by_nginx(&world, "", "GET", "/me", &[]).await);
    assert_eq!(
        named,
        [
            "x-auth-request-email: alice@example.com",
            "x-auth-request-groups: admins,staff",
            "x-auth-request-preferred-username: alice",
            "x-auth-request-user: alice"
        ]
    );
    // Open: whoever is signed in is known. Bypassed: the gate does not look.
    assert_eq!(
        names(&by_nginx(&world, "", "GET", "/public/a", &[]).await),
        named
    );
    assert!(names(&by_nginx(&world, "", "GET", "/assets/a", &[]).await).is_empty());
    assert!(
        names(&by_nginx(&world, "?allowed_groups=nobodies", "GET", "/me", &[]).await).is_empty()
    );
}

/// Caddy puts something else in the place of a header that is not there, and Envoy leaves the client's.
#[tokio::test]
async fn nobody_is_named_by_empty_headers_where_the_proxy_copies_whatever_comes() {
    let empty = [
        "x-auth-request-email: ",
        "x-auth-request-groups: ",
        "x-auth-request-preferred-username: ",
        "x-auth-request-user: ",
    ];
    let caddy = world(ForwardAuth::caddy());
    for path in ["/public/a", "/assets/a", "/"] {
        let answer = by_caddy(&caddy, "app.test", "GET", path, &[]).await;
        assert_eq!(
            (answer.status, names(&answer)),
            (200, empty.map(str::to_owned).to_vec()),
            "{path}"
        );
    }
    let envoy = world(ForwardAuth::envoy());
    let answer = ask(
        &envoy,
        Some(PROXY),
        "GET",
        "/oauth2/forward/public/a",
        &[("host", "app.test")],
    )
    .await;
    assert_eq!((answer.status, names(&answer).len()), (200, 4));
    let traefik = world(ForwardAuth::traefik());
    let answer = by_caddy(&traefik, "app.test", "GET", "/public/a", &[]).await;
    assert_eq!((answer.status, names(&answer).len()), (200, 0));
}

#[tokio::test]
async fn a_request_that_names_a_user_itself_is_refused() {
    let mut world = nginx();
    world.sign_in("alice", "/me").await;
    for name in [
        "x-auth-request-user",
        "x_auth_request_groups",
        "x-auth-request.email",
    ] {
        for path in ["/me", "/public/a", "/assets/a"] {
            let answer = by_nginx(&world, "", "GET", path, &[(name, "root")]).await;
            assert_eq!(answer.status, 403, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn only_a_trusted_peer_may_ask() {
    let world = nginx();
    let headers = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/public/a"),
    ];
    for (peer, status) in [
        (Some(PROXY), 202),
        (Some("[::ffff:127.0.0.1]:9"), 202),
        (Some("127.0.0.2:9"), 403),
        (Some("[::1]:9"), 403),
        (Some("192.0.2.1:9"), 403),
        (None, 403),
    ] {
        let answer = ask(&world, peer, "GET", "/oauth2/auth", &headers).await;
        assert_eq!(answer.status, status, "{peer:?}");
        assert!(answer.body.is_empty());
    }
}

/// What was skipped there for whoever has no session is demanded here of everybody.
#[tokio::test]
async fn a_demand_of_the_proxy_holds_on_open_paths_and_for_the_anonymous_too() {
    let mut world = nginx();
    for path in ["/me", "/public/a", "/assets/a"] {
        for (query, status) in [
            ("?allowed_groups=admins", 401),
            ("?allowed_groups=", 403),
            ("?allowed_groups=x&x=1&x=2", 403),
        ] {
            let answer = by_nginx(&world, query, "GET", path, &[]).await;
            assert_eq!(answer.status, status, "{path} {query}");
        }
    }
    world.sign_in("alice", "/me").await;
    for path in ["/me", "/public/a", "/assets/a"] {
        for (query, status) in [
            ("?allowed_groups=admins", 202),
            ("?allowed_groups=nobodies", 403),
        ] {
            let answer = by_nginx(&world, query, "GET", path, &[]).await;
            assert_eq!(answer.status, status, "{path} {query}");
        }
    }
    // A demand in what the client asks for is none.
    let answer = by_nginx(&world, "", "GET", "/me?allowed_groups=nobodies", &[]).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_browser_is_sent_to_the_login_and_comes_back_to_the_page() {
    for proxy in [ForwardAuth::caddy(), ForwardAuth::traefik()] {
        let world = world(proxy);
        let answer = by_caddy(&world, "app.test", "GET", "/me?tab=2", NAVIGATION).await;
        assert_eq!(answer.status, 303);
        assert!(answer.header("location").starts_with(ISSUER));
        assert_eq!(answer.set_cookies().len(), 1, "the login under way");
        // Everything else cannot be sent anywhere.
        for headers in [
            &[("accept", "application/json")][..],
            &[("sec-fetch-mode", "cors")],
            &[],
        ] {
            let answer = by_caddy(&world, "app.test", "GET", "/me", headers).await;
            assert_eq!(answer.status, 401, "{headers:?}");
            assert_eq!(answer.header("content-type"), "application/json");
        }
        let answer = by_caddy(&world, "app.test", "GET", "/api/x", NAVIGATION).await;
        assert_eq!(answer.status, 401);
        let answer = by_caddy(&world, "app.test", "POST", "/me", NAVIGATION).await;
        assert_eq!(answer.status, 401, "a form would be lost on the way");
        let answer = by_caddy(&world, "app.test", "GET", "/public/a", &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
}

/// The host is what the client says. It becomes an address only where the configuration names it too.
#[tokio::test]
async fn no_login_leads_to_a_host_that_only_the_request_names() {
    let world = world(ForwardAuth::caddy());
    let home = format!("{APP}/oauth2/start?rd=%2F");
    for host in [
        "evil.example",
        "app.test.evil.example",
        "app.test:8443",
        "wiki.app.test",
        "127.0.0.1",
    ] {
        let answer = by_caddy(&world, host, "GET", "/me", NAVIGATION).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, home.as_str()),
            "{host}"
        );
        assert!(answer.set_cookies().is_empty(), "{host}");
        let answer = by_caddy(&world, host, "GET", "/vault", NAVIGATION).await;
        assert_eq!(answer.status, 303, "{host}");
        assert!(!answer.body.contains("evil"), "{host}");
    }
    // What is no place to come back to leads to the first page.
    for target in ["/me/..%2fx", "/a//b", "/%5cevil.example", "/a%09b"] {
        let answer = by_caddy(&world, "app.test", "GET", target, NAVIGATION).await;
        assert_eq!(answer.header("location"), home, "{target}");
    }
    let upper = by_caddy(&world, "APP.test", "GET", "/me", NAVIGATION).await;
    assert!(
        upper.header("location").starts_with(ISSUER),
        "hosts have no case"
    );
}

#[tokio::test]
async fn another_host_of_the_domain_sends_to_the_login_and_is_come_back_to() {
    let shared = |domain: Option<&'static str>| {
        let gate = Gate::builder()
            .issuer(ISSUER)
            .client("app", ClientAuth::none())
            .base_url("https://app.example.com")
            .cookie_keys(CookieKeys::ephemeral())
            .return_to_origin("https://wiki.example.com")
            .forward_auth(ForwardAuth::traefik().trust(["127.0.0.1"]));
        let gate = match domain {
            Some(domain) => gate.cookie_domain(domain),
            None => gate,
        };
        let mut world = world(ForwardAuth::traefik());
        world.gate = gate.build().unwrap();
        world
    };
    let start = "https://app.example.com/oauth2/start?rd=";
    let ask =
        async |world: &World, host| by_caddy(world, host, "GET", "/Start?x=1", NAVIGATION).await;
    let world = shared(Some("example.com"));
    let wiki = ask(&world, "wiki.example.com").await;
    assert_eq!(
        wiki.header("location"),
        format!("{start}https%3A%2F%2Fwiki.example.com%2FStart%3Fx%3D1")
    );
    let other = ask(&world, "other.example.com").await;
    assert_eq!(
        other.header("location"),
        format!("{start}%2F"),
        "no origin that is named"
    );
    // Where the session would not be seen, nobody is led in circles.
    let world = shared(None);
    let wiki = ask(&world, "wiki.example.com").await;
    assert_eq!(wiki.header("location"), format!("{start}%2F"));
}

/// A link cannot demand one, so the browser would come back as it was.
#[tokio::test]
async fn a_stronger_sign_in_begins_at_the_applications_own_host_only() {
    let mut world = world(ForwardAuth::caddy());
    world.sign_in("alice", "/me").await;
    let own = by_caddy(&world, "app.test", "GET", "/vault", NAVIGATION).await;
    assert_eq!(own.status, 303);
    assert!(
        own.header("location").contains("acr_values=phr"),
        "{}",
        own.header("location")
    );
    let other = by_caddy(&world, "other.test", "GET", "/vault", NAVIGATION).await;
    assert_eq!((other.status, other.header("location")), (403, ""));
    // Where a person can go from there is an address of the application, whoever was asked for.
    assert!(
        other.body.contains(&format!("href=\"{APP}/")),
        "{}",
        other.body
    );
    let script = by_caddy(
        &world,
        "app.test",
        "GET",
        "/vault",
        &[("sec-fetch-mode", "cors")],
    )
    .await;
    assert_eq!(script.status, 401);
}

/// A proxy takes every 2xx for an admission.
#[tokio::test]
async fn nothing_but_an_admission_has_a_status_of_success() {
    let mut worlds = vec![world(ForwardAuth::caddy()), nginx()];
    let strict = |proxy: ForwardAuth| {
        world_with(|gate| {
            rules(gate)
                .same_site(SameSite::Strict)
                .forward_auth(proxy.trust(["127.0.0.1"]))
        })
    };
    worlds.push(strict(ForwardAuth::caddy()));
    worlds.push(strict(ForwardAuth::nginx()));
    worlds.push(world_with(|gate| {
        let caddy = ForwardAuth::caddy().trust(["127.0.0.1"]);
        rules(gate)
            .sign_in_page(SignInPage::Show)
            .forward_auth(caddy)
    }));
    let from_elsewhere = [
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", "cross-site"),
    ];
    for world in &worlds {
        for headers in [
            &from_elsewhere[..],
            NAVIGATION,
            &[("content-type", "application/grpc")],
            &[("upgrade", "websocket"), ("connection", "upgrade")],
            &[("purpose", "prefetch")],
            &[("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "navigate")],
            &[("service-worker", "script")],
            &[("authorization", "Bearer x")],
            &[("cookie", "__Host-oidc-gate=x")],
        ] {
            for path in [
                "/me",
                "/admin",
                "/vault",
                "/oauth2/start",
                "/oauth2/userinfo",
                "/oauth2/callback",
                "/public//x",
            ] {
                for method in ["GET", "POST", "OPTIONS", "CONNECT"] {
                    let nginx = by_nginx(world, "", method, path, headers).await;
                    let caddy = by_caddy(world, "app.test", method, path, headers).await;
                    for answer in [nginx, caddy] {
                        assert!(
                            answer.status >= 300,
                            "{method} {path} {headers:?}: {}",
                            answer.status
                        );
                    }
                }
            }
        }
    }
    let [caddy, _, strict, strict_nginx, _] = worlds.as_slice() else {
        panic!()
    };
    // The page that leads here again is one all the same, and gRPC is told by the status.
    let again = by_caddy(strict, "app.test", "GET", "/me", &from_elsewhere).await;
    assert_eq!(again.status, 401);
    assert!(
        again.body.contains("You are being led on"),
        "{}",
        again.body
    );
    let again = by_nginx(strict_nginx, "", "GET", "/me", &from_elsewhere).await;
    assert_eq!((again.status, again.body.as_str()), (401, ""));
    let grpc = by_caddy(
        caddy,
        "app.test",
        "POST",
        "/me",
        &[("content-type", "application/grpc")],
    )
    .await;
    assert_eq!((grpc.status, grpc.header("grpc-status")), (401, "16"));
}

#[tokio::test]
async fn a_demand_that_is_not_read_is_refused_rather_than_overlooked() {
    let mut world = world(ForwardAuth::caddy());
    world.sign_in("alice", "/me").await;
    let cookies = world.cookie_line();
    let headers = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.test"),
        ("x-forwarded-uri", "/me"),
        ("cookie", cookies.as_str()),
    ];
    for (query, status) in [
        ("", 200),
        ("?x=1", 200),
        ("?allowed_groups=admins", 403),
        ("?%61llowed_groups=admins", 403),
    ] {
        let target = format!("/oauth2/forward{query}");
        assert_eq!(
            ask(&world, Some(PROXY), "GET", &target, &headers)
                .await
                .status,
            status,
            "{query}"
        );
    }
    // The other endpoint is that of no proxy here, and says who asks and nothing else.
    let auth = |query: &str| format!("/oauth2/auth{query}");
    assert_eq!(
        ask(
            &world,
            None,
            "GET",
            &auth("?allowed_groups=nobodies"),
            &headers
        )
        .await
        .status,
        403
    );
    assert_eq!(
        ask(&world, None, "GET", &auth(""), &headers).await.status,
        202
    );
}

#[tokio::test]
async fn envoy_asks_with_the_path_behind_the_prefix() {
    let mut world = world(ForwardAuth::envoy());
    let at = async |world: &World, method: &str, path: &str, headers: &[(&str, &str)]| {
        let cookies = world.cookie_line();
        let headers = [headers, &[("host", "app.test"), ("cookie", &cookies)]].concat();
        ask(
            world,
            Some(PROXY),
            method,
            &format!("/oauth2/forward{path}"),
            &headers,
        )
        .await
    };
    for (method, path, status) in [
        ("GET", "/public/a?x", 200),
        ("GET", "/", 200),
        ("POST", "/", 401),
        ("GET", "/me", 401),
        ("GET", "/public/..%2fadmin", 401),
        ("GET", "/public/../../auth", 401),
        ("GET", "//public/a", 403),
        ("GET", "", 403),
        ("GET", "?x=/public", 403),
        ("GET", "s/public", 404),
        ("GET", "/oauth2/userinfo", 403),
    ] {
        assert_eq!(
            at(&world, method, path, &[]).await.status,
            status,
            "{method} {path}"
        );
    }
    let login = at(&world, "GET", "/me?tab=2", NAVIGATION).await;
    assert!(login.status == 303 && login.header("location").starts_with(ISSUER));
    world.sign_in("alice", "/me").await;
    let answer = at(&world, "GET", "/admin", &[]).await;
    assert_eq!((answer.status, names(&answer).len()), (200, 4));
    assert_eq!(
        at(&world, "DELETE", "/me", &[("sec-fetch-site", "cross-site")])
            .await
            .status,
        403
    );
}

/// nginx hands on the first of several cookies: half a session is none.
#[tokio::test]
async fn an_admission_sets_one_cookie_or_none() {
    let mut small = nginx();
    small.sign_in("alice", "/me").await;
    small.advance(3600 * 13);
    let answer = by_nginx(&small, "", "GET", "/me", &[]).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (202, 1));

    let user = |provider: oidc_gate_tower::dev::DevProviderBuilder| {
        let user = oidc_gate_tower::Identity::builder("", "many").email("many@example.com");
        let user = (0..200_u64).fold(user, |user, n| {
            user.group(format!("group-{n:05}-{:x}", n * 7919 * 104_729))
        });
        let user = user.build();
        provider.user(user)
    };
    let mut large = crate::world::world_of(user, |gate| {
        rules(gate).forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
    });
    large.sign_in("many", "/me").await;
    assert!(
        large
            .cookies()
            .iter()
            .filter(|c| c.value.len() > 1000)
            .count()
            >= 2,
        "two pieces"
    );
    large.advance(3600 * 13);
    let answer = by_nginx(&large, "", "GET", "/me", &[]).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (202, 0));
}

#[tokio::test]
async fn without_the_setting_nobody_is_asked_about_anything() {
    let world = world_with(rules);
    let headers = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/public/a"),
        ("x-forwarded-host", "app.test"),
        ("x-forwarded-proto", "https"),
    ];
    let answer = ask(&world, Some(PROXY), "GET", "/oauth2/forward", &headers).await;
    assert_eq!(answer.status, 404);
    let headers = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/public/a"),
    ];
    let answer = ask(&world, Some(PROXY), "GET", "/oauth2/auth", &headers).await;
    assert_eq!(answer.status, 401);
}

#[test]
fn what_cannot_be_meant_is_named() {
    let problems = |gate: GateBuilder| {
        let gate = gate
            .issuer(ISSUER)
            .client("app", ClientAuth::none())
            .base_url(APP)
            .cookie_keys(CookieKeys::ephemeral());
        let error = gate.build().unwrap_err();
        error.problems().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        problems(Gate::builder().forward_auth(ForwardAuth::nginx())),
        ["forward_auth: trust([]): expected at least one address; name where nginx connects from"]
    );
    assert_eq!(
        problems(Gate::builder().forward_auth(ForwardAuth::caddy().trust(["proxy.internal"]))),
        [
            "forward_auth: trust([\"proxy.internal\"]): expected an IP address, or a network such as 10.0.0.0/8; name where Caddy connects from"
        ]
    );
    let two = Gate::builder()
        .forward_auth(ForwardAuth::caddy().trust(["10.0.0.1"]))
        .forward_auth(ForwardAuth::nginx().trust(["10.0.0.1"]));
    assert_eq!(
        problems(two),
        [
            "forward_auth: set more than once; a gate answers one kind of proxy, so build a gate for each"
        ]
    );
}

/// A subject is somebody within its issuer only, and a client is nobody at all.
#[test]
fn a_subject_is_said_with_its_issuer_where_there_are_several() {
    let build = |gate: GateBuilder, bearer: Bearer| {
        let built = gate
            .issuer(ISSUER)
            .client("app", ClientAuth::none())
            .base_url(APP)
            .cookie_keys(CookieKeys::ephemeral())
            .bearer(bearer)
            .build();
        built.map(|_| ()).map_err(|error| {
            let problems = error.problems().map(str::to_owned);
            problems.collect::<Vec<_>>().join("\n")
        })
    };
    let own = || Bearer::audience("app");
    let other = || Bearer::audience("app").issuer("https://ci.example.com");
    let asked = |proxy: ForwardAuth| Gate::builder().forward_auth(proxy.trust(["10.0.0.1"]));
    let told = |headers| Gate::builder().identity_headers(headers);
    let answered = |headers| Gate::builder().identity_response_headers(headers);
    let forwarded = IdentityHeaders::forwarded;
    let issuer = |headers: IdentityHeaders| headers.header("X-Issuer", HeaderSource::issuer());
    for (gate, setting) in [
        (
            asked(ForwardAuth::nginx()),
            "forward_auth: X-Auth-Request-User says a subject",
        ),
        (
            told(forwarded()),
            "identity_headers: \"x-forwarded-user\" says a subject",
        ),
        (
            answered(forwarded()),
            "identity_response_headers: \"x-forwarded-user\" says a subject",
        ),
    ] {
        let problem = build(gate, other()).unwrap_err();
        assert!(problem.starts_with(setting), "{problem}");
    }
    for gate in [
        asked(ForwardAuth::nginx().name_issuers()),
        told(issuer(forwarded())),
        answered(issuer(forwarded())),
        told(forwarded().email_as_user()),
    ] {
        assert_eq!(build(gate, other()), Ok(()));
    }
    for gate in [asked(ForwardAuth::nginx()), told(forwarded())] {
        assert_eq!(build(gate, own()), Ok(()));
    }
    // Nobody signs in, and two issuers' tokens are accepted.
    let problem = told(forwarded())
        .bearer(other())
        .bearer(own().issuer(ISSUER))
        .build();
    assert!(
        problem
            .unwrap_err()
            .to_string()
            .contains("HeaderSource::issuer()")
    );
}

#[tokio::test]
async fn whose_user_it_is_can_be_said_too_and_by_the_gate_alone() {
    let mut world = world(ForwardAuth::nginx().name_issuers());
    world.sign_in("alice", "/me").await;
    let answer = by_nginx(&world, "", "GET", "/me", &[]).await;
    assert_eq!(answer.header("x-auth-request-issuer"), ISSUER);
    let forged = [("x-auth-request-issuer", "https://evil.example")];
    assert_eq!(
        by_nginx(&world, "", "GET", "/me", &forged).await.status,
        403
    );
}

#[tokio::test]
async fn a_question_is_counted_as_what_it_came_to() {
    let the_proxy = || Peers::new(["127.0.0.0/8"]).unwrap();
    let mut world = world_with(|gate| {
        rules(gate)
            .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
            .metrics_endpoint(MetricsEndpoint::ForPeers(the_proxy()))
    });
    world.sign_in("bob", "/me").await;
    let counted = async |world: &World, verdict: &str| {
        let metrics = ask(world, Some(PROXY), "GET", "/oauth2/metrics", &[]).await;
        let line = format!("oidc_gate_requests_total{{verdict=\"{verdict}\"}} ");
        let mut lines = metrics.body.lines();
        let count = lines.find_map(|counted| counted.strip_prefix(&*line)?.parse::<u32>().ok());
        count.unwrap_or_default()
    };
    for (path, verdict) in [
        ("/me", "identified"),
        ("/admin", "refused"),
        ("/assets/a", "bypassed"),
    ] {
        let before = counted(&world, verdict).await;
        by_nginx(&world, "", "GET", path, &[]).await;
        assert_eq!(counted(&world, verdict).await, before + 1, "{path}");
    }
}

/// The peer is the proxy, and so is no client.
#[tokio::test]
async fn the_address_of_the_proxy_opens_nothing() {
    let local = ["127.0.0.0/8", "10.0.0.0/8"];
    let proxy = || ForwardAuth::nginx().trust(["127.0.0.1"]);
    let alone = world_with(|gate| gate.open_to(local).forward_auth(proxy()));
    let told = world_with(|gate| {
        let proxies = Peers::new(["127.0.0.1"]).unwrap();
        gate.open_to(local)
            .trusted_proxies(proxies)
            .forward_auth(proxy())
    });
    for (world, client, status) in [
        (&alone, None, 401),
        (&alone, Some("10.1.1.1"), 401),
        (&told, Some("10.1.1.1"), 202),
        (&told, Some("203.0.113.7"), 401),
        (&told, None, 401),
    ] {
        let headers: Vec<_> = client
            .map(|client| ("x-forwarded-for", client))
            .into_iter()
            .collect();
        let answer = by_nginx(world, "", "GET", "/me", &headers).await;
        assert_eq!(answer.status, status, "{client:?}");
    }
}

#[tokio::test]
async fn a_preflight_passes_where_it_may_and_meets_no_demand() {
    let world = world_with(|gate| {
        gate.pass_preflights()
            .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
    });
    let preflight = [
        ("origin", "https://x.example"),
        ("access-control-request-method", "PUT"),
    ];
    let ask = async |query, method, headers: &[(&str, &str)]| {
        by_nginx(&world, query, method, "/me", headers).await.status
    };
    assert_eq!(ask("", "OPTIONS", &preflight).await, 202);
    assert_eq!(ask("", "OPTIONS", &[]).await, 401);
    assert_eq!(ask("", "PUT", &preflight).await, 401);
    assert_eq!(
        ask("?allowed_groups=admins", "OPTIONS", &preflight).await,
        403
    );
}

/// The keys of its issuer are fetched first; what it is about is not forgotten meanwhile. A session beside it does not count.
#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_after_its_keys_were_fetched() {
    let mut world = world_with(|gate| {
        rules(gate)
            .bearer(Bearer::audience("https://app.test/api"))
            .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
    });
    world.sign_in("alice", "/me").await;
    let now = START + 600;
    let claims = format!(
        r#"{{"iss":"{ISSUER}","aud":"https://app.test/api","sub":"x","client_id":"x","iat":{START},"exp":{now},"jti":"1"}}"#
    );
    let parts = [
        r#"{"alg":"RS256","typ":"at+jwt","kid":"unknown"}"#,
        &claims,
        "no signature",
    ];
    let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let bearer = format!("Bearer {token}");
    let token = [("authorization", bearer.as_str())];
    for (path, status) in [
        ("/me", 401),
        ("/public/a", 202),
        ("/assets/a", 202),
        ("/oauth2/userinfo", 403),
        ("//x", 403),
    ] {
        let answer = by_nginx(&world, "", "GET", path, &token).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(names(&answer).is_empty(), "{path}");
    }
    let answer = by_nginx(&world, "", "GET", "/me", &token).await;
    assert_eq!(
        answer.header("www-authenticate"),
        r#"Bearer error="invalid_token""#
    );
    assert_eq!(by_nginx(&world, "", "GET", "/me", &[]).await.status, 202);
}

const API: &str = "https://app.test/api";

/// A token of the provider's that ends at this time.
fn token(world: &World, exp: u64) -> String {
    let claims = serde_json::json!({
        "iss": ISSUER, "sub": "alice", "aud": API, "client_id": "cli", "jti": "1", "iat": START, "exp": exp,
        "email": "alice@example.com", "email_verified": true, "groups": ["admins"],
    });
    let claims = claims.as_object().unwrap();
    format!("Bearer {}", world.provider.sign(Some("at+jwt"), claims))
}

#[tokio::test]
async fn a_token_lets_in_by_every_proxy_and_names_whose_it_is_until_it_expires() {
    for proxy in [ForwardAuth::nginx(), ForwardAuth::caddy()] {
        let is_nginx = format!("{proxy:?}").contains("Nginx");
        let world = world_with(|gate| {
            rules(gate)
                .bearer(Bearer::audience(API))
                .forward_auth(proxy.trust(["127.0.0.1"]))
        });
        let ask = async |path: &str, token: &str| {
            let headers = [("authorization", token), ("accept", "application/json")];
            match is_nginx {
                true => by_nginx(&world, "", "GET", path, &headers).await,
                false => by_caddy(&world, "app.test", "GET", path, &headers).await,
            }
        };
        let good = token(&world, START + 600);
        // The first waits for the keys, the second is verified with them, the third is known.
        for _ in 0..3 {
            let answer = ask("/admin/x", &good).await;
            assert_eq!(answer.status, if is_nginx { 202 } else { 200 });
            let named = names(&answer);
            for name in [
                "x-auth-request-email: alice@example.com",
                "x-auth-request-groups: admins",
                "x-auth-request-user: alice",
            ] {
                assert!(named.iter().any(|line| line == name), "{named:?}");
            }
        }
        assert_eq!(world.wire.counts(), (1, 1, 0));
        // A stronger sign-in than that of a token is no token's.
        assert_ne!(ask("/vault", &good).await.status / 100, 2);
        let invalid = (401, r#"Bearer error="invalid_token""#);
        for bad in [token(&world, START - 31), good.clone() + "x"] {
            let answer = ask("/admin/x", &bad).await;
            assert_eq!((answer.status, answer.header("www-authenticate")), invalid);
            assert!(
                names(&answer).is_empty() || !is_nginx,
                "{:?}",
                names(&answer)
            );
            assert!(!names(&answer).iter().any(|name| name.contains("alice")));
        }
        // What was good is so no longer than it says, known or not.
        world.advance(631);
        let answer = ask("/admin/x", &good).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), invalid);
        let text = world.gate.metrics();
        for line in [
            "oidc_gate_bearer_total{verdict=\"valid\"} 2",
            "oidc_gate_bearer_total{verdict=\"cached\"} 2",
            "oidc_gate_bearer_total{verdict=\"invalid\"} 3",
            "oidc_gate_requests_total{verdict=\"identified\"} 3",
            "oidc_gate_requests_total{verdict=\"refused\"} 4",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}

#[tokio::test]
async fn a_token_that_a_test_has_made_is_as_good() {
    let gate = testing::gate()
        .bearer(Bearer::audience("api"))
        .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
        .build()
        .unwrap();
    let request = Request::get("/oauth2/auth")
        .extension(PeerAddr(PROXY.parse().unwrap()))
        .header("x-original-method", "GET")
        .header("x-original-uri", "/me")
        .header(
            "authorization",
            testing::bearer(&gate, testing::user("alice").build()),
        );
    let request: Request<Full<Bytes>> = request.body(Full::default()).unwrap();
    let Ok(answer) = serve(&gate, request).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["x-auth-request-user"], "alice");
}

#[tokio::test]
async fn an_answer_tells_its_caller_to_whoever_is_outside() {
    type Who<'a> = Option<(&'a str, Via)>;
    for proxy in [ForwardAuth::nginx(), ForwardAuth::caddy()] {
        let is_nginx = format!("{proxy:?}").contains("Nginx");
        let mut world = world_with(|gate| {
            rules(gate)
                .bearer(Bearer::audience(API))
                .caller_in_response_extensions()
                .forward_auth(proxy.trust(["127.0.0.1"]))
        });
        world.sign_in("bob", "/me").await;
        let good = token(&world, START + 600);
        let bad = token(&world, 1);
        let bob: Who<'_> = Some(("bob", Via::Session));
        let alice: Who<'_> = Some(("alice", Via::Bearer));
        let another = world.another_browser();
        for (path, authorization, who, why) in [
            ("/me", None, bob, None),
            ("/admin", None, bob, Some(Check::Forbidden)),
            ("/assets/a", None, None, None),
            ("/admin", Some(&good), alice, None),
            ("/me", Some(&bad), None, Some(Check::BearerExpired)),
            ("/oauth2/userinfo", None, bob, Some(Check::ForwardedOwn)),
        ] {
            let mut headers = vec![("accept", "application/json")];
            if let Some(authorization) = authorization {
                headers.push(("authorization", authorization));
            }
            match is_nginx {
                true => by_nginx(&world, "", "GET", path, &headers).await,
                false => by_caddy(&world, "app.test", "GET", path, &headers).await,
            };
            let told = TOLD.take().unwrap();
            assert_eq!(told.subject().zip(told.via()), who, "{path}");
            assert_eq!(told.check(), why, "{path}");
        }
        // Nobody is signed in: a browser is sent to the login, or nginx told to send it.
        world.browser = another;
        match is_nginx {
            true => by_nginx(&world, "", "GET", "/me", NAVIGATION).await,
            false => by_caddy(&world, "app.test", "GET", "/me", NAVIGATION).await,
        };
        let told = TOLD.take().unwrap();
        assert_eq!(
            (told.subject(), told.check()),
            (None, Some(Check::Unauthenticated))
        );
    }
    let untold = nginx();
    by_nginx(&untold, "", "GET", "/public/a", &[]).await;
    assert!(TOLD.take().is_none());
}
