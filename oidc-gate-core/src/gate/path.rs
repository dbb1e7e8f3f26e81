//! The path guard: whether every parser reads a path alike, and what else could be read in it.

/// Whether a path means one thing only.
///
/// ```
/// use oidc_gate_core::gate::{Ambiguity, Clarity};
/// assert_eq!(Clarity::of("/public/caf%C3%A9.html"), Clarity::Plain);
/// // A router compares `/%70ublic` as it stands, a file server decodes it first.
/// assert_eq!(Clarity::of("/%70ublic/admin"), Clarity::Ambiguous(Ambiguity::NeedlessEscape));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a path is clear or it is not")]
pub enum Clarity {
    /// All parsers read the same segments.
    Plain,
    /// Another parser could read another path. Such a path satisfies no `open` and no `bypass` rule.
    Ambiguous(Ambiguity),
}

/// What makes a path ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ambiguity {
    /// It does not begin with `/`: `*`, or no path at all.
    NoPath,
    /// `//`.
    EmptySegment,
    /// `.` or `..` as a segment.
    DotSegment,
    /// `\`.
    Backslash,
    /// `;`, which begins a parameter in some parsers.
    Parameter,
    /// `%2f %5c %2e %00 %25 %23 %3f`: the escape of a character that would change how the path is cut.
    EncodedDelimiter,
    /// The escapes of a character that some servers take for a slash, a backslash or a dot when they convert it to an
    /// older character set or to its compatibility form: `／`, `⁄`, `＼`, `．`, `․` and the like.
    Lookalike,
    /// `%XX` of a character that may stand unencoded.
    NeedlessEscape,
    /// `%` without two hexadecimal digits.
    MalformedEscape,
    /// A control character, encoded or not.
    Control,
    /// Escapes that do not decode to UTF-8.
    NotUtf8,
    /// A character that has to be encoded in a path
    /// ([RFC 3986 § 3.3](https://www.rfc-editor.org/rfc/rfc3986#section-3.3)).
    Character,
    /// The target names another authority than the `Host` header.
    HostMismatch,
}

impl Ambiguity {
    /// What is the matter, for a log line.
    pub const fn what(self) -> &'static str {
        match self {
            Self::NoPath => "the target has no path",
            Self::EmptySegment => "it contains `//`",
            Self::DotSegment => "it contains a dot segment",
            Self::Backslash => "it contains a backslash",
            Self::Parameter => "it contains `;`",
            Self::EncodedDelimiter => {
                "it contains an encoded slash, backslash, dot, null, percent, hash or question mark"
            }
            Self::Lookalike => {
                "it contains a character that some servers take for a slash, a backslash or a dot"
            }
            Self::NeedlessEscape => "it encodes a character that may stand unencoded",
            Self::MalformedEscape => "it contains `%` without two hexadecimal digits",
            Self::Control => "it contains a control character",
            Self::NotUtf8 => "its escapes are not UTF-8",
            Self::Character => "it contains a character that has to be encoded",
            Self::HostMismatch => "the target and the `Host` header name different hosts",
        }
    }
}

impl Clarity {
    /// Reads `path` once, byte by byte, without allocating.
    pub fn of(path: &str) -> Self {
        match scan(path.as_bytes()) {
            Ok(()) => Self::Plain,
            Err(why) => Self::Ambiguous(why),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Plain,
    Slash,
    Percent,
    Backslash,
    Semicolon,
    Control,
    Other,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            // pchar without `;` (RFC 3986 § 3.3).
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Plain,
            b'-' | b'.' | b'_' | b'~' | b':' | b'@' => Class::Plain,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' => Class::Plain,
            b'/' => Class::Slash,
            b'%' => Class::Percent,
            b'\\' => Class::Backslash,
            b';' => Class::Semicolon,
            0..=0x1f | 0x7f => Class::Control,
            _ => Class::Other,
        };
        byte += 1;
    }
    table
};

fn class(byte: u8) -> Class {
    CLASS[usize::from(byte)]
}

fn scan(path: &[u8]) -> Result<(), Ambiguity> {
    let Some((b'/', mut rest)) = path.split_first() else {
        return Err(Ambiguity::NoPath);
    };
    // From where the present segment begins.
    let mut segment = rest;
    while let Some(at) = rest.iter().position(|byte| class(*byte) != Class::Plain) {
        let (_, from) = rest.split_at(at);
        let Some((&byte, tail)) = from.split_first() else {
            break;
        };
        match class(byte) {
            Class::Plain => rest = tail,
            Class::Slash => match &segment[..segment.len() - from.len()] {
                b"" => return Err(Ambiguity::EmptySegment),
                b"." | b".." => return Err(Ambiguity::DotSegment),
                _ => (rest, segment) = (tail, tail),
            },
            Class::Percent => rest = escape(tail)?,
            Class::Backslash => return Err(Ambiguity::Backslash),
            Class::Semicolon => return Err(Ambiguity::Parameter),
            Class::Control => return Err(Ambiguity::Control),
            Class::Other => return Err(Ambiguity::Character),
        }
    }
    match segment {
        b"." | b".." => Err(Ambiguity::DotSegment),
        _ => Ok(()),
    }
}

/// One escaped character, whose first `%` has been read. What remains after it, if it is one that has to be escaped.
fn escape(rest: &[u8]) -> Result<&[u8], Ambiguity> {
    let (first, mut rest) = hex_pair(rest)?;
    if first.is_ascii() {
        return match first {
            b'/' | b'\\' | b'.' | 0 | b'%' | b'#' | b'?' => Err(Ambiguity::EncodedDelimiter),
            _ if first.is_ascii_control() => Err(Ambiguity::Control),
            b';' => Err(Ambiguity::NeedlessEscape),
            _ if class(first) == Class::Plain => Err(Ambiguity::NeedlessEscape),
            _ => Ok(rest),
        };
    }
    // The escapes of one character stand side by side, because nothing but ASCII stands unencoded.
    let mut character = [first, 0, 0, 0];
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(Ambiguity::NotUtf8),
    };
    for slot in &mut character[1..length] {
        let Some((b'%', after)) = rest.split_first() else {
            return Err(Ambiguity::NotUtf8);
        };
        (*slot, rest) = hex_pair(after)?;
    }
    match std::str::from_utf8(&character[..length]) {
        Ok(text) if text.contains(char::is_control) => Err(Ambiguity::Control),
        Ok(text) if text.chars().any(|c| lookalike(c).is_some()) => Err(Ambiguity::Lookalike),
        Ok(_) => Ok(rest),
        Err(_) => Err(Ambiguity::NotUtf8),
    }
}

fn hex_pair(bytes: &[u8]) -> Result<(u8, &[u8]), Ambiguity> {
    let [high, low, rest @ ..] = bytes else {
        return Err(Ambiguity::MalformedEscape);
    };
    match (hex(*high), hex(*low)) {
        (Some(high), Some(low)) => Ok((high << 4 | low, rest)),
        _ => Err(Ambiguity::MalformedEscape),
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The longest path whose readings are spelt out. What is longer and not plain could be anything.
const MAX_READ: usize = 2048;
/// The most readings that are looked at. A path that has more was made to have them.
const MAX_READINGS: usize = 64;

/// What some parser does to a path before it goes by it, and what has to be there for it to do anything.
struct Read {
    where_there_is: fn(&str) -> bool,
    read: fn(&str) -> String,
}

const READS: [Read; 11] = [
    Read {
        where_there_is: |text| text.contains('%'),
        read: decoded,
    },
    Read {
        where_there_is: |text| text.contains("%u"),
        read: unicode_decoded,
    },
    Read {
        where_there_is: |text| !text.is_ascii(),
        read: narrowed,
    },
    Read {
        where_there_is: |text| text.contains('\\'),
        read: |text| text.replace('\\', "/"),
    },
    // C strings end at the null, URLs at `#` and `?`.
    Read {
        where_there_is: |text| text.contains(ENDS),
        read: |text| first(text, &ENDS).to_owned(),
    },
    Read {
        where_there_is: |text| text.contains(char::is_control),
        read: |text| text.replace(char::is_control, ""),
    },
    Read {
        where_there_is: |text| text.contains(';'),
        read: |text| each_segment(text, |s| first(s, &[';'])),
    },
    Read {
        where_there_is: |text| text.contains(' '),
        read: |text| each_segment(text, |s| s.trim_matches(' ')),
    },
    Read {
        where_there_is: |text| text.contains(['.', ' ']),
        read: tidied,
    },
    Read {
        where_there_is: |text| text.contains("//"),
        read: collapsed,
    },
    Read {
        where_there_is: |text| text.contains("/.") || !text.starts_with('/'),
        read: without_dots,
    },
];

const ENDS: [char; 3] = ['\0', '#', '?'];

/// Every path that some parser could read in `path`, itself included, in lower case; `None` if there is no telling.
///
/// Restrictions are looked for in all of them. The list errs on the side of too many: a reading that nobody makes costs
/// a refusal at most. No order of the steps is assumed, since there are servers for each: one cuts parameters and decodes
/// then, one decodes first, and a proxy in between has done either before.
pub(super) fn readings(path: &str) -> Option<Vec<String>> {
    if path.len() > MAX_READ {
        return None;
    }
    let mut all = vec![path.to_owned()];
    let mut next = 0;
    while let Some(text) = all.get(next).cloned() {
        next += 1;
        for step in READS.iter().filter(|step| (step.where_there_is)(&text)) {
            let text = (step.read)(&text);
            if all.contains(&text) {
                continue;
            }
            if all.len() == MAX_READINGS {
                return None;
            }
            all.push(text);
        }
    }
    for text in &mut all {
        *text = text.to_lowercase();
    }
    Some(all)
}

/// Percent-decoded once; what is not UTF-8 is replaced, overlong forms of ASCII characters are understood.
pub(super) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match byte {
            b'%' => hex_pair(tail).unwrap_or((byte, tail)),
            _ => (byte, tail),
        };
        match out.last_mut() {
            // `%c0%af` is how a lenient decoder spells `/`.
            Some(lead @ (0xc0 | 0xc1)) if byte & 0xc0 == 0x80 => {
                *lead = (*lead & 1) << 6 | byte & 0x3f;
            }
            _ => out.push(byte),
        }
        let longer = match out[..] {
            [.., 0xf0, 0x80, high @ (0x80 | 0x81), low @ 0x80..=0xbf] => Some((4, high, low)),
            [.., 0xe0, high @ (0x80 | 0x81), low @ 0x80..=0xbf] => Some((3, high, low)),
            _ => None,
        };
        if let Some((length, high, low)) = longer {
            out.truncate(out.len() - length);
            out.push((high & 1) << 6 | low & 0x3f);
        }
        rest = tail;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `%uXXXX` as the character it stands for, as IIS has it.
fn unicode_decoded(text: &str) -> String {
    let mut parts = text.split("%u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let decoded = part.split_at_checked(4).and_then(|(code, rest)| {
            let digits = code.bytes().all(|b| b.is_ascii_hexdigit());
            let code = digits.then(|| u32::from_str_radix(code, 16).ok())??;
            Some((char::from_u32(code)?, rest))
        });
        match decoded {
            Some((c, rest)) => {
                out.push(c);
                out.push_str(rest);
            }
            None => {
                out.push_str("%u");
                out.push_str(part);
            }
        }
    }
    out
}

/// Characters as the ASCII characters they look like.
fn narrowed(text: &str) -> String {
    let narrow = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => lookalike(c).unwrap_or(c),
    };
    text.replace('\u{2025}', "..").chars().map(narrow).collect()
}

/// The delimiter that a server makes of a character when it takes the best fit of an older character set or its
/// compatibility form. Two dots in one character count as one dot here.
fn lookalike(c: char) -> Option<char> {
    match c {
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' => Some('/'),
        '\u{ff3c}' | '\u{fe68}' | '\u{2216}' => Some('\\'),
        '\u{ff0e}' | '\u{fe52}' | '\u{2024}' | '\u{2025}' => Some('.'),
        _ => None,
    }
}

fn first<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.split(ends).next().unwrap_or_default()
}

fn each_segment<'a>(text: &'a str, read: impl Fn(&'a str) -> &'a str) -> String {
    text.split('/').map(read).collect::<Vec<_>>().join("/")
}

/// Without the dots and spaces at the end of segments that some file systems drop.
pub(super) fn tidied(text: &str) -> String {
    each_segment(text, |segment| match segment.trim_end_matches(['.', ' ']) {
        "" => segment,
        tidy => tidy,
    })
}

fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}

/// Dot segments removed ([RFC 3986 § 5.2.4](https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4)).
fn without_dots(text: &str) -> String {
    let mut out: Vec<&str> = vec![];
    let segments = text.strip_prefix('/').unwrap_or(text).split('/');
    let mut trailing = false;
    for segment in segments {
        trailing = segment == "." || segment == "..";
        match segment {
            "." => {}
            ".." => {
                out.pop();
            }
            _ => out.push(segment),
        }
    }
    if trailing {
        out.push("");
    }
    format!("/{}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn readings_hold_what_other_parsers_read() {
        for (path, reading) in [
            ("/public/%2e%2e/admin", "/admin"),
            ("/public/..;x/admin", "/admin"),
            ("/a\\..\\admin", "/admin"),
            ("/%2561dmin", "/admin"),
            ("//admin", "/admin"),
            ("/x/..//admin", "/admin"),
            ("/admin%00.png", "/admin"),
            ("/admin%3fx", "/admin"),
            ("/%c0%aeadmin", "/.admin"),
            ("/ADMIN%20", "/admin"),
            ("/%61dmin;%2fx", "/admin"),
            ("/%2525%36%31dmin", "/admin"),
            ("/%u0061dmin", "/admin"),
            ("/x%u", "/x%u"),
            ("/x%e0%80%afadmin", "/x/admin"),
            ("/x%f0%80%81%81dmin", "/xadmin"),
            ("/public/%ef%bc%8e%e2%80%a4%e2%81%84admin", "/admin"),
            ("/public/%e2%80%a5%ef%bc%8fadmin", "/admin"),
            ("/x./admin%20/", "/x/admin/"),
        ] {
            let all = readings(path).unwrap();
            assert!(all.iter().any(|r| r == reading), "{path}: {all:?}");
        }
    }

    #[test]
    fn a_plain_path_has_one_reading() {
        assert_eq!(readings("/a/b.c"), Some(vec!["/a/b.c".to_owned()]));
    }

    proptest! {
        /// The scan agrees with a slow and plain way to say the same.
        #[test]
        fn a_plain_path_is_what_is_made_of_plain_segments(path in "/([a-b./%;\\\\]|%2[0f]|%C3%BC|%41|%c3){0,8}") {
            let plain = Clarity::of(&path) == Clarity::Plain;
            let segments: Vec<_> = path[1..].split('/').collect();
            let last = segments.len() - 1;
            let fine = segments.iter().enumerate().all(|(at, segment)| {
                let rest = segment.replace("%20", "").replace("%C3%BC", "");
                (at == last || !segment.is_empty())
                    && *segment != "."
                    && *segment != ".."
                    && rest.chars().all(|c| "ab.".contains(c))
            });
            prop_assert_eq!(plain, fine, "{}", path);
        }

        #[test]
        fn readings_never_panic(path in ".{0,200}") {
            let _ = readings(&path);
        }
    }
}
