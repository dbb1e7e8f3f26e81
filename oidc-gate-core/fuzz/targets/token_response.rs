//! See `oidc_gate_fuzz::token_response`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(token_response);
