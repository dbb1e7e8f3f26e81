//! See `oidc_gate_fuzz::cookies`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(cookies);
