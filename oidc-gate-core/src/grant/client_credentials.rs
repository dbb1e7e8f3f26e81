//! Nothing but who the client is.

use super::{Asked, Granted};
use crate::{
    check::{Check, quote},
    client_auth::{Owed, Refusal},
};

/// Scopes that are about a user, of whom there is none.
const OF_A_USER: &[&str] = &["openid", "offline_access"];

/// `grant_type=client_credentials` ([RFC 6749 § 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).
#[derive(Debug)]
#[must_use]
pub struct ClientCredentialsRequest(Asked);

impl ClientCredentialsRequest {
    pub(super) fn new(asked: Asked) -> Self {
        Self(asked)
    }

    /// Whether the client may have a token in its own name.
    ///
    /// 1. It has proved who it is; a public client cannot.
    /// 2. The scopes are among the registered ones, and not about a user. Without any asked for, all of those.
    /// 3. At most one resource, among the registered ones: a token for several can be taken from one to the other.
    ///
    /// There is no refresh token and no ID token.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check.
    pub fn check(self) -> Result<Owed<Granted>, Refusal> {
        let asked = self.0;
        if !asked.client.is_confidential() {
            let cause = format!("{} proves nothing", quote(asked.client.id()));
            return Err(Refusal::new(Check::ClientCredentialsPublic, cause));
        }
        let own = asked.registered.scopes().without(OF_A_USER);
        let scopes = asked.scopes(&own, &own)?;
        if asked.resources.len() > 1 {
            return Err(Refusal::new(Check::GrantTarget, "more than one resource"));
        }
        super::request::check_targets(&asked.resources, asked.registered.resource_list())?;
        let resources = asked.resources.clone();
        let replay = asked.replay.clone();
        Ok(Owed::new(replay, asked.granted(scopes, resources)))
    }
}
