//! The provider as a service: reads a request, finds the endpoint.

use super::{
    DevProvider, Endpoint, Fault,
    answer::{Lost, lost, method_not_allowed},
    logout::Ended,
    pages,
};
use crate::core::form::Form;
use bytes::{Buf as _, BufMut as _, Bytes};
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tower_service::Service;

/// As much of a body as is read: one byte more than a form may have, so that whoever reads it says so.
const MAX_BODY_BYTES: usize = Form::MAX_BYTES + 1;

impl<B> Service<Request<B>> for DevProvider
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let provider = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let response = match read(body).await {
                Ok(body) => provider.answer_and_tell(&parts, &body).await,
                Err(status) => {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = status;
                    response
                }
            };
            Ok(response.map(Full::new))
        })
    }
}

async fn read<B: Body>(body: B) -> Result<Vec<u8>, StatusCode> {
    let mut body = Box::pin(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        if let Ok(mut data) = frame.into_data() {
            let room = MAX_BODY_BYTES - bytes.len();
            bytes.put(&mut (&mut data).take(room));
            if data.has_remaining() {
                break;
            }
        }
    }
    Ok(bytes)
}

/// One request.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a [u8],
}

impl Call<'_> {
    /// The parameters, undecoded: in the body of a POST, otherwise in the query.
    pub(super) fn form(&self) -> &[u8] {
        if self.method == Method::POST {
            self.body
        } else {
            self.query.as_bytes()
        }
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(n, value)| (n == name).then_some(value))
    }

    /// Whether the browser says that another site sent this.
    fn is_cross_site(&self) -> bool {
        self.headers
            .get("sec-fetch-site")
            .is_some_and(|site| site != "same-origin" && site != "none")
    }
}

impl DevProvider {
    /// The answer, once those whom it concerns have been told of it, or have had their time.
    pub(super) async fn answer_and_tell(&self, parts: &Parts, body: &[u8]) -> Response<Bytes> {
        let mut answer = self.answer(parts, body);
        if let Some(ended) = answer.extensions_mut().remove::<Ended>() {
            self.send(ended).await;
        }
        answer
    }

    fn answer(&self, parts: &Parts, body: &[u8]) -> Response<Bytes> {
        if self.has(Fault::Unreachable) {
            return lost(Lost::Request);
        }
        let base = self.state().issuer.path.clone();
        let Some(path) = parts.uri.path().strip_prefix(&*base) else {
            return pages::not_found();
        };
        let call = Call {
            method: &parts.method,
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            parts,
            body,
        };
        let (read, post) = (
            matches!(parts.method, Method::GET | Method::HEAD),
            parts.method == Method::POST,
        );
        let endpoint = Endpoint::at(path);
        if let Some(endpoint) = endpoint
            && let Some(answer) = self.answer_instead(endpoint, path, call.query)
        {
            return answer;
        }
        let answer = match path {
            "" | "/" if read => pages::front(self),
            "/.well-known/openid-configuration" if read => self.metadata(),
            "/jwks" if read => self.jwks(),
            "/authorize" if read || post => self.authorize(&call),
            "/authorize/choose" | "/device" | "/end_session/confirm"
                if post && call.is_cross_site() =>
            {
                pages::cross_site()
            }
            "/authorize/choose" if post => self.choose(&call),
            "/token" => self.token(&call),
            "/device_authorization" => self.device_authorization(&call),
            "/device" if read || post => self.device(&call),
            "/revocation" => self.revocation(&call),
            "/userinfo" if read || post => self.userinfo(&call),
            "/end_session" if read || post => self.end_session(&call),
            "/end_session/confirm" if post => self.end_session_confirmed(&call),
            "" | "/" | "/.well-known/openid-configuration" | "/jwks" => {
                method_not_allowed("GET, HEAD")
            }
            "/authorize" | "/device" | "/userinfo" | "/end_session" => {
                method_not_allowed("GET, HEAD, POST")
            }
            "/authorize/choose" | "/end_session/confirm" => method_not_allowed("POST"),
            _ => pages::not_found(),
        };
        match endpoint {
            Some(endpoint) => self.spoil_answer(endpoint, self.spell_answer(endpoint, answer)),
            None => answer,
        }
    }
}
