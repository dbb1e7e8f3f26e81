//! Signatures: algorithms, keys, and the compact form.
//!
//! The order is fixed by the types. [`CompactJws::parse`] reads a token without believing it; what it says is handed out
//! by [`CompactJws::verify`] alone, after one of the keys of a [`JwkSet`] has confirmed the signature. A key is fit for
//! exactly one algorithm, so nothing that a token's header says can bend a key to another use
//! ([RFC 8725 § 3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).

mod alg;
mod base64url;
mod jwk;
mod jws;
mod signing;

pub(crate) mod json;

pub use alg::{Alg, AlgSet};
pub use jwk::{JwkSet, SkipReason, SkippedKey};
pub use jws::{CompactJws, JwsError};
pub use signing::{SigningError, SigningKey};
