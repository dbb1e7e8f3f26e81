//! See `oidc_gate_fuzz::return_to`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(return_to);
