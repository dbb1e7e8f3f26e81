//! See `oidc_gate_fuzz::path`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(path);
