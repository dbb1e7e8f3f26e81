//! `sign_in`: the page to sign in from.

use crate::{
    Gate,
    core::{form::Form, login::ReturnTo},
    pages::{Message, PageContent, WayOn},
};
use bytes::Bytes;
use http::{Response, StatusCode};

/// One button for each way to sign in. `rd` of the query, read as that of a login, is kept. Nobody is signed out by it, and
/// nothing is begun before the button is used.
pub(super) fn serve(gate: &Gate, query: &str) -> Response<Bytes> {
    let place = Form::parse(query.as_bytes())
        .ok()
        .and_then(|form| gate.place(form.get("rd")?));
    page(gate, &place.unwrap_or_else(|| gate.home()), StatusCode::OK)
}

/// The page that leads to a login, and from there to `place`.
pub(crate) fn page(gate: &Gate, place: &ReturnTo, status: StatusCode) -> Response<Bytes> {
    let way_on = WayOn::link(gate.sign_in_path(place.as_str()));
    gate.0
        .answers
        .page(&PageContent::new(Message::SignIn, status, way_on))
}
