//! See `oidc_gate_fuzz::id_token`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(id_token);
