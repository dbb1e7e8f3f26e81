//! A sealed session and the view of it.

use super::scrub::NAME;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};
use http::HeaderValue;
use std::{
    ops::Range,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const AAD: &[u8; 33] = b"identity __Host-gate-0123456789ab";
/// When the session ends, and how long the subject is, before the text.
const HEAD: usize = 8 + 4;
const TAG_LEN: usize = 16;

/// Who sent a request: the opened bytes, in the one block that they were decoded into, and what is where.
#[derive(Clone, Debug)]
pub struct Caller {
    opened: Arc<[u8]>,
    subject: Range<usize>,
    expires: u64,
}

impl Caller {
    /// The subject. It was text when it was opened and nothing has changed it; to know that without another look would
    /// take `unsafe`.
    pub fn subject(&self) -> &str {
        let subject = self.opened.get(self.subject.clone());
        subject
            .and_then(|subject| std::str::from_utf8(subject).ok())
            .unwrap_or_default()
    }

    pub(super) fn is_alive(&self) -> bool {
        now() < self.expires
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(u64::MAX, |now| now.as_secs())
}

/// The one key.
pub(super) struct Key(LessSafeKey);

impl Key {
    pub(super) fn new() -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("32 bytes are a key");
        Self(LessSafeKey::new(key))
    }

    /// Decodes into one block, opens that in place, looks at all of it once.
    pub(super) fn open(&self, value: &[u8]) -> Option<Caller> {
        let length = URL_SAFE_NO_PAD.decoded_length(value).ok()?;
        let text_at = NONCE_LEN + HEAD;
        if length < text_at + TAG_LEN {
            return None;
        }
        let mut block: Arc<[u8]> = std::iter::repeat_n(0, length).collect();
        let bytes = Arc::get_mut(&mut block)?;
        URL_SAFE_NO_PAD.decode(value, bytes.as_out()).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(AAD), sealed).ok()?;
        let (expires, rest) = opened.split_first_chunk::<8>()?;
        let (subject, text) = rest.split_first_chunk::<4>()?;
        let subject = usize::try_from(u32::from_le_bytes(*subject)).ok()?;
        let text = std::str::from_utf8(text).ok()?;
        // What is cut between two characters is text, too.
        text.get(..subject)?;
        let (expires, subject) = (u64::from_le_bytes(*expires), text_at..text_at + subject);
        let caller = Caller {
            opened: block,
            subject,
            expires,
        };
        caller.is_alive().then_some(caller)
    }

    /// The `Cookie` header of a session that has so many bytes before they are encoded.
    pub(super) fn session(&self, subject: &str, sealed: usize) -> HeaderValue {
        let nonce = [9; NONCE_LEN];
        let mut text = u64::MAX.to_le_bytes().to_vec();
        text.extend((subject.len() as u32).to_le_bytes());
        text.extend(subject.bytes());
        text.resize(sealed - NONCE_LEN - TAG_LEN, b'x');
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(AAD),
                &mut text,
            )
            .expect("a short text can be sealed");
        let value = URL_SAFE_NO_PAD.encode_to_string([&nonce[..], &text].concat());
        HeaderValue::try_from(format!("{NAME}={value}")).expect("base64 is ASCII")
    }
}
