//! What becomes of a request, decided while it lies where it came in.

use super::{GateLayer, timed};
use crate::{
    Anonymous, Gate, Principal,
    after::{After, More, Sight, Style},
    caller_info::Told,
    core::{
        gate::{Caller, Endpoint, Head, Route, SessionEffect, Verdict},
        session::SetCookie,
        time::UnixTime,
    },
    decline::Answer,
    forward_auth::{self, Asked, Reply},
    ports::Boxed,
    recognise::{Look, Recognised, Seen},
};
use http::{Extensions, HeaderMap, Request};
use std::{net::SocketAddr, ops::ControlFlow};

/// What becomes of a request that does not go to the application yet.
pub(super) enum Stay {
    /// The gate answers, and these cookies go along.
    Answer(Answer, Vec<SetCookie>),
    /// An endpoint of the gate's answers, which may read its body.
    Serve(Box<Serving>),
    /// It waits for this.
    Wait(Boxed<'static, Seen>),
}

/// What an endpoint is asked by whom.
pub(super) struct Serving {
    pub(super) endpoint: Endpoint,
    pub(super) recognised: Recognised,
    pub(super) peer: Option<SocketAddr>,
    pub(super) told: Told,
    pub(super) cookies: Vec<SetCookie>,
}

impl GateLayer {
    /// Decides about a request, and makes it ready for the application if it is to go there. `known` is what has been found
    /// out about whom it brings, if that took waiting.
    // Apart from where the request is handed on, so that there is as little as can be between that and the answer to come.
    #[inline(never)]
    pub(super) fn decide<B: 'static>(
        &self,
        request: &mut Request<B>,
        known: Option<Seen>,
    ) -> ControlFlow<Stay, After> {
        let gate = &self.gate;
        let common = &gate.0.common;
        let peer = (self.peer)(request.extensions());
        let target = (self.target)(request.extensions()).of(request.uri());
        if let Some((forward, target)) = common.asked(target) {
            // Nothing is taken off: a question says in headers what it is about, and is handed on to nobody.
            let asked = Asked {
                method: request.method(),
                target,
                headers: request.headers(),
                peer,
            };
            let reply = forward_auth::answer(gate, forward, &asked, known, gate.now());
            return ControlFlow::Break(match reply {
                Reply::Now(answer, cookies) => Stay::Answer(answer, cookies),
                Reply::Later(seen) => Stay::Wait(seen),
            });
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
            return ControlFlow::Continue(bypass(gate, request.headers_mut(), peer));
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
                    let refreshed = sessions.refreshed(present, headers);
                    return ControlFlow::Break(Stay::Wait(refreshed));
                }
                (recognised, _) => recognised,
            },
            _ => recognised,
        };
        common.metrics.decided(&decision.verdict);
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
                let told = common.telling.about(|| principal.clone(), None);
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
                introduce(request.extensions_mut(), caller, principal);
                ControlFlow::Continue(after)
            }
            Verdict::Serve(endpoint) => {
                let told = common.telling.about(|| recognised.principal(now), None);
                ControlFlow::Break(Stay::Serve(Box::new(Serving {
                    endpoint,
                    recognised,
                    peer,
                    told,
                    cookies,
                })))
            }
            verdict @ (Verdict::LogIn { .. } | Verdict::ComeAgain(_) | Verdict::Refuse(_)) => {
                let answer = decline(gate, &verdict, &recognised, headers, peer, now);
                ControlFlow::Break(Stay::Answer(answer, cookies))
            }
        }
    }

    /// Takes off what only the gate may put on. Done to every request, also on open and bypassed paths.
    fn clean<B: 'static>(&self, request: &mut Request<B>) {
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
}

/// Puts the caller where the application finds it.
#[inline]
fn introduce(extensions: &mut Extensions, caller: Caller, principal: Option<Principal>) {
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
}

/// The gate's own answer to who is not admitted.
fn decline(
    gate: &Gate,
    verdict: &Verdict,
    recognised: &Recognised,
    headers: &HeaderMap,
    peer: Option<SocketAddr>,
    now: UnixTime,
) -> Answer {
    let common = &gate.0.common;
    let (why, steps_up) = match verdict {
        Verdict::LogIn { check, step_up, .. } => (Some(*check), step_up.is_some()),
        _ => (None, false),
    };
    let told = common.telling.about(|| recognised.principal(now), why);
    let underway = (gate.0.sessions.as_ref())
        .map(|sessions| sessions.underway(headers, recognised))
        .unwrap_or_default();
    let underway = match steps_up {
        true => underway.of(recognised.session()),
        false => underway,
    };
    match gate.answer(verdict, underway, peer) {
        Answer::Now(mut response) => {
            told.with(response.extensions_mut());
            Answer::Now(response)
        }
        Answer::Later(work) => Answer::Later(Box::pin(timed(work, common.metrics.clone(), told))),
    }
}

/// A request on a bypassed path goes through: nobody is looked for, and no time is asked. What decides about others would say the
/// same of it; only what holds for every request is done.
#[inline]
fn bypass(gate: &Gate, headers: &mut HeaderMap, peer: Option<SocketAddr>) -> After {
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
