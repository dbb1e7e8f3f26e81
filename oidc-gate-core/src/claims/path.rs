//! Where in the claims something is.

use crate::check::quote;
use crate::jose::{Member, Members};
use serde_json::{Map, Value};
use std::fmt;

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

    /// The same where the claims lie.
    pub(super) fn find_in<'a>(&self, claims: &Members<'a>) -> Option<Member<'a>> {
        let (first, rest) = self.0.split_first()?;
        rest.iter()
            .try_fold(claims.get(first)?, |value, name| value.member(name))
            .filter(|value| !value.is_null())
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
