//! What is going to be sealed, written where it will be sealed.

use super::{
    keys::{CookieKeys, Purpose},
    seal::{BoundTo, HEADER, SealError, TAG, VERSION},
};
use aws_lc_rs::{
    aead::{Aad, NONCE_LEN, Nonce},
    rand,
};
use base64_simd::URL_SAFE_NO_PAD;

/// The randomness that one value is sealed with. Sealing uses it up: two values under one nonce give away what authenticates
/// them all ([RFC 5116 § 5.1.1](https://www.rfc-editor.org/rfc/rfc5116#section-5.1.1)).
pub(crate) struct SealNonce([u8; NONCE_LEN]);

impl SealNonce {
    /// How many bytes of randomness it takes.
    pub(crate) const BYTES: usize = NONCE_LEN;

    /// Of bytes that are random and used for nothing else.
    pub(crate) fn of(random: [u8; Self::BYTES]) -> Self {
        Self(random)
    }

    /// A fresh one.
    ///
    /// # Errors
    ///
    /// If the operating system gives no randomness.
    pub(crate) fn draw() -> Result<Self, SealError> {
        let mut random = [0; NONCE_LEN];
        rand::fill(&mut random).map_err(|_| SealError)?;
        Ok(Self(random))
    }
}

/// A plain text behind the place of the header, with room for what sealing adds, so that it is encrypted in its place.
pub(crate) struct Draft(Vec<u8>);

impl Draft {
    /// Room for a plain text of so many bytes. It may become longer.
    pub(crate) fn with_capacity(plain: usize) -> Self {
        let mut envelope = Vec::with_capacity(HEADER + plain + TAG);
        envelope.extend_from_slice(&[VERSION; HEADER]);
        Self(envelope)
    }

    /// Adds to the plain text, behind what is there.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.0);
    }

    /// Zeros after the plain text, up to a multiple of so many bytes.
    pub(crate) fn pad(&mut self, step: usize) {
        let padded = self.plain_bytes().next_multiple_of(step);
        self.0.resize(HEADER + padded, 0);
    }

    /// How many characters it has when it is sealed.
    pub(crate) fn sealed_chars(&self) -> usize {
        URL_SAFE_NO_PAD.encoded_length(self.0.len() + TAG)
    }

    fn plain_bytes(&self) -> usize {
        self.0.len().saturating_sub(HEADER)
    }

    /// Seals it under the name it will be kept under.
    ///
    /// # Errors
    ///
    /// If there is no key, or the text is longer than any that is sealed.
    pub(crate) fn seal(
        self,
        keys: &CookieKeys,
        purpose: Purpose,
        name: &[u8],
        nonce: SealNonce,
    ) -> Result<Envelope, SealError> {
        let Self(mut envelope) = self;
        let (header, plain) = envelope.split_first_chunk_mut().ok_or(SealError)?;
        let key = keys.first().ok_or(SealError)?;
        let tag = key
            .of(purpose)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce.0),
                Aad::from(BoundTo::new(purpose, name).as_bytes()),
                plain,
            )
            .map_err(|_| SealError)?;
        let [_, k0, k1, k2, k3, random @ ..]: &mut [u8; HEADER] = header;
        [*k0, *k1, *k2, *k3] = *key.id.as_bytes();
        *random = nonce.0;
        envelope.reserve_exact(TAG);
        envelope.extend_from_slice(tag.as_ref());
        Ok(Envelope(envelope))
    }
}

/// What was sealed.
pub(crate) struct Envelope(Vec<u8>);

impl Envelope {
    /// As it is kept where bytes can be.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// How long it is as text.
    pub(crate) fn chars(&self) -> usize {
        URL_SAFE_NO_PAD.encoded_length(self.0.len())
    }

    /// As it is kept where only text can be.
    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode_to_string(&self.0)
    }

    /// The same, written behind what is there.
    pub(crate) fn append_to(&self, text: &mut String) {
        URL_SAFE_NO_PAD.encode_append(&self.0, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::open;

    #[test]
    fn a_draft_knows_how_long_it_will_be_and_is_sealed_as_it_stands() {
        let keys = CookieKeys::ephemeral();
        for length in 0..100_usize {
            for (step, padded) in [(1, length), (48, length.next_multiple_of(48))] {
                // Whatever room was made for it.
                let mut draft = Draft::with_capacity(length / 2);
                draft.write(|plain| plain.extend(std::iter::repeat_n(b'x', length)));
                draft.pad(step);
                let chars = draft.sealed_chars();
                let nonce = SealNonce::draw().unwrap();
                let envelope = draft.seal(&keys, Purpose::Landings, b"name", nonce);
                let text = envelope.unwrap().to_text();
                assert_eq!(text.len(), chars);
                let opened = open(&keys, Purpose::Landings, "name", text.as_bytes());
                let mut expected = vec![b'x'; length];
                expected.resize(padded, 0);
                assert_eq!(opened.unwrap().plain, expected);
            }
        }
    }

    #[test]
    fn what_it_is_sealed_with_stands_in_it() {
        let mut draft = Draft::with_capacity(5);
        draft.write(|plain| plain.extend_from_slice(b"hello"));
        let nonce = SealNonce::of(*b"twelve bytes");
        let keys = CookieKeys::ephemeral();
        let envelope = draft.seal(&keys, Purpose::Landings, b"name", nonce);
        let bytes = envelope.unwrap().into_bytes();
        assert_eq!(bytes.len(), HEADER + 5 + TAG);
        assert_eq!(&bytes[5..HEADER], b"twelve bytes");
    }
}
