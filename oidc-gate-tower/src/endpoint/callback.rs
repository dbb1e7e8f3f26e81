//! `callback`: the way back from the provider.

mod failed;
mod redeem;

use self::{
    failed::{Aim, Failed, came_again},
    redeem::redeem,
};
use crate::{
    answer,
    core::{
        check::{Check, CheckFailed, quote},
        login::{Answered, Arrival, Callback, ConsumeState, Transaction, Use},
    },
    recognise::Recognised,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, Response, header::HOST, request::Parts};
use http_body::Body;
use std::sync::Arc;

/// Ends a login: a session and the page that was asked for, or a page that says what to do.
///
/// A session that is there stays as it is unless the login succeeds.
pub(super) async fn serve<B>(
    sessions: &Arc<Sessions>,
    parts: &Parts,
    body: B,
    present: Recognised,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    let mode = sessions.upstream.registration().response_mode;
    let query = parts.uri.query().unwrap_or_default();
    let answer = match mode.arrival(&parts.method, query, &parts.headers) {
        Ok(Arrival::InQuery) => Ok(Bytes::copy_from_slice(query.as_bytes())),
        Ok(Arrival::InBody) => super::small_form(body).await,
        Ok(Arrival::Over(check)) => return came_again(sessions, check, &present),
        Err(failed) => Err(failed),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(failed) => {
            let allow = (failed.check() == Check::MethodNotAllowed).then_some(mode.method());
            return super::refuse(sessions, failed.check(), failed.cause().to_owned(), allow);
        }
    };
    let callback = match Callback::parse(&answer) {
        Ok(callback) => callback,
        Err(failed) => return Failed::from(failed).respond(sessions, &present, None),
    };
    let cookie = sessions.names.transaction(callback.state());
    let clear = |found: bool| found.then(|| sessions.names.clear(&cookie));
    let consume = match accept(sessions, &parts.headers, &cookie, callback) {
        Ok(consume) => consume,
        Err((failed, found)) => {
            return Failed::from(failed).respond(sessions, &present, clear(found));
        }
    };
    let aim = Aim::of(&consume);
    let mut before = sessions.predecessors(&parts.headers).await;
    before.extend(consume.predecessor().cloned());
    let answered = match resolve(sessions, consume).await {
        Ok(answered) => answered,
        Err(failed) => {
            let failed = Failed::from(failed).towards(aim);
            return failed.respond(sessions, &present, clear(true));
        }
    };
    let grant = match answered {
        Answered::Granted(grant) => grant,
        Answered::NotSilently { otherwise, why } => {
            tracing::info!(
                check = why.check().id(),
                cause = why.cause(),
                ?otherwise,
                "nobody was signed in silently"
            );
            let mut response = lead(sessions, otherwise.as_str());
            answer::set_cookies(&mut response, clear(true));
            return response;
        }
    };
    match redeem(sessions, grant, before, parts.headers.clone()).await {
        Ok((location, cookies)) => {
            let mut response = lead(sessions, location.as_str());
            answer::set_cookies(&mut response, cookies.into_iter().chain(clear(true)));
            response
        }
        Err(failed) => {
            let failed = failed.towards(aim);
            failed.respond(sessions, &present, clear(true))
        }
    }
}

/// Finds the login that the response belongs to and holds the two against each other. With an error comes whether a
/// cookie of that name was there.
fn accept(
    sessions: &Arc<Sessions>,
    headers: &HeaderMap,
    cookie: &str,
    callback: Callback,
) -> Result<ConsumeState, (CheckFailed, bool)> {
    let mut candidates = sessions.names.find(headers, cookie).peekable();
    let found = candidates.peek().is_some();
    let keys = sessions.keys.now();
    let transaction = candidates
        .find_map(|sealed| Transaction::open(&keys, cookie, sealed))
        .ok_or_else(|| {
            let mut cause = String::from(if found {
                "its cookie cannot be opened"
            } else {
                "no cookie of such a login came along"
            });
            cause.extend(other_host(sessions, headers));
            (CheckFailed::new(Check::StateUnknown, cause), found)
        })?;
    callback
        .accept(transaction, sessions.now())
        .map_err(|failed| (failed, true))
}

/// The usual reason for a cookie that does not come back: the browser was at another address than the one configured.
fn other_host(sessions: &Arc<Sessions>, headers: &HeaderMap) -> Option<String> {
    let origin = sessions.base.origin();
    let host = headers.get(HOST)?.to_str().ok()?;
    let same = origin
        .split_once("://")
        .is_some_and(|(_, ours)| ours.eq_ignore_ascii_case(host));
    (!same).then(|| {
        format!(
            "; the request came to {}, the base URL is {origin}",
            quote(host)
        )
    })
}

/// Marks the state as used, and says what the provider has answered.
async fn resolve(sessions: &Arc<Sessions>, consume: ConsumeState) -> Result<Answered, CheckFailed> {
    let state = consume.state().expose().as_bytes();
    let first = sessions
        .used_states
        .insert(state, consume.until(), sessions.now())
        && sessions.is_first(state, consume.until()).await?;
    consume.resolve(if first { Use::First } else { Use::Again })
}

/// Leads the browser on so that its session comes along, though another site has sent it here.
fn lead(sessions: &Arc<Sessions>, place: &str) -> Response<Bytes> {
    if sessions.names.is_strict() {
        sessions.common.answers.lead(place)
    } else {
        answer::redirect(place)
    }
}
