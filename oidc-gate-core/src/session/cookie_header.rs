//! What a `Cookie` header holds.

use http::{HeaderMap, header::COOKIE};
use memchr::memchr;

/// The name-value pairs of all `Cookie` headers ([RFC 6265 § 5.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.4)).
pub(super) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    // Where there are none, a look at the names is cheaper than a look-up.
    let lines = (headers.keys().any(|name| *name == COOKIE)).then(|| headers.get_all(COOKIE));
    lines
        .into_iter()
        .flatten()
        .flat_map(|value| parts(value.as_bytes()))
        .filter_map(|pair| {
            let pair = pair.trim_ascii();
            let at = pair.iter().position(|b| *b == b'=')?;
            Some((pair[..at].trim_ascii_end(), &pair[at + 1..]))
        })
}

/// What stands between the semicolons of a line.
fn parts(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        // A sealed value is long, and every request is looked through for it.
        let (part, more) = match memchr(b';', line) {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        rest = more;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_length_are_cut_at_every_semicolon() {
        for length in 0..200 {
            for at in 0..length {
                let mut line = vec![b'a'; length];
                line[at] = b';';
                let all: Vec<_> = parts(&line).collect();
                assert_eq!(all, [&line[..at], &line[at + 1..]], "{at} of {length}");
            }
        }
        assert_eq!(parts(b"").collect::<Vec<_>>(), [b""]);
        assert_eq!(parts(b";;").collect::<Vec<_>>(), [b"", b"", b""]);
    }
}
