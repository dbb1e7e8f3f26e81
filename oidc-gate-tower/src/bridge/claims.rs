//! What an ID token says.

use super::{ConversionError, FromTheirs, ToTheirs};
use crate::{
    Identity,
    core::{time::UnixTime, token::IdTokenClaims},
};
use openidconnect::{AdditionalClaims, GenderClaim, IdTokenClaims as Theirs};
use serde_json::{Map, Value};

/// Claims that were believed here. The way back is an [`Identity`]: [`IdTokenClaims`] come from a token that was verified
/// here, and from nothing else.
impl<AC: AdditionalClaims, GC: GenderClaim> ToTheirs<Theirs<AC, GC>> for IdTokenClaims {
    type Error = ConversionError;

    /// # Errors
    ///
    /// Where a claim has not the type that the specification gives it, or not the one of `AC`: claims that are about the user
    /// alone are not looked at on this side before somebody asks.
    fn to_theirs(&self) -> Result<Theirs<AC, GC>, ConversionError> {
        serde_json::from_value(Value::Object(self.as_map().clone())).map_err(|_| {
            ConversionError::Expected("claims of the types that OpenID Connect gives them")
        })
    }
}

/// The user of an ID token that their client has verified: for a program that signs users in by theirs, and wants an identity
/// for requirements and tests.
///
/// A claim of the right type goes to its place, `groups` and `roles` where they are lists of text, and every other is kept
/// among the claims. What is about the token itself (`aud`, `exp`, `nonce`, …) is dropped.
///
/// # Security
///
/// Who makes such claims without a verifier of theirs makes an identity that nobody vouches for.
impl<AC: AdditionalClaims, GC: GenderClaim> FromTheirs<&Theirs<AC, GC>> for Identity {
    type Error = ConversionError;

    fn from_theirs(theirs: &Theirs<AC, GC>) -> Result<Self, ConversionError> {
        let Ok(Value::Object(claims)) = serde_json::to_value(theirs) else {
            return Err(ConversionError::Expected("claims that are a JSON object"));
        };
        let subject = theirs.subject().as_str();
        if subject.is_empty() {
            return Err(ConversionError::Expected("a subject that is not empty"));
        }
        Ok(read(claims, theirs.issuer().as_str(), subject))
    }
}

const OF_THE_TOKEN: [&str; 11] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "c_hash",
    "email_verified",
];

fn read(claims: Map<String, Value>, issuer: &str, subject: &str) -> Identity {
    let verified = claims.get("email_verified") == Some(&Value::Bool(true));
    let mut user = Identity::builder(issuer, subject);
    for (name, value) in claims {
        user = match (&*name, value) {
            (name, _) if OF_THE_TOKEN.contains(&name) => user,
            ("name", Value::String(name)) => user.name(name),
            ("email", Value::String(address)) if verified => user.email(address),
            ("email", Value::String(address)) => user.unverified_email(address),
            ("preferred_username", Value::String(name)) => user.preferred_username(name),
            ("acr", Value::String(acr)) => user.acr(acr),
            ("auth_time", Value::Number(time)) if time.is_u64() => {
                user.auth_time(UnixTime::from_secs(time.as_u64().unwrap_or_default()))
            }
            (list @ ("amr" | "groups" | "roles"), Value::Array(items))
                if items.iter().all(Value::is_string) =>
            {
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .fold(user, |user, item| match list {
                        "amr" => user.amr(item),
                        "groups" => user.group(item),
                        _ => user.role(item),
                    })
            }
            (name, value) => user.claim(name, value),
        };
    }
    user.build()
}

#[cfg(test)]
mod tests;
