//! See `oidc_gate_fuzz::token_request`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(token_request);
