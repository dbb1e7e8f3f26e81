//! `start`: begins a login.

use crate::{
    Gate,
    core::{form::Form, login::ReturnTo},
    gate::Answer,
};
use bytes::Bytes;
use http::{Response, request::Parts};

/// Sends the browser to the provider, and back to `rd` afterwards. What is no place in this application is dropped, and
/// the first page takes its place.
pub(super) async fn serve(gate: &Gate, parts: &Parts) -> Response<Bytes> {
    let query = parts.uri.query().unwrap_or_default();
    let return_to = Form::parse(query.as_bytes())
        .ok()
        .and_then(|form| ReturnTo::parse(form.get("rd")?));
    match gate.log_in(
        return_to.unwrap_or_else(ReturnTo::root),
        None,
        gate.pending(&parts.headers),
    ) {
        Answer::Now(response) => response,
        Answer::Later(response) => response.await,
    }
}
