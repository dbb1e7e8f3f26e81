//! The gate's own answers: redirects, refusals, pages.

use crate::{
    caller_info::Telling,
    core::{
        check::{Check, CheckFailed},
        gate::{AnswerForm, ChallengeError, Refusal},
        session::SetCookie,
    },
    metrics::Metrics,
    pages::{self, Message, PageContent, Pages, WayOn},
    report::{self, Reference},
};
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
        WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// An answer without a body that nobody stores.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 303: whatever the method was, the browser goes there with GET
/// ([RFC 9110 § 15.4.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4.4)). No referrer, because the address that is
/// left may hold a code.
pub(crate) fn redirect(location: impl TryInto<HeaderValue>) -> Response<Bytes> {
    let Ok(mut location) = location.try_into() else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    // The way to the provider holds the state and the nonce; a layer that logs headers must not show them.
    location.set_sensitive(true);
    let mut response = empty(StatusCode::SEE_OTHER);
    response.headers_mut().insert(LOCATION, location);
    response
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A small JSON document, which no browser takes for anything else.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response<Bytes> {
    match serde_json::to_vec(document) {
        Ok(body) => told(status, body.into()),
        // Texts and lists of texts are always JSON.
        Err(_) => told(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
    }
}

/// The same, of one that is written.
fn told(status: StatusCode, document: Bytes) -> Response<Bytes> {
    let mut response = empty(status);
    *response.body_mut() = document;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Adds cookies.
pub(crate) fn set_cookies(
    response: &mut Response<Bytes>,
    cookies: impl IntoIterator<Item = SetCookie>,
) {
    for cookie in cookies {
        response
            .headers_mut()
            .append(SET_COOKIE, cookie.into_header());
    }
}

/// The gate's answers that depend on its settings.
pub(crate) struct Answers {
    pub(crate) pages: Box<dyn Pages>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) telling: Telling,
}

impl Answers {
    /// A page.
    pub(crate) fn page(&self, content: &PageContent<'_>) -> Response<Bytes> {
        pages::respond(&*self.pages, content)
    }

    /// A page of ours that leads on to `place` at once. What comes from it is of the same site, and so carries cookies that
    /// a redirect on the way from another site does not
    /// ([RFC 6265bis § 8.8](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-8.8)). It runs no
    /// script; whoever has switched such pages off follows the link.
    pub(crate) fn lead(&self, place: &str) -> Response<Bytes> {
        let way_on = WayOn::link(place);
        self.page(&PageContent::new(Message::OneMoment, StatusCode::OK, way_on).leading_to(place))
    }

    /// What the gate says to a request it does not admit. `way_on` is where a person can go from there.
    pub(crate) fn refusal(
        &self,
        refusal: &Refusal,
        way_on: impl FnOnce() -> String,
    ) -> Response<Bytes> {
        let reference = report::refused(refusal.check, &refusal.cause);
        self.metrics.refused(refusal.check);
        let mut response = match refusal.form {
            AnswerForm::Page => {
                self.failure(refusal.check, refusal.status, reference.as_ref(), way_on())
            }
            AnswerForm::Json => told(refusal.status, problem(refusal, reference.as_ref())),
            AnswerForm::Grpc => grpc(refusal.status),
            AnswerForm::Empty => empty(refusal.status),
        };
        self.telling.why(&mut response, refusal.check);
        let headers = response.headers_mut();
        if let Some(challenge) = &refusal.challenge {
            headers.insert(WWW_AUTHENTICATE, challenge.header_value());
        }
        if let Some(allow) = refusal.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// The page that ends a login which failed, and its event in the log.
    pub(crate) fn login_failed(
        &self,
        failed: &CheckFailed,
        retry_after: Option<Duration>,
        again: &str,
    ) -> Response<Bytes> {
        let reference = report::login_failed(failed);
        self.metrics.login_failed(failed.check());
        let status = failed.check().status();
        let mut response = self.failure(failed.check(), status, Some(&reference), again.to_owned());
        self.telling.why(&mut response, failed.check());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let secs = retry_after
                .unwrap_or(Duration::from_secs(5))
                .as_secs()
                .max(1);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }

    /// The page that ends a login which was demanded of somebody, and its event in the log. `other` is the way beside the
    /// main one, with the message whose words are on it.
    pub(crate) fn step_up_failed(
        &self,
        failed: &CheckFailed,
        message: Message,
        home: WayOn,
        other: (Message, WayOn),
    ) -> Response<Bytes> {
        let (check, reference) = (failed.check(), report::login_failed(failed));
        self.metrics.login_failed(check);
        let content = PageContent::new(message, check.status(), home)
            .or_else_by(other)
            .referring_to(Some(reference.as_str()));
        let mut response = self.page(&content);
        self.telling.why(&mut response, check);
        response
    }

    /// What a person reads. Nothing of it comes from the request or the provider.
    fn failure(
        &self,
        check: Check,
        status: StatusCode,
        reference: Option<&Reference>,
        way_on: String,
    ) -> Response<Bytes> {
        let message = Message::of(check, status);
        // Where nobody signs in there is no way on.
        let way_on = Some(way_on).filter(|to| !to.is_empty()).map(WayOn::link);
        self.page(
            &PageContent::new(message, status, way_on)
                .referring_to(reference.map(Reference::as_str)),
        )
    }
}

/// What a program reads.
fn problem(refusal: &Refusal, reference: Option<&Reference>) -> Bytes {
    let error = match &refusal.challenge {
        Some(challenge) if challenge.error.is_some() => {
            challenge.error.as_ref().map_or("", ChallengeError::code)
        }
        _ => match refusal.status {
            StatusCode::UNAUTHORIZED => "unauthenticated",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            _ => "unavailable",
        },
    };
    match (error, reference) {
        // What is answered most, to whoever is merely not signed in.
        ("unauthenticated", None) => Bytes::from_static(br#"{"error":"unauthenticated"}"#),
        // Neither holds a character that JSON escapes.
        (error, None) => format!(r#"{{"error":"{error}"}}"#).into(),
        (error, Some(reference)) => {
            format!(r#"{{"error":"{error}","reference":"{reference}"}}"#).into()
        }
    }
}

/// gRPC says everything in trailers, or in headers where there is no message
/// ([the protocol](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)).
fn grpc(status: StatusCode) -> Response<Bytes> {
    let code = match status {
        // A header that cannot be read names nobody either.
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => "16",
        StatusCode::FORBIDDEN => "7",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "12",
        _ => "14",
    };
    let mut response = empty(StatusCode::OK);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
        .headers_mut()
        .insert("grpc-status", HeaderValue::from_static(code));
    response
}

#[cfg(test)]
mod tests;
