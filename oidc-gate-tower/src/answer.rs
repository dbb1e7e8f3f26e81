//! The gate's own answers: redirects, refusals, pages.

use crate::{
    core::{
        check::{Check, CheckFailed},
        gate::{AnswerForm, ChallengeError, Refusal},
        session::SetCookie,
    },
    html::Page,
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
use std::time::Duration;

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
pub(crate) fn redirect(location: &str) -> Response<Bytes> {
    let Ok(mut location) = HeaderValue::try_from(location) else {
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

/// A page of ours that leads on to `place` at once. What comes from it is of the same site, and so carries cookies that a
/// redirect on the way from another site does not
/// ([RFC 6265bis § 8.8](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-8.8)). It runs no
/// script; whoever has switched such pages off follows the link.
pub(crate) fn lead(place: &str) -> Response<Bytes> {
    let mut page = Page::new("One moment").leading_to(place);
    page.say("You are being led on.", "Go on", place);
    page.respond(StatusCode::OK)
}

/// A small JSON document, which no browser takes for anything else.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response<Bytes> {
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    match serde_json::to_vec(document) {
        Ok(body) => *response.body_mut() = body.into(),
        // Texts and lists of texts are always JSON.
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Adds cookies.
pub(crate) fn set_cookies(
    response: &mut Response<Bytes>,
    cookies: impl IntoIterator<Item = SetCookie>,
) {
    response.headers_mut().extend(
        cookies
            .into_iter()
            .map(|cookie| (SET_COOKIE, cookie.to_header())),
    );
}

/// What the gate says to a request it does not admit. `way_on` is where a person can go from there.
pub(crate) fn refusal(refusal: &Refusal, way_on: impl FnOnce() -> String) -> Response<Bytes> {
    let reference = report::refused(refusal.check, &refusal.cause);
    let mut response = match refusal.form {
        AnswerForm::Page => page(refusal.check, refusal.status, reference.as_ref(), &way_on()),
        AnswerForm::Json => json(refusal.status, &problem(refusal, reference.as_ref())),
        AnswerForm::Grpc => grpc(refusal.status),
        AnswerForm::Empty => empty(refusal.status),
    };
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

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

fn problem<'a>(refusal: &'a Refusal, reference: Option<&'a Reference>) -> Problem<'a> {
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
    Problem {
        error,
        reference: reference.map(Reference::as_str),
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

/// The page that ends a login which failed, and its event in the log.
pub(crate) fn login_failed(
    failed: &CheckFailed,
    retry_after: Option<Duration>,
    again: &str,
) -> Response<Bytes> {
    let reference = report::login_failed(failed);
    let status = failed.check().status();
    let mut response = page(failed.check(), status, Some(&reference), again);
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

/// What a person reads. Nothing of it comes from the request or the provider.
struct Words {
    title: &'static str,
    text: &'static str,
    link: &'static str,
}

fn words(check: Check, status: StatusCode) -> Words {
    let (title, text, link) = match (check, status) {
        (Check::Forbidden, _) => (
            "You cannot open this page",
            "You are signed in, but your account does not have access to it.",
            "Sign in as someone else",
        ),
        (Check::CrossSite, _) => (
            "This request was stopped",
            "It did not come from this application’s own pages, so it was not carried out.",
            "Go to the application",
        ),
        (Check::BearerHeader, _) => (
            "This does not work",
            "The request carries a token in a form that cannot be read.",
            "Go to the application",
        ),
        (Check::AccessDenied, _) => (
            "You were not signed in",
            "The sign-in was cancelled, or your account may not use this application.",
            "Try again",
        ),
        (Check::LoginRequired, _) => (
            "You were not signed in",
            "The sign-in service would have to ask you something first, and did not.",
            "Sign in",
        ),
        (Check::IdTokenAcr | Check::IdTokenAuthTime, _) => (
            "You were not signed in",
            "This page asks for a stronger or a more recent sign-in than the sign-in service has given.",
            "Try again",
        ),
        (Check::InitiatorIssuer, _) => (
            "This link does not work here",
            "It is meant for another sign-in service than the one that this application uses.",
            "Go to the application",
        ),
        (
            Check::StateMissing
            | Check::StateUnknown
            | Check::StateReplayed
            | Check::TransactionExpired,
            _,
        ) => (
            "This sign-in is over",
            "It took too long, was finished already, or began in another browser. Cookies have to be on.",
            "Sign in again",
        ),
        (Check::LoginLoop, _) => (
            "Signing in leads round in circles",
            "You were signed in several times within a minute, and each time the application asked again. \
             Cookies have to be on.",
            "Try again",
        ),
        (Check::SessionTooLarge, _) => (
            "You were not signed in",
            "Your account carries more than this application can keep.",
            "Try again",
        ),
        (Check::EmailMissing, _) => (
            "You were not signed in",
            "This application needs your email address, and your account has none. Add one to your account, then try again.",
            "Try again",
        ),
        (Check::EmailUnverified, _) => (
            "You were not signed in",
            "This application needs an email address that is confirmed. Confirm the one of your account, then try again.",
            "Try again",
        ),
        (Check::UnknownEndpoint, _) => (
            "There is no such page",
            "The address does not exist.",
            "Go to the application",
        ),
        (
            _,
            StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ) => (
            "This does not work",
            "The address does not take this kind of request.",
            "Go to the application",
        ),
        (_, StatusCode::UNAUTHORIZED) => (
            "You are not signed in",
            "Your sign-in may have ended. Sign in, then try again.",
            "Sign in",
        ),
        (
            Check::ProviderIssuer
            | Check::CodeFlowUnsupported
            | Check::PkceUnsupported
            | Check::ClaimsUnsupported
            | Check::ClientAuthUnsupported
            | Check::NoCommonAlgorithm
            | Check::ResponseModeUnsupported
            | Check::UserinfoUnsupported,
            _,
        ) => (
            "Signing in is not set up right",
            "This application and the sign-in service do not fit together. Whoever runs the application has to look at it.",
            "Try again",
        ),
        (_, StatusCode::SERVICE_UNAVAILABLE) => (
            "Signing in is not possible right now",
            "The sign-in service does not answer. Please try again in a moment.",
            "Try again",
        ),
        (_, StatusCode::FORBIDDEN) => (
            "You were not signed in",
            "Your account does not fulfil what this application asks for.",
            "Try again",
        ),
        _ => (
            "Signing in did not work",
            "Something went wrong between this application and the sign-in service.",
            "Try again",
        ),
    };
    Words { title, text, link }
}

fn page(
    check: Check,
    status: StatusCode,
    reference: Option<&Reference>,
    way_on: &str,
) -> Response<Bytes> {
    let Words { title, text, link } = words(check, status);
    let mut page = Page::new(title);
    page.say(text, link, way_on);
    if let Some(reference) = reference {
        page.push(format_args!(
            "<p class=\"soft\">If it happens again, tell whoever runs this application the reference \
             <code>{reference}</code>.</p>\n",
        ));
    }
    page.respond(status)
}

/// A page of few words with one way on.
pub(crate) fn notice(
    title: &str,
    text: &'static str,
    link: &'static str,
    way_on: &str,
) -> Response<Bytes> {
    let mut page = Page::new(title);
    page.say(text, link, way_on);
    page.respond(StatusCode::OK)
}

#[cfg(test)]
mod tests;
