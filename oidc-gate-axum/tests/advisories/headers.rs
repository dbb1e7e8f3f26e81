//! Headers in which a client says who it is, and headers that take away what the gate says.

use crate::world::{NAVIGATION, World, api, world};
use http::{HeaderMap, HeaderName};
use oidc_gate_axum::{
    IdentityHeaders, Pattern, Peers,
    core::gate::STRIPPED,
    group,
    testing::{self, user},
};

const NAMES: [&str; 8] = [
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-auth-request-user",
    "x-auth-request-groups",
    "remote-user",
    "oidc-claim-sub",
];

/// What a request carries that names somebody, however it is spelt.
fn naming(headers: &HeaderMap) -> Vec<String> {
    let names = headers.keys().map(HeaderName::as_str);
    let folded = |name: &str| name.replace(['_', '.'], "-");
    let naming = names.filter(|name| NAMES.contains(&&*folded(name)));
    naming.map(str::to_owned).collect()
}

/// Every way to write `-` and `_` for each other, in lower case and in upper.
fn spellings(name: &str) -> Vec<String> {
    let dashes = name.matches('-').count();
    let spelling = |mut bits: usize| -> String {
        let dressed = name.chars().map(|c| match c {
            '-' => {
                bits >>= 1;
                if bits & 1 == 0 { '-' } else { '_' }
            }
            c => c,
        });
        dressed.collect()
    };
    let lower = (0..2usize << dashes).map(spelling);
    lower.flat_map(|name| [name.to_uppercase(), name]).collect()
}

/// Open, bypassed and protected paths, whose handlers are all reached by alice.
fn paths() -> World {
    world(|gate| {
        gate.open(Pattern::path("/open"))
            .bypass(Pattern::path("/bypass"))
            .pass_preflights()
    })
}

async fn alice(w: &World) -> String {
    let alice = testing::session(&w.gate, user("alice").group("admins").build()).await;
    alice.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn cve_2025_64484_an_underscore_smuggles_no_identity() {
    let w = paths();
    let cookies = alice(&w).await;
    for name in NAMES {
        for spelling in spellings(name) {
            for path in ["/open", "/bypass", "/me"] {
                let headers = [(&*spelling, "root"), ("cookie", &*cookies)];
                assert_eq!(w.ask("GET", path, &headers).await.status, 200);
                assert_eq!(naming(&w.handlers.headers()), [""; 0], "{spelling} {path}");
            }
        }
    }
}

/// Also CVE-2026-39858, CVE-2026-54763 and CVE-2020-14359.
#[tokio::test]
async fn cve_2026_33433_no_case_of_a_name_is_another_name() {
    let w = paths();
    let cookies = alice(&w).await;
    for name in [
        "x-forwarded-user",
        "X-FORWARDED-USER",
        "x-Forwarded-uSER",
        "X_forwarded-User",
        "x.forwarded.user",
    ] {
        for value in ["root", ""] {
            let headers = [(name, value), (name, "admin"), ("cookie", &*cookies)];
            w.ask("GET", "/me", &headers).await;
            assert_eq!(naming(&w.handlers.headers()), [""; 0], "{name}");
        }
    }
}

/// Also CVE-2026-29054 and GHSA-w9mr-28mw-j8hg.
#[tokio::test]
async fn cve_2024_45410_connection_takes_no_identity_away() {
    let w = world(|gate| gate.identity_headers(IdentityHeaders::forwarded()));
    let cookies = alice(&w).await;
    for nominated in [
        "x-forwarded-user",
        "X-Forwarded-User",
        "close, x_forwarded_user",
        "x-forwarded-groups,x-forwarded-user",
    ] {
        let headers = [("connection", nominated), ("cookie", &*cookies)];
        assert_eq!(w.ask("GET", "/me", &headers).await.status, 200);
        let seen = w.handlers.headers();
        assert_eq!(seen["x-forwarded-user"], "alice", "{nominated}");
        // A proxy behind the application removes what stands here, and with it the name.
        let left = seen
            .get("connection")
            .map_or("", |value| value.to_str().unwrap());
        assert!(
            !left.to_lowercase().contains("forwarded"),
            "{nominated}: {left}"
        );
    }
}

/// Also CVE-2017-6062: where nobody has to sign in, and on the way around all rules.
#[tokio::test]
async fn cve_2017_6413_headers_are_scrubbed_on_every_path() {
    let w = paths();
    let cookies = alice(&w).await;
    let forged: Vec<_> = STRIPPED
        .iter()
        .map(|entry| entry.name.replace('*', "sub"))
        .collect();
    let forged: Vec<_> = forged.iter().map(|name| (&**name, "root")).collect();
    let preflight = [
        ("origin", "https://spa.test"),
        ("access-control-request-method", "GET"),
    ];
    for (method, path, more) in [
        ("GET", "/", &[][..]),
        ("GET", "/open", &[("cookie", &*cookies)]),
        ("GET", "/bypass", &[]),
        ("OPTIONS", "/bypass", &preflight),
        ("OPTIONS", "/me", &preflight),
        ("GET", "/me", &[("cookie", &*cookies)]),
    ] {
        let answer = w.ask(method, path, &[&forged[..], more].concat()).await;
        assert_eq!(answer.calls, 1, "{method} {path}");
        let seen = w.handlers.headers();
        let left: Vec<_> = seen.keys().filter(|name| seen[*name] == "root").collect();
        assert!(left.is_empty(), "{method} {path}: {left:?}");
    }
}

#[tokio::test]
async fn cve_2026_44649_a_header_signs_nobody_in() {
    let w = world(|gate| gate.identity_headers(IdentityHeaders::forwarded()));
    for name in
        NAMES
            .iter()
            .copied()
            .chain(["x-remote-user", "x-webauth-user", "x-authentik-username"])
    {
        let answer = w.ask("GET", "/me", &[(name, "alice")]).await;
        assert_eq!((answer.status, answer.calls), (401, 0), "{name}");
        assert_eq!(w.ask("GET", "/", &[(name, "alice")]).await.body, "/ nobody");
        assert_eq!(naming(&w.handlers.headers()), [""; 0], "{name}");
    }
}

/// Also CVE-2024-21498, CVE-2024-21499 and CVE-2025-64101.
#[tokio::test]
async fn cve_2024_21494_no_header_says_what_the_host_is() {
    let w = world(|gate| gate.trusted_proxies(Peers::new(["127.0.0.1"]).unwrap()));
    let forged = [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "81"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.test;proto=http"),
    ];
    for peer in ["127.0.0.1", "203.0.113.9"] {
        let headers = [NAVIGATION, &forged].concat();
        let answer = w.sent_from_peer(peer, "/oauth2/start", &headers).await;
        assert_eq!(answer.status, 303);
        let location = answer.header("location");
        assert!(
            location.contains("redirect_uri=https%3A%2F%2Fapp.test%2Foauth2%2Fcallback&")
                || location.ends_with("redirect_uri=https%3A%2F%2Fapp.test%2Foauth2%2Fcallback"),
            "{location}"
        );
        assert!(!location.contains("evil"), "{location}");
        let page = w.sent_from_peer(peer, "/oauth2/sign_in", &headers).await;
        assert!(!page.body.contains("evil"), "{}", page.body);
    }
}

/// Also CVE-2026-54764 and CVE-2026-33495. Where clients come from is said by whom the configuration names, from the right.
#[tokio::test]
async fn cve_2026_35051_a_forwarded_address_is_the_proxys_word_only() {
    let w = world(|gate| {
        gate.open_to(["10.0.0.0/8"])
            .trusted_proxies(Peers::new(["192.0.2.1"]).unwrap())
    });
    for (peer, name, value, status) in [
        ("203.0.113.9", "x-forwarded-for", "10.1.1.1", 401),
        ("203.0.113.9", "x-real-ip", "10.1.1.1", 401),
        ("203.0.113.9", "forwarded", "for=10.1.1.1", 401),
        ("203.0.113.9", "x-client-ip", "10.1.1.1", 401),
        ("203.0.113.9", "true-client-ip", "10.1.1.1", 401),
        ("192.0.2.1", "x-forwarded-for", "10.1.1.1, 203.0.113.9", 401),
        ("192.0.2.1", "x-real-ip", "10.1.1.1", 401),
        ("192.0.2.1", "x-forwarded-for", "203.0.113.9, 10.1.1.1", 200),
    ] {
        let answer = w.sent_from_peer(peer, "/me", &[(name, value)]).await;
        assert_eq!(answer.status, status, "{peer} {name}: {value}");
    }
}

#[tokio::test]
async fn cve_2022_29226_a_bearer_header_alone_is_nobody() {
    for w in [world(|gate| gate), api(|gate| gate)] {
        for value in [
            "Bearer x",
            "Bearer ",
            "Bearer a.b.c",
            "bearer x",
            "Basic cm9vdDpy",
            "Token x",
            "",
        ] {
            let answer = w.ask("GET", "/me", &[("authorization", value)]).await;
            assert_eq!(answer.calls, 0, "{value}");
            assert!([400, 401].contains(&answer.status), "{value}");
        }
    }
}

#[tokio::test]
async fn identity_headers_that_nobody_configured_pass_from_no_client() {
    let w = world(|gate| gate.identity_headers(IdentityHeaders::auth_request()));
    let cookies = alice(&w).await;
    let headers = [
        ("x-forwarded-user", "root"),
        ("x-auth-request-access-token", "root"),
        ("remote-groups", "root"),
        ("cookie", &*cookies),
    ];
    w.ask("GET", "/me", &headers).await;
    let seen = w.handlers.headers();
    assert!(seen.values().all(|value| value != "root"), "{seen:?}");
    assert_eq!(seen["x-auth-request-user"], "alice");
}

#[tokio::test]
async fn a_comma_in_a_group_makes_no_second_group() {
    let w = world(|gate| {
        gate.identity_headers(IdentityHeaders::forwarded())
            .require(Pattern::prefix("/admin"), group("admins"))
    });
    for forged in [
        "x,admins",
        "x, admins",
        "admins,",
        "x%2Cadmins",
        "x;admins",
        "x\u{1}admins",
    ] {
        let who = user("mallory").group(forged).build();
        let cookies = testing::session(&w.gate, who).await;
        let cookies = [("cookie", cookies.to_str().unwrap())];
        assert_eq!(
            w.ask("GET", "/admin", &cookies).await.status,
            403,
            "{forged:?}"
        );
        w.ask("GET", "/me", &cookies).await;
        let seen = w.handlers.headers()["x-forwarded-groups"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            seen.split([',', ';']).all(|group| group.trim() != "admins"),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn no_answer_names_the_user_unasked() {
    let w = paths();
    let cookies = alice(&w).await;
    for path in [
        "/",
        "/me",
        "/open",
        "/bypass",
        "/oauth2/auth",
        "/oauth2/sign_out",
    ] {
        let answer = w.ask("GET", path, &[("cookie", &*cookies)]).await;
        for (name, value) in &answer.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("alice"), "{path} {name}: {value}");
        }
    }
}

/// A client's word is no part of what is logged or answered.
#[tokio::test]
async fn a_request_id_of_a_client_is_repeated_nowhere() {
    let w = paths();
    let headers = [
        ("x-request-id", "forged-id"),
        ("x-correlation-id", "forged-id"),
    ];
    for path in ["/me", "/oauth2/callback", "/oauth2/nothing"] {
        let answer = w.ask("GET", path, &[NAVIGATION, &headers].concat()).await;
        assert!(!answer.body.contains("forged-id"), "{path}");
        assert!(
            !format!("{:?}", answer.headers).contains("forged-id"),
            "{path}"
        );
    }
}
