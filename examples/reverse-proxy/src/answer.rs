//! The proxy's own answers: of few words.

use crate::{Body, BoxError};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};

/// Which form an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Page,
    Json,
}

impl Form {
    /// As whoever asks can read it.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepts =
            |line: &HeaderValue| line.as_bytes().windows(9).any(|word| word == b"text/html");
        match headers.get_all(header::ACCEPT).iter().any(accepts) {
            true => Self::Page,
            false => Self::Json,
        }
    }
}

/// This status, in words that name nothing of what stands behind.
pub(crate) fn answer(form: Form, status: StatusCode, words: &'static str) -> Response<Body> {
    let (media, text) = match form {
        Form::Page => (
            "text/html; charset=utf-8",
            format!("<!doctype html><title>{words}</title><h1>{words}</h1>\n"),
        ),
        Form::Json => ("application/json", format!("{{\"error\":\"{words}\"}}\n")),
    };
    let mut response = empty(status);
    *response.body_mut() = body(Full::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// This status and nothing else.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(body(Full::default()));
    *response.status_mut() = status;
    response
}

/// Any body as the one there is.
pub(crate) fn body<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}
