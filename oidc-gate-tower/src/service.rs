//! The gate around a service.

use crate::{
    Anonymous, Demand, Gate, GateBody, NoCaller, OriginalTarget, PeerAddr, Principal, answer,
    core::{
        gate::{Cache, Caller, Head, Route, SessionEffect, Verdict, strip_identity_headers},
        session::SetCookie,
    },
    endpoint,
    gate::{Answer, Recognised},
    ports::Boxed,
};
use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};
use http_body::Body;
use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Instrument as _, Span};

/// Puts the gate around a service: around the whole application, outermost but for tracing and CORS.
///
/// # Security
///
/// It has to see the target as the client sent it. Inside of a router that cuts paths off, say with
/// [`original_target`](Self::original_target) where the original is; the layer of oidc-gate-axum does.
#[derive(Clone)]
#[must_use]
pub struct GateLayer {
    gate: Gate,
    target: fn(&Extensions) -> OriginalTarget<'_>,
    peer: fn(&Extensions) -> Option<SocketAddr>,
}

impl GateLayer {
    /// The layer of a gate.
    pub fn new(gate: &Gate) -> Self {
        Self {
            gate: gate.clone(),
            target: |_| OriginalTarget::Whole,
            peer: |extensions| extensions.get::<PeerAddr>().map(|peer| peer.0),
        }
    }

    /// For frameworks whose nested routers cut the URI: where the original is.
    pub fn original_target(mut self, target: fn(&Extensions) -> OriginalTarget<'_>) -> Self {
        self.target = target;
        self
    }

    /// Where the framework leaves the peer's address; by default [`PeerAddr`].
    pub fn peer_addr(mut self, peer: fn(&Extensions) -> Option<SocketAddr>) -> Self {
        self.peer = peer;
        self
    }
}

impl fmt::Debug for GateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateLayer")
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;
    fn layer(&self, inner: S) -> GateService<S> {
        GateService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind a gate.
#[derive(Clone)]
pub struct GateService<S> {
    inner: S,
    layer: GateLayer,
}

impl<S: fmt::Debug> fmt::Debug for GateService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    // What axum's router asks for too. A body is read at the gate's own endpoints only.
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<GateBody<R>>;
    type Error = S::Error;
    type Future = GateFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> GateFuture<S, B> {
        let gate = &self.layer.gate;
        clean(&mut request);
        let peer = (self.layer.peer)(request.extensions());
        let target = (self.layer.target)(request.extensions()).of(request.uri());
        let head = Head::new(request.method(), target, request.headers());
        let route = gate.0.policy.route(&head);
        let json = || gate.0.policy.answers_json(&head);
        let now = gate.now();

        let recognised = match route {
            Route::Bypass | Route::UnknownEndpoint => Recognised::Nobody,
            Route::Open | Route::Protected(_) | Route::Endpoint(_) => {
                gate.recognise(request.headers(), now)
            }
        };
        let decision = gate
            .0
            .policy
            .decide(&head, &route, recognised.credential(), now);
        let cookie = match (decision.session, &recognised) {
            (SessionEffect::Touch, Recognised::Session(session, _)) => {
                // A session that cannot be sealed now goes on as it is.
                gate.session_cookie(&session.touched(now), now).ok()
            }
            (SessionEffect::Clear, _) => Some(gate.clear_session_cookie()),
            // Without tokens there is nothing to refresh.
            _ => None,
        };
        match decision.verdict {
            Verdict::Admit(caller) => {
                let after = After {
                    cookie,
                    cache: decision.cache,
                    form: if json() { Form::Json } else { Form::AsAsked },
                    pending: gate.pending(request.headers()),
                    caller,
                    peer,
                    gate: gate.clone(),
                };
                gate.0.names.strip(request.headers_mut());
                match caller {
                    Caller::Bypassed => {}
                    Caller::Anonymous => drop(request.extensions_mut().insert(Anonymous::MARK)),
                    Caller::Identified => match recognised.into_principal(now) {
                        Some(principal) => drop(request.extensions_mut().insert(principal)),
                        // A caller is identified by what was recognised, so there is one.
                        None => {
                            return GateFuture::done(answer::empty(
                                StatusCode::INTERNAL_SERVER_ERROR,
                            ));
                        }
                    },
                }
                GateFuture {
                    state: State::Pass {
                        future: self.inner.call(request),
                        after,
                    },
                }
            }
            Verdict::Serve(endpoint) => {
                let gate = gate.clone();
                // Owned parts and body, never `&Request<B>`: bodies are `Send` but not `Sync`.
                let (parts, body) = request.into_parts();
                let work = endpoint::serve(gate, endpoint, parts, body);
                GateFuture::later(Box::pin(work.instrument(span(peer))), cookie)
            }
            verdict @ (Verdict::LogIn { .. } | Verdict::Refuse(_)) => {
                match answer(gate, &verdict, gate.pending(request.headers()), peer) {
                    Answer::Now(mut response) => {
                        answer::set_cookies(&mut response, cookie);
                        GateFuture::done(response)
                    }
                    Answer::Later(work) => GateFuture::later(work, cookie),
                }
            }
        }
    }
}

/// Around every event about a request that the gate answers itself: who was at the other end of the connection.
fn span(peer: Option<SocketAddr>) -> Span {
    tracing::info_span!("gate", peer = peer.map(tracing::field::display))
}

fn answer(
    gate: &Gate,
    verdict: &Verdict,
    pending: Vec<String>,
    peer: Option<SocketAddr>,
) -> Answer {
    let span = span(peer);
    match span.in_scope(|| gate.answer(verdict, pending)) {
        Answer::Later(work) => Answer::Later(Box::pin(work.instrument(span))),
        now @ Answer::Now(_) => now,
    }
}

/// Takes off what only the gate may put on. Done to every request, also on open and bypassed paths.
fn clean<B>(request: &mut Request<B>) {
    strip_identity_headers(request.headers_mut());
    if !request.extensions().is_empty() {
        request.extensions_mut().remove::<Principal>();
        request.extensions_mut().remove::<Anonymous>();
    }
}

/// What is done to the application's response.
struct After {
    gate: Gate,
    caller: Caller,
    cookie: Option<SetCookie>,
    cache: Cache,
    form: Form,
    pending: Vec<String>,
    peer: Option<SocketAddr>,
}

#[derive(Clone, Copy)]
enum Form {
    AsAsked,
    Json,
}

impl After {
    /// The answer to a refusal from inside, if the response is one. The application's own body is dropped.
    fn refused<R>(&mut self, response: &mut Response<R>) -> Option<Answer> {
        if response.extensions_mut().remove::<NoCaller>().is_some() {
            return Some(Answer::Now(self.no_caller()));
        }
        let demand = response.extensions_mut().remove::<Demand>()?;
        let asking = match self.form {
            Form::AsAsked => demand.asking,
            Form::Json => demand.asking.as_json(),
        };
        let verdict = self.gate.0.policy.answer_demand(asking, demand.demand);
        let pending = std::mem::take(&mut self.pending);
        Some(answer(&self.gate, &verdict, pending, self.peer))
    }

    fn no_caller(&self) -> Response<Bytes> {
        let (check, why) = match self.caller {
            Caller::Bypassed => (crate::core::check::Check::Bypassed, NoCaller::BYPASSED),
            Caller::Anonymous | Caller::Identified => {
                (crate::core::check::Check::NoGate, NoCaller::NO_GATE)
            }
        };
        tracing::error!(
            check = check.id(),
            cause = why,
            remedy = check.remedy(),
            "a handler takes a user where there is none"
        );
        let mut response = answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
        *response.body_mut() = Bytes::from_static(why.as_bytes());
        response
    }

    fn finish(&self, headers: &mut HeaderMap) {
        match self.cache {
            Cache::Untouched => {}
            Cache::Vary(names) => vary(headers, names),
            Cache::Private(names) => {
                vary(headers, names);
                private(headers);
            }
            Cache::NoStore => no_store(headers),
        }
        if let Some(cookie) = &self.cookie {
            // What sets a cookie must not be handed to anybody else (RFC 9111 § 7.3).
            no_store(headers);
            headers.append(SET_COOKIE, cookie.to_header());
        }
    }
}

fn vary(headers: &mut HeaderMap, names: &'static str) {
    headers.append(VARY, HeaderValue::from_static(names));
}

fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// What a signed-in user sees is that user's: unless the application has forbidden more, shared caches must not keep it.
fn private(headers: &mut HeaderMap) {
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        return;
    }
    let says = |wanted: &str| {
        headers.get_all(CACHE_CONTROL).iter().any(|line| {
            let mut directives = line.to_str().unwrap_or_default().split(',');
            directives.any(|directive| directive.trim().eq_ignore_ascii_case(wanted))
        })
    };
    if says("private") || says("no-store") {
        return;
    }
    let kept = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|directive| {
            let name = directive.split('=').next().unwrap_or_default();
            // These two speak to shared caches alone.
            !directive.is_empty()
                && !name.eq_ignore_ascii_case("public")
                && !name.eq_ignore_ascii_case("s-maxage")
        });
    let line = std::iter::once("private")
        .chain(kept)
        .collect::<Vec<_>>()
        .join(", ");
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static("private")),
    );
}

pin_project_lite::pin_project! {
    /// The answer to come. The way through to the application has no box; the gate's own work knows nothing of `S`.
    #[must_use = "futures do nothing unless polled"]
    pub struct GateFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project_lite::pin_project! {
    #[project = Projected]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        /// The application answers.
        Pass { #[pin] future: S::Future, after: After },
        /// The gate is at work on an answer of its own.
        Work { work: Boxed<'static, Response<Bytes>>, cookie: Option<SetCookie> },
        /// The gate has answered.
        Done { response: Option<Response<Bytes>> },
    }
}

impl<S: Service<Request<B>>, B> GateFuture<S, B> {
    fn done(response: Response<Bytes>) -> Self {
        Self {
            state: State::Done {
                response: Some(response),
            },
        }
    }

    fn later(work: Boxed<'static, Response<Bytes>>, cookie: Option<SetCookie>) -> Self {
        Self {
            state: State::Work { work, cookie },
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for GateFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> Future for GateFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<GateBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                Projected::Pass { future, after } => {
                    let mut response = ready!(future.poll(cx))?;
                    match after.refused(&mut response) {
                        None => {
                            after.finish(response.headers_mut());
                            return Poll::Ready(Ok(response.map(GateBody::inner)));
                        }
                        Some(Answer::Now(mut own)) => {
                            answer::set_cookies(&mut own, after.cookie.take());
                            return Poll::Ready(Ok(own.map(GateBody::own)));
                        }
                        Some(Answer::Later(work)) => {
                            let cookie = after.cookie.take();
                            this.state.set(State::Work { work, cookie });
                        }
                    }
                }
                Projected::Work { work, cookie } => {
                    let mut response = ready!(work.as_mut().poll(cx));
                    answer::set_cookies(&mut response, cookie.take());
                    return Poll::Ready(Ok(response.map(GateBody::own)));
                }
                Projected::Done { response } => {
                    // A future that was ready is not polled again; whoever does gets an empty error and no panic.
                    let response = response
                        .take()
                        .unwrap_or_else(|| answer::empty(StatusCode::INTERNAL_SERVER_ERROR));
                    return Poll::Ready(Ok(response.map(GateBody::own)));
                }
            }
        }
    }
}
