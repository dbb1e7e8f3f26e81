//! What is done to the application's response.

use crate::{
    Demand, Gate, NoCaller, answer,
    core::{
        check::Check,
        gate::{Cache, Caller},
        session::SetCookie,
    },
    gate::{Answer, Underway},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};
use std::net::SocketAddr;

/// What is done to the application's response.
pub(crate) struct After {
    pub(crate) gate: Gate,
    pub(crate) caller: Caller,
    pub(crate) cookies: Vec<SetCookie>,
    pub(crate) cache: Cache,
    pub(crate) style: Style,
    pub(crate) underway: Underway,
    pub(crate) peer: Option<SocketAddr>,
}

/// How a refusal from inside is answered.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    /// As whoever asks can use it.
    AsAsked,
    /// In JSON, whatever the headers say.
    Json,
}

impl After {
    /// The answer to a refusal from inside, if the response is one. The application's own body is dropped.
    pub(crate) fn refused<R>(&mut self, response: &mut Response<R>) -> Option<Answer> {
        if response.extensions_mut().remove::<NoCaller>().is_some() {
            return Some(Answer::Now(self.no_caller()));
        }
        let demand = response.extensions_mut().remove::<Demand>()?;
        let asking = match self.style {
            Style::AsAsked => demand.asking,
            Style::Json => demand.asking.as_json(),
        };
        let verdict = self.gate.0.policy.answer_demand(asking, demand.demand);
        let underway = std::mem::take(&mut self.underway);
        Some(self.gate.answer(&verdict, underway, self.peer))
    }

    fn no_caller(&self) -> Response<Bytes> {
        let (check, why) = match self.caller {
            Caller::Bypassed => (Check::Bypassed, NoCaller::BYPASSED),
            Caller::Anonymous | Caller::Identified => (Check::CallerLost, NoCaller::LOST),
        };
        tracing::error!(
            check = check.id(),
            cause = why,
            remedy = check.remedy(),
            "a handler takes a user where there is none"
        );
        let mut response = answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
        *response.body_mut() = Bytes::from_static(why.as_bytes());
        response
    }

    pub(crate) fn finish(&self, headers: &mut HeaderMap) {
        match self.cache {
            Cache::Untouched => {}
            Cache::Vary(names) => vary(headers, names),
            Cache::Private(names) => {
                vary(headers, names);
                private(headers);
            }
            Cache::NoStore => no_store(headers),
        }
        if !self.cookies.is_empty() {
            // What sets a cookie must not be handed to anybody else (RFC 9111 § 7.3).
            no_store(headers);
        }
        for cookie in &self.cookies {
            headers.append(SET_COOKIE, cookie.to_header());
        }
    }
}

fn vary(headers: &mut HeaderMap, names: &'static str) {
    headers.append(VARY, HeaderValue::from_static(names));
}

fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// What a signed-in user sees is that user's: unless the application has forbidden more, shared caches must not keep it.
fn private(headers: &mut HeaderMap) {
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        return;
    }
    let says = |wanted: &str| {
        headers.get_all(CACHE_CONTROL).iter().any(|line| {
            let mut directives = line.to_str().unwrap_or_default().split(',');
            directives.any(|directive| directive.trim().eq_ignore_ascii_case(wanted))
        })
    };
    if says("private") || says("no-store") {
        return;
    }
    let kept = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|directive| {
            let name = directive.split('=').next().unwrap_or_default();
            // These two speak to shared caches alone.
            !directive.is_empty()
                && !name.eq_ignore_ascii_case("public")
                && !name.eq_ignore_ascii_case("s-maxage")
        });
    let line = std::iter::once("private")
        .chain(kept)
        .collect::<Vec<_>>()
        .join(", ");
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static("private")),
    );
}
