//! What the provider says to services in an access token ([RFC 9068 § 2](https://www.rfc-editor.org/rfc/rfc9068#section-2)).

use super::{
    DevProvider,
    id_token::user_claims,
    state::{Login, NoRandomness, new_handle},
};
use crate::{
    Identity,
    core::{grant::Granted, time::UnixTime},
};
use serde_json::{Map, Value, json};

impl DevProvider {
    /// The access token of a grant: for the resources that were asked for
    /// ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)), else for the provider itself, whose userinfo takes
    /// it.
    pub(super) fn access_token(
        &self,
        granted: &Granted,
        user: Option<&Identity>,
        login: Option<&Login>,
        expires: UnixTime,
    ) -> Result<String, NoRandomness> {
        let client_id = granted.client().id();
        let mut claims = match user {
            Some(user) => user_claims(user, granted.scopes()),
            None => Map::new(),
        };
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        if user.is_none() {
            // RFC 9068 § 2.2: a client in its own name.
            set("sub", client_id.into());
        }
        set("iss", self.issuer().into());
        set(
            "aud",
            match granted.resources() {
                [] => self.issuer().into(),
                [one] => one.as_str().into(),
                many => json!(many),
            },
        );
        set("client_id", client_id.into());
        set("iat", self.now().as_secs().into());
        set("exp", expires.as_secs().into());
        set("jti", new_handle()?.into());
        let scope = granted.scopes().to_string();
        if !scope.is_empty() {
            set("scope", scope.into());
        }
        if let Some(thumbprint) = granted.confirmation() {
            set("cnf", json!({ "x5t#S256": thumbprint }));
        }
        if let Some(login) = login {
            set("auth_time", login.session.auth_time.as_secs().into());
            if let Some(acr) = login.acr.as_deref().or(login.session.user.acr()) {
                set("acr", acr.into());
            }
        }
        self.sign_claims(Some("at+jwt"), &claims)
    }

    /// A token with these claims and nothing else, signed by the provider's key: for tests of what an application makes of
    /// tokens that no grant makes. `typ` is what the header says of its kind.
    ///
    /// ```
    /// use oidc_gate_tower::dev::DevProvider;
    /// use serde_json::json;
    ///
    /// let provider = DevProvider::demo();
    /// let claims = json!({"iss": provider.issuer(), "sub": "alice", "aud": "api", "exp": 1});
    /// let expired = provider.sign(Some("at+jwt"), claims.as_object().unwrap());
    /// assert_eq!(expired.split('.').count(), 3);
    /// ```
    ///
    /// # Panics
    ///
    /// If the system has no randomness to give.
    pub fn sign(&self, typ: Option<&str>, claims: &Map<String, Value>) -> String {
        match self.sign_claims(typ, claims) {
            Ok(token) => token,
            Err(NoRandomness) => panic!("no randomness for a signature"),
        }
    }

    fn sign_claims(
        &self,
        typ: Option<&str>,
        claims: &Map<String, Value>,
    ) -> Result<String, NoRandomness> {
        let header = typ.map(|typ| ("typ".to_owned(), typ.into()));
        self.keys()
            .signing()
            .sign_compact(&header.into_iter().collect(), claims)
            .map_err(|_| NoRandomness)
    }
}
