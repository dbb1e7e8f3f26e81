//! What the memory store holds for a session beside the session's own bytes.

use oidc_gate_benches::footprint::beside_a_value;

#[test]
fn a_session_in_memory_takes_less_than_300_bytes_beside_its_data() {
    let beside = beside_a_value();
    assert!(beside < 300, "{beside} bytes");
}
