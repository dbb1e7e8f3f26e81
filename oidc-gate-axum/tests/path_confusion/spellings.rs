//! Spellings of paths, made up in great number and always the same ones.

/// How a path is disguised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    AsItIs,
    Case,
    Escape,
    DoubleEscape,
    UnicodeEscape,
    Overlong,
    FullWidth,
    DotSegment,
    EncodedDotSegment,
    Slash,
    EncodedSlash,
    Backslash,
    EncodedBackslash,
    Parameter,
    EncodedParameter,
    Control,
    Null,
    Query,
    EncodedQuery,
    Fragment,
    EncodedFragment,
    Trailing,
    Malformed,
    NotUtf8,
}

impl Kind {
    pub(crate) const ALL: [Self; 24] = [
        Self::AsItIs,
        Self::Case,
        Self::Escape,
        Self::DoubleEscape,
        Self::UnicodeEscape,
        Self::Overlong,
        Self::FullWidth,
        Self::DotSegment,
        Self::EncodedDotSegment,
        Self::Slash,
        Self::EncodedSlash,
        Self::Backslash,
        Self::EncodedBackslash,
        Self::Parameter,
        Self::EncodedParameter,
        Self::Control,
        Self::Null,
        Self::Query,
        Self::EncodedQuery,
        Self::Fragment,
        Self::EncodedFragment,
        Self::Trailing,
        Self::Malformed,
        Self::NotUtf8,
    ];

    fn disguise(self, path: &str, chance: &mut Chance) -> String {
        match self {
            Self::AsItIs => path.to_owned(),
            Self::Case => {
                let all = chance.one(&[true, false]);
                letters(path, *all, chance, |c| {
                    if c.is_ascii_lowercase() {
                        c.to_ascii_uppercase().to_string()
                    } else {
                        c.to_ascii_lowercase().to_string()
                    }
                })
            }
            Self::Escape => {
                let all = *chance.one(&[true, false, false]);
                let upper = *chance.one(&[true, false]);
                letters(path, all, chance, |c| escape(c, upper))
            }
            Self::DoubleEscape => {
                let times = *chance.one(&[1, 1, 2]);
                letters(path, false, chance, |c| {
                    format!("%{}{}", "25".repeat(times), &escape(c, false)[1..])
                })
            }
            Self::UnicodeEscape => {
                letters(path, false, chance, |c| format!("%u{:04x}", u32::from(c)))
            }
            Self::Overlong => letters(path, false, chance, |c| overlong(c, 2)),
            Self::FullWidth => {
                let encoded = *chance.one(&[true, true, false]);
                letters(path, false, chance, |c| full_width(c, encoded))
            }
            Self::DotSegment => dots(path, chance, &["..", ".", "..", "../.", "./.."], &["/"]),
            Self::EncodedDotSegment => dots(
                path,
                chance,
                &[
                    "%2e%2e",
                    ".%2e",
                    "%2E.",
                    "%2e",
                    "%252e%252e",
                    "%c0%ae%c0%ae",
                    "..;",
                    "%2e%2e;x",
                ],
                &["/", "/", "%2f", "\\", "%5C"],
            ),
            Self::Slash => slashes(path, chance, &["//", "///", "/./", "//"]),
            Self::EncodedSlash => slashes(
                path,
                chance,
                &[
                    "%2f",
                    "%2F",
                    "/%2f",
                    "%2f/",
                    "%252f",
                    "%c0%af",
                    "%e0%80%af",
                    "%ef%bc%8f",
                ],
            ),
            Self::Backslash => slashes(path, chance, &["\\", "/\\", "\\\\"]),
            Self::EncodedBackslash => {
                slashes(path, chance, &["%5c", "%5C", "/%5c", "%255c", "%c1%9c"])
            }
            Self::Parameter => {
                let what = [
                    ";",
                    ";x=1",
                    ";.js",
                    ";/public",
                    ";jsessionid=1",
                    ";%2f..%2f",
                    ";%2fx",
                    ";a=/..;b",
                ];
                insert(path, chance, &what, At::Segment)
            }
            Self::EncodedParameter => insert(
                path,
                chance,
                &["%3b", "%3Bx=1", "%253b", "%3b/public"],
                At::Segment,
            ),
            Self::Control => {
                let what = [
                    "%0a",
                    "%0D",
                    "%09",
                    "%0b",
                    "%7f",
                    "%c2%85",
                    "%1f",
                    "%0a/public",
                ];
                insert(path, chance, &what, At::Anywhere)
            }
            Self::Null => insert(
                path,
                chance,
                &["%00", "%00.js", "%00/public", "%2500", "%c0%80"],
                At::Segment,
            ),
            Self::Query => {
                let what = [
                    "?",
                    "?/public",
                    "?x=/public",
                    "?.js",
                    "?/../public",
                    "?%2fpublic",
                    "?x=/health",
                ];
                format!("{path}{}", chance.one(&what))
            }
            Self::EncodedQuery => insert(
                path,
                chance,
                &["%3f", "%3Fx=1", "%3f/public", "%253f", "%3f.js"],
                At::Segment,
            ),
            Self::Fragment => format!(
                "{path}{}",
                chance.one(&["#", "#/public", "#.js", "#/../public"])
            ),
            Self::EncodedFragment => insert(
                path,
                chance,
                &["%23", "%23/public", "%2523", "%23.js"],
                At::Segment,
            ),
            Self::Trailing => {
                let what = [
                    ".", "..", "...", "%20", ". .", "+", "~", "%20.", "%2e", ".%20",
                ];
                match chance.below(3) {
                    0 => insert(path, chance, &what, At::Segment),
                    1 => format!(
                        "{path}{}",
                        chance.one(&["/", "//", "/.", "/..", "/%20", "/%2e", "/."])
                    ),
                    _ => format!("{path}{}", chance.one(&what)),
                }
            }
            Self::Malformed => insert(
                path,
                chance,
                &["%", "%zz", "%2", "%u002f", "%g1", "%%32%66"],
                At::Anywhere,
            ),
            Self::NotUtf8 => insert(
                path,
                chance,
                &["%ff", "%c3", "%fc", "%ed%a0%80", "%f5%80%80%80"],
                At::Anywhere,
            ),
        }
    }
}

/// How a target comes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Form {
    /// `GET /x HTTP/1.1` and a `Host`.
    Origin,
    /// `GET http://localhost/x HTTP/1.1` and the same `Host`.
    Absolute,
    /// The same with another host in the target than in `Host`.
    Contradicting,
    /// HTTP/2: `:scheme`, `:authority` and `:path`, which end up as one address.
    Http2,
    /// HTTP/2 without `:authority`.
    Http2Bare,
}

impl Form {
    pub(crate) const ALL: [Self; 5] = [
        Self::Origin,
        Self::Absolute,
        Self::Contradicting,
        Self::Http2,
        Self::Http2Bare,
    ];
}

/// One disguised path.
#[derive(Clone, Debug)]
pub(crate) struct Spelling {
    pub(crate) target: String,
    pub(crate) form: Form,
    pub(crate) kinds: Vec<Kind>,
}

/// So many spellings of these paths, each kind by itself and in company of up to two others.
pub(crate) fn spellings(paths: &[&str], count: usize) -> Vec<Spelling> {
    let mut chance = Chance(0x0dd_ba11);
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let mut kinds = vec![*chance.one(&Kind::ALL)];
        while kinds.len() < 3 && chance.below(2) == 0 {
            kinds.push(*chance.one(&Kind::ALL));
        }
        // A query or a fragment ends the path, so it comes last.
        kinds.sort_by_key(|kind| matches!(kind, Kind::Query | Kind::Fragment));
        let path = chance.one(paths).to_owned();
        let target = kinds.iter().fold(path.to_owned(), |path, kind| {
            kind.disguise(&path, &mut chance)
        });
        let form = match chance.below(4) {
            0 => *chance.one(&Form::ALL),
            _ => Form::Origin,
        };
        if seen.insert((target.clone(), form)) {
            all.push(Spelling {
                target,
                form,
                kinds,
            });
        }
    }
    all
}

/// SplitMix64: the same numbers on every machine.
pub(crate) struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// One character in disguise, or all. Never a slash, and nothing that is an escape already.
fn letters(
    path: &str,
    all: bool,
    chance: &mut Chance,
    disguise: impl Fn(char) -> String,
) -> String {
    let mut escaped = 0;
    let mut places = vec![];
    for (at, c) in path.char_indices() {
        match c {
            '%' => escaped = 2,
            _ if escaped > 0 => escaped -= 1,
            c if c.is_ascii_alphanumeric() || c == '.' => places.push(at),
            _ => {}
        }
    }
    if !all && !places.is_empty() {
        places = vec![*chance.one(&places)];
    }
    let dressed = path.char_indices().map(|(at, c)| {
        if places.contains(&at) {
            disguise(c)
        } else {
            c.to_string()
        }
    });
    dressed.collect()
}

fn escape(c: char, upper: bool) -> String {
    if upper {
        format!("%{:02X}", u32::from(c))
    } else {
        format!("%{:02x}", u32::from(c))
    }
}

/// UTF-8 with more bytes than needed.
fn overlong(c: char, bytes: usize) -> String {
    let code = u32::from(c);
    let last = 0x80 | code & 0x3f;
    match bytes {
        2 => format!("%{:02x}%{last:02x}", 0xc0 | code >> 6),
        _ => format!("%e0%{:02x}%{last:02x}", 0x80 | code >> 6),
    }
}

fn full_width(c: char, encoded: bool) -> String {
    let wide = char::from_u32(u32::from(c) + 0xfee0)
        .unwrap_or(c)
        .to_string();
    if !encoded {
        return wide;
    }
    wide.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Somewhere else first and back from there, or a step on the spot.
fn dots(path: &str, chance: &mut Chance, dots: &[&str], slashes: &[&str]) -> String {
    let (dot, slash) = (*chance.one(dots), *chance.one(slashes));
    let (way, depth) = *chance.one(&[
        ("/public", 1),
        ("/public/x", 2),
        ("/assets", 1),
        ("/assets/css/x", 3),
        ("/static", 1),
        ("/teams/blue", 2),
        ("/health", 1),
        ("/v1", 1),
        ("", 1),
        ("/x", 0),
    ]);
    match chance.below(3) {
        0 => format!("{path}{slash}{dot}{slash}x"),
        _ => {
            let back = [slash, dot].concat().repeat(depth);
            format!("{way}{back}{slash}{}", path.trim_start_matches('/'))
        }
    }
}

/// One of the slashes, or all behind the first, written so.
fn slashes(path: &str, chance: &mut Chance, forms: &[&str]) -> String {
    let form = *chance.one(forms);
    let places: Vec<_> = path.match_indices('/').map(|(at, _)| at).collect();
    // Without a slash in front it is no path; what is put behind the first one counts too.
    if places.len() < 2 || chance.below(3) == 0 {
        return format!("/{form}{}", path.trim_start_matches('/'));
    }
    if chance.below(2) == 0 {
        return format!("/{}", path[1..].replace('/', form));
    }
    let at = *chance.one(&places[1..]);
    format!("{}{form}{}", &path[..at], &path[at + 1..])
}

#[derive(Clone, Copy)]
enum At {
    /// At the end of a segment.
    Segment,
    /// In front of any character but the first.
    Anywhere,
}

fn insert(path: &str, chance: &mut Chance, what: &[&str], at: At) -> String {
    let what = *chance.one(what);
    let mut places: Vec<_> = match at {
        At::Segment => path[1..].match_indices('/').map(|(at, _)| at + 1).collect(),
        At::Anywhere => path[1..].char_indices().map(|(at, _)| at + 1).collect(),
    };
    places.push(path.len());
    let at = *chance.one(&places);
    format!("{}{what}{}", &path[..at], &path[at..])
}
