//! What is looked at and taken out of every request.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use oidc_gate_axum::core::gate::{STRIPPED, is_stripped};

/// The cookie of the one session.
pub(super) const NAME: &str = "__Host-gate";

/// What may stand in a path and means the same to everybody (RFC 3986 § 3.3), but for the slash.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b':' | b'@'
            | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=');
        byte += 1;
    }
    table
};

/// Whether everybody reads this path alike. One look at each byte; an escape is not plain here, since none of the measured
/// paths has one.
pub(super) fn is_plain(path: &str) -> bool {
    let mut before = b'x';
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let fine = match byte {
                b'/' | b'.' => before != b'/',
                _ => PLAIN[usize::from(byte)],
            };
            before = byte;
            fine
        })
}

/// Which names may be those of identity headers, by their first two bytes: hardly any header gets past this.
pub(super) struct Scrub {
    second: [u32; 256],
}

impl Scrub {
    pub(super) fn new() -> Self {
        let mut second = [0; 256];
        for entry in STRIPPED {
            if let [first, next, ..] = entry.name.as_bytes() {
                second[usize::from(*first)] |= bit(*next);
            }
        }
        Self { second }
    }

    pub(super) fn clean(&self, headers: &mut HeaderMap) {
        let is_one = |name: &HeaderName| self.may_be(name.as_str()) && is_stripped(name);
        // RFC 9110 § 7.6.1: what `Connection` names is gone behind the next proxy.
        let names_one = |value: &HeaderValue| {
            let options = value.as_bytes().split(|b| *b == b',');
            options
                .filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok())
                .any(|name| is_one(&name))
        };
        let keys = headers.keys().any(is_one);
        if keys || headers.get(header::CONNECTION).is_some_and(names_one) {
            let found: Vec<HeaderName> = headers
                .keys()
                .filter(|name| is_one(name))
                .cloned()
                .collect();
            for name in found {
                headers.remove(name);
            }
            headers.remove(header::CONNECTION);
        }
    }

    fn may_be(&self, name: &str) -> bool {
        match name.as_bytes() {
            [first, next, ..] => self.second[usize::from(*first)] & bit(*next) != 0,
            _ => false,
        }
    }
}

/// One bit for each letter; other bytes share the five that are left, with some letter or none.
fn bit(byte: u8) -> u32 {
    // A stroke may be written in three ways.
    let byte = if matches!(byte, b'_' | b'.') {
        b'-'
    } else {
        byte
    };
    1 << (byte & 31)
}

/// The session's cookie, and what stands around it.
pub(super) struct Found<'a> {
    before: &'a [u8],
    pub(super) value: &'a [u8],
    after: &'a [u8],
}

/// Looks for it. A second one makes no difference here: the bound takes the first.
pub(super) fn cookie(headers: &HeaderMap) -> Option<Found<'_>> {
    let line = headers.get(header::COOKIE)?.as_bytes();
    let mut at = 0;
    loop {
        let rest = line.get(at..)?;
        let blank = rest.iter().take_while(|b| **b == b' ').count();
        let rest = rest.get(blank..)?;
        let length = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let (pair, after) = rest.split_at_checked(length)?;
        let value = pair.strip_prefix(NAME.as_bytes());
        if let Some(value) = value.and_then(|value| value.strip_prefix(b"=")) {
            let before = line.get(..at)?;
            return Some(Found {
                before,
                value,
                after,
            });
        }
        at += blank + length + 1;
    }
}

impl Found<'_> {
    /// The header without the cookie, if anything is left of it.
    pub(super) fn rest(self) -> Option<HeaderValue> {
        let after = self.after.strip_prefix(b"; ").unwrap_or(self.after);
        let before = match after.is_empty() {
            true => self.before.strip_suffix(b";").unwrap_or(self.before),
            false => self.before,
        };
        let rest = match (before, after) {
            ([], []) => return None,
            ([], rest) | (rest, []) => rest.to_vec(),
            (before, after) => [before, b" ", after].concat(),
        };
        HeaderValue::from_maybe_shared(Bytes::from(rest)).ok()
    }
}

pub(super) fn put_back(rest: Option<HeaderValue>, headers: &mut HeaderMap) {
    match rest {
        Some(rest) => drop(headers.insert(header::COOKIE, rest)),
        None => drop(headers.remove(header::COOKIE)),
    }
}
