//! OpenID Connect login around any tower service, in the application's own process.

#[cfg_attr(
    not(feature = "dev-provider"),
    allow(dead_code, reason = "the gate's own pages come later")
)]
mod html;
mod ports;

#[cfg(feature = "dev-provider")]
pub mod dev;
#[cfg(feature = "testing")]
pub mod testing;

pub use oidc_gate_core as core;
pub use oidc_gate_core::identity::{ClaimsMismatch, Identity, Via};
pub use ports::{Clock, HttpClient, SystemClock, TransportError};
