//! `application/x-www-form-urlencoded`, strictly
//! ([RFC 6749 Appendix B](https://www.rfc-editor.org/rfc/rfc6749#appendix-B)).
//!
//! A reader that guesses is a reader two parties can disagree with. This one refuses broken escapes, text that is not
//! UTF-8, and any name that occurs twice.

use http::{HeaderMap, header::CONTENT_TYPE};
use std::fmt;

/// Why text is not a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// More bytes or fields than allowed.
    TooLarge,
    /// A `%` without two hexadecimal digits, or bytes that may not stand in a form.
    Encoding,
    /// What was encoded is not UTF-8.
    NotUtf8,
    /// This name occurs more than once ([RFC 6749 § 3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
    Duplicate(Box<str>),
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("more than a form may hold"),
            Self::Encoding => f.write_str("not form-encoded"),
            Self::NotUtf8 => f.write_str("not UTF-8"),
            Self::Duplicate(name) => {
                write!(f, "{} occurs more than once", crate::check::quote(name))
            }
        }
    }
}

impl std::error::Error for FormError {}

/// The fields of a form, each name once.
#[derive(Default, PartialEq, Eq)]
pub struct Form(Vec<(Box<str>, Box<str>)>);

impl Form {
    /// The most bytes a form may have.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// The most fields a form may have.
    pub const MAX_FIELDS: usize = 100;

    /// Reads a form.
    ///
    /// # Errors
    ///
    /// See [`FormError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        Self::parse_repeating(bytes, &[])
    }

    /// Reads a form in which the names of `repeatable` may occur more than once.
    ///
    /// # Errors
    ///
    /// See [`FormError`].
    pub fn parse_repeating(bytes: &[u8], repeatable: &[&str]) -> Result<Self, FormError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(FormError::TooLarge);
        }
        let mut form = Self::default();
        for (name, value) in pairs(bytes) {
            form.push(decode(name)?, decode(value)?, repeatable)?;
        }
        Ok(form)
    }

    /// Reads the fields of these names, each once, and passes over all others: how often they are there, and what they say.
    /// For senders who may add what they like.
    ///
    /// # Errors
    ///
    /// See [`FormError`].
    pub fn parse_of(bytes: &[u8], wanted: &[&str]) -> Result<Self, FormError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(FormError::TooLarge);
        }
        let mut form = Self::default();
        for (name, value) in pairs(bytes) {
            let name = decode(name)?;
            if wanted.contains(&&*name) {
                form.push(name, decode(value)?, &[])?;
            }
        }
        Ok(form)
    }

    /// Adds a field, by the rules of a form that is read.
    pub(crate) fn push(
        &mut self,
        name: Box<str>,
        value: Box<str>,
        repeatable: &[&str],
    ) -> Result<(), FormError> {
        if self.0.len() == Self::MAX_FIELDS {
            return Err(FormError::TooLarge);
        }
        if self.get(&name).is_some() && !repeatable.contains(&&*name) {
            return Err(FormError::Duplicate(name));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// The value of `name`, if the form has it. An empty value is a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| **n == *name).map(|(_, v)| &**v)
    }

    /// Takes the value of `name` out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(n, _)| **n == *name)?;
        // The others stay in their order: some may occur more than once.
        Some(self.0.remove(at).1.into_string())
    }

    /// Takes every value of `name` out, in the order in which they came.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        let mut taken = Vec::new();
        self.0.retain_mut(|(n, value)| {
            let other = **n != *name;
            if !other {
                taken.push(std::mem::take(value).into_string());
            }
            other
        });
        taken
    }

    /// The names, in the order in which they came.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(n, _)| &**n)
    }
}

impl fmt::Debug for Form {
    // Values may be codes, tokens and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Names and values as they were sent.
fn pairs(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| match pair.iter().position(|b| *b == b'=') {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, &b""[..]),
    })
}

/// Whether headers say once, and so clearly, that the body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else {
        return false;
    };
    let kind = kind.as_bytes().split(|b| *b == b';').next();
    kind.is_some_and(|kind| {
        kind.trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// Decodes one name or value.
///
/// # Errors
///
/// See [`FormError`].
pub fn decode(bytes: &[u8]) -> Result<Box<str>, FormError> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let [high, low, tail @ ..] = rest else {
                    return Err(FormError::Encoding);
                };
                let digit = |d: u8| char::from(d).to_digit(16).ok_or(FormError::Encoding);
                rest = tail;
                (digit(*high)? * 16 + digit(*low)?) as u8
            }
            // Not what an encoder writes, but unambiguous, and browsers send it in queries.
            0x21..=0x7e | 0x80.. => byte,
            _ => return Err(FormError::Encoding),
        });
    }
    String::from_utf8(out)
        .map(String::into_boxed_str)
        .map_err(|_| FormError::NotUtf8)
}

/// Appends one encoded name or value to `out`: letters, digits and `*-._` as they are, a space as `+`, all else escaped.
pub fn encode_into(text: &str, out: &mut String) {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| !stays(*byte)) {
        // What stays is ASCII. Between two bytes of one character there is nothing.
        out.push_str(text.get(written..at).unwrap_or_default());
        match byte {
            b' ' => out.push('+'),
            _ => out.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
        written = at + 1;
    }
    out.push_str(text.get(written..).unwrap_or_default());
}

/// Whether a byte stands for itself.
fn stays(byte: u8) -> bool {
    const STAYS: [bool; 256] = {
        let all = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*-._";
        let (mut stays, mut at) = ([false; 256], 0);
        while at < all.len() {
            stays[all[at] as usize] = true;
            at += 1;
        }
        stays
    };
    STAYS[usize::from(byte)]
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit & 15)])
}

/// One encoded name or value.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    encode_into(text, &mut out);
    out
}

/// Appends `name=value`, with `&` before it unless `out` is empty or already ends in `?` or `&`.
pub fn push_pair(out: &mut String, name: &str, value: &str) {
    if !(out.is_empty() || out.ends_with(['?', '&'])) {
        out.push('&');
    }
    encode_into(name, out);
    out.push('=');
    encode_into(value, out);
}

/// `base` with `pairs` added to its query, whatever query it already has.
pub fn with_query<'a>(base: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::with_capacity(base.len() + 256);
    out.push_str(base);
    out.push(if base.contains('?') { '&' } else { '?' });
    for (name, value) in pairs {
        push_pair(&mut out, name, value);
    }
    out
}

/// Whether `text` can stand in a list that is separated by spaces, and in a quoted string of a header: visible ASCII
/// without `"` and `\`. What a scope is ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)), and an
/// authentication context class.
pub fn is_word(text: &str) -> bool {
    let fit = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    !text.is_empty() && text.bytes().all(fit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_specification() {
        // RFC 6749 Appendix B
        assert_eq!(encode(" %&+£€"), "+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(&*decode(b"+%25%26%2B%C2%A3%E2%82%AC").unwrap(), " %&+£€");
    }

    #[test]
    fn a_name_that_occurs_twice_is_refused() {
        assert_eq!(
            Form::parse(b"a=1&b=2&a=1"),
            Err(FormError::Duplicate("a".into()))
        );
        assert_eq!(
            Form::parse(b"a=1&%61=2"),
            Err(FormError::Duplicate("a".into()))
        );
    }

    #[test]
    fn only_what_may_be_repeated_is() {
        let mut form = Form::parse_repeating(b"r=1&a=x&r=2&%72=3", &["r"]).unwrap();
        assert_eq!(form.take_all("r"), ["1", "2", "3"]);
        assert_eq!((form.get("r"), form.get("a")), (None, Some("x")));
        assert_eq!(
            Form::parse_repeating(b"r=1&a=x&a=y", &["r"]),
            Err(FormError::Duplicate("a".into()))
        );
    }

    #[test]
    fn what_nobody_wants_is_passed_over_and_what_is_wanted_is_there_once() {
        let form = Form::parse_of(b"x=1&a=1&x=2&y=%zz&z=%ff", &["a", "b"]).unwrap();
        assert_eq!((form.get("a"), form.get("b")), (Some("1"), None));
        assert_eq!(form.names().count(), 1);
        let twice = Form::parse_of(b"a=1&x=1&%61=2", &["a"]);
        assert_eq!(twice, Err(FormError::Duplicate("a".into())));
        assert_eq!(Form::parse_of(b"a=%zz", &["a"]), Err(FormError::Encoding));
        assert_eq!(
            Form::parse_of(b"%zz=1&a=1", &["a"]),
            Err(FormError::Encoding)
        );
        let large = vec![b'x'; Form::MAX_BYTES + 1];
        assert_eq!(Form::parse_of(&large, &["a"]), Err(FormError::TooLarge));
    }

    #[test]
    fn broken_encoding_is_refused() {
        for bytes in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=\n", b"a=\0", b"%=1"] {
            assert_eq!(Form::parse(bytes), Err(FormError::Encoding), "{bytes:?}");
        }
        assert_eq!(Form::parse(b"a=%ff"), Err(FormError::NotUtf8));
    }

    #[test]
    fn sizes_are_limited() {
        assert_eq!(
            Form::parse(&vec![b'a'; Form::MAX_BYTES + 1]),
            Err(FormError::TooLarge)
        );
        let many = (0..=Form::MAX_FIELDS)
            .map(|i| format!("f{i}="))
            .collect::<Vec<_>>()
            .join("&");
        assert_eq!(Form::parse(many.as_bytes()), Err(FormError::TooLarge));
    }

    #[test]
    fn an_existing_query_is_kept() {
        assert_eq!(
            with_query("https://a/b", [("x", "1 2")]),
            "https://a/b?x=1+2"
        );
        assert_eq!(
            with_query("https://a/b?t=1", [("x", "ü")]),
            "https://a/b?t=1&x=%C3%BC"
        );
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(
            format!("{:?}", Form::parse(b"code=abc").unwrap()),
            r#"{"code"}"#
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in "\\PC*") {
            prop_assert_eq!(&*decode(encode(&text).as_bytes()).unwrap(), &*text);
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
            let _ = Form::parse_of(&bytes, &["a", ""]);
        }
    }
}
