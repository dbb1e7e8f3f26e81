//! Where sessions are kept: the same application, provider and user with each of the ways.

use crate::{
    redis::Redis,
    requests::{application, user},
};
use axum::{Router, body::Body};
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{COOKIE, HOST},
};
use oidc_gate_axum::{
    ClientAuth, CookieKeys, Gate, GateExt as _, GateService, Protected, Provider, SignOut, Store,
    UnixTime,
    core::grant::{RefreshPolicy, Rotation},
    dev::DevProvider,
    testing::{Browser, ManualClock},
};
use std::{fmt, future::poll_fn, time::Duration};
use tokio::{runtime::Runtime, task::JoinSet};
use tower_service::Service as _;

const APP: &str = "http://localhost";
/// All worlds have the same: a list that another key has sealed is not read, and one Redis serves several.
const COOKIE_KEY: &str = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=";
const ISSUER: &str = "https://id.test";
const START: UnixTime = UnixTime::from_secs(1_700_000_000);
const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// A way to keep sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In cookies; this process's memory coordinates.
    Cookies,
    /// In this process's memory.
    Memory,
    /// In Redis.
    Redis,
    /// In Redis, and what was loaded is believed for a minute.
    CachedRedis,
    /// In cookies; Redis coordinates.
    CookiesAndRedis,
}

impl Way {
    /// Those that ask nobody.
    pub const IN_PROCESS: [Self; 2] = [Self::Cookies, Self::Memory];
    /// Those with a Redis.
    pub const WITH_REDIS: [Self; 3] = [Self::Redis, Self::CachedRedis, Self::CookiesAndRedis];

    /// The store of this way, if there is one to be named.
    pub(crate) fn store(self, redis: Option<&Redis>) -> Option<Store> {
        let at = || Store::redis(redis.expect("a Redis is running").url());
        match self {
            Self::Cookies => None,
            Self::Memory => Some(Store::memory()),
            Self::Redis | Self::CookiesAndRedis => Some(at()),
            Self::CachedRedis => Some(at().local_cache(Duration::from_secs(60))),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cookies => "cookies",
            Self::Memory => "memory store",
            Self::Redis => "Redis store",
            Self::CachedRedis => "Redis store, local cache",
            Self::CookiesAndRedis => "cookies, Redis coordinates",
        })
    }
}

/// An application behind its gate, a provider in the same process, and the clock of both. One thread does all of it.
pub struct World {
    pub(crate) runtime: Runtime,
    pub(crate) gate: Gate,
    pub(crate) service: Protected<GateService<Router>>,
    provider: DevProvider,
    clock: ManualClock,
}

impl World {
    /// One that keeps its sessions so. Access tokens live for five minutes; a refresh token is good once.
    pub fn new(way: Way, redis: Option<&Redis>) -> Self {
        let clock = ManualClock::new(START);
        let once = RefreshPolicy {
            rotation: Rotation::Always,
            grace: Duration::ZERO,
        };
        let provider = DevProvider::builder()
            .issuer(ISSUER)
            .user(user())
            .refresh_tokens(once)
            .access_token_life(TOKEN_LIFE)
            .clock(clock.clone())
            .build();
        let scopes = ["openid", "profile", "email", "offline_access"];
        let gate = Gate::builder()
            .provider(Provider::unnamed(ISSUER, "app", ClientAuth::none()).scopes(scopes))
            .dev_provider(&provider)
            .base_url(APP)
            .cookie_keys(CookieKeys::parse(COOKIE_KEY).expect("32 bytes are a key"))
            .sign_out(SignOut::Here)
            .clock(clock.clone());
        let gate = match (way, way.store(redis)) {
            (Way::CookiesAndRedis, Some(store)) => gate.coordinator(store),
            (_, Some(store)) => gate.store(store),
            (_, None) => gate,
        };
        let gate = gate.build().expect("the settings are fine");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        (runtime.block_on(gate.ready())).expect("the embedded provider answers");
        Self {
            runtime,
            service: gate.protect(application()),
            gate,
            provider,
            clock,
        }
    }

    /// Signs the user in, from the first page to the last: the `Cookie` header of the browser then.
    pub fn log_in(&self) -> HeaderValue {
        let mut browser = Browser::new()
            .clock(self.clock.clone())
            .site(ISSUER, self.provider.clone())
            .site(APP, self.service.clone());
        self.runtime.block_on(async {
            browser.get(&format!("{APP}/me")).await;
            let page = browser.sign_in_as(user().subject()).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        });
        let cookies = browser.cookies(APP);
        let pairs = (cookies.iter().filter(|cookie| cookie.path == "/"))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value));
        HeaderValue::try_from(pairs.collect::<Vec<_>>().join("; ")).expect("cookies are ASCII")
    }

    /// A request of a script's with this session. How many cookies it sets.
    pub fn request(&self, session: &HeaderValue) -> usize {
        let service = self.service.clone();
        self.runtime
            .block_on(send(service, request("/me", session)))
    }

    /// So many of them at once, and the end of all.
    pub fn at_once(&self, session: &HeaderValue, many: usize) {
        self.runtime.block_on(async {
            let mut all = JoinSet::new();
            for _ in 0..many {
                all.spawn(send(self.service.clone(), request("/me", session)));
            }
            all.join_all().await;
        });
    }

    /// Signs out whoever has this session.
    pub fn sign_out(&self, session: &HeaderValue) {
        let mut request = request(&self.gate.sign_out_path(), session);
        *request.method_mut() = Method::POST;
        let mut service = self.service.clone();
        let response = self.runtime.block_on(service.call(request));
        let status = response.map(|response| response.status());
        assert_eq!(status, Ok(StatusCode::SEE_OTHER));
    }

    /// Lets the access tokens end.
    pub fn until_tokens_end(&self) {
        self.clock.advance(TOKEN_LIFE + Duration::from_secs(1));
    }

    /// Waits for what was left to be done after the answers.
    pub fn drain(&self) {
        let drained = self.gate.drain(Duration::from_secs(10));
        (self.runtime.block_on(drained)).expect("it ends soon");
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

fn request(path: &str, session: &HeaderValue) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().expect("a path");
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    headers.insert("sec-fetch-mode", HeaderValue::from_static("cors"));
    headers.insert(COOKIE, session.clone());
    request
}

async fn send(mut service: Protected<GateService<Router>>, request: Request<Body>) -> usize {
    let ready = poll_fn(|cx| tower_service::Service::<Request<Body>>::poll_ready(&mut service, cx));
    let Ok(()) = ready.await;
    let Ok(response) = service.call(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    response
        .headers()
        .get_all(http::header::SET_COOKIE)
        .iter()
        .count()
}
