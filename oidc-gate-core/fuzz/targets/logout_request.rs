//! See `oidc_gate_fuzz::logout_request`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(logout_request);
