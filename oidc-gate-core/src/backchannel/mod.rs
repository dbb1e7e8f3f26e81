//! What a client asks a server without a browser: the questions, as values; the answers; the flow that asks.
//!
//! A [`Question`] becomes an ordinary HTTP request with [`exchange`](Question::exchange), which anything can send, and
//! [`read`](Question::read) reads what comes back. [`Ask`] does both, with whoever drives it.

mod answer;
mod ask;
mod device;
mod error;
mod fields;
mod introspection;
mod pushed;
mod question;
mod revocation;

pub(crate) use answer::{Faults, lifetime, object, text};
pub use ask::Ask;
pub use device::{DeviceAuthorization, DeviceAuthorizationRequest};
pub use error::AskError;
pub use fields::{Fields, RequestError};
pub use introspection::{Introspection, IntrospectionRequest};
pub use pushed::{PushedRequest, PushedResponse};
pub use question::Question;
pub use revocation::{RevocationRequest, Revoked};

#[cfg(test)]
mod tests;
