//! From one ring of keys to the next: how [`CookieKeys`] are rotated.

use super::{CookieKeys, KeyError, KeyId, KeyOrigin, keys::Key};
use std::sync::Arc;

impl CookieKeys {
    /// The names of the keys: first that of the one that seals.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = KeyId> + '_ {
        self.ring.iter().map(|key| key.id)
    }

    /// Whether a key of this name is in the ring.
    pub fn knows(&self, id: KeyId) -> bool {
        self.by_id(id).is_some()
    }

    /// These keys and, behind them, those of another ring: they open, and do not seal.
    ///
    /// # Errors
    ///
    /// [`KeyError::Twice`] if a key is in both, [`KeyError::OtherOrigin`] if one ring is configured and the other was made at
    /// start.
    ///
    /// ```
    /// use oidc_gate_core::session::CookieKeys;
    /// let keys = CookieKeys::parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")?;
    /// let new = CookieKeys::parse("q2FtYmVyIHdhbHJ1cyBvcmFuZ2UgNDIgdHVsaXAgcGllcg==")?;
    /// let [old, new_id] = [&keys, &new].map(|ring| ring.ids().next().unwrap());
    ///
    /// let added = keys.with_added(&new)?;
    /// assert!(added.ids().eq([old, new_id]));
    /// let promoted = added.promoted(new_id)?;
    /// assert!(promoted.ids().eq([new_id, old]));
    /// let retired = promoted.without(old)?;
    /// assert!(retired.ids().eq([new_id]));
    /// # Ok::<_, oidc_gate_core::session::KeyError>(())
    /// ```
    pub fn with_added(&self, others: &Self) -> Result<Self, KeyError> {
        self.check_origin(others)?;
        Self::of(self.ring.iter().chain(&*others.ring).cloned(), self.origin)
    }

    /// The same keys, of which this one seals from now on.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unknown`] if it was not [added](Self::with_added) before.
    pub fn promoted(&self, id: KeyId) -> Result<Self, KeyError> {
        if !self.knows(id) {
            return Err(KeyError::Unknown { id });
        }
        let (first, others): (Vec<_>, Vec<_>) =
            self.ring.iter().cloned().partition(|key| key.id == id);
        Self::of(first.into_iter().chain(others), self.origin)
    }

    /// The same keys without this one: what it has sealed opens no more.
    ///
    /// # Errors
    ///
    /// [`KeyError::Sealing`] if it is the one that seals, [`KeyError::Unknown`] if it is not there.
    pub fn without(&self, id: KeyId) -> Result<Self, KeyError> {
        if self.first().is_some_and(|key| key.id == id) {
            return Err(KeyError::Sealing { id });
        }
        if !self.knows(id) {
            return Err(KeyError::Unknown { id });
        }
        let others = self.ring.iter().filter(|key| key.id != id);
        Self::of(others.cloned(), self.origin)
    }

    /// Whether `next` may take the place of this ring, while sessions live that it has sealed.
    ///
    /// # Errors
    ///
    /// [`KeyError::Sealing`] if `next` does not know the key that seals now: everybody would be signed out at once.
    /// [`KeyError::OtherOrigin`] if one of the two was made at start.
    pub fn check_next(&self, next: &Self) -> Result<(), KeyError> {
        self.check_origin(next)?;
        match self.ids().next() {
            Some(id) if !next.knows(id) => Err(KeyError::Sealing { id }),
            _ => Ok(()),
        }
    }

    fn check_origin(&self, other: &Self) -> Result<(), KeyError> {
        match self.origin == other.origin {
            true => Ok(()),
            false => Err(KeyError::OtherOrigin),
        }
    }

    /// A ring of these keys, which are all different.
    pub(super) fn of(
        keys: impl IntoIterator<Item = Arc<Key>>,
        origin: KeyOrigin,
    ) -> Result<Self, KeyError> {
        let mut ring: Vec<Arc<Key>> = Vec::new();
        for key in keys {
            if ring.iter().any(|known| known.id == key.id) {
                return Err(KeyError::Twice { id: key.id });
            }
            ring.push(key);
        }
        if ring.is_empty() {
            return Err(KeyError::TooShort { bytes: 0 });
        }
        let ring = ring.into();
        Ok(Self { ring, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(secrets: &[u8]) -> CookieKeys {
        let secrets: Vec<Vec<u8>> = secrets
            .iter()
            .map(|first| (*first..).take(32).collect())
            .collect();
        CookieKeys::from_secrets(secrets.iter().map(|secret| &secret[..])).unwrap()
    }

    fn id(secret: u8) -> KeyId {
        ring(&[secret]).ids().next().unwrap()
    }

    fn ids(keys: &CookieKeys) -> Vec<KeyId> {
        keys.ids().collect()
    }

    #[test]
    fn an_added_key_does_not_seal_until_it_is_promoted() {
        let added = ring(&[1]).with_added(&ring(&[2, 3])).unwrap();
        assert_eq!(ids(&added), [id(1), id(2), id(3)]);
        let promoted = added.promoted(id(3)).unwrap();
        assert_eq!(ids(&promoted), [id(3), id(1), id(2)]);
        assert_eq!(ids(&promoted.promoted(id(3)).unwrap()), ids(&promoted));
    }

    #[test]
    fn a_key_that_was_not_added_is_neither_promoted_nor_taken_out() {
        let unknown = Err(KeyError::Unknown { id: id(9) });
        assert_eq!(ring(&[1, 2]).promoted(id(9)).map(drop), unknown);
        assert_eq!(ring(&[1, 2]).without(id(9)).map(drop), unknown);
    }

    #[test]
    fn the_key_that_seals_is_not_taken_out() {
        let keys = ring(&[1, 2]);
        let sealing = Err(KeyError::Sealing { id: id(1) });
        assert_eq!(keys.without(id(1)).map(drop), sealing);
        assert_eq!(ids(&keys.without(id(2)).unwrap()), [id(1)]);
        // Nor the last one, which seals too.
        assert_eq!(ring(&[1]).without(id(1)).map(drop), sealing);
    }

    #[test]
    fn no_key_is_there_twice() {
        let twice = Err(KeyError::Twice { id: id(2) });
        let secret: Vec<u8> = (2..34).collect();
        assert_eq!(
            CookieKeys::from_secrets([&secret[..], &secret]).map(drop),
            twice
        );
        assert_eq!(ring(&[1, 2]).with_added(&ring(&[2])).map(drop), twice);
    }

    #[test]
    fn what_was_made_at_start_does_not_mix_with_what_is_configured() {
        let (configured, ephemeral) = (ring(&[1]), CookieKeys::ephemeral());
        for (one, other) in [(&configured, &ephemeral), (&ephemeral, &configured)] {
            assert_eq!(one.with_added(other).map(drop), Err(KeyError::OtherOrigin));
            assert_eq!(one.check_next(other), Err(KeyError::OtherOrigin));
        }
    }

    #[test]
    fn the_next_ring_opens_what_the_last_one_sealed() {
        let keys = ring(&[1, 2]);
        for next in [&[1][..], &[1, 2], &[3, 1], &[2, 1]] {
            assert_eq!(keys.check_next(&ring(next)), Ok(()), "{next:?}");
        }
        for next in [&[2][..], &[3, 2]] {
            let sealing = Err(KeyError::Sealing { id: id(1) });
            assert_eq!(keys.check_next(&ring(next)), sealing, "{next:?}");
        }
    }

    #[test]
    fn an_id_is_eight_digits() {
        assert_eq!(
            KeyId::from_bytes([0, 1, 0xAB, 0xFF]).to_string(),
            "0001abff"
        );
        let keys = ring(&[1]);
        assert_eq!(
            format!("{keys:?}"),
            format!("CookieKeys({}, Configured)", id(1))
        );
    }
}
