//! What a login asks the provider for, from the configuration, from a handler and from a link; and what the provider's
//! errors come to.

use crate::{
    login::assert_refused,
    world::{APP, Answer, ISSUER, World, world, world_where, world_with},
};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{GateBuilder, LogIn, Pattern, Principal, Prompt, Provider, core::form::Form};
use serde_json::{Value, json};
use std::time::Duration;
use tracing::Level;

/// The application's own ways to begin a login.
pub(crate) async fn handler(request: &Request<Full<Bytes>>) -> Option<LogIn> {
    let to = LogIn::to("/account?tab=1");
    // Some of these applications live under a path.
    let path = request.uri().path();
    let (base, path) = match path.strip_prefix("/tools") {
        Some(below) => ("/tools", below),
        None => ("", path),
    };
    Some(match path {
        "/go/hint" => {
            let body = request.body().clone().collect().await.unwrap().to_bytes();
            to.login_hint(Form::parse(&body).unwrap().take("email").unwrap())
        }
        "/go/all" => to
            .prompt(Prompt::Login)
            .prompt(Prompt::Consent)
            .prompt(Prompt::Login)
            .acr(["phr"])
            .max_age(Duration::ZERO)
            .ui_locales(["de-CH", "no such language"])
            .param("hd", "example.com"),
        "/go/wide" => to
            .scope("calendar")
            .scope("email")
            .resource(["https://calendar.test/"])
            .request_claims(json!({"id_token": {"auth_time": {"essential": true}, "acr": {"essential": true, "value": "phr"}}})),
        "/go/no-scope" => to.scope("two words"),
        "/go/no-resource" => to.resource(["https://calendar.test/#x"]),
        "/go/empty-resource" => to.resource([""; 0]),
        // With a long way back, more than a cookie holds; without one, enough.
        "/go/heavy" => LogIn::to(format!("/{}", "a".repeat(1900))).resource(heavy(10)),
        "/go/too-heavy" => to.resource(heavy(40)),
        "/go/no-claims" => to.request_claims(json!(["email"])),
        "/go/silently" | "/admin/silently" => LogIn::silently("/account", "/landing?x=1"),
        "/go/far" => LogIn::silently(
            format!("{base}/{}", "a".repeat(2000)),
            format!("{base}/go/{}", "b".repeat(2000)),
        ),
        "/go/round" if request.extensions().get::<Principal>().is_none() => LogIn::to("/go/round"),
        "/go/elsewhere" => LogIn::to("https://evil.test/"),
        "/go/home" => LogIn::to("https://app.test/account?x=2"),
        "/go/reserved" => to.param("redirect_uri", "https://evil.test/"),
        "/go/twice" => to.param("hd", "a").param("hd", "b"),
        "/go/silent-prompt" => LogIn::silently("/a", "/b").prompt(Prompt::Login),
        "/go/class" => to.acr(["a b"]),
        "/go/no-class" => to.acr([""; 0]),
        "/go/quoted-class" => to.acr(["phr", "a\"b"]),
        "/go/fresh" => to.max_age(Duration::ZERO),
        "/go/strong" => to.acr(["phr"]),
        _ => return None,
    })
}

/// So many resources of 100 bytes each.
fn heavy(many: usize) -> Vec<String> {
    let names = (10..).map(|n| format!("https://{}.example/{n}", "r".repeat(81)));
    names.take(many).collect()
}

fn with_handlers(gate: GateBuilder) -> GateBuilder {
    gate.open(Pattern::prefix("/go"))
        .open(Pattern::path("/landing"))
}

fn shaped(shape: impl FnOnce(Provider) -> Provider) -> World {
    world_where(shape, with_handlers)
}

/// What a login asks for beside what every one has to.
fn asked(location: &str) -> Vec<String> {
    let query = location
        .strip_prefix("https://id.test/authorize?")
        .unwrap_or_else(|| panic!("no way to the provider: {location}"));
    let (_, rest) = query.split_once("&code_challenge_method=S256").unwrap();
    rest.split('&')
        .filter(|pair| !pair.is_empty())
        .map(str::to_owned)
        .collect()
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location")
}

#[tokio::test]
async fn what_is_configured_is_asked_for_at_every_login_and_again_at_the_token_endpoint() {
    let mut w = shaped(|provider| {
        provider
            .prompt([Prompt::SelectAccount])
            .ui_locales(["de-CH", "de"])
            .acr_values(["mfa"])
            .max_age(Duration::from_secs(600))
            .resource(["https://api.test/a", "urn:b"])
            .authorize_param("domain_hint", "example.com")
    });
    let answer = w.navigate("/me").await;
    assert_eq!(
        asked(location(&answer)),
        [
            "acr_values=mfa",
            "max_age=600",
            "prompt=select_account",
            "ui_locales=de-CH+de",
            "resource=https%3A%2F%2Fapi.test%2Fa",
            "resource=urn%3Ab",
            "domain_hint=example.com",
        ]
    );
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    let sent = w.wire.sent();
    let token = sent.iter().find(|sent| sent.path == "/token").unwrap();
    assert!(
        token
            .body
            .contains("&resource=https%3A%2F%2Fapi.test%2Fa&resource=urn%3Ab"),
        "{}",
        token.body
    );
}

#[tokio::test]
async fn claims_are_asked_for_and_an_essential_level_is_enforced() {
    let claims = json!({"id_token": {"acr": {"essential": true, "values": ["phr"]}}});
    let mut w = shaped(|provider| provider.request_claims(claims.clone()));
    let page = w.browser.get(&format!("{APP}/me")).await;
    let query = page.url.split_once('?').unwrap().1;
    let form = Form::parse(query.as_bytes()).unwrap();
    let sent: Value = serde_json::from_str(form.get("claims").unwrap()).unwrap();
    assert_eq!(sent, claims);
    let page = w.browser.sign_in_as("alice").await;
    assert!(page.body.contains(" acr phr"), "{page:?}");

    // The user takes the demand out of the address.
    let mut w = shaped(|provider| provider.request_claims(claims));
    let page = w.browser.get(&format!("{APP}/me")).await;
    let (before, after) = page.url.split_once("&claims=").unwrap();
    let after = after.split_once('&').map_or("", |(_, after)| after);
    w.browser.get(&format!("{before}&{after}")).await;
    let page = w.browser.sign_in_as("alice").await;
    assert_refused(&w, &page.history[0].0, &page, "id_token.acr", 403);
    assert_eq!(w.session_cookie(), None);
}

#[tokio::test]
async fn a_provider_that_does_not_read_claims_is_told_of_before_the_browser_leaves() {
    let mut w = shaped(|provider| provider.request_claims(json!({"userinfo": {"email": null}})));
    w.wire.tamper(|path, answer| {
        if path == crate::wire::DISCOVERY {
            let body = String::from_utf8(answer.body().clone()).unwrap();
            *answer.body_mut() = body
                .replace("\"claims_parameter_supported\":true", "\"x\":1")
                .into_bytes();
        }
    });
    let page = w.browser.get(&format!("{APP}/me")).await;
    assert_refused(&w, "", &page, "provider.claims_unsupported", 503);
    assert_eq!(w.login_cookies(), []);
    let not_ready = w.gate.ready().await.unwrap_err();
    assert_eq!(not_ready.check().id(), "provider.claims_unsupported");
}

#[tokio::test]
async fn a_handler_begins_a_login_and_shapes_it() {
    let w = world_with(with_handlers);
    let answer = w.navigate("/go/all").await;
    assert_eq!(
        asked(location(&answer)),
        [
            "acr_values=phr",
            "max_age=0",
            "prompt=login+consent",
            "ui_locales=de-CH",
            "hd=example.com",
        ]
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.set_cookies().len(), 1);
}

#[tokio::test]
async fn a_form_with_an_address_leads_to_the_provider_with_it() {
    let mut w = world_with(with_handlers);
    w.browser.get(&format!("{APP}/")).await;
    // The hint is a user's address: the development provider asks nothing then.
    let page = w
        .browser
        .post_form("/go/hint", &[("email", "alice@example.com")])
        .await;
    let way = &page.history[0].0;
    assert_eq!(way, "https://app.test/go/hint");
    assert!(page.body.starts_with("/account?tab=1 alice "), "{page:?}");
    assert!(
        !w.log.text().contains("alice@example.com"),
        "{}",
        w.log.text()
    );
}

#[tokio::test]
async fn a_login_of_a_handler_leads_into_the_application_only() {
    let mut w = world_with(with_handlers);
    for (path, end) in [
        ("/go/elsewhere", "https://app.test/"),
        ("/go/home", "https://app.test/account?x=2"),
    ] {
        w.browser.get(&format!("{APP}{path}")).await;
        assert_eq!(w.browser.sign_in_as("alice").await.url, end);
    }
}

#[tokio::test]
async fn what_a_handler_demands_is_enforced_on_the_way_back() {
    for (path, param, check) in [
        ("/go/strong", "&acr_values=phr", "id_token.acr"),
        ("/go/fresh", "&max_age=0", "id_token.auth_time"),
    ] {
        let mut w = world_with(with_handlers);
        w.sign_in("alice", "/me").await;
        let session = w.session_cookie();
        w.advance(3600);
        let page = w.browser.get(&format!("{APP}{path}")).await;
        w.log.clear();
        // The user takes the demand out of the address, and the provider lets the session count that it has.
        w.browser.get(&page.url.replace(param, "")).await;
        let page = w.browser.submit_form(0, &[]).await;
        assert_refused(&w, &page.history[0].0, &page, check, 403);
        assert!(w.session_cookie() == session, "{path}");
    }
}

#[tokio::test]
async fn who_takes_time_after_a_fresh_sign_in_is_not_too_late_by_it() {
    let mut w = world_with(with_handlers);
    w.browser.get(&format!("{APP}/go/fresh")).await;
    let url = w.stop_at_the_callback("alice").await;
    // Reading what there is to agree to; the code is fresh.
    w.clock.advance(Duration::from_secs(300));
    let answer = w.deliver(&url).await;
    assert_eq!(
        (answer.status, w.log.text().contains("id_token.auth_time")),
        (303, false)
    );
}

#[tokio::test]
async fn a_login_that_cannot_be_is_the_programmers_mistake_and_the_log_says_which() {
    let w = world_with(with_handlers);
    for (path, cause) in [
        (
            "/go/reserved",
            "the parameter \"redirect_uri\" is not free; it is made from `base_url`",
        ),
        (
            "/go/twice",
            "the parameter \"hd\" is given twice; a request names each parameter once",
        ),
        (
            "/go/silent-prompt",
            "a login that asks nothing has a `prompt`; use `LogIn::to` to ask",
        ),
        (
            "/go/class",
            "`acr` names no class, or one that is not visible ASCII without spaces and quotes",
        ),
        (
            "/go/no-scope",
            "`scope` names no scope; give each as a text of its own",
        ),
        (
            "/go/no-resource",
            "`resource` names no absolute URI without a fragment",
        ),
        (
            "/go/empty-resource",
            "`resource` names no absolute URI without a fragment",
        ),
        (
            "/go/no-claims",
            "`request_claims` is no object; write {\"id_token\": {…}, \"userinfo\": {…}}",
        ),
        (
            "/go/no-class",
            "`acr` names no class, or one that is not visible ASCII without spaces and quotes",
        ),
        (
            "/go/quoted-class",
            "`acr` names no class, or one that is not visible ASCII without spaces and quotes",
        ),
    ] {
        w.log.clear();
        let answer = w.navigate(path).await;
        assert_eq!(
            (answer.status, answer.set_cookies().len()),
            (500, 0),
            "{path}"
        );
        assert_eq!(
            answer.body,
            "a login was asked for that cannot be: the log says why"
        );
        let entries = w.log.entries();
        let event = entries.iter().find(|e| !e.get("check").is_empty()).unwrap();
        assert_eq!(
            (event.level, event.get("check"), event.get("cause")),
            (Level::ERROR, "request.log_in_misshapen", cause)
        );
    }
}

#[tokio::test]
async fn no_login_begins_where_nobody_can_follow_it() {
    let w = world_with(|gate| {
        with_handlers(gate)
            .bypass(Pattern::path("/go/hint"))
            .bypass(Pattern::path("/go/fresh"))
            .json(Pattern::path("/go/strong"))
    });
    let ahead = [
        crate::world::NAVIGATION,
        &[("sec-purpose", "prefetch;prerender")],
    ]
    .concat();
    let answer = w.request("GET", "/go/all", &ahead).await;
    assert_eq!(
        (answer.status, answer.set_cookies().len(), &*answer.body),
        (401, 0, "")
    );
    assert_eq!(answer.header("www-authenticate"), "Session");
    for (dest, kind) in [
        ("empty", "application/json"),
        ("iframe", "text/html; charset=utf-8"),
        ("worker", ""),
    ] {
        let script = [("sec-fetch-mode", "cors"), ("sec-fetch-dest", dest)];
        let answer = w.request("GET", "/go/all", &script).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (401, kind),
            "{dest}"
        );
        assert_eq!(answer.set_cookies().len(), 0, "{dest}");
    }
    let answer = w.navigate("/go/strong").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (401, "application/json")
    );

    w.log.clear();
    let answer = w.navigate("/go/fresh").await;
    assert_eq!((answer.status, answer.set_cookies().len()), (500, 0));
    assert_eq!(
        answer.body,
        "this path is under a `bypass` rule, so the gate starts no login here: use an `open` rule"
    );
    assert_eq!(w.log.checks(), ["request.bypassed"]);
    assert_eq!(w.wire.counts(), (0, 0, 0));
}

#[tokio::test]
async fn who_is_signed_in_at_the_provider_is_signed_in_silently() {
    let mut w = world_with(with_handlers);
    w.sign_in("alice", "/me").await;
    let session = w.session_cookie().unwrap();
    w.plant(&session.name, "");
    let page = w.browser.get(&format!("{APP}/go/silently")).await;
    assert!(page.body.starts_with("/account alice "), "{page:?}");
}

#[tokio::test]
async fn who_is_not_goes_on_without_a_login_and_keeps_the_session() {
    let mut w = world_with(with_handlers);
    let page = w.browser.get(&format!("{APP}/go/silently")).await;
    assert!(page.body.starts_with("/landing?x=1 nobody"), "{page:?}");
    assert_eq!((page.status.as_u16(), w.cookies()), (200, vec![]));
    assert_eq!(w.log.failed_logins().len(), 0);
    let entries = w.log.entries();
    let event = entries.iter().find(|e| !e.get("cause").is_empty()).unwrap();
    assert_eq!(
        (event.level, event.get("check"), event.get("cause")),
        (
            Level::INFO,
            "callback.login_required",
            "the provider answered error \"login_required\""
        )
    );

    w.sign_in("alice", "/me").await;
    let session = w.session_cookie();
    w.advance(13 * 3600);
    let page = w.browser.get(&format!("{APP}/go/silently")).await;
    assert!(page.body.starts_with("/landing?x=1 alice "), "{page:?}");
    assert!(w.session_cookie() == session);
}

#[tokio::test]
async fn two_long_places_of_one_login_fit_into_its_cookie() {
    let mut w = world_with(with_handlers);
    for cookie in w.navigate("/go/far").await.set_cookies() {
        assert!(cookie.len() <= 4096, "{} bytes", cookie.len());
    }
    let page = w.browser.get(&format!("{APP}/go/far")).await;
    assert!(page.url.starts_with("https://app.test/go/bbb"), "{page:?}");
    // Signed in, the user is led to the first page: what is too long is dropped rather than cut.
    w.sign_in("alice", "/me").await;
    let page = w.browser.get(&format!("{APP}/go/far")).await;
    assert_eq!(page.url, format!("{APP}/"), "{page:?}");
}

#[tokio::test]
async fn what_a_login_asks_for_is_worth_more_than_where_it_leads_and_has_to_fit_into_its_cookie() {
    let mut w = world_with(with_handlers);
    let answer = w.navigate("/go/heavy").await;
    assert_eq!(answer.set_cookies().len(), 1);
    for cookie in answer.set_cookies() {
        assert!(cookie.len() <= 4096, "{} bytes", cookie.len());
    }
    w.browser.get(&format!("{APP}/go/heavy")).await;
    let page = w.browser.sign_in_as("alice").await;
    assert_eq!(page.url, format!("{APP}/"));
    assert_eq!(w.log.failed_logins().len(), 0);
    let sent = w.wire.sent();
    let token = sent.iter().find(|sent| sent.path == "/token").unwrap();
    assert_eq!(token.body.matches("&resource=").count(), 10);

    let mut w = world_with(with_handlers);
    let page = w.browser.get(&format!("{APP}/go/too-heavy")).await;
    assert_refused(&w, "", &page, "login.too_large", 500);
    assert_eq!(w.cookies(), []);
}

#[tokio::test]
async fn a_login_can_ask_for_more_than_every_login() {
    let mut w = shaped(|provider| provider.resource(["https://always.test/"]));
    w.browser.get(&format!("{APP}/go/wide")).await;
    w.browser.sign_in_as("alice").await;
    let answer = w.navigate("/go/wide").await;
    let location = answer.header("location").to_owned();
    let query = location.split_once('?').unwrap().1;
    assert!(
        query.contains("scope=openid+profile+email+calendar&"),
        "{query}"
    );
    assert!(
        query.contains("&resource=https%3A%2F%2Fcalendar.test%2F"),
        "{query}"
    );
    assert!(!query.contains("always.test"), "{query}");
    assert!(query.contains("&claims=%7B"), "{query}");
    let sent = w.wire.sent();
    let token = sent.iter().find(|sent| sent.path == "/token").unwrap();
    assert!(
        token
            .body
            .contains("&resource=https%3A%2F%2Fcalendar.test%2F")
    );
    assert!(!token.body.contains("always.test"));
}

#[tokio::test]
async fn nobody_waits_for_a_provider_that_is_down_to_be_signed_in_silently() {
    let mut w = world_with(with_handlers);
    w.fault(oidc_gate_tower::dev::Fault::Unreachable);
    let page = w.browser.get(&format!("{APP}/go/silently")).await;
    assert!(page.body.starts_with("/landing?x=1 nobody"), "{page:?}");
    assert_eq!(w.log.checks(), ["provider.unreachable"]);
}

#[tokio::test]
async fn a_link_to_start_asks_for_what_is_harmless_and_what_is_allowed() {
    let w = shaped(|provider| {
        provider
            .start_param("kc_idp_hint")
            .authorize_param("kc_idp_hint", "corp")
    });
    let long = "x".repeat(600);
    for (query, expected) in [
        ("", "kc_idp_hint=corp"),
        ("prompt=login", "prompt=login kc_idp_hint=corp"),
        (
            "prompt=select_account",
            "prompt=select_account kc_idp_hint=corp",
        ),
        ("prompt=create", "prompt=create kc_idp_hint=corp"),
        ("prompt=none", "kc_idp_hint=corp"),
        ("prompt=login+none", "kc_idp_hint=corp"),
        (
            "login_hint=a%40b.example",
            "login_hint=a%40b.example kc_idp_hint=corp",
        ),
        (&*format!("login_hint={long}"), "kc_idp_hint=corp"),
        ("login_hint=a%0Ab", "kc_idp_hint=corp"),
        (
            "ui_locales=de-CH+%3Cx%3E",
            "ui_locales=de-CH kc_idp_hint=corp",
        ),
        ("kc_idp_hint=github", "kc_idp_hint=github"),
        (&*format!("kc_idp_hint={long}"), "kc_idp_hint=corp"),
        (
            "scope=admin&redirect_uri=x&acr_values=x&max_age=1&hd=x&claims=x&request_uri=x",
            "kc_idp_hint=corp",
        ),
    ] {
        let answer = w.navigate(&format!("/oauth2/start?{query}")).await;
        assert_eq!(asked(location(&answer)).join(" "), expected, "{query}");
        let form = location(&answer).split_once('?').unwrap().1;
        let form = Form::parse(form.as_bytes()).unwrap();
        assert_eq!(form.get("scope"), Some("openid profile email"));
    }
}

#[tokio::test]
async fn whoever_initiates_a_login_means_this_provider_and_this_application() {
    let issuer = "iss=https%3A%2F%2Fid.test";
    for (query, check, end) in [
        (
            &*format!("{issuer}&target_link_uri=https%3A%2F%2Fapp.test%2Fme%3Fx%3D1"),
            None,
            "/me?x=1",
        ),
        (&*format!("{issuer}&target_link_uri=%2Fme"), None, "/me"),
        (issuer, None, "/"),
        (
            &*format!("{issuer}&target_link_uri=https%3A%2F%2Fevil.test%2Fme"),
            None,
            "/",
        ),
        (
            &*format!("{issuer}&target_link_uri=https%3A%2F%2Fapp.test.evil.test%2F"),
            None,
            "/",
        ),
        (
            &*format!("{issuer}&target_link_uri=https%3A%2F%2Fapp.test%40evil.test%2F"),
            None,
            "/",
        ),
        (
            &*format!("{issuer}&target_link_uri=http%3A%2F%2Fapp.test%2Fme"),
            None,
            "/",
        ),
        (
            &*format!("{issuer}&target_link_uri=javascript%3Aalert(1)"),
            None,
            "/",
        ),
        (
            "iss=https%3A%2F%2Fid.test%2F",
            Some("request.initiator_issuer"),
            "",
        ),
        (
            "iss=https%3A%2F%2FID.test",
            Some("request.initiator_issuer"),
            "",
        ),
        (
            "iss=https%3A%2F%2Fevil.test",
            Some("request.initiator_issuer"),
            "",
        ),
        ("iss=", Some("request.initiator_issuer"), ""),
    ] {
        for method in ["GET", "POST"] {
            let mut w = world();
            let start = format!("{APP}/oauth2/start");
            let page = match method {
                "GET" => w.browser.get(&format!("{start}?{query}")).await,
                _ => {
                    let form = Form::parse(query.as_bytes()).unwrap();
                    let fields: Vec<_> = form.names().map(|n| (n, form.get(n).unwrap())).collect();
                    w.browser.get(&format!("{ISSUER}/")).await;
                    w.browser.post_form(&start, &fields).await
                }
            };
            if let Some(check) = check {
                assert_eq!(page.status.as_u16(), 400, "{method} {query}");
                assert!(
                    page.body.contains("This link does not work here")
                        && !page.body.contains("evil")
                );
                assert_eq!(
                    (w.log.checks(), w.login_cookies()),
                    (vec![check.to_owned()], vec![])
                );
                continue;
            }
            let page = w.browser.sign_in_as("alice").await;
            assert_eq!(page.url, format!("{APP}{end}"), "{method} {query}");
        }
    }
}

/// The rows of the table in core, which has the checks. Here are the pages.
fn errors() -> Vec<[String; 4]> {
    let table = include_str!("../../../oidc-gate-core/testdata/callback_errors.toml");
    let rows = table.split("[[case]]").skip(1);
    rows.map(|row| {
        ["error", "check", "status", "title"].map(|name| {
            let value = row
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{name} = ")));
            value.unwrap().trim_matches('"').to_owned()
        })
    })
    .collect()
}

#[tokio::test]
async fn every_error_of_the_provider_ends_on_its_page_and_changes_no_session() {
    assert!(errors().len() > 20);
    for [error, check, status, title] in errors() {
        let mut w = world();
        w.sign_in("alice", "/me").await;
        let session = w.session_cookie();
        let url = w.callback("alice", "/me").await;
        let state = Form::parse(url.split_once('?').unwrap().1.as_bytes())
            .unwrap()
            .take("state")
            .unwrap();
        let url = format!(
            "{APP}/oauth2/callback?state={state}&error={error}&error_description=call+0900&iss=https%3A%2F%2Fid.test"
        );
        w.log.clear();
        let page = w.browser.get(&url).await;
        assert!(
            w.log.text().contains("description \"call 0900\""),
            "{}",
            w.log.text()
        );
        assert_refused(&w, &url, &page, &check, status.parse().unwrap());
        assert!(
            page.body.contains(&format!("<h1>{title}</h1>")),
            "{error}: {page:?}"
        );
        assert!(!page.body.contains("0900"), "{page:?}");
        assert!(w.session_cookie() == session, "{error}");
        assert_eq!(w.wire.count("/token"), 1);
        assert!(!page.headers.contains_key(header::SET_COOKIE) || w.login_cookies().is_empty());
    }
}
