//! The gate and the development provider in one process: virtual time, no ports, no sleeps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod assertions;
mod attributes;
mod auth;
mod backchannel;
mod base_path;
mod bearer;
mod caching;
mod circle;
mod claims;
mod faults;
mod form_post;
mod forward_auth;
mod frontchannel;
mod habits;
mod hosts;
mod identity_headers;
mod key_cache;
mod live;
mod log;
mod log_out;
mod login;
mod metadata;
mod operations;
mod pages;
mod passed_tokens;
mod provider_down;
mod redaction;
mod refresh;
mod returning;
mod rotation;
mod rules;
mod session;
mod session_state;
mod shaping;
mod shared;
mod sign_out;
mod step_up;
mod store_down;
mod strict;
mod tabs;
mod tasks;
mod watched;
mod wire;
mod world;
