//! Which grant is asked for.

use super::{
    ClientCredentialsRequest, CodeRequest, DeviceRequest, ExchangeRequest, Granted,
    JwtBearerRequest, RefreshRequest, ScopeSet,
};
use crate::{
    check::{Check, quote},
    client_auth::{
        AuthenticatedClient, Proven, Refusal, RegisteredClient, ReplayKey, TokenBinding,
    },
    form::Form,
    oauth_error::ErrorCode,
    registered::registered_names,
    time::UnixTime,
    url::is_absolute_uri,
};

registered_names! {
    /// A grant by its registered name
    /// ([registry](https://www.iana.org/assignments/oauth-parameters/oauth-parameters.xhtml#client-metadata)).
    GrantType {
        /// A code that a user brought ([RFC 6749 § 4.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1)).
        AuthorizationCode = "authorization_code",
        /// A refresh token ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
        RefreshToken = "refresh_token",
        /// Nothing but who the client is ([RFC 6749 § 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).
        ClientCredentials = "client_credentials",
        /// A JWT of an issuer that is trusted ([RFC 7523 § 2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)).
        JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer",
        /// A device whose user decides elsewhere ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)).
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// A token for another ([RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)).
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
    }
}

/// A token request by its grant.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever answers has to know each")]
pub enum GrantRequest {
    /// A code that a user brought.
    AuthorizationCode(CodeRequest),
    /// A refresh token.
    RefreshToken(RefreshRequest),
    /// Nothing but who the client is.
    ClientCredentials(ClientCredentialsRequest),
    /// A JWT of an issuer that is trusted.
    JwtBearer(JwtBearerRequest),
    /// A device whose user decides elsewhere.
    DeviceCode(DeviceRequest),
    /// A token for another.
    TokenExchange(ExchangeRequest),
}

impl GrantRequest {
    /// Which grant a client asks for, at a server that offers `offered`.
    ///
    /// # Errors
    ///
    /// The first check that fails: [`Check::GrantTypeMissing`], [`Check::GrantTypeUnknown`],
    /// [`Check::GrantNotAllowed`], [`Check::GrantParameter`], [`Check::GrantScopeMalformed`],
    /// [`Check::GrantResourceMalformed`], [`Check::GrantMissing`], and those of an assertion's form.
    pub fn read(proven: Proven, offered: &[GrantType]) -> Result<Self, Refusal> {
        let Proven {
            client,
            registered,
            mut form,
            replay,
        } = proven;
        let Some(name) = take(&mut form, "grant_type") else {
            return Err(Refusal::new(
                Check::GrantTypeMissing,
                "`grant_type` is missing",
            ));
        };
        let grant = GrantType::from_name(&name)
            .filter(|grant| offered.contains(grant))
            .ok_or_else(|| {
                let cause = format!("`grant_type` is {}", quote(&name));
                Refusal::new(Check::GrantTypeUnknown, cause)
            })?;
        check_allowed(&registered, grant)?;
        if registered.tokens() == TokenBinding::Certificate && client.certificate().is_none() {
            return Err(Refusal::new(
                Check::GrantCertificateMissing,
                "the client's tokens are bound to a certificate, and the connection shows none",
            ));
        }
        let asked = Asked::read(client, replay, &mut form, registered, grant)?;
        Ok(match grant {
            GrantType::AuthorizationCode => {
                Self::AuthorizationCode(CodeRequest::read(asked, &mut form)?)
            }
            GrantType::RefreshToken => Self::RefreshToken(RefreshRequest::read(asked, &mut form)?),
            GrantType::ClientCredentials => {
                Self::ClientCredentials(ClientCredentialsRequest::new(asked))
            }
            GrantType::JwtBearer => Self::JwtBearer(JwtBearerRequest::read(asked, &mut form)?),
            GrantType::DeviceCode => Self::DeviceCode(DeviceRequest::read(asked, &mut form)?),
            GrantType::TokenExchange => {
                Self::TokenExchange(ExchangeRequest::read(asked, &mut form)?)
            }
        })
    }
}

pub(super) fn check_allowed(client: &RegisteredClient, grant: GrantType) -> Result<(), Refusal> {
    if client.may_use(grant) {
        return Ok(());
    }
    let cause = format!("{} is not registered for {grant}", quote(client.id()));
    Err(Refusal::new(Check::GrantNotAllowed, cause))
}

/// What every grant has: who asks, and for what.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) client: AuthenticatedClient,
    pub(super) replay: Vec<(ReplayKey, UnixTime)>,
    pub(super) grant: GrantType,
    pub(super) scope: Option<ScopeSet>,
    pub(super) resources: Vec<String>,
    pub(super) registered: RegisteredClient,
}

impl Asked {
    pub(super) fn read(
        client: AuthenticatedClient,
        replay: Option<(ReplayKey, UnixTime)>,
        form: &mut Form,
        registered: RegisteredClient,
        grant: GrantType,
    ) -> Result<Self, Refusal> {
        // RFC 9396 § 5. Ignored, it would grant more than was asked for.
        if take(form, "authorization_details").is_some() {
            let cause = "the request has `authorization_details`";
            let refusal = Refusal::new(Check::GrantParameter, cause);
            return Err(refusal.with_code(ErrorCode::InvalidAuthorizationDetails));
        }
        let scope = match take(form, "scope") {
            None => None,
            Some(text) => Some(ScopeSet::parse(&text).ok_or_else(|| {
                let cause = format!("the scope is {}", quote(&text));
                Refusal::new(Check::GrantScopeMalformed, cause)
            })?),
        };
        let resources = take_all(form, "resource");
        if let Some(bad) = resources.iter().find(|uri| !is_absolute_uri(uri)) {
            let cause = format!("the resource is {}", quote(bad));
            return Err(Refusal::new(Check::GrantResourceMalformed, cause));
        }
        Ok(Self {
            client,
            replay: replay.into_iter().collect(),
            grant,
            scope,
            resources,
            registered,
        })
    }

    /// The scopes: those asked for, if they are `within`, or else `otherwise`.
    pub(super) fn scopes(
        &self,
        within: &ScopeSet,
        otherwise: &ScopeSet,
    ) -> Result<ScopeSet, Refusal> {
        let Some(asked) = &self.scope else {
            return Ok(otherwise.clone());
        };
        match asked.first_outside(within) {
            None => Ok(asked.clone()),
            Some(scope) => {
                let cause = format!("{} is not to be had", quote(scope));
                Err(Refusal::new(Check::GrantScope, cause))
            }
        }
    }

    /// The resources: those asked for, if they are all among `within`, or else all of them.
    pub(super) fn targets<S: AsRef<str>>(&self, within: &[S]) -> Result<Vec<String>, Refusal> {
        if self.resources.is_empty() {
            return Ok(within.iter().map(|uri| uri.as_ref().to_owned()).collect());
        }
        check_targets(&self.resources, within)?;
        Ok(self.resources.clone())
    }

    pub(super) fn granted(self, scopes: ScopeSet, resources: Vec<String>) -> Granted {
        Granted {
            client: self.client,
            registered: self.registered,
            grant: self.grant,
            scopes,
            asked: self.scope,
            resources,
            subject: None,
            actor: None,
            issued: None,
            not_beyond: None,
        }
    }
}

pub(super) fn check_targets<S: AsRef<str>>(asked: &[String], within: &[S]) -> Result<(), Refusal> {
    let stranger = |uri: &&String| !within.iter().any(|known| known.as_ref() == uri.as_str());
    match asked.iter().find(stranger) {
        None => Ok(()),
        Some(uri) => {
            let cause = format!("{} is not to be had", quote(uri));
            Err(Refusal::new(Check::GrantTarget, cause))
        }
    }
}

/// A parameter; without a value it was not sent ([RFC 6749 § 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
pub(super) fn take(form: &mut Form, name: &str) -> Option<String> {
    form.take(name).filter(|value| !value.is_empty())
}

pub(super) fn take_all(form: &mut Form, name: &str) -> Vec<String> {
    let mut all = form.take_all(name);
    all.retain(|value| !value.is_empty());
    all
}

pub(super) fn need(form: &mut Form, name: &'static str) -> Result<String, Refusal> {
    take(form, name)
        .ok_or_else(|| Refusal::new(Check::GrantMissing, format!("`{name}` is missing")))
}
