//! See `oidc_gate_fuzz::state`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(state);
