//! See `oidc_gate_fuzz::jwks`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(jwks);
