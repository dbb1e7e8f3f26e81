//! Which kinds of headers a request has at all.

use http::{HeaderMap, HeaderName};

/// The families of headers that a request has, found in one pass over their names. To look for a header that is not there
/// takes a hundred instructions, and most of those that matter here are not there in most requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Families(u8);

impl Families {
    /// `Sec-Fetch-Dest`, `Sec-Purpose`, `Sec-WebSocket-Key` and the like.
    const SEC: u8 = 1;
    /// `X-Purpose`, `X-Moz` and the like.
    const X: u8 = 2;
    const PURPOSE: u8 = 4;
    const UPGRADE: u8 = 8;

    pub(super) fn of(headers: &HeaderMap) -> Self {
        let families = headers.keys().map(Self::family);
        Self(families.fold(0, |all, one| all | one))
    }

    fn family(name: &HeaderName) -> u8 {
        match name.as_str().as_bytes() {
            [b's', b'e', b'c', b'-', ..] => Self::SEC,
            [b'x', b'-', ..] => Self::X,
            b"purpose" => Self::PURPOSE,
            b"upgrade" => Self::UPGRADE,
            _ => 0,
        }
    }

    fn has(self, families: u8) -> bool {
        self.0 & families != 0
    }

    /// Whether a header of it may say what a page is fetched for, or into what.
    pub(super) fn may_tell_a_purpose(self) -> bool {
        self.has(Self::SEC | Self::X | Self::PURPOSE)
    }

    /// Whether a header of it may ask for a WebSocket.
    pub(super) fn may_ask_for_a_socket(self) -> bool {
        self.has(Self::SEC | Self::UPGRADE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn whatever_is_looked_for_is_of_a_family_that_is_seen() {
        for (name, purpose, socket) in [
            ("sec-fetch-dest", true, true),
            ("sec-purpose", true, true),
            ("purpose", true, false),
            ("x-purpose", true, false),
            ("x-moz", true, false),
            ("upgrade", false, true),
            ("sec-websocket-key", true, true),
            ("sec-websocket-version", true, true),
            ("cookie", false, false),
            ("accept", false, false),
            ("secret", false, false),
            ("xylophone", false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("a"));
            headers.insert(name, HeaderValue::from_static("b"));
            headers.append(name, HeaderValue::from_static("c"));
            let families = Families::of(&headers);
            let seen = (
                families.may_tell_a_purpose(),
                families.may_ask_for_a_socket(),
            );
            assert_eq!(seen, (purpose, socket), "{name}");
        }
    }
}
