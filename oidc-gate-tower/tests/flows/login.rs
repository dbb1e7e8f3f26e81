//! A login as a whole: its success, and every way in which it must not succeed.

use crate::world::{APP, ISSUER, START, World, world, world_of, world_with};
use http::StatusCode;
use oidc_gate_tower::{
    core::{form::Form, identity::Identity, time::UnixTime},
    dev::Fault,
    testing::{Page, SameSite},
};
use std::time::Duration;

#[tokio::test]
async fn a_login_leads_to_the_page_that_was_asked_for() {
    let mut w = world();
    let page = w.sign_in("alice", "/me?tab=1&q=a%20b").await;
    assert_eq!(
        page.body,
        "/me?tab=1&q=a%20b alice Alice Adams <alice@example.com> in admins+staff acr -; cookies: none"
    );
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(w.wire.counts(), (1, 1, 1));
    assert_eq!(w.log.failed_logins().len(), 0);
    assert_eq!(w.sign_in_count(), 1);
}

#[tokio::test]
async fn the_session_cookie_is_bound_to_this_host_and_hidden_from_scripts() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    assert_eq!(w.login_cookies(), []);
    let cookie = w.session_cookie().unwrap();
    assert!(cookie.name.starts_with("__Host-gate-"));
    assert!(cookie.secure && cookie.http_only && cookie.host_only);
    assert_eq!((&*cookie.path, cookie.same_site), ("/", SameSite::Lax));
    let week = Duration::from_secs(7 * 24 * 3600);
    assert_eq!(cookie.expires, Some(UnixTime::from_secs(START) + week));
}

#[tokio::test]
async fn the_answer_to_a_callback_is_stored_nowhere_and_sends_no_referrer() {
    let mut w = world();
    let url = w.callback("alice", "/me?tab=1").await;
    let login = w.login_cookies().remove(0);
    let answer = w.deliver(&url).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/me?tab=1")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let [session, tokens, landed, removal] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(tokens.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"));
    assert!(session.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"));
    assert!(landed.ends_with("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"));
    assert_eq!(
        removal,
        format!(
            "{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure",
            login.name
        )
    );
    // Errors too.
    let answer = w.deliver("/oauth2/callback?state=x&code=y").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn a_provider_that_goes_away_before_the_callback_ends_the_login() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    w.fault(Fault::Unreachable);
    let page = w.browser.get(&url).await;
    assert_refused(&w, &url, &page, "provider.unreachable", 503);
    assert_eq!(w.cookies(), []);
}

#[tokio::test]
async fn after_a_fault_the_page_leads_to_a_login_that_works() {
    let mut w = world();
    w.fault(Fault::WrongNonce);
    w.sign_in("alice", "/me").await;
    w.provider.clear_faults();
    w.browser.follow("/oauth2/start?rd=%2Fme").await;
    let page = w.browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn a_refused_client_is_named_in_the_log_with_what_to_check() {
    let mut w = world();
    w.fault(Fault::InvalidClient);
    w.sign_in("alice", "/me").await;
    let event = w.log.failed_login();
    assert_eq!(event.level, tracing::Level::ERROR);
    assert_eq!(event.get("check"), "token.invalid_client");
    assert_eq!(
        event.get("cause"),
        "the token endpoint answered 401: error \"invalid_client\", description \"the client is unknown, or its authentication \
         failed\""
    );
    assert_eq!(
        event.get("remedy"),
        "The provider refused the client: check client id, client secret and authentication method against its \
         registration."
    );
}

/// The page says nothing but a reference, and the log says everything under that reference.
pub(crate) fn assert_refused(w: &World, url: &str, page: &Page, check: &str, status: u16) {
    let event = w.log.failed_login();
    assert_eq!(event.get("check"), check);
    assert_eq!(page.status.as_u16(), status, "{check}");
    assert_eq!(
        page.headers.contains_key("retry-after"),
        status == 503,
        "{check}"
    );
    for field in ["cause", "remedy", "reference"] {
        assert!(!event.get(field).is_empty(), "{check}: no {field}");
    }
    let reference = format!("<code>{}</code>", event.get("reference"));
    assert!(page.body.contains(&reference), "{check}: {page:?}");
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let outside = query
        .split('&')
        .filter_map(|pair| pair.split_once('=')?.1.into());
    let told: Vec<&str> = outside
        .chain([
            event.get("cause"),
            event.get("check"),
            event.get("remedy"),
            "wrong-issuer",
        ])
        .filter(|text: &&str| text.len() > 3)
        .collect();
    for text in told {
        assert!(
            !page.body.contains(text),
            "{check}: the page shows {text:?}"
        );
    }
}

#[tokio::test]
async fn each_odd_callback_is_refused_by_its_own_check() {
    let long = format!("state=s&code={}", "x".repeat(9000));
    for (query, check, status) in [
        ("", "callback.state_missing", 400),
        ("code=x", "callback.state_missing", 400),
        ("state=&code=x", "callback.state_missing", 400),
        (&*long, "callback.malformed", 400),
        ("state={state}&code=%zz", "callback.malformed", 400),
        ("state={state}&code=%ff", "callback.malformed", 400),
        (
            "state={state}&code=x&code=y&{iss}",
            "callback.duplicate_parameter",
            400,
        ),
        ("state={state}x&code=x&{iss}", "callback.state_unknown", 400),
        ("state={state}&code=x", "callback.issuer_missing", 400),
        (
            "state={state}&code=x&iss=https%3A%2F%2Fevil.test",
            "callback.issuer_mismatch",
            400,
        ),
        (
            "state={state}&error=access_denied&iss=https%3A%2F%2Fevil.test",
            "callback.issuer_mismatch",
            400,
        ),
        ("state={state}&{iss}", "callback.mixed", 400),
        (
            "state={state}&code=x&error=access_denied&{iss}",
            "callback.mixed",
            400,
        ),
        (
            "state={state}&code=x&access_token=tttt&{iss}",
            "callback.mixed",
            400,
        ),
        (
            "state={state}&error=access_denied&{iss}",
            "callback.access_denied",
            403,
        ),
        (
            "state={state}&error=login_required&{iss}",
            "callback.login_required",
            403,
        ),
        (
            "state={state}&error=unmet_authentication_requirements&{iss}",
            "id_token.acr",
            403,
        ),
        (
            "state={state}&error=server_error&{iss}",
            "callback.provider_busy",
            503,
        ),
        (
            "state={state}&error=%3Cscript%3Eevil&error_description=call+0900&error_uri=https%3A%2F%2Fevil.test&{iss}",
            "callback.error",
            502,
        ),
        (
            "state={state}&code=made-up&{iss}",
            "token.invalid_grant",
            400,
        ),
    ] {
        let mut w = world();
        let url = w.callback("alice", "/me").await;
        let state = param(&url, "state");
        let query = query
            .replace("{state}", &state)
            .replace("{iss}", "iss=https%3A%2F%2Fid.test");
        let url = format!("{APP}/oauth2/callback?{query}");
        let page = w.browser.get(&url).await;
        assert_refused(&w, &url, &page, check, status);
        assert!(
            !page.body.contains("evil") && !page.body.contains("0900"),
            "{page:?}"
        );
        assert_eq!(w.session_cookie(), None, "{query}");
        assert_eq!(
            w.wire.count("/token"),
            usize::from(query.contains("made-up")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_user_who_cancels_is_told_so() {
    let mut w = world();
    w.browser.get(&format!("{APP}/me")).await;
    let page = w.browser.submit_form(0, &[("cancel", "1")]).await;
    assert_eq!(page.status, 403, "{page:?}");
    let event = w.log.failed_login();
    assert_eq!(
        (event.get("check"), event.level),
        ("callback.access_denied", tracing::Level::WARN)
    );
    assert!(page.body.contains("You were not signed in"));
}

#[tokio::test]
async fn a_callback_that_comes_again_leads_to_the_page_and_sends_no_second_code() {
    let mut w = world();
    let url = w.callback("alice", "/me?tab=1").await;
    let login = w.login_cookies().remove(0);
    w.browser.get(&url).await;
    let session = w.session_cookie();

    // The cookie is gone: the back button.
    let page = w.browser.get(&url).await;
    assert!(page.body.starts_with("/me?tab=1 alice "), "{page:?}");
    // The cookie was put back: an old copy of the browser's profile.
    w.advance(60);
    w.plant(&login.name, &login.value);
    let page = w.browser.get(&url).await;
    assert!(page.body.starts_with("/me?tab=1 alice "), "{page:?}");
    assert_eq!(w.wire.count("/token"), 1);
    assert_eq!(w.session_cookie(), session);
    assert_eq!(w.login_cookies(), []);
    assert_eq!(w.log.failed_logins().len(), 0);
    assert_eq!(
        w.log.checks(),
        ["callback.state_unknown", "callback.state_replayed"]
    );
}

#[tokio::test]
async fn a_replayed_callback_signs_nobody_in_and_begins_a_login_anew() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let login = w.login_cookies().remove(0);
    w.browser.get(&url).await;

    // What a second submit is answered is given to nobody without the login's cookie, and for a minute.
    for (kept, secs, check) in [
        (false, 0, "callback.state_unknown"),
        (true, 60, "callback.state_replayed"),
    ] {
        w.advance(secs);
        w.browser = w.another_browser();
        if kept {
            w.plant(&login.name, &login.value);
        }
        let page = w.browser.get(&url).await;
        assert!(
            page.url.starts_with("https://id.test/authorize?"),
            "{page:?}"
        );
        assert_eq!(w.log.checks().last().unwrap(), check);
        assert_eq!(w.wire.count("/token"), 1);
        assert_eq!((w.session_cookie(), w.login_cookies().len()), (None, 1));
    }
}

#[tokio::test]
async fn a_callback_of_another_browser_ends_no_login_and_leaves_this_ones_alone() {
    let mut w = world();
    let attackers = w.callback("bob", "/me").await;

    let victim = w.another_browser();
    w.browser = victim;
    let own = w.callback("alice", "/me").await;
    let before = w.cookies();
    let page = w.browser.get(&attackers).await;
    // It is worth as much as a link to a login.
    assert!(
        page.url.starts_with("https://id.test/authorize?"),
        "{page:?}"
    );
    assert_ne!(param(&page.url, "state"), param(&attackers, "state"));
    assert_eq!(w.log.checks(), ["callback.state_unknown"]);
    assert_eq!(w.wire.count("/token"), 0);
    assert_eq!(w.cookies()[..1], before);
    assert_eq!((before.len(), w.login_cookies().len()), (1, 2));

    let page = w.browser.get(&own).await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    let session = w.session_cookie();
    w.browser.get(&attackers).await;
    assert!(w.session_cookie() == session);
    assert_eq!(w.whoami().await, "alice");
    assert_eq!(w.wire.count("/token"), 1);
}

#[tokio::test]
async fn the_code_of_another_browser_is_not_taken_under_the_own_state() {
    let mut w = world();
    let attackers = w.callback("bob", "/me").await;
    let victim = w.another_browser();
    w.browser = victim;
    let own = w.callback("alice", "/me").await;
    let injected = own.replace(&param(&own, "code"), &param(&attackers, "code"));
    let page = w.browser.get(&injected).await;
    // PKCE: the code was made for another verifier.
    assert_refused(&w, &injected, &page, "token.invalid_grant", 400);
    assert_eq!(w.cookies(), []);
}

#[tokio::test]
async fn a_login_that_took_too_long_is_over() {
    for (secs, expected) in [(899, None), (900, Some("callback.expired"))] {
        let mut w = world();
        let url = w.callback("alice", "/me").await;
        let cookies = w.cookie_line();
        // The provider's code is fresh; only the gate looks at the login's age.
        w.clock.advance(Duration::from_secs(secs));
        let answer = w.deliver_with(&url, &cookies).await;
        match expected {
            None => assert_eq!(answer.status, 303),
            Some(check) => {
                assert_eq!(w.log.checks(), [check]);
                assert_eq!((answer.status, w.wire.count("/token")), (303, 0));
                let location = answer.header("location");
                assert!(location.starts_with("https://id.test/authorize?"));
            }
        }
    }
}

#[tokio::test]
async fn a_login_cookie_changed_at_any_byte_is_refused() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let login = w.login_cookies().remove(0);
    w.log.clear();
    let mut tried = 0;
    for changed in flips(&login.value) {
        let answer = w
            .deliver_with(&url, &format!("{}={changed}", login.name))
            .await;
        let location = answer.header("location");
        assert!(
            location.starts_with("https://id.test/authorize?"),
            "{changed}"
        );
        let removal = format!(
            "{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure",
            login.name
        );
        let [begun, removed] = answer.set_cookies()[..] else {
            panic!("{changed}: {:?}", answer.set_cookies())
        };
        assert!(begun.contains("-login-") && !begun.starts_with(&login.name));
        assert_eq!(removed, removal, "{changed}");
        tried += 1;
    }
    assert!(tried > 4 * login.value.len());
    assert_eq!(w.wire.count("/token"), 0);
    let checks = w.log.checks();
    assert!(checks.len() == tried && checks.iter().all(|check| check == "callback.state_unknown"));
    assert_eq!(w.deliver(&url).await.status, 303);
}

#[tokio::test]
async fn a_session_cookie_changed_at_any_byte_is_nobodys() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let session = w.session_cookie().unwrap();
    let mut tried = 0;
    for changed in flips(&session.value) {
        let answer = w.script(&format!("{}={changed}", session.name)).await;
        assert_eq!(answer.status, 401, "{changed}");
        assert!(!answer.body.contains("alice"));
        tried += 1;
    }
    assert!(tried > 4 * session.value.len());
    assert_eq!(w.script(&w.cookie_line()).await.status, 200);
}

/// Every text that differs in one bit and can still stand in a cookie, and every text that lacks an end.
fn flips(value: &str) -> impl Iterator<Item = String> {
    let flipped = (0..value.len()).flat_map(move |at| {
        (0..7).filter_map(move |bit| {
            let mut bytes = value.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let fits = bytes[at].is_ascii_graphic() && !b";,\"\\".contains(&bytes[at]);
            fits.then(|| String::from_utf8(bytes).unwrap())
        })
    });
    flipped.chain((0..value.len()).map(|end| value[..end].to_owned()))
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_no_second_more() {
    // The provider's clock, beside the gate's.
    for (ahead, behind, check) in [
        (30, 0, None),
        (31, 0, Some("id_token.issued_at")),
        // An ID token lives for an hour.
        (0, 3629, None),
        (0, 3630, Some("id_token.expired")),
    ] {
        let mut w = world();
        w.provider_clock
            .set(UnixTime::from_secs(START + ahead - behind));
        let url = w.callback("alice", "/me").await;
        let page = w.browser.get(&url).await;
        match check {
            None => assert!(
                page.body.starts_with("/me alice "),
                "{ahead} {behind}: {page:?}"
            ),
            Some(check) => {
                assert_refused(&w, &url, &page, check, 502);
                assert_eq!(w.cookies(), []);
            }
        }
    }
}

#[tokio::test]
async fn at_most_five_logins_are_under_way_in_a_browser() {
    let mut w = world();
    let mut begun = Vec::new();
    for i in 1..=9 {
        w.browser.get(&format!("{APP}/page-{i}")).await;
        let names: Vec<_> = w.login_cookies().into_iter().map(|c| c.name).collect();
        assert_eq!(names.len(), i.min(5));
        let new: Vec<_> = names.into_iter().filter(|n| !begun.contains(n)).collect();
        assert_eq!(new.len(), 1, "the newest is always kept");
        begun.extend(new);
    }
    let kept: Vec<_> = w.login_cookies().into_iter().map(|c| c.name).collect();
    assert_eq!(kept, begun[4..]);
    let page = w.browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/page-9 alice "), "{page:?}");
}

#[tokio::test]
async fn logins_with_long_addresses_fill_no_header() {
    let mut w = world();
    for i in 1..=9 {
        // As another site can make a browser do, one navigation after the other.
        let path = format!("/{i}{}", "a".repeat(2046));
        w.browser.get(&format!("{APP}{path}")).await;
        let cookies = w.login_cookies();
        let bytes: usize = cookies.iter().map(|c| c.name.len() + c.value.len()).sum();
        assert!(bytes <= 4096, "{bytes} bytes in {} logins", cookies.len());
        assert!(!cookies.is_empty(), "the newest is always kept");
    }
    let page = w.browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/9aaa"), "{page:?}");
}

#[tokio::test]
async fn a_hundred_logins_that_begin_at_once_leave_five_behind() {
    let mut w = world();
    // All are sent before any answer is there, as a restored window does: none makes room for the others.
    let mut answers = Vec::new();
    for i in 0..100 {
        answers.push(w.navigate(&format!("/page-{i}")).await);
    }
    for answer in &answers {
        let [line] = answer.set_cookies()[..] else {
            panic!("{:?}", answer.set_cookies());
        };
        assert!(line.ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure"));
        w.browser.set_cookie(APP, line);
    }
    assert_eq!(w.login_cookies().len(), 100);
    // The next ones make room, twenty at a time, so that no header makes more work than that.
    for left in [85, 70, 55, 40, 25, 10, 5, 5] {
        w.browser.get(&format!("{APP}/me")).await;
        assert_eq!(w.login_cookies().len(), left);
    }
    let page = w.browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    assert_eq!(w.login_cookies().len(), 4);
}

#[tokio::test]
async fn two_logins_in_two_tabs_both_end_on_their_pages() {
    let mut w = world();
    let first = w.callback("alice", "/one").await;
    let second = w.callback("alice", "/two").await;
    let page = w.browser.get(&first).await;
    assert!(page.body.starts_with("/one alice "), "{page:?}");
    let page = w.browser.get(&second).await;
    assert!(page.body.starts_with("/two alice "), "{page:?}");
}

#[tokio::test]
async fn a_page_that_demands_more_leads_to_a_stronger_login() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let page = w.browser.get(&format!("{APP}/vault?x=1")).await;
    assert!(
        page.url.starts_with("https://id.test/authorize?"),
        "{page:?}"
    );
    assert_eq!(param(&page.url, "acr_values"), "phr");
    let page = w.browser.sign_in_as("alice").await;
    assert!(
        page.body.starts_with("/vault?x=1 alice ") && page.body.contains("acr phr"),
        "{page:?}"
    );
}

#[tokio::test]
async fn a_login_that_is_weaker_than_demanded_is_refused_and_the_session_stays() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let session = w.session_cookie();
    let page = w.browser.get(&format!("{APP}/vault")).await;
    w.log.clear();
    // The user takes the demand out of the address.
    w.browser
        .get(&page.url.replace("&acr_values=phr", ""))
        .await;
    let page = w.browser.sign_in_as("alice").await;
    assert_refused(&w, &page.history[0].0, &page, "id_token.acr", 403);
    assert!(w.session_cookie() == session);
    assert_eq!(w.whoami().await, "alice");
}

#[derive(serde::Deserialize)]
struct Staff {
    #[serde(rename = "department")]
    _department: String,
}

#[tokio::test]
async fn a_user_without_the_demanded_claims_is_refused_at_sign_in() {
    let mut w = world_with(|gate| gate.claims::<Staff>());
    let page = w.sign_in("stranger", "/me").await;
    let event = w.log.failed_login();
    assert_eq!(
        (event.get("check"), page.status.as_u16()),
        ("id_token.claims_unfit", 403)
    );
    assert!(event.get("cause").contains("department"), "{event:?}");
    assert!(page.body.contains(event.get("reference")) && !page.body.contains("department"));
    assert_eq!(w.cookies(), []);
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn another_user_ends_the_session_before_and_the_same_user_does_not() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let first = w.cookie_line();
    let url = w.callback("alice", "/me").await;
    w.browser.get(&url).await;
    assert_ne!(w.cookie_line(), first);
    // Another tab's request that was under way still counts.
    assert_eq!(w.script(&first).await.status, 200);
    let second = w.cookie_line();
    let url = w.callback("bob", "/me").await;
    w.browser.get(&url).await;
    assert_eq!(w.whoami().await, "bob");
    w.log.clear();
    assert_eq!(w.script(&second).await.status, 401);
    assert_eq!(w.log.checks(), ["session.ended"]);
}

#[tokio::test]
async fn a_login_whose_session_does_not_fit_leaves_the_one_that_is_there() {
    let many = (0..400).fold(Identity::builder(ISSUER, "hoarder"), |user, number| {
        user.group(format!("department-number-{number}"))
    });
    let mut w = world_of(|provider| provider.user(many.build()), |gate| gate);
    w.sign_in("alice", "/me").await;
    let url = w.callback("hoarder", "/me").await;
    w.log.clear();
    let page = w.browser.get(&url).await;
    assert_refused(&w, &url, &page, "session.too_large", 502);
    assert_eq!(w.whoami().await, "alice");
    assert_eq!(w.sign_in_count(), 0);
}

#[tokio::test]
async fn a_login_leads_to_no_other_site() {
    for rd in [
        "https%3A%2F%2Fevil.test",
        "%2F%2Fevil.test",
        "%2F%5Cevil.test",
        "javascript%3A1",
    ] {
        let mut w = world();
        w.browser.get(&format!("{APP}/oauth2/start?rd={rd}")).await;
        let page = w.browser.sign_in_as("alice").await;
        assert_eq!(page.url, "https://app.test/", "{rd}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_looked_for_and_fails_no_login() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    // Within moments of the first load.
    w.fault(Fault::RotatedKey);
    let url = w.callback("bob", "/me").await;
    let page = w.browser.get(&url).await;
    assert!(page.body.starts_with("/me bob "), "{page:?}");
    assert_eq!(w.wire.count("/jwks"), 2);
}

fn param(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    Form::parse(query.as_bytes()).unwrap().take(name).unwrap()
}

impl World {
    pub(crate) fn sign_in_count(&self) -> usize {
        let signed_in = |entry: &crate::log::Entry| entry.get("message") == "a user signed in";
        self.log.entries().into_iter().filter(signed_in).count()
    }
}
