//! The gate around a service.

use crate::{
    Anonymous, Gate, GateBody, GateFuture, OriginalTarget, PeerAddr, Principal,
    after::{After, More, Sight, Style},
    caller_info::Told,
    core::{
        gate::{Caller, Endpoint, Head, Route, SessionEffect, Verdict},
        session::SetCookie,
    },
    decline::Answer,
    endpoint,
    forward_auth::{self, Asked, Reply},
    metrics::Metrics,
    ports::Boxed,
    recognise::{Look, Recognised, Seen},
    report,
};
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response};
use http_body::Body;
use std::{
    any::Any,
    fmt,
    net::SocketAddr,
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument as _;

/// Puts the gate around a service: around the whole application, outermost but for tracing and CORS.
///
/// # Security
///
/// It has to see the target as the client sent it. Inside of a router that cuts paths off, say with
/// [`original_target`](Self::original_target) where the original is; the layer of oidc-gate-axum does.
///
/// [Headers that claim an identity](crate::core::gate::STRIPPED) are taken off every request. Trailers come with the body,
/// whose type is the application's own: whoever reads them or sends them on takes [`Gate::clean_trailers`].
#[derive(Clone)]
#[must_use]
pub struct GateLayer {
    gate: Gate,
    target: fn(&Extensions) -> OriginalTarget<'_>,
    peer: fn(&Extensions) -> Option<SocketAddr>,
    body: fn(&Gate, &mut dyn Any),
}

impl GateLayer {
    /// The layer of a gate.
    pub fn new(gate: &Gate) -> Self {
        Self {
            gate: gate.clone(),
            target: |_| OriginalTarget::Whole,
            peer: |extensions| extensions.get::<PeerAddr>().map(|peer| peer.0),
            body: |_, _| {},
        }
    }

    /// For frameworks whose nested routers cut the URI: where the original is.
    pub fn original_target(mut self, target: fn(&Extensions) -> OriginalTarget<'_>) -> Self {
        self.target = target;
        self
    }

    /// What is done to the body of a request, whatever its type is, where the gate [writes identity
    /// headers](Gate::writes_identity_headers): for frameworks whose type of body can be wrapped in place, to
    /// [clean its trailers](Gate::clean_trailers).
    pub fn request_body(mut self, clean: fn(&Gate, &mut dyn Any)) -> Self {
        self.body = clean;
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

impl<S> GateService<S> {
    /// The gate around it.
    pub fn gate(&self) -> &Gate {
        &self.layer.gate
    }
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

    fn call(&mut self, request: Request<B>) -> GateFuture<S, B> {
        self.go_on(request, None)
    }
}

/// A request that waits until it is known whose it is, and the service that is ready for it.
pub(crate) struct Held<S, B> {
    service: GateService<S>,
    request: Request<B>,
}

impl<S, B> Held<S, B>
where
    S: Service<Request<B>> + Clone,
    B: Body + Send + 'static,
    B::Data: Send,
{
    /// Goes on as if it had been known at once.
    pub(crate) fn go_on(mut self, seen: Seen) -> GateFuture<S, B> {
        self.service.go_on(self.request, Some(seen))
    }
}

/// What becomes of a request that does not go to the application yet.
enum Stay {
    /// The gate answers, and these cookies go along.
    Answer(Answer, Vec<SetCookie>),
    /// An endpoint of the gate's answers, which may read its body.
    Serve(Box<Serving>),
    /// It waits for this.
    Wait(Boxed<'static, Seen>),
}

/// What an endpoint is asked by whom.
struct Serving {
    endpoint: Endpoint,
    recognised: Recognised,
    peer: Option<SocketAddr>,
    told: Told,
    cookies: Vec<SetCookie>,
}

impl<S> GateService<S> {
    /// Decides about a request and does it. `known` is what has been found out about whom it brings, if that took waiting.
    ///
    /// Requests and answers to come are large: the one is decided about where it lies, and the other is made where it is wanted.
    #[inline(never)]
    fn go_on<B>(&mut self, mut request: Request<B>, known: Option<Seen>) -> GateFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let after = match self.layer.decide(&mut request, known) {
            ControlFlow::Continue(after) => after,
            ControlFlow::Break(stay) => return self.stay(stay, request),
        };
        GateFuture::pass(self.inner.call(request), after)
    }

    #[inline(never)]
    fn stay<B>(&mut self, stay: Stay, request: Request<B>) -> GateFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        match stay {
            Stay::Answer(answer, cookies) => GateFuture::answered(answer, cookies),
            Stay::Serve(serving) => self.serve(*serving, request),
            Stay::Wait(seen) => self.wait(seen, request),
        }
    }

    fn serve<B>(&self, serving: Serving, request: Request<B>) -> GateFuture<S, B>
    where
        S: Service<Request<B>>,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let Serving {
            endpoint,
            recognised,
            peer,
            told,
            cookies,
        } = serving;
        let gate = self.layer.gate.clone();
        // Owned parts and body, never `&Request<B>`: bodies are `Send` but not `Sync`.
        let (parts, body) = request.into_parts();
        let metrics = gate.0.common.metrics.clone();
        let work = endpoint::serve(gate, endpoint, parts, body, recognised, peer);
        let work = timed(work.instrument(report::span(peer)), metrics, told);
        GateFuture::later(Box::pin(work), cookies)
    }

    /// The request waits, and the service that is ready goes along; its clone becomes ready for the next one.
    fn wait<B>(&mut self, seen: Boxed<'static, Seen>, request: Request<B>) -> GateFuture<S, B>
    where
        S: Service<Request<B>> + Clone,
    {
        let next = self.inner.clone();
        let service = Self {
            inner: std::mem::replace(&mut self.inner, next),
            layer: self.layer.clone(),
        };
        GateFuture::wait(seen, Held { service, request })
    }
}

impl GateLayer {
    /// Decides about a request, and makes it ready for the application if it is to go there. `known` is what has been found
    /// out about whom it brings, if that took waiting.
    #[inline(never)]
    fn decide<B: 'static>(
        &self,
        request: &mut Request<B>,
        known: Option<Seen>,
    ) -> ControlFlow<Stay, After> {
        let gate = &self.gate;
        let common = &gate.0.common;
        let peer = (self.peer)(request.extensions());
        let target = (self.target)(request.extensions()).of(request.uri());
        if let Some((forward, target)) = common.asked(target) {
            let now = gate.now();
            // Nothing is taken off: a question says in headers what it is about, and is handed on to nobody.
            let asked = Asked {
                method: request.method(),
                target,
                headers: request.headers(),
                peer,
            };
            return ControlFlow::Break(
                match forward_auth::answer(gate, forward, &asked, known, now) {
                    Reply::Now(answer, cookies) => Stay::Answer(answer, cookies),
                    Reply::Later(seen) => Stay::Wait(seen),
                },
            );
        }
        if known.is_none() {
            self.clean(request);
        }
        let headers = request.headers();
        let target = (self.target)(request.extensions()).of(request.uri());
        let policy = &common.policy;
        let head = Head::new(request.method(), target, headers);
        let head = match policy.asks_for_client() {
            true => head.client(common.client(peer.map(|peer| peer.ip()), headers)),
            false => head,
        };
        let route = policy.route(&head);
        if route == Route::Bypass {
            return ControlFlow::Continue(self.bypass(request.headers_mut(), peer));
        }
        let (now, sessions) = (gate.now(), gate.0.sessions.as_ref());
        let brought = gate.brought(headers);
        let carried = brought.cookies.carried();
        let look = match known {
            Some(seen) => gate.seen(seen, brought, now),
            None => gate.look(&route, brought, now),
        };
        let recognised = match look {
            Look::Now(recognised) => recognised,
            Look::Later(seen) => return ControlFlow::Break(Stay::Wait(seen)),
        };
        let decision = policy.decide(&head, &route, recognised.credential(), now);
        let recognised = match decision.session {
            SessionEffect::RefreshNow => match (recognised, sessions) {
                (Recognised::Session(present), Some(sessions)) => {
                    return ControlFlow::Break(Stay::Wait(
                        sessions.refreshed(present, request.headers()),
                    ));
                }
                (recognised, _) => recognised,
            },
            _ => recognised,
        };
        common.metrics.decided(&decision.verdict);
        let telling = common.telling;
        let cookies = sessions
            .map(|sessions| sessions.carry_out(decision.session, &recognised, now, headers))
            .unwrap_or_default();
        match decision.verdict {
            Verdict::Admit(caller) => {
                let aside =
                    sessions.and_then(|sessions| sessions.set_aside(headers, carried, &recognised));
                let style = Style::of(gate, &head);
                let unusable = recognised.unusable();
                let sight = match recognised {
                    Recognised::StoreDown => Sight::StoreDown,
                    _ => Sight::Clear,
                };
                let principal = match caller {
                    Caller::Identified => recognised.into_principal(headers, now),
                    Caller::Bypassed | Caller::Anonymous => None,
                };
                let passing = &common.passing;
                let identity = principal.as_ref().map(Principal::identity);
                let session = principal.as_ref().and_then(Principal::session).cloned();
                let tokens = || session.as_ref()?.at_hand(now);
                let said = passing.tell(identity, tokens, request.headers_mut());
                let told = telling.about(|| principal.clone(), None);
                let after = After {
                    gate: gate.clone(),
                    peer,
                    decided: now,
                    session,
                    caller,
                    sight,
                    style,
                    cache: decision.cache,
                    aside,
                    more: More::of(told, cookies, said, unusable),
                };
                if let Some(sessions) = sessions
                    && passing.keeps_own_cookies()
                {
                    sessions.names.strip(request.headers_mut(), carried);
                }
                let extensions = request.extensions_mut();
                match (caller, principal) {
                    (Caller::Bypassed, _) => {}
                    (Caller::Identified, Some(principal)) => {
                        extensions.insert(principal);
                    }
                    // Nobody is identified without having been recognised; if it ever happened, nobody would be there.
                    (Caller::Anonymous, _) | (Caller::Identified, None) => {
                        extensions.insert(Anonymous::MARK);
                    }
                }
                ControlFlow::Continue(after)
            }
            Verdict::Serve(endpoint) => {
                let told = telling.about(|| recognised.principal(now), None);
                ControlFlow::Break(Stay::Serve(Box::new(Serving {
                    endpoint,
                    recognised,
                    peer,
                    told,
                    cookies,
                })))
            }
            verdict @ (Verdict::LogIn { .. } | Verdict::ComeAgain(_) | Verdict::Refuse(_)) => {
                let why = match &verdict {
                    Verdict::LogIn { check, .. } => Some(*check),
                    _ => None,
                };
                let told = telling.about(|| recognised.principal(now), why);
                let underway = sessions
                    .map(|sessions| sessions.underway(headers, &recognised))
                    .unwrap_or_default();
                let underway = match &verdict {
                    Verdict::LogIn {
                        step_up: Some(_), ..
                    } => underway.of(recognised.session()),
                    _ => underway,
                };
                let answer = match gate.answer(&verdict, underway, peer) {
                    Answer::Now(mut response) => {
                        told.with(response.extensions_mut());
                        Answer::Now(response)
                    }
                    Answer::Later(work) => {
                        Answer::Later(Box::pin(timed(work, common.metrics.clone(), told)))
                    }
                };
                ControlFlow::Break(Stay::Answer(answer, cookies))
            }
        }
    }

    /// Takes off what only the gate may put on. Done to every request, also on open and bypassed paths.
    fn clean<B>(&self, request: &mut Request<B>)
    where
        B: 'static,
    {
        let gate = &self.gate;
        gate.0.common.passing.clean(request.headers_mut());
        if gate.writes_identity_headers() {
            (self.body)(gate, request.body_mut());
        }
        if !request.extensions().is_empty() {
            request.extensions_mut().remove::<Principal>();
            request.extensions_mut().remove::<Anonymous>();
        }
    }

    /// A request on a bypassed path goes through: nobody is looked for, and no time is asked. What decides about others would
    /// say the same of it; only what holds for every request is done.
    #[inline]
    fn bypass(&self, headers: &mut HeaderMap, peer: Option<SocketAddr>) -> After {
        let gate = &self.gate;
        let common = &gate.0.common;
        common.metrics.decided(&Verdict::Admit(Caller::Bypassed));
        common.passing.tell_nothing(headers);
        if let Some(sessions) = &gate.0.sessions
            && common.passing.keeps_own_cookies()
        {
            let carried = sessions.names.read(headers).carried();
            sessions.names.strip(headers, carried);
        }
        let told = common.telling.about(|| None, None);
        After::bypassed(gate.clone(), told, peer)
    }
}

/// An answer that takes the gate time, and what is said of it.
pub(crate) async fn timed(
    work: impl Future<Output = Response<Bytes>>,
    metrics: Arc<Metrics>,
    told: Told,
) -> Response<Bytes> {
    let began = Instant::now();
    let mut response = work.await;
    metrics.answered(began.elapsed());
    told.with(response.extensions_mut());
    response
}
