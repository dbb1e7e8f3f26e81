//! Logins that somebody else has begun, changed, repeated or mixed up, and who comes out of them.

use crate::world::{APP, Answer, ISSUER, NAVIGATION, World, world, world_of};
use oidc_gate_axum::{
    ClientAuth, CookieKeys, Gate, Identity, Pattern, Provider, acr, claim,
    core::form::{Form, encode},
    dev::Fault,
    email_domain, email_in, group,
};
use serde_json::json;
use std::collections::BTreeSet;

fn param(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    Form::parse(query.as_bytes()).unwrap().take(name).unwrap()
}

/// The parameters of a callback, by name.
fn params(url: &str) -> Vec<(String, String)> {
    ["code", "state", "iss"]
        .map(|name| (name.to_owned(), param(url, name)))
        .to_vec()
}

fn callback(params: &[(String, String)]) -> String {
    let pairs = params
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)));
    format!(
        "{APP}/oauth2/callback?{}",
        pairs.collect::<Vec<_>>().join("&")
    )
}

/// The cookies that an answer leaves behind.
fn left(answer: &Answer) -> Vec<&str> {
    let mut lines = answer.set_cookies();
    lines.retain(|line| !line.contains("Max-Age=0"));
    lines
}

/// Brings a callback that ends no login: it costs no request to the token endpoint, and whoever was there is there.
async fn ends_nothing(w: &World, url: &str, cookies: &str) -> Answer {
    let (tokens, who) = (w.wire.count("/token"), w.who(cookies).await);
    let answer = w.deliver_with(url, cookies).await;
    assert_eq!((w.wire.count("/token"), answer.calls), (tokens, 0), "{url}");
    assert_eq!(w.who(cookies).await, who, "{url}");
    answer
}

/// A callback that signs nobody in, and is answered with a page.
async fn is_refused(w: &World, url: &str, cookies: &str) {
    let answer = ends_nothing(w, url, cookies).await;
    assert_eq!(answer.status, 400, "{url}: {}", answer.body);
    assert_eq!(left(&answer), [""; 0], "{url}");
}

/// A callback of a login of ours that is not this browser's, or over: it is worth what a link to a login is, and signs nobody in.
async fn begins_anew(w: &World, url: &str, cookies: &str) {
    let answer = ends_nothing(w, url, cookies).await;
    assert_eq!(answer.status, 303, "{url}: {}", answer.body);
    let location = answer.header("location");
    assert!(location.starts_with("https://id.test/authorize?"), "{url}");
    assert_ne!(param(location, "state"), param(url, "state"));
    let [login] = left(&answer)[..] else {
        panic!("{url}: {:?}", answer.set_cookies())
    };
    assert!(login.contains("-login-"), "{url}: {login}");
}

#[tokio::test]
async fn cve_2017_1000069_a_callback_of_another_browser_signs_nobody_in() {
    let mut w = world(|gate| gate);
    let attackers = w.callback("bob", "/me").await;
    // The victim has no login under way, and then one of its own.
    begins_anew(&w, &attackers, "").await;
    w.browser = w.another_browser();
    let own = w.callback("alice", "/me").await;
    begins_anew(&w, &attackers, &w.cookies()).await;
    is_refused(
        &w,
        &format!("{APP}/oauth2/callback?code=ATTACKER&state=/"),
        &w.cookies(),
    )
    .await;
    let page = w.browser.get(&own).await;
    assert_eq!(page.body, "/me alice");
    // Whoever is signed in stays who it is, and sees the page.
    let answer = ends_nothing(&w, &attackers, &w.cookies()).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/me"));
    assert_eq!(left(&answer), [""; 0]);
    assert_eq!(w.who(&w.cookies()).await, "alice");
}

#[tokio::test]
async fn cve_2023_31999_each_login_has_a_state_a_nonce_and_a_challenge_of_its_own() {
    let w = world(|gate| gate);
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let answer = w.ask("GET", "/oauth2/start", NAVIGATION).await;
        for name in ["state", "nonce", "code_challenge"] {
            let value = param(answer.header("location"), name);
            assert!(value.len() >= 22, "{name}: {value}");
            assert!(seen.insert(value), "{name} came twice");
        }
        assert_eq!(
            param(answer.header("location"), "code_challenge_method"),
            "S256"
        );
    }
}

/// Also CVE-2026-41425.
#[tokio::test]
async fn cve_2025_68158_a_state_is_good_in_the_browser_it_was_made_for() {
    let mut w = world(|gate| gate);
    let attackers = w.callback("bob", "/me").await;
    w.browser = w.another_browser();
    let own = w.callback("alice", "/me").await;
    let (state, code) = (param(&attackers, "state"), param(&attackers, "code"));
    let moved = own.replace(&param(&own, "state"), &state);
    begins_anew(&w, &moved, &w.cookies()).await;
    // The attacker's code under the victim's own state: it was made for another challenge.
    let injected = own.replace(&param(&own, "code"), &code);
    let answer = w.deliver(&injected).await;
    assert_eq!((answer.status, answer.calls), (400, 0));
    assert_eq!(left(&answer), [""; 0]);
}

#[tokio::test]
async fn cve_2023_27490_a_callback_without_one_of_its_parameters_is_refused() {
    let mut w = world(|gate| gate);
    for missing in 0..3 {
        for change in ["missing", "empty", "another", "twice"] {
            // Each at a login of its own, which is under way.
            let url = w.callback("alice", "/me").await;
            let mut all = params(&url);
            let (name, value) = all[missing].clone();
            match change {
                "missing" => drop(all.remove(missing)),
                "empty" => all[missing].1.clear(),
                "another" if name == "code" => continue,
                "another" => all[missing].1.push('x'),
                _ => all.push((name, value)),
            }
            is_refused(&w, &callback(&all), &w.cookies()).await;
        }
    }
    assert_eq!(w.sign_in("alice", "/me").await.body, "/me alice");
}

#[tokio::test]
async fn cve_2023_50714_a_callback_counts_once() {
    let mut w = world(|gate| gate);
    let url = w.callback("alice", "/me").await;
    let cookies = w.cookies();
    let first = w.deliver_with(&url, &cookies).await;
    assert_eq!((first.status, first.header("location")), (303, "/me"));
    // A second submit of the same browser has the same answer, for a minute.
    w.advance(59);
    let second = ends_nothing(&w, &url, &cookies).await;
    assert_eq!((second.status, second.headers), (303, first.headers));
    assert_eq!(w.wire.count("/token"), 1);
    // Nothing else that says so much does, from whatever browser.
    begins_anew(&w, &url, "").await;
    let other = url.replace(&param(&url, "code"), "another");
    begins_anew(&w, &other, &cookies).await;
    w.advance(1);
    begins_anew(&w, &url, &cookies).await;
}

#[tokio::test]
async fn cve_2025_12419_a_state_changed_in_any_place_is_refused() {
    let mut w = world(|gate| gate);
    let url = w.callback("alice", "/me").await;
    let (state, cookies) = (param(&url, "state"), w.cookies());
    for at in 0..state.len() {
        let other = if &state[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &state[..at], &state[at + 1..]);
        is_refused(&w, &url.replace(&state, &forged), &cookies).await;
        is_refused(&w, &url.replace(&state, &state[..at]), &cookies).await;
    }
    is_refused(&w, &url.replace(&state, &state.to_lowercase()), &cookies).await;
}

/// Also CVE-2025-67490, CVE-2026-40155 and CVE-2022-21673.
#[tokio::test]
async fn cve_2026_33544_logins_at_once_do_not_mix_users_up() {
    let mut w = world(|gate| gate);
    let mut all = vec![];
    for turn in 0..60 {
        let user = ["alice", "bob", "carol"][turn % 3];
        w.browser = w.another_browser();
        let url = w.callback(user, &format!("/{turn}")).await;
        all.push((turn, user, url, w.cookies()));
    }
    all.reverse();
    all.sort_by_key(|(turn, ..)| turn % 7);
    let mut running = tokio::task::JoinSet::new();
    for (turn, user, url, cookies) in all {
        let app = w.app.clone();
        running.spawn(async move {
            let request = http::Request::get(url.strip_prefix(APP).unwrap())
                .header("cookie", cookies)
                .body(axum::body::Body::empty());
            let answer = tower::ServiceExt::oneshot(app, request.unwrap())
                .await
                .unwrap();
            let lines = answer.headers().get_all("set-cookie").into_iter();
            let pairs =
                lines.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
            (
                turn,
                user,
                answer.headers()["location"].clone(),
                pairs.collect::<Vec<_>>().join("; "),
            )
        });
    }
    while let Some(done) = running.join_next().await {
        let (turn, user, location, cookies) = done.unwrap();
        assert_eq!(location, format!("/{turn}"));
        assert_eq!(w.who(&cookies).await, user);
    }
    assert_eq!(w.wire.count("/token"), 60);
}

/// To begin a stronger sign-in and end it as somebody else, or not at all, strengthens no session.
#[tokio::test]
async fn cve_2023_6787_a_stronger_sign_in_as_somebody_else_strengthens_nothing() {
    let strict =
        || world(|gate| gate.require(Pattern::prefix("/vault"), acr("phr").and(group("admins"))));
    let mut w = strict();
    w.sign_in("alice", "/me").await;
    let before = w.cookies();
    w.browser.get(&format!("{APP}/vault")).await;
    // Not ended: the level is what it was.
    assert_eq!(
        w.ask("GET", "/vault", &[("cookie", &*before)]).await.calls,
        0
    );
    let page = w.browser.sign_in_as("bob").await;
    assert_eq!(page.status, 403, "{page:?}");
    assert_eq!(w.who(&w.cookies()).await, "alice");
    assert_eq!(
        w.ask("GET", "/vault", &[("cookie", &*w.cookies())])
            .await
            .calls,
        0
    );
    assert_eq!(
        w.ask("GET", "/vault", &[("cookie", &*before)]).await.calls,
        0
    );
}

#[tokio::test]
async fn cve_2026_32246_a_level_is_looked_at_where_it_is_demanded() {
    let mut w = world(|gate| gate.require(Pattern::prefix("/vault"), acr("phr")));
    w.sign_in("alice", "/me").await;
    for path in ["/vault", "/vault/x?acr=phr", "/vault?acr_values=phr"] {
        let answer = w.ask("GET", path, &[("cookie", &*w.cookies())]).await;
        assert_eq!(answer.calls, 0, "{path}");
    }
    w.browser.get(&format!("{APP}/vault")).await;
    let page = w.browser.sign_in_as("alice").await;
    assert_eq!(page.body, "/vault alice");
}

#[tokio::test]
async fn a_wrong_state_costs_the_provider_nothing() {
    let mut w = world(|gate| gate);
    w.provider.fault(Fault::WrongState);
    let page = w.sign_in("alice", "/me").await;
    assert_eq!(page.status, 400);
    assert_eq!((w.wire.count("/token"), w.wire.count("/userinfo")), (0, 0));
}

#[tokio::test]
async fn cve_2023_1584_a_provider_without_tls_is_refused() {
    let build = |issuer: &str, base: &str| {
        Gate::builder()
            .issuer(issuer)
            .client("app", ClientAuth::none())
            .base_url(base)
            .cookie_keys(CookieKeys::ephemeral())
            .build()
            .is_ok()
    };
    assert!(build("https://id.example.com", "https://app.example.com"));
    assert!(!build("http://id.example.com", "https://app.example.com"));
    assert!(!build("https://id.example.com", "http://app.example.com"));
}

#[tokio::test]
async fn cve_2026_45631_there_is_no_secret_unless_one_is_given() {
    let without = Gate::builder()
        .issuer(ISSUER)
        .client("app", ClientAuth::none())
        .base_url(APP)
        .build();
    assert!(without.unwrap_err().to_string().contains("cookie_keys"));
    for weak in [
        "",
        "secret",
        "changeme",
        "c2hvcnQ=",
        "AAAAAAAAAAAAAAAAAAAAAA==",
    ] {
        assert!(CookieKeys::parse(weak).is_err(), "{weak}");
    }
}

// --- who somebody is -------------------------------------------------------------------------------------------------

fn mallory() -> oidc_gate_axum::core::identity::IdentityBuilder {
    Identity::builder(ISSUER, "mallory")
}

fn with_user(
    user: Identity,
    build: impl FnOnce(oidc_gate_axum::GateBuilder) -> oidc_gate_axum::GateBuilder,
) -> World {
    world_of(|provider| provider.user(user), |provider| provider, build)
}

/// Also CVE-2023-3128, CVE-2024-21632, CVE-2024-25618 and CVE-2025-24856.
#[tokio::test]
async fn cve_2026_49757_the_same_address_is_not_the_same_user() {
    let user = mallory()
        .email("alice@example.com")
        .preferred_username("alice")
        .name("Alice Adams");
    let mut w = with_user(user.build(), |gate| gate);
    w.sign_in("alice", "/me").await;
    let alices = w.cookies();
    w.sign_in("mallory", "/me").await;
    assert_eq!(w.who(&w.cookies()).await, "mallory");
    assert_ne!(w.who(&alices).await, "mallory");
    // Nor is the same subject of another issuer.
    let elsewhere = Identity::builder("https://evil.test", "alice").build();
    let here = Identity::builder(ISSUER, "alice").build();
    assert!(!here.is_same_user(&elsewhere));
}

#[tokio::test]
async fn cve_2025_49006_a_subject_keeps_its_case() {
    let mut w = with_user(Identity::builder(ISSUER, "Alice").build(), |gate| gate);
    let page = w.sign_in("Alice", "/me").await;
    assert_eq!(page.body, "/me Alice");
    let other = |subject: &str| Identity::builder(ISSUER, subject).build();
    assert!(!other("Alice").is_same_user(&other("alice")));
    assert!(!other("alice").is_same_user(&other("alice ")));
}

/// Also CVE-2022-35924.
#[tokio::test]
async fn cve_2026_40574_an_address_has_one_domain() {
    for address in [
        "attacker@evil.com@company.com",
        "attacker@evil.com,x@company.com",
        "attacker@evil.com x@company.com",
        "attacker@evil.com\n@company.com",
        "\"attacker@evil.com\"@company.com",
        "<attacker@evil.com>@company.com",
        "attacker@evil.com;@company.com",
        "@company.com",
        "attacker@evilcompany.com",
        "attacker@company.com.evil.com",
        "attacker@company.com ",
        "attacker@company.com\u{0}",
        "attacker@company\u{ff0e}com",
    ] {
        for domain in ["company.com", "*.company.com"] {
            let mut w = with_user(mallory().email(address).build(), |gate| {
                gate.require(Pattern::prefix("/staff"), email_domain(domain))
                    .require(Pattern::prefix("/boss"), email_in(["x@company.com"]))
            });
            w.sign_in("mallory", "/me").await;
            for path in ["/staff", "/boss"] {
                let answer = w.ask("GET", path, &[("cookie", &*w.cookies())]).await;
                assert_eq!(answer.calls, 0, "{address:?} {domain} {path}");
            }
        }
    }
    for (user, calls) in [
        (mallory().email("a@company.com"), 1),
        (mallory().unverified_email("a@company.com"), 0),
    ] {
        let mut w = with_user(user.build(), |gate| {
            gate.require(Pattern::prefix("/staff"), email_domain("company.com"))
        });
        w.sign_in("mallory", "/me").await;
        let answer = w.ask("GET", "/staff", &[("cookie", &*w.cookies())]).await;
        assert_eq!(answer.calls, calls);
    }
}

#[tokio::test]
async fn cve_2021_21411_a_demanded_group_is_one_of_the_users_own() {
    let mut w = world(|gate| {
        gate.admit(group("staff"))
            .require(Pattern::prefix("/admin"), group("admins"))
    });
    for (user, me, admin) in [("alice", 200, 200), ("bob", 200, 403), ("carol", 403, 403)] {
        w.browser = w.another_browser();
        w.sign_in(user, "/").await;
        let cookies = w.cookies();
        for (path, status) in [("/me", me), ("/admin", admin)] {
            let answer = w.ask("GET", path, &[("cookie", &*cookies)]).await;
            let expected = if cookies.is_empty() { 401 } else { status };
            assert_eq!(answer.calls, usize::from(status == 200), "{user} {path}");
            assert!([expected, 401].contains(&answer.status), "{user} {path}");
        }
    }
}

#[tokio::test]
async fn cve_2026_19278_a_claim_is_compared_as_a_whole() {
    for value in [
        json!("research-lab"),
        json!("xresearch"),
        json!("Research"),
        json!("research\n"),
        json!(["lab"]),
        json!({"research": true}),
    ] {
        let user = mallory()
            .claim("department", value.clone())
            .group("admins-of-nothing")
            .build();
        let mut w = with_user(user, |gate| {
            gate.require(Pattern::prefix("/lab"), claim("department", "research"))
                .require(Pattern::prefix("/admin"), group("admins"))
        });
        w.sign_in("mallory", "/me").await;
        for path in ["/lab", "/admin"] {
            let answer = w.ask("GET", path, &[("cookie", &*w.cookies())]).await;
            assert_eq!((answer.status, answer.calls), (403, 0), "{value} {path}");
        }
    }
}

#[tokio::test]
async fn userinfo_of_somebody_else_ends_the_login() {
    for fault in [Fault::WrongUserinfoSubject, Fault::MissingUserinfoSubject] {
        let always =
            |provider: Provider| provider.claims_from(oidc_gate_axum::ClaimsSource::UserinfoAlways);
        let mut w = world_of(|provider| provider, always, |gate| gate);
        w.provider.fault(fault);
        let page = w.sign_in("alice", "/me").await;
        assert_eq!(page.status, 502, "{fault:?}: {page:?}");
        assert_eq!(w.session(), None, "{fault:?}");
    }
}

/// What a provider says in the place of a list, a number or a text.
#[tokio::test]
async fn no_shape_of_a_claim_is_a_panic() {
    let shapes = [
        json!(null),
        json!(1),
        json!(-1e300),
        json!(true),
        json!("x"),
        json!([]),
        json!([1, null, {}]),
        json!({"a": []}),
    ];
    for shape in shapes {
        let claims = [
            "groups",
            "roles",
            "email_verified",
            "realm_access",
            "amr",
            "acr",
            "auth_time",
            "name",
        ];
        let user = claims
            .iter()
            .fold(mallory(), |user, name| user.claim(*name, shape.clone()));
        let mut w = with_user(user.build(), |gate| {
            gate.groups_at(["realm_access", "roles"])
        });
        let page = w.sign_in("mallory", "/me").await;
        assert!(
            page.body == "/me mallory" || page.status == 502,
            "{shape}: {page:?}"
        );
    }
}
