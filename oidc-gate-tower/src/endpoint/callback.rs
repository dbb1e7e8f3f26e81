//! `callback`: the way back from the provider.

use crate::{
    Gate, answer,
    core::{
        check::{Check, CheckFailed, quote},
        flow::Entropy,
        login::{
            Answered, Arrival, Asked, Callback, ConsumeState, Grant, ResponseMode, ReturnTo,
            SignIn, SignedIn, Transaction, Use, is_over,
        },
        secret::SessionId,
        session::{Landings, Session, SetCookie},
    },
    ports::OsEntropy,
    recognise::Recognised,
    report,
    upstream::Unavailable,
};
use bytes::Bytes;
use http::{HeaderMap, Response, header::HOST, request::Parts};
use http_body::Body;
use std::time::Duration;

/// Ends a login: a session and the page that was asked for, or a page that says what to do.
///
/// A session that is there stays as it is unless the login succeeds.
pub(super) async fn serve<B>(
    gate: &Gate,
    parts: &Parts,
    body: B,
    present: Recognised,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    let mode = gate.0.upstream.registration().response_mode;
    let query = parts.uri.query().unwrap_or_default();
    let answer = match mode.arrival(&parts.method, query, &parts.headers) {
        Ok(Arrival::InQuery) => Ok(Bytes::copy_from_slice(query.as_bytes())),
        Ok(Arrival::InBody) => super::small_form(body).await,
        Ok(Arrival::Over(check)) => return came_again(gate, check, &present),
        Err(failed) => Err(failed),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(failed) => {
            let allow = (failed.check() == Check::MethodNotAllowed).then_some(mode.method());
            return super::refuse(gate, failed.check(), failed.cause().to_owned(), allow);
        }
    };
    let callback = match Callback::parse(&answer) {
        Ok(callback) => callback,
        Err(failed) => return over(gate, Over::now(failed), &present, None),
    };
    let cookie = gate.0.names.transaction(callback.state());
    let clear = |found: bool| found.then(|| gate.0.names.clear(&cookie));
    let consume = match accept(gate, &parts.headers, &cookie, callback) {
        Ok(consume) => consume,
        Err((failed, found)) => return over(gate, Over::now(failed), &present, clear(found)),
    };
    let return_to = consume.return_to().clone();
    let answered = match resolve(gate, consume) {
        Ok(answered) => answered,
        Err(failed) => {
            let mut failed = Over::now(failed);
            failed.return_to = Some(return_to);
            return over(gate, failed, &present, clear(true));
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
            let mut response = lead(gate, otherwise.as_str());
            answer::set_cookies(&mut response, clear(true));
            return response;
        }
    };
    match redeem(gate, grant, &present, parts.headers.clone()).await {
        Ok((location, cookies)) => {
            let mut response = lead(gate, location.as_str());
            answer::set_cookies(&mut response, cookies.into_iter().chain(clear(true)));
            response
        }
        Err(mut failed) => {
            failed.return_to = Some(return_to);
            over(gate, failed, &present, clear(true))
        }
    }
}

/// A login that is over without success.
struct Over {
    failed: CheckFailed,
    retry_after: Option<Duration>,
    return_to: Option<ReturnTo>,
}

impl Over {
    fn now(failed: CheckFailed) -> Self {
        Self {
            failed,
            retry_after: None,
            return_to: None,
        }
    }
}

impl From<CheckFailed> for Over {
    fn from(failed: CheckFailed) -> Self {
        Self::now(failed)
    }
}

impl From<Unavailable> for Over {
    fn from(Unavailable { why, retry_after }: Unavailable) -> Self {
        Self {
            failed: why,
            retry_after: Some(retry_after),
            return_to: None,
        }
    }
}

/// Finds the login that the response belongs to and holds the two against each other. With an error comes whether a
/// cookie of that name was there.
fn accept(
    gate: &Gate,
    headers: &HeaderMap,
    cookie: &str,
    callback: Callback,
) -> Result<ConsumeState, (CheckFailed, bool)> {
    let mut candidates = gate.0.names.find(headers, cookie).peekable();
    let found = candidates.peek().is_some();
    let transaction = candidates
        .find_map(|sealed| Transaction::open(&gate.0.keys, cookie, sealed))
        .ok_or_else(|| {
            let mut cause = String::from(if found {
                "its cookie cannot be opened"
            } else {
                "no cookie of such a login came along"
            });
            cause.extend(other_host(gate, headers));
            (CheckFailed::new(Check::StateUnknown, cause), found)
        })?;
    callback
        .accept(transaction, gate.now())
        .map_err(|failed| (failed, true))
}

/// The usual reason for a cookie that does not come back: the browser was at another address than the one configured.
fn other_host(gate: &Gate, headers: &HeaderMap) -> Option<String> {
    let origin = gate.0.base.origin();
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
fn resolve(gate: &Gate, consume: ConsumeState) -> Result<Answered, CheckFailed> {
    let state = consume.state().expose().as_bytes();
    let first = gate
        .0
        .used_states
        .insert(state, consume.until(), gate.now());
    consume.resolve(if first { Use::First } else { Use::Again })
}

/// Redeems the code, in a task that the gate owns: a code that has been sent is used up, and the login must not be lost
/// because the browser's connection is.
async fn redeem(
    gate: &Gate,
    grant: Box<Grant>,
    present: &Recognised,
    headers: HeaderMap,
) -> Result<(ReturnTo, Vec<SetCookie>), Over> {
    let before = present.session().cloned();
    let work = gate
        .0
        .tasks
        .spawn(sign_in(gate.clone(), grant, before, headers));
    work.await.unwrap_or_else(|_| {
        Err(CheckFailed::new(Check::Misuse, "the sign-in was broken off").into())
    })
}

async fn sign_in(
    gate: Gate,
    grant: Box<Grant>,
    before: Option<Session>,
    headers: HeaderMap,
) -> Result<(ReturnTo, Vec<SetCookie>), Over> {
    let inner = &*gate.0;
    let metadata = inner.upstream.metadata().await?;
    let (registration, rules) = (
        inner.upstream.registration().clone(),
        inner.upstream.rules().clone(),
    );
    let SignedIn {
        identity,
        provider_session,
        return_to,
        userinfo,
        ..
    } = inner
        .upstream
        .drive(SignIn::new(metadata, registration, rules, *grant))
        .await
        .inspect_err(|failed| inner.upstream.failed(failed.check()))?;
    if let Asked::Declined(why) = userinfo {
        report::userinfo_declined(&why, identity.issuer());
    }
    let mut id = [0; 32];
    OsEntropy
        .fill(&mut id)
        .map_err(|error| CheckFailed::new(Check::Randomness, error.to_string()))?;
    let now = gate.now();
    let id = SessionId::from_bytes(id);
    let session = Session::begin(
        id,
        identity,
        provider_session.as_deref(),
        &inner.limits,
        now,
    );
    // Before anything is changed: a session that does not fit into its cookies is a login that failed.
    let mut cookies = gate.session_cookies(&session, now, &headers)?;
    let landings = Landings::of(&headers, &inner.keys, &inner.names, now).and_now(now);
    cookies.push(landings.seal(&inner.keys, &inner.names)?);
    // Another user took over this browser: what is left of the one before must not come back. The same user's other
    // tabs may still be sending the old cookie, and lose nothing by it.
    if let Some(before) = before
        && !before.identity().is_same_user(session.identity())
    {
        inner.ended.insert(before.id().expose(), before.ends(), now);
    }
    tracing::info!(issuer = session.identity().issuer(), return_to = ?return_to, "a user signed in");
    Ok((return_to, cookies))
}

/// The end of a login that did not succeed.
///
/// A login that is over already, in a browser that is signed in, is the back button or a reload: the user is where they
/// wanted to be. Nothing of the present session is changed by it.
fn over(
    gate: &Gate,
    over: Over,
    present: &Recognised,
    clear: Option<SetCookie>,
) -> Response<Bytes> {
    let Over {
        failed,
        retry_after,
        return_to,
    } = over;
    let stale = is_over(failed.check());
    let return_to = return_to.unwrap_or_else(|| gate.home());
    let mut response = if stale && present.session().is_some() {
        let check = failed.check().id();
        tracing::info!(
            check,
            cause = failed.cause(),
            "a login that is over came again"
        );
        lead(gate, return_to.as_str())
    } else if let Some(again) = again(gate, failed.check()) {
        let check = failed.check().id();
        tracing::info!(
            check,
            cause = failed.cause(),
            "a login is over; the browser is asked for its session"
        );
        lead(gate, &again)
    } else {
        answer::login_failed(&failed, retry_after, &gate.sign_in_path(return_to.as_str()))
    };
    answer::set_cookies(&mut response, clear);
    response
}

/// Where a browser is led that may hold a session which did not come along: one that is kept from other sites, or from
/// their forms. It comes back to this endpoint with it, and with nothing that could be redeemed.
fn again(gate: &Gate, check: Check) -> Option<String> {
    let posted = gate.0.upstream.registration().response_mode == ResponseMode::FormPost;
    if !posted && !gate.0.names.is_strict() {
        return None;
    }
    let callback = gate.0.policy.endpoint_path(&gate.0.callback);
    Arrival::over(check).map(|query| format!("{callback}?{query}"))
}

/// The browser has come again with all its cookies. Signed in, it is led to the application; otherwise it is told what it
/// would have been told at first.
fn came_again(gate: &Gate, check: Check, present: &Recognised) -> Response<Bytes> {
    let home = gate.home();
    if present.session().is_some() {
        tracing::info!(check = check.id(), "a login that is over came again");
        return answer::redirect(home.as_str());
    }
    let cause = "the browser holds no session either; the event before this one says what came";
    let failed = CheckFailed::new(check, cause);
    answer::login_failed(&failed, None, &gate.sign_in_path(home.as_str()))
}

/// Leads the browser on so that its session comes along, though another site has sent it here.
fn lead(gate: &Gate, place: &str) -> Response<Bytes> {
    if gate.0.names.is_strict() {
        answer::lead(place)
    } else {
        answer::redirect(place)
    }
}
