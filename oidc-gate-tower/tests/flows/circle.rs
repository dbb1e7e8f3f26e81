//! A session that never comes back does not lead a browser round for ever.

use crate::{
    login::assert_refused,
    world::{APP, Answer, World, world, world_in, world_in_with, world_with},
};
use http::{Request, Response, header};
use http_body_util::Full;
use oidc_gate_tower::{
    Pattern, ResponseMode, SameSite,
    testing::{Browser, Page},
};

const LANDED: &str = "-landed=";
const LOGIN: &str = "-login-";

impl World {
    /// A browser whose way to the application loses the `Set-Cookie` lines that `lost` names, and which is signed in at
    /// the provider, so that nothing stops it.
    async fn losing(&mut self, lost: impl Fn(&str) -> bool + Clone + Send + Sync + 'static) {
        let gate = self.gate.clone();
        let app = tower::service_fn(move |request: Request<Full<bytes::Bytes>>| {
            let (gate, lost) = (gate.clone(), lost.clone());
            async move {
                let mut response: Response<_> = crate::world::serve(&gate, request).await?;
                let lines: Vec<_> = response
                    .headers()
                    .get_all(header::SET_COOKIE)
                    .iter()
                    .cloned()
                    .collect();
                response.headers_mut().remove(header::SET_COOKIE);
                for line in lines
                    .into_iter()
                    .filter(|line| !lost(line.to_str().unwrap()))
                {
                    response.headers_mut().append(header::SET_COOKIE, line);
                }
                Ok(response)
            }
        });
        self.browser = Browser::new()
            .clock(self.clock.clone())
            .site(crate::world::ISSUER, self.provider.clone())
            .site(APP, app);
    }

    /// Opens a page and signs in where the provider asks; it remembers the user from then on.
    async fn open(&mut self, path: &str) -> Page {
        let mut page = self.browser.get(&format!("{APP}{path}")).await;
        for _ in 0..10 {
            if !page.url.starts_with(crate::world::ISSUER) {
                break;
            }
            page = if page.body.contains("name=\"continue\"") {
                self.browser.submit("Continue as Alice Adams", &[]).await
            } else {
                self.browser.sign_in_as("alice").await
            };
        }
        page
    }
}

fn is_session(line: &str) -> bool {
    !line.contains(LANDED) && !line.contains(LOGIN)
}

#[tokio::test]
async fn after_three_logins_in_a_minute_without_a_session_a_page_says_so() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        for same_site in [SameSite::Lax, SameSite::Strict] {
            let mut w = world_in_with(mode, |gate| gate.same_site(same_site));
            w.losing(is_session).await;
            let page = w.open("/me").await;
            assert_eq!(w.sign_in_count(), 3, "{page:?}");
            assert_refused(&w, "", &page, "login.loop", 400);
            assert!(page.body.contains("Signing in leads round in circles"));
            assert!(
                page.body.contains("href=\"/oauth2/start?rd=%2Fme\""),
                "{page:?}"
            );
            assert_eq!(w.login_cookies(), []);

            // Whoever asks for it gets another try, and the same page again.
            w.browser.follow("/oauth2/start?rd=%2Fme").await;
            w.browser.submit("Continue as Alice Adams", &[]).await;
            assert_eq!(w.log.failed_login().get("check"), "login.loop");
            // After a minute it begins anew.
            w.advance(60);
            w.open("/me").await;
            assert_eq!(w.log.failed_login().get("check"), "login.loop");
        }
    }
}

#[tokio::test]
async fn a_demand_from_inside_the_application_goes_round_no_longer_than_one_of_the_gate() {
    let mut w = world_with(|gate| gate.open(Pattern::prefix("/inside")));
    let gate = w.gate.clone();
    let inner = tower::service_fn(|request: Request<Full<bytes::Bytes>>| async move {
        let (parts, _) = request.into_parts();
        let target = oidc_gate_tower::core::gate::Target::Whole(&parts.uri);
        let demand = oidc_gate_tower::Demand::of(&parts.method, &parts.headers, target).sign_in();
        Ok::<_, std::convert::Infallible>(demand.plain::<Full<bytes::Bytes>>())
    });
    let app = tower::Layer::layer(&oidc_gate_tower::GateLayer::new(&gate), inner);
    let app = tower::ServiceExt::map_response(app, |response: Response<_>| {
        response.map(|body: oidc_gate_tower::GateBody<_>| body.unify(Full::from))
    });
    w.browser = Browser::new()
        .clock(w.clock.clone())
        .site(crate::world::ISSUER, w.provider.clone())
        .site(APP, app);
    let page = w.open("/inside").await;
    assert_eq!(w.sign_in_count(), 3);
    assert_refused(&w, "", &page, "login.loop", 400);
}

#[tokio::test]
async fn a_login_that_a_handler_asks_for_goes_round_no_longer_either() {
    let mut w = world_with(|gate| gate.open(Pattern::prefix("/go")));
    w.losing(is_session).await;
    let page = w.open("/go/round").await;
    assert_eq!(w.sign_in_count(), 3, "{page:?}");
    assert_refused(&w, "", &page, "login.loop", 400);
    assert!(
        page.body
            .contains("href=\"/oauth2/start?rd=%2Fgo%2Fround\""),
        "{page:?}"
    );
}

#[tokio::test]
async fn whoever_is_signed_in_can_be_asked_again_as_often_as_a_handler_likes() {
    let mut w = world_with(|gate| gate.open(Pattern::prefix("/go")));
    w.sign_in("alice", "/me").await;
    for _ in 0..5 {
        w.browser.get(&format!("{APP}/go/fresh")).await;
        let page = w.browser.sign_in_as("alice").await;
        assert!(page.body.starts_with("/account"), "{page:?}");
    }
}

#[tokio::test]
async fn where_no_cookie_is_kept_the_login_ends_at_its_callback() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        let mut w = world_in(mode);
        w.losing(|_| true).await;
        let page = w.open("/me").await;
        assert_refused(&w, "", &page, "callback.state_unknown", 400);
        assert_eq!((w.sign_in_count(), w.cookies().len()), (0, 0));
        // It begins anew twice.
        let metrics = w.gate.metrics();
        assert!(metrics.contains("oidc_gate_logins_started_total 3\n"));
        assert!(
            page.body.contains("href=\"/oauth2/start?rd=%2Fme\""),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn a_second_session_that_another_host_planted_does_not_lead_round_in_circles() {
    for (seen_at_callback, beside_another) in [(true, false), (true, true), (false, false)] {
        let mut w = world();
        w.sign_in("bob", "/me").await;
        let planted = w.session_cookie().unwrap();
        let extra = format!("{}={}", planted.name, planted.value);
        if beside_another {
            w.browser.clear_cookies();
            w.sign_in("alice", "/me").await;
        }
        let own = w.session_cookie().filter(|_| beside_another);
        let gate = w.gate.clone();
        let app = tower::service_fn(move |mut request: Request<Full<bytes::Bytes>>| {
            let (gate, extra) = (gate.clone(), extra.clone());
            async move {
                // As if another host of the domain had set it, where no prefix of the name keeps it off.
                if seen_at_callback || request.uri().path() != "/oauth2/callback" {
                    let extra = extra.parse().unwrap();
                    request.headers_mut().append(header::COOKIE, extra);
                }
                crate::world::serve(&gate, request).await
            }
        });
        w.browser = Browser::new()
            .clock(w.clock.clone())
            .site(crate::world::ISSUER, w.provider.clone())
            .site(APP, app);
        if let Some(own) = own {
            w.plant(&own.name, &own.value);
        }
        w.log.clear();
        w.browser
            .get(&format!("{APP}/oauth2/start?rd=%2Fme&prompt=login"))
            .await;
        w.browser.sign_in_as("alice").await;
        let page = w.open("/me").await;
        if seen_at_callback {
            // The login of another user has ended it.
            assert!(page.body.starts_with("/me alice "), "{page:?}");
        } else {
            assert_eq!(w.sign_in_count(), 3, "{page:?}");
            assert_refused(&w, "", &page, "login.loop", 400);
        }
    }
}

#[tokio::test]
async fn three_users_in_a_minute_in_one_browser_are_no_circle() {
    let mut w = world();
    for user in ["alice", "bob", "carol"] {
        w.browser
            .get(&format!("{APP}/oauth2/start?rd=%2Fme&prompt=login"))
            .await;
        let page = w.browser.sign_in_as(user).await;
        assert!(page.body.starts_with(&format!("/me {user} ")), "{page:?}");
    }
    // Signed out, a page that demands a login leads to one.
    assert!(w.landed_cookie().is_some());
    w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
    w.browser.submit("Sign out", &[]).await;
    assert_eq!(w.cookies(), []);
    for user in ["alice", "bob", "carol", "alice"] {
        w.browser.get(&format!("{APP}/me")).await;
        let page = w.browser.sign_in_as(user).await;
        assert!(page.body.starts_with(&format!("/me {user} ")), "{page:?}");
        w.browser.get(&format!("{APP}/oauth2/sign_out")).await;
        w.browser.submit("Sign out", &[]).await;
    }
    assert_eq!(w.log.failed_logins().len(), 0);
}

#[tokio::test]
async fn what_is_kept_of_a_landing_is_small_hidden_and_gone_after_a_minute() {
    let mut w = world();
    let page = w.sign_in("alice", "/me").await;
    assert!(page.body.ends_with("cookies: none"), "{page:?}");
    let landed = w.landed_cookie().unwrap();
    assert!(landed.http_only && landed.secure && landed.value.len() < 100);
    assert!(landed.name.starts_with("__Host-gate-"));
    w.advance(60);
    assert_eq!(w.landed_cookie(), None);
    assert_eq!(w.whoami().await, "alice");
}

#[tokio::test]
async fn a_value_of_another_purpose_counts_as_nothing() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let (landed, session) = (w.landed_cookie().unwrap(), w.session_cookie().unwrap());
    let url = w.callback("alice", "/me").await;
    let login = w.login_cookies().remove(0);
    let names = [&landed.name, &session.name, &login.name];
    let values = [&landed.value, &session.value, &login.value];
    for (i, name) in names.iter().enumerate() {
        for (j, value) in values.iter().enumerate().filter(|(j, _)| *j != i) {
            let line = format!("{name}={value}");
            let answer: Answer = w.script(&line).await;
            assert_eq!(answer.status, 401, "{i} {j}");
            let answer = w.deliver_with(&url, &line).await;
            let location = answer.header("location");
            assert!(
                location.starts_with("https://id.test/authorize?"),
                "{i} {j}"
            );
            let begun = answer.set_cookies().into_iter();
            assert!(
                begun.into_iter().all(|line| line.contains(LOGIN)),
                "{i} {j}"
            );
        }
    }
    assert_eq!(w.wire.count("/token"), 1);
}
