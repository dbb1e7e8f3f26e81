//! See `oidc_gate_fuzz::form`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(form);
