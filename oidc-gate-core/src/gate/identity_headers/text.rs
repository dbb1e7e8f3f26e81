//! How text becomes the value of a header, so that it can be read back in one way only.
//!
//! A field value is made of printable ASCII and spaces that are not at its ends
//! ([RFC 9110 § 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)), and names of people and groups are not. What
//! does not fit is written as `%` and two hexadecimal digits for each byte of its UTF-8, and so is `%` itself: the form that
//! addresses have, and extended parameters of headers
//! ([RFC 8187 § 3.2.1](https://www.rfc-editor.org/rfc/rfc8187#section-3.2.1)) without their name of a character set.

use std::fmt::Write as _;

/// What stands in one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One text: a subject, a name. Nobody cuts it, so commas and spaces within it stay as they are.
    Text,
    /// Texts separated by commas ([RFC 9110 § 5.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1)). Whatever
    /// readers take for a separator, a quote or an escape stands in no item.
    Item,
    /// The name before the colon of Basic credentials, where a colon would end it
    /// ([RFC 7617 § 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)).
    UserId,
}

impl Shape {
    fn keeps(self, c: char, at_an_end: bool) -> bool {
        match (self, c) {
            (_, '%') => false,
            (Self::Text, ' ') => !at_an_end,
            (Self::Item, '"' | '\'' | ',' | ';' | '|' | '\\') => false,
            (Self::UserId, ':') => false,
            _ => c.is_ascii_graphic(),
        }
    }
}

/// The text as it stands in a header. Nothing at all is `None`: an empty header is no way to say that nobody is there.
pub(super) fn text(shape: Shape, text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    encode(shape, text, &mut out);
    Some(out).filter(|out| !out.is_empty())
}

/// The texts as they stand in a header, without the empty ones, which a reader of a list has to skip.
pub(super) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Option<String> {
    let mut out = String::new();
    for item in items {
        let item = item.as_ref();
        if item.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(',');
        }
        encode(Shape::Item, item, &mut out);
    }
    Some(out).filter(|out| !out.is_empty())
}

fn encode(shape: Shape, text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        if shape.keeps(c, at == 0 || at + 1 == text.len()) {
            out.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            // Writing into a `String` does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    /// What a reader does: cut at the commas, undo the percent signs.
    fn read(item: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = item.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    fn read_list(line: Option<&str>) -> Vec<String> {
        line.into_iter()
            .flat_map(|line| line.split(','))
            .map(read)
            .collect()
    }

    /// Texts that are full of what readers stumble over.
    fn tricky() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("admins"),
            Just(","),
            Just("%2C"),
            Just("%"),
            Just("\""),
            Just("\\"),
            Just(" "),
            Just("\r\n"),
            Just("\0"),
            Just("é"),
            Just("\u{202e}"),
            Just(";"),
            Just("\t"),
            Just(":"),
        ];
        prop_oneof![
            proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat()),
            any::<String>()
        ]
    }

    proptest! {
        #[test]
        fn a_list_is_read_back_exactly(items in proptest::collection::vec(tricky(), 0..6)) {
            let line = list(&items);
            let there: Vec<_> = items.into_iter().filter(|item| !item.is_empty()).collect();
            prop_assert_eq!(read_list(line.as_deref()), there);
        }

        #[test]
        fn no_item_holds_what_anybody_cuts_at(item in tricky()) {
            let line = list([item]).unwrap_or_default();
            let plain = |b: u8| b.is_ascii_graphic() && !b"\"',;|\\".contains(&b);
            prop_assert!(line.bytes().all(plain), "{}", line);
        }

        #[test]
        fn different_lists_look_different(
            one in proptest::collection::vec(tricky(), 0..4),
            other in proptest::collection::vec(tricky(), 0..4),
        ) {
            let something = |items: &[String]| {
                let items = items.iter().filter(|item| !item.is_empty());
                items.cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(list(&one) == list(&other), something(&one) == something(&other));
        }

        #[test]
        fn a_text_is_read_back_exactly_and_is_the_value_of_a_header(said in tricky()) {
            for shape in [Shape::Text, Shape::Item, Shape::UserId] {
                let line = text(shape, &said).unwrap_or_default();
                prop_assert_eq!(read(&line), &*said);
                prop_assert_eq!(line.trim(), &*line, "a reader trims nothing off");
                prop_assert!(line.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
                prop_assert!(HeaderValue::from_str(&line).is_ok());
                prop_assert!(shape != Shape::UserId || !line.contains(':'));
            }
        }
    }
}
