//! See `oidc_gate_fuzz::certificate`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(certificate);
