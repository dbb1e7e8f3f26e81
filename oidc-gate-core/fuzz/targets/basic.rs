//! See `oidc_gate_fuzz::basic`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(basic);
