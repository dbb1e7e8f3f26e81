//! The access log: a line for each request, after its answer's head. What an answer's body takes is not in it.

use http::{Method, Request, Response};
use oidc_gate_tower::CallerInfo;
use std::time::Instant;

/// What was asked, until it is answered.
pub(crate) struct Asked {
    method: Method,
    path: String,
    begun: Instant,
}

impl Asked {
    pub(crate) fn now<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            // Never the query: codes are in there, and whatever else applications keep in addresses.
            path: request.uri().path().to_owned(),
            begun: Instant::now(),
        }
    }

    /// Logs how it was answered.
    pub(crate) fn answered<B>(&self, response: &Response<B>) {
        let caller = response.extensions().get::<CallerInfo>();
        tracing::info!(
            method = %self.method,
            path = self.path,
            status = response.status().as_u16(),
            millis = self.begun.elapsed().as_millis(),
            // Sixteen digits that stand for the user, and no name.
            user = caller.and_then(CallerInfo::user),
            check = caller.and_then(CallerInfo::check).map(|check| check.id()),
            "answered"
        );
    }
}
