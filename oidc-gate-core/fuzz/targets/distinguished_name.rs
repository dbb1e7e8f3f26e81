//! See `oidc_gate_fuzz::distinguished_name`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(distinguished_name);
