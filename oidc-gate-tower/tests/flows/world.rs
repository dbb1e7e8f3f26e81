//! An application behind a gate, its provider, and a browser that knows both.

use crate::{log::Log, wire::Wire};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::Full;
use oidc_gate_tower::{
    ClientAuth, CookieKeys, Gate, GateBuilder, GateLayer, Pattern, Principal, Provider,
    ResponseMode, acr,
    core::{secret::ClientSecret, time::UnixTime},
    dev::{DevProvider, DevProviderBuilder, Fault},
    group,
    testing::{Browser, Cookie, ManualClock, Page},
};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tower::{Layer as _, ServiceExt as _};

pub(crate) const APP: &str = "https://app.test";
pub(crate) const ISSUER: &str = "https://id.test";
pub(crate) const CLIENT_SECRET: &str = "the-client's-secret/9f3a";
pub(crate) const COOKIE_SECRET: &str = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=";
pub(crate) const START: u64 = 1_700_000_000;

pub(crate) struct World {
    pub(crate) provider: DevProvider,
    pub(crate) gate: Gate,
    pub(crate) browser: Browser,
    /// The gate's and the browser's.
    pub(crate) clock: ManualClock,
    pub(crate) provider_clock: ManualClock,
    pub(crate) wire: Wire,
    pub(crate) log: Log,
    /// While it is set, callbacks are not delivered: the browser stays at their address.
    stop_at_callback: Arc<AtomicBool>,
}

/// A gate with a confidential client, an open front page, `/admin` for admins and `/vault` for strong sign-ins.
pub(crate) fn world() -> World {
    world_with(|gate| gate)
}

pub(crate) fn world_with(build: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    world_of(|provider| provider, build)
}

/// The same with more to say about the provider.
pub(crate) fn world_where(
    configure: impl FnOnce(Provider) -> Provider,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let gate = |auth| Gate::builder().provider(configure(Provider::unnamed(ISSUER, "app", auth)));
    world_from(|provider| provider, gate, build)
}

/// Where the provider hands its answers back in this mode.
pub(crate) fn world_in(mode: ResponseMode) -> World {
    world_in_with(mode, |gate| gate)
}

pub(crate) fn world_in_with(
    mode: ResponseMode,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    world_where(|provider| provider.response_mode(mode), build)
}

/// At a development provider that is described so.
pub(crate) fn world_of(
    describe: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    world_from(
        describe,
        |auth| Gate::builder().issuer(ISSUER).client("app", auth),
        build,
    )
}

/// The same with more to say about the provider on this side too.
pub(crate) fn world_at(
    describe: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder,
    configure: impl FnOnce(Provider) -> Provider,
) -> World {
    let gate = |auth| Gate::builder().provider(configure(Provider::unnamed(ISSUER, "app", auth)));
    world_from(describe, gate, |gate| gate)
}

pub(crate) fn world_from(
    describe: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder,
    begin: impl FnOnce(ClientAuth) -> GateBuilder,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let log = Log::start();
    let clock = ManualClock::new(UnixTime::from_secs(START));
    let provider_clock = ManualClock::new(UnixTime::from_secs(START));
    let provider = DevProvider::builder()
        .issuer(ISSUER)
        .demo_users()
        .client(
            "app",
            Some(ClientSecret::new(CLIENT_SECRET)),
            format!("{APP}/oauth2/callback"),
        )
        .clock(provider_clock.clone());
    let provider = describe(provider).build();
    let wire = Wire::new(provider.http_client());
    let secret = ClientSecret::new(CLIENT_SECRET);
    let auth = ClientAuth::client_secret_basic(secret);
    let gate = begin(auth)
        .base_url(APP)
        .cookie_keys(CookieKeys::parse(COOKIE_SECRET).unwrap())
        .http_client(wire.clone())
        .clock(clock.clone())
        .open(Pattern::get("/"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .require(Pattern::prefix("/vault"), acr("phr"));
    let gate = build(gate).build().unwrap();
    let stop_at_callback = Arc::new(AtomicBool::new(false));
    let mut world = World {
        browser: Browser::new(),
        provider,
        gate,
        clock,
        provider_clock,
        wire,
        log,
        stop_at_callback,
    };
    world.browser = world.another_browser();
    world
}

impl World {
    /// A browser of somebody else.
    pub(crate) fn another_browser(&self) -> Browser {
        let (gate, stop) = (self.gate.clone(), self.stop_at_callback.clone());
        let app = tower::service_fn(move |request: Request<Full<Bytes>>| {
            let (gate, stop) = (gate.clone(), stop.clone());
            async move {
                if stop.load(Ordering::SeqCst) && request.uri().path() == "/oauth2/callback" {
                    return Ok(Response::new(Full::from("not delivered")));
                }
                serve(&gate, request).await
            }
        });
        Browser::new()
            .clock(self.clock.clone())
            .site(ISSUER, self.provider.clone())
            .site(APP, app)
    }

    /// Opens a page of the application and signs in on the way.
    pub(crate) async fn sign_in(&mut self, user: &str, path: &str) -> Page {
        self.browser.get(&format!("{APP}{path}")).await;
        self.browser.sign_in_as(user).await
    }

    /// Signs in as far as the callback, which is not delivered. Its address.
    pub(crate) async fn callback(&mut self, user: &str, path: &str) -> String {
        let start = self.gate.sign_in_path(path);
        self.browser.get(&format!("{APP}{start}")).await;
        self.stop_at_the_callback(user).await
    }

    /// Signs in on the provider's page as far as the callback, which is not delivered. Its address.
    pub(crate) async fn stop_at_the_callback(&mut self, user: &str) -> String {
        self.stop_at_callback.store(true, Ordering::SeqCst);
        let page = self.browser.sign_in_as(user).await;
        self.stop_at_callback.store(false, Ordering::SeqCst);
        assert!(
            page.url.starts_with("https://app.test/oauth2/callback?"),
            "{page:?}"
        );
        page.url
    }

    /// A login that goes on with the session at the provider, as far as the callback, which is not delivered. Its address.
    pub(crate) async fn callback_of_the_same_session(&mut self, path: &str) -> String {
        let start = self.gate.sign_in_path(path);
        self.browser.get(&format!("{APP}{start}")).await;
        self.stop_at_callback.store(true, Ordering::SeqCst);
        // The page offers to continue as who is there, first of all.
        let page = self.browser.submit_form(0, &[]).await;
        self.stop_at_callback.store(false, Ordering::SeqCst);
        assert!(
            page.url.starts_with("https://app.test/oauth2/callback?"),
            "{page:?}"
        );
        page.url
    }

    /// Everything the browser holds for the application.
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        self.browser.cookies(APP)
    }

    pub(crate) fn session_cookie(&self) -> Option<Cookie> {
        self.cookies()
            .into_iter()
            .find(|c| !is_login(c) && !is_landed(c))
    }

    pub(crate) fn landed_cookie(&self) -> Option<Cookie> {
        self.cookies().into_iter().find(is_landed)
    }

    pub(crate) fn login_cookies(&self) -> Vec<Cookie> {
        self.cookies().into_iter().filter(is_login).collect()
    }

    /// Puts a cookie back, or another value in its place.
    pub(crate) fn plant(&mut self, name: &str, value: &str) {
        let line = format!("{name}={value}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
        self.browser.set_cookie(APP, &line);
    }

    /// Who the application says is there.
    pub(crate) async fn whoami(&mut self) -> String {
        let page = self.browser.fetch(&format!("{APP}/")).await;
        let who = page.body.split(' ').nth(1).unwrap();
        who.trim_end_matches(';').to_owned()
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
        self.provider_clock.advance(Duration::from_secs(secs));
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.provider.fault(fault);
    }

    /// One request straight to the gate, with these headers.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.request_with(method, path, headers, "").await
    }

    pub(crate) async fn request_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let Ok(response) = serve(&self.gate, request).await;
        let (parts, body) = response.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_bytes().into()).unwrap(),
        }
    }

    /// Brings the provider's answer to the gate, with this browser's cookies.
    pub(crate) async fn deliver(&self, url: &str) -> Answer {
        self.deliver_with(url, &self.cookie_line()).await
    }

    pub(crate) async fn deliver_with(&self, url: &str, cookies: &str) -> Answer {
        let headers = [NAVIGATION, &[("cookie", cookies)]].concat();
        let target = url.strip_prefix(APP).unwrap_or(url);
        self.request("GET", target, &headers).await
    }

    /// What this browser sends to the application.
    pub(crate) fn cookie_line(&self) -> String {
        let pair = |cookie: &Cookie| format!("{}={}", cookie.name, cookie.value);
        let pairs: Vec<_> = self.cookies().iter().map(pair).collect();
        pairs.join("; ")
    }

    /// A script's request to `/me` with this `Cookie` header.
    pub(crate) async fn script(&self, cookies: &str) -> Answer {
        let headers = [
            ("accept", "application/json"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-origin"),
            ("cookie", cookies),
        ];
        self.request("GET", "/me", &headers).await
    }

    /// A script's request to this path with this `Cookie` header.
    pub(crate) async fn fetch(&self, path: &str, cookies: &str) -> Answer {
        fetch(&self.gate, path, cookies).await
    }

    /// Signs out whoever has these cookies.
    pub(crate) async fn sign_out(&self, cookies: &str) -> Answer {
        let headers = [("sec-fetch-site", "same-origin"), ("cookie", cookies)];
        self.request("POST", "/oauth2/sign_out", &headers).await
    }

    /// The caller that a handler sees, after its answer has gone.
    pub(crate) async fn principal(&self, cookies: &str) -> Principal {
        principal(&self.gate, cookies).await
    }

    /// A navigation without cookies.
    pub(crate) async fn navigate(&self, path: &str) -> Answer {
        self.request("GET", path, NAVIGATION).await
    }
}

pub(crate) const NAVIGATION: &[(&str, &str)] = &[
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "none"),
];

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE);
        lines.iter().map(|line| line.to_str().unwrap()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A script's request with this `Cookie` header.
pub(crate) async fn fetch(gate: &Gate, path: &str, cookies: &str) -> Answer {
    let request = Request::get(path)
        .header("accept", "application/json")
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", cookies);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let Ok(response) = serve(gate, request).await;
    let (parts, body) = response.into_parts();
    let body = http_body_util::BodyExt::collect(body).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_bytes().into()).unwrap(),
    }
}

/// The caller that a handler behind this gate sees, after its answer has gone.
pub(crate) async fn principal(gate: &Gate, cookies: &str) -> Principal {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let request = Request::get("/me").header("cookie", cookies);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let keep = seen.clone();
    let app = tower::service_fn(move |request: Request<Full<Bytes>>| {
        *keep.lock().unwrap() = request.extensions().get::<Principal>().cloned();
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    });
    let app = GateLayer::new(gate).layer(app);
    let Ok(response) = app.oneshot(request).await;
    assert_eq!(response.status(), 200);
    seen.lock().unwrap().take().unwrap()
}

/// One request to the application behind its gate.
pub(crate) async fn serve(
    gate: &Gate,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = GateLayer::new(gate)
        .layer(tower::service_fn(app))
        .oneshot(request)
        .await?;
    Ok(response.map(|body| body.unify(Full::from)))
}

/// Says what was asked for, by whom, and with which cookies.
async fn app(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Some(log_in) = crate::shaping::handler(&request).await {
        return Ok(log_in.plain(Full::from("no gate")));
    }
    if let Some(response) = crate::log_out::handler(&request).await {
        return Ok(response);
    }
    if request.uri().path() == "/access-token" {
        let user = request.extensions().get::<Principal>().unwrap();
        let text = match user.access_token().await {
            Ok(token) => format!("token {}", token.expose()),
            Err(error) => error.to_string(),
        };
        return Ok(Response::new(Full::from(text)));
    }
    let who = match request.extensions().get::<Principal>() {
        Some(user) => {
            let groups: Vec<_> = user.groups().collect();
            format!(
                "{} {} <{}> in {} acr {}",
                user.subject(),
                user.display_name(),
                user.email().unwrap_or("-"),
                groups.join("+"),
                user.acr().unwrap_or("-")
            )
        }
        None => "nobody".to_owned(),
    };
    let cookies = request
        .headers()
        .get(header::COOKIE)
        .map_or("none", |value| value.to_str().unwrap());
    let text = format!("{} {who}; cookies: {cookies}", request.uri());
    Ok(Response::new(Full::from(text)))
}

/// What is kept for a minute of a login that ended well.
pub(crate) fn is_landed(cookie: &Cookie) -> bool {
    cookie.name.ends_with("-landed")
}

pub(crate) fn is_login(cookie: &Cookie) -> bool {
    cookie.name.contains("-login-")
}
