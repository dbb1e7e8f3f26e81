//! See `oidc_gate_fuzz::userinfo`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(userinfo);
