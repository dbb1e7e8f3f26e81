//! Values of attributes: text where there is one reading of it, otherwise bytes.

use super::super::der;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) enum Value {
    /// What a string holds, whichever type it is in.
    Text(Box<str>),
    /// Anything else, in DER.
    Der(Box<[u8]>),
}

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

impl Value {
    /// The value of these bytes in DER, if they are one element. A string that breaks the rules of its type is bytes.
    pub(in super::super) fn of_der(bytes: &[u8]) -> Option<Self> {
        let der::Element { tag, content } = der::only(bytes)?;
        let text = match tag {
            UTF8_STRING => str::from_utf8(content).ok().map(Box::from),
            NUMERIC_STRING | PRINTABLE_STRING | IA5_STRING | VISIBLE_STRING => {
                let ascii = content.is_ascii().then_some(content);
                ascii.and_then(|ascii| str::from_utf8(ascii).ok().map(Box::from))
            }
            // A pair of surrogates is no character of a BMPString.
            BMP_STRING => characters::<2>(content, |unit| u16::from_be_bytes(unit).into()),
            UNIVERSAL_STRING => characters::<4>(content, u32::from_be_bytes),
            _ => None,
        };
        Some(text.map_or_else(|| Self::Der(bytes.into()), Self::Text))
    }

    /// The value in DER as `#` and hexadecimal digits.
    pub(super) fn hex(&self) -> impl fmt::Display {
        let bytes = match self {
            Self::Text(text) => {
                let mut out = vec![];
                der::write(UTF8_STRING, text.as_bytes(), &mut out);
                out.into()
            }
            Self::Der(bytes) => bytes.clone(),
        };
        Hex(bytes)
    }
}

fn characters<const N: usize>(content: &[u8], code: fn([u8; N]) -> u32) -> Option<Box<str>> {
    let (units, rest) = content.as_chunks::<N>();
    let text: Option<String> = units.iter().map(|u| char::from_u32(code(*u))).collect();
    text.filter(|_| rest.is_empty()).map(Into::into)
}

/// As a value stands in the text of a name
/// ([RFC 4514 § 2.4](https://www.rfc-editor.org/rfc/rfc4514#section-2.4)), fit for a log: control characters are escaped
/// too.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Text(text) = self else {
            return self.hex().fmt(f);
        };
        let last = text.chars().count().saturating_sub(1);
        for (at, c) in text.chars().enumerate() {
            match c {
                '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
                ' ' if at == 0 || at == last => f.write_str("\\ ")?,
                '#' if at == 0 => f.write_str("\\#")?,
                c if c.is_control() => {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        write!(f, "\\{byte:02X}")?;
                    }
                }
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

struct Hex(Box<[u8]>);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
