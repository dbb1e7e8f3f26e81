//! The types of `oauth2` and `openidconnect`: conversions, and a client of theirs made from a gate.
//!
//! For an application that has code for these crates and wants to keep it beside a gate. Nothing of it takes part in a login
//! through the gate.
//!
//! - [`ToTheirs`] and [`FromTheirs`] convert one value. Where the other side is stricter the conversion can fail, and says
//!   which form it expected, never the value; where it cannot fail, its error is [`Infallible`](std::convert::Infallible).
//! - [`Gate::openidconnect`](crate::Gate::openidconnect) makes a [`Bridged`]: a client of theirs with the
//!   addresses that the gate has looked up, and an HTTP client for it that is the gate's.
//! - [`BridgedHttp`] sends their requests through any [`HttpClient`](crate::HttpClient).
//!
//! ```
//! use oidc_gate_tower::{
//!     bridge::{FromTheirs as _, ToTheirs as _, openidconnect::{Nonce, PkceCodeChallenge, PkceCodeVerifier}},
//!     core::secret::{self, CodeVerifier},
//! };
//!
//! let (challenge, theirs) = PkceCodeChallenge::new_random_sha256();
//! let ours = CodeVerifier::from_theirs(theirs)?;
//! let again: PkceCodeChallenge = ours.to_theirs()?;
//! assert_eq!(again, challenge);
//! assert!(CodeVerifier::from_theirs(PkceCodeVerifier::new("short".to_owned())).is_err());
//!
//! // What cannot fail needs no question mark.
//! let Ok(nonce): Result<Nonce, _> = secret::Nonce::new("n-0S6_WzA2Mj").to_theirs();
//! assert_eq!(nonce.secret(), "n-0S6_WzA2Mj");
//! # Ok::<_, oidc_gate_tower::bridge::ConversionError>(())
//! ```
//!
//! # Security
//!
//! What their client accepts is decided by their client: RSA keys of 512 bits, an `azp` that names somebody else, keys that
//! are never fetched again. What has to be believed is better given to the gate. The feature brings `rsa`
//! (RUSTSEC-2023-0071: private-key operations leak timing; they verify with public keys), `rand` and `chrono` into the
//! tree.

mod claims;
mod client;
mod http;
mod metadata;
mod tokens;
mod values;

pub use self::{
    client::{BridgeError, Bridged, BridgedClient, client},
    http::BridgedHttp,
};
pub use openidconnect;

use crate::core::check::CheckFailed;
use std::fmt;

/// A value that `oauth2` or `openidconnect` has the type `T` for.
pub trait ToTheirs<T> {
    /// [`Infallible`](std::convert::Infallible), unless theirs is stricter.
    type Error;

    /// The same value, in their type.
    ///
    /// # Errors
    ///
    /// Where theirs is stricter.
    fn to_theirs(&self) -> Result<T, Self::Error>;
}

/// A value that can be read from the type `T` of `oauth2` or `openidconnect`.
pub trait FromTheirs<T>: Sized {
    /// [`Infallible`](std::convert::Infallible), unless ours is stricter.
    type Error;

    /// The same value, in our type.
    ///
    /// # Errors
    ///
    /// Where ours is stricter.
    fn from_theirs(theirs: T) -> Result<Self, Self::Error>;
}

/// Why a value has no counterpart on the other side. Holds no part of the value that could be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConversionError {
    /// It has not the form that is written here.
    Expected(&'static str),
    /// A check of ours refuses it.
    Refused(CheckFailed),
}

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(form) => write!(f, "expected {form}"),
            Self::Refused(failed) => failed.fmt(f),
        }
    }
}

impl std::error::Error for ConversionError {}

impl From<CheckFailed> for ConversionError {
    fn from(failed: CheckFailed) -> Self {
        Self::Refused(failed)
    }
}
