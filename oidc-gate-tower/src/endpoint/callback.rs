//! `callback`: the way back from the provider.

mod failed;
mod over;
mod redeem;
mod submit;

pub(crate) use self::submit::Submits;
use self::{
    failed::{Aim, Failed},
    over::{Leg, Over},
    redeem::redeem,
    submit::{Board, Ended},
};
use crate::{
    answer,
    core::{
        check::{Check, CheckFailed, quote},
        login::{Answered, Arrival, Callback, ConsumeState, Transaction, Use, is_over},
    },
    recognise::Recognised,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header::HOST, request::Parts};
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
    if parts.method == Method::GET && query.is_empty() && present.session().is_some() {
        // The bare address, out of a history or a bookmark.
        return lead(sessions, sessions.home().as_str());
    }
    let answer = match mode.arrival(&parts.method, query, &parts.headers) {
        Ok(Arrival::InQuery) => Ok(Bytes::copy_from_slice(query.as_bytes())),
        Ok(Arrival::InBody) => super::small_form(body).await,
        Ok(Arrival::Over { check, state }) => {
            let over = Over::again(sessions, check, state, &parts.headers);
            return over.respond(sessions, parts, &present, Leg::Second).await;
        }
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
        Err(failed) => return Failed::from(failed).respond(sessions, None),
    };
    let (state, declined) = (callback.state().clone(), callback.declined());
    let cookie = sessions.names.transaction(&state);
    let over = |why, return_to| Over {
        why,
        state,
        declined,
        return_to,
    };
    let (sealed, transaction) = match find(sessions, &parts.headers, &cookie) {
        Ok(found) => found,
        Err(failed) => {
            let over = over(failed, None);
            return over.respond(sessions, parts, &present, Leg::First).await;
        }
    };
    let return_to = transaction.return_to().clone();
    let consume = match callback.accept(transaction, sessions.now()) {
        Ok(consume) => consume,
        Err(failed) if is_over(failed.check()) => {
            let over = over(failed, Some(return_to));
            return over.respond(sessions, parts, &present, Leg::First).await;
        }
        Err(failed) => {
            return Failed::from(failed).respond(sessions, Some(sessions.names.clear(&cookie)));
        }
    };
    let submit = match sessions.submits.board(&answer, sealed, sessions.now()) {
        Board::First(submit, tell) => {
            let work = finish(
                sessions.clone(),
                consume,
                parts.headers.clone(),
                cookie.clone(),
            );
            // In a task that the gate owns: a state that is marked and a code that has been sent are used up, and the login
            // must not be lost because the browser's connection is.
            drop((sessions.common.tasks).spawn(async move { tell.tell(work.await) }));
            submit
        }
        // What it came with is dropped: nothing is redeemed twice.
        Board::Again(submit) => submit,
    };
    match submit.ended().await.as_deref() {
        Some(Ended::Answered(response)) => response.clone(),
        Some(Ended::Over(failed)) => {
            let over = over(failed.clone(), Some(return_to));
            over.respond(sessions, parts, &present, Leg::First).await
        }
        None => {
            let failed = CheckFailed::new(Check::Misuse, "the sign-in was broken off");
            let failed = Failed::from(failed).on_the_way_to(return_to);
            failed.respond(sessions, Some(sessions.names.clear(&cookie)))
        }
    }
}

/// The login that a state belongs to, and its cookie's value, which has opened.
fn find<'a>(
    sessions: &Arc<Sessions>,
    headers: &'a HeaderMap,
    cookie: &str,
) -> Result<(&'a [u8], Transaction), CheckFailed> {
    let mut candidates = sessions.names.find(headers, cookie).peekable();
    let found = candidates.peek().is_some();
    let keys = sessions.keys.now();
    candidates
        .find_map(|sealed| Some((sealed, Transaction::open(&keys, cookie, sealed)?)))
        .ok_or_else(|| {
            let mut cause = String::from(if found {
                "its cookie cannot be opened"
            } else {
                "no cookie of such a login came along"
            });
            cause.extend(other_host(sessions, headers));
            CheckFailed::new(Check::StateUnknown, cause)
        })
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

/// Ends the login of a state that fits, once.
async fn finish(
    sessions: Arc<Sessions>,
    consume: ConsumeState,
    headers: HeaderMap,
    cookie: String,
) -> Ended {
    let clear = || Some(sessions.names.clear(&cookie));
    let aim = Aim::of(&consume);
    let mut before = sessions.predecessors(&headers).await;
    before.extend(consume.predecessor().cloned());
    let grant = match resolve(&sessions, consume).await {
        Ok(Answered::Granted(grant)) => grant,
        Ok(Answered::NotSilently { otherwise, why }) => {
            tracing::info!(
                check = why.check().id(),
                cause = why.cause(),
                ?otherwise,
                "nobody was signed in silently"
            );
            let mut response = lead(&sessions, otherwise.as_str());
            answer::set_cookies(&mut response, clear());
            return Ended::Answered(response);
        }
        Err(failed) if is_over(failed.check()) => return Ended::Over(failed),
        Err(failed) => {
            let failed = Failed::from(failed).towards(aim);
            return Ended::Answered(failed.respond(&sessions, clear()));
        }
    };
    Ended::Answered(match redeem(&sessions, grant, before, &headers).await {
        Ok((location, cookies)) => {
            let mut response = lead(&sessions, location.as_str());
            answer::set_cookies(&mut response, cookies.into_iter().chain(clear()));
            response
        }
        // By the next one the provider knows that it has signed the user out, and asks.
        Err(failed) if failed.check() == Check::SignedOutMeanwhile => {
            return Ended::Over(failed.into_why());
        }
        Err(failed) => failed.towards(aim).respond(&sessions, clear()),
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
