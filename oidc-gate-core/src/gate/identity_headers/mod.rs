//! Who the caller is, in headers: for services behind the application that read nothing else.

mod name;
mod source;
mod text;
mod tokens;

pub use source::HeaderSource;
pub use tokens::CallerTokens;

use super::hygiene::folded;
use crate::{check::quote, identity::Identity, secret::HeaderSecret};
use http::{HeaderMap, HeaderName, HeaderValue};
use source::{Kind, Which};
use std::fmt;

/// Which headers say what of a caller: settings that [`compile`](Self::compile) checks.
///
/// **How values are written.** Printable ASCII stands as it is. Everything else, and `%` itself, is written as `%` and two
/// hexadecimal digits for each byte of its UTF-8. A list is separated by commas; in its items spaces and `, ; | " ' \` are
/// written so too. Whoever cuts a list at its commas and undoes the percent signs has exactly the items: no group can be
/// named so that it looks like another, or like two. What there is nothing of is absent, never empty.
///
/// ```
/// use oidc_gate_core::{gate::{CallerTokens, HeaderSource, IdentityHeaders}, identity::Identity};
///
/// let headers = IdentityHeaders::forwarded()
///     .header("X-Department", HeaderSource::claim("department"))
///     .compile()
///     .unwrap();
/// let alice = Identity::builder("https://id.example.com", "248289761001")
///     .email("alice@example.com")
///     .group("staff")
///     .group("R&D, Zürich")
///     .claim("department", "R&D")
///     .build();
/// let lines: Vec<_> = headers
///     .of(&alice, CallerTokens::None)
///     .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
///     .collect();
/// assert_eq!(lines, [
///     "x-forwarded-user: 248289761001",
///     "x-forwarded-email: alice@example.com",
///     "x-forwarded-groups: staff,R&D%2C%20Z%C3%BCrich",
///     "x-department: R&D",
/// ]);
/// ```
///
/// # Security
///
/// A header that names a user is written for users alone, and not for a client with a token of its own: see
/// [`HeaderSource`]. A service that believes such headers has to be reachable through the gate alone: whoever reaches it otherwise writes
/// them himself. [`HeaderSource::secret`] lets it know.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct IdentityHeaders {
    headers: Vec<(String, HeaderSource)>,
    users_are_addresses: bool,
}

impl IdentityHeaders {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What services behind an authenticating proxy expect of a request: `X-Forwarded-User` (the subject),
    /// `X-Forwarded-Email` (if it was checked), `X-Forwarded-Groups` and `X-Forwarded-Preferred-Username`.
    pub fn forwarded() -> Self {
        Self::named("X-Forwarded")
    }

    /// What a proxy that asks the gate expects of an answer: `X-Auth-Request-User`, `-Email`, `-Groups` and
    /// `-Preferred-Username`.
    pub fn auth_request() -> Self {
        Self::named("X-Auth-Request")
    }

    fn named(begin: &str) -> Self {
        [
            ("User", HeaderSource(Kind::User)),
            ("Email", HeaderSource(Kind::AddressBesideUser)),
            ("Groups", HeaderSource::groups()),
            ("Preferred-Username", HeaderSource::preferred_username()),
        ]
        .into_iter()
        .fold(Self::new(), |headers, (end, source)| {
            headers.header(format!("{begin}-{end}"), source)
        })
    }

    /// One more header.
    pub fn header(mut self, name: impl Into<String>, source: HeaderSource) -> Self {
        self.headers.push((name.into(), source));
        self
    }

    /// Users go by their email addresses: in the headers that [`forwarded`](Self::forwarded) and
    /// [`auth_request`](Self::auth_request) call `-User`, and in [`Basic`](Self::basic_authorization). There is no `-Email`
    /// beside it then. A caller without an address that was checked has no name: a subject can be made to look like
    /// somebody's address.
    pub fn email_as_user(mut self) -> Self {
        self.users_are_addresses = true;
        self
    }

    /// `Authorization: Basic …`, see [`HeaderSource::basic`].
    pub fn basic_authorization(self, password: HeaderSecret) -> Self {
        self.header("Authorization", HeaderSource::basic(password))
    }

    /// `Authorization: Bearer …` with the token that the request has brought, if it was the gate that has let it in by
    /// that. Any other `Authorization` ends here.
    pub fn bearer_authorization(self) -> Self {
        let source = HeaderSource::presented_token();
        self.header("Authorization", source.as_bearer())
    }

    /// Checks names and values.
    ///
    /// # Errors
    ///
    /// Everything that cannot be meant.
    pub fn compile(self) -> Result<HeaderWriter, Vec<HeaderProblem>> {
        let (mut entries, mut problems) = (Vec::new(), Vec::new());
        for (said, source) in self.headers {
            let source = if self.users_are_addresses {
                source.by_address()
            } else {
                source
            };
            let mut refuse = |problem: String| problems.push(HeaderProblem::new(&said, problem));
            if let Some(problem) = source.problem() {
                refuse(problem.to_owned());
            }
            match name::parse(&said) {
                Err(problem) => refuse(problem),
                Ok(name) if has(&entries, &name) => {
                    refuse(
                        "stands twice, and many servers take both spellings for one; leave one out"
                            .to_owned(),
                    );
                }
                Ok(name) => entries.push((name, source)),
            }
        }
        if problems.is_empty() {
            Ok(HeaderWriter { entries })
        } else {
            Err(problems)
        }
    }
}

fn has(entries: &[(HeaderName, HeaderSource)], name: &HeaderName) -> bool {
    entries
        .iter()
        .any(|(other, _)| folded(other) == folded(name))
}

/// Says who a caller is, in headers. Made by [`IdentityHeaders::compile`]; the default writes none.
#[derive(Clone, Debug, Default)]
pub struct HeaderWriter {
    entries: Vec<(HeaderName, HeaderSource)>,
}

impl HeaderWriter {
    /// What there is to say of a caller, of whom these tokens are at hand, each header once. Secrets are marked as sensitive.
    pub fn of<'a>(
        &'a self,
        caller: &'a Identity,
        tokens: CallerTokens<'a>,
    ) -> impl Iterator<Item = (HeaderName, HeaderValue)> + 'a {
        self.entries
            .iter()
            .filter_map(move |(name, source)| Some((name.clone(), source.value(caller, tokens)?)))
    }

    /// Every header that it may write. Nobody else may say them: see [`Stripping`](super::Stripping).
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.entries.iter().map(|(name, _)| name)
    }

    /// Takes from headers whatever has one of its names exactly: what an application says in an answer.
    pub fn remove(&self, headers: &mut HeaderMap) {
        for name in self.names() {
            headers.remove(name);
        }
    }

    /// Whether it says nothing of anybody.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first header that is to say a session's access token.
    pub fn wants_access_token(&self) -> Option<&HeaderName> {
        self.first(|which| which == Which::Access)
    }

    /// The first header that is to say a session's ID token.
    pub fn wants_id_token(&self) -> Option<&HeaderName> {
        self.first(|which| which == Which::Id)
    }

    fn first(&self, wanted: impl Fn(Which) -> bool) -> Option<&HeaderName> {
        let is_wanted = |source: &HeaderSource| match &source.0 {
            Kind::Token { which, .. } => wanted(*which),
            _ => false,
        };
        let mut entries = self.entries.iter();
        entries
            .find(|(_, source)| is_wanted(source))
            .map(|(name, _)| name)
    }

    /// The first header that says a subject, where none says whose: of two issuers' users with one subject it would make one.
    pub fn leaves_issuer_open(&self) -> Option<&HeaderName> {
        let says_issuer = |source: &HeaderSource| matches!(source.0, Kind::Issuer);
        if self.entries.iter().any(|(_, source)| says_issuer(source)) {
            return None;
        }
        let mut entries = self.entries.iter();
        entries
            .find(|(_, source)| source.is_subject())
            .map(|(name, _)| name)
    }

    /// Whether any token is written anywhere.
    pub fn wants_tokens(&self) -> bool {
        self.first(|_| true).is_some()
    }
}

/// A header that cannot be meant, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderProblem {
    name: String,
    problem: String,
}

impl HeaderProblem {
    fn new(name: &str, problem: String) -> Self {
        Self {
            name: name.to_owned(),
            problem,
        }
    }
}

impl fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", quote(&self.name), self.problem)
    }
}

impl std::error::Error for HeaderProblem {}

#[cfg(test)]
mod tests;
