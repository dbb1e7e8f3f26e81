//! Whether an ID token is to be believed that somebody presents, by the rules of a login.

use super::TokenRules;
use crate::check::{Check, CheckFailed};
use crate::jose::Alg;
use crate::time::UnixTime;
use crate::token::{self, Expectations, IdTokenTimes};
use serde_json::{Map, Value};

/// Whether the header's `typ` is one that an ID token may have.
pub(super) fn check_type(typ: Option<&str>) -> Result<(), CheckFailed> {
    token::check_type(typ).map_err(presented)
}

/// Checks the claims of a token whose signature is confirmed.
///
/// The nonce is not looked at: it belongs to the login of whoever the token was issued to. Its audiences have to be this
/// service's, all of them, and `azp` the one that is meant.
pub(super) fn check(
    rules: &TokenRules,
    claims: &Map<String, Value>,
    alg: Alg,
    now: UnixTime,
) -> Result<IdTokenTimes, CheckFailed> {
    // What a token says of itself chooses among the configured audiences and adds none.
    let means = |own: &&String| match claims.get("aud") {
        Some(Value::String(one)) => one == *own,
        Some(Value::Array(many)) => many.iter().any(|aud| aud.as_str() == Some(own.as_str())),
        _ => false,
    };
    let own = rules.audiences();
    let party = claims.get("azp").and_then(Value::as_str);
    let meant = own
        .iter()
        .filter(means)
        .find(|aud| party == Some(aud.as_str()));
    let audience = meant.or_else(|| own.iter().find(means)).or(own.first());
    let expect = Expectations {
        issuer: &rules.issuer,
        client_id: audience.map_or("", String::as_str),
        nonce: None,
        algs: rules.algs,
        trusted_audiences: own,
        leeway: rules.leeway,
        access_token: None,
        acr_values: &[],
        max_age: None,
    };
    if claims.contains_key("cnf") {
        return Err(CheckFailed::new(
            Check::BearerBound,
            "it is bound to a key by `cnf`, and its proof is not known here",
        ));
    }
    token::check_presented(claims, alg, &expect, now).map_err(presented)
}

/// The same check under the name that it has for what a request presents: a stranger's token is no reason to call the
/// operator.
fn presented(failed: CheckFailed) -> CheckFailed {
    let check = match failed.check() {
        Check::IdTokenType => Check::BearerType,
        Check::IdTokenClaim => Check::BearerClaim,
        Check::IdTokenIssuer => Check::BearerIssuer,
        Check::IdTokenAudience => Check::BearerAudience,
        Check::IdTokenAuthorizedParty => Check::BearerAuthorizedParty,
        Check::IdTokenExpired => Check::BearerExpired,
        Check::IdTokenIssuedAt | Check::IdTokenAuthTime => Check::BearerIssuedAt,
        Check::IdTokenNotBefore => Check::BearerNotBefore,
        Check::IdTokenSubject => Check::BearerSubject,
        _ => Check::BearerInvalid,
    };
    CheckFailed::new(check, failed.cause().to_owned())
}
