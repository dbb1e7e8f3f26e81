//! Where a user goes after a login.

use crate::url::Origin;
use std::{fmt, sync::Arc};
use url::{Position, Url};

/// A place to come back to: a path in this application with an optional query and fragment, or the same at another origin
/// that the application has named ([`Places`](super::Places)).
///
/// It is what a browser makes of the text it was read from: visible ASCII, everything else percent-encoded. The path has
/// one meaning only: however often somebody on the way decodes it, it holds neither `//` nor a dot segment, a backslash or
/// a control character, so every browser stays on the origin it is sent to
/// ([RFC 9700 § 4.11](https://www.rfc-editor.org/rfc/rfc9700#section-4.11)). It is at most [`MAX_LEN`](Self::MAX_LEN)
/// bytes long. A clone is a reference count.
///
/// ```
/// use oidc_gate_core::login::ReturnTo;
/// assert_eq!(ReturnTo::parse("/me?tab=2#top").unwrap().as_str(), "/me?tab=2#top");
/// assert_eq!(ReturnTo::parse("/café").unwrap().as_str(), "/caf%C3%A9");
/// for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "/\tevil", "/.//evil", "/%09/evil"] {
///     assert_eq!(ReturnTo::parse(elsewhere), None);
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(Arc<str>);

impl ReturnTo {
    /// The longest one kept, in bytes. A longer one is dropped rather than cut.
    pub const MAX_LEN: usize = 2048;

    /// The place, if it is one on this origin. [`Places::read`](super::Places::read) knows which of them are the
    /// application's, and is what reads text from outside.
    pub fn parse(text: &str) -> Option<Self> {
        // Nothing becomes shorter below, so what is too long already need not be read.
        if text.len() > Self::MAX_LEN || !is_unambiguous(text) {
            return None;
        }
        let place = if text.bytes().all(stays) {
            text.into()
        } else {
            // A host has to be there for the parser; which one makes no difference to what follows it.
            let url = Url::parse(&format!("https://host{text}")).ok()?;
            url[Position::BeforePath..].into()
        };
        Some(Self(place)).filter(Self::is_short)
    }

    /// The same place at another origin.
    pub(super) fn at(self, origin: &Origin) -> Option<Self> {
        Some(Self(format!("{origin}{}", self.0).into())).filter(Self::is_short)
    }

    /// A place that was read before and sealed.
    pub(crate) fn unseal(text: &str) -> Option<Self> {
        match Origin::split(text) {
            Some((origin, rest)) => Self::parse(&rest)?.at(&origin),
            None => Self::parse(text),
        }
    }

    /// The first page.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The place as text, fit for a `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without query and fragment.
    pub(super) fn path(&self) -> &str {
        before_query(&self.0)
    }

    fn is_short(&self) -> bool {
        self.0.len() <= Self::MAX_LEN
    }
}

fn before_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// What a browser's URL parser leaves as it is, in a path, a query and a fragment alike.
fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/?#%-._~!$&()*+,;=:@".contains(&byte)
}

/// Whether everybody stays where they are: whoever resolves the text as a browser does, and whoever decodes its path first.
fn is_unambiguous(text: &str) -> bool {
    let path = before_query(text);
    // Browsers drop some of these and read the backslash as a slash.
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    path.starts_with('/') && !text.contains(odd) && every_reading_stays(path.as_bytes())
}

/// How often a path may be encoded. One that takes more was made to hide something.
const MAX_READINGS: usize = 5;

fn every_reading_stays(path: &[u8]) -> bool {
    // Most have nothing to decode, and so one reading.
    if !path.iter().any(|byte| matches!(byte, b'%' | 0xef)) {
        return stays_here(path);
    }
    let mut path = path.to_vec();
    for _ in 0..MAX_READINGS {
        if !stays_here(&path) {
            return false;
        }
        let read = decoded(&path);
        if read == path {
            return true;
        }
        path = read;
    }
    false
}

/// `//` at the beginning leads to another host, and a browser removes dot segments before it looks: `/.//evil` becomes
/// `//evil`. An overlong form of `/` (`%c0%af`) is one to a lenient decoder.
fn stays_here(path: &[u8]) -> bool {
    let odd = |b: &u8| b.is_ascii_control() || matches!(b, b'\\' | 0xc0 | 0xc1);
    !path.iter().any(odd)
        && !path.windows(2).any(|pair| pair == b"//")
        && !path
            .split(|b| *b == b'/')
            .any(|segment| matches!(segment, b"." | b".."))
}

/// Percent-decoded once, with the full-width forms of `/`, `\` and `.` as what they look like: some servers take them for
/// it ([UTS 46](https://www.unicode.org/reports/tr46/) maps them in host names).
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (byte, rest.get(1..).unwrap_or_default()),
            },
            (0xef, [0xbc, 0x8f, tail @ ..]) => (b'/', tail),
            (0xef, [0xbc, 0xbc, tail @ ..]) => (b'\\', tail),
            (0xef, [0xbc, 0x8e, tail @ ..]) => (b'.', tail),
            _ => (byte, tail),
        };
        out.push(byte);
        rest = tail;
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

impl fmt::Debug for ReturnTo {
    // Query and fragment may hold what a user typed; the path is enough for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnTo({:?})", self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_leaves_query_and_fragment_out() {
        for text in ["/me?token=abc", "/me#token=abc", "/me?a#b"] {
            let place = ReturnTo::parse(text).unwrap();
            assert_eq!(format!("{place:?}"), "ReturnTo(\"/me\")");
        }
    }

    #[test]
    fn the_longest_one_is_kept_and_a_longer_one_dropped() {
        let long = |len: usize| format!("/{}", "a".repeat(len - 1));
        assert!(ReturnTo::parse(&long(ReturnTo::MAX_LEN)).is_some());
        assert_eq!(ReturnTo::parse(&long(ReturnTo::MAX_LEN + 1)), None);
        // What counts is the length of what is sent.
        let umlauts = |count| ReturnTo::parse(&format!("/{}", "ü".repeat(count)));
        assert_eq!(umlauts(341).unwrap().as_str().len(), 2047);
        assert_eq!(umlauts(342), None);
    }

    #[test]
    fn what_was_sealed_is_the_same_again() {
        let origin = Origin::parse("https://other.example.com:8443").unwrap();
        let local = ReturnTo::parse("/ü?a=b#c").unwrap();
        for place in [local.clone(), local.at(&origin).unwrap()] {
            assert_eq!(ReturnTo::unseal(place.as_str()), Some(place));
        }
    }
}
