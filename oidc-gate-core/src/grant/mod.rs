//! The token endpoint of an authorization server: what it checks before it grants
//! ([RFC 6749 § 5](https://www.rfc-editor.org/rfc/rfc6749#section-5)).
//!
//! Nothing here stores anything. A request goes through values, and each has one way on:
//!
//! 1. [`Authenticator::read`](crate::client_auth::Authenticator::read) and
//!    [`verify`](crate::client_auth::Authenticator::verify) end in a
//!    [`Proven`](crate::client_auth::Proven) client.
//! 2. [`GrantRequest::read`] says which grant is asked for, and has one `check` for each kind. It takes what the server has
//!    stored, looks at everything and changes nothing.
//! 3. What is good once has to be used up in one atomic step, by whoever has the store: a [`Spend`] whose
//!    [`resolve`](Spend::resolve) takes what came of it.
//! 4. Then an assertion has to be new ([`Owed`](crate::client_auth::Owed)), and only then there is a [`Granted`], which
//!    makes the answer.
//!
//! So a request that fails a check uses nothing up, a stranger can use nothing up for somebody else, and of two requests at
//! once one succeeds. What fails at the store after that, an assertion that is not new above all, has used its code up: the
//! safe side. A check that fails may leave something to do, see [`Declined`].

//!
//! ```
//! use oidc_gate_core::{
//!     client_auth::{
//!         Authenticator, HashedSecret, Inserted, MethodName, RegisteredMethod, Registration, SecretPlace, Secrets,
//!         Verifying,
//!     },
//!     grant::{GrantRequest, GrantType, ScopeSet},
//!     secret::AccessToken,
//!     time::UnixTime,
//!     url::Issuer,
//! };
//! use std::time::Duration;
//!
//! let server = Authenticator::new(Issuer::parse("https://id.example")?, [MethodName::SecretBasic]);
//! // `HashedSecret::new` made it of `hush`.
//! let stored = "sha256:AQEBAQEBAQEBAQEBAQEBAQ:Fho_jIafBOFLGi0YbndQO0jKTl5GHGdeX-2vnOQatmI";
//! let secret = HashedSecret::parse(stored).ok_or("not a stored secret")?;
//! let method = RegisteredMethod::Secret(SecretPlace::Basic, Secrets::one(secret));
//! let registration = Registration::new("app", method)
//!     .grants([GrantType::ClientCredentials])
//!     .scopes(ScopeSet::parse("read").ok_or("not a scope")?);
//! let client = server.register(registration)?;
//!
//! let request = http::Request::post("/token")
//!     .header("content-type", "application/x-www-form-urlencoded")
//!     .header("authorization", "Basic YXBwOmh1c2g=")
//!     .body("grant_type=client_credentials")?;
//! let now = UnixTime::from_secs(1_700_000_000);
//! let presented = server.read(&request)?;
//! assert_eq!(presented.client_id(), "app");
//! let Verifying::Proven(proven) = server.verify(presented, Some(&client), None, now)? else {
//!     return Err("its keys are nowhere else".into());
//! };
//! let GrantRequest::ClientCredentials(asked) = GrantRequest::read(proven, &[GrantType::ClientCredentials])? else {
//!     return Err("nothing else is offered".into());
//! };
//! // Whoever signs an assertion would have its `jti` inserted here.
//! let granted = asked.check()?.resolve_with(|_jti, _until| Inserted::Failed)?;
//! let answer = granted.answer(&AccessToken::new("2YotnFZFEjr1zCsicMWpAA")).expires_in(Duration::from_secs(300)).respond();
//! assert_eq!(answer.status(), 200);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod authorization_code;
mod client_credentials;
mod declined;
mod device_code;
mod granted;
mod handle;
mod jwt_bearer;
mod refresh_token;
mod request;
mod scope;
mod token_exchange;

pub use authorization_code::{CodeRequest, IssuedCode};
pub use client_credentials::ClientCredentialsRequest;
pub use declined::{Aftermath, Declined};
pub use device_code::{
    DeviceAuthorization, DeviceAuthorizationRequest, DeviceRequest, IssuedDeviceCode, UserCode,
    UserDecision,
};
pub use granted::{Granted, TokenAnswer};
pub use handle::{Handle, Spend, Spent, Standing};
pub use jwt_bearer::{JwtBearerRequest, TrustedIssuer};
pub use refresh_token::{
    IssuedRefreshToken, RefreshPolicy, RefreshRequest, RefreshState, Refreshing, Replaced, Rotate,
    Rotated, Rotation,
};
pub use request::{GrantRequest, GrantType};
pub use scope::ScopeSet;
pub use token_exchange::{ExchangeRequest, PresentedToken, TokenType, ValidToken};

use request::Asked;
