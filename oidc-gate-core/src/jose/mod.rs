//! Signatures: algorithms, keys, and the compact form.
//!
//! The order is fixed by the types. [`CompactJws::parse`] reads a token without believing it; what it says is handed out
//! by [`CompactJws::verify`] alone, after one of the [`TrustedKeys`] has confirmed the signature. A key is fit for the
//! algorithms of its type and of its own `alg`, and the caller names those it wants; nothing that a token's header says
//! can bend a key to another use ([RFC 8725 § 3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).

mod alg;
mod date;
mod jwk;
mod jws;
mod members;
mod private_key;
mod signing;
mod trust;

pub(crate) mod base64url;
pub(crate) mod json;

pub(crate) use date::NumericDate;

pub use alg::{Alg, AlgSet};
pub(crate) use jwk::PRIVATE_MEMBERS;
pub use jwk::{JwkSet, SkipReason, SkippedKey};
pub(crate) use jws::UnverifiedJws;
pub use jws::{CompactJws, JwsError};
pub(crate) use members::{Member, Members};
pub use private_key::KeyProblem;
pub use signing::{SigningError, SigningKey};
pub use trust::TrustedKeys;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<JwkSet>();
        shared::<SigningKey>();
        shared::<CompactJws>();
    }
}
