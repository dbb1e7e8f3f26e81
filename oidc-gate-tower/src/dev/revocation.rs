//! The end of a token that its client has no use for any more ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use super::{DevProvider, service::Call, state::key, token::refuse};
use crate::core::{check::Check, client_auth::Refusal};
use bytes::Bytes;
use http::{HeaderValue, Response, header};

/// How many tokens were revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocations {
    /// Access tokens.
    pub access_tokens: usize,
    /// Refresh tokens; each took with it what came of the same login.
    pub refresh_tokens: usize,
    /// Tokens that were none, or not any more. The client was told the same.
    pub unknown: usize,
}

impl DevProvider {
    /// What clients have revoked so far.
    pub fn revocations(&self) -> Revocations {
        self.state().revocations
    }

    pub(super) fn revocation(&self, call: &Call<'_>) -> Response<Bytes> {
        let answer = self.revoke(call);
        answer.unwrap_or_else(|refusal| refuse(&refusal))
    }

    fn revoke(&self, call: &Call<'_>) -> Result<Response<Bytes>, Refusal> {
        let server = self.authenticator();
        let proven = self.authenticate_client(&server, call)?;
        let (client, mut form) = self.once(proven.accept())?;
        let Some(token) = form.take("token").filter(|token| !token.is_empty()) else {
            return Err(Refusal::new(Check::GrantMissing, "token"));
        };
        // The hint is a hint: a token is looked for everywhere (RFC 7009 § 2.1).
        let key = key(&token);
        let mut state = self.state();
        let access = state.access_tokens.get(&key);
        let access = access.map(|access| access.client_id.clone());
        let refresh = state.refresh_tokens.get(&key);
        let refresh = refresh.map(|known| (known.issued.client_id.clone(), known.login.grant));
        let owner = access.as_ref().or(refresh.as_ref().map(|(owner, _)| owner));
        if owner.is_some_and(|owner| owner != client.id()) {
            return Err(Refusal::new(
                Check::GrantClient,
                "the token is another client's",
            ));
        }
        if access.is_some() {
            state.access_tokens.remove(&key);
            state.revocations.access_tokens += 1;
        } else if let Some((_, grant)) = refresh {
            // RFC 7009 § 2.1: the access tokens of the same grant end as well.
            state.revoke(&grant);
            state.revocations.refresh_tokens += 1;
        } else {
            state.revocations.unknown += 1;
        }
        let mut answer = Response::new(Bytes::new());
        let no_store = HeaderValue::from_static("no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
        Ok(answer)
    }
}
