//! `start`: begins a login.

use crate::{
    Gate,
    core::{
        form::Form,
        login::{Prompt, ReturnTo, Wanted},
    },
    gate::Answer,
};
use bytes::Bytes;
use http::{Response, request::Parts};

/// Sends the browser to the provider, and back to `rd` afterwards. What is no place in this application is dropped, and
/// the first page takes its place. `prompt=login` and `prompt=select_account` are passed on; whoever made the link can
/// ask for no more than that.
pub(super) async fn serve(gate: &Gate, parts: &Parts) -> Response<Bytes> {
    let query = parts.uri.query().unwrap_or_default();
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    let return_to = form.get("rd").and_then(ReturnTo::parse);
    let mut wanted = Wanted::to(return_to.unwrap_or_else(ReturnTo::root));
    wanted.prompt = match form.get("prompt") {
        Some("login") => Some(Prompt::Login),
        Some("select_account") => Some(Prompt::SelectAccount),
        _ => None,
    };
    match gate.log_in(wanted, gate.underway(&parts.headers)) {
        Answer::Now(response) => response,
        Answer::Later(response) => response.await,
    }
}
