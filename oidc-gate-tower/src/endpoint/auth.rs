//! `auth`: whether whoever asks is signed in, as a status.

use crate::{
    Gate, answer,
    core::gate::{AnswerForm, Caller, Head, Narrow, Refusal, SessionEffect, Target, Verdict},
    forward_auth::only,
    recognise::{Look, Recognised},
};
use bytes::Bytes;
use http::{Response, StatusCode, request::Parts};

/// 202 for the signed-in, 401 for everybody else, and 403 for whoever does not meet what the query demands: see [`Narrow`].
/// No header says anything about the question but the credential, and nothing of it comes back. Who the caller is the answer
/// says in headers, if answers are to ([`identity_response_headers`](crate::GateBuilder::identity_response_headers)). It has no
/// body.
///
/// Where a proxy asks about a request that it has in hand, that is another question: `forward_auth`.
pub(super) async fn serve(gate: &Gate, parts: &Parts, recognised: Recognised) -> Response<Bytes> {
    let answers = &gate.0.common.answers;
    let narrow = match Narrow::parse(parts.uri.query().unwrap_or_default()) {
        Ok(narrow) => narrow,
        Err(failed) => {
            let (check, cause) = (failed.check(), failed.cause().to_owned());
            let refusal = Refusal::new(check, cause, check.status(), AnswerForm::Empty);
            return answers.refusal(&refusal, String::new);
        }
    };
    let policy = &gate.0.common.policy;
    let head = Head::new(&parts.method, Target::Whole(&parts.uri), &parts.headers);
    let route = policy.anywhere();
    let decide = |recognised: &Recognised| {
        policy.decide_forwarded(&head, &route, &narrow, recognised.credential(), gate.now())
    };
    let decision = decide(&recognised);
    let (recognised, decision) = match (decision.session, recognised, &gate.0.sessions) {
        (SessionEffect::RefreshNow, Recognised::Session(present), Some(sessions)) => {
            let seen = sessions.refreshed(present, &parts.headers).await;
            let recognised = match gate.seen(seen, gate.brought(&parts.headers), gate.now()) {
                Look::Now(recognised) => recognised,
                // What was refreshed has been found out.
                Look::Later(_) => Recognised::Nobody,
            };
            let decision = decide(&recognised);
            (recognised, decision)
        }
        (_, recognised, _) => (recognised, decision),
    };
    let mut response = match policy.as_status(decision.verdict) {
        Verdict::Admit(caller) => {
            let mut response = answer::empty(StatusCode::ACCEPTED);
            if let (Caller::Identified, Some(who)) = (caller, recognised.identity()) {
                let passing = &gate.0.common.passing;
                let sessions = gate.0.sessions.as_ref();
                let tokens = || sessions?.at_hand(&recognised, &parts.headers, gate.now());
                let said = passing.said_of(who, tokens, &parts.headers);
                response.headers_mut().extend(said);
            }
            response
        }
        Verdict::Refuse(refusal) => answers.refusal(&refusal, String::new),
        // `as_status` gives neither.
        Verdict::LogIn { .. } | Verdict::ComeAgain(_) | Verdict::Serve(_) => {
            answer::empty(StatusCode::FORBIDDEN)
        }
    };
    let (effect, now) = (decision.session, gate.now());
    let cookies = (gate.0.sessions.as_ref())
        .map(|sessions| sessions.carry_out(effect, &recognised, now, &parts.headers))
        .unwrap_or_default();
    answer::set_cookies(&mut response, only(cookies));
    response
}
