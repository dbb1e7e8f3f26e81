//! Signatures: algorithms, keys, and the compact form.

mod alg;
mod jwk;

pub use alg::{Alg, AlgSet};
pub use jwk::JwkSet;
