//! See `oidc_gate_fuzz::callback`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(callback);
