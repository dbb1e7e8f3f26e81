//! What a store has under a session's key, opened.

use super::{CookieKeys, SealedBy, StoreKey, Stored, entry::Entry};

/// What a store has under a session's key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum InStore {
    /// Nothing.
    Nothing,
    /// What does not open with the keys there are.
    Unreadable,
    /// What opens.
    Entry(OpenedEntry),
}

impl InStore {
    /// Opens what stands there.
    pub fn open(keys: &CookieKeys, key: &StoreKey, stored: Option<&Stored>) -> Self {
        let Some(stored) = stored else {
            return Self::Nothing;
        };
        let opened = OpenedEntry::head_of(stored)
            .and_then(|head| OpenedEntry::open_head(keys, key, head))
            .map(|opened| opened.beside_tokens_of(key, stored));
        opened.map_or(Self::Unreadable, Self::Entry)
    }
}

/// What a store has of a session, opened. A value has two parts, each with a seal of its own: the head, which says who is signed
/// in and how the refresh stands, and the tokens, which are opened when somebody asks for them.
#[derive(Clone, Debug)]
pub struct OpenedEntry {
    pub(super) entry: Entry,
    pub(super) sealed_by: SealedBy,
}

impl OpenedEntry {
    /// The head of a value as it is sealed, with the tag at its end: two that are the same to the last byte, under the same key,
    /// open as the same.
    pub fn head_of(stored: &Stored) -> Option<&[u8]> {
        Some(Entry::parts(&stored.bytes)?.0)
    }

    /// Opens a head. It has no tokens.
    pub fn open_head(keys: &CookieKeys, key: &StoreKey, head: &[u8]) -> Option<Self> {
        let (entry, sealed_by) = Entry::open_head(keys, key, head)?;
        Some(Self { entry, sealed_by })
    }

    /// The same, with the sealed tokens that stand beside its head in a value. They are not copied.
    #[must_use]
    pub fn beside_tokens_of(self, key: &StoreKey, stored: &Stored) -> Self {
        let tokens = Entry::parts(&stored.bytes).map_or(0, |(_, tokens)| tokens.len());
        let at = stored.bytes.len() - tokens;
        let entry = self.entry.with_tokens(key, &stored.bytes, at);
        Self { entry, ..self }
    }
}
