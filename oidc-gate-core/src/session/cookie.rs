//! Cookies: their names, how they are written, how they are found among others.

use crate::{secret::State, url::BaseUrl};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use std::{fmt, time::Duration};

/// The names of one gate's cookies.
///
/// They are derived from the client id and the base URL, so that several gates on one host leave each other's cookies
/// alone. Over https they begin with `__Host-`: the browser takes them from this very host only, over https only
/// ([RFC 6265bis § 4.1.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3)). On a
/// loopback host without https, browsers refuse that prefix, and the names do without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieNames {
    session: Box<str>,
    transaction_prefix: Box<str>,
    secure: bool,
}

impl CookieNames {
    /// The most bytes of a cookie's name and value that every browser keeps
    /// ([RFC 6265 § 6.1](https://www.rfc-editor.org/rfc/rfc6265#section-6.1)), with room for the attributes.
    pub const MAX_PAIR_BYTES: usize = 3990;

    /// The names of the gate of this client at this address.
    pub fn derive(client_id: &str, base: &BaseUrl) -> Self {
        let prefix = if base.is_secure() { "__Host-" } else { "" };
        // A length is put before the id, so that no two gates can be written as one.
        let seed = format!(
            "{} {client_id} {}{}",
            client_id.len(),
            base.origin(),
            base.path()
        );
        let tag = short_hash(seed.as_bytes());
        Self {
            session: format!("{prefix}gate-{tag}").into(),
            transaction_prefix: format!("{prefix}gate-{tag}-login-").into(),
            secure: base.is_secure(),
        }
    }

    /// The session cookie.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The cookie of the login that `state` belongs to. The name tells nothing of the state.
    pub fn transaction(&self, state: &State) -> String {
        format!(
            "{}{}",
            self.transaction_prefix,
            short_hash(state.expose().as_bytes())
        )
    }

    /// Whether a cookie of that name is this gate's.
    pub fn is_ours(&self, name: &str) -> bool {
        self.owns(name.as_bytes())
    }

    fn owns(&self, name: &[u8]) -> bool {
        // The session's pieces and the logins have its name and a dash before what is theirs alone.
        name.strip_prefix(self.session.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"-"))
    }

    /// Every cookie of that name that a request carries. There can be several: another host of the same domain may have
    /// set one of the same name, and a request does not say which is which. The value that opens is ours.
    pub fn find<'a>(&self, headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
        pairs(headers)
            .filter(move |(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The names of the logins that have begun in this browser, in the order of the header.
    pub fn transactions<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        pairs(headers)
            .filter(|(name, _)| name.starts_with(self.transaction_prefix.as_bytes()))
            .filter_map(|(name, _)| std::str::from_utf8(name).ok())
    }

    /// Takes this gate's cookies out of a request, so that no handler and no log behind the gate sees them. Allocates
    /// only when there are others to be kept.
    pub fn strip(&self, headers: &mut HeaderMap) {
        if !pairs(headers).any(|(name, _)| self.owns(name)) {
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

    /// The transaction cookie of that name with this value, kept for `max_age`.
    pub fn set_transaction(&self, name: String, value: String, max_age: Duration) -> SetCookie {
        self.set(name, value, max_age)
    }

    /// The removal of the cookie of that name.
    pub fn clear(&self, name: &str) -> SetCookie {
        self.set(name.to_owned(), String::new(), Duration::ZERO)
    }

    pub(super) fn set(&self, name: String, value: String, max_age: Duration) -> SetCookie {
        SetCookie {
            name,
            value,
            max_age,
            secure: self.secure,
        }
    }
}

/// Nine bytes of SHA-256, as twelve characters that may stand in a cookie's name.
fn short_hash(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..9).unwrap_or_default())
}

/// The name-value pairs of all `Cookie` headers ([RFC 6265 § 5.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.4)).
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(COOKIE)
        .iter()
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
        let (part, more) = match position(line, b';') {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        rest = more;
        Some(part)
    })
}

/// Where `byte` first stands. In strides that are compared as a whole, because a sealed value is long, and every request
/// is looked through for it.
fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    const STRIDE: usize = 64;
    let (strides, _) = bytes.as_chunks::<STRIDE>();
    let has_it = |stride: &[u8; STRIDE]| stride.iter().fold(false, |has, b| has | (*b == byte));
    let skipped = STRIDE * strides.iter().take_while(|stride| !has_it(stride)).count();
    let within = bytes.get(skipped..)?.iter().position(|b| *b == byte)?;
    Some(skipped + within)
}

/// A `Set-Cookie` to be sent.
///
/// Always `HttpOnly`, `SameSite=Lax` and `Path=/`; `Secure` wherever the base URL is https; never with a `Domain`.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: String,
    max_age: Duration,
    secure: bool,
}

impl SetCookie {
    /// The cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it removes the cookie.
    pub fn is_removal(&self) -> bool {
        self.max_age.is_zero()
    }

    /// The header's value, marked as sensitive.
    pub fn to_header(&self) -> HeaderValue {
        let Self {
            name,
            value,
            max_age,
            secure,
        } = self;
        let secure = if *secure { "; Secure" } else { "" };
        let line = format!(
            "{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            max_age.as_secs()
        );
        // Name and value are base64 and our own words; an empty header would set nothing.
        let mut header = HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    /// The `name=value` half, as a browser sends it back.
    pub fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookie({}=***, {:?})", self.name, self.max_age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(client: &str, base: &str) -> CookieNames {
        CookieNames::derive(client, &BaseUrl::parse(base).unwrap())
    }

    fn header(lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (COOKIE, HeaderValue::from_str(line).unwrap()))
            .collect()
    }

    #[test]
    fn gates_of_other_clients_and_addresses_have_other_names() {
        let all = [
            names("app", "https://a.example"),
            names("app2", "https://a.example"),
            names("app", "https://a.example/tools"),
            names("app", "https://b.example"),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(one.session().starts_with("__Host-gate-"));
            assert!(
                all[i + 1..]
                    .iter()
                    .all(|other| other != one && !other.is_ours(one.session()))
            );
        }
    }

    #[test]
    fn without_https_there_is_no_prefix_and_no_secure() {
        let names = names("app", "http://localhost:3000");
        assert!(names.session().starts_with("gate-"));
        let set = names
            .set_session("v", Duration::from_secs(60), &HeaderMap::new())
            .unwrap()[0]
            .to_header();
        assert!(set.is_sensitive());
        assert_eq!(
            set.to_str().unwrap(),
            format!(
                "{}=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
                names.session()
            )
        );
    }

    #[test]
    fn every_attribute_is_explicit() {
        let names = names("app", "https://a.example");
        let name = names.session();
        assert_eq!(
            names
                .set_session("v", Duration::from_secs(60), &HeaderMap::new())
                .unwrap()[0]
                .to_header()
                .to_str()
                .unwrap(),
            format!("{name}=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure")
        );
        assert_eq!(
            names.clear(name).to_header().to_str().unwrap(),
            format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure")
        );
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

    #[test]
    fn ours_are_taken_out_and_others_stay() {
        let names = names("app", "https://a.example");
        let (session, login) = (names.session(), names.transaction(&State::new("s")));
        let mut headers = header(&[
            &format!("a=1; {session}=x; b=2"),
            &format!("{login}=y; c=\"3\""),
        ]);
        names.strip(&mut headers);
        assert_eq!(
            headers.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1; b=2; c=\"3\""]
        );
        let mut headers = header(&[&format!("{session}=x")]);
        names.strip(&mut headers);
        assert!(headers.is_empty());
        // Others trim names, so a space must not carry ours past the gate.
        let mut headers = header(&[&format!("a=1; {session} =x")]);
        names.strip(&mut headers);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1"]);
        let mut headers = header(&["a=1", "b=2"]);
        names.strip(&mut headers);
        assert_eq!(
            headers.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1", "b=2"]
        );
    }
}
