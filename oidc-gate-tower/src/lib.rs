//! OpenID Connect login around any tower service, in the application's own process.

mod ports;

#[cfg(feature = "dev-provider")]
pub mod dev;
#[cfg(feature = "testing")]
pub mod testing;

pub use oidc_gate_core as core;
pub use oidc_gate_core::identity::{ClaimsMismatch, Identity, Via};
pub use ports::{Clock, HttpClient, SystemClock, TransportError};
