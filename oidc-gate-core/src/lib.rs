//! OpenID Connect and OAuth 2.0 as pure logic: no sockets, no async, no clock, no files, no environment.
//!
//! Everything the protocols say is a function of its inputs here. The time and fresh randomness are arguments, an HTTP
//! exchange is a value. `oidc-gate-tower` carries the decisions out; `oidc-gate-axum` is what an application uses.

pub mod address;
pub mod backchannel;
pub mod check;
pub mod claims;
pub mod client_auth;
pub mod flow;
pub mod form;
pub mod forward;
pub mod gate;
pub mod grant;
pub mod identity;
pub mod jose;
pub mod login;
pub mod logout;
pub mod oauth_error;
pub mod peers;
pub mod provider;
mod registered;
pub mod resource;
pub mod secret;
pub mod session;
#[cfg(test)]
mod testdata;
pub mod time;
pub mod token;
pub mod url;

// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
