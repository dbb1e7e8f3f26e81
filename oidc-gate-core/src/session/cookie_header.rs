//! What a `Cookie` header holds.

use http::{
    HeaderMap, HeaderValue,
    header::{self, COOKIE},
};
use memchr::memchr;

/// The name-value pairs of all `Cookie` headers ([RFC 6265 § 5.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.4)).
pub(super) fn pairs(headers: &HeaderMap) -> Pairs<'_> {
    Pairs {
        headers: headers.iter(),
        rest: None,
    }
}

/// Goes through the lines, and through what stands between the semicolons of each.
pub(super) struct Pairs<'a> {
    /// A look at the few names there are is cheaper than a look-up.
    headers: header::Iter<'a, HeaderValue>,
    /// Of the present line.
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.rest.take() {
                Some(rest) => rest,
                None => (self.headers)
                    .find_map(|(name, line)| {
                        let is_cookie = *name == COOKIE;
                        is_cookie.then_some(line)
                    })?
                    .as_bytes(),
            };
            // A sealed value is long, and every request is looked through for it.
            let pair = match memchr(b';', line) {
                Some(at) => {
                    self.rest = Some(&line[at + 1..]);
                    &line[..at]
                }
                None => line,
            };
            let pair = pair.trim_ascii();
            if let Some(at) = pair.iter().position(|b| *b == b'=') {
                return Some((pair[..at].trim_ascii_end(), &pair[at + 1..]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers: HeaderMap = (lines.iter())
            .map(|line| (COOKIE, line.parse().unwrap()))
            .collect();
        let pairs = pairs(&headers).map(|(name, value)| (text(name), text(value)));
        pairs.collect()
    }

    #[test]
    fn lines_of_any_length_are_cut_at_every_semicolon() {
        for length in 3..200 {
            for at in 0..length {
                let mut line = vec![b'a'; length];
                line[at] = b';';
                for part in line.split_mut(|b| *b == b';') {
                    if let [_, equals, ..] = part {
                        *equals = b'=';
                    }
                }
                let line = String::from_utf8(line).unwrap();
                let expected: Vec<_> = (line.split(';'))
                    .filter_map(|part| part.split_once('='))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                assert_eq!(read(&[&line]), expected, "{line}");
            }
        }
    }

    #[test]
    fn every_line_is_read_and_what_is_no_pair_is_passed_over() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        for (lines, expected) in [
            (&[][..], vec![]),
            (&[""], vec![]),
            (&[";;"], vec![]),
            (&["a=1"], vec![pair("a", "1")]),
            (
                &["a=1; b = 2 ;c;d=", "e=x=y"],
                vec![
                    pair("a", "1"),
                    pair("b", " 2"),
                    pair("d", ""),
                    pair("e", "x=y"),
                ],
            ),
            (&["", "=v;", "f=1"], vec![pair("", "v"), pair("f", "1")]),
        ] {
            assert_eq!(read(lines), expected, "{lines:?}");
        }
    }
}
