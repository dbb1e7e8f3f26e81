//! Many tabs, the back button, bookmarks and impatience: whoever did nothing wrong ends on the right page.

use crate::world::{
    APP, Answer, ISSUER, NAVIGATION, World, serve, world, world_in_with, world_with,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_tower::{
    Pattern, ResponseMode, SameSite, Store,
    core::form::{Form, push_pair},
    dev::Fault,
    testing::{Browser, Page},
};
use std::{
    collections::BTreeSet,
    rc::Rc,
    sync::{Arc, Mutex},
};
use tokio::task::{JoinSet, LocalSet};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    name: String,
    #[serde(default)]
    login: Login,
    #[serde(default)]
    session: Session,
    #[serde(default = "code")]
    comes: String,
    #[serde(default)]
    begun: u32,
    #[serde(default)]
    after: u64,
    #[serde(default = "me")]
    to: String,
    #[serde(default)]
    demands: bool,
    ends: String,
    #[serde(default)]
    tokens: usize,
    modes: Option<Vec<String>>,
    sites: Option<Vec<String>>,
}

fn code() -> String {
    "code".into()
}

fn me() -> String {
    "/me?tab=1".into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Login {
    #[default]
    Kept,
    Swept,
    Spoilt,
    Used,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Session {
    #[default]
    None,
    Before,
    Winner,
}

const MODES: [(ResponseMode, SameSite); 4] = [
    (ResponseMode::Query, SameSite::Lax),
    (ResponseMode::Query, SameSite::Strict),
    (ResponseMode::FormPost, SameSite::Lax),
    (ResponseMode::FormPost, SameSite::Strict),
];

/// The way from the provider back to the application: it lets answers through, or holds them.
#[derive(Clone, Default)]
struct Way(Arc<Mutex<Option<Vec<String>>>>);

impl Way {
    fn hold(&self) {
        *self.0.lock().unwrap() = Some(Vec::new());
    }

    /// Lets answers through again. The one that was held, as pairs.
    fn release(&self) -> Vec<(String, String)> {
        let held = self.0.lock().unwrap().take().unwrap();
        let [answer] = &held[..] else {
            panic!("{held:?}")
        };
        let form = Form::parse(answer.as_bytes()).unwrap();
        let names: Vec<_> = form.names().map(str::to_owned).collect();
        let pair = |name: String| {
            let value = form.get(&name).unwrap().to_owned();
            (name, value)
        };
        names.into_iter().map(pair).collect()
    }

    fn is_held(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }

    fn browser(&self, w: &World) -> Browser {
        let (gate, way) = (w.gate.clone(), self.clone());
        let app = tower::service_fn(move |request: Request<Full<Bytes>>| {
            let (gate, way) = (gate.clone(), way.clone());
            async move {
                let query = request.uri().query().unwrap_or_default().to_owned();
                if !way.is_held()
                    || request.uri().path() != "/oauth2/callback"
                    || query.starts_with("over=")
                {
                    return serve(&gate, request).await;
                }
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body = String::from_utf8(body.into()).unwrap();
                let answer = if body.is_empty() { query } else { body };
                way.0.lock().unwrap().as_mut().unwrap().push(answer);
                Ok(Response::new(Full::from("not delivered")))
            }
        });
        Browser::new()
            .clock(w.clock.clone())
            .site(ISSUER, w.provider.clone())
            .site(APP, app)
    }
}

/// A browser of which every answer is noted.
struct Tabs {
    w: World,
    way: Way,
    mode: ResponseMode,
    seen: Vec<StatusCode>,
}

impl Tabs {
    fn new(mode: ResponseMode, same_site: SameSite) -> Self {
        let mut w = world_in_with(mode, |gate| gate.same_site(same_site));
        let way = Way::default();
        w.browser = way.browser(&w);
        Self {
            w,
            way,
            mode,
            seen: Vec::new(),
        }
    }

    fn note(&mut self, page: Page) -> Page {
        self.seen.extend(page.history.iter().map(|(_, s)| *s));
        page
    }

    async fn open(&mut self, address: &str) -> Page {
        let page = self.w.browser.get(address).await;
        self.note(page)
    }

    /// Signs in for as long as the provider asks.
    async fn at_the_provider(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            if !page.url.starts_with("https://id.test/authorize?") {
                return page;
            }
            page = self.w.browser.sign_in_as("alice").await;
            page = self.note(page);
        }
        panic!("{page:?}")
    }

    /// A login that leads there, as far as the provider.
    async fn begin(&mut self, to: &str, demands: bool) -> Page {
        let address = match demands {
            true => to.to_owned(),
            false => self.w.gate.sign_in_path(to),
        };
        self.open(&format!("{APP}{address}")).await
    }

    async fn sign_in(&mut self, to: &str, demands: bool) {
        let page = self.begin(to, demands).await;
        let page = self.at_the_provider(page).await;
        assert!(page.body.starts_with(&format!("{to} alice ")), "{page:?}");
    }

    /// The answer to a login that leads there, which is not delivered.
    async fn held(&mut self, to: &str, demands: bool) -> Vec<(String, String)> {
        self.begin(to, demands).await;
        self.held_here().await
    }

    async fn held_here(&mut self) -> Vec<(String, String)> {
        self.way.hold();
        let page = self.w.browser.sign_in_as("alice").await;
        assert_eq!(page.body, "not delivered");
        self.way.release()
    }

    /// The provider's answer, as it comes from its site.
    async fn deliver(&mut self, answer: &[(String, String)]) -> Page {
        self.w.browser.get(ISSUER).await;
        let callback = format!("{APP}/oauth2/callback");
        let fields: Vec<_> = answer.iter().map(|(n, v)| (&**n, &**v)).collect();
        let page = match self.mode {
            ResponseMode::FormPost => self.w.browser.post_form(&callback, &fields).await,
            _ => {
                let mut query = String::new();
                for (name, value) in fields {
                    push_pair(&mut query, name, value);
                }
                let address = match &*query {
                    "" => callback,
                    query => format!("{callback}?{query}"),
                };
                self.w.browser.follow(&address).await
            }
        };
        self.note(page)
    }

    /// Gives the newest login's cookie another value, or none, as its host could.
    fn change_login(&mut self, name: &str, value: &str) {
        let age = if value.is_empty() { 0 } else { 900 };
        let site = match self.mode {
            ResponseMode::FormPost => "None",
            _ => "Lax",
        };
        let line =
            format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite={site}; Secure");
        self.w.browser.set_cookie(APP, &line);
    }
}

async fn check(case: &Case, mode: ResponseMode, same_site: SameSite) {
    let what = format!("{} ({mode:?}, {same_site:?})", case.name);
    let mut t = Tabs::new(mode, same_site);
    let mut to = case.to.replace("{long*1500}", &"x".repeat(1500));
    if case.demands {
        to = "/vault?tab=1".into();
    }
    if case.session == Session::Before {
        t.sign_in("/before", false).await;
        t.w.advance(1);
    }
    let mut answer = t.held(&to, case.demands).await;
    for _ in 0..case.begun {
        let login = t.w.login_cookies().pop().unwrap();
        t.change_login(&login.name, "");
        t.deliver(&answer).await;
        answer = t.held_here().await;
    }
    let login = t.w.login_cookies().pop().unwrap();
    if case.login == Login::Used {
        let page = t.deliver(&answer).await;
        assert!(page.body.starts_with(&to), "{what}: {page:?}");
        t.w.advance(60);
        if case.session == Session::None {
            t.w.browser.clear_cookies();
        }
    } else if case.session == Session::Winner {
        t.w.advance(1);
        let (place, demands) = match case.demands {
            true => ("/vault?winner", true),
            false => ("/winner", false),
        };
        t.sign_in(place, demands).await;
    }
    t.w.advance(case.after);
    match case.login {
        // An expired one is sent by no browser, unless its clock is behind.
        Login::Kept | Login::Used => t.change_login(&login.name, &login.value),
        Login::Swept => t.change_login(&login.name, ""),
        Login::Spoilt => t.change_login(&login.name, "spoilt"),
    }
    match &*case.comes {
        "code" => {}
        "made-up" => answer.iter_mut().for_each(|(name, value)| {
            if name == "state" {
                *value = "made-up.AbLLujImoi7y71".into();
            }
        }),
        "bare" => answer.clear(),
        error => {
            answer.retain(|(name, _)| name != "code");
            answer.push(("error".into(), error.into()));
        }
    }
    let session = t.w.session_cookie();
    let tokens = t.w.wire.count("/token");
    t.w.log.clear();
    t.seen.clear();

    let page = t.deliver(&answer).await;
    let redeemed = t.w.wire.count("/token") - tokens;
    assert_eq!(redeemed, case.tokens, "{what}: {page:?}");
    if case.tokens == 0 {
        assert!(
            t.w.session_cookie() == session,
            "{what}: the session has changed"
        );
        // What comes with nobody's state is about no login of this browser.
        let is_left = t.w.login_cookies().iter().any(|c| c.name == login.name);
        let is_nobodys = ["made-up", "bare"].contains(&&*case.comes);
        assert_eq!(is_left, is_nobodys, "{what}");
    }
    let mut status = 200;
    match case.ends.split(' ').collect::<Vec<_>>()[..] {
        ["place"] => assert!(
            page.body.starts_with(&format!("{to} alice ")),
            "{what}: {page:?}"
        ),
        ["home"] => assert!(page.body.starts_with("/ alice "), "{what}: {page:?}"),
        ["anew"] => {
            assert!(
                page.url.starts_with("https://id.test/authorize?"),
                "{what}: {page:?}"
            );
            let page = t.at_the_provider(page).await;
            assert!(
                page.body.starts_with(&format!("{to} alice ")),
                "{what}: {page:?}"
            );
        }
        ["page", check, number] => {
            status = number.parse().unwrap();
            assert_eq!(page.status, status, "{what}: {page:?}");
            assert_eq!(t.w.log.failed_login().get("check"), check, "{what}");
        }
        _ => panic!("{what}: {}", case.ends),
    }
    if status != 400 {
        assert!(
            !t.seen.contains(&StatusCode::BAD_REQUEST),
            "{what}: {:?}",
            t.seen
        );
    }
    assert!(t.w.login_cookies().len() <= 5, "{what}");
}

#[tokio::test]
async fn every_case_of_the_table_ends_where_it_says() {
    let cases: Cases = toml::from_str(include_str!("../../testdata/logins.toml")).unwrap();
    for case in &cases.case {
        let in_list = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|one| one == name))
        };
        for (mode, same_site) in MODES {
            let site = format!("{same_site:?}").to_lowercase();
            if in_list(&case.modes, mode.value()) && in_list(&case.sites, &site) {
                check(case, mode, same_site).await;
            }
        }
    }
}

#[tokio::test]
async fn ten_tabs_one_after_the_other_all_end_on_their_own_pages() {
    for (mode, same_site) in MODES {
        let mut t = Tabs::new(mode, same_site);
        let mut tabs = Vec::new();
        for number in 0..10 {
            let to = format!("/page-{number}");
            let page = t.begin(&to, true).await;
            tabs.push((to, page.url));
            assert!(t.w.login_cookies().len() <= 5);
        }
        // The user goes through them from the first to the last; the first are those that were swept.
        for (to, address) in tabs {
            let page = t.open(&address).await;
            let page = t.at_the_provider(page).await;
            assert!(
                page.body.starts_with(&format!("{to} alice ")),
                "{mode:?} {same_site:?}: {page:?}"
            );
        }
        assert!(!t.seen.contains(&StatusCode::BAD_REQUEST), "{:?}", t.seen);
        assert_eq!(t.w.log.failed_logins().len(), 0);
        assert_eq!(t.w.login_cookies(), []);
    }
}

/// All ten answers of the provider are on their way at once, each with the cookies that the browser had when it left.
#[tokio::test]
async fn ten_tabs_at_once_all_end_on_their_own_pages() {
    for stored in [false, true] {
        let mut w = world_with(|gate| match stored {
            true => gate.store(Store::memory()),
            false => gate,
        });
        let mut tabs = Vec::new();
        for number in 0..10 {
            let to = format!("/page-{number}");
            let url = w.callback("alice", &to).await;
            // The newest login's is the last that the browser has got.
            let login = w.login_cookies().pop().unwrap();
            tabs.push((to, url, format!("{}={}", login.name, login.value)));
        }
        let w = Rc::new(w);
        // None is answered before all have come.
        w.wire.hold("/token");
        let mut under_way = JoinSet::new();
        let here = LocalSet::new();
        for (to, url, cookies) in tabs {
            let w = w.clone();
            let deliver = async move { (to, w.deliver_with(&url, &cookies).await) };
            under_way.spawn_local_on(deliver, &here);
        }
        let all = async {
            while w.wire.count("/token") < 10 {
                tokio::task::yield_now().await;
            }
            w.wire.release();
            under_way.join_all().await
        };
        let answers = here.run_until(all).await;
        let mut keys = BTreeSet::new();
        for (to, answer) in answers {
            assert_eq!((answer.status, answer.header("location")), (303, &*to));
            let pair = |line: &str| line.split(';').next().unwrap().to_owned();
            let lines = answer.set_cookies();
            let kept = lines.iter().filter(|line| !line.contains("Max-Age=0"));
            let cookies: Vec<_> = kept.map(|line| pair(line)).collect();
            let page = w.fetch(&to, &cookies.join("; ")).await;
            assert!(
                page.body.starts_with(&format!("{to} alice ")),
                "{}",
                page.body
            );
            // Each has a session of its own, so none is another's answer.
            assert!(keys.insert(cookies), "{to}");
        }
        assert_eq!((w.wire.count("/token"), keys.len()), (10, 10));
        assert_eq!(w.log.failed_logins().len(), 0);
    }
}

#[tokio::test]
async fn back_and_forward_through_a_login_end_on_the_page() {
    for (mode, same_site) in MODES {
        let mut t = Tabs::new(mode, same_site);
        let provider = t.begin("/me", false).await;
        let answer = t.held_here().await;
        t.deliver(&answer).await;
        let tokens = t.w.wire.count("/token");
        for _ in 0..2 {
            // Back to the callback, which browsers ask for again.
            let page = t.deliver(&answer).await;
            assert!(page.body.starts_with("/me alice "), "{page:?}");
            // Back to the provider's page, and forward by signing in once more with the same request.
            let page = t.open(&provider.url).await;
            let page = t.at_the_provider(page).await;
            assert!(page.body.starts_with("/me alice "), "{page:?}");
        }
        assert_eq!(t.w.wire.count("/token"), tokens);
        assert!(!t.seen.contains(&StatusCode::BAD_REQUEST), "{:?}", t.seen);
    }
}

#[tokio::test]
async fn a_browser_without_cookies_ends_on_a_page_after_two_more_rounds() {
    for (mode, same_site) in MODES {
        let mut t = Tabs::new(mode, same_site);
        let mut page = t.begin("/me", false).await;
        let mut rounds = 0;
        while page.url.starts_with("https://id.test/authorize?") {
            rounds += 1;
            for login in t.w.login_cookies() {
                t.change_login(&login.name, "");
            }
            page = t.w.browser.sign_in_as("alice").await;
        }
        assert_eq!(
            (rounds, page.status.as_u16()),
            (3, 400),
            "{mode:?} {same_site:?}"
        );
        let failed = t.w.log.failed_login();
        assert_eq!(failed.get("check"), "callback.state_unknown");
        assert!(failed.get("remedy").contains("with cookies on"));
    }
}

#[tokio::test]
async fn a_silent_login_that_was_swept_stays_silent() {
    let mut w = world_with(|gate| {
        gate.open(Pattern::prefix("/go"))
            .open(Pattern::get("/landing"))
    });
    let answer = w.navigate("/go/silently").await;
    let location = answer.header("location").to_owned();
    let param = |url: &str, name: &str| {
        let (_, query) = url.split_once('?').unwrap();
        Form::parse(query.as_bytes()).unwrap().take(name)
    };
    let state = param(&location, "state").unwrap();
    let back =
        |rest: &str| format!("/oauth2/callback?state={state}&iss=https%3A%2F%2Fid.test&{rest}");
    let refused = w.navigate(&back("error=login_required")).await;
    assert_eq!(
        (refused.status, refused.header("location")),
        (303, "/landing?x=1")
    );
    let anew = w.navigate(&back("code=x")).await;
    let anew = anew.header("location");
    assert_eq!(param(anew, "prompt").as_deref(), Some("none"));
    // And so it comes home, or to where nobody has to be signed in.
    for line in w.navigate(&back("code=x")).await.set_cookies() {
        w.browser.set_cookie(APP, line);
    }
    let page = w.browser.get(anew).await;
    assert!(page.body.starts_with("/landing?x=1 nobody"), "{page:?}");
}

#[tokio::test]
async fn what_is_fetched_ahead_uses_no_state_up_and_sets_nothing() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let cookies = w.cookie_line();
    let target = url.strip_prefix(APP).unwrap();
    let over = format!(
        "/oauth2/callback?over=callback.expired&of={}",
        state_of(&url)
    );
    for ahead in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
        ("x-purpose", "preview"),
    ] {
        for (target, cookies) in [(target, &*cookies), (target, ""), (&over, "")] {
            let headers = [NAVIGATION, &[ahead, ("cookie", cookies)]].concat();
            let answer = w.request("GET", target, &headers).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (401, ""),
                "{ahead:?}"
            );
            assert_eq!(answer.header("cache-control"), "no-store", "{ahead:?}");
            assert_eq!(answer.set_cookies(), [""; 0], "{ahead:?}");
        }
    }
    assert_eq!(w.wire.count("/token"), 0);
    assert_eq!(w.deliver(&url).await.header("location"), "/me");
}

#[tokio::test]
async fn only_a_tab_begins_a_login_anew() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let target = url.strip_prefix(APP).unwrap();
    for (headers, begins) in [
        (NAVIGATION, true),
        (&[("accept", "*/*")][..], true),
        (
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
            false,
        ),
        (
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
            false,
        ),
        (
            &[
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
                ("accept", "text/html"),
            ],
            false,
        ),
    ] {
        let answer = w.request("GET", target, headers).await;
        let status = if begins { 303 } else { 400 };
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(
            answer.set_cookies().len(),
            usize::from(begins),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_place_that_is_the_applications_no_more_is_not_led_to() {
    let allowing = |origin: &'static str| world_with(move |gate| gate.return_to_origin(origin));
    let mut w = allowing("https://wiki.test");
    let url = w.callback("alice", "https://wiki.test/Start").await;
    for (origin, to) in [
        ("https://wiki.test", "https://wiki.test/Start"),
        ("https://other.test", "/"),
    ] {
        // Another process, with the same keys and other settings.
        let mut later = allowing(origin);
        later.sign_in("alice", "/me").await;
        let answer = later.deliver(&url).await;
        assert_eq!((answer.status, answer.header("location")), (303, to));
    }
}

#[tokio::test(start_paused = true)]
async fn who_submits_twice_waits_for_the_first_and_is_answered_the_same() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    w.wire.hold("/token");
    let release = async {
        while w.wire.count("/token") == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        w.wire.release();
    };
    let (one, two, ()) = tokio::join!(w.deliver(&url), w.deliver(&url), release);
    assert_eq!((one.status, one.header("location")), (303, "/me"));
    assert_same(&one, &two);
    // And for a minute afterwards.
    w.advance(59);
    assert_same(&one, &w.deliver(&url).await);
    w.advance(1);
    let late = w.deliver(&url).await;
    assert!(
        late.header("location")
            .starts_with("https://id.test/authorize?")
    );
    assert_eq!(w.log.checks(), ["callback.state_replayed"]);
    assert_eq!((w.wire.count("/token"), w.sign_in_count()), (1, 1));
}

fn assert_same(one: &Answer, two: &Answer) {
    assert_eq!(
        (one.status, &one.headers, &one.body),
        (two.status, &two.headers, &two.body)
    );
}

#[tokio::test]
async fn the_answer_to_the_first_is_for_who_brings_both_the_code_and_the_cookie() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    let login = w.login_cookies().remove(0);
    let first = w.deliver(&url).await;
    let other_code = url.replace("code=", "code=x");
    for (url, cookies, check) in [
        (&url, String::new(), "callback.state_unknown"),
        (
            &url,
            format!("{}={}x", login.name, login.value),
            "callback.state_unknown",
        ),
        (
            &other_code,
            format!("{}={}", login.name, login.value),
            "callback.state_replayed",
        ),
    ] {
        w.log.clear();
        let answer = w.deliver_with(url, &cookies).await;
        assert!(
            answer
                .header("location")
                .starts_with("https://id.test/authorize?"),
            "{check}"
        );
        assert_eq!(w.log.checks(), [check]);
        let session = first.set_cookies()[0].split(';').next().unwrap().to_owned();
        assert!(
            !answer
                .set_cookies()
                .iter()
                .any(|line| line.starts_with(&session))
        );
    }
    assert_eq!(w.wire.count("/token"), 1);
}

#[tokio::test]
async fn an_answer_that_is_repeated_after_a_sign_out_signs_nobody_in() {
    for stored in [false, true] {
        let mut w = world_with(|gate| match stored {
            true => gate.store(Store::memory()),
            false => gate,
        });
        let url = w.callback("alice", "/me").await;
        let first = w.deliver(&url).await;
        let cookies = |answer: &Answer| {
            let pair = |line: &&str| line.split(';').next().unwrap().to_owned();
            let lines = answer.set_cookies();
            lines.iter().map(pair).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(w.script(&cookies(&first)).await.status, 200);
        assert_eq!(w.sign_out(&cookies(&first)).await.status, 200);
        let second = w.deliver(&url).await;
        assert_same(&first, &second);
        w.log.clear();
        assert_eq!(w.script(&cookies(&second)).await.status, 401);
        assert_eq!(w.log.checks(), ["session.ended"]);
    }
}

#[tokio::test]
async fn a_failure_is_repeated_as_that_failure() {
    let mut w = world();
    let url = w.callback("alice", "/me").await;
    w.fault(Fault::WrongNonce);
    let first = w.deliver(&url).await;
    assert_eq!(first.status, 502);
    w.provider.clear_faults();
    assert_same(&first, &w.deliver(&url).await);
    assert_eq!(
        (w.wire.count("/token"), w.log.failed_logins().len()),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_replicas_one_redeems_the_code_and_the_other_leads_on() {
    let store = Store::custom(Store::memory());
    let shared = store.clone();
    let mut w = world_with(|gate| gate.store(shared));
    let other = world_with(|gate| gate.store(store));
    let url = w.callback("alice", "/me").await;
    let login = w.cookie_line();
    let first = w.deliver(&url).await;
    assert_eq!((first.status, first.header("location")), (303, "/me"));
    // While nothing has come of the first yet for the browser, a login begins by itself.
    let second = other.deliver_with(&url, &login).await;
    assert!(
        second
            .header("location")
            .starts_with("https://id.test/authorize?")
    );
    // With what came of it, the second leads to the same place.
    let session = first.set_cookies()[0].split(';').next().unwrap();
    let third = other
        .deliver_with(&url, &format!("{login}; {session}"))
        .await;
    assert_eq!((third.status, third.header("location")), (303, "/me"));
    assert_eq!((w.wire.count("/token"), other.wire.count("/token")), (1, 0));
    assert_eq!(
        other.log.checks(),
        ["callback.state_replayed", "callback.state_replayed"]
    );
}

fn state_of(url: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    Form::parse(query.as_bytes())
        .unwrap()
        .take("state")
        .unwrap()
}
