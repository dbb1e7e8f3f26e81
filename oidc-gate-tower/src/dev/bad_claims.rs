//! Claims that go wrong.

use super::{DevProvider, Fault, token::TOKEN_LIFE};
use serde_json::{Map, Value, json};

/// What a wrong issuer looks like.
pub(super) const WRONG_ISSUER: &str = "https://wrong-issuer.test";
/// What a wrong client looks like.
pub(super) const SOMEBODY_ELSE: &str = "somebody-else";

impl DevProvider {
    /// Does to the claims of an ID token that comes with a refresh what the faults say beside that.
    pub(super) fn spoil_refreshed_claims(&self, claims: &mut Map<String, Value>) {
        if self.has(Fault::RefreshedSubject) {
            claims.insert("sub".to_owned(), json!(SOMEBODY_ELSE));
        }
        if self.has(Fault::RefreshedAuthTime) {
            claims.insert("auth_time".to_owned(), json!(self.now().as_secs()));
        }
    }

    /// Does to an ID token's claims what the faults say.
    pub(super) fn spoil_claims(&self, claims: &mut Map<String, Value>) {
        let now = self.now();
        let later = json!((now + TOKEN_LIFE / 2).as_secs());
        let faults = self.state().faults.clone();
        for fault in faults {
            let (name, value) = match fault {
                Fault::WrongIssuer => ("iss", Some(json!(WRONG_ISSUER))),
                Fault::MissingIssuer => ("iss", None),
                Fault::InvalidSubject => ("sub", Some(json!(7))),
                Fault::LongSubject => ("sub", Some(json!("x".repeat(256)))),
                Fault::MissingSubject => ("sub", None),
                Fault::WrongAudience => ("aud", Some(json!(SOMEBODY_ELSE))),
                Fault::ForeignAudience => {
                    let own = claims.get("aud").cloned();
                    ("aud", Some(json!([own, SOMEBODY_ELSE])))
                }
                Fault::MissingAudience => ("aud", None),
                Fault::WrongAuthorizedParty => ("azp", Some(json!(SOMEBODY_ELSE))),
                Fault::ExpiredToken => {
                    let issued = json!((now - 2 * TOKEN_LIFE).as_secs());
                    claims.insert("iat".to_owned(), issued);
                    ("exp", Some(json!((now - TOKEN_LIFE).as_secs())))
                }
                Fault::MissingExpiry => ("exp", None),
                Fault::InvalidIssuedAt => ("iat", Some(json!("today"))),
                Fault::FutureIssuedAt => ("iat", Some(later.clone())),
                Fault::MissingIssuedAt => ("iat", None),
                Fault::NotYetValid => ("nbf", Some(later.clone())),
                Fault::WrongNonce => ("nonce", Some(json!("wrong"))),
                Fault::MissingNonce => ("nonce", None),
                Fault::WrongAccessTokenHash => ("at_hash", Some(json!("d3JvbmcgaGFzaCBoZXJlIQ"))),
                _ => continue,
            };
            match value {
                Some(value) => drop(claims.insert(name.to_owned(), value)),
                None => drop(claims.remove(name)),
            }
        }
    }
}
