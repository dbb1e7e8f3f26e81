//! Reading and writing the fixed forms that are sealed.
//!
//! Numbers are little-endian; a text or a blob is preceded by its length in four bytes. What was sealed is authentic but
//! may be of another version of this crate, so reading fails softly.

use crate::time::UnixTime;

pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Nothing that is sealed comes near four gigabytes; a wrong length would only make the value unreadable.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

pub(crate) fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_time(out: &mut Vec<u8>, time: UnixTime) {
    put_u64(out, time.as_secs());
}

/// What is left to read.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn time(&mut self) -> Option<UnixTime> {
        self.u64().map(UnixTime::from_secs)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}
