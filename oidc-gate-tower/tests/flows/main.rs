//! The gate and the development provider in one process: virtual time, no ports, no sleeps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attributes;
mod circle;
mod faults;
mod form_post;
mod log;
mod login;
mod provider_down;
mod redaction;
mod session;
mod shared;
mod strict;
mod tasks;
mod wire;
mod world;
