//! Where in the claims something is.

use crate::check::quote;
use crate::jose::{Member, Members};
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt};

/// A place in the claims: one name for each level, from the outside. A name is taken as it stands, because names of claims
/// hold dots, slashes and colons.
///
/// ```
/// use oidc_gate_core::claims::ClaimPath;
/// let claims = serde_json::json!({"realm_access": {"roles": ["admin"]}, "https://example.com/team": "blue"});
/// let claims = claims.as_object().unwrap();
/// let roles = ClaimPath::from(["realm_access", "roles"]);
/// assert_eq!(roles.find(claims).unwrap()[0], "admin");
/// assert_eq!(ClaimPath::from("https://example.com/team").find(claims).unwrap(), "blue");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// What is there. `null` is nothing
    /// ([OpenID Connect Core § 5.3.2](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse)).
    pub fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter()
            .try_fold(claims.get(first)?, |value, name| value.get(name))
            .filter(|value| !value.is_null())
    }

    /// The text there, if it is one and not empty.
    pub(super) fn text(&self, claims: &Members<'_>) -> Option<String> {
        let text = self.read(claims, |found| found.text().map(Cow::into_owned))?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// The texts there: of a list those items that are text, or one text alone. Members of an object are none, be their
    /// names ever so telling: what such an object means is its maker's secret.
    pub(super) fn texts(&self, claims: &Members<'_>) -> Vec<String> {
        let texts = |found: &Member<'_>| match found.text() {
            Some(one) => vec![one.into_owned()],
            None => (found.items().unwrap_or_default().iter())
                .filter_map(|item| item.text().map(Cow::into_owned))
                .collect(),
        };
        self.read(claims, |found| Some(texts(found)))
            .unwrap_or_default()
    }

    /// What `read` makes of what is there.
    fn read<T>(
        &self,
        claims: &Members<'_>,
        read: impl FnOnce(&Member<'_>) -> Option<T>,
    ) -> Option<T> {
        let (first, rest) = self.0.split_first()?;
        within(claims.get(first)?, rest, read)
    }

    /// Whether it is the claim of this name.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.0.as_slice(), [one] if one == name)
    }

    /// The claim it begins in.
    pub(super) fn root(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// Whether it leads anywhere: there is a name, and none is empty.
    pub fn is_fit(&self) -> bool {
        !self.0.is_empty() && !self.0.iter().any(String::is_empty)
    }
}

/// Goes down name by name. Each level borrows from the one above, so they are all there until the last is read.
fn within<T>(
    at: &Member<'_>,
    names: &[String],
    read: impl FnOnce(&Member<'_>) -> Option<T>,
) -> Option<T> {
    match names.split_first() {
        None => read(at),
        Some((name, rest)) => within(&at.member(name)?, rest, read),
    }
}

impl From<&str> for ClaimPath {
    fn from(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }
}

impl From<String> for ClaimPath {
    fn from(name: String) -> Self {
        Self(vec![name])
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for ClaimPath {
    fn from(names: [T; N]) -> Self {
        Self(names.map(Into::into).into())
    }
}

impl<T: Into<String>> From<Vec<T>> for ClaimPath {
    fn from(names: Vec<T>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, name) in self.0.iter().enumerate() {
            let arrow = if level == 0 { "" } else { " → " };
            write!(f, "{arrow}{}", quote(name))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
