//! Authorization requests that are left at the server ([RFC 9126](https://www.rfc-editor.org/rfc/rfc9126)).

use super::{AskError, Faults, Fields, Question, RequestError, lifetime, object, text};
use crate::{provider::Endpoint, url::is_absolute_uri};
use http::Response;
use std::time::Duration;

/// An authorization request that is left at the server, which gives a short name for it
/// ([RFC 9126 § 2.1](https://www.rfc-editor.org/rfc/rfc9126#section-2.1)).
#[derive(Clone, Debug)]
pub struct PushedRequest(Fields);

impl PushedRequest {
    /// The parameters that would stand in the address of the authorization endpoint, but for `client_id`: that one comes
    /// with what proves the client.
    ///
    /// # Errors
    ///
    /// [`RequestError::Reserved`] for `request_uri`, which must not be pushed, and what proves a client;
    /// [`RequestError::Repeated`] for a name that comes twice, `resource` apart; [`RequestError::Scope`] and
    /// [`RequestError::Resource`] for what is neither.
    pub fn new<'a>(
        params: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RequestError> {
        let mut fields = Fields::new(&["request_uri"]);
        for (name, value) in params {
            fields = match name {
                "scope" => fields.scope(value)?,
                "resource" => fields.resource(value)?,
                _ => fields.param(name, value)?,
            };
        }
        Ok(Self(fields))
    }
}

/// How a browser is sent on with a request that was left at the server
/// ([RFC 9126 § 2.2](https://www.rfc-editor.org/rfc/rfc9126#section-2.2)). It is good for one login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedResponse {
    /// What stands in the address of the authorization endpoint, beside `client_id`.
    pub request_uri: Box<str>,
    /// For how long.
    pub expires_in: Duration,
}

impl Question for PushedRequest {
    type Answer = PushedResponse;

    fn endpoint(&self) -> Endpoint {
        Endpoint::PushedAuthorizationRequest
    }

    fn fields(&self) -> &Fields {
        &self.0
    }

    fn names_client(&self) -> bool {
        true
    }

    fn read(&self, response: &Response<Vec<u8>>) -> Result<PushedResponse, AskError> {
        let faults = Faults(self.endpoint());
        let mut answer = object(self.endpoint(), response, "request_uri")?;
        let request_uri = text(faults, &mut answer, "request_uri")?
            .filter(|uri| is_absolute_uri(uri))
            .ok_or_else(|| faults.malformed("`request_uri` is missing or no URI"))?;
        let expires_in = lifetime(faults, &answer, "expires_in")?
            .ok_or_else(|| faults.malformed("`expires_in` is missing or makes no sense"))?;
        Ok(PushedResponse {
            request_uri: request_uri.into(),
            expires_in,
        })
    }
}
