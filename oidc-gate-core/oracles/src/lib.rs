//! Nothing: see `tests/id_token.rs`.
