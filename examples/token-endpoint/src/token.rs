//! The token endpoint, and what a token is worth. Who the client is, what it may have and what it is told, core says; what
//! is left is to look things up, to use them up, and to write the token.

use crate::{
    Refused, Server, now,
    store::{Access, Authorization, IDLE, Refresh, random},
    tls::Shown,
};
use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{Request as Received, header::CACHE_CONTROL},
    response::{IntoResponse as _, Response},
};
use oidc_gate_core::{
    check::Check,
    client_auth::{Authenticator, Proven, Refusal, Verifying},
    form::Form,
    grant::{
        CodeRequest, GrantRequest, GrantType, Granted, Handle, IssuedRefreshToken, RefreshPolicy,
        RefreshRequest, Refreshing, Rotated,
    },
    secret::{AccessToken, RefreshToken},
    time::UnixTime,
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// What is offered.
pub(crate) const GRANTS: &[GrantType] = &[
    GrantType::AuthorizationCode,
    GrantType::RefreshToken,
    GrantType::ClientCredentials,
];
const ACCESS_LIFE: Duration = Duration::from_secs(600);
const REFRESH_LIFE: Duration = Duration::from_secs(14 * 24 * 3600);

/// `POST /token` ([RFC 6749 § 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
pub(crate) async fn token(
    State(server): State<Arc<Server>>,
    ConnectInfo(shown): ConnectInfo<Shown>,
    request: Request,
) -> Result<Response, Refused> {
    let (request, now) = (receive(request).await?, now());
    let proven = server.authenticate(&server.token, &request, shown, now)?;
    match GrantRequest::read(proven, GRANTS)? {
        GrantRequest::AuthorizationCode(request) => server.redeem(request, now),
        GrantRequest::RefreshToken(request) => server.refresh(request, now),
        GrantRequest::ClientCredentials(request) => {
            let granted = server.store.once(request.check()?, now)?;
            server.answer(granted, None, None, now)
        }
        // Not among `GRANTS`.
        _ => Err(Refusal::new(Check::GrantTypeUnknown, "the grant is not offered").into()),
    }
}

/// `POST /introspect` ([RFC 7662 § 2](https://www.rfc-editor.org/rfc/rfc7662#section-2)): any client may ask that can prove
/// who it is.
pub(crate) async fn introspect(
    State(server): State<Arc<Server>>,
    ConnectInfo(shown): ConnectInfo<Shown>,
    request: Request,
) -> Result<Response, Refused> {
    let (request, now) = (receive(request).await?, now());
    let proven = server.authenticate(&server.introspection, &request, shown, now)?;
    let (_, mut form) = server.store.once(proven.accept(), now)?;
    let token = form
        .take("token")
        .ok_or_else(|| Refusal::new(Check::GrantMissing, "`token` is missing"))?;
    let told = match server.store.access(&Handle::of(&token), now) {
        // Nothing else: why a token is worth nothing is nobody's business.
        None => Map::from_iter([("active".into(), false.into())]),
        Some(access) => {
            let mut told = access.claims;
            told.insert("active".into(), true.into());
            told
        }
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(told)).into_response())
}

async fn receive(request: Request) -> Result<Received<Bytes>, Refusal> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, Form::MAX_BYTES)
        .await
        .map_err(|error| Refusal::new(Check::RequestSize, error.to_string()))?;
    Ok(Received::from_parts(head, body))
}

impl Server {
    /// The client that sent a request.
    fn authenticate(
        &self,
        endpoint: &Authenticator,
        request: &Received<Bytes>,
        shown: Shown,
        now: UnixTime,
    ) -> Result<Proven, Refusal> {
        let presented = endpoint.read(request)?;
        let client = self.clients.get(presented.client_id());
        let client = client.map(|client| &client.registered);
        let certificate = shown.0?;
        match endpoint.verify(presented, client, certificate.as_ref(), now)? {
            Verifying::Proven(proven) => Ok(proven),
            // No client of the file has its keys somewhere else.
            Verifying::KeysWanted(wanted) => wanted.resume(None),
        }
    }

    fn redeem(&self, request: CodeRequest, now: UnixTime) -> Result<Response, Refused> {
        let code = request.handle();
        let granted = request
            .check(self.store.code(&code).as_ref(), now)
            .and_then(|spend| spend.resolve(self.store.use_up(&code)))
            .map_err(|declined| self.store.settle(&code, declined))?;
        let granted = self.store.once(granted, now)?;
        let mut refresh = None;
        if let Some(issued) = IssuedRefreshToken::of(&granted, now + IDLE, now + REFRESH_LIFE) {
            let token = RefreshToken::new(random()?);
            let entry = Refresh {
                issued,
                authorization: code,
                successor: None,
            };
            self.store.add_refresh(&token, entry);
            refresh = Some(token);
        }
        self.answer(granted, Some(code), refresh, now)
    }

    fn refresh(&self, request: RefreshRequest, now: UnixTime) -> Result<Response, Refused> {
        let handle = request.handle();
        let settle = |declined| self.store.settle(&handle, declined);
        let found = self.store.refresh(&handle);
        let issued = found.as_ref().map(|found| &found.issued);
        let next = RefreshToken::new(random()?);
        let successor = || {
            self.store
                .refresh(&handle)
                .and_then(|found| found.successor)
        };
        let checked = request.check(issued, RefreshPolicy::default(), now);
        let (owed, token) = match checked.map_err(settle)? {
            Refreshing::Rotate(rotate) => {
                let replaced = self.store.replace(&handle, &next, now);
                match rotate.resolve(replaced).map_err(settle)? {
                    Rotated::New(owed) => (owed, Some(next)),
                    Rotated::Repeat(owed) => (owed, successor()),
                }
            }
            Refreshing::Repeat(owed) => (owed, successor()),
            Refreshing::Keep(owed) => {
                self.store.touch(&handle, now);
                (owed, None)
            }
        };
        let granted = self.store.once(owed, now)?;
        self.answer(granted, found.map(|found| found.authorization), token, now)
    }

    /// The access token, as a JWT ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)), and the answer with it. Without an
    /// authorization it is the client's own.
    fn answer(
        &self,
        granted: Granted,
        authorization: Option<Authorization>,
        refresh: Option<RefreshToken>,
        now: UnixTime,
    ) -> Result<Response, Refused> {
        let issuer = self.token.issuer().as_str();
        let client_id = granted.client().id();
        let expires = granted.expires(now, ACCESS_LIFE);
        let audience = match granted.resources() {
            [] => json!(issuer),
            resources => json!(resources),
        };
        let mut claims = Map::from_iter([
            ("iss".into(), json!(issuer)),
            (
                "sub".into(),
                json!(authorization.map_or(client_id, |_| &self.user)),
            ),
            ("aud".into(), audience),
            ("client_id".into(), json!(client_id)),
            ("scope".into(), json!(granted.scopes().to_string())),
            ("jti".into(), json!(random()?)),
            ("iat".into(), json!(now.as_secs())),
            ("exp".into(), json!(expires.as_secs())),
        ]);
        if let Some(x5t) = granted.confirmation() {
            claims.insert("cnf".into(), json!({"x5t#S256": x5t}));
        }
        let header = Map::from_iter([("typ".into(), Value::from("at+jwt"))]);
        let signed = self.key.sign_compact(&header, &claims);
        let token = signed.map_err(|error| Refusal::new(Check::ServerStore, error.to_string()))?;
        let access = Access {
            claims,
            expires,
            authorization,
        };
        self.store.add_access(Handle::of(&token), access);
        let mut answer = granted
            .answer(&AccessToken::new(token))
            .expires_in(expires.since(now));
        if let Some(token) = refresh {
            answer = answer.refresh_token(&token);
        }
        Ok(answer.respond().map(Body::from))
    }
}
