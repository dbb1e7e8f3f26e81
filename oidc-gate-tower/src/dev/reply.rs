//! The authorization response.

use super::{
    DevProvider, Fault, answer::see_other, authorize_request::ReplyTo, bad_claims::WRONG_ISSUER,
    pages,
};
use crate::core::{form::with_query, login::ResponseMode};
use bytes::Bytes;
use http::Response;

impl DevProvider {
    /// To the redirect URI, in the query or in a form as was asked for, with `pairs`, the state exactly as it came, and `iss`
    /// ([RFC 9207 § 2](https://www.rfc-editor.org/rfc/rfc9207#section-2)).
    pub(super) fn reply(&self, to: &ReplyTo, pairs: &[(&str, &str)]) -> Response<Bytes> {
        let issuer = self.issuer();
        let state = if self.has(Fault::MissingState) {
            None
        } else if self.has(Fault::WrongState) {
            Some("the-state-of-another-login")
        } else {
            to.state.as_deref()
        };
        let iss = if self.has(Fault::MissingIssParameter) {
            None
        } else if self.has(Fault::WrongIssParameter) {
            Some(WRONG_ISSUER)
        } else {
            Some(&*issuer)
        };
        let mut pairs = pairs.to_vec();
        pairs.extend(state.map(|state| ("state", state)));
        pairs.extend(iss.map(|iss| ("iss", iss)));
        if self.has(Fault::DuplicateParameters) {
            pairs.extend_from_within(..);
        }
        match to.mode {
            ResponseMode::FormPost => pages::form_post(&to.redirect_uri, &pairs),
            _ => see_other(&with_query(&to.redirect_uri, pairs)),
        }
    }
}
