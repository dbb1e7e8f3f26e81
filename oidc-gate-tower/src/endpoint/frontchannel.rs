//! `frontchannel_logout`: the provider has ended a session, and has the browser say so in a frame of the provider's page
//! ([OpenID Connect Front-Channel Logout § 3](https://openid.net/specs/openid-connect-frontchannel-1_0.html#RPLogout)).

use crate::{
    answer,
    core::{
        check::CheckFailed,
        logout::{frame_policy, front_channel_logout},
        session::{SetCookie, coordinate::Marks},
        url::Issuer,
    },
    metrics::EndedBy,
    recognise::{Brought, Look, Recognised, Seen},
    report,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use std::sync::Arc;

/// Ends the sessions that began with the provider's session that the query names. Which those are a list says and no cookie: in
/// a frame of another site there is none. Nothing is written for a session that is not listed, so that nobody fills the store.
pub(super) async fn serve(sessions: &Arc<Sessions>, parts: &Parts) -> Response<Bytes> {
    match ended(sessions, parts).await {
        Ok(()) => {
            let mut response = framed(sessions, StatusCode::OK, PAGE).await;
            answer::set_cookies(&mut response, left_over(sessions, &parts.headers).await);
            response
        }
        Err(failed) => {
            let check = failed.check();
            report::logout_refused(&failed);
            sessions.common.metrics.refused(check);
            let mut response = framed(sessions, check.status(), "").await;
            if check.status() == StatusCode::SERVICE_UNAVAILABLE {
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            sessions.common.telling.why(&mut response, check);
            response
        }
    }
}

const PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<title>Signed out</title>\n</html>\n";

async fn ended(sessions: &Arc<Sessions>, parts: &Parts) -> Result<(), CheckFailed> {
    let query = parts.uri.query().unwrap_or_default();
    let of = front_channel_logout(query, sessions.upstream.issuer())?;
    let ended = sessions
        .log_out(&of, Marks::IfListed, EndedBy::FrontChannel)
        .await;
    report::logged_out(&of, ended.map_err(report::not_logged_out)?);
    Ok(())
}

/// Where the provider is on the same site, the browser's cookie comes along. What names a session that is over is of no use.
async fn left_over(sessions: &Arc<Sessions>, headers: &HeaderMap) -> Vec<SetCookie> {
    let cookies = sessions.names.read(headers);
    let brought = Brought { headers, cookies };
    let found = match sessions.recognise(brought, sessions.now()) {
        Look::Now(found) => Seen::Session(found),
        Look::Later(seen) => seen.await,
    };
    match found {
        Seen::Session(Recognised::Expired(_)) => {
            sessions.names.clear_session(headers).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// An answer that the provider's pages may frame. It has no `X-Frame-Options`, which knows no other origin.
async fn framed(sessions: &Sessions, status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = answer::empty(status);
    let policy = policy(sessions, sessions.upstream.issuer()).await;
    let headers = response.headers_mut();
    headers.extend(policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    *response.body_mut() = Bytes::from_static(body.as_bytes());
    response
}

async fn policy(sessions: &Sessions, issuer: &Issuer) -> Option<HeaderValue> {
    // Where the provider does not answer, its issuer is all there is to know.
    let metadata = sessions.upstream.metadata().await.ok();
    let end_session = metadata
        .as_ref()
        .and_then(|known| known.end_session_endpoint());
    HeaderValue::try_from(frame_policy(issuer, end_session)).ok()
}
