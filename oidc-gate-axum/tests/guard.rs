//! No spelling of a path lets a protected handler run, and nothing that a request brings along names its caller.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    routing::{any, get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use oidc_gate_axum::{
    Gate, GateExt as _, Identity, IdentityHeaders, Pattern, Principal, Protected,
    core::gate::{Clarity, STRIPPED},
    group,
    testing::{self, principal},
    tower::Anonymous,
};
use proptest::prelude::*;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tower::ServiceExt as _;

/// How often each kind of handler ran.
#[derive(Clone, Default)]
struct Ran(Arc<[AtomicUsize; 3]>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Handler {
    Open,
    Bypassed,
    Protected,
}

impl Ran {
    fn handler(&self, which: Handler) -> axum::routing::MethodRouter {
        let ran = self.0.clone();
        any(async move || {
            ran[which as usize].fetch_add(1, SeqCst);
        })
    }

    fn take(&self) -> Vec<Handler> {
        [Handler::Open, Handler::Bypassed, Handler::Protected]
            .into_iter()
            .flat_map(|which| std::iter::repeat_n(which, self.0[which as usize].swap(0, SeqCst)))
            .collect()
    }
}

/// Routes with parameters wherever a path that only looks open could end.
fn app() -> (Protected, Ran) {
    let ran = Ran::default();
    let (open, bypassed, protected) = (
        || ran.handler(Handler::Open),
        || ran.handler(Handler::Bypassed),
        || ran.handler(Handler::Protected),
    );
    let router = Router::new()
        .route("/", open())
        .route("/public", open())
        .route("/public/", open())
        .route("/public/{*rest}", open())
        .route("/public/secret", protected())
        .route("/assets", bypassed())
        .route("/assets/", bypassed())
        .route("/assets/{*rest}", bypassed())
        .route("/teams/{team}", open())
        .route("/teams/{team}/settings", protected())
        .route("/admin", protected())
        .route("/admin/{*rest}", protected())
        .route("/{tenant}/admin", protected())
        .route("/{tenant}/{*rest}", protected())
        .fallback_service(protected());
    let gate = testing::gate()
        .open(Pattern::path("/"))
        .open(Pattern::prefix("/public"))
        .bypass(Pattern::prefix("/assets"))
        .open(Pattern::path("/teams/{team}"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .require(Pattern::path("/public/secret"), group("admins"))
        .build()
        .unwrap();
    (gate.protect(router), ran)
}

async fn status(app: &Protected, request: Request) -> StatusCode {
    app.clone().oneshot(request).await.unwrap().status()
}

fn request(target: &str) -> Request {
    Request::get(target).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_path_that_means_one_thing_reaches_what_is_open() {
    let (app, ran) = app();
    for (target, handler) in [
        ("/", Handler::Open),
        ("/public", Handler::Open),
        ("/public/", Handler::Open),
        ("/public/admin", Handler::Open),
        ("/public/a/b.html?next=/admin", Handler::Open),
        ("/public/caf%C3%A9", Handler::Open),
        ("/public/a%20b", Handler::Open),
        ("/teams/blue", Handler::Open),
        ("/assets/logo.svg", Handler::Bypassed),
        ("http://localhost/public/x", Handler::Open),
    ] {
        assert_eq!(
            status(&app, request(target)).await,
            StatusCode::OK,
            "{target}"
        );
        assert_eq!(ran.take(), [handler], "{target}");
    }
}

#[tokio::test]
async fn no_spelling_of_a_path_lets_a_protected_handler_run() {
    let (app, ran) = app();
    for (target, why) in [
        ("/admin", "as it is"),
        ("/public/secret", "a restriction inside of what is open"),
        // axum routes on raw bytes: this is `/{tenant}/admin`, and decodes to what is open.
        ("/%70ublic/admin", "needless escape"),
        ("/%70%75%62%6c%69%63/admin", "needless escapes"),
        ("/publi%63/admin", "needless escape at the end"),
        ("/%61ssets/admin", "needless escape, bypass"),
        ("/public/../admin", "dot segment"),
        ("/public/..", "dot segment at the end"),
        ("/public/./admin", "dot segment"),
        ("/assets/../admin", "dot segment, bypass"),
        ("/public/%2e%2e/admin", "encoded dot segment"),
        ("/public/.%2E/admin", "half encoded dot segment"),
        ("/public%2fadmin", "encoded slash"),
        ("/public%2Fx/admin", "encoded slash"),
        ("/public/..%2fadmin", "encoded slash behind dots"),
        ("/assets/..%2f..%2fadmin", "encoded slashes behind dots"),
        ("/public%5cadmin", "encoded backslash"),
        ("/public/%252e%252e/admin", "double encoding"),
        ("/%2570ublic/admin", "double encoding"),
        ("/public/%25", "encoded percent"),
        ("//public/admin", "empty segment"),
        ("/public//admin", "empty segment"),
        ("//admin", "empty segment"),
        ("/assets//admin", "empty segment, bypass"),
        ("/public;/admin", "parameter"),
        ("/public;x=1/admin", "parameter"),
        ("/public/..;/admin", "parameter behind dots"),
        ("/admin;/public", "parameter"),
        ("/public\\admin", "backslash"),
        ("/public\\..\\admin", "backslashes and dots"),
        ("/assets\\..\\admin", "backslashes and dots, bypass"),
        ("/PUBLIC/admin", "case: the router goes by bytes"),
        ("/Public/admin", "case"),
        ("/ASSETS/admin", "case, bypass"),
        ("/ADMIN", "case of a restriction"),
        ("/admin/", "slash at the end"),
        ("/public/secret/", "slash at the end"),
        ("/public/SECRET", "case"),
        ("/public/secret.", "dot at the end"),
        ("/public/secret%20", "space at the end"),
        ("/public/secre%74", "needless escape in a restriction"),
        ("/public./admin", "dot at the end"),
        ("/public%20/admin", "space at the end"),
        ("/public%00/admin", "null"),
        ("/public/%00/../admin", "null and dots"),
        ("/public%09/admin", "control character"),
        ("/public%23/admin", "encoded fragment"),
        ("/public%3f/admin", "encoded query"),
        ("/public%zz/admin", "malformed escape"),
        ("/public%c0%afadmin", "overlong UTF-8"),
        ("/public%ff/admin", "not UTF-8"),
        ("/public2/admin", "a longer word"),
        ("/publi/admin", "a shorter word"),
        ("/teams/blue/settings", "below a parameter"),
        ("/teams/", "an empty parameter"),
        ("/teams/blue/", "slash behind a parameter"),
        ("/nope", "nothing there"),
        ("/admin?x=/public", "the query counts for nothing"),
        ("/admin?/../public", "the query counts for nothing"),
        ("http://localhost/admin", "absolute form"),
        ("http://localhost/%70ublic/admin", "absolute form"),
        ("http://public/admin", "absolute form, another host"),
        ("http://localhost/public/../admin", "absolute form, dots"),
    ] {
        assert_eq!(
            status(&app, request(target)).await,
            StatusCode::UNAUTHORIZED,
            "{target}: {why}"
        );
        assert_eq!(ran.take(), [], "{target}: {why}");
    }
}

#[tokio::test]
async fn a_target_whose_host_contradicts_the_header_satisfies_no_rule() {
    let (app, ran) = app();
    let mut contradicting = request("http://localhost/public/x");
    let headers = contradicting.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("other.test"));
    assert_eq!(status(&app, contradicting).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ran.take(), []);
}

#[tokio::test]
async fn no_header_moves_a_request_to_another_path_or_method() {
    let (app, ran) = app();
    for name in [
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-uri",
        "x-forwarded-prefix",
    ] {
        let mut dressed = request("/admin");
        dressed
            .headers_mut()
            .insert(name, HeaderValue::from_static("/public"));
        assert_eq!(
            status(&app, dressed).await,
            StatusCode::UNAUTHORIZED,
            "{name}"
        );
    }
    assert_eq!(ran.take(), []);
}

#[tokio::test]
async fn a_rule_for_one_method_opens_no_other() {
    let ran = Ran::default();
    let router = Router::new().route("/page", ran.handler(Handler::Open));
    let gate = testing::gate().open(Pattern::get("/page")).build().unwrap();
    let app = gate.protect(router);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get", "PROPFIND"] {
        let mut other = request("/page");
        *other.method_mut() = method.parse().unwrap();
        other
            .headers_mut()
            .insert("x-http-method-override", HeaderValue::from_static("GET"));
        assert_eq!(
            status(&app, other).await,
            StatusCode::UNAUTHORIZED,
            "{method}"
        );
    }
    assert_eq!(ran.take(), []);
    for method in ["GET", "HEAD"] {
        let mut open = request("/page");
        *open.method_mut() = method.parse().unwrap();
        assert_eq!(status(&app, open).await, StatusCode::OK, "{method}");
    }
}

/// Pieces that parsers disagree about, and the words of the rules.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("/".to_owned()),
        6 => prop::sample::select(vec![
            "public", "assets", "admin", "teams", "secret", "settings", "oauth2", "PUBLIC", "Admin", "x",
        ]).prop_map(str::to_owned),
        6 => prop::sample::select(vec![
            "//", ".", "..", "/../", "/./", ";", ";x=1", "\\", "%", "%2f", "%2F", "%5c", "%2e", "%2E%2e", "%252e",
            "%25", "%00", "%0a", "%20", "%23", "%3f", "%3b", "%70", "%61", "%c3%a9", "%c0%af", "%ff", "%zz", "?", "#",
            "{", "}", "*", ":", "@", "~", " ", "é", "+", "&",
        ]).prop_map(str::to_owned),
        // One character of a word in disguise.
        2 => prop::sample::select(vec!["%70ublic", "publi%63", "%61dmin", "a%64min", "asset%73", "%2fadmin"])
            .prop_map(str::to_owned),
        1 => "[!-~]{1,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the gate lets a stranger into is what axum leads to a handler that is meant for strangers.
    #[test]
    fn whoever_passes_unknown_reaches_only_what_is_open(
        pieces in prop::collection::vec(piece(), 0..7),
        origin in prop::sample::select(vec!["", "", "", "http://localhost"]),
        method in prop::sample::select(vec!["GET", "GET", "HEAD", "POST", "OPTIONS"]),
    ) {
        thread_local! {
            static APP: (Protected, Ran) = app();
            static RUNTIME: tokio::runtime::Runtime =
                tokio::runtime::Builder::new_current_thread().build().unwrap();
        }
        let target = format!("{origin}/{}", pieces.concat());
        let Ok(request) = Request::builder().method(method).uri(&target).body(Body::empty()) else {
            // Not what a server would take either.
            return Ok(());
        };
        let own = request.uri().path().starts_with("/oauth2");
        let clarity = Clarity::of(request.uri().path());
        let (status, ran) = APP.with(|(app, ran)| {
            (RUNTIME.with(|runtime| runtime.block_on(status(app, request))), ran.take())
        });
        prop_assert!(!ran.contains(&Handler::Protected), "{method} {target:?} ran a protected handler");
        // An application may have another parser behind its router: a file server, a proxy.
        prop_assert!(ran.is_empty() || clarity == Clarity::Plain, "{method} {target:?} ran: {clarity:?}");
        if !own {
            prop_assert_eq!(ran.is_empty(), status == StatusCode::UNAUTHORIZED, "{} {:?}: {}", method, target, status);
        }
    }
}

// --- what a request brings along -------------------------------------------------------------------------------------

/// An open, a bypassed and a protected route that say what they have seen.
struct Seen {
    app: Protected,
    gate: Gate,
    last: Arc<Mutex<Option<Request>>>,
}

fn seen() -> Seen {
    let last = Arc::new(Mutex::new(None));
    let slot = last.clone();
    let handler = get(async move |request: Request| {
        *slot.lock().unwrap() = Some(request);
    });
    let gate = testing::gate()
        .open(Pattern::path("/open"))
        .bypass(Pattern::path("/bypass"))
        .build()
        .unwrap();
    let router = Router::new()
        .route("/open", handler.clone())
        .route("/bypass", handler.clone())
        .route("/protected", handler);
    Seen {
        app: gate.protect(router),
        gate,
        last,
    }
}

impl Seen {
    /// The request as the handler of this path sees it.
    async fn by_handler(&self, request: Request) -> Request {
        assert_eq!(status(&self.app, request).await, StatusCode::OK);
        self.last.lock().unwrap().take().unwrap()
    }

    async fn session(&self) -> HeaderValue {
        testing::session(&self.gate, alice()).await
    }
}

fn alice() -> Identity {
    testing::user("alice").build()
}

fn mallory() -> Principal {
    principal(testing::user("mallory").group("admins").build())
}

/// Every header that could name a caller, in spellings that servers take for the same.
fn dressed() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for entry in STRIPPED {
        let name = entry.name.replace('*', "user");
        for spelling in [
            name.clone(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.replacen('-', "_", 1),
            name.to_uppercase(),
        ] {
            let name = HeaderName::from_bytes(spelling.as_bytes()).unwrap();
            headers.append(&name, HeaderValue::from_static("mallory"));
            headers.append(&name, HeaderValue::from_static("root"));
        }
    }
    headers.insert(
        header::AUTHORIZATION,
        HeaderValue::from_static("Basic eDp5"),
    );
    headers.insert("x-request-id", HeaderValue::from_static("7"));
    headers
}

#[tokio::test]
async fn identity_headers_survive_on_no_route() {
    let seen = seen();
    let session = seen.session().await;
    for path in ["/open", "/bypass", "/protected"] {
        let mut request = request(path);
        *request.headers_mut() = dressed();
        request
            .headers_mut()
            .insert(header::COOKIE, session.clone());
        let request = seen.by_handler(request).await;
        let mut left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "x-request-id"], "{path}");
    }
}

#[tokio::test]
async fn trailers_name_nobody_where_headers_do() {
    let gate = |headers| {
        let gate = testing::gate().identity_headers(headers);
        gate.bypass(Pattern::path("/bypass")).build().unwrap()
    };
    for (headers, left) in [
        (IdentityHeaders::forwarded(), ["x-checksum"].as_slice()),
        (IdentityHeaders::new(), &["x-checksum", "x_forwarded.user"]),
    ] {
        let handler = post(async |request: Request| {
            let body = request.into_body().collect().await.unwrap();
            let names = body.trailers().unwrap().keys().map(HeaderName::as_str);
            let mut names: Vec<_> = names.map(str::to_owned).collect();
            names.sort_unstable();
            Json((names, body.to_bytes().len()))
        });
        let app = gate(headers).protect(Router::new().route("/bypass", handler));
        let trailers = ["x-checksum", "x_forwarded.user"].map(|name| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static("17"))
        });
        let trailers = std::future::ready(Some(Ok(HeaderMap::from_iter(trailers))));
        let mut request = request("/bypass");
        *request.method_mut() = http::Method::POST;
        *request.body_mut() = Body::new(Body::from("data").with_trailers(trailers));
        let answer = app.oneshot(request).await.unwrap().into_body();
        let said = answer.collect().await.unwrap().to_bytes();
        let (names, bytes): (Vec<String>, usize) = serde_json::from_slice(&said).unwrap();
        assert_eq!(names, left);
        assert_eq!(bytes, 4);
    }
}

#[tokio::test]
async fn a_principal_that_comes_along_survives_on_no_route() {
    let seen = seen();
    let session = seen.session().await;
    for (path, cookie, expected) in [
        ("/open", None, None),
        ("/open", Some(&session), Some("alice")),
        ("/bypass", None, None),
        ("/bypass", Some(&session), None),
        ("/protected", Some(&session), Some("alice")),
    ] {
        let mut request = request(path);
        request.extensions_mut().insert(mallory());
        request
            .headers_mut()
            .extend(cookie.map(|cookie| (header::COOKIE, cookie.clone())));
        let request = seen.by_handler(request).await;
        let caller = request.extensions().get::<Principal>();
        assert_eq!(caller.map(|p| p.subject()), expected, "{path}");
        let anonymous = request.extensions().get::<Anonymous>().is_some();
        assert_eq!(anonymous, path == "/open" && expected.is_none(), "{path}");
    }
    let mut stranger = request("/protected");
    stranger.extensions_mut().insert(mallory());
    assert_eq!(status(&seen.app, stranger).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_mark_of_an_open_route_that_comes_along_survives_on_no_route() {
    let seen = seen();
    // Only a gate makes the mark, so one is taken from where it has put it.
    let open = seen.by_handler(request("/open")).await;
    let mark = *open.extensions().get::<Anonymous>().unwrap();
    let session = seen.session().await;
    for path in ["/bypass", "/protected"] {
        let mut request = request(path);
        request.extensions_mut().insert(mark);
        request
            .headers_mut()
            .insert(header::COOKIE, session.clone());
        let request = seen.by_handler(request).await;
        assert!(request.extensions().get::<Anonymous>().is_none(), "{path}");
    }
}

#[tokio::test]
async fn the_gates_own_endpoints_believe_nothing_that_comes_along() {
    let seen = seen();
    let mut request = request("/oauth2/userinfo");
    *request.headers_mut() = dressed();
    request.extensions_mut().insert(mallory());
    assert_eq!(status(&seen.app, request).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_gates_cookies_reach_no_handler_and_others_do() {
    let seen = seen();
    // A login that has begun leaves a cookie of its own.
    let mut start = request("/oauth2/start");
    start
        .headers_mut()
        .insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    start
        .headers_mut()
        .insert("sec-fetch-dest", HeaderValue::from_static("document"));
    let begun = seen.app.clone().oneshot(start).await.unwrap();
    let login = begun.headers()[header::SET_COOKIE].to_str().unwrap();
    let login = login.split(';').next().unwrap();
    assert!(login.contains("-login-"), "{login}");

    let session = seen.session().await;
    let session = session.to_str().unwrap();
    for path in ["/open", "/bypass", "/protected"] {
        for (sent, left) in [
            (
                vec![format!("a=1; {session}; b=2; {login}")],
                vec!["a=1; b=2"],
            ),
            (
                vec![
                    "a=1".to_owned(),
                    format!("{session}; c=\"x y\""),
                    login.to_owned(),
                ],
                vec!["a=1; c=\"x y\""],
            ),
            (vec![format!("{login}; {session}")], vec![]),
        ] {
            let mut request = request(path);
            for line in &sent {
                let line = HeaderValue::try_from(line).unwrap();
                request.headers_mut().append(header::COOKIE, line);
            }
            let request = seen.by_handler(request).await;
            let cookies: Vec<_> = request.headers().get_all(header::COOKIE).iter().collect();
            assert_eq!(cookies, left, "{path} {sent:?}");
        }
    }
}

#[tokio::test]
async fn a_bypassed_response_is_the_applications_own() {
    let gate = testing::gate()
        .bypass(Pattern::path("/bypass"))
        .build()
        .unwrap();
    let app = gate.protect(Router::new().route("/bypass", get(async || Json(1))));
    let answer = app.oneshot(request("/bypass")).await.unwrap();
    let mut names: Vec<_> = answer.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type"]);
}
