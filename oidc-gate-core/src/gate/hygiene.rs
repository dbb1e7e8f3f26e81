//! Headers that an inner service would take for the gate's word.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that no request may bring along, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stripped {
    /// The name in lower case with `-`, or how names begin if it ends with `*`.
    pub name: &'static str,
    /// What would go wrong if it came through.
    pub why: &'static str,
}

const fn stripped(name: &'static str, why: &'static str) -> Stripped {
    Stripped { name, why }
}

const PROXY: &str = "an authenticating proxy names the caller in it";
const SERVER: &str = "a web server that has authenticated the caller names it so";
const FRAMEWORK: &str = "applications behind a gateway read the caller from it";
const CLOUD: &str = "a load balancer or identity-aware proxy names the caller in it";
const METHOD: &str = "it replaces the method after the rules have looked at it";
const PATH: &str = "it replaces the path after the rules have looked at it";

/// Every header that [`strip_identity_headers`] removes. `Authorization` is not among them: applications have uses of
/// their own for it.
pub const STRIPPED: &[Stripped] = &[
    stripped("x-forwarded-user", PROXY),
    stripped("x-forwarded-email", PROXY),
    stripped("x-forwarded-groups", PROXY),
    stripped("x-forwarded-preferred-username", PROXY),
    stripped("x-forwarded-access-token", PROXY),
    stripped("x-auth-request-*", PROXY),
    stripped("x-forwarded-name", PROXY),
    stripped("x-forwarded-uri", PATH),
    stripped("gap-auth", PROXY),
    stripped("oidc-claim-*", SERVER),
    stripped("oidc-access-token", SERVER),
    stripped("x-pomerium-claim-*", PROXY),
    stripped("x-vouch-*", PROXY),
    stripped("x-token-user-*", PROXY),
    stripped("x-token-subject", PROXY),
    stripped("tailscale-user-*", PROXY),
    stripped("impersonate-*", FRAMEWORK),
    stripped("x-consumer-*", PROXY),
    stripped("x-credential-*", PROXY),
    stripped("ssl-client-*", SERVER),
    stripped("x-ssl-client-*", SERVER),
    stripped("remote-user", SERVER),
    stripped("remote-email", SERVER),
    stripped("remote-groups", SERVER),
    stripped("remote-name", SERVER),
    stripped("x-remote-*", SERVER),
    stripped("x-webauth-*", SERVER),
    stripped("x-authenticated-*", FRAMEWORK),
    stripped("x-auth-user", FRAMEWORK),
    stripped("x-auth-userid", FRAMEWORK),
    stripped("x-auth-username", FRAMEWORK),
    stripped("x-auth-email", FRAMEWORK),
    stripped("x-auth-name", FRAMEWORK),
    stripped("x-auth-groups", FRAMEWORK),
    stripped("x-auth-roles", FRAMEWORK),
    stripped("x-auth-subject", FRAMEWORK),
    stripped("x-user", FRAMEWORK),
    stripped("x-user-id", FRAMEWORK),
    stripped("x-user-name", FRAMEWORK),
    stripped("x-user-email", FRAMEWORK),
    stripped("x-user-groups", FRAMEWORK),
    stripped("x-user-roles", FRAMEWORK),
    stripped("x-userid", FRAMEWORK),
    stripped("x-username", FRAMEWORK),
    stripped("x-email", FRAMEWORK),
    stripped("x-groups", FRAMEWORK),
    stripped("x-authentik-*", CLOUD),
    stripped("x-amzn-oidc-identity", CLOUD),
    stripped("x-goog-authenticated-user-*", CLOUD),
    stripped("x-ms-client-principal*", CLOUD),
    stripped("cf-access-authenticated-user-email", CLOUD),
    stripped("x-http-method", METHOD),
    stripped("x-http-method-override", METHOD),
    stripped("x-method-override", METHOD),
    stripped("x-original-url", PATH),
    stripped("x-original-uri", PATH),
    stripped("x-rewrite-url", PATH),
];

/// Removes every header in [`STRIPPED`], however its name is spelt: `-`, `_` and `.` are the same to many servers, and
/// so is the case. Done to every request, those on open and bypassed paths included, before anything inside sees it.
///
/// `Connection` is kept from naming such a header too: what stands there is removed by the next proxy, and with it what
/// an adapter adds ([RFC 9110 § 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).
///
/// Nothing is allocated where there is nothing to remove. Trailers come with the body: ask [`is_stripped`] there.
///
/// ```
/// use http::HeaderMap;
/// use oidc_gate_core::gate::strip_identity_headers;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x_forwarded-user", "root".parse().unwrap());
/// headers.insert("accept", "*/*".parse().unwrap());
/// strip_identity_headers(&mut headers);
/// assert_eq!(headers.len(), 1);
/// ```
pub fn strip_identity_headers(headers: &mut HeaderMap) {
    Stripping::default().strip(headers);
}

/// Whether a header or trailer of this name is removed.
pub fn is_stripped(name: &HeaderName) -> bool {
    is_stripped_name(name.as_str().as_bytes())
}

/// What a gate removes: the headers in [`STRIPPED`], and those that it writes itself. Nobody else may say them, however
/// they spell the name.
#[derive(Clone, Debug, Default)]
pub struct Stripping {
    /// As they are compared: in lower case, with `-`. `Authorization` is never among them.
    more: Box<[Box<str>]>,
    authorization: bool,
}

impl Stripping {
    /// These names beside those in [`STRIPPED`].
    ///
    /// `Authorization` waits until the gate has read it: [`strip`](Self::strip) leaves it in place and
    /// [`strip_credentials`](Self::strip_credentials) takes it away.
    pub fn and<'a>(names: impl IntoIterator<Item = &'a HeaderName>) -> Self {
        let (authorization, more): (Vec<_>, Vec<_>) = names
            .into_iter()
            .partition(|name| **name == header::AUTHORIZATION);
        Self {
            more: more.into_iter().map(folded).collect(),
            authorization: !authorization.is_empty(),
        }
    }

    /// Removes them as [`strip_identity_headers`] does.
    pub fn strip(&self, headers: &mut HeaderMap) {
        let (mut forged, mut nominates) = (false, false);
        for name in headers.keys() {
            forged |= self.is_early(name);
            nominates |= *name == header::CONNECTION;
        }
        if forged {
            let found = headers.keys().filter(|name| self.is_early(name));
            let names: Vec<HeaderName> = found.cloned().collect();
            for name in names {
                headers.remove(name);
            }
        }
        let nominated = |value: &HeaderValue| options(value).any(|name| self.covers_name(name));
        if nominates && headers.get_all(header::CONNECTION).iter().any(nominated) {
            self.clean_connection(headers);
        }
    }

    /// Removes `Authorization`, if the gate writes one of its own. After the gate has read it, before it writes.
    pub fn strip_credentials(&self, headers: &mut HeaderMap) {
        if self.authorization {
            headers.remove(header::AUTHORIZATION);
        }
    }

    /// Removes every one of them from what comes behind a body.
    pub fn strip_trailers(&self, trailers: &mut HeaderMap) {
        self.strip(trailers);
        self.strip_credentials(trailers);
    }

    /// Whether a header or trailer of this name is removed, sooner or later.
    pub fn covers(&self, name: &HeaderName) -> bool {
        self.covers_name(name.as_str().as_bytes())
    }

    fn covers_name(&self, name: &[u8]) -> bool {
        is_stripped_name(name)
            || self.is_one_more(name)
            || self.authorization && name.eq_ignore_ascii_case(b"authorization")
    }

    fn is_early(&self, name: &HeaderName) -> bool {
        is_stripped(name) || self.is_one_more(name.as_str().as_bytes())
    }

    fn is_one_more(&self, name: &[u8]) -> bool {
        self.more.iter().any(|wanted| same(name, wanted))
    }

    fn clean_connection(&self, headers: &mut HeaderMap) {
        let kept: Vec<Vec<u8>> = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(options)
            .filter(|option| !option.is_empty() && !self.covers_name(option))
            .map(<[u8]>::to_vec)
            .collect();
        headers.remove(header::CONNECTION);
        if let (false, Ok(value)) = (
            kept.is_empty(),
            HeaderValue::from_bytes(&kept.join(&b", "[..])),
        ) {
            headers.insert(header::CONNECTION, value);
        }
    }
}

/// A name as names are compared.
pub(super) fn folded(name: &HeaderName) -> Box<str> {
    name.as_str().replace(['_', '.'], "-").into()
}

fn is_stripped_name(name: &[u8]) -> bool {
    if !begins_like_one(name) {
        return false;
    }
    STRIPPED
        .iter()
        .any(|entry| match entry.name.strip_suffix('*') {
            Some(begin) => name
                .get(..begin.len())
                .is_some_and(|name| same(name, begin)),
            None => same(name, entry.name),
        })
}

/// Whether a name in [`STRIPPED`] begins with the same two characters. Most headers of most requests do not.
fn begins_like_one(name: &[u8]) -> bool {
    let [first, second, ..] = name else {
        return false;
    };
    let seconds = SECONDS.get(usize::from(letter(*first)));
    seconds.is_some_and(|seconds| seconds & (1 << letter(*second)) != 0)
}

/// By the first character of a name in [`STRIPPED`], a bit for each that comes second.
const SECONDS: [u32; 27] = {
    let mut seconds = [0; 27];
    let mut at = 0;
    while at < STRIPPED.len() {
        let name = STRIPPED[at].name.as_bytes();
        seconds[letter(name[0]) as usize] |= 1 << letter(name[1]);
        at += 1;
    }
    seconds
};

/// A letter by its place in the alphabet whatever its case, then whatever stands for a dash, then the rest.
const fn letter(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => byte - b'a',
        b'A'..=b'Z' => byte - b'A',
        b'-' | b'_' | b'.' => 26,
        _ => 27,
    }
}

fn same(name: &[u8], wanted: &str) -> bool {
    name.len() == wanted.len()
        && name
            .iter()
            .zip(wanted.bytes())
            .all(|(have, want)| match have {
                b'_' | b'.' => want == b'-',
                _ => have.to_ascii_lowercase() == want,
            })
}

fn options(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value
        .as_bytes()
        .split(|b| *b == b',')
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
