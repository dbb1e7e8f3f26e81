//! An axum application behind a gate, its provider, and a browser that knows both.

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    routing::any,
};
use http::{HeaderMap, Response, header};
use http_body_util::{BodyExt as _, Full};
use oidc_gate_axum::{
    Bearer, ClientAuth, CookieKeys, Exchange, Gate, GateBuilder, GateExt as _, HttpClient,
    Principal, Protected, Provider, TransportError, UnixTime,
    dev::{DevProvider, DevProviderBuilder, InProcess},
    testing::{Browser, ManualClock, Page},
};
use serde_json::{Map, Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tower::ServiceExt as _;

pub(crate) const APP: &str = "https://app.test";
pub(crate) const ISSUER: &str = "https://id.test";
pub(crate) const API: &str = "https://app.test/api";
pub(crate) const START: u64 = 1_700_000_000;

/// What a browser sends when a person opens a page.
pub(crate) const NAVIGATION: &[(&str, &str)] = &[
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "none"),
];

pub(crate) struct World {
    pub(crate) provider: DevProvider,
    pub(crate) gate: Gate,
    pub(crate) app: Protected,
    pub(crate) handlers: Handlers,
    pub(crate) browser: Browser,
    pub(crate) clock: ManualClock,
    pub(crate) wire: Wire,
    /// While it is set, callbacks are not delivered.
    stop_at_callback: Arc<AtomicBool>,
}

/// What the application's handlers have seen.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    calls: Arc<AtomicUsize>,
    last: Arc<Mutex<HeaderMap>>,
}

impl Handlers {
    /// A handler that counts, and says where it is and who is there.
    pub(crate) fn page(&self) -> axum::routing::MethodRouter {
        let handlers = self.clone();
        any(async move |request: Request| {
            handlers.calls.fetch_add(1, SeqCst);
            *handlers.last.lock().unwrap() = request.headers().clone();
            let who = request.extensions().get::<Principal>();
            let who = who.map_or("nobody", |user| user.subject());
            format!("{} {who}", request.uri())
        })
    }

    pub(crate) fn take_calls(&self) -> usize {
        self.calls.swap(0, SeqCst)
    }

    /// The headers that came with the last request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.last.lock().unwrap().clone()
    }
}

/// A gate with an open front page; everything else takes a login, or what `build` says.
pub(crate) fn world(build: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    world_of(|provider| provider, |provider| provider, build)
}

/// With these users beside alice (`admins`, `staff`), bob (`staff`) and carol.
pub(crate) fn world_of(
    describe: impl FnOnce(DevProviderBuilder) -> DevProviderBuilder,
    configure: impl FnOnce(Provider) -> Provider,
    build: impl FnOnce(GateBuilder) -> GateBuilder,
) -> World {
    let clock = ManualClock::new(UnixTime::from_secs(START));
    let provider = DevProvider::builder()
        .issuer(ISSUER)
        .demo_users()
        .clock(clock.clone());
    let provider = describe(provider).build();
    let wire = Wire::new(provider.http_client());
    let client = Provider::unnamed(ISSUER, "app", ClientAuth::none());
    let gate = Gate::builder()
        .provider(configure(client))
        .base_url(APP)
        .cookie_keys(CookieKeys::ephemeral())
        .http_client(wire.clone())
        .clock(clock.clone())
        .open(oidc_gate_axum::Pattern::get("/"));
    let gate = build(gate).build().unwrap();
    let handlers = Handlers::default();
    let routes = Router::new()
        .route("/", handlers.page())
        .fallback_service(handlers.page());
    let mut world = World {
        provider,
        app: gate.protect(routes),
        gate,
        handlers,
        browser: Browser::new(),
        clock,
        wire,
        stop_at_callback: Arc::default(),
    };
    world.browser = world.another_browser();
    world
}

/// A gate that takes bearer tokens for [`API`] beside sessions.
pub(crate) fn api(build: impl FnOnce(GateBuilder) -> GateBuilder) -> World {
    world(|gate| build(gate.bearer(Bearer::audience(API))))
}

/// What a good access token says.
pub(crate) fn claims() -> Map<String, Value> {
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": API, "client_id": "cli", "jti": "1",
        "iat": START, "exp": START + 600, "scope": "read",
    });
    claims.as_object().unwrap().clone()
}

impl World {
    /// The same gate around other routes.
    pub(crate) fn with_routes(mut self, routes: impl FnOnce(&Handlers) -> Router) -> Self {
        self.app = self.gate.protect(routes(&self.handlers));
        self.browser = self.another_browser();
        self
    }

    /// A browser of somebody else.
    pub(crate) fn another_browser(&self) -> Browser {
        let (app, stop) = (self.app.clone(), self.stop_at_callback.clone());
        let app = tower::service_fn(move |request: http::Request<Full<axum::body::Bytes>>| {
            let (app, stop) = (app.clone(), stop.clone());
            async move {
                if stop.load(SeqCst) && request.uri().path() == "/oauth2/callback" {
                    return Ok(Response::new(Body::from("not delivered")));
                }
                app.oneshot(request.map(Body::new)).await
            }
        });
        Browser::new()
            .clock(self.clock.clone())
            .site(ISSUER, self.provider.clone())
            .site(APP, app)
    }

    /// One request straight to the application.
    pub(crate) async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask_with(method, target, headers, Body::empty()).await
    }

    pub(crate) async fn ask_with(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[]).await
    }

    /// With a token.
    pub(crate) async fn bearer(&self, target: &str, token: &str) -> Answer {
        self.ask(
            "GET",
            target,
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await
    }

    /// As from a peer, by this connection.
    pub(crate) async fn sent_from_peer(
        &self,
        peer: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = format!("{peer}:50000").parse().unwrap();
        let request = request.extension(ConnectInfo(peer));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        self.handlers.take_calls();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.into()).unwrap(),
            calls: self.handlers.take_calls(),
        }
    }

    /// What the provider publishes there.
    pub(crate) async fn ask_provider(&self, path: &str) -> String {
        let mut browser = self.another_browser();
        browser.get(&format!("{ISSUER}{path}")).await.body
    }

    /// Opens a page of the application and signs in on the way.
    pub(crate) async fn sign_in(&mut self, user: &str, path: &str) -> Page {
        let start = self.gate.sign_in_path(path);
        self.browser.get(&format!("{APP}{start}")).await;
        self.browser.sign_in_as(user).await
    }

    /// Signs in as far as the callback, which is not delivered. Its address.
    pub(crate) async fn callback(&mut self, user: &str, path: &str) -> String {
        self.stop_at_callback.store(true, SeqCst);
        let page = self.sign_in(user, path).await;
        self.stop_at_callback.store(false, SeqCst);
        assert!(page.body == "not delivered", "{page:?}");
        page.url
    }

    /// Brings the provider's answer to the application, with this browser's cookies.
    pub(crate) async fn deliver(&self, url: &str) -> Answer {
        self.deliver_with(url, &self.cookies()).await
    }

    pub(crate) async fn deliver_with(&self, url: &str, cookies: &str) -> Answer {
        let headers = [NAVIGATION, &[("cookie", cookies)]].concat();
        self.ask("GET", url.strip_prefix(APP).unwrap(), &headers)
            .await
    }

    /// What this browser sends to the application.
    pub(crate) fn cookies(&self) -> String {
        let cookies = self.browser.cookies(APP);
        let pairs = cookies.iter().map(|c| format!("{}={}", c.name, c.value));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The session's cookie among them, as `name=value`.
    pub(crate) fn session(&self) -> Option<(String, String)> {
        let cookies = self.browser.cookies(APP).into_iter();
        let mut sessions =
            cookies.filter(|c| !c.name.contains("-login-") && !c.name.ends_with("-landed"));
        sessions.next().map(|c| (c.name, c.value))
    }

    /// Who the application says is there, for a request with these cookies.
    pub(crate) async fn who(&self, cookies: &str) -> String {
        let answer = self.ask("GET", "/", &[("cookie", cookies)]).await;
        answer.body.strip_prefix("/ ").unwrap().to_owned()
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// How often a handler of the application ran.
    pub(crate) calls: usize,
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

/// The way to the provider: counts what goes there and may change what comes back.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    provider: InProcess,
    sent: Mutex<Vec<String>>,
    tamper: Mutex<Option<Tamper>>,
}

type Tamper = Box<dyn FnMut(&str, &mut Response<Vec<u8>>) + Send>;

impl Wire {
    fn new(provider: InProcess) -> Self {
        Self(Arc::new(Inner {
            provider,
            sent: Mutex::default(),
            tamper: Mutex::default(),
        }))
    }

    /// How many requests went to this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.0
            .sent
            .lock()
            .unwrap()
            .iter()
            .filter(|sent| *sent == path)
            .count()
    }

    pub(crate) fn all(&self) -> usize {
        self.0.sent.lock().unwrap().len()
    }

    pub(crate) fn tamper(&self, tamper: impl FnMut(&str, &mut Response<Vec<u8>>) + Send + 'static) {
        *self.0.tamper.lock().unwrap() = Some(Box::new(tamper));
    }

    /// Changes the claims of every ID token, which is then signed as `sign` says.
    pub(crate) fn forge(&self, forge: impl Fn(&str) -> String + Send + 'static) {
        self.tamper(move |path, answer| {
            if path != "/token" {
                return;
            }
            let mut tokens: Map<String, Value> = serde_json::from_slice(answer.body()).unwrap();
            let forged = forge(tokens["id_token"].as_str().unwrap());
            tokens.insert("id_token".into(), forged.into());
            *answer.body_mut() = serde_json::to_vec(&tokens).unwrap();
        });
    }
}

impl HttpClient for Wire {
    async fn send(&self, exchange: Exchange) -> Result<Response<Vec<u8>>, TransportError> {
        let path = exchange.request.uri().path().to_owned();
        self.0.sent.lock().unwrap().push(path.clone());
        let mut answer = self.0.provider.send(exchange).await?;
        if let Some(tamper) = &mut *self.0.tamper.lock().unwrap() {
            tamper(&path, &mut answer);
        }
        Ok(answer)
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// As parts of tokens are written.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    for chunk in bytes.as_ref().chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..=chunk.len() {
            out.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}

/// What the part of a token says.
pub(crate) fn decoded(part: &str) -> Vec<u8> {
    let mut out = vec![];
    let (mut bits, mut have) = (0u32, 0);
    for byte in part.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte).unwrap();
        (bits, have) = (bits << 6 | digit as u32, have + 6);
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    out
}

/// The claims of a token, unchecked.
pub(crate) fn claims_of(token: &str) -> Map<String, Value> {
    serde_json::from_slice(&decoded(token.split('.').nth(1).unwrap())).unwrap()
}
