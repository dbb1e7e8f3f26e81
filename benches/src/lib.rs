//! What the gate costs, measured: the [requests](requests::rows) that are measured, and [how](measure).
//!
//! `README.md` beside this crate says how to run it and how to read the table.

pub mod allocations;
pub mod bearer;
pub mod bound;
pub mod claims;
pub mod footprint;
pub mod guard;
pub mod keeping;
pub mod measure;
pub mod redis;
pub mod requests;
pub mod sessions;
pub mod setting;
pub mod sign_in;
pub mod token_endpoint;
