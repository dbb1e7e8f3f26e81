//! See `oidc_gate_fuzz::jws`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(jws);
