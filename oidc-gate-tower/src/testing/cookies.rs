//! A browser's cookies, by the rules of
//! [RFC 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis).

use crate::core::time::UnixTime;
use std::time::Duration;
use url::{Host, Url};

/// A cookie as a browser keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The host it belongs to.
    pub domain: String,
    /// Whether it belongs to that host alone, not to those below it.
    pub host_only: bool,
    /// The path below which it is sent.
    pub path: String,
    /// Whether it is kept off plain connections.
    pub secure: bool,
    /// Whether scripts cannot read it.
    pub http_only: bool,
    /// Whether it is sent on requests that another site caused.
    pub same_site: SameSite,
    /// When it ends. `None`: with the browser.
    pub expires: Option<UnixTime>,
}

/// The `SameSite` attribute; a cookie without one is [`Lax`](Self::Lax).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these three")]
pub enum SameSite {
    /// Only on requests of the same site.
    Strict,
    /// Also when another site leads the user here with a safe method.
    Lax,
    /// Always.
    None,
}

/// Who caused a request, as far as cookies care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The user, or a page of the same site, without a detour over another.
    SameSite,
    /// Another site, by a navigation with a safe method.
    CrossSiteSafe,
    /// Another site otherwise.
    CrossSite,
}

/// All cookies of a browser.
#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

impl Jar {
    /// Takes in one `Set-Cookie` line of an answer from `url`, or does not, as a browser would.
    pub(super) fn receive(&mut self, line: &str, url: &Url, now: UnixTime) {
        let Some(cookie) = parse(line, url, now) else {
            return;
        };
        // "Leave secure cookies alone": a plain connection cannot replace one.
        if !is_trustworthy(url)
            && self
                .0
                .iter()
                .any(|old| old.secure && old.name == cookie.name && old.domain == cookie.domain)
        {
            return;
        }
        let same = |old: &Cookie| {
            (&old.name, &old.domain, &old.path, old.host_only)
                == (&cookie.name, &cookie.domain, &cookie.path, cookie.host_only)
        };
        let ended = cookie.expires.is_some_and(|end| end <= now);
        match self.0.iter().position(same) {
            // It keeps its place: the order of creation.
            Some(at) if !ended => self.0[at] = cookie,
            Some(at) => drop(self.0.remove(at)),
            None if !ended => self.0.push(cookie),
            None => {}
        }
    }

    /// The cookies for a request, in the order in which they are sent: longer paths first, then older ones.
    pub(super) fn matching(&self, url: &Url, cause: Option<Cause>, now: UnixTime) -> Vec<&Cookie> {
        let host = url.host_str().unwrap_or_default();
        let mut found: Vec<&Cookie> = self
            .0
            .iter()
            .filter(|c| {
                let domain = if c.host_only {
                    host == c.domain
                } else {
                    domain_matches(url, &c.domain)
                };
                let site = match cause {
                    None | Some(Cause::SameSite) => true,
                    Some(Cause::CrossSiteSafe) => c.same_site != SameSite::Strict,
                    Some(Cause::CrossSite) => c.same_site == SameSite::None,
                };
                domain
                    && site
                    && path_matches(url.path(), &c.path)
                    && (!c.secure || is_trustworthy(url))
                    && c.expires.is_none_or(|end| now < end)
            })
            .collect();
        found.sort_by_key(|c| std::cmp::Reverse(c.path.len()));
        found
    }

    pub(super) fn of_host(&self, url: &Url, now: UnixTime) -> Vec<Cookie> {
        self.0
            .iter()
            .filter(|c| domain_matches(url, &c.domain) && c.expires.is_none_or(|end| now < end))
            .cloned()
            .collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The most bytes of name and value together.
const MAX_PAIR_BYTES: usize = 4096;
/// The most bytes of one attribute's value.
const MAX_ATTRIBUTE_BYTES: usize = 1024;
/// The longest a cookie may live.
const MAX_LIFE: Duration = Duration::from_secs(400 * 24 * 3600);

fn parse(line: &str, url: &Url, now: UnixTime) -> Option<Cookie> {
    if line.contains(|c: char| c.is_control() && c != '\t') {
        return None;
    }
    let mut parts = line.split(';');
    let pair = parts.next()?;
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let (name, value) = (name.trim(), value.trim());
    if (name.is_empty() && value.is_empty()) || name.len() + value.len() > MAX_PAIR_BYTES {
        return None;
    }

    let (mut secure, mut http_only, mut same_site) = (false, false, None);
    let (mut domain, mut path) = (None, None);
    let (mut max_age, mut expires) = (None, None);
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim();
        if value.len() > MAX_ATTRIBUTE_BYTES {
            continue;
        }
        match key.trim().to_ascii_lowercase().as_str() {
            "secure" => secure = true,
            "httponly" => http_only = true,
            "samesite" => {
                same_site = match value.to_ascii_lowercase().as_str() {
                    "strict" => Some(SameSite::Strict),
                    "lax" => Some(SameSite::Lax),
                    "none" => Some(SameSite::None),
                    _ => None,
                }
            }
            "domain" => {
                domain = Some(
                    value
                        .strip_prefix('.')
                        .unwrap_or(value)
                        .to_ascii_lowercase(),
                )
            }
            "path" => path = value.starts_with('/').then(|| value.to_owned()),
            "max-age" => max_age = read_max_age(value, now).or(max_age),
            "expires" => expires = read_date(value).or(expires),
            _ => {}
        }
    }

    let host = url.host_str()?.to_owned();
    let named_domain = domain.as_deref().is_some_and(|d| !d.is_empty());
    let (domain, host_only) = match domain.filter(|d| !d.is_empty()) {
        None => (host, true),
        // A name without a dot is a public suffix, and an address has nothing below it.
        Some(d)
            if d == host && (!d.contains('.') || !matches!(url.host(), Some(Host::Domain(_)))) =>
        {
            (host, true)
        }
        Some(d) if d.contains('.') && domain_matches(url, &d) => (d, false),
        Some(_) => return None,
    };
    let named_path = path.clone();
    let path = path.unwrap_or_else(|| default_path(url.path()));

    if secure && !is_trustworthy(url) {
        return None;
    }
    if same_site == Some(SameSite::None) && !secure {
        return None;
    }
    let lower = if name.is_empty() { value } else { name }.to_ascii_lowercase();
    let has = |prefix: &str| lower.starts_with(prefix);
    if (has("__secure-") || has("__host-")) && (name.is_empty() || !secure) {
        return None;
    }
    if has("__host-") && (named_domain || named_path.as_deref() != Some("/")) {
        return None;
    }
    Some(Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        domain,
        host_only,
        path,
        secure,
        http_only,
        same_site: same_site.unwrap_or(SameSite::Lax),
        expires: max_age.or(expires).map(|end| end.min(now + MAX_LIFE)),
    })
}

/// `Max-Age` counts before `Expires`, and nothing or less ends the cookie at once.
fn read_max_age(text: &str, now: UnixTime) -> Option<UnixTime> {
    match text.strip_prefix('-') {
        Some(digits) => is_digits(digits).then_some(UnixTime::from_secs(0)),
        None if !is_digits(text) => None,
        None => match text.parse() {
            Ok(0) => Some(UnixTime::from_secs(0)),
            Ok(secs) => Some(now + Duration::from_secs(secs)),
            Err(_) => Some(now + MAX_LIFE),
        },
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A cookie date ([RFC 6265 § 5.1.1](https://www.rfc-editor.org/rfc/rfc6265#section-5.1.1)): day, month, year and time
/// in any order.
fn read_date(text: &str) -> Option<UnixTime> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':') {
        let numbers: Option<Vec<u64>> = token.split(':').map(|part| part.parse().ok()).collect();
        match numbers.as_deref() {
            Some([h, m, s]) if time.is_none() => time = Some((*h, *m, *s)),
            Some([n]) if day.is_none() && token.len() <= 2 => day = Some(*n),
            Some([n]) if year.is_none() => {
                year = Some(match n {
                    0..70 => n + 2000,
                    70..100 => n + 1900,
                    _ => *n,
                })
            }
            None if month.is_none() && token.len() >= 3 => {
                let word = token.get(..3)?.to_ascii_lowercase();
                month = MONTHS
                    .find(&word)
                    .filter(|at| at % 3 == 0)
                    .map(|at| at as u64 / 3 + 1);
            }
            _ => {}
        }
    }
    let ((h, m, s), day, month, year) = (time?, day?, month?, year?);
    if h > 23 || m > 59 || s > 59 || !(1..=31).contains(&day) || !(1601..10_000).contains(&year) {
        return None;
    }
    // Days since 1970-01-01, counting years from March so that leap days come last.
    let (y, shifted) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1;
    let since_epoch = days.saturating_sub(719_468);
    Some(UnixTime::from_secs(
        since_epoch * 86_400 + h * 3600 + m * 60 + s,
    ))
}

/// Whether a browser trusts the connection: https, or this machine
/// ([Secure Contexts § 3.1](https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy)).
pub(super) fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
}

/// What counts as one site: the scheme, and the last two labels of the host. There is no list of public suffixes here,
/// so `a.co.uk` and `b.co.uk` are one site; no test should depend on that.
pub(super) fn site(url: &Url) -> (String, String) {
    let host = url.host_str().unwrap_or_default();
    let site = match url.host() {
        Some(Host::Domain(name)) => {
            let start = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
            name.get(start..).unwrap_or(name)
        }
        _ => host,
    };
    (url.scheme().to_owned(), site.to_owned())
}

fn domain_matches(url: &Url, domain: &str) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        _ => url.host_str() == Some(domain),
    }
}

fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(0) | None => "/".to_owned(),
        Some(at) => path.get(..at).unwrap_or("/").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(from: &str, lines: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for line in lines {
            jar.receive(line, &url(from), NOW);
        }
        jar
    }

    fn sent(jar: &Jar, to: &str, cause: Cause) -> String {
        let pairs = jar.matching(&url(to), Some(cause), NOW);
        let pairs: Vec<_> = pairs
            .iter()
            .map(|c| format!("{}={}", c.name, c.value))
            .collect();
        pairs.join("; ")
    }

    #[test]
    fn what_is_stored_and_where_it_is_sent() {
        const APP: &str = "https://app.test/a/b";
        for (why, from, line, to, expected) in [
            ("plain", APP, "x=1", "https://app.test/a/c", true),
            (
                "the default path is the directory",
                APP,
                "x=1",
                "https://app.test/",
                false,
            ),
            (
                "a path covers what is below",
                APP,
                "x=1; Path=/a",
                "https://app.test/a/z",
                true,
            ),
            (
                "a path is whole segments",
                APP,
                "x=1; Path=/a",
                "https://app.test/ab",
                false,
            ),
            (
                "ports do not matter",
                APP,
                "x=1; Path=/",
                "https://app.test:8443/",
                true,
            ),
            (
                "host only",
                APP,
                "x=1; Path=/",
                "https://sub.app.test/",
                false,
            ),
            (
                "a domain covers hosts below",
                APP,
                "x=1; Path=/; Domain=app.test",
                "https://sub.app.test/",
                true,
            ),
            (
                "a leading dot means nothing",
                APP,
                "x=1; Path=/; Domain=.app.test",
                "https://sub.app.test/",
                true,
            ),
            (
                "not for a sibling",
                APP,
                "x=1; Path=/; Domain=other.test",
                "https://other.test/",
                false,
            ),
            (
                "not for a suffix of the name",
                APP,
                "x=1; Path=/; Domain=pp.test",
                "https://pp.test/",
                false,
            ),
            (
                "not for a public suffix",
                APP,
                "x=1; Path=/; Domain=test",
                "https://other.test/",
                false,
            ),
            (
                "secure stays off plain connections",
                APP,
                "x=1; Path=/; Secure",
                "http://app.test/",
                false,
            ),
            (
                "secure is not taken from them",
                "http://app.test/",
                "x=1; Path=/; Secure",
                "https://app.test/",
                false,
            ),
            (
                "but localhost is trusted",
                "http://localhost:3000/",
                "x=1; Path=/; Secure",
                "http://localhost:3000/",
                true,
            ),
            (
                "SameSite=None needs Secure",
                APP,
                "x=1; Path=/; SameSite=None",
                APP,
                false,
            ),
            (
                "__Host- in order",
                APP,
                "__Host-x=1; Path=/; Secure",
                APP,
                true,
            ),
            (
                "__Host- without Secure",
                APP,
                "__Host-x=1; Path=/",
                APP,
                false,
            ),
            (
                "__Host- with a domain",
                APP,
                "__Host-x=1; Path=/; Secure; Domain=app.test",
                APP,
                false,
            ),
            (
                "__Host- with another path",
                APP,
                "__Host-x=1; Path=/a; Secure",
                APP,
                false,
            ),
            (
                "__Host- without a path",
                "https://app.test/",
                "__Host-x=1; Secure",
                APP,
                false,
            ),
            (
                "prefixes in any case",
                APP,
                "__hOST-x=1; Path=/",
                APP,
                false,
            ),
            (
                "a prefix hidden in a nameless cookie",
                APP,
                "=__Host-x=1; Path=/; Secure",
                APP,
                false,
            ),
            (
                "__Secure- in order",
                APP,
                "__Secure-x=1; Path=/; Secure; Domain=app.test",
                APP,
                true,
            ),
            (
                "__Secure- without Secure",
                APP,
                "__Secure-x=1; Path=/",
                APP,
                false,
            ),
            (
                "ended by Max-Age",
                APP,
                "x=1; Path=/; Max-Age=0",
                APP,
                false,
            ),
            (
                "ended by a negative Max-Age",
                APP,
                "x=1; Path=/; Max-Age=-1",
                APP,
                false,
            ),
            (
                "ended by Expires",
                APP,
                "x=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                APP,
                false,
            ),
            (
                "Max-Age goes before Expires",
                APP,
                "x=1; Path=/; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                APP,
                true,
            ),
            (
                "a date ahead",
                APP,
                "x=1; Path=/; Expires=Tue, 14-Nov-2023 22:13:21 GMT",
                APP,
                true,
            ),
            (
                "a date just now",
                APP,
                "x=1; Path=/; Expires=Tue, 14-Nov-2023 22:13:20 GMT",
                APP,
                false,
            ),
            ("control characters", APP, "x=1\u{1}; Path=/", APP, false),
        ] {
            let jar = jar(from, &[line]);
            assert_eq!(
                !sent(&jar, to, Cause::SameSite).is_empty(),
                expected,
                "{why}: {line}"
            );
        }
    }

    #[test]
    fn same_site_decides_by_who_caused_the_request() {
        let app = "https://app.test/";
        let jar = jar(
            app,
            &[
                "s=1; SameSite=Strict",
                "l=1; SameSite=Lax",
                "d=1",
                "n=1; SameSite=None; Secure",
            ],
        );
        assert_eq!(sent(&jar, app, Cause::SameSite), "s=1; l=1; d=1; n=1");
        assert_eq!(sent(&jar, app, Cause::CrossSiteSafe), "l=1; d=1; n=1");
        assert_eq!(sent(&jar, app, Cause::CrossSite), "n=1");
    }

    #[test]
    fn a_pair_may_have_4096_bytes() {
        let app = "https://app.test/";
        for (bytes, kept) in [(4095, true), (4096, false)] {
            let line = format!("x={}", "v".repeat(bytes));
            assert_eq!(
                !sent(&jar(app, &[&line]), app, Cause::SameSite).is_empty(),
                kept,
                "{bytes}"
            );
        }
    }

    #[test]
    fn a_cookie_is_replaced_deleted_and_sent_in_order() {
        let app = "https://app.test/a/";
        let jar1 = jar(app, &["x=1; Path=/", "y=1; Path=/a", "x=2; Path=/"]);
        assert_eq!(sent(&jar1, app, Cause::SameSite), "y=1; x=2");
        let jar2 = jar(
            app,
            &["x=1; Path=/", "y=1; Path=/", "x=; Path=/; Max-Age=0"],
        );
        assert_eq!(sent(&jar2, app, Cause::SameSite), "y=1");
    }

    #[test]
    fn a_plain_connection_does_not_replace_a_secure_cookie() {
        let mut jar = jar("https://app.test/", &["x=1; Path=/; Secure"]);
        jar.receive("x=evil; Path=/", &url("http://app.test/"), NOW);
        assert_eq!(sent(&jar, "https://app.test/", Cause::SameSite), "x=1");
    }

    #[test]
    fn a_cookie_ends_when_its_time_has_come() {
        let jar = jar("https://app.test/", &["x=1; Max-Age=60"]);
        let url = url("https://app.test/");
        assert_eq!(
            jar.matching(&url, None, NOW + Duration::from_secs(59))
                .len(),
            1
        );
        assert_eq!(
            jar.matching(&url, None, NOW + Duration::from_secs(60))
                .len(),
            0
        );
    }

    #[test]
    fn dates_are_read_in_every_usual_form() {
        for (text, secs) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("Thu, 32 Jan 1970 00:00:00 GMT", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(read_date(text).map(UnixTime::as_secs), secs, "{text}");
        }
    }
}
