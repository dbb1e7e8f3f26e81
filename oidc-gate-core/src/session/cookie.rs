//! The names of a gate's cookies, and how they are written.

mod carried;

pub use carried::{Carried, GateCookies, Other};

use super::{
    CookieDomain, Lifetimes, SetCookie,
    draft::Envelope,
    set_cookie::{Attributes, Site},
};
use crate::{secret::State, url::BaseUrl};
use aws_lc_rs::digest::{SHA256, digest};
use base64_simd::URL_SAFE_NO_PAD;
use std::time::Duration;

/// The names of one gate's cookies, and how they are written.
///
/// They are derived from the client id and the base URL, so that several gates on one host leave each other's cookies
/// alone. Over https they begin with `__Host-`: the browser takes them from this very host only, over https only
/// ([RFC 6265bis § 4.1.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3)). On a
/// loopback host without https, browsers refuse that prefix, and the names do without it. A session that is
/// [shared](Self::shared) over a domain cannot have it either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieNames {
    session: Box<str>,
    tokens: Box<str>,
    session_site: Site,
    session_lifetime: CookieLifetime,
    domain: Option<CookieDomain>,
    /// What all names but the session's begin with.
    others: Box<str>,
    transaction_prefix: Box<str>,
    transaction_site: Site,
    landed: Box<str>,
    leaving: Box<str>,
    secure: bool,
}

/// Whether a session is sent when another site leads a user here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a session that other sites' forms and frames carry along is no choice"
)]
pub enum SameSite {
    /// It is, on a navigation with a safe method: whoever follows a link arrives signed in.
    #[default]
    Lax,
    /// It is not. The gate answers such a navigation with a page that leads the browser there once more.
    Strict,
}

/// How long a browser keeps a session. How long it lives is said by [`Lifetimes`] alone, and enforced here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a cookie says how long it is kept, or nothing of it"
)]
pub enum CookieLifetime {
    /// For as long as it can live, also when the browser is closed in between.
    #[default]
    Persistent,
    /// Until the browser is closed: its cookie has no `Max-Age`
    /// ([RFC 6265 § 5.3](https://www.rfc-editor.org/rfc/rfc6265#section-5.3)). A browser that restores its windows restores
    /// such cookies too, and on a telephone it is hardly ever closed: where somebody must not find a session that is left
    /// behind, a short idle limit sees to it.
    BrowserSession,
}

impl CookieNames {
    /// The most bytes of a cookie's name and value, so that two of them fit into a header line of 8 KB.
    pub const MAX_PAIR_BYTES: usize = 3990;

    /// The most bytes of a `Set-Cookie` value that every browser keeps, attributes included
    /// ([RFC 6265 § 6.1](https://www.rfc-editor.org/rfc/rfc6265#section-6.1)).
    pub const MAX_LINE_BYTES: usize = 4096;

    /// The names of the gate of this client at this address.
    pub fn derive(client_id: &str, base: &BaseUrl) -> Self {
        let prefix = if base.is_secure() { "__Host-" } else { "" };
        let tag = tag(client_id, &format!("{}{}", base.origin(), base.path()));
        Self {
            session: format!("{prefix}gate-{tag}").into(),
            tokens: format!("{prefix}gate-{tag}-t").into(),
            session_site: Site::Lax,
            session_lifetime: CookieLifetime::default(),
            domain: None,
            others: format!("{prefix}gate-{tag}-").into(),
            transaction_prefix: format!("{prefix}gate-{tag}-login-").into(),
            transaction_site: Site::Lax,
            landed: format!("{prefix}gate-{tag}-landed").into(),
            leaving: format!("{prefix}gate-{tag}-leaving").into(),
            secure: base.is_secure(),
        }
    }

    /// The same, with sessions kept so from other sites.
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        let session_site = match same_site {
            SameSite::Lax => Site::Lax,
            SameSite::Strict => Site::Strict,
        };
        Self {
            session_site,
            ..self
        }
    }

    /// The same, with sessions that a browser keeps so long. What it keeps of logins is for minutes in either case.
    #[must_use]
    pub fn lifetime(self, session_lifetime: CookieLifetime) -> Self {
        Self {
            session_lifetime,
            ..self
        }
    }

    /// The same, for logins that come back by a form of the provider's: a browser sends it with `SameSite=None` cookies
    /// alone, and keeps such a cookie only if it is `Secure`, from a loopback host without https too.
    #[must_use]
    pub fn logins_are_posted(self) -> Self {
        Self {
            transaction_site: Site::None,
            ..self
        }
    }

    /// The same, with a session that all hosts of `domain` share. Its name is derived from the client id and the domain,
    /// so that the gates of one client with the same keys understand each other. Logins stay with their host.
    #[must_use]
    pub fn shared(self, client_id: &str, domain: CookieDomain) -> Self {
        let tag = tag(client_id, &format!("domain {}", domain.as_str()));
        Self {
            session: format!("__Secure-gate-{tag}").into(),
            tokens: format!("__Secure-gate-{tag}-t").into(),
            domain: Some(domain),
            ..self
        }
    }

    /// Whether a session is kept from navigations that another site leads here.
    pub fn is_strict(&self) -> bool {
        self.session_site == Site::Strict
    }

    /// The session cookie.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The cookie of a session's tokens.
    pub fn tokens_name(&self) -> &str {
        &self.tokens
    }

    /// The cookie of the login that `state` belongs to. The name tells nothing of the state.
    pub fn transaction(&self, state: &State) -> String {
        self.transaction_of(digest(&SHA256, state.expose().as_bytes()).as_ref())
    }

    /// The same of a state whose SHA-256 this is.
    pub(crate) fn transaction_of(&self, hash: &[u8]) -> String {
        let prefix = &*self.transaction_prefix;
        let mut name = String::with_capacity(prefix.len() + SHORT_CHARS);
        name.push_str(prefix);
        append_short(hash, &mut name);
        name
    }

    /// The cookie that says when logins ended well.
    pub fn landed(&self) -> &str {
        &self.landed
    }

    /// The cookie of a sign-out that has gone to the provider. There is one at a time.
    pub fn leaving(&self) -> &str {
        &self.leaving
    }

    /// The cookie of a login of that name, with the value that was sealed, kept for `max_age`.
    pub(crate) fn set_transaction(
        &self,
        name: &str,
        sealed: &Envelope,
        max_age: Duration,
    ) -> SetCookie {
        let attributes = self.attributes(name, max_age);
        SetCookie::new(name, sealed.chars(), &attributes, |line| {
            sealed.append_to(line);
        })
    }

    /// The cookie of a sign-out that has gone to the provider, with this value, kept for `max_age`.
    pub(crate) fn set_leaving(&self, value: &str, max_age: Duration) -> SetCookie {
        self.set(&self.leaving, value, max_age)
    }

    /// The removal of the cookie of that name.
    pub fn clear(&self, name: &str) -> SetCookie {
        self.set(name, "", Duration::ZERO)
    }

    pub(super) fn set(&self, name: &str, value: &str, max_age: Duration) -> SetCookie {
        let attributes = self.attributes(name, max_age);
        SetCookie::new(name, value.len(), &attributes, |line| *line += value)
    }

    fn is_of_login(&self, name: &[u8]) -> bool {
        name.starts_with(self.transaction_prefix.as_bytes()) || name == self.landed.as_bytes()
    }

    fn attributes(&self, name: &str, max_age: Duration) -> Attributes<'_> {
        let (same_site, domain, lifetime) = if self.is_of_login(name.as_bytes()) {
            (self.transaction_site, None, CookieLifetime::Persistent)
        } else if name == &*self.leaving {
            // The provider sends the browser back by a navigation, and never by a form.
            (Site::Lax, None, CookieLifetime::Persistent)
        } else {
            let domain = self.domain.as_ref();
            (self.session_site, domain, self.session_lifetime)
        };
        let max_age = match lifetime {
            // A removal is one by its age.
            CookieLifetime::BrowserSession if !max_age.is_zero() => None,
            CookieLifetime::BrowserSession | CookieLifetime::Persistent => {
                Some(max_age.min(Lifetimes::MAX))
            }
        };
        Attributes {
            max_age,
            domain,
            same_site,
            secure: self.secure || same_site == Site::None,
        }
    }

    /// The most bytes of name and value of a session's cookie, with its attributes beside it.
    pub(super) fn room(&self) -> usize {
        let longest = self.attributes(&self.session, Lifetimes::MAX).bytes();
        let left = Self::MAX_LINE_BYTES.saturating_sub(longest);
        left.min(Self::MAX_PAIR_BYTES)
    }
}

/// What tells the cookies of one client at one place from all others. A length is put before the id, so that no two can be
/// written as one.
fn tag(client_id: &str, place: &str) -> String {
    short_hash(format!("{} {client_id} {place}", client_id.len()).as_bytes())
}

/// Nine bytes of SHA-256, as twelve characters that may stand in a cookie's name.
fn short_hash(bytes: &[u8]) -> String {
    short(digest(&SHA256, bytes).as_ref())
}

fn short(hash: &[u8]) -> String {
    let mut text = String::with_capacity(SHORT_CHARS);
    append_short(hash, &mut text);
    text
}

const SHORT_CHARS: usize = 12;

fn append_short(hash: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_append(hash.get(..9).unwrap_or_default(), text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, header::COOKIE};

    fn names(client: &str, base: &str) -> CookieNames {
        CookieNames::derive(client, &BaseUrl::parse(base).unwrap())
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
    fn what_ends_with_the_browser_says_no_age_but_for_its_removal_and_for_logins() {
        let names = names("app", "https://a.example").lifetime(CookieLifetime::BrowserSession);
        let large = "v".repeat(5000);
        let age = Duration::from_secs(60);
        let cookies = names.set_session(&large, age, &HeaderMap::new()).unwrap();
        assert_eq!(cookies.len(), 2);
        for cookie in &cookies {
            let line = cookie.to_header();
            let line = line.to_str().unwrap();
            assert!(
                line.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
                "{line}"
            );
            assert!(!cookie.is_removal());
        }
        let present: HeaderMap = cookies[..2]
            .iter()
            .map(|cookie| (COOKIE, cookie.pair().parse().unwrap()))
            .collect();
        let removed = names.clear_session(&present);
        assert_eq!(removed.len(), 2);
        let others = [
            names.set(&names.transaction(&State::new("s")), "v", age),
            names.set(names.landed(), "v", age),
        ];
        for (cookies, age) in [(&removed[..], "; Max-Age=0;"), (&others, "; Max-Age=60;")] {
            for cookie in cookies {
                assert!(
                    cookie.to_header().to_str().unwrap().contains(age),
                    "{cookie:?}"
                );
            }
        }
        assert!(removed.iter().all(SetCookie::is_removal));
        // However long it lives: one that is over is removed.
        let over = names
            .set_session("v", Duration::ZERO, &HeaderMap::new())
            .unwrap();
        assert!(over[0].is_removal());
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
    fn what_is_strict_posted_or_shared_says_so_and_a_host_prefix_never_stands_beside_a_domain() {
        let base = BaseUrl::parse("https://app.example.com").unwrap();
        let plain = CookieNames::derive("app", &base);
        let domain = CookieDomain::parse("example.com", &base).unwrap();
        let line = |names: &CookieNames, name: &str| {
            let text = names.clear(name).to_header().to_str().unwrap().to_owned();
            text.split_once("; Max-Age=0; HttpOnly; ")
                .unwrap()
                .1
                .to_owned()
        };
        let login = plain.transaction(&State::new("s"));
        for (names, session, of_login) in [
            (
                plain.clone(),
                "SameSite=Lax; Secure",
                "SameSite=Lax; Secure",
            ),
            (
                plain.clone().same_site(SameSite::Strict),
                "SameSite=Strict; Secure",
                "SameSite=Lax; Secure",
            ),
            (
                plain.clone().logins_are_posted(),
                "SameSite=Lax; Secure",
                "SameSite=None; Secure",
            ),
            (
                plain.clone().shared("app", domain.clone()),
                "SameSite=Lax; Secure; Domain=example.com",
                "SameSite=Lax; Secure",
            ),
        ] {
            assert_eq!(line(&names, names.session()), session);
            assert_eq!(line(&names, &names.chunk(1)), session);
            assert_eq!(line(&names, &login), of_login);
            assert_eq!(line(&names, names.landed()), of_login);
            for name in [names.session(), &names.chunk(1), &login, names.landed()] {
                assert!(names.is_ours(name), "{name}");
                let header = names.clear(name).to_header();
                let has_domain = header.to_str().unwrap().contains("Domain=");
                assert_eq!(has_domain, name.starts_with("__Secure-"), "{name}");
            }
        }
        let http = BaseUrl::parse("http://localhost:3000").unwrap();
        let names = CookieNames::derive("app", &http).logins_are_posted();
        assert_eq!(line(&names, names.session()), "SameSite=Lax");
        assert_eq!(line(&names, names.landed()), "SameSite=None; Secure");
    }

    #[test]
    fn siblings_of_one_client_share_the_name_of_their_session_and_nothing_else() {
        let shared = |client: &str, base: &str, domain: &str| {
            let base = BaseUrl::parse(base).unwrap();
            let domain = CookieDomain::parse(domain, &base).unwrap();
            CookieNames::derive(client, &base).shared(client, domain)
        };
        let one = shared("app", "https://one.example.com", "example.com");
        let two = shared("app", "https://two.example.com/at", "example.com");
        assert_eq!(one.session(), two.session());
        assert!(one.session().starts_with("__Secure-gate-"));
        assert_ne!(one.landed(), two.landed());
        let state = State::new("s");
        assert_ne!(one.transaction(&state), two.transaction(&state));
        assert!(!one.is_ours(&two.transaction(&state)));
        for other in [
            shared("app2", "https://one.example.com", "example.com"),
            shared("app", "https://one.example.com", "one.example.com"),
        ] {
            assert_ne!(one.session(), other.session());
        }
    }

    #[test]
    fn every_line_fits_and_lives_no_longer_than_browsers_keep_it() {
        let label = "a".repeat(63);
        let domain = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        let base = BaseUrl::parse(&format!("https://{domain}")).unwrap();
        let plain = CookieNames::derive("app", &base).same_site(SameSite::Strict);
        let shared = CookieDomain::parse(&domain, &base).unwrap();
        for names in [plain.clone(), plain.shared("app", shared)] {
            for length in (1..7900).step_by(7).chain([7300, 7301, 7302]) {
                let sealed = "a".repeat(length);
                let age = Duration::from_secs(u64::MAX);
                let Ok(cookies) = names.set_session(&sealed, age, &HeaderMap::new()) else {
                    assert!(length > 7300);
                    continue;
                };
                for cookie in cookies {
                    let header = cookie.to_header();
                    let line = header.to_str().unwrap();
                    assert!(line.len() <= CookieNames::MAX_LINE_BYTES, "{length}");
                    assert!(line.contains("; Max-Age=34560000; "), "{line}");
                }
            }
        }
    }
}
