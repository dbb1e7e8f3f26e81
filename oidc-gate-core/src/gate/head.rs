//! What the gate looks at of a request.

use super::asker::{Asker, is_websocket, outside_a_tab};
use super::families::Families;
use super::path::{Ambiguity, Clarity};
use crate::login::ReturnTo;
use http::{HeaderMap, Method, Uri, header};
use std::{fmt, net::IpAddr};

/// The head of a request: everything a decision may depend on, besides the credential.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The method as it came. Headers that claim another one are not believed.
    pub method: &'a Method,
    /// Where the request was sent.
    pub target: Target<'a>,
    /// The headers. They never turn a protected path into an open one.
    pub headers: &'a HeaderMap,
    /// From where the client comes, where that is known for sure: see [`TrustedProxies`](super::TrustedProxies).
    pub client: Option<IpAddr>,
    families: Families,
}

/// Where a request was sent, as far as it can be known.
#[derive(Clone, Copy)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever builds a head has to say which"
)]
pub enum Target<'a> {
    /// The original target, before any router cut a part off.
    Whole(&'a Uri),
    /// A router cut a part off and left no trace of the original. No `open` or `bypass` rule matches, every `require`
    /// rule applies, and no endpoint of the gate is found: the path could be any.
    Cut,
}

/// The path a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path<'a> {
    /// Every parser reads it alike.
    Plain(&'a str),
    /// Another parser could read another path in it.
    Ambiguous(&'a str, Ambiguity),
    /// Cut off by a router.
    Unknown,
}

impl<'a> Head<'a> {
    /// The head of a request.
    pub fn new(method: &'a Method, target: Target<'a>, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            target,
            headers,
            client: None,
            families: Families::of(headers),
        }
    }

    /// The head of a request of this client.
    #[must_use]
    pub fn client(self, client: Option<IpAddr>) -> Self {
        Self { client, ..self }
    }

    /// The path, and whether it means one thing only.
    ///
    /// An absolute-form target (`GET http://x/public`, and every request of HTTP/2) is read for its path; if a `Host`
    /// header names another authority, the path is ambiguous. The authority form (`CONNECT host:443`) and `*` have no
    /// path and are ambiguous too ([RFC 9112 § 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
    pub(super) fn path(&self) -> Path<'a> {
        let Target::Whole(uri) = self.target else {
            return Path::Unknown;
        };
        let path = uri.path();
        match Clarity::of(path) {
            Clarity::Ambiguous(why) => Path::Ambiguous(path, why),
            Clarity::Plain if self.host_disagrees(uri) => {
                Path::Ambiguous(path, Ambiguity::HostMismatch)
            }
            Clarity::Plain => Path::Plain(path),
        }
    }

    fn host_disagrees(&self, uri: &Uri) -> bool {
        uri.authority().is_some_and(|authority| {
            self.headers.get_all(header::HOST).iter().any(|host| {
                !host
                    .as_bytes()
                    .eq_ignore_ascii_case(authority.as_str().as_bytes())
            })
        })
    }

    /// Where to come back to after a login: the target of a request that can be made again, if it is a place in this
    /// application.
    pub(super) fn return_to(&self) -> ReturnTo {
        match self.target {
            Target::Whole(uri) => uri
                .path_and_query()
                .and_then(|place| ReturnTo::parse(place.as_str())),
            Target::Cut => None,
        }
        .unwrap_or_else(ReturnTo::root)
    }
}

impl Head<'_> {
    /// Who asks, where that is known to be no page in a tab of its own: fetched ahead, in a frame, by a script. A handler's
    /// login would be lost on it.
    pub fn outside_a_tab(&self) -> Option<Asker> {
        match self.families.may_tell_a_purpose() {
            true => outside_a_tab(self.headers),
            false => None,
        }
    }

    pub(super) fn is_websocket(&self) -> bool {
        *self.method == Method::CONNECT
            || self.families.may_ask_for_a_socket() && is_websocket(self.method, self.headers)
    }
}

/// GET, or HEAD, which is GET without the body.
pub(super) fn is_get(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

impl fmt::Debug for Head<'_> {
    // Headers hold cookies and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Target<'_> {
    // A query holds codes and what a user typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(uri) => write!(f, "Whole({:?})", uri.path()),
            Self::Cut => f.write_str("Cut"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_to_be_the_one_of_the_target() {
        let uri = Uri::from_static("https://app.example:8443/public");
        let plain = Path::Plain("/public");
        let other = Path::Ambiguous("/public", Ambiguity::HostMismatch);
        for (hosts, expected) in [
            (&[][..], plain),
            (&["APP.example:8443"], plain),
            (&["app.example"], other),
            (&["app.example:8443", "app.example:8443"], plain),
            (&["app.example:8443", "evil.example"], other),
            (&["evil.example", "app.example:8443"], other),
        ] {
            let hosts = hosts
                .iter()
                .map(|host| (header::HOST, host.parse().unwrap()));
            let headers: HeaderMap = hosts.collect();
            let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
            assert_eq!(head.path(), expected, "{headers:?}");
        }
    }
}
