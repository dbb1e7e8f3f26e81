//! The shapes of the provider's answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// A JSON document that may be kept for a moment.
pub(super) fn json_public(value: &Value) -> Response<Bytes> {
    let mut response = json_answer(StatusCode::OK, value);
    // Short, so that a rotation is seen soon; long enough to show that caching is allowed.
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=60"),
    );
    response
}

/// A JSON document that nobody may store.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// An error of [RFC 6749 § 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2). The description is ours, never text
/// from outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl OauthError {
    pub(super) fn new(error: &'static str, description: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description,
        }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The answer. A 401 carries the challenge that HTTP demands of it.
    pub(super) fn respond(self) -> Response<Bytes> {
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = json_answer(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"development provider\""),
            );
        }
        response
    }
}

/// On to another address with GET, whatever the method was
/// ([RFC 9700 § 4.12](https://www.rfc-editor.org/rfc/rfc9700#section-4.12)).
pub(super) fn see_other(location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    match HeaderValue::from_str(location) {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

/// A method that an endpoint does not take.
pub(super) fn method_not_allowed(allow: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// Marks an answer that must not arrive: whoever carries it loses it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lost {
    /// The request was never sent.
    Request,
    /// The request arrived; the answer did not.
    Answer,
    /// The request arrived; the answer takes longer than anybody waits.
    Late,
}

/// What stands for silence where an answer has to be given.
pub(super) fn lost(what: Lost) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"the provider is not there"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.extensions_mut().insert(what);
    response
}
