//! `sign_in`: the page to sign in from.

use crate::{
    core::{form::Form, login::ReturnTo},
    pages::{Message, PageContent, WayOn},
    sessions::Sessions,
};
use bytes::Bytes;
use http::{Response, StatusCode};

/// One button for each way to sign in. `rd` of the query, read as that of a login, is kept. Nobody is signed out by it, and
/// nothing is begun before the button is used.
pub(super) fn serve(sessions: &Sessions, query: &str) -> Response<Bytes> {
    let place = Form::parse(query.as_bytes())
        .ok()
        .and_then(|form| sessions.place(form.get("rd")?));
    page(
        sessions,
        &place.unwrap_or_else(|| sessions.home()),
        StatusCode::OK,
    )
}

/// The page that leads to a login, and from there to `place`.
pub(crate) fn page(sessions: &Sessions, place: &ReturnTo, status: StatusCode) -> Response<Bytes> {
    let way_on = WayOn::link(sessions.sign_in_path(place.as_str()));
    sessions
        .common
        .answers
        .page(&PageContent::new(Message::SignIn, status, way_on))
}
