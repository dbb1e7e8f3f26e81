//! See `oidc_gate_fuzz::metadata`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(metadata);
