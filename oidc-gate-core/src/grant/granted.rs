//! What was granted, and the answer that says so.

use super::{GrantType, ScopeSet, TokenType};
use crate::{
    client_auth::{AuthenticatedClient, RegisteredClient, TokenBinding, json_answer},
    secret::{AccessToken, IdToken, RefreshToken},
    time::UnixTime,
};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use std::{fmt, time::Duration};

/// A grant that passed every check. There is no other way to get one, and it makes the answer.
#[derive(Debug)]
#[must_use]
pub struct Granted {
    pub(super) client: AuthenticatedClient,
    pub(super) registered: RegisteredClient,
    pub(super) grant: GrantType,
    pub(super) scopes: ScopeSet,
    pub(super) asked: Option<ScopeSet>,
    pub(super) resources: Vec<String>,
    pub(super) subject: Option<Box<str>>,
    pub(super) actor: Option<Box<str>>,
    pub(super) issued: Option<TokenType>,
    pub(super) not_beyond: Option<UnixTime>,
}

impl Granted {
    /// The client.
    pub fn client(&self) -> &AuthenticatedClient {
        &self.client
    }

    /// By which grant.
    pub fn grant(&self) -> GrantType {
        self.grant
    }

    /// What the access token may do.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// For which resources it is meant; where there are none, for whichever the server has in mind.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// On whose behalf, where the grant itself says it: of an assertion or an exchanged token.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Who acts on that behalf ([RFC 8693 § 4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)).
    pub fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// The token must not outlive this moment, whatever else is configured: see [`expires`](Self::expires).
    pub fn not_beyond(&self) -> Option<UnixTime> {
        self.not_beyond
    }

    /// When a token made `now` has to expire that would live for `life`.
    pub fn expires(&self, now: UnixTime, life: Duration) -> UnixTime {
        let latest = now + life;
        self.not_beyond.map_or(latest, |end| end.min(latest))
    }

    /// What the token has to be and the answer calls it, where an exchange has asked
    /// ([RFC 8693 § 2.2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1)).
    pub fn issued_token_type(&self) -> Option<TokenType> {
        self.issued
    }

    /// What the access token has to carry as `cnf` member `x5t#S256`
    /// ([RFC 8705 § 3.1](https://www.rfc-editor.org/rfc/rfc8705#section-3.1)): the certificate it is bound to, where the
    /// client's tokens are.
    pub fn confirmation(&self) -> Option<&str> {
        match self.client.tokens() {
            TokenBinding::Certificate => self.client.certificate(),
            TokenBinding::Bearer => None,
        }
    }

    /// Whether a refresh token may go with the access token
    /// ([RFC 6749 § 4.4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.3),
    /// [RFC 7521 § 4.1](https://www.rfc-editor.org/rfc/rfc7521#section-4.1)): who can ask again needs none, and who is not
    /// registered for the grant cannot use one.
    pub fn may_have_refresh_token(&self) -> bool {
        self.registered.may_use(GrantType::RefreshToken) && self.has_login()
    }

    fn has_login(&self) -> bool {
        matches!(
            self.grant,
            GrantType::AuthorizationCode | GrantType::RefreshToken | GrantType::DeviceCode
        )
    }

    /// The answer with this access token, which is a bearer token.
    pub fn answer(self, access_token: &AccessToken) -> TokenAnswer {
        let mut members = Map::new();
        members.insert("access_token".into(), access_token.expose().into());
        members.insert("token_type".into(), "Bearer".into());
        if let Some(issued) = &self.issued {
            members.insert("issued_token_type".into(), issued.as_str().into());
        }
        // Always where it differs from what was asked for (RFC 6749 § 5.1); where nothing was asked for, it is news.
        if self.asked.as_ref() != Some(&self.scopes) && !self.scopes.is_empty() {
            members.insert("scope".into(), self.scopes.to_string().into());
        }
        TokenAnswer {
            refreshable: self.may_have_refresh_token(),
            of_login: self.has_login(),
            members,
        }
    }
}

/// The answer of a token endpoint ([RFC 6749 § 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
#[must_use]
pub struct TokenAnswer {
    refreshable: bool,
    of_login: bool,
    members: Map<String, Value>,
}

impl TokenAnswer {
    /// How long the access token lives.
    pub fn expires_in(self, life: Duration) -> Self {
        self.with("expires_in", life.as_secs().into())
    }

    /// With a refresh token. Left out where the grant has none, see [`Granted::may_have_refresh_token`].
    pub fn refresh_token(self, token: &RefreshToken) -> Self {
        match self.refreshable {
            true => self.with("refresh_token", token.expose().into()),
            false => self,
        }
    }

    /// With an ID token. Left out where the grant has no user who signed in.
    pub fn id_token(self, token: &IdToken) -> Self {
        match self.of_login {
            true => self.with("id_token", token.expose().into()),
            false => self,
        }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.into(), value);
        self
    }

    /// The answer, for whatever server: 200, JSON, and not to be stored.
    pub fn respond(self) -> Response<Vec<u8>> {
        json_answer(StatusCode::OK, &Value::Object(self.members))
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.keys()).finish()
    }
}
