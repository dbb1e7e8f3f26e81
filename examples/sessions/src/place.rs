//! Where sessions are kept, in one word.

use oidc_gate_axum::{GateBuilder, Store};

/// `memory`, a Redis address, `cookies`, or `cookies+` and a Redis address.
///
/// | `STORE` | sessions are | who sees to it that one redeems |
/// |---|---|---|
/// | `memory` | in this process | this process |
/// | `redis://…` | in Redis | Redis, for all processes |
/// | `cookies` | in the browser | this process |
/// | `cookies+redis://…` | in the browser | Redis, for all processes |
pub(crate) fn kept_in(gate: GateBuilder, place: &str) -> GateBuilder {
    match (place, place.strip_prefix("cookies+")) {
        ("memory", _) => gate.store(Store::memory()),
        ("cookies", _) => gate,
        (_, Some(address)) => gate.coordinator(Store::redis(address)),
        (address, None) => gate.store(Store::redis(address)),
    }
}
