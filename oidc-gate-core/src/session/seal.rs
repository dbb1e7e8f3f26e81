//! Sealed text: what only this application can have written, and only it can read.
//!
//! AES-256-GCM with a random nonce. In the clear stand a version and the id of the key; the associated data binds the
//! version, the purpose and the name under which the value is kept, so that a value is worthless anywhere else.

use super::{
    draft::{Draft, Envelope, SealNonce},
    keys::{CookieKeys, KeyId, Purpose, SealedBy},
};
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};

pub(super) const VERSION: u8 = 1;
pub(super) const HEADER: usize = 1 + 4 + NONCE_LEN;
pub(super) const TAG: usize = 16;

/// Seals `plain` under the name it will be kept under, as text.
///
/// # Errors
///
/// If the operating system gives no randomness.
pub(crate) fn seal(
    keys: &CookieKeys,
    purpose: Purpose,
    name: &str,
    plain: &[u8],
) -> Result<String, SealError> {
    envelope(keys, purpose, name.as_bytes(), plain).map(|envelope| envelope.to_text())
}

/// As [`seal`], as bytes: for what is kept where bytes can be.
///
/// # Errors
///
/// If the operating system gives no randomness.
pub(crate) fn seal_bytes(
    keys: &CookieKeys,
    purpose: Purpose,
    name: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    envelope(keys, purpose, name, plain).map(Envelope::into_bytes)
}

fn envelope(
    keys: &CookieKeys,
    purpose: Purpose,
    name: &[u8],
    plain: &[u8],
) -> Result<Envelope, SealError> {
    let mut draft = Draft::with_capacity(plain.len());
    draft.write(|out| out.extend_from_slice(plain));
    draft.seal(keys, purpose, name, SealNonce::draw()?)
}

/// Opens what [`seal`] sealed for the same purpose under the same name. `None` for anything else, without a reason:
/// there is nothing to learn from a value that does not open.
pub(crate) fn open(
    keys: &CookieKeys,
    purpose: Purpose,
    name: &str,
    sealed: &[u8],
) -> Option<Opened> {
    let envelope = base64_simd::URL_SAFE_NO_PAD
        .decode_type::<Vec<u8>>(sealed)
        .ok()?;
    open_bytes(keys, purpose, name.as_bytes(), envelope)
}

/// Opens what [`seal_bytes`] sealed for the same purpose under the same name. The plain text takes the place of the envelope.
pub(crate) fn open_bytes(
    keys: &CookieKeys,
    purpose: Purpose,
    name: &[u8],
    mut envelope: Vec<u8>,
) -> Option<Opened> {
    let (&[version, k0, k1, k2, k3, ref nonce @ ..], _) = envelope.split_first_chunk::<HEADER>()?;
    if version != VERSION {
        return None;
    }
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let (key, sealed_by) = keys.by_id(KeyId::from_bytes([k0, k1, k2, k3]))?;
    let aad = BoundTo::new(purpose, name);
    let plain = key
        .of(purpose)
        .open_within(nonce, Aad::from(aad.as_bytes()), &mut envelope, HEADER..)
        .ok()?
        .len();
    envelope.truncate(plain);
    Some(Opened {
        plain: envelope,
        sealed_by,
    })
}

/// Whether the key that seals now has sealed this, as it says in the clear.
pub(crate) fn is_sealed_by_first(keys: &CookieKeys, envelope: &[u8]) -> bool {
    let id = keys.first().map(|key| *key.id.as_bytes());
    id.is_some_and(|id| envelope.get(1..5) == Some(&id[..]))
}

/// What was sealed.
pub(crate) struct Opened {
    pub(crate) plain: Vec<u8>,
    /// Whether it should be sealed anew.
    pub(crate) sealed_by: SealedBy,
}

/// What a value is bound to: the version, the purpose and the name, as associated data. Names are short, and their place is on
/// the stack; only one that an application has chosen at length takes memory.
pub(super) struct BoundTo {
    short: [u8; BoundTo::SHORT],
    length: usize,
    long: Vec<u8>,
}

impl BoundTo {
    const SHORT: usize = 96;

    pub(super) fn new(purpose: Purpose, name: &[u8]) -> Self {
        // A label holds no zero, so label and name cannot be shifted against each other.
        let parts = [&[VERSION], purpose.label().as_bytes(), &[0], name];
        let length = parts.iter().map(|part| part.len()).sum();
        let (mut short, mut long) = ([0; Self::SHORT], Vec::new());
        match short.get_mut(..length) {
            Some(mut rest) => {
                for part in parts {
                    // Together they are as long as what was cut off.
                    let Some((here, more)) = rest.split_at_mut_checked(part.len()) else {
                        break;
                    };
                    here.copy_from_slice(part);
                    rest = more;
                }
            }
            None => long = parts.concat(),
        }
        Self {
            short,
            length,
            long,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.short.get(..self.length).unwrap_or(&self.long)
    }
}

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealError;

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    fn open(keys: &CookieKeys, purpose: Purpose, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        super::open(keys, purpose, name, sealed).map(|opened| opened.plain)
    }

    fn bytes(first: u8) -> Vec<u8> {
        (first..).take(32).collect()
    }

    fn keys(secret: u8) -> CookieKeys {
        CookieKeys::from_secrets([&bytes(secret)[..]]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_under_its_name_for_its_purpose_only() {
        let sealed = seal(&keys(1), Purpose::Identity, "a", b"hello").unwrap();
        assert_eq!(
            open(&keys(1), Purpose::Identity, "a", sealed.as_bytes()).as_deref(),
            Some(&b"hello"[..])
        );
        assert_eq!(
            open(&keys(1), Purpose::Identity, "b", sealed.as_bytes()),
            None
        );
        assert_eq!(
            open(&keys(1), Purpose::Transaction, "a", sealed.as_bytes()),
            None
        );
        assert_eq!(
            open(&keys(2), Purpose::Identity, "a", sealed.as_bytes()),
            None
        );
    }

    #[test]
    fn flipped_at_any_bit_or_cut_anywhere_it_does_not_open() {
        let sealed = seal(&keys(1), Purpose::Identity, "a", b"hello").unwrap();
        let envelope = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for bit in 0..envelope.len() * 8 {
            let mut flipped = envelope.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let text = URL_SAFE_NO_PAD.encode(flipped);
            assert_eq!(
                open(&keys(1), Purpose::Identity, "a", text.as_bytes()),
                None,
                "bit {bit}"
            );
        }
        for cut in 0..sealed.len() {
            assert_eq!(
                open(&keys(1), Purpose::Identity, "a", &sealed.as_bytes()[..cut]),
                None,
                "{cut} characters"
            );
        }
    }

    #[test]
    fn of_all_ways_to_write_the_same_bytes_one_opens() {
        let sealed = seal(&keys(1), Purpose::Identity, "a", b"x").unwrap();
        let opens = |text: &str| open(&keys(1), Purpose::Identity, "a", text.as_bytes());
        assert!(opens(&sealed).is_some());
        let (rest, last) = sealed.split_at(sealed.len() - 1);
        // 34 bytes leave two characters, the last of which has four bits that say nothing.
        let same = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let others = same.chars().filter(|other| !last.contains(*other));
        for other in others {
            assert_eq!(opens(&format!("{rest}{other}")), None, "{other}");
        }
        for odd in ["=", "==", " ", "\n"] {
            assert_eq!(opens(&format!("{sealed}{odd}")), None, "{odd:?}");
            assert_eq!(opens(&format!("{odd}{sealed}")), None, "{odd:?}");
        }
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let (old, new) = (&bytes(1)[..], &bytes(2)[..]);
        let sealed = seal(&keys(1), Purpose::Identity, "a", b"x").unwrap();
        let rotated = CookieKeys::from_secrets([new, old]).unwrap();
        let sealed_by = |sealed: &str| {
            super::open(&rotated, Purpose::Identity, "a", sealed.as_bytes()).map(|o| o.sealed_by)
        };
        assert_eq!(sealed_by(&sealed), Some(SealedBy::Older));
        let resealed = seal(&rotated, Purpose::Identity, "a", b"x").unwrap();
        assert_eq!(sealed_by(&resealed), Some(SealedBy::First));
        assert!(open(&keys(2), Purpose::Identity, "a", resealed.as_bytes()).is_some());
        assert!(open(&keys(1), Purpose::Identity, "a", resealed.as_bytes()).is_none());
    }

    /// Whoever changes what is bound to a value changes the version too: otherwise an update signs everybody out.
    #[test]
    fn what_an_earlier_release_sealed_opens() {
        const SEALED: &str = "AbLLujImoi7y71_DN7DVFQYUilkxwzMiri7P-l3tHx97SXEK57Y";
        assert_eq!(
            open(&keys(1), Purpose::Identity, "a", SEALED.as_bytes()).as_deref(),
            Some(&b"hello"[..])
        );
    }

    #[test]
    fn a_name_of_any_length_binds() {
        for length in 0..200 {
            let name = "n".repeat(length);
            let bound = BoundTo::new(Purpose::Entry, name.as_bytes());
            let expected = [b"\x01entry\0", name.as_bytes()].concat();
            assert_eq!(bound.as_bytes(), expected);
        }
    }

    #[test]
    fn two_seals_of_the_same_are_different() {
        let once = || seal(&keys(1), Purpose::Identity, "a", b"x").unwrap();
        assert_ne!(once(), once());
    }

    proptest! {
        #[test]
        fn every_length_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..300)) {
            let sealed = seal(&keys(1), Purpose::Identity, "a", &plain).unwrap();
            prop_assert_eq!(open(&keys(1), Purpose::Identity, "a", sealed.as_bytes()), Some(plain));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(open(&keys(1), Purpose::Identity, "a", &bytes), None);
        }
    }
}
