//! The gate and the development provider in one process: virtual time, no ports, no sleeps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod caching;
mod claims;
mod faults;
mod habits;
mod log;
mod login;
mod metadata;
mod provider_down;
mod redaction;
mod returning;
mod session;
mod shaping;
mod tasks;
mod wire;
mod world;
