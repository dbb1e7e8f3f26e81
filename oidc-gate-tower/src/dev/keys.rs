//! The keys the provider signs with and publishes.

use crate::core::jose::{Alg, SigningKey};
use serde_json::{Value, json};

/// The newest key first: it signs. All of them are published.
pub(super) struct Keys {
    alg: Alg,
    signing: SigningKey,
    earlier: Vec<Value>,
}

impl Keys {
    /// How many earlier keys stay published.
    const EARLIER: usize = 8;

    pub(super) fn generate(alg: Alg) -> Self {
        Self {
            alg,
            signing: new_key(alg),
            earlier: Vec::new(),
        }
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    pub(super) fn rotate(&mut self) {
        let before = std::mem::replace(&mut self.signing, new_key(self.alg));
        self.earlier.insert(0, before.public_jwk());
        self.earlier.truncate(Self::EARLIER);
    }

    pub(super) fn rotate_and_forget(&mut self) {
        self.signing = new_key(self.alg);
        self.earlier.clear();
    }

    /// The JWK Set.
    pub(super) fn published(&self) -> Value {
        let keys: Vec<Value> = std::iter::once(self.signing.public_jwk())
            .chain(self.earlier.iter().cloned())
            .collect();
        json!({ "keys": keys })
    }

    /// The JWK Set behind a key of the same kind that signs nothing, with a name of its own or with the signing key's.
    pub(super) fn published_after_another(&self, same_kid: bool) -> Value {
        let mut other = new_key(self.alg).public_jwk();
        if let (true, Some(member)) = (same_kid, other.get_mut("kid")) {
            *member = self.signing.kid().into();
        }
        json!({ "keys": [other, self.signing.public_jwk()] })
    }
}

fn new_key(alg: Alg) -> SigningKey {
    SigningKey::generate(alg).unwrap_or_else(|error| panic!("no {alg} key: {error}"))
}
