//! What a session still knows of its first ID token.

use super::RefreshOf;
use crate::{
    claims::ClaimRules,
    identity::Identity,
    jose::NumericDate,
    time::UnixTime,
    token::{Forgotten, IdTokenOrigin},
};
use serde_json::Value;

/// What a new ID token has to agree with
/// ([OpenID Connect Core § 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)), and what of
/// it cannot be known: an application need not keep the claims that are about a token.
pub(super) fn origin(of: &RefreshOf, rules: &ClaimRules) -> (IdTokenOrigin, Forgotten) {
    let known = &of.identity;
    let origin = IdTokenOrigin {
        issuer: known.issuer().to_owned(),
        subject: known.subject().to_owned(),
        // The client is looked for in any case.
        audiences: audiences(known),
        authorized_party: text(known, "azp"),
        issued_at: known
            .claim("iat")
            .and_then(NumericDate::read)
            .map_or(UnixTime::from_secs(0), |iat| iat.rounded_down),
        auth_time: known.auth_time(),
    };
    let forgotten = Forgotten {
        nonce: of.nonce.is_none(),
        authorized_party: origin.authorized_party.is_none() && !rules.keeps("azp"),
    };
    (origin, forgotten)
}

fn text(known: &Identity, name: &str) -> Option<String> {
    Some(known.claim(name)?.as_str()?.to_owned())
}

fn audiences(known: &Identity) -> Vec<String> {
    let (one, many) = match known.claim("aud") {
        Some(Value::String(one)) => (Some(one.clone()), None),
        Some(Value::Array(many)) => (None, Some(many)),
        _ => (None, None),
    };
    let many = many.into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many.map(str::to_owned)).collect()
}
