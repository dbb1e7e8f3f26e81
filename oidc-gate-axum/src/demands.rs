//! What a handler can demand of its caller while it runs.

use crate::extract::{AuthRejection, AuthenticatedUser, demand};
use axum::extract::FromRequestParts;
use http::request::Parts;
use oidc_gate_tower::{self as tower, Requirement};
use std::convert::Infallible;

/// What a handler can demand of its caller while it runs: where a rule, [`require`](crate::require) or
/// [`Has`](crate::Has) would ask too much, because it depends on what the request is about.
///
/// ```
/// use axum::{Json, extract::FromRequest};
/// use oidc_gate_axum::{AuthRejection, AuthenticatedUser, Demands, max_age};
/// use std::time::Duration;
///
/// #[derive(serde::Deserialize)]
/// struct Transfer { amount: u64 }
///
/// async fn transfer(
///     user: AuthenticatedUser,
///     demands: Demands,
///     Json(transfer): Json<Transfer>,
/// ) -> Result<String, AuthRejection> {
///     if transfer.amount > 1000 {
///         demands.of(&user, &max_age(Duration::from_secs(300)))?;
///     }
///     Ok(format!("{} sent {}", user.display_name(), transfer.amount))
/// }
/// # let _: axum::Router = axum::Router::new().route("/transfer", axum::routing::post(transfer));
/// ```
///
/// A browser that opens the page is sent to sign in again, with `max_age` or `acr_values`, and comes back to it as the same
/// user; what a script is told is a challenge
/// ([RFC 9470 § 3](https://www.rfc-editor.org/rfc/rfc9470#section-3)); a form that was sent is answered by a page that says so.
#[derive(Clone, Debug)]
pub struct Demands(tower::Demands);

impl Demands {
    /// Nothing, if `user` meets this.
    ///
    /// # Errors
    ///
    /// [`AuthRejection::Unmet`]: returned from the handler, the gate outside turns it into its own answer.
    pub fn of(
        &self,
        user: &AuthenticatedUser,
        requirement: &Requirement,
    ) -> Result<(), AuthRejection> {
        self.0.of(user, requirement).map_err(AuthRejection::Unmet)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Demands {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(demand(parts).later()))
    }
}
