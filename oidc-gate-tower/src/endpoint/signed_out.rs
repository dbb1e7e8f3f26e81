//! `signed_out`: where a sign-out ends, also one that has gone to the provider.

use crate::{
    answer,
    core::{
        form::Form,
        login::ReturnTo,
        logout::{Leaving, NotOurs},
        session::Session,
    },
    pages::{Message, PageContent, WayOn},
    sessions::Sessions,
    sign_out::SIGNED_OUT_HERE,
};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::REFERRER_POLICY, request::Parts};

/// Leads whoever comes from the provider with the state of this browser's sign-out to where that was to end
/// ([RP-Initiated Logout § 3](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RedirectionAfterLogout)), and shows
/// everybody else a page: nobody knows who has sent them. It ends nothing, whoever is signed in.
pub(super) fn serve(
    sessions: &Sessions,
    parts: &Parts,
    present: Option<&Session>,
) -> Response<Bytes> {
    let (query, headers) = (parts.uri.query().unwrap_or_default(), &parts.headers);
    let (keys, names) = (sessions.keys.now(), &sessions.names);
    match Leaving::come_back(query.as_bytes(), headers, &keys, names, sessions.now()) {
        Ok(place) => {
            let to = place.map_or_else(|| sessions.signed_out_path(), |to| to.as_str().to_owned());
            let mut response = answer::redirect(&to);
            answer::set_cookies(&mut response, [names.clear(names.leaving())]);
            if present.is_none() {
                let cookies = sessions.sign_out.clear.cookies();
                cookies.tell(response.headers_mut());
            }
            response
        }
        // To whoever is signed in, nobody says otherwise: they are asked.
        Err(_) if present.is_some() => answer::redirect(sessions.sign_out_path()),
        Err(NotOurs::Missing) if stayed_here(query) => unreached(sessions, query),
        Err(why) => {
            tracing::debug!(?why, "a browser comes from no sign-out of its own");
            page(sessions, None)
        }
    }
}

/// The page that says that the session has ended.
pub(super) fn page(sessions: &Sessions, return_to: Option<ReturnTo>) -> Response<Bytes> {
    let return_to = return_to.unwrap_or_else(|| sessions.home());
    let way_on = WayOn::link(sessions.sign_in_path(return_to.as_str()));
    let page = PageContent::new(Message::SignedOut, StatusCode::OK, way_on);
    sessions.common.answers.page(&page)
}

/// The page that says that it has ended here, and leads to another try at the provider.
fn unreached(sessions: &Sessions, query: &str) -> Response<Bytes> {
    let way_on = WayOn::form(sessions.sign_out_path());
    let said = said(query, "rd").and_then(|rd| sessions.place(&rd));
    let way_on = match said {
        Some(return_to) => way_on.with("rd", return_to.as_str()),
        None => way_on,
    };
    let page = PageContent::new(Message::SignedOutHere, StatusCode::OK, way_on);
    let mut response = sessions.common.answers.page(&page);
    // As for the question: the form has to say where it comes from.
    response
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn stayed_here(query: &str) -> bool {
    let (name, value) = SIGNED_OUT_HERE;
    said(query, name).as_deref() == Some(value)
}

fn said(query: &str, name: &str) -> Option<String> {
    Form::parse(query.as_bytes()).ok()?.take(name)
}
