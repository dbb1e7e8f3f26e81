//! Paths that a rule and a router read differently, and requests that claim to be others.

use crate::world::{NAVIGATION, World, world};
use axum::{Router, extract::Request, middleware::map_request};
use http::Uri;
use oidc_gate_axum::{ForwardAuth, GateExt as _, Pattern, group, testing};
use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

/// None of these reaches a handler.
async fn refuses(w: &World, targets: &[&str]) {
    for target in targets {
        let answer = w.get(target).await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{target}");
    }
}

#[tokio::test]
async fn cve_2025_54576_a_query_opens_nothing() {
    let w = world(|gate| {
        gate.open(Pattern::skip_auth_route("^/api/.*/status"))
            .open(Pattern::skip_auth_route("GET=/public"))
    });
    refuses(
        &w,
        &[
            "/api/private/sensitive?path=/status",
            "/api/private?/x/status",
            "/x?/public",
            "/x?a=/public#/public",
        ],
    )
    .await;
    assert_eq!(w.get("/api/x/status?a=b").await.status, 200);
}

#[tokio::test]
async fn cve_2026_41059_a_fragment_opens_nothing() {
    let w = world(|gate| gate.open(Pattern::skip_auth_route("^/foo/.*/bar$")));
    refuses(
        &w,
        &[
            "/foo/secret%23/bar",
            "/foo/secret%2523/bar",
            "/foo/secret#/bar",
        ],
    )
    .await;
    assert_eq!(w.get("/foo/x/bar").await.status, 200);
}

#[tokio::test]
async fn cve_2026_40575_a_forwarded_path_opens_nothing() {
    let w = world(|gate| {
        gate.open(Pattern::prefix("/public"))
            .open(Pattern::skip_auth_route("^/public"))
            .trusted_proxies(oidc_gate_axum::Peers::new(["127.0.0.1"]).unwrap())
    });
    for name in [
        "X-Forwarded-Uri",
        "X-Forwarded-Path",
        "X-Forwarded-Prefix",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X-Auth-Request-Redirect",
        "Forwarded",
    ] {
        for value in [
            "/public",
            "https://app.test/public",
            "for=127.0.0.1;path=/public",
        ] {
            for peer in ["127.0.0.1", "203.0.113.9"] {
                let answer = w.sent_from_peer(peer, "/admin", &[(name, value)]).await;
                assert_eq!((answer.status, answer.calls), (401, 0), "{name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn cve_2026_34457_no_user_agent_is_a_pass() {
    let w = world(|gate| gate);
    for agent in [
        "GoogleHC/1.0",
        "kube-probe/1.31",
        "ELB-HealthChecker/2.0",
        "GCE",
        "",
    ] {
        for path in ["/me", "/oauth2/auth", "/oauth2/userinfo"] {
            let answer = w.ask("GET", path, &[("user-agent", agent)]).await;
            assert_eq!((answer.status, answer.calls), (401, 0), "{agent} {path}");
        }
    }
}

#[tokio::test]
async fn cve_2022_22978_a_line_break_ends_no_expression() {
    let w = world(|gate| gate.require(Pattern::regex("^/admin/.*$"), group("admins")));
    let bob = testing::session(&w.gate, testing::user("bob").group("staff").build()).await;
    for path in [
        "/admin/x",
        "/admin/%0a",
        "/admin/x%0d%0ay",
        "/admin/%0d",
        "/admin/%e2%80%a8x",
    ] {
        let answer = w
            .ask("GET", path, &[("cookie", bob.to_str().unwrap())])
            .await;
        assert_eq!((answer.status, answer.calls), (403, 0), "{path}");
    }
}

/// Also CVE-2023-20860.
#[tokio::test]
async fn cve_2023_34034_stars_mean_to_a_rule_what_they_mean_to_the_router() {
    let w = world(|gate| {
        gate.open(Pattern::path("/docs/{*page}"))
            .open(Pattern::glob("/files/**"))
            .open(Pattern::glob("/img/*"))
            .require(Pattern::glob("/admin/**"), group("admins"))
            .require(Pattern::path("/admin"), group("admins"))
    });
    for (path, status) in [
        ("/docs/a", 200),
        ("/docs/a/b", 200),
        ("/docs", 401),
        ("/docs/", 401),
        ("/docsx/a", 401),
        ("/files/a/b", 200),
        ("/files", 401),
        ("/img/a", 200),
        ("/img/a/b", 401),
        ("/admin", 401),
        ("/admin/", 401),
        ("/admin/a/b", 401),
    ] {
        assert_eq!(w.get(path).await.status, status, "{path}");
    }
}

/// Also CVE-2026-22753 and CVE-2026-22754.
#[tokio::test]
async fn cve_2023_34035_what_is_nested_or_merged_is_protected() {
    let w = world(|gate| gate.open(Pattern::path("/admin/open"))).with_routes(|handlers| {
        let page = || handlers.page();
        Router::new()
            .nest(
                "/nested",
                Router::new().route("/", page()).route("/open", page()),
            )
            .nest_service("/service", Router::new().fallback_service(page()))
            .merge(Router::new().route("/merged", page()))
            .nest(
                "/admin",
                Router::new()
                    .route("/open", page())
                    .route("/closed", page()),
            )
            .fallback_service(page())
    });
    let paths = [
        "/nested",
        "/nested/open",
        "/service",
        "/service/x",
        "/merged",
        "/fallback",
    ];
    refuses(&w, &paths).await;
    refuses(&w, &["/open", "/admin/closed", "/admin"]).await;
    assert_eq!(w.get("/admin/open").await.calls, 1);
}

#[tokio::test]
async fn cve_2024_38821_files_are_protected_as_handlers_are() {
    static SERVED: AtomicUsize = AtomicUsize::new(0);
    let files = || {
        tower::service_fn(async |_: Request| {
            SERVED.fetch_add(1, SeqCst);
            Ok::<_, Infallible>(http::Response::new(axum::body::Body::from("file")))
        })
    };
    let w = world(|gate| gate).with_routes(|_| {
        Router::new()
            .nest_service("/static", files())
            .fallback_service(files())
    });
    refuses(
        &w,
        &[
            "/static/app.js",
            "/static/../x.js",
            "/favicon.ico",
            "/index.html",
            "//app.js",
        ],
    )
    .await;
    assert_eq!(SERVED.load(SeqCst), 0);
}

/// A path prefix is open, and a neighbour of it is not.
fn public() -> World {
    world(|gate| {
        gate.open(Pattern::prefix("/public"))
            .bypass(Pattern::prefix("/assets"))
            .open(Pattern::skip_auth_route("^/skipped"))
    })
}

#[tokio::test]
async fn cve_2026_50559_parameters_and_escaped_slashes_open_nothing() {
    refuses(
        &public(),
        &[
            "/public;/admin",
            "/public%3b/admin",
            "/public/..;/admin",
            "/public/..%3bx/admin",
            "/assets%2f..%2fadmin",
            "/assets/..%5cadmin",
            "/public//admin",
            "/skipped/./admin",
            "/skipped/../admin",
            "/skipped;x=/../admin",
        ],
    )
    .await;
}

/// Also CVE-2025-66490, CVE-2025-48020, CVE-2025-65600 and CVE-2025-67309.
#[tokio::test]
async fn cve_2026_40912_a_decoded_path_opens_no_other_path() {
    refuses(
        &public(),
        &[
            "/%70ublic/admin",
            "/publi%63/admin",
            "/%61ssets/admin",
            "/%73kipped/admin",
            "/public%2Fadmin",
        ],
    )
    .await;
}

#[tokio::test]
async fn cve_2026_33494_two_dots_lead_to_no_other_rule() {
    refuses(
        &public(),
        &[
            "/public/../admin",
            "/assets/../admin/users",
            "/public/x/../../admin",
            "/public/%2e%2e/admin",
            "/public/.%2E/admin",
            "/skipped/%2e%2e%2fadmin",
        ],
    )
    .await;
    let w = world(|gate| gate.require(Pattern::prefix("/admin"), group("admins")));
    let bob = testing::session(&w.gate, testing::user("bob").build()).await;
    for path in [
        "/x/../admin",
        "/x/%2e%2e/admin/users",
        "/x%2f..%2fadmin",
        "/x/..;/admin",
    ] {
        let answer = w
            .ask("GET", path, &[("cookie", bob.to_str().unwrap())])
            .await;
        assert_eq!((answer.status, answer.calls), (403, 0), "{path}");
    }
}

#[tokio::test]
async fn cve_2026_71209_nothing_is_decoded_twice_into_what_is_open() {
    refuses(
        &public(),
        &[
            "/public%252f..%252fadmin",
            "/public/%252e%252e/admin",
            "/%2570ublic/admin",
            "/skipped%252f..%252fadmin",
        ],
    )
    .await;
}

#[tokio::test]
async fn cve_2026_26205_two_slashes_begin_no_authority() {
    let w = public();
    refuses(
        &w,
        &[
            "//admin",
            "//public/admin",
            "//evil.test/public",
            "///public",
        ],
    )
    .await;
    refuses(&w, &["http://public/admin", "http://app.test/admin"]).await;
    // What the target calls the host is not what the `Host` header says.
    let host = [("host", "app.test")];
    assert_eq!(
        w.ask("GET", "http://evil.test/public", &host).await.status,
        401
    );
}

#[tokio::test]
async fn cve_2026_48794_of_rules_that_overlap_the_strictest_holds_in_any_order() {
    type Rule = fn(oidc_gate_axum::GateBuilder) -> oidc_gate_axum::GateBuilder;
    let rules: [Rule; 3] = [
        |gate| gate.open(Pattern::prefix("/x")),
        |gate| gate.bypass(Pattern::glob("/x/**")),
        |gate| gate.require(Pattern::path("/x/{any}"), group("admins")),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let w = world(|gate| order.iter().fold(gate, |gate, at| rules[*at](gate)));
        let answer = w.get("/x/y").await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{order:?}");
        assert_eq!(w.get("/x/y/z").await.status, 200, "{order:?}");
    }
}

#[tokio::test]
async fn cve_2025_29927_no_header_of_the_inside_skips_the_gate() {
    let w = world(|gate| gate);
    for (name, value) in [
        (
            "x-middleware-subrequest",
            "middleware:middleware:middleware:middleware:middleware",
        ),
        ("x-middleware-next", "1"),
        ("x-oidc-gate", "bypass"),
        ("x-oidc-gate-principal", "alice"),
        ("x-forwarded-proto", "internal"),
        ("upgrade-insecure-requests", "1"),
        ("x-auth-request-user", "alice"),
    ] {
        let answer = w.ask("GET", "/me", &[(name, value)]).await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{name}");
    }
    // Nor does a caller that something outside has put into the request.
    let mut request = Request::get("/me").body(axum::body::Body::empty()).unwrap();
    request
        .extensions_mut()
        .insert(testing::principal(testing::user("root").build()));
    let answer = w.send(request).await;
    assert_eq!((answer.status, answer.calls), (401, 0));
}

#[tokio::test]
async fn cve_2022_31692_a_rewritten_request_is_judged_by_where_it_goes() {
    let w = world(|gate| gate.open(Pattern::prefix("/public")));
    let rewrite = map_request(async |mut request: Request| {
        *request.uri_mut() = Uri::from_static("/admin");
        request
    });
    let inner = Router::new().fallback_service(w.handlers.page());
    let app = w.gate.protect(inner).into_router().layer(rewrite);
    let request = Request::get("/public")
        .body(axum::body::Body::empty())
        .unwrap();
    let status = tower::ServiceExt::oneshot(app, request)
        .await
        .unwrap()
        .status();
    assert_eq!((status.as_u16(), w.handlers.take_calls()), (401, 0));
}

/// Also CVE-2022-29228: what is answered goes no further.
#[tokio::test]
async fn cve_2025_31492_who_is_refused_sees_nothing_of_the_protected_page() {
    let w = world(|gate| gate);
    for (method, headers) in [
        ("GET", NAVIGATION),
        ("POST", NAVIGATION),
        ("GET", &[("accept", "application/json")]),
        (
            "POST",
            &[("content-type", "application/x-www-form-urlencoded")],
        ),
        ("GET", &[("content-type", "application/grpc")]),
        (
            "OPTIONS",
            &[
                ("origin", "https://evil.test"),
                ("access-control-request-method", "GET"),
            ],
        ),
        (
            "GET",
            &[
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
            ],
        ),
    ] {
        let answer = w.ask(method, "/me", headers).await;
        assert_eq!(answer.calls, 0, "{method} {headers:?}");
        assert!(!answer.body.contains("/me nobody"), "{method} {headers:?}");
    }
}

#[tokio::test]
async fn cve_2023_6394_a_websocket_is_no_way_around() {
    let w = world(|gate| gate);
    let upgrade = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let answer = w.ask("GET", "/socket", &upgrade).await;
    assert_eq!((answer.status, answer.calls), (401, 0));
    // A page of another site can open one, and the browser sends the cookies along.
    let alice = testing::session(&w.gate, testing::user("alice").build()).await;
    let own = [
        ("cookie", alice.to_str().unwrap()),
        ("origin", "https://app.test"),
    ];
    let answer = w
        .ask("GET", "/socket", &[&upgrade[..], &own].concat())
        .await;
    assert_eq!((answer.status, answer.calls), (200, 1));
    let foreign = [
        ("cookie", alice.to_str().unwrap()),
        ("origin", "https://evil.test"),
    ];
    let answer = w
        .ask("GET", "/socket", &[&upgrade[..], &foreign].concat())
        .await;
    assert_eq!((answer.status, answer.calls), (403, 0));
}

/// What a proxy asks about, at the endpoint for it.
async fn nginx_asks(w: &World, uri: &str) -> u16 {
    let headers = [("x-original-method", "GET"), ("x-original-uri", uri)];
    w.sent_from_peer("127.0.0.1", "/oauth2/auth", &headers)
        .await
        .status
}

fn behind_nginx() -> World {
    world(|gate| {
        gate.open(Pattern::prefix("/public"))
            .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
    })
}

#[tokio::test]
async fn cve_2021_32637_a_question_that_cannot_be_read_is_refused() {
    let w = behind_nginx();
    let long = format!("/public/{}", "a".repeat(64 * 1024));
    for uri in [
        "",
        " ",
        "public",
        "http://",
        "https://app.test/public",
        "//public",
        "://public",
        "/public\\",
        "?/public",
        "#/public",
        "*",
        "/public /x",
        "/public/%00",
        "/public/%",
        &long[..],
    ] {
        let status = nginx_asks(&w, uri).await;
        assert!(
            [401, 403].contains(&status) || uri.len() > 60_000 && status >= 400,
            "{:.40}: {status}",
            uri
        );
    }
    // Without the header, with two of them, and from anywhere else.
    let uri = ("x-original-uri", "/public");
    let method = ("x-original-method", "GET");
    for (peer, headers) in [
        ("127.0.0.1", &[method][..]),
        ("127.0.0.1", &[method, uri, uri]),
        ("127.0.0.1", &[method, uri, ("x-original-uri", "/admin")]),
        ("203.0.113.9", &[method, uri]),
    ] {
        let answer = w.sent_from_peer(peer, "/oauth2/auth", headers).await;
        assert!(
            [401, 403].contains(&answer.status),
            "{peer} {headers:?}: {}",
            answer.status
        );
    }
    assert_eq!(nginx_asks(&w, "/public").await, 202);
}

#[tokio::test]
async fn escaped_dots_behind_a_proxy_that_normalises_open_nothing() {
    let w = behind_nginx();
    for uri in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public%2f..%2fadmin",
        "/public/..;/admin",
        "/public//../admin",
        "/public/%5c..%5cadmin",
    ] {
        assert_eq!(nginx_asks(&w, uri).await, 401, "{uri}");
    }
}
