//! Which rules apply to a request.

use super::requirement::Requirement;
use super::settings::{Rule, RuleKind};
use std::{fmt, sync::Arc};

/// Which rules apply to a request.
///
/// Exhaustive on purpose: who answers requests has to handle each.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who answers requests has to handle each"
)]
pub enum Route<'p> {
    /// The gate stays out of it: no session, no login, no change to the response.
    Bypass,
    /// Anyone may pass; who signed in is recognised.
    Open,
    /// A client from there may pass, and whoever signed in is recognised. Anybody else would need what stands here, and so
    /// does a request that another site has made the client send: the network vouches for it as a cookie would.
    OpenToNetwork(Requirements<'p>),
    /// Only the signed-in may pass who meet all of these requirements.
    Protected(Requirements<'p>),
    /// The gate answers itself.
    Endpoint(Endpoint),
    /// Under the gate's prefix, where it has no such endpoint.
    UnknownEndpoint,
}

impl Route<'_> {
    /// Whether a credential has to be looked for: to decide, or to serve the endpoint.
    ///
    /// Where it is `false`, [`Credential::None`](super::Credential::None) decides the same as any other.
    pub fn needs_identity(&self) -> bool {
        match self {
            Self::Bypass | Self::UnknownEndpoint => false,
            Self::Open | Self::OpenToNetwork(_) | Self::Protected(_) => true,
            Self::Endpoint(endpoint) => match endpoint {
                Endpoint::Start
                | Endpoint::Callback(_)
                | Endpoint::Auth
                | Endpoint::Userinfo
                | Endpoint::Session
                | Endpoint::SignOut
                | Endpoint::SignedOut => true,
                Endpoint::SignIn
                | Endpoint::Ping
                | Endpoint::Ready
                | Endpoint::Metrics
                | Endpoint::BackchannelLogout
                | Endpoint::FrontchannelLogout => false,
            },
        }
    }
}

/// The requirements that apply to a request: what holds everywhere, then those of rules in their order.
#[derive(Clone)]
pub struct Requirements<'p> {
    pub(super) rules: &'p [Rule],
    pub(super) found: Found,
    /// What holds for every protected path.
    pub(super) admit: Option<&'p Requirement>,
}

impl<'p> Requirements<'p> {
    /// One after the other. None at all: being signed in is enough.
    pub fn iter(&self) -> impl Iterator<Item = &'p Requirement> + '_ {
        let of_rules = self
            .found
            .iter()
            .filter_map(|at| self.rules.get(at))
            .filter_map(|rule| match &rule.kind {
                RuleKind::Require(requirement) => Some(requirement),
                RuleKind::Bypass | RuleKind::Open | RuleKind::Protect => None,
            });
        self.admit.into_iter().chain(of_rules)
    }
}

impl fmt::Debug for Requirements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Requirements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// A small sorted set of rules by number. The first few cost no allocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    few: [u32; 4],
    len: usize,
    more: Vec<u32>,
}

impl Found {
    pub(super) fn insert(&mut self, rule: u32) {
        if self.as_slice().contains(&rule) {
            return;
        }
        if let (Some(slot), true) = (self.few.get_mut(self.len), self.more.is_empty()) {
            *slot = rule;
            self.len += 1;
            self.few[..self.len].sort_unstable();
        } else {
            if self.more.is_empty() {
                self.more.extend_from_slice(&self.few);
            }
            let at = self.more.partition_point(|r| *r < rule);
            self.more.insert(at, rule);
        }
    }

    fn as_slice(&self) -> &[u32] {
        if self.more.is_empty() {
            &self.few[..self.len]
        } else {
            &self.more
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.as_slice().iter().map(|rule| *rule as usize)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// What the gate answers itself, under its prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who serves them has to handle each"
)]
pub enum Endpoint {
    /// `sign_in`: a page to choose how to sign in.
    SignIn,
    /// `start`: begins a login.
    Start,
    /// `callback`, where the unnamed provider sends the browser back to, or `callback/{id}` for a named one.
    Callback(Option<Arc<str>>),
    /// `auth`: the answer for a proxy that asks whether a request may pass.
    Auth,
    /// `userinfo`: who is signed in, as JSON.
    Userinfo,
    /// `session`: how long the caller's session lives on, as JSON. To ask does not extend it.
    Session,
    /// `sign_out`: ends the session.
    SignOut,
    /// `signed_out`: says that it has ended. Where the provider sends the browser back to that has signed out there.
    SignedOut,
    /// `ping`: the process is up.
    Ping,
    /// `ready`: what it depends on is up too.
    Ready,
    /// `metrics`.
    Metrics,
    /// `backchannel_logout`: the provider says that a session has ended.
    BackchannelLogout,
    /// `frontchannel_logout`: the provider says so through the browser.
    FrontchannelLogout,
}

impl Endpoint {
    /// The path under the prefix, with its slash.
    pub fn path(&self) -> String {
        match self {
            Self::Callback(Some(id)) => format!("/callback/{id}"),
            _ => format!("/{}", self.name()),
        }
    }

    /// The name, the same for every provider.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Start => "start",
            Self::Callback(_) => "callback",
            Self::Auth => "auth",
            Self::Userinfo => "userinfo",
            Self::Session => "session",
            Self::SignOut => "sign_out",
            Self::SignedOut => "signed_out",
            Self::Ping => "ping",
            Self::Ready => "ready",
            Self::Metrics => "metrics",
            Self::BackchannelLogout => "backchannel_logout",
            Self::FrontchannelLogout => "frontchannel_logout",
        }
    }

    /// The methods it takes, as `Allow` names them.
    pub fn allow(&self) -> &'static str {
        match self {
            // Neither can be done without the body or the cookies of the answer, so HEAD makes no sense.
            Self::FrontchannelLogout => "GET",
            // A POST is what `response_mode=form_post` makes of the one, and what whoever initiates a login may make of the
            // other (OpenID Connect Core § 4).
            Self::Start | Self::Callback(_) | Self::SignOut => "GET, POST",
            Self::BackchannelLogout => "POST",
            Self::SignIn | Self::SignedOut | Self::Auth | Self::Userinfo | Self::Session => {
                "GET, HEAD"
            }
            Self::Ping | Self::Ready | Self::Metrics => "GET, HEAD",
        }
    }

    /// Whether it takes this method.
    pub fn allows(&self, method: &http::Method) -> bool {
        self.allow().split(", ").any(|m| m == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn every_endpoint_takes_the_methods_that_it_names_and_no_other() {
        let all = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "G",
        ];
        for (endpoint, takes) in [
            (Endpoint::SignIn, &["GET", "HEAD"][..]),
            (Endpoint::Start, &["GET", "POST"]),
            (Endpoint::Callback(None), &["GET", "POST"]),
            (Endpoint::Callback(Some("staff".into())), &["GET", "POST"]),
            (Endpoint::Auth, &["GET", "HEAD"]),
            (Endpoint::Userinfo, &["GET", "HEAD"]),
            (Endpoint::Session, &["GET", "HEAD"]),
            (Endpoint::SignOut, &["GET", "POST"]),
            (Endpoint::SignedOut, &["GET", "HEAD"]),
            (Endpoint::Ping, &["GET", "HEAD"]),
            (Endpoint::Ready, &["GET", "HEAD"]),
            (Endpoint::Metrics, &["GET", "HEAD"]),
            (Endpoint::BackchannelLogout, &["POST"]),
            (Endpoint::FrontchannelLogout, &["GET"]),
        ] {
            assert_eq!(endpoint.allow(), takes.join(", "), "{endpoint:?}");
            for method in all {
                let taken = endpoint.allows(&Method::from_bytes(method.as_bytes()).unwrap());
                assert_eq!(taken, takes.contains(&method), "{method} {endpoint:?}");
            }
        }
    }
}
