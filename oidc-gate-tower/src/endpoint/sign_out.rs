//! `sign_out`: ends the session, here.

use crate::{
    answer,
    core::{
        check::Check,
        form::Form,
        login::ReturnTo,
        session::{Session, coordinate::Changed},
    },
    metrics::EndedBy,
    pages::{Message, PageContent, WayOn},
    report,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::REFERRER_POLICY, request::Parts};
use std::sync::Arc;

/// A POST ends the session and leads to `rd`, which is read as that of a login, or else to a page that says so; a GET asks
/// whether to. `rd` stands in the form, or where there is none in it, in the query; the question carries it from there into its
/// form.
///
/// The policy has seen to it that the request comes from this application. The session's id is remembered until the
/// session would have ended anyway, so a copy of its cookie is worth nothing.
pub(super) async fn serve(
    sessions: &Arc<Sessions>,
    parts: &Parts,
    body: &[u8],
    session: Option<&Session>,
) -> Response<Bytes> {
    if parts.method != Method::POST {
        let return_to = return_to(sessions, parts, &[]);
        return match session {
            Some(session) => question(sessions, session.identity().display_name(), return_to),
            None => signed_out(sessions, return_to),
        };
    }
    // Not only what was recognised: while the store does not answer nobody is, and whoever has a copy of the cookie could go
    // on. That is no sign-out, and the user can try again.
    match sessions.end_all(&parts.headers).await {
        Err(_) => {
            let cause = "expected the session's end to be written down, the store does not answer";
            return super::refuse(sessions, Check::StoreUnavailable, cause.to_owned(), None);
        }
        Ok(Changed::Yes) => sessions.common.metrics.session_ended(EndedBy::SignOut),
        Ok(Changed::No) => {}
    }
    if let Some(session) = session {
        let (issuer, user) = (
            session.identity().issuer(),
            report::user(session.identity()),
        );
        tracing::info!(issuer, user, "a user signed out");
    }
    let mut response = match return_to(sessions, parts, body) {
        Some(return_to) => answer::redirect(return_to.as_str()),
        // Not a page in answer to the POST: a reload should not ask whether to send the form again.
        None => answer::redirect(&sessions.sign_out_path()),
    };
    let names = &sessions.names;
    answer::set_cookies(&mut response, names.clear_session(&parts.headers));
    // Whoever signs out and in as somebody else does not go round in circles.
    let landed = names.find(&parts.headers, names.landed()).next();
    answer::set_cookies(&mut response, landed.map(|_| names.clear(names.landed())));
    response
}

/// Where to go afterwards. A form that says something that is no such place is not overruled by the query.
fn return_to(sessions: &Sessions, parts: &Parts, body: &[u8]) -> Option<ReturnTo> {
    let said = |form: &[u8]| Form::parse(form).ok()?.get("rd").map(str::to_owned);
    let query = || said(parts.uri.query().unwrap_or_default().as_bytes());
    sessions.place(&said(body).or_else(query)?)
}

fn question(sessions: &Sessions, name: &str, return_to: Option<ReturnTo>) -> Response<Bytes> {
    let way_on = WayOn::form(sessions.sign_out_path());
    let way_on = match return_to {
        Some(return_to) => way_on.with("rd", return_to.as_str()),
        None => way_on,
    };
    let page = PageContent::new(Message::SignOut, StatusCode::OK, way_on).about(name);
    let mut response = sessions.common.answers.page(&page);
    // With `no-referrer` a browser would send `Origin: null` with the form, which vouches for nothing.
    response
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn signed_out(sessions: &Sessions, return_to: Option<ReturnTo>) -> Response<Bytes> {
    let return_to = return_to.unwrap_or_else(|| sessions.home());
    let way_on = WayOn::link(sessions.sign_in_path(return_to.as_str()));
    let page = PageContent::new(Message::SignedOut, StatusCode::OK, way_on);
    sessions.common.answers.page(&page)
}
