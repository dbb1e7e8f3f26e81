//! The proxy over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "what was measured")]

mod passing;
mod places;
mod probes;
mod program;
mod replicas;
mod smuggling;
mod streams;
mod tls;
mod websockets;
mod world;
