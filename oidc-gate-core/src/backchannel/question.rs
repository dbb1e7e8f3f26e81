//! What all questions have in common.

use super::{AskError, Fields};
use crate::{
    check::{Check, CheckFailed},
    client_auth::{Access, Credentials, Method as Auth},
    flow::Exchange,
    form,
    provider::Endpoint,
    url::EndpointUrl,
};
use http::{
    HeaderValue, Method, Request, Response,
    header::{ACCEPT, CONTENT_TYPE},
};

/// What a client asks at an endpoint where it proves who it is. The value says what is asked and can be kept; what proves
/// the client is used up by each request ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3), rule 7).
///
/// The questions are [`TokenRequest`](crate::token::TokenRequest),
/// [`DeviceAuthorizationRequest`](super::DeviceAuthorizationRequest), [`PushedRequest`](super::PushedRequest),
/// [`IntrospectionRequest`](super::IntrospectionRequest) and [`RevocationRequest`](super::RevocationRequest).
pub trait Question {
    /// What it is answered with.
    type Answer;

    /// Where it is asked.
    fn endpoint(&self) -> Endpoint;

    /// What it says.
    fn fields(&self) -> &Fields;

    /// Whether `client_id` is part of it, however the client proves itself.
    fn names_client(&self) -> bool {
        false
    }

    /// Whether a public client may not ask it.
    fn needs_proof(&self) -> bool {
        false
    }

    /// Reads an answer, whatever its status.
    ///
    /// # Errors
    ///
    /// An error of the server's, and everything that is not an answer.
    fn read(&self, response: &Response<Vec<u8>>) -> Result<Self::Answer, AskError>;

    /// What to send, and how, at an endpoint that takes this client.
    ///
    /// # Errors
    ///
    /// [`Check::PublicClient`] if this client may not ask it, [`Check::Misuse`] if the access is to another endpoint or the
    /// credentials are for another server, and as [`request`](Self::request).
    fn exchange(&self, access: &Access, credentials: Credentials) -> Result<Exchange, CheckFailed> {
        if access.endpoint() != self.endpoint() {
            let (asked, meant) = (access.endpoint(), self.endpoint());
            let cause = format!("the access is to the {asked}, the request for the {meant}");
            return Err(CheckFailed::new(Check::Misuse, cause));
        }
        if credentials.server() != access.server() {
            let (meant, asked) = (credentials.server(), access.server());
            let cause = format!("the credentials are for {meant}, the access is to {asked}");
            return Err(CheckFailed::new(Check::Misuse, cause));
        }
        if self.needs_proof() && matches!(access.method(), Auth::None) {
            let cause = "the client proves itself by nothing, and asks for a token of its own";
            return Err(CheckFailed::new(Check::PublicClient, cause));
        }
        let mut exchange = Exchange::new(self.request(access.url(), credentials)?);
        exchange.purpose = self.endpoint().into();
        exchange.transport = access.transport();
        exchange.max_body_bytes = MAX_BODY_BYTES;
        Ok(exchange)
    }

    /// The request alone: any HTTP client can send it, once, without following a redirect.
    ///
    /// # Errors
    ///
    /// [`Check::MetadataMalformed`] if the address is no URI in the eyes of the `http` crate.
    fn request(
        &self,
        to: &EndpointUrl,
        credentials: Credentials,
    ) -> Result<Request<Vec<u8>>, CheckFailed> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(to.as_str())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .body(Vec::new())
            .map_err(|_| {
                let cause = format!("the {} is no URI", self.endpoint());
                CheckFailed::new(Check::MetadataMalformed, cause)
            })?;
        let mut body = String::new();
        for (name, value) in self.fields().iter() {
            form::push_pair(&mut body, name, value);
        }
        if self.names_client() && credentials.is_header() {
            form::push_pair(&mut body, "client_id", credentials.id());
        }
        credentials.apply(request.headers_mut(), &mut body);
        *request.body_mut() = body.into_bytes();
        Ok(request)
    }
}

/// No genuine answer comes near it.
const MAX_BODY_BYTES: usize = 128 * 1024;
