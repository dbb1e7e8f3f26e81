//! The resource-server half: a bearer token in a request, and whether it is to be believed
//! ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750), [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).
//!
//! 1. [`presented`] reads the request's `Authorization`.
//! 2. [`Bearers::read`] reads the token, finds the issuer's [`TokenRules`] by its unverified `iss`, and refuses what is not
//!    worth looking for a key.
//! 3. [`Candidate::verify`] believes it, or says which check failed. What comes out is the same
//!    [`Identity`](crate::identity::Identity) that a login makes.
//!
//! ```
//! use oidc_gate_core::{check::CheckFailed, jose::JwkSet, resource::*, time::UnixTime, url::Issuer};
//! # fn keys_of(_: &Issuer) -> JwkSet { JwkSet::default() }
//! fn caller(headers: &http::HeaderMap, bearers: &Bearers, now: UnixTime) -> Result<Option<Verified>, CheckFailed> {
//!     let Some(token) = presented(headers, BasicTokens::Ignored)? else { return Ok(None) };
//!     let candidate = bearers.read(token.expose())?;
//!     let keys = keys_of(candidate.issuer());
//!     candidate.verify(&keys, now).map(Some)
//! }
//! ```

mod access_token;
mod candidate;
mod credential;
mod id_token;
mod marker;
mod rules;

pub use candidate::{Bearers, Candidate, Verified};
pub(crate) use credential::is_bearer;
pub use credential::{BasicTokens, PresentedToken, UnreadToken, offered, presented};
pub use marker::Marker;
pub use rules::{BearerKind, Profile, ScopeForm, TokenRules};
