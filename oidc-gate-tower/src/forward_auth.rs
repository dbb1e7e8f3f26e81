//! Forward-auth: a proxy asks about each request that it has in hand. The setting; the answers have the file beside it.

mod answer;

pub(crate) use answer::{Asked, Reply, answer, only};

use crate::{
    core::{
        forward::{Dialect, Proxy},
        gate::{HeaderSource, HeaderWriter, IdentityHeaders, Target},
        peers::Peers,
    },
    gate::Common,
    passing::{Callers, Issuers},
};
use http::Uri;

/// A proxy that asks the gate about every request it has in hand, for [`GateBuilder::forward_auth`](crate::GateBuilder::forward_auth).
///
/// | proxy | asks at | admitted | not signed in | not allowed |
/// |---|---|---|---|---|
/// | nginx | `/oauth2/auth` | 202 | 401 | 403 |
/// | Traefik, Caddy | `/oauth2/forward` | 200 | a navigation is sent to the login, everything else gets 401 | 403, a page or JSON |
/// | Envoy | below `/oauth2/forward` | 200 | as above | as above |
///
/// The rules of the gate hold for the request that the proxy has in hand: its method, its path, its headers. Whoever is
/// admitted as a user is named in the answer's `X-Auth-Request-User` (the subject), `-Email` (if verified), `-Groups`
/// and `-Preferred-Username`, which the proxy copies into the request; [`IdentityHeaders`] says how they are written. On
/// bypassed paths, and where nobody is signed in, there are none; Caddy and Envoy are told so by empty ones, or they would
/// hand on something else in their place. A client that comes with a token of its own is no user: of it there are groups at
/// most.
///
/// nginx makes its redirects itself. Where a login would help a navigation, the 401 says in `X-Auth-Request-Redirect` where it
/// begins, with the page to come back to: `auth_request_set $login $upstream_http_x_auth_request_redirect;`. A path that demands
/// a stronger sign-in answers 403 there, because a link cannot demand one; with the other proxies the login does.
///
/// The path `/oauth2/` of the same host leads to the gate itself, which serves the login there.
/// `examples/forward-auth` has the configuration of each proxy.
///
/// # Sessions
///
/// A session that is in use is prolonged by a cookie, and a proxy hands none on unless it is told to. With nginx that is
/// `auth_request_set $cookie $upstream_http_set_cookie;` and `add_header Set-Cookie $cookie;`. Without it, or with a proxy that
/// cannot, the idle limit of a session counts from the login, so set [`session_limits`](crate::GateBuilder::session_limits)
/// by that. An answer never sets more than one cookie, because nginx hands on one; a session that takes two is not prolonged
/// here.
///
/// # Security
///
/// - Only the addresses of [`trust`](Self::trust) are believed, and everybody else is refused. Let the gate listen where only the
///   proxy can connect.
/// - The proxy has to overwrite what clients send: for nginx that is `proxy_set_header` for `X-Original-URI` *and*
///   `X-Original-Method`; for Traefik `trustForwardHeader` stays off.
/// - The proxy has to take `X-Auth-Request-*` of clients away before the application sees it. A request that brings one of those
///   that the answer sets is refused in any case.
/// - Where [`open_to`](crate::GateBuilder::open_to) and [`trusted_proxies`](crate::GateBuilder::trusted_proxies) are set, the proxy
///   has to write `X-Forwarded-For` or `X-Real-IP` itself, in the place of what the client has sent: whoever can write it says
///   that he comes from where no login is asked for.
/// - What some frameworks take for the method (`X-HTTP-Method-Override`, `X-HTTP-Method`, `X-Method-Override`) is refused in a
///   question. Let the proxy take it off before it asks, and before the application sees it.
/// - No answer of the gate may be cached: each is `no-store`. The application's answers the gate does not see. An application
///   that answers by who asks says `Cache-Control: private` and `Vary` itself.
///
/// ```
/// use oidc_gate_tower::ForwardAuth;
///
/// let caddy = ForwardAuth::caddy().trust(["127.0.0.1", "::1"]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it goes into `GateBuilder::forward_auth`"]
pub struct ForwardAuth {
    dialect: Dialect,
    trusted: Vec<String>,
    issuer: SaysIssuer,
    token: SaysToken,
}

/// Whether answers say an access token of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SaysToken {
    Yes,
    No,
}

/// Whether answers say which issuer's subject a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SaysIssuer {
    Yes,
    No,
}

impl ForwardAuth {
    /// nginx with `auth_request`.
    pub fn nginx() -> Self {
        Self::of(Dialect::Nginx)
    }

    /// Traefik with ForwardAuth. Never run against a real Traefik so far.
    pub fn traefik() -> Self {
        Self::of(Dialect::Traefik)
    }

    /// Caddy with `forward_auth`.
    pub fn caddy() -> Self {
        Self::of(Dialect::Caddy)
    }

    /// Envoy with `ext_authz` over HTTP and a `path_prefix` of `/oauth2/forward`. Never run against a real Envoy so far.
    pub fn envoy() -> Self {
        Self::of(Dialect::Envoy)
    }

    fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            trusted: Vec::new(),
            issuer: SaysIssuer::No,
            token: SaysToken::No,
        }
    }

    /// Answers say in `X-Auth-Request-Issuer`, too, whose subject the user is: for a gate that accepts tokens of more than one
    /// issuer, which cannot be built without this.
    ///
    /// # Security
    ///
    /// Let the proxy copy that header as it copies the user's, and let the application go by both: two issuers may have users
    /// of one subject.
    pub fn name_issuers(mut self) -> Self {
        self.issuer = SaysIssuer::Yes;
        self
    }

    /// Answers say in `X-Auth-Request-Access-Token`, too, an access token of the user's, which the proxy hands on to the
    /// application: the session's, refreshed before it ends, or the one that the request has brought. See
    /// [`HeaderSource::access_token`].
    ///
    /// Let sessions be in a store ([`session_storage`](crate::session_storage)): an answer to a proxy sets one cookie at most, and a
    /// session with its tokens is more. What was refreshed stays with the coordinator then, until the browser gets its cookies
    /// from the gate itself.
    ///
    /// # Security
    ///
    /// Let the proxy copy that header into the request as it copies the user's, and nowhere else: whoever reads it can act for
    /// the user wherever it is taken.
    pub fn pass_access_token(mut self) -> Self {
        self.token = SaysToken::Yes;
        self
    }

    /// Where the proxy connects from: addresses (`127.0.0.1`) and networks (`10.0.0.0/8`). May be called several times.
    pub fn trust(mut self, peers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.trusted.extend(peers.into_iter().map(Into::into));
        self
    }
}

impl Common {
    /// The proxy whose question a request for this is, and where it was sent.
    pub(crate) fn asked<'a>(&self, target: Target<'a>) -> Option<(&Forward, &'a Uri)> {
        let forward = self.forward.as_ref()?;
        Some((forward, forward.asked(target)?))
    }
}

/// The setting, checked.
pub(crate) struct Forward {
    proxy: Proxy,
    /// The path that the proxy asks at.
    endpoint: Box<str>,
    /// What sessions are shared over: only there does another host see the session that a login at this one has made.
    cookie_domain: Option<Box<str>>,
    /// Says who was admitted.
    named: HeaderWriter,
}

impl Forward {
    pub(crate) fn new(
        setting: &ForwardAuth,
        prefix: &str,
        cookie_domain: Option<&str>,
        callers: Callers,
        issuers: Issuers,
    ) -> Result<Self, Vec<String>> {
        let ForwardAuth {
            dialect,
            trusted,
            issuer,
            token,
        } = setting;
        let trusted = Peers::new(trusted).map_err(|problem| {
            vec![format!(
                "forward_auth: trust({trusted:?}): {problem}; name where {} connects from",
                dialect.name()
            )]
        })?;
        if (*issuer, issuers) == (SaysIssuer::No, Issuers::Several) {
            return Err(vec![format!(
                "forward_auth: X-Auth-Request-User says a subject, and tokens of more than one issuer are accepted, whose \
                 users may have the same; write .name_issuers(), and let {} copy X-Auth-Request-Issuer too",
                dialect.name()
            )]);
        }
        let named = match issuer {
            SaysIssuer::Yes => IdentityHeaders::auth_request()
                .header("X-Auth-Request-Issuer", HeaderSource::issuer()),
            SaysIssuer::No => IdentityHeaders::auth_request(),
        };
        let named = match token {
            SaysToken::Yes => {
                named.header("X-Auth-Request-Access-Token", HeaderSource::access_token())
            }
            SaysToken::No => named,
        };
        let named = named.compile().map_err(|found| {
            let problems = found.iter().map(ToString::to_string);
            problems.collect::<Vec<_>>()
        })?;
        let unkept = callers.problems("forward_auth", &named);
        if !unkept.is_empty() {
            return Err(unkept);
        }
        let name = match dialect {
            Dialect::Nginx => "auth",
            Dialect::Traefik | Dialect::Caddy | Dialect::Envoy => "forward",
        };
        Ok(Self {
            proxy: Proxy::new(*dialect, trusted),
            endpoint: format!("{prefix}/{name}").into(),
            cookie_domain: cookie_domain.map(Into::into),
            named,
        })
    }

    /// The target of a request, if it is a question of the proxy's.
    fn asked<'a>(&self, target: Target<'a>) -> Option<&'a Uri> {
        match target {
            Target::Whole(uri) => {
                Some(uri).filter(|uri| self.proxy.asks(&self.endpoint, uri.path()))
            }
            Target::Cut => None,
        }
    }

    /// Whether a session that is made at the application's own host comes along to the host of this address.
    fn shares_sessions_with(&self, origin: &str) -> bool {
        let host = origin.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', ':', '?', '#']).next().unwrap_or_default();
        self.cookie_domain.as_deref().is_some_and(|domain| {
            host == domain
                || host
                    .strip_suffix(domain)
                    .is_some_and(|below| below.ends_with('.'))
        })
    }
}
