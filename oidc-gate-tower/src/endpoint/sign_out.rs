//! `sign_out`: ends the session here, and leads to the provider, to end the one there.

use super::signed_out;
use crate::{
    core::{
        check::Check,
        form::Form,
        login::ReturnTo,
        session::{Session, coordinate::Changed},
    },
    metrics::EndedBy,
    pages::{Message, PageContent, WayOn},
    recognise::Recognised,
    sessions::Sessions,
    sign_out::{By, Leave},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode, header::REFERRER_POLICY, request::Parts,
};
use std::sync::Arc;

/// A POST ends the session and leads to the provider and from there to `rd`, which is read as that of a login, or else to a
/// page that says so; a GET asks whether to. `rd` stands in the form, or where there is none in it, in the query; the question
/// carries it from there into its form.
///
/// The policy has seen to it that the request comes from this application. The session's id is remembered until the
/// session would have ended anyway, so a copy of its cookie is worth nothing.
pub(super) async fn serve(
    sessions: &Arc<Sessions>,
    parts: &Parts,
    body: &[u8],
    present: &Recognised,
) -> Response<Bytes> {
    let headers = &parts.headers;
    if parts.method != Method::POST {
        let return_to = return_to(sessions, parts, &[]);
        return match present.session() {
            Some(session) => question(sessions, session.identity().display_name(), return_to),
            None => signed_out::page(sessions, return_to),
        };
    }
    // What the provider knows the session by is read as long as there is one: a copy of its cookie tells nobody afterwards.
    let hint = present
        .present()
        .and_then(|present| sessions.all_tokens_in(present, headers))
        .and_then(|tokens| tokens.id);
    // Not only what was recognised: while the store does not answer nobody is, and whoever has a copy of the cookie could go
    // on. That is no sign-out, and the user can try again.
    let ended = match sessions.end_all(headers).await {
        Ok(ended) => ended,
        Err(_) => {
            let cause = "expected the session's end to be written down, the store does not answer";
            return super::refuse(sessions, Check::StoreUnavailable, cause.to_owned(), None);
        }
    };
    match (ended.changed, present.session().map(Session::identity)) {
        (Changed::Yes, Some(who)) => sessions.signed_out(who),
        (Changed::Yes, None) => sessions.common.metrics.session_ended(EndedBy::SignOut),
        (Changed::No, _) => {}
    }
    sessions
        .leave(Leave {
            hint,
            tokens: ended.tokens,
            cookies: sessions.forget(headers),
            place: return_to(sessions, parts, body),
            by: by(headers),
        })
        .await
}

/// A browser says how it fetches; what says nothing follows redirects, or a person looks at them.
fn by(headers: &HeaderMap) -> By {
    match headers.get("sec-fetch-mode") {
        Some(mode) if mode != "navigate" => By::Script,
        _ => By::Tab,
    }
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
