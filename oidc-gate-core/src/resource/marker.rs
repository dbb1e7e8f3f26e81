//! What tells access tokens apart where their `typ` does not.

use crate::check::quote;
use crate::jose::Members;
use std::fmt;

/// Something that an issuer writes into the tokens that are meant, and into no others.
///
/// ```
/// use oidc_gate_core::resource::Marker;
/// let cognito = Marker::value("token_use", "access");
/// let entra = Marker::present("scp");
/// assert_eq!(cognito.to_string(), r#"`token_use` "access""#);
/// # let _ = entra;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    claim: String,
    value: Option<String>,
}

/// What ID tokens have too, so that it tells nothing
/// ([OpenID Connect Core § 2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken),
/// [§ 5.1](https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims)).
const IN_ID_TOKENS: [&str; 26] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "email",
    "email_verified",
    "picture",
    "locale",
    "groups",
    "roles",
];

impl Marker {
    /// The claim is there and is exactly this text.
    pub fn value(claim: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            claim: claim.into(),
            value: Some(value.into()),
        }
    }

    /// The claim is there, whatever it is but `null` or an empty text.
    pub fn present(claim: impl Into<String>) -> Self {
        Self {
            claim: claim.into(),
            value: None,
        }
    }

    /// Puts the marker on: for tests that make tokens.
    pub fn mark(&self, claims: &mut serde_json::Map<String, serde_json::Value>) {
        let value = self.value.as_deref().unwrap_or("present");
        claims.insert(self.claim.clone(), value.into());
    }

    /// Why it cannot tell what it is to tell apart.
    pub(super) fn problem(&self) -> Option<String> {
        if self.claim.is_empty() || self.value.as_deref() == Some("") {
            return Some("a marker names a claim, and a value that is not empty".to_owned());
        }
        IN_ID_TOKENS.contains(&self.claim.as_str()).then(|| {
            format!(
                "{} is in ID tokens too; name a claim that only access tokens have",
                quote(&self.claim)
            )
        })
    }

    pub(super) fn is_on(&self, claims: &Members<'_>) -> bool {
        match (claims.get(&self.claim), &self.value) {
            (Some(found), Some(value)) => found.text().is_some_and(|text| text == *value),
            (Some(found), None) => {
                !found.is_null() && found.text().is_none_or(|text| !text.is_empty())
            }
            (None, _) => false,
        }
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.claim)?;
        match &self.value {
            Some(value) => write!(f, " {}", quote(value)),
            None => Ok(()),
        }
    }
}
