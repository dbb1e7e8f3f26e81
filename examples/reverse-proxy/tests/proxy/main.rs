//! The proxy over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod passing;
mod places;
mod smuggling;
mod streams;
mod websockets;
mod world;
