//! The requests whose cost is measured.

use crate::{allocations::Allocations, measure::Operation};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use axum::{Router, body::Body, routing::get};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HOST, USER_AGENT},
};
use oidc_gate_axum::{
    AuthenticatedUser, Gate, GateExt as _, Identity, Pattern, Protected, testing,
};
use std::{
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};
use tokio::runtime::Runtime;
use tower_layer::Layer as _;
use tower_service::Service;

/// One request, with the gate and without.
#[derive(Debug)]
pub struct Row {
    /// What the request is.
    pub name: &'static str,
    /// The request through the gate.
    pub gated: Operation,
    /// The same request to the same application without a gate. What [`gated`](Self::gated) takes more is the gate's own.
    pub bare: Operation,
}

impl Row {
    /// What the gate allocates.
    pub fn own_allocations(&mut self) -> Allocations {
        self.gated.allocations() - self.bare.allocations()
    }
}

/// Every row of the table.
///
/// Each is tried once: an answer of another kind than the row is about panics.
pub fn rows() -> Vec<Row> {
    let gate = gate(1);
    let user = user();
    let session = run(testing::session(&gate, user.clone()));
    let among_others = HeaderValue::try_from(format!(
        "theme=dark; {}; _ga=GA1.1.1234567890.1700000000",
        session.to_str().expect("a cookie is visible ASCII")
    ))
    .expect("a cookie is visible ASCII");
    let gated = || gate.protect(application());
    let (opening, opened) = opening(&user);
    // An identity in the extensions, which costs nothing to find.
    let given = || testing::signed_in(user.clone()).layer(application());
    let row = |name, gated, bare| Row { name, gated, bare };
    vec![
        row(
            "bypassed route, 1 rule",
            Ask::of("/assets/app.js").to(gated(), StatusCode::OK),
            Ask::of("/assets/app.js").to(application(), StatusCode::OK),
        ),
        row(
            "bypassed route, 1,000 rules",
            Ask::of("/assets/app.js").to(self::gate(1000).protect(application()), StatusCode::OK),
            Ask::of("/assets/app.js").to(application(), StatusCode::OK),
        ),
        row(
            "open route, no credentials",
            Ask::of("/open").to(gated(), StatusCode::OK),
            Ask::of("/open").to(application(), StatusCode::OK),
        ),
        row(
            "open route, cookie session",
            Ask::of("/open/greeting")
                .cookie(&session)
                .to(gated(), StatusCode::OK),
            Ask::of("/open/greeting")
                .cookie(&session)
                .to(given(), StatusCode::OK),
        ),
        row(
            SESSION,
            Ask::of("/me").cookie(&opened).to(opening, StatusCode::OK),
            Ask::of("/me").cookie(&opened).to(given(), StatusCode::OK),
        ),
        row(
            RECENT,
            Ask::of("/me").cookie(&session).to(gated(), StatusCode::OK),
            Ask::of("/me").cookie(&session).to(given(), StatusCode::OK),
        ),
        row(
            "cookie session among other cookies and a browser's headers",
            Ask::of("/me")
                .browser()
                .cookie(&among_others)
                .to(gated(), StatusCode::OK),
            Ask::of("/me")
                .browser()
                .cookie(&among_others)
                .to(given(), StatusCode::OK),
        ),
        row(
            "navigation, nobody signed in: redirect to the provider",
            Ask::of("/me").browser().to(gated(), StatusCode::SEE_OTHER),
            Ask::of("/me").browser().for_nobody(),
        ),
        row(
            "API call, nobody signed in: 401",
            Ask::of("/me")
                .accept("application/json")
                .to(gated(), StatusCode::UNAUTHORIZED),
            Ask::of("/me").accept("application/json").for_nobody(),
        ),
    ]
}

/// The row of an identity that a cookie holds, opened each time, read by a handler.
pub const SESSION: &str = "cookie session, identity only";

/// The same of a cookie that came a moment ago: the gate as it is unless somebody sets it otherwise.
pub const RECENT: &str = "cookie session, recently opened";

/// The application behind a gate that opens each cookie each time, and a session there.
fn opening(user: &Identity) -> (Protected, HeaderValue) {
    let gate = testing::gate().remember_opened(0).build();
    let gate = gate.expect("there are no rules");
    run(gate.ready()).expect("the embedded provider answers");
    let session = run(testing::session(&gate, user.clone()));
    (gate.protect(application()), session)
}

/// The applications without a gate, for the scale of it all: one that knows nobody, and one whose every caller is the
/// same for free.
pub fn baselines() -> [(&'static str, Operation); 2] {
    let given = testing::signed_in(user()).layer(application());
    [
        (
            "bare router, making the request included",
            Ask::of("/open").to(application(), StatusCode::OK),
        ),
        (
            "router with an identity given for free, making the request included",
            Ask::of("/me").to(given, StatusCode::OK),
        ),
    ]
}

/// The limit of what a cookie session can cost: its bytes, so many, copied and opened by AES-256-GCM, and nothing else.
pub fn bare_open() -> (usize, Operation) {
    let session = run(testing::session(&gate(1), user()));
    let base64 = session.as_bytes().splitn(2, |b| *b == b'=').nth(1);
    let sealed = base64.map_or(0, |text| text.len() * 3 / 4);
    // A version and the key's id stand before the nonce, the tag after the text.
    let text = sealed - (1 + 4 + NONCE_LEN + AES_256_GCM.tag_len());
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("32 bytes are a key");
    let key = LessSafeKey::new(key);
    let nonce = || Nonce::assume_unique_for_key([9; NONCE_LEN]);
    let aad = || Aad::from(*b"identity __Host-gate-0123456789ab");
    let mut envelope = vec![b'x'; text];
    key.seal_in_place_append_tag(nonce(), aad(), &mut envelope)
        .expect("a short text can be sealed");
    let mut copy = envelope.clone();
    let open = Operation::new(move || {
        copy.copy_from_slice(&envelope);
        let opened = key.open_in_place(nonce(), aad(), &mut copy);
        black_box(opened.expect("it was sealed with this key"));
    });
    (sealed, open)
}

/// Who sends the requests.
pub const SUBJECT: &str = "3f1c2a9e-7b54-4d7e-9a55-0c6f1f6e2b11";

/// Somebody as a provider describes staff: a few fields, six groups, two more claims.
pub fn user() -> Identity {
    let groups = [
        "staff",
        "engineering",
        "platform",
        "on-call",
        "reviewers",
        "vpn",
    ];
    let user = testing::user(SUBJECT)
        .name("Alice Liddell")
        .email("alice.liddell@example.com")
        .preferred_username("alice")
        .claim("locale", "en-GB")
        .claim("department", "R&D");
    groups
        .into_iter()
        .fold(user, |user, group| user.group(group))
        .build()
}

/// A gate that knows its provider, with so many `bypass` rules.
fn gate(bypass_rules: usize) -> Gate {
    let others = (1..bypass_rules).map(|n| Pattern::prefix(format!("/assets-{n}")));
    let gate = others
        .chain([Pattern::prefix("/assets")])
        .fold(testing::gate(), |gate, pattern| gate.bypass(pattern))
        .open(Pattern::prefix("/open"))
        .build()
        .expect("the rules are fine");
    run(gate.ready()).expect("the embedded provider answers");
    gate
}

pub(crate) fn application() -> Router {
    async fn hello() -> &'static str {
        "hello"
    }
    async fn greeting(user: Option<AuthenticatedUser>) -> &'static str {
        black_box(user.as_ref().map(|user| user.subject()));
        "hello"
    }
    async fn me(user: AuthenticatedUser) -> &'static str {
        black_box(user.subject());
        "hello"
    }
    Router::new()
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/open/greeting", get(greeting))
        .route("/me", get(me))
}

/// A request to be made again and again.
#[derive(Clone)]
pub struct Ask {
    uri: Uri,
    headers: HeaderMap,
}

impl Ask {
    /// A program's `GET` of this path.
    pub fn of(path: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        headers.insert(USER_AGENT, HeaderValue::from_static("bench/1.0"));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        Self {
            uri: Uri::from_static(path),
            headers,
        }
    }

    /// With another `Accept` header.
    pub fn accept(mut self, what: &'static str) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static(what));
        self
    }

    /// With this `Cookie` header.
    pub fn cookie(mut self, cookie: &HeaderValue) -> Self {
        self.headers.insert(COOKIE, cookie.clone());
        self
    }

    /// With this `Authorization` header.
    pub fn bearer(mut self, authorization: &HeaderValue) -> Self {
        self.headers.insert(AUTHORIZATION, authorization.clone());
        self
    }

    /// With one more header.
    pub fn header(mut self, name: HeaderName, value: &HeaderValue) -> Self {
        self.headers.insert(name, value.clone());
        self
    }

    /// What Firefox sends with a navigation.
    pub fn browser(mut self) -> Self {
        const AGENT: &str =
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        const PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        self.headers
            .insert(USER_AGENT, HeaderValue::from_static(AGENT));
        self.headers.insert(ACCEPT, HeaderValue::from_static(PAGES));
        for (name, value) in [
            (ACCEPT_LANGUAGE.as_str(), "en-GB,en;q=0.5"),
            (ACCEPT_ENCODING.as_str(), "gzip, deflate, br, zstd"),
            ("connection", "keep-alive"),
            ("upgrade-insecure-requests", "1"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-user", "?1"),
            ("priority", "u=0, i"),
        ] {
            self.headers.insert(name, HeaderValue::from_static(value));
        }
        self
    }

    /// The request, made once more. Its body is whatever stands for none.
    pub fn request<B: Default>(&self) -> Request<B> {
        let mut request = Request::new(B::default());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The request sent to the service, and its answer dropped.
    ///
    /// # Panics
    ///
    /// If it is answered with another status.
    pub fn to<S>(self, service: S, expected: StatusCode) -> Operation
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + 'static,
    {
        self.to_another::<Body, _, _>(service, expected)
    }

    /// The same of a service whose bodies are another framework's.
    ///
    /// # Panics
    ///
    /// As [`to`](Self::to) does.
    pub fn to_another<B, R, S>(self, mut service: S, expected: StatusCode) -> Operation
    where
        S: Service<Request<B>, Response = Response<R>, Error = Infallible> + 'static,
        B: Default + 'static,
        R: 'static,
    {
        let status = answer(&mut service, self.request()).status();
        assert_eq!(status, expected, "{self:?}");
        Operation::new(move || {
            black_box(answer(&mut service, self.request()));
        })
    }

    /// The same, of a service that waits for something.
    pub(crate) fn waiting<S>(self, runtime: Runtime, mut service: S) -> Operation
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + 'static,
    {
        Operation::new(move || {
            let response = runtime.block_on(async {
                let Ok(()) = poll_fn(|cx| service.poll_ready(cx)).await;
                service.call(self.request()).await
            });
            let Ok(response) = response;
            assert_eq!(response.status(), StatusCode::OK, "{self:?}");
            black_box(response);
        })
    }

    /// The request made and dropped: where the gate answers itself, all else is its own.
    pub fn for_nobody(self) -> Operation {
        Operation::new(move || {
            black_box(self.request::<Body>());
        })
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET {} {:?}", self.uri, self.headers)
    }
}

/// Nothing waits here: no handler does, and the gate knows its provider.
fn answer<S, B, R>(service: &mut S, request: Request<B>) -> Response<R>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the answer is not at hand"),
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(future)
}
