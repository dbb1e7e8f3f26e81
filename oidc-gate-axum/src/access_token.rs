//! The user's access token, in a handler's arguments.

use crate::extract::{AuthRejection, demand, must};
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER, request::Parts};
use oidc_gate_tower::{TokenError, core::secret};
use std::{fmt, ops::Deref};

/// The user's access token for another service: good for a moment at least, or the handler does not run.
///
/// What would soon end is refreshed first, once for all requests of a session that want it. Where a handler outlives its
/// request, or wants to go on without a token, it asks the user for one:
/// [`access_token`](oidc_gate_tower::Principal::access_token).
///
/// ```
/// use axum::extract::State;
/// use http::header::AUTHORIZATION;
/// use oidc_gate_axum::AccessToken;
/// # struct Client;
/// # impl Client {
/// #     fn get(&self, _: &str) -> Self { Self }
/// #     fn header(self, _: http::HeaderName, _: http::HeaderValue) -> Self { self }
/// #     async fn text(self) -> String { String::new() }
/// # }
/// # #[derive(Clone)] struct Http;
/// # impl Http { fn get(&self, _: &str) -> Client { Client } }
///
/// async fn orders(token: AccessToken, State(http): State<Http>) -> String {
///     http.get("https://orders.internal/mine").header(AUTHORIZATION, token.header()).text().await
/// }
/// ```
///
/// # Security
///
/// It speaks for the user wherever it is taken: see [`access_token`](oidc_gate_tower::Principal::access_token).
#[derive(Clone, Debug)]
pub struct AccessToken(secret::AccessToken);

impl Deref for AccessToken {
    type Target = secret::AccessToken;
    fn deref(&self) -> &secret::AccessToken {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AccessToken {
    type Rejection = AccessTokenRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AccessTokenRejection> {
        let user = must(parts).cloned().map_err(AccessTokenRejection::Auth)?;
        user.access_token()
            .await
            .map(Self)
            .map_err(|error| match error {
                // The gate outside sends whoever can be sent to the login: the provider then issues a new one.
                TokenError::Ended => {
                    let demand = Box::new(demand(parts).sign_in());
                    AccessTokenRejection::Auth(AuthRejection::NotSignedIn(demand))
                }
                error => AccessTokenRejection::Token(error),
            })
    }
}

/// Why a handler does not get an access token.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccessTokenRejection {
    /// There is no user, or one who has to sign in again.
    Auth(AuthRejection),
    /// There is a user and no token: 503 where it helps to wait, 403 for whoever came with a token of their own, and 500 for
    /// the developer's mistakes.
    Token(TokenError),
}

impl fmt::Display for AccessTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(rejection) => rejection.fmt(f),
            Self::Token(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AccessTokenRejection {}

impl IntoResponse for AccessTokenRejection {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Auth(rejection) => return rejection.into_response(),
            Self::Token(error) => error,
        };
        let status = match error {
            TokenError::ProviderUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            TokenError::PresentedByCaller => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = (status, error.to_string()).into_response();
        if let TokenError::ProviderUnavailable { retry_after } = error {
            let secs = HeaderValue::from(retry_after.as_secs());
            response.headers_mut().insert(RETRY_AFTER, secs);
        }
        response
    }
}
