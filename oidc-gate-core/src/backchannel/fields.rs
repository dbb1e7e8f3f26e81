//! The form of a request.

use crate::{form, url::is_absolute_uri};
use std::{fmt, slice};
use zeroize::Zeroizing;

/// What a [`Question`](super::Question) says: names and values, in the order in which they are sent. What proves the client
/// comes behind them and is not among them. Only the questions of this crate make one, so all of it has been looked at.
#[derive(Clone)]
pub struct Fields {
    fields: Vec<(Box<str>, Zeroizing<String>)>,
    /// What the request sets itself, or has a method for.
    own: &'static [&'static str],
}

/// Why something does not belong into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The grant type is no absolute URI, or one with a method of its own
    /// ([RFC 6749 § 4.5](https://www.rfc-editor.org/rfc/rfc6749#section-4.5)).
    GrantType,
    /// A scope is empty or holds what a scope cannot
    /// ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
    Scope,
    /// A resource is no absolute URI without a fragment
    /// ([RFC 8707 § 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
    Resource,
    /// A parameter's name is empty or not visible ASCII.
    Name,
    /// A parameter's value is empty, which counts as absent
    /// ([RFC 6749 § 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
    Empty,
    /// A parameter is given twice ([RFC 6749 § 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
    Repeated,
    /// A parameter is set by the request itself, has a method of its own, or would prove the client a second time.
    Reserved,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GrantType => {
                "an extension grant is an absolute URI without a fragment, and none that has a method of its own"
            }
            Self::Scope => {
                "a scope is visible ASCII without \" and \\, and scopes are separated by one space"
            }
            Self::Resource => "a resource is an absolute URI without a fragment",
            Self::Name => "the name of a parameter is visible ASCII",
            Self::Empty => "a parameter without a value is left out",
            Self::Repeated => "a request names each parameter once",
            Self::Reserved => "this parameter is set by the request itself",
        })
    }
}

impl std::error::Error for RequestError {}

/// What proves the client, and what every request has a method for. In whatever case: there are servers that do not tell
/// `Client_Id` from `client_id`.
const RESERVED: &[&str] = &[
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "grant_type",
    "scope",
    "resource",
];

impl Fields {
    /// A request that says nothing yet, and beside the reserved parameters sets these itself.
    pub(crate) fn new(own: &'static [&'static str]) -> Self {
        Self {
            fields: Vec::new(),
            own,
        }
    }

    /// Sets what the request sets itself.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.fields
            .push((name.into(), Zeroizing::new(value.into())));
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.push(name, value);
        self
    }

    /// Sets `scope`, once.
    pub(crate) fn scope(mut self, scope: &str) -> Result<Self, RequestError> {
        if !scope.split(' ').all(form::is_word) {
            return Err(RequestError::Scope);
        }
        if self.get("scope").is_some() {
            return Err(RequestError::Repeated);
        }
        self.push("scope", scope);
        Ok(self)
    }

    /// Adds a `resource`.
    pub(crate) fn resource(mut self, uri: &str) -> Result<Self, RequestError> {
        if !is_absolute_uri(uri) {
            return Err(RequestError::Resource);
        }
        self.push("resource", uri);
        Ok(self)
    }

    /// Adds a parameter that the request knows nothing of.
    pub(crate) fn param(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let is = |other: &str| other.eq_ignore_ascii_case(name);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(RequestError::Name);
        }
        if RESERVED.iter().chain(self.own).any(|own| is(own)) {
            return Err(RequestError::Reserved);
        }
        if self.fields.iter().any(|(there, _)| is(there)) {
            return Err(RequestError::Repeated);
        }
        if value.is_empty() {
            return Err(RequestError::Empty);
        }
        self.push(name, value);
        Ok(self)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(there, _)| &**there == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> slice::Iter<'_, (Box<str>, Zeroizing<String>)> {
        self.fields.iter()
    }
}

impl fmt::Debug for Fields {
    // Values are codes, tokens and assertions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}
