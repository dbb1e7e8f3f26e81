//! The grammar of [RFC 4514 § 3](https://www.rfc-editor.org/rfc/rfc4514#section-3), and nothing beside it.

use super::{Attribute, DistinguishedName, Rdn, Value, types::AttributeType};
use std::fmt;

pub(super) fn name(text: &str) -> Result<DistinguishedName, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > DistinguishedName::MAX_BYTES {
        return Err(NameError::TooLong);
    }
    let mut input = Input(text.as_bytes());
    let mut rdns = vec![];
    loop {
        let mut attributes: Vec<Attribute> = vec![];
        let end = loop {
            let attribute = input.attribute()?;
            // X.501 § 9.3: the types of a set are distinct.
            if attributes.iter().any(|other| other.kind == attribute.kind) {
                return Err(NameError::RepeatedType);
            }
            attributes.push(attribute);
            match input.next() {
                Some(b'+') => {}
                end => break end,
            }
        };
        rdns.push(Rdn::new(attributes));
        match end {
            None => break,
            Some(b',') => {}
            Some(_) => return Err(NameError::Value),
        }
    }
    rdns.reverse();
    Ok(DistinguishedName { rdns })
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Everything in front of the first byte that `end` wants, or all of it.
    fn until(&mut self, end: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = self.0.iter().position(|b| end(*b));
        let (taken, rest) = self.0.split_at(at.unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// `attributeTypeAndValue`
    fn attribute(&mut self) -> Result<Attribute, NameError> {
        let kind = self.until(|b| b == b'=');
        let kind = str::from_utf8(kind).map_err(|_| NameError::Type)?;
        if self.next() != Some(b'=') {
            return Err(NameError::Type);
        }
        let kind = AttributeType::from_oid(kind)
            .or_else(|| AttributeType::named(kind))
            .ok_or_else(|| unknown(kind))?;
        let value = match self.peek() {
            Some(b'#') => self.hex_string()?,
            _ => self.string()?,
        };
        Ok(Attribute { kind, value })
    }

    /// `hexstring`: the value in DER.
    fn hex_string(&mut self) -> Result<Value, NameError> {
        self.next();
        let digits = self.until(|b| matches!(b, b',' | b'+'));
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[a, b]| byte(*a, *b)).collect();
        bytes
            .filter(|_| rest.is_empty())
            .and_then(|bytes| Value::of_der(&bytes))
            .ok_or(NameError::Hex)
    }

    /// `string`
    fn string(&mut self) -> Result<Value, NameError> {
        let mut bytes = vec![];
        // Whether the last byte is a space that is not escaped.
        let mut bare_space = false;
        while let Some(next) = self.peek() {
            if matches!(next, b',' | b'+') {
                break;
            }
            self.next();
            bare_space = false;
            match next {
                b'\\' => bytes.push(self.pair()?),
                b'"' | b';' | b'<' | b'>' | 0 => return Err(NameError::Value),
                b' ' if bytes.is_empty() => return Err(NameError::Space),
                b' ' => {
                    bare_space = true;
                    bytes.push(next);
                }
                _ => bytes.push(next),
            }
        }
        if bare_space {
            return Err(NameError::Space);
        }
        let text = String::from_utf8(bytes).map_err(|_| NameError::NotUtf8)?;
        Ok(Value::Text(text.into()))
    }

    /// What stands behind a backslash: a character, or a byte in hexadecimal digits.
    fn pair(&mut self) -> Result<u8, NameError> {
        match self.next() {
            Some(
                escaped @ (b'\\' | b'"' | b'+' | b',' | b';' | b'<' | b'>' | b' ' | b'#' | b'='),
            ) => Ok(escaped),
            Some(high) => self
                .next()
                .and_then(|low| byte(high, low))
                .ok_or(NameError::Escape),
            None => Err(NameError::Escape),
        }
    }
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Whether `text` could be the name of a type, or is something else.
fn unknown(text: &str) -> NameError {
    let mut bytes = text.bytes();
    let name = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match name {
        true => NameError::UnknownType,
        false if text.contains(' ') => NameError::Space,
        false => NameError::Type,
    }
}

/// Why a text is no distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty. The grammar allows that; it would be the name of every certificate without a subject.
    Empty,
    /// It has more than [`DistinguishedName::MAX_BYTES`] bytes.
    TooLong,
    /// Something that is not a type and an equals sign stands where an attribute begins.
    Type,
    /// A type of a name that is not known here. Every type can be written as an object identifier.
    UnknownType,
    /// Two attributes of one set have the same type.
    RepeatedType,
    /// A space stands beside a separator without a backslash.
    Space,
    /// A character that has to be escaped is not.
    Value,
    /// A backslash without a special character or two hexadecimal digits behind it.
    Escape,
    /// What follows `#` is not one DER element in hexadecimal digits.
    Hex,
    /// A value is not UTF-8 once its escapes are read.
    NotUtf8,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "expected a distinguished name, it is empty",
            Self::TooLong => "the distinguished name is longer than 4096 bytes",
            Self::Type => "expected `TYPE=value`, separated by commas or plus signs",
            Self::UnknownType => {
                "an attribute type is not known by its name; write its object identifier"
            }
            Self::RepeatedType => "two values joined by a plus sign have the same attribute type",
            Self::Space => "spaces beside separators are part of a value and have to be escaped",
            Self::Value => "a value holds one of `\";<>` or a null and has to escape it",
            Self::Escape => "expected a special character or two hexadecimal digits behind `\\`",
            Self::Hex => "expected one DER value in hexadecimal digits behind `#`",
            Self::NotUtf8 => "a value is not UTF-8",
        })
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests;
