//! What servers make of a path before they look at it. Each is one that is or was in use, in its essentials.

/// A server: the steps in which it reads a path.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    steps: &'static [Step],
}

#[derive(Clone, Copy)]
enum Step {
    Decode,
    /// As the parsers of old: overlong UTF-8 and `%uXXXX` too, full-width characters as narrow ones.
    DecodeGenerously,
    Collapse,
    RemoveDots,
    CutParameters,
    BackslashIsSlash,
    LowerCase,
    /// Of each segment, as a file system of Windows does.
    DropDotsAndSpaces,
    EndAtNull,
    EndAtQueryOrFragment,
    DropControls,
}

use Step::{
    BackslashIsSlash, Collapse, CutParameters, Decode, DecodeGenerously, DropControls,
    DropDotsAndSpaces, EndAtNull, EndAtQueryOrFragment, LowerCase, RemoveDots,
};

pub(crate) const UPSTREAMS: &[Upstream] = &[
    upstream("takes it as it stands", &[]),
    upstream("decodes once", &[Decode]),
    upstream("decodes twice", &[Decode, Decode]),
    upstream("decodes three times", &[Decode, Decode, Decode]),
    upstream(
        "collapses slashes and removes dot segments",
        &[Collapse, RemoveDots],
    ),
    upstream(
        "decodes, collapses, removes dot segments",
        &[Decode, Collapse, RemoveDots],
    ),
    upstream("removes dot segments and decodes", &[RemoveDots, Decode]),
    upstream(
        "removes dot segments before and after it decodes",
        &[RemoveDots, Decode, RemoveDots, Collapse],
    ),
    upstream(
        "is behind a proxy that decodes",
        &[Decode, RemoveDots, Decode, Collapse, RemoveDots],
    ),
    upstream("ignores case", &[LowerCase]),
    upstream(
        "decodes and ignores case",
        &[Decode, Collapse, RemoveDots, LowerCase],
    ),
    upstream("cuts parameters", &[CutParameters]),
    upstream(
        "cuts parameters and decodes",
        &[CutParameters, Decode, Collapse, RemoveDots],
    ),
    upstream(
        "decodes and cuts parameters",
        &[Decode, CutParameters, Collapse, RemoveDots],
    ),
    upstream(
        "is behind a proxy that cuts parameters and decodes",
        &[CutParameters, Decode, CutParameters, Decode],
    ),
    upstream(
        "takes backslashes for slashes",
        &[BackslashIsSlash, Collapse, RemoveDots],
    ),
    upstream(
        "serves files on Windows",
        &[
            Decode,
            BackslashIsSlash,
            Collapse,
            RemoveDots,
            DropDotsAndSpaces,
            LowerCase,
        ],
    ),
    upstream(
        "is old and generous",
        &[
            DecodeGenerously,
            BackslashIsSlash,
            Collapse,
            RemoveDots,
            LowerCase,
        ],
    ),
    upstream(
        "is written in C",
        &[Decode, EndAtNull, Collapse, RemoveDots],
    ),
    upstream(
        "parses it as an address, decoded",
        &[Decode, EndAtQueryOrFragment, RemoveDots],
    ),
    upstream(
        "parses it as a browser does",
        &[DropControls, BackslashIsSlash, RemoveDots],
    ),
    upstream(
        "decodes and drops what cannot be seen",
        &[Decode, DropControls, Collapse, RemoveDots],
    ),
];

const fn upstream(name: &'static str, steps: &'static [Step]) -> Upstream {
    Upstream { name, steps }
}

impl Upstream {
    pub(crate) fn ignores_case(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, LowerCase))
    }

    pub(crate) fn reads(&self, path: &str) -> String {
        // No server minds a slash at the end.
        let read = self
            .steps
            .iter()
            .fold(path.to_owned(), |path, step| step.take(&path));
        match read.strip_suffix('/') {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ => read,
        }
    }
}

impl Step {
    fn take(self, path: &str) -> String {
        match self {
            Self::Decode => String::from_utf8_lossy(&bytes(path)).into_owned(),
            Self::DecodeGenerously => generous(path),
            Self::Collapse => {
                let mut path = path.to_owned();
                while path.contains("//") {
                    path = path.replace("//", "/");
                }
                path
            }
            Self::RemoveDots => {
                let mut kept: Vec<&str> = vec![];
                let mut segments = path.trim_start_matches('/').split('/').peekable();
                while let Some(segment) = segments.next() {
                    let last = segments.peek().is_none();
                    match segment {
                        "." | ".." => {
                            if segment == ".." {
                                kept.pop();
                            }
                            if last {
                                kept.push("");
                            }
                        }
                        segment => kept.push(segment),
                    }
                }
                format!("/{}", kept.join("/"))
            }
            Self::CutParameters => segments(path, |segment| {
                segment.split(';').next().unwrap_or_default()
            }),
            Self::BackslashIsSlash => path.replace('\\', "/"),
            Self::LowerCase => path.to_lowercase(),
            Self::DropDotsAndSpaces => {
                segments(path, |segment| segment.trim_end_matches(['.', ' ']))
            }
            Self::EndAtNull => path.split('\0').next().unwrap_or_default().to_owned(),
            Self::EndAtQueryOrFragment => {
                path.split(['?', '#']).next().unwrap_or_default().to_owned()
            }
            Self::DropControls => path.replace(char::is_control, ""),
        }
    }
}

fn segments<'a>(path: &'a str, read: impl Fn(&'a str) -> &'a str) -> String {
    path.split('/').map(read).collect::<Vec<_>>().join("/")
}

fn bytes(path: &str) -> Vec<u8> {
    let mut out = vec![];
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = match (first, tail) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|pair| u8::from_str_radix(pair, 16).ok()),
            _ => None,
        };
        out.push(code.unwrap_or(*first));
        rest = &tail[if code.is_some() { 2 } else { 0 }..];
    }
    out
}

/// Without a look at whether it is UTF-8 at all.
fn generous(path: &str) -> String {
    let mut unicode = String::new();
    let mut parts = path.split("%u");
    unicode.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let code = part
            .get(..4)
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        match code {
            Some(c) => {
                unicode.push(c);
                unicode.push_str(&part[4..]);
            }
            None => {
                unicode.push_str("%u");
                unicode.push_str(part);
            }
        }
    }
    let bytes = bytes(&unicode);
    let mut out = String::new();
    let mut rest = &bytes[..];
    while let [first, tail @ ..] = rest {
        let (length, begin) = match first {
            0xc0..=0xdf => (1, first & 0x1f),
            0xe0..=0xef => (2, first & 0x0f),
            0xf0..=0xf7 => (3, first & 0x07),
            _ => (0, *first),
        };
        let more = tail
            .get(..length)
            .filter(|more| more.iter().all(|b| b & 0xc0 == 0x80));
        let (code, used) = match more {
            Some(more) => (
                more.iter()
                    .fold(u32::from(begin), |code, b| code << 6 | u32::from(b & 0x3f)),
                length,
            ),
            None => (u32::from(*first), 0),
        };
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.push(match code {
            0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
            _ => c,
        });
        rest = &tail[used..];
    }
    out
}
