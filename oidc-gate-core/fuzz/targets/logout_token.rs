//! See `oidc_gate_fuzz::logout_token`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(logout_token);
