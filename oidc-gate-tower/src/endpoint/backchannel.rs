//! `backchannel_logout`: the provider has ended sessions, and says so itself
//! ([OpenID Connect Back-Channel Logout § 2.5](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest)).

use crate::{
    answer,
    core::{
        check::{Check, CheckFailed},
        flow::Entropy as _,
        logout::{
            BelieveLogout, Logout, UnverifiedLogoutToken, check_logout_request, logout_token,
        },
        session::coordinate::{Marks, UpdateError},
    },
    metrics::EndedBy,
    ports::OsEntropy,
    report,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header::RETRY_AFTER};
use http_body::Body;
use serde::Serialize;
use std::sync::Arc;

/// Ends the sessions that a logout token names, whatever cookies come along: it is the provider that calls.
///
/// 200 says that none of them lives any more, also where there was none. 400 says that the token will not be taken. 503 says that it
/// may be sent again: nobody answered who knows the provider's keys or its sessions.
pub(super) async fn serve<B>(
    sessions: &Arc<Sessions>,
    headers: &HeaderMap,
    body: B,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    match taken(sessions, headers, body).await {
        Ok(()) => answer::empty(StatusCode::OK),
        Err(failed) => refuse(sessions, &failed),
    }
}

async fn taken<B>(sessions: &Arc<Sessions>, headers: &HeaderMap, body: B) -> Result<(), CheckFailed>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    check_logout_request(headers)?;
    let token = logout_token(&super::small_form(body).await?)?;
    // What is no logout token is not worth a word to the provider.
    let token = UnverifiedLogoutToken::parse(&token)?;
    let upstream = &sessions.upstream;
    let metadata = upstream.metadata().await;
    let believe = BelieveLogout::new(
        metadata.map_err(|unavailable| unavailable.why)?,
        upstream.registration().clone(),
        upstream.rules().clone(),
        sessions.no_expiry,
        token,
    );
    let logout = upstream.drive(believe).await?;
    // From here on it is finished, whether or not the provider still waits: half a logout is none.
    let task = {
        let sessions = sessions.clone();
        async move { carry_out(&sessions, logout).await }
    };
    let done = sessions.common.tasks.spawn(task).await;
    done.unwrap_or_else(|_| Err(CheckFailed::new(Check::Misuse, "the logout was broken off")))
}

/// Looks whether the token came before, ends what it names, and remembers it: last, so that whatever fails in between, the
/// provider can send it again.
async fn carry_out(sessions: &Arc<Sessions>, logout: Logout) -> Result<(), CheckFailed> {
    let seen = sessions.surely(|| logout.look()).await;
    let logout = logout.resolve(seen.map_err(|error| not_written(&error))?)?;
    let of = logout.of();
    let ended = sessions
        .log_out(of, Marks::Always, EndedBy::BackChannel)
        .await;
    let ended = ended.map_err(report::not_logged_out)?;
    report::logged_out(of, ended);
    let mut by = [0; 16];
    OsEntropy
        .fill(&mut by)
        .map_err(|none| CheckFailed::new(Check::Randomness, none.to_string()))?;
    // Somebody else may have remembered it meanwhile, who did the same.
    match sessions.surely(|| logout.remember(by)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(not_written(&error)),
    }
}

fn not_written(error: &UpdateError) -> CheckFailed {
    match error {
        UpdateError::Failed(failed) => failed.clone(),
        _ => CheckFailed::new(
            Check::StoreUnavailable,
            "expected what is known of logouts, the store does not answer",
        ),
    }
}

/// ([Back-Channel Logout § 2.8](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse)). Which check it was helps
/// whoever runs the provider, and tells an attacker nothing that the specification does not.
#[derive(Serialize)]
struct Problem {
    error: &'static str,
    error_description: String,
}

fn refuse(sessions: &Sessions, failed: &CheckFailed) -> Response<Bytes> {
    let check = failed.check();
    report::logout_refused(failed);
    sessions.common.metrics.refused(check);
    // Whatever is wrong with others (the provider's documents, the store) may be right a moment later.
    let status = match check.status() {
        status if status.is_client_error() => status,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let problem = Problem {
        error: match status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            _ => "invalid_request",
        },
        error_description: format!("{check}: {}", check.rule()),
    };
    let mut response = answer::json(status, &problem);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    sessions.common.telling.why(&mut response, check);
    response
}
