//! `callback`: the way back from the provider.

use crate::{
    Gate, answer,
    core::{
        check::{Check, CheckFailed, quote},
        flow::Entropy,
        login::{
            Answered, Asked, Callback, ConsumeState, Grant, ReturnTo, SignIn, SignedIn,
            Transaction, Use,
        },
        secret::SessionId,
        session::{Session, SetCookie},
    },
    gate::Recognised,
    ports::OsEntropy,
    report,
    upstream::Unavailable,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header::HOST, request::Parts};
use std::time::Duration;

/// Ends a login: a session and the page that was asked for, or a page that says what to do.
///
/// A session that is there stays as it is unless the login succeeds.
pub(super) async fn serve(gate: &Gate, parts: &Parts, present: Recognised) -> Response<Bytes> {
    if parts.method != Method::GET {
        let cause = "expected GET: `response_mode=form_post` was not asked for".to_owned();
        return super::refuse(gate, Check::MethodNotAllowed, cause, Some("GET"));
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let callback = match Callback::parse(query) {
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
            let mut response = answer::redirect(otherwise.as_str());
            answer::set_cookies(&mut response, clear(true));
            return response;
        }
    };
    match redeem(gate, grant, &present, parts.headers.clone()).await {
        Ok((location, cookies)) => {
            let mut response = answer::redirect(location.as_str());
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
    let cookies = gate.session_cookies(&session, now, &headers)?;
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
    let stale = matches!(
        failed.check(),
        Check::StateUnknown | Check::StateReplayed | Check::TransactionExpired
    );
    let return_to = return_to.unwrap_or_else(|| gate.home());
    let mut response = if stale && present.session().is_some() {
        let check = failed.check().id();
        tracing::info!(
            check,
            cause = failed.cause(),
            "a login that is over came again"
        );
        answer::redirect(return_to.as_str())
    } else {
        answer::login_failed(&failed, retry_after, &gate.sign_in_path(return_to.as_str()))
    };
    answer::set_cookies(&mut response, clear);
    response
}
