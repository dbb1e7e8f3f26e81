//! What a proxy is answered.

use super::Forward;
use crate::{
    Gate, answer,
    core::{
        check::CheckFailed,
        forward::{Dialect, Forwarded, Subrequest},
        gate::{AnswerForm, Caller, Head, Narrow, Refusal, SessionEffect, Target, Verdict},
        login::ReturnTo,
        session::SetCookie,
        time::UnixTime,
    },
    decline::Answer,
    passing,
    ports::Boxed,
    recognise::{Look, Recognised, Seen},
    report,
    service::timed,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use std::{net::SocketAddr, sync::Arc};

/// Where nginx sends a navigation that has to sign in.
const LOGIN: HeaderName = HeaderName::from_static("x-auth-request-redirect");

/// A question of the proxy's, as it has come: no header has been taken off yet.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) target: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) peer: Option<SocketAddr>,
}

/// What a question comes to.
pub(crate) enum Reply {
    /// The answer, and the cookies that go with it.
    Now(Answer, Vec<SetCookie>),
    /// What it takes to know whose it is is fetched first.
    Later(Boxed<'static, Seen>),
}

/// Answers a question. `known` is what has been found out about whom it brings, if that took waiting.
///
/// A proxy takes every 2xx for an admission. So nothing but an admission has such a status, also not the page that leads a
/// browser here again, nor what gRPC calls a refusal.
pub(crate) fn answer(
    gate: &Gate,
    forward: &Forward,
    asked: &Asked<'_>,
    known: Option<Seen>,
    now: UnixTime,
) -> Reply {
    let span = report::span(asked.peer);
    let _entered = span.enter();
    let question = Subrequest::new(
        &forward.endpoint,
        asked.method,
        asked.target,
        asked.headers,
        asked.peer.map(|peer| peer.ip()),
    );
    let dialect = forward.proxy.dialect();
    let read = forward.proxy.read(&question).and_then(|forwarded| {
        let query = asked.target.query().unwrap_or_default();
        Ok((forwarded, demands(dialect, query)?))
    });
    match read {
        Ok((forwarded, narrow)) => decide(gate, forward, asked, &forwarded, &narrow, known, now),
        Err(failed) => Reply::Now(Answer::Now(refused(gate, &failed)), Vec::new()),
    }
}

/// What the proxy demands itself. That is said to `auth` alone: behind the other endpoint's path stands what the client has
/// asked for (Envoy, and Caddy unless told otherwise), so a demand there is refused rather than overlooked.
fn demands(dialect: Dialect, query: &str) -> Result<Narrow, CheckFailed> {
    match dialect {
        Dialect::Nginx => Narrow::parse(query),
        Dialect::Traefik | Dialect::Caddy if Narrow::is_named_in(query) => Err(CheckFailed::new(
            crate::core::check::Check::AuthConstraint,
            "expected demands in the rules of the gate, or in the query of its `auth` endpoint",
        )),
        Dialect::Traefik | Dialect::Caddy | Dialect::Envoy => Ok(Narrow::nothing()),
    }
}

fn decide(
    gate: &Gate,
    forward: &Forward,
    asked: &Asked<'_>,
    forwarded: &Forwarded,
    narrow: &Narrow,
    known: Option<Seen>,
    now: UnixTime,
) -> Reply {
    let policy = &gate.0.common.policy;
    let target = Target::Whole(&forwarded.target);
    let head = Head::new(&forwarded.method, target, asked.headers);
    let head = match &gate.0.common.proxies {
        Some(proxies) if policy.asks_for_client() => {
            head.client(proxies.client(asked.peer.map(|peer| peer.ip()), asked.headers))
        }
        // The peer is the proxy. Where the client is, only the proxy could say.
        _ => head,
    };
    let route = policy.route_forwarded(&head, narrow);
    let sessions = gate.0.sessions.as_ref();
    let brought = gate.brought(asked.headers);
    let look = match known {
        Some(seen) => gate.seen(seen, brought, now),
        None => gate.look(&route, brought, now),
    };
    let recognised = match look {
        Look::Now(recognised) => recognised,
        Look::Later(seen) => return Reply::Later(seen),
    };
    let decision = policy.decide_forwarded(&head, &route, narrow, recognised.credential(), now);
    let recognised = match (decision.session, recognised, sessions) {
        (SessionEffect::RefreshNow, Recognised::Session(present), Some(sessions)) => {
            return Reply::Later(sessions.refreshed(present, asked.headers));
        }
        (_, recognised, _) => recognised,
    };
    let cookies = sessions
        .map(|sessions| sessions.carry_out(decision.session, &recognised, now, asked.headers))
        .unwrap_or_default();
    let dialect = forward.proxy.dialect();
    let login = match (dialect, sessions) {
        (Dialect::Nginx, Some(sessions)) => {
            login_link(sessions, asked, forwarded, &recognised, &decision.verdict)
        }
        _ => None,
    };
    let verdict = match dialect {
        Dialect::Nginx => policy.as_status(decision.verdict),
        Dialect::Traefik | Dialect::Caddy | Dialect::Envoy => decision.verdict,
    };
    let status = match dialect {
        Dialect::Nginx => StatusCode::ACCEPTED,
        // Envoy takes no other for an admission.
        Dialect::Traefik | Dialect::Caddy | Dialect::Envoy => StatusCode::OK,
    };
    let common = &gate.0.common;
    common.metrics.decided(&verdict);
    let why = match &verdict {
        Verdict::LogIn { check, .. } => Some(*check),
        _ => None,
    };
    let is_named = !matches!(
        verdict,
        Verdict::Admit(Caller::Anonymous | Caller::Bypassed)
    );
    let who = || recognised.principal(now).filter(|_| is_named);
    let told = common.telling.about(who, why);
    let (answer, cookies) = match (verdict, sessions) {
        (Verdict::Refuse(refusal), _) if dialect == Dialect::Nginx => {
            let mut response = denied(gate, &refusal);
            if let Some(login) = login {
                response.headers_mut().insert(LOGIN, login);
            }
            (Answer::Now(response), only(cookies))
        }
        (Verdict::Admit(caller), _) => {
            let mut response = answer::empty(status);
            if let (Caller::Identified, Some(who)) = (caller, recognised.identity()) {
                let tokens = || sessions?.at_hand(&recognised, asked.headers, now);
                let said = passing::said(&forward.named, who, tokens, asked.headers);
                response.headers_mut().extend(said);
            }
            name_nobody(forward, response.headers_mut());
            (Answer::Now(response), only(cookies))
        }
        (Verdict::Refuse(refusal), _) => (Answer::Now(denied(gate, &refusal)), cookies),
        (Verdict::ComeAgain(place), _) => {
            let page = gate.0.common.answers.lead(place.as_str());
            let page = never_admitting(page, StatusCode::UNAUTHORIZED);
            (Answer::Now(page), cookies)
        }
        (verdict @ Verdict::LogIn { .. }, Some(sessions)) => {
            let to_login = log_in(
                gate,
                forward,
                sessions,
                asked,
                forwarded,
                &recognised,
                verdict,
            );
            (to_login, cookies)
        }
        // Neither is among the verdicts about what a proxy has in hand.
        (Verdict::LogIn { .. }, None) | (Verdict::Serve(_), _) => {
            (Answer::Now(answer::empty(StatusCode::FORBIDDEN)), cookies)
        }
    };
    let answer = match answer {
        Answer::Now(mut response) => {
            told.with(response.extensions_mut());
            Answer::Now(response)
        }
        Answer::Later(work) => Answer::Later(Box::pin(timed(work, common.metrics.clone(), told))),
    };
    Reply::Now(answer, cookies)
}

/// Says of what nobody has that nobody has it. Where the answer lacks a header that Caddy 2.6 is told to copy, it hands the name
/// of its placeholder to the application, which would take that for a user; Envoy leaves what the client has sent.
fn name_nobody(forward: &Forward, headers: &mut HeaderMap) {
    match forward.proxy.dialect() {
        Dialect::Nginx | Dialect::Traefik => {}
        Dialect::Caddy | Dialect::Envoy => {
            for name in forward.named.names() {
                headers.entry(name).or_insert(HeaderValue::from_static(""));
            }
        }
    }
}

/// Where nginx sends a navigation that has to sign in: a path of this application, which makes nginx encode nothing. Absent
/// where a login would not help, for whoever asks cannot be sent to one or has just come from it.
fn login_link(
    sessions: &Sessions,
    asked: &Asked<'_>,
    forwarded: &Forwarded,
    recognised: &Recognised,
    verdict: &Verdict,
) -> Option<HeaderValue> {
    let (Verdict::LogIn { step_up: None, .. } | Verdict::ComeAgain(_)) = verdict else {
        return None;
    };
    let underway = sessions.underway(asked.headers, recognised);
    sessions.landings(&underway).judge().ok()?;
    let place = sessions.place(&forwarded.target.to_string());
    let place = place.unwrap_or_else(|| sessions.home());
    HeaderValue::try_from(sessions.sign_in_path(place.as_str())).ok()
}

/// Sends a browser to the login, and back to where it wanted to go if that is a place to come back to.
fn log_in(
    gate: &Gate,
    forward: &Forward,
    sessions: &Arc<Sessions>,
    asked: &Asked<'_>,
    forwarded: &Forwarded,
    recognised: &Recognised,
    verdict: Verdict,
) -> Answer {
    let Verdict::LogIn { check, step_up, .. } = verdict else {
        return Answer::Now(answer::empty(StatusCode::FORBIDDEN));
    };
    // The host is the client's word. It becomes an address only where the configuration names it too.
    let place = forwarded
        .place(sessions.base.is_secure())
        .and_then(|address| sessions.place(&address));
    match place {
        // The application's own host, so the cookies of the login come back to it.
        Some(place) if place.as_str().starts_with('/') => {
            let verdict = Verdict::LogIn {
                check,
                return_to: place,
                step_up,
            };
            let underway = sessions.underway(asked.headers, recognised);
            let underway = underway.of(recognised.session());
            match gate.answer(&verdict, underway, asked.peer) {
                Answer::Now(response) => {
                    Answer::Now(never_admitting(response, StatusCode::UNAUTHORIZED))
                }
                Answer::Later(work) => Answer::Later(Box::pin(async move {
                    never_admitting(work.await, StatusCode::UNAUTHORIZED)
                })),
            }
        }
        // A link cannot ask for a stronger sign-in, and without it the browser would come back and be sent again.
        _ if step_up.is_some() => {
            let refusal = Refusal::new(
                check,
                "a stronger sign-in begins at the base URL's own host only",
                StatusCode::FORBIDDEN,
                AnswerForm::Page,
            );
            Answer::Now(denied(gate, &refusal))
        }
        Some(place) if forward.shares_sessions_with(place.as_str()) => {
            Answer::Now(at_home(sessions, &place))
        }
        // Whoever came back to a host that sees no session would be sent to the login for ever.
        _ => Answer::Now(at_home(sessions, &sessions.home())),
    }
}

/// To the login at the application's own host, whichever the proxy was asked by.
fn at_home(sessions: &Sessions, place: &ReturnTo) -> Response<Bytes> {
    let start = sessions.sign_in_path(place.as_str());
    answer::redirect(format!("{}{start}", sessions.base.origin()))
}

/// A refusal, whose way on leads to the application's own host.
fn denied(gate: &Gate, refusal: &Refusal) -> Response<Bytes> {
    let way_on = || match &gate.0.sessions {
        Some(sessions) => format!("{}{}", sessions.base.origin(), sessions.way_on(refusal)),
        None => String::new(),
    };
    never_admitting(
        gate.0.common.answers.refusal(refusal, way_on),
        refusal.status,
    )
}

/// What cannot be understood, or comes from somebody else.
fn refused(gate: &Gate, failed: &CheckFailed) -> Response<Bytes> {
    let (check, cause) = (failed.check(), failed.cause().to_owned());
    let refusal = Refusal::new(check, cause, check.status(), AnswerForm::Empty);
    denied(gate, &refusal)
}

fn never_admitting(mut response: Response<Bytes>, status: StatusCode) -> Response<Bytes> {
    if response.status().is_success() {
        *response.status_mut() = match status.is_success() {
            true => StatusCode::FORBIDDEN,
            false => status,
        };
    }
    response
}

/// One cookie, or none: a proxy that hands on the first of two would leave the browser with half a session, which is none.
pub(crate) fn only(cookies: Vec<SetCookie>) -> Vec<SetCookie> {
    match cookies.len() {
        1 => cookies,
        _ => Vec::new(),
    }
}
