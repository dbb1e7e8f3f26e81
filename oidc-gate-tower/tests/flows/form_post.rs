//! Logins that come back by a form of the provider's.

use crate::{
    login::assert_refused,
    world::{APP, Answer, ISSUER, NAVIGATION, World, world, world_in},
};
use oidc_gate_tower::{ResponseMode, dev::Fault, testing::SameSite};

const FORM: &str = "application/x-www-form-urlencoded";

fn form_post() -> World {
    world_in(ResponseMode::FormPost)
}

impl World {
    /// Signs in as far as the provider's form, whose script does not run. What it would send.
    async fn form(&mut self, user: &str, path: &str) -> String {
        self.browser = self.another_browser().without_scripts();
        let page = self.sign_in(user, path).await;
        assert_eq!(page.url, format!("{ISSUER}/authorize/choose"), "{page:?}");
        let mut body = String::new();
        for input in page.body.split("<input type=\"hidden\" name=\"").skip(1) {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            let value = rest.split_once('"').unwrap().0;
            oidc_gate_tower::core::form::push_pair(&mut body, name, value);
        }
        body
    }

    async fn post(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [NAVIGATION, headers].concat();
        self.request_with("POST", "/oauth2/callback", &headers, body)
            .await
    }
}

#[tokio::test]
async fn a_login_comes_back_by_a_form_and_leads_to_the_page_that_was_asked_for() {
    let mut w = form_post();
    let page = w.sign_in("alice", "/me?tab=1&q=a%20b").await;
    assert!(
        page.body.starts_with("/me?tab=1&q=a%20b alice "),
        "{page:?}"
    );
    let way: Vec<_> = page
        .history
        .iter()
        .map(|(url, status)| (&**url, status.as_u16()))
        .collect();
    // Neither code nor state stands in an address.
    assert_eq!(
        way,
        [
            ("https://id.test/authorize/choose", 200),
            ("https://app.test/oauth2/callback", 303),
            ("https://app.test/me?tab=1&q=a%20b", 200),
        ]
    );
    let session = w.session_cookie().unwrap();
    assert_eq!(session.same_site, SameSite::Lax);
    assert!(w.login_cookies().is_empty());
    assert_eq!(w.log.failed_logins().len(), 0);
}

#[tokio::test]
async fn the_cookie_of_such_a_login_is_sent_with_another_sites_form_and_no_other_cookie_is() {
    let mut w = form_post();
    let page = w.browser.get(&format!("{APP}/me")).await;
    assert!(page.url.contains("&response_mode=form_post"), "{page:?}");
    let [login] = &w.login_cookies()[..] else {
        panic!("{:?}", w.login_cookies());
    };
    assert_eq!(login.same_site, SameSite::None);
    assert!(login.secure && login.http_only && login.name.starts_with("__Host-"));

    let mut w = world();
    let page = w.browser.get(&format!("{APP}/me")).await;
    assert!(!page.url.contains("response_mode"), "{page:?}");
    assert_eq!(w.login_cookies()[0].same_site, SameSite::Lax);
}

#[tokio::test]
async fn without_scripts_a_button_sends_the_form() {
    let mut w = form_post();
    w.form("alice", "/me").await;
    let page = w.browser.page();
    assert_eq!(page.headers["cache-control"], "no-store");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'sha256-")
            && policy.contains("form-action 'self' https://app.test"),
        "{policy}"
    );
    let page = w.browser.submit("Go on", &[]).await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn the_callback_takes_the_method_of_its_mode_and_a_form_only() {
    let mut w = form_post();
    let body = w.form("alice", "/me").await;
    let cookies = w.cookie_line();
    let cookie = ("cookie", &*cookies);

    let target = format!("/oauth2/callback?{body}");
    let headers = [NAVIGATION, &[cookie]].concat();
    let answer = w.request("GET", &target, &headers).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    assert_eq!(answer.set_cookies(), [""; 0]);
    // What stands in the query of a POST is not looked at.
    let headers = [&headers[..], &[("content-type", FORM)]].concat();
    assert_eq!(w.request("POST", &target, &headers).await.status, 400);
    for kind in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        let answer = w.post(&body, &[cookie, ("content-type", kind)]).await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    assert_eq!(w.post(&body, &[cookie]).await.status, 415);
    let long = format!("{body}&x={}", "x".repeat(9000));
    let answer = w.post(&long, &[cookie, ("content-type", FORM)]).await;
    assert_eq!(answer.status, 413);
    assert_eq!(w.wire.count("/token"), 0);
    let answer = w.post(&body, &[cookie, ("content-type", FORM)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/me"));

    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let body = url.split_once('?').unwrap().1;
    let cookies = w.cookie_line();
    let headers = [("cookie", &*cookies), ("content-type", FORM)];
    let answer = w.post(body, &headers).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET"));
    assert_eq!(w.wire.count("/token"), 0);
    assert_eq!(w.deliver(&url).await.status, 303);
}

#[tokio::test]
async fn a_form_that_is_sent_again_leads_to_the_application_and_changes_nothing() {
    let mut w = form_post();
    let body = w.form("alice", "/me").await;
    w.browser.submit("Go on", &[]).await;
    let session = w.session_cookie();
    w.log.clear();
    // The back button and the form once more, from the provider's site: no session comes along.
    let fields: Vec<_> = body.split('&').filter_map(|p| p.split_once('=')).collect();
    w.browser.get(ISSUER).await;
    let page = w
        .browser
        .post_form(&format!("{APP}/oauth2/callback"), &fields)
        .await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
    let statuses: Vec<_> = page.history.iter().map(|(_, s)| s.as_u16()).collect();
    assert_eq!(statuses, [303, 303, 200]);
    let state = body.split('&').find(|pair| pair.starts_with("state="));
    assert_eq!(
        page.history[1].0,
        format!(
            "https://app.test/oauth2/callback?over=callback.state_unknown&of={}",
            &state.unwrap()["state=".len()..]
        )
    );
    assert_eq!(w.wire.count("/token"), 1);
    assert_eq!(w.session_cookie(), session);
    assert_eq!(w.log.failed_logins().len(), 0);
    assert_eq!(
        w.log.checks(),
        ["callback.state_unknown", "callback.state_unknown"]
    );
}

#[tokio::test]
async fn a_form_of_another_browser_ends_no_login_after_one_more_look() {
    let mut w = form_post();
    let body = w.form("bob", "/me").await;
    w.browser = w.another_browser();
    w.browser.get(ISSUER).await;
    let fields: Vec<_> = body.split('&').filter_map(|p| p.split_once('=')).collect();
    let page = w
        .browser
        .post_form(&format!("{APP}/oauth2/callback"), &fields)
        .await;
    assert!(
        page.url.starts_with("https://id.test/authorize?"),
        "{page:?}"
    );
    assert_eq!((w.wire.count("/token"), w.session_cookie()), (0, None));
    assert_eq!(w.login_cookies().len(), 1);
}

#[tokio::test]
async fn to_come_again_shows_nothing_and_redeems_nothing() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        let mut w = world_in(mode);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let headers = [NAVIGATION, &[("cookie", &*cookies)]].concat();
        let over = "/oauth2/callback?over=callback.state_replayed&of=x";
        let answer = w.request("GET", over, &headers).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"));
        assert_eq!(answer.set_cookies(), [""; 0]);
        for other in ["session.too_large", "callback.access_denied", "x"] {
            let target = format!("/oauth2/callback?over={other}&of=x");
            let status = w.request("GET", &target, &headers).await.status;
            assert!([400, 405].contains(&status), "{other}");
        }
        let stranger = w.navigate(over).await;
        assert_eq!(stranger.status, 400);
        assert_eq!(
            w.log.failed_logins().last().unwrap().get("check"),
            "callback.state_replayed"
        );
    }
}

#[tokio::test]
async fn an_error_comes_back_by_a_form_too() {
    let mut w = form_post();
    w.browser.get(&format!("{APP}/me")).await;
    let page = w.browser.submit("Cancel", &[]).await;
    assert_refused(&w, "", &page, "callback.access_denied", 403);
    assert_eq!(w.cookies(), []);
}

#[tokio::test]
async fn a_provider_without_form_post_is_not_asked() {
    let mut w = form_post();
    w.wire.tamper(|path, answer| {
        if path == crate::wire::DISCOVERY {
            let text = String::from_utf8(answer.body().clone()).unwrap();
            *answer.body_mut() = text.replace(",\"form_post\"", "").into();
        }
    });
    let page = w.browser.get(&format!("{APP}/me")).await;
    assert_refused(&w, "", &page, "provider.response_mode_unsupported", 503);
    assert_eq!(w.cookies(), []);
}

#[tokio::test]
async fn on_this_machine_without_https_such_a_login_works() {
    use oidc_gate_tower::{
        ClientAuth, CookieKeys, Gate, Provider, dev::DevProvider, testing::Browser,
    };
    let provider = DevProvider::builder()
        .issuer("http://localhost:9000")
        .demo_users()
        .build();
    let registered = Provider::unnamed("http://localhost:9000", "dev", ClientAuth::none());
    let gate = Gate::builder()
        .provider(registered.response_mode(ResponseMode::FormPost))
        .http_client(provider.http_client())
        .base_url("http://127.0.0.1:3000")
        .cookie_keys(CookieKeys::ephemeral())
        .build()
        .unwrap();
    let app = tower::service_fn(move |request| {
        let gate = gate.clone();
        async move { crate::world::serve(&gate, request).await }
    });
    let mut browser = Browser::new()
        .site("http://localhost:9000", provider)
        .site("http://127.0.0.1:3000", app);
    browser.get("http://127.0.0.1:3000/me").await;
    let [login] = &browser.cookies("http://127.0.0.1:3000")[..] else {
        panic!("{browser:?}")
    };
    assert!(login.secure && login.same_site == SameSite::None && login.name.starts_with("gate-"));
    let page = browser.sign_in_as("alice").await;
    assert!(page.body.starts_with("/me alice "), "{page:?}");
}

#[tokio::test]
async fn a_fault_of_the_callback_is_written_into_the_form_as_it_is() {
    let mut w = form_post();
    w.fault(Fault::DuplicateParameters);
    let body = w.form("alice", "/me").await;
    assert_eq!(body.matches("state=").count(), 2, "{body}");
}
