//! The least that a gate can cost: one that is written by hand for these requests and can do nothing else.
//!
//! It is no product. It knows one key and one cookie, renews and revokes nothing, keeps no record, looks at no provider and
//! marks no answer. What it does is what no gate can leave out: every request has its path looked at and its identity
//! headers removed; a session is opened, checked, given to the application as a view of the opened bytes, and its cookie is
//! taken out of the request. So it is the yardstick that travels: on another machine, compare with this.

mod keep;
mod open;
mod scrub;

pub use open::Caller;

use crate::{
    measure::Operation,
    requests::{Ask, Row, SESSION, SUBJECT, bare_open},
};
use axum::{Extension, Router, body::Body, routing::get};
use http::{HeaderValue, Request, Response, StatusCode, header::COOKIE};
use keep::Recent;
use open::Key;
use pin_project_lite::pin_project;
use scrub::Scrub;
use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

const BYPASS: &str = "/assets";
const OPEN: &str = "/open";

/// Marks a request that nobody is signed in for, so that an application can tell that from a gate that is missing.
#[derive(Clone, Debug)]
struct Nobody;

/// The gate.
#[derive(Clone)]
struct Bound<S> {
    inner: S,
    key: Arc<Key>,
    scrub: Arc<Scrub>,
    recent: Option<Arc<Recent>>,
}

impl<S> Bound<S> {
    fn new(inner: S, recent: Option<Recent>) -> Self {
        Self {
            inner,
            key: Key::new().into(),
            scrub: Scrub::new().into(),
            recent: recent.map(Into::into),
        }
    }

    fn caller(&self, value: &[u8]) -> Option<Caller> {
        let Some(recent) = &self.recent else {
            return self.key.open(value);
        };
        recent.get(value).or_else(|| {
            let caller = self.key.open(value)?;
            recent.put(value, &caller);
            Some(caller)
        })
    }
}

impl<S> Service<Request<Body>> for Bound<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.scrub.clean(request.headers_mut());
        let path = request.uri().path();
        if !scrub::is_plain(path) {
            return Answer::Refused {
                status: StatusCode::BAD_REQUEST,
            };
        }
        if under(path, BYPASS) {
            return Answer::Passed {
                future: self.inner.call(request),
            };
        }
        let is_open = under(path, OPEN);
        let found = scrub::cookie(request.headers());
        let caller = found.as_ref().and_then(|found| self.caller(found.value));
        match caller {
            Some(caller) => {
                let rest = found.and_then(scrub::Found::rest);
                scrub::put_back(rest, request.headers_mut());
                request.extensions_mut().insert(caller);
            }
            None if is_open => drop(request.extensions_mut().insert(Nobody)),
            None => {
                return Answer::Refused {
                    status: StatusCode::UNAUTHORIZED,
                };
            }
        }
        Answer::Passed {
            future: self.inner.call(request),
        }
    }
}

/// Whether `path` is `prefix` or below it.
fn under(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pin_project! {
    /// The application's answer or the gate's own.
    #[project = Either]
    enum Answer<F> {
        Passed { #[pin] future: F },
        Refused { status: StatusCode },
    }
}

impl<F, E> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Either::Passed { future } => future.poll(cx),
            Either::Refused { status } => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = *status;
                Poll::Ready(Ok(response))
            }
        }
    }
}

/// Puts the caller into the request for free: the application of the bound without the bound.
#[derive(Clone)]
struct Given(Router, Caller);

impl Service<Request<Body>> for Given {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = <Router as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.extensions_mut().insert(self.1.clone());
        self.0.call(request)
    }
}

fn application() -> Router {
    async fn hello() -> &'static str {
        "hello"
    }
    async fn me(Extension(caller): Extension<Caller>) -> &'static str {
        assert_eq!(black_box(caller.subject()), SUBJECT);
        "hello"
    }
    Router::new()
        .route("/assets/app.js", get(hello))
        .route("/open", get(hello))
        .route("/me", get(me))
}

/// The rows of the bound, which are named as those of the gate are.
pub fn rows() -> Vec<Row> {
    let plain = || Bound::new(application(), None);
    let key = Key::new();
    // As many bytes as the gate seals for its user.
    let (sealed, _) = bare_open();
    let session = key.session(SUBJECT, sealed);
    let among_others = HeaderValue::try_from(format!(
        "theme=dark; {}; _ga=GA1.1.1234567890.1700000000",
        session.to_str().expect("a cookie is visible ASCII")
    ))
    .expect("a cookie is visible ASCII");
    let value = scrub::cookie(&std::iter::once((COOKIE, session.clone())).collect())
        .and_then(|found| key.open(found.value))
        .expect("it was sealed with this key");
    let given = || Given(application(), value.clone());
    let asset = || Ask::of("/assets/app.js");
    let open = || Ask::of("/open");
    let me = || Ask::of("/me").cookie(&session);
    let browser = || Ask::of("/me").browser().cookie(&among_others);
    let row = |name, gated, bare| Row { name, gated, bare };
    refuses(&session);
    vec![
        row(
            "bypassed route, 1 rule",
            asset().to(plain(), StatusCode::OK),
            asset().to(application(), StatusCode::OK),
        ),
        row(
            "open route, no credentials",
            open().to(plain(), StatusCode::OK),
            open().to(application(), StatusCode::OK),
        ),
        row(
            SESSION,
            me().to(plain(), StatusCode::OK),
            me().to(given(), StatusCode::OK),
        ),
        row(
            "cookie session, recently opened",
            me().to(
                Bound::new(application(), Some(Recent::new())),
                StatusCode::OK,
            ),
            me().to(given(), StatusCode::OK),
        ),
        row(
            "cookie session among other cookies and a browser's headers",
            browser().to(plain(), StatusCode::OK),
            browser().to(given(), StatusCode::OK),
        ),
    ]
}

/// It is a gate: whatever is not a session of its key is refused, and so is a path that can be read in two ways.
fn refuses(session: &HeaderValue) {
    let gate = || Bound::new(application(), Some(Recent::new()));
    let ask = |path, cookie: &str, status| -> Operation {
        let cookie = HeaderValue::try_from(cookie).expect("a cookie is visible ASCII");
        Ask::of(path).cookie(&cookie).to(gate(), status)
    };
    let session = session.to_str().expect("a cookie is visible ASCII");
    let mut other = session.to_owned();
    let last = other.pop();
    other.push(if last == Some('A') { 'B' } else { 'A' });
    for cookie in ["", &other, &session[1..], &session[..session.len() - 1]] {
        drop(ask("/me", cookie, StatusCode::UNAUTHORIZED));
    }
    for path in ["/assets/../me", "//me", "/me%2f", "/m%65", "/assets/./x"] {
        drop(ask(path, session, StatusCode::BAD_REQUEST));
    }
}
