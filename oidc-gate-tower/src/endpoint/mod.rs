//! What the gate serves itself, under its prefix.

mod auth;
mod backchannel;
mod callback;
mod frontchannel;
pub(crate) mod operations;
mod session;
mod sign_in;
mod sign_out;
mod signed_out;
mod start;
mod userinfo;

pub(crate) use callback::Submits;
pub(crate) use sign_in::page as sign_in;

use crate::{
    Gate, answer,
    core::{
        check::{Check, CheckFailed},
        gate::{AnswerForm, Endpoint, Refusal},
    },
    keeping::SessionState,
    recognise::Recognised,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, Limited};
use std::time::Duration;
use std::{net::SocketAddr, sync::Arc};

/// Serves an endpoint for a request that the policy has let through to it. `recognised` is what its cookies came to.
pub(crate) async fn serve<B>(
    gate: Gate,
    endpoint: Endpoint,
    parts: Parts,
    body: B,
    recognised: Recognised,
    peer: Option<SocketAddr>,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    match endpoint {
        Endpoint::Ping => return operations::ping(),
        Endpoint::Ready => return operations::ready(&gate).await,
        Endpoint::Metrics => return operations::metrics(&gate, peer),
        Endpoint::Userinfo => return userinfo::serve(recognised.identity()),
        Endpoint::Auth => return auth::serve(&gate, &parts, recognised).await,
        _ => {}
    }
    let Some(sessions) = gate.0.sessions.clone() else {
        return answer::empty(StatusCode::NOT_FOUND);
    };
    match endpoint {
        Endpoint::Start if parts.method == Method::POST => match small_form(body).await {
            Ok(form) => start::serve(&sessions, &parts.headers, &form, &recognised).await,
            Err(failed) => refuse(&sessions, failed.check(), failed.cause().to_owned(), None),
        },
        Endpoint::Start => {
            let query = parts.uri.query().unwrap_or_default();
            start::serve(&sessions, &parts.headers, query.as_bytes(), &recognised).await
        }
        Endpoint::Callback(_) => callback::serve(&sessions, &parts, body, recognised).await,
        Endpoint::SignOut => match small_form(body).await {
            Ok(form) => {
                let all = sessions.clone();
                let work = async move { sign_out::serve(&all, &parts, &form, &recognised).await };
                to_the_end(&sessions, work).await
            }
            Err(failed) => refuse(&sessions, failed.check(), failed.cause().to_owned(), None),
        },
        Endpoint::SignedOut => signed_out::serve(&sessions, &parts, recognised.session()),
        Endpoint::Session => {
            let state = |session| SessionState::of(session, &sessions.keeping.limits);
            session::serve(recognised.session().map(state), sessions.now())
        }
        Endpoint::SignIn => sign_in::serve(&sessions, parts.uri.query().unwrap_or_default()),
        Endpoint::BackchannelLogout => backchannel::serve(&sessions, &parts.headers, body).await,
        Endpoint::FrontchannelLogout => {
            let all = sessions.clone();
            // The page with the frame may go on as soon as it likes.
            to_the_end(
                &sessions,
                async move { frontchannel::serve(&all, &parts).await },
            )
            .await
        }
        // They are served already.
        Endpoint::Userinfo
        | Endpoint::Auth
        | Endpoint::Ping
        | Endpoint::Ready
        | Endpoint::Metrics => answer::empty(StatusCode::NOT_FOUND),
    }
}

/// Does what has to be done to its end, in a task of the gate's: the browser may have gone away meanwhile.
pub(crate) async fn to_the_end(
    sessions: &Arc<Sessions>,
    work: impl Future<Output = Response<Bytes>> + Send + 'static,
) -> Response<Bytes> {
    let done = sessions.common.tasks.spawn(work).await;
    done.unwrap_or_else(|_| {
        refuse(
            sessions,
            Check::Misuse,
            "it was broken off".to_owned(),
            None,
        )
    })
}

/// Refuses what the policy could not know to be wrong.
pub(crate) fn refuse(
    sessions: &Sessions,
    check: Check,
    cause: String,
    allow: Option<&'static str>,
) -> Response<Bytes> {
    let mut refusal = Refusal::new(check, cause, check.status(), AnswerForm::Page);
    refusal.allow = allow;
    sessions
        .common
        .answers
        .refusal(&refusal, || sessions.home().as_str().to_owned())
}

/// The most that is read of a form's body, in bytes.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// How long a form's body may take.
const MAX_FORM_TIME: Duration = Duration::from_secs(10);

async fn small_form<B>(body: B) -> Result<Bytes, CheckFailed>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    // `Limited` wants an error it can box; which it is does not matter to the answer.
    let read = Limited::new(body.map_err(|_| Unread), MAX_FORM_BYTES).collect();
    match tokio::time::timeout(MAX_FORM_TIME, read).await {
        Err(_) => Err(CheckFailed::new(
            Check::BodyLate,
            format!("expected all of it within {} s", MAX_FORM_TIME.as_secs()),
        )),
        Ok(Ok(form)) => Ok(form.to_bytes()),
        Ok(Err(error)) => {
            let cause = if error.is::<Unread>() {
                "the body broke off".to_owned()
            } else {
                format!("expected at most {MAX_FORM_BYTES} bytes")
            };
            Err(CheckFailed::new(Check::BodyTooLarge, cause))
        }
    }
}

/// The body broke off.
#[derive(Debug)]
struct Unread;

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body could not be read")
    }
}

impl std::error::Error for Unread {}
