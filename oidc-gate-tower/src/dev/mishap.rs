//! Answers that go wrong on their way.

use super::{
    DevProvider, Endpoint, Fault, Mishap,
    answer::{Lost, lost},
};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// More than anybody reads.
const PADDING: usize = 1024 * 1024;
/// The query of the address that a redirect leads to, where all is well.
const MOVED: &str = "moved";

impl Endpoint {
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/.well-known/openid-configuration" => Some(Self::Metadata),
            "/jwks" => Some(Self::Keys),
            "/token" => Some(Self::Token),
            "/userinfo" => Some(Self::Userinfo),
            _ => None,
        }
    }
}

impl DevProvider {
    fn mishap(&self, endpoint: Endpoint) -> Option<Mishap> {
        self.state().faults.iter().find_map(|fault| match fault {
            Fault::At(at, mishap) if *at == endpoint => Some(*mishap),
            _ => None,
        })
    }

    /// The answer of an endpoint that does nothing.
    pub(super) fn answer_instead(
        &self,
        endpoint: Endpoint,
        path: &str,
        query: &str,
    ) -> Option<Response<Bytes>> {
        match self.mishap(endpoint)? {
            Mishap::ServerError => {
                let mut response = Response::new(Bytes::from_static(b"out of order"));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                Some(response)
            }
            Mishap::Redirected if query != MOVED => {
                let address = format!("{}?{MOVED}", self.state().issuer.endpoint(path));
                let location = HeaderValue::try_from(address).ok()?;
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                response.headers_mut().insert(header::LOCATION, location);
                Some(response)
            }
            _ => None,
        }
    }

    /// What becomes of an endpoint's answer.
    pub(super) fn spoil_answer(
        &self,
        endpoint: Endpoint,
        mut answer: Response<Bytes>,
    ) -> Response<Bytes> {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        match self.mishap(endpoint) {
            Some(Mishap::Truncated) => answer.map(|body| body.slice(..body.len() / 2)),
            Some(Mishap::Oversized) => answer.map(|body| {
                let mut body = body.to_vec();
                body.resize(body.len() + PADDING, b' ');
                body.into()
            }),
            Some(Mishap::Html) => {
                answer.headers_mut().insert(header::CONTENT_TYPE, html);
                answer.map(|_| Bytes::from_static(b"<!doctype html><title>Welcome</title>"))
            }
            Some(Mishap::WrongContentType) => {
                answer.headers_mut().insert(header::CONTENT_TYPE, html);
                answer
            }
            Some(Mishap::Closed) => lost(Lost::Answer),
            Some(Mishap::Slow) => lost(Lost::Late),
            Some(Mishap::ServerError | Mishap::Redirected) | None => answer,
        }
    }
}
