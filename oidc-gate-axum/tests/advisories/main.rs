//! The published weaknesses of this field, each tried on a gate around a real router.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod headers;
mod login;
mod redirects;
mod robustness;
mod routing;
mod sessions;
mod tokens;
mod world;
