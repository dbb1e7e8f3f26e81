//! The token endpoint: [`core::grant`](crate::core::grant) with a store in memory, and the tokens it ends in.

use super::{
    DevProvider, Fault, Habit,
    answer::{Lost, OauthError, lost},
    service::Call,
    state::{Access, Hint, Key, Login, key, new_handle},
};
use crate::core::{
    check::Check,
    client_auth::Refusal,
    grant::{GrantRequest, GrantType, Granted},
    secret::{AccessToken, IdToken, RefreshToken},
};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long an ID token is valid, and an access token unless said.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(3600);

impl DevProvider {
    pub(super) fn token(&self, call: &Call<'_>) -> Response<Bytes> {
        if self.has(Fault::TokenEndpointDown) {
            return OauthError::new("temporarily_unavailable", "the token endpoint is down")
                .with_status(StatusCode::SERVICE_UNAVAILABLE)
                .respond();
        }
        if self.has(Fault::TooManyRequests) {
            let mut answer = Response::new(Bytes::from_static(b"come again"));
            *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            let wait = HeaderValue::from_static("30");
            answer.headers_mut().insert(header::RETRY_AFTER, wait);
            return answer;
        }
        let answer = self.answer_grant(call);
        let answer = answer.unwrap_or_else(|refusal| refuse(&refusal));
        if self.has(Fault::LostTokenResponse) {
            return lost(Lost::Answer);
        }
        answer
    }

    fn answer_grant(&self, call: &Call<'_>) -> Result<Response<Bytes>, Refusal> {
        let server = self.authenticator();
        let proven = self.authenticate_client(&server, call)?;
        match GrantRequest::read(proven, GrantType::ALL)? {
            GrantRequest::AuthorizationCode(request) => self.redeem_code(request),
            GrantRequest::RefreshToken(request) => self.refresh(request),
            GrantRequest::ClientCredentials(request) => {
                let granted = self.once(request.check()?)?;
                self.mint(granted, Minted::for_client()?)
            }
            GrantRequest::JwtBearer(request) => self.believe_assertion(&server, request),
            GrantRequest::DeviceCode(request) => self.redeem_device_code(request),
            GrantRequest::TokenExchange(request) => self.exchange(request),
        }
    }

    /// The tokens of a grant, remembered and answered.
    pub(super) fn mint(
        &self,
        granted: Granted,
        minted: Minted,
    ) -> Result<Response<Bytes>, Refusal> {
        let Minted {
            login,
            user,
            grant,
            refresh,
            occasion,
        } = minted;
        let (client_id, scope) = (granted.client().id().to_owned(), granted.scopes().clone());
        let certificate = granted.confirmation().map(str::to_owned);
        let login = login.map(|login| self.of_today(login));
        let now = self.now();
        let expires = granted.expires(now, self.shared.access_token_life);
        let user = user.or_else(|| login.as_ref().map(|login| login.session.user.clone()));
        let access = self
            .access_token(&granted, user.as_ref(), login.as_ref(), expires)
            .map_err(|_| no_randomness())?;
        let id_token = match &login {
            Some(_) if occasion == Occasion::Refresh && self.does(Habit::RefreshWithoutIdToken) => {
                None
            }
            Some(login) if scope.contains("openid") => Some(
                self.id_token(login, occasion, &client_id, &scope, &access)
                    .map_err(|_| no_randomness())?,
            ),
            _ => None,
        };
        let mut answer = granted
            .answer(&AccessToken::new(access.as_str()))
            .expires_in(expires.since(now));
        if let Some(token) = refresh {
            answer = answer.refresh_token(&token);
        }
        let access_entry = Access {
            client_id: client_id.clone(),
            user,
            scope,
            expires,
            grant,
            certificate,
        };
        {
            // One step: whoever revokes finds the token or has been heard here.
            let mut state = self.state();
            if state.has_ended(&grant) {
                let cause = "the authorization was revoked meanwhile";
                return Err(Refusal::new(Check::GrantEnded, cause));
            }
            state.access_tokens.insert(key(&access), access_entry);
        }
        if let (Some(token), Some(login)) = (&id_token, login) {
            let hint = Hint {
                subject: login.session.user.subject().to_owned(),
                client_id,
                sid: login.session.sid,
            };
            self.state().id_tokens.insert(key(token), hint);
        }
        if let Some(token) = id_token.filter(|_| !self.has(Fault::MissingIdToken)) {
            answer = answer.id_token(&IdToken::new(token));
        }
        Ok(self.spoil_type(answer.respond().map(Bytes::from)))
    }

    /// The login, of the user as it is now.
    fn of_today(&self, mut login: Login) -> Login {
        let user = &mut login.session.user;
        if let Some(changed) = self.state().changed_users.get(user.subject()) {
            user.clone_from(changed);
        }
        login
    }

    fn spoil_type(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        if self.has(Fault::WrongTokenType)
            && let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(answer.body())
        {
            members.insert("token_type".into(), "pigeon".into());
            *answer.body_mut() = Value::Object(members).to_string().into();
        }
        answer
    }
}

/// What tokens are made of, beside what was granted.
pub(super) struct Minted {
    pub(super) login: Option<Login>,
    /// Whom an access token is about that no login is behind.
    pub(super) user: Option<crate::Identity>,
    pub(super) grant: Key,
    pub(super) refresh: Option<RefreshToken>,
    pub(super) occasion: Occasion,
}

/// What tokens are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The first ones of a grant.
    Grant,
    /// Those that take their place.
    Refresh,
}

impl Minted {
    pub(super) fn for_client() -> Result<Self, Refusal> {
        Ok(Self {
            login: None,
            user: None,
            grant: key(&new_handle().map_err(|_| no_randomness())?),
            refresh: None,
            occasion: Occasion::Grant,
        })
    }
}

pub(super) fn refuse(refusal: &Refusal) -> Response<Bytes> {
    tracing::debug!(check = %refusal.check(), cause = refusal.cause(), "token request refused");
    refusal.respond("development provider").map(Bytes::from)
}

pub(super) fn no_randomness() -> Refusal {
    Refusal::new(Check::ServerStore, "no randomness for a token")
}
