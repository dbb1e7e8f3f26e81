//! Which cookies of a request are a gate's own.

use super::super::cookie_header::pairs;
use super::CookieNames;
use http::{HeaderMap, HeaderValue, header::COOKIE};
use std::fmt;

impl CookieNames {
    /// Whether a cookie of that name is this gate's.
    pub fn is_ours(&self, name: &str) -> bool {
        self.owns(name.as_bytes())
    }

    fn owns(&self, name: &[u8]) -> bool {
        self.kind(name) != Kind::Foreign
    }

    /// Every cookie of that name that a request carries. There can be several: another host of the same domain may have
    /// set one of the same name, and a request does not say which is which. The value that opens is ours.
    pub fn find<'a>(&self, headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
        pairs(headers)
            .filter(move |(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// This gate's cookies that are no part of a session, in the order of the header.
    pub fn others<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = Other<'a>> {
        pairs(headers)
            .filter(|(name, _)| name.starts_with(self.others.as_bytes()))
            .filter_map(|(name, value)| match std::str::from_utf8(name).ok()? {
                name if name.starts_with(&*self.transaction_prefix) => Some(Other::Login {
                    name,
                    bytes: name.len() + value.len(),
                }),
                name if name == &*self.landed => Some(Other::Landed(value)),
                _ => None,
            })
    }

    /// What a request carries of this gate's cookies, in one pass over all of them.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> GateCookies<'a> {
        let mut read = GateCookies::default();
        let carried = &mut read.carried;
        for (name, value) in pairs(headers) {
            match self.kind(name) {
                Kind::Session if read.session.is_none() => read.session = Some(value),
                Kind::Session => read.more_sessions = true,
                Kind::Login => carried.logins = true,
                Kind::Piece => {}
                Kind::Foreign => {
                    carried.foreign = true;
                    continue;
                }
            }
            carried.ours = true;
        }
        read
    }

    /// Whose a cookie of that name is.
    fn kind(&self, name: &[u8]) -> Kind {
        // A session's pieces have its name and a dash before what is theirs alone.
        let of_session = name.strip_prefix(self.session.as_bytes());
        match of_session {
            Some(b"") => Kind::Session,
            _ if name.starts_with(self.others.as_bytes()) => match self.is_of_login(name) {
                true => Kind::Login,
                false => Kind::Piece,
            },
            Some([b'-', ..]) => Kind::Piece,
            _ => Kind::Foreign,
        }
    }

    /// Takes this gate's cookies out of a request that [carries](Self::read) these, so that no handler and no log behind the
    /// gate sees them. Allocates only when there are others to be kept.
    ///
    /// # Security
    ///
    /// What these headers carry, and no others: what is said not to be there is not looked for.
    pub fn strip(&self, headers: &mut HeaderMap, carried: Carried) {
        if !carried.ours {
            return;
        }
        if !carried.foreign {
            headers.remove(COOKIE);
            return;
        }
        let mut kept = Vec::new();
        for (name, value) in pairs(headers).filter(|(name, _)| !self.owns(name)) {
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(name);
            kept.push(b'=');
            kept.extend_from_slice(value);
        }
        headers.remove(COOKIE);
        if let Ok(value) = HeaderValue::from_bytes(&kept)
            && !kept.is_empty()
        {
            headers.insert(COOKIE, value);
        }
    }
}

/// Whose a cookie is, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A session, or the first piece of one.
    Session,
    /// Of a login: one that has begun, or when some ended.
    Login,
    /// Whatever else of the gate's: tokens, further pieces.
    Piece,
    Foreign,
}

/// What a request carries of a gate's cookies, found in one pass over all of them.
#[derive(Clone, Copy, Default)]
pub struct GateCookies<'a> {
    carried: Carried,
    session: Option<&'a [u8]>,
    more_sessions: bool,
}

impl<'a> GateCookies<'a> {
    /// Whose cookies there are.
    pub fn carried(self) -> Carried {
        self.carried
    }

    /// The first of the sessions, and whether there are more.
    pub(in crate::session) fn first_session(self) -> (Option<&'a [u8]>, bool) {
        (self.session, self.more_sessions)
    }
}

impl fmt::Debug for GateCookies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateCookies")
            .field("carried", &self.carried)
            .finish_non_exhaustive()
    }
}

/// Whose cookies a request carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    ours: bool,
    logins: bool,
    foreign: bool,
}

impl Carried {
    /// Whether there are cookies of logins: [`CookieNames::others`] finds them.
    pub fn has_logins(self) -> bool {
        self.logins
    }
}

/// A cookie of the gate's that is no part of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the gate has these two")]
pub enum Other<'a> {
    /// A login that has begun.
    Login {
        /// Its name.
        name: &'a str,
        /// How much of a header it takes: name and value.
        bytes: usize,
    },
    /// When logins ended well: its value.
    Landed(&'a [u8]),
}

impl fmt::Debug for Other<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login { name, bytes } => write!(f, "Login({name}, {bytes} bytes)"),
            Self::Landed(_) => f.write_str("Landed(***)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{secret::State, url::BaseUrl};

    fn names(client: &str, base: &str) -> CookieNames {
        CookieNames::derive(client, &BaseUrl::parse(base).unwrap())
    }

    fn strip(names: &CookieNames, headers: &mut HeaderMap) {
        let carried = names.read(headers).carried();
        names.strip(headers, carried);
    }

    fn header(lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (COOKIE, HeaderValue::from_str(line).unwrap()))
            .collect()
    }

    #[test]
    fn one_pass_finds_whose_cookies_there_are() {
        let names = names("app", "https://a.example");
        let stem = names.session().to_owned();
        let login = names.transaction(&State::new("s"));
        let of = |name: &str| format!("{name}=v");
        for (cookies, ours, logins, foreign, session) in [
            (vec![], false, false, false, None),
            (vec![of("other")], false, false, true, None),
            (vec![of(&stem)], true, false, false, Some("v")),
            (vec![of(&stem), of(&stem)], true, false, false, None),
            (vec![format!("{stem}=2.v")], true, false, false, None),
            (vec![of(names.tokens_name())], true, false, false, None),
            (vec![of(&format!("{stem}-1"))], true, false, false, None),
            (vec![of(&format!("{stem}x"))], false, false, true, None),
            (vec![of(names.leaving())], true, false, false, None),
            (vec![of(&login)], true, true, false, None),
            (vec![of(names.landed())], true, true, false, None),
            (
                vec![of("a"), of(&stem), of(&login)],
                true,
                true,
                true,
                Some("v"),
            ),
        ] {
            for lines in [vec![cookies.join("; ")], cookies.clone()] {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                let headers = header(&lines);
                let found = names.read(&headers);
                let expected = Carried {
                    ours,
                    logins,
                    foreign,
                };
                assert_eq!(found.carried(), expected, "{lines:?}");
                let whole = names.whole_session(found);
                assert_eq!(whole, session.map(str::as_bytes), "{lines:?}");
                assert_eq!(names.others(&headers).next().is_some(), logins, "{lines:?}");
            }
        }
    }

    #[test]
    fn all_cookies_of_a_name_are_found_whatever_surrounds_them() {
        let names = names("app", "https://a.example");
        let n = names.session();
        let headers = header(&[&format!("a=1;{n}=x ; b; ={n}"), &format!("{n}=y=; c{n}=z")]);
        assert_eq!(
            names.find(&headers, n).collect::<Vec<_>>(),
            [&b"x"[..], b"y="]
        );
    }

    #[test]
    fn ours_are_taken_out_and_others_stay() {
        let names = names("app", "https://a.example");
        let (session, login) = (names.session(), names.transaction(&State::new("s")));
        let mut headers = header(&[
            &format!("a=1; {session}=x; b=2"),
            &format!("{login}=y; c=\"3\""),
        ]);
        strip(&names, &mut headers);
        assert_eq!(
            headers.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1; b=2; c=\"3\""]
        );
        let mut headers = header(&[&format!("{session}=x")]);
        strip(&names, &mut headers);
        assert!(headers.is_empty());
        // Others trim names, so a space must not carry ours past the gate.
        let mut headers = header(&[&format!("a=1; {session} =x")]);
        strip(&names, &mut headers);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1"]);
        let mut headers = header(&["a=1", "b=2"]);
        strip(&names, &mut headers);
        assert_eq!(
            headers.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1", "b=2"]
        );
    }
}
