//! See `oidc_gate_fuzz::certificate_header`.
#![cfg_attr(fuzzing, no_main)]
oidc_gate_fuzz::target!(certificate_header);
