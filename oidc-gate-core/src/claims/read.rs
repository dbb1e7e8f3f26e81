//! From claims to an identity.

use super::{ClaimPath, ClaimRules, EmailRule, Userinfo};
use crate::{
    check::{Check, CheckFailed},
    identity::{Identity, IdentityBuilder},
    time::UnixTime,
};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What is known of a sign-in beside the claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The configured provider's id, empty for the unnamed.
    pub(crate) provider: &'a str,
    /// The granted scopes, separated by spaces.
    pub(crate) scopes: &'a str,
    /// When the user proved who it is.
    pub(crate) auth_time: Option<UnixTime>,
}

/// The user these claims are about. `claims` are those of a believed ID token.
pub(crate) fn read(
    rules: &ClaimRules,
    mut claims: Map<String, Value>,
    userinfo: Option<Userinfo>,
    facts: Facts<'_>,
) -> Result<Identity, CheckFailed> {
    if let Some(userinfo) = userinfo {
        userinfo.add_to(&mut claims);
    }
    if let Some(map) = &rules.map {
        map.apply(&mut claims);
    }
    for done in ["nonce", "at_hash", "c_hash", "s_hash"] {
        claims.remove(done);
    }
    let mut take = |name| take_text(&mut claims, name).unwrap_or_default();
    let mut identity = Identity::builder(take("iss"), take("sub"));
    if !facts.provider.is_empty() {
        identity = identity.provider(facts.provider);
    }
    if let Some(name) = first_text(&rules.name_at, &mut claims, "name") {
        identity = identity.name(name);
    }
    if let Some(name) = first_text(&rules.username_at, &mut claims, "preferred_username") {
        identity = identity.preferred_username(name);
    }
    if let Some(acr) = take_text(&mut claims, "acr") {
        identity = identity.acr(acr);
    }
    identity = with_email(rules, identity, &mut claims)?;
    let default = [ClaimPath::from("groups")];
    let groups_at = if rules.groups_at.is_empty() {
        &default[..]
    } else {
        rules.groups_at.as_slice()
    };
    for group in merged_texts(groups_at, &mut claims, "groups") {
        identity = identity.group(group);
    }
    for role in merged_texts(&rules.roles_at, &mut claims, "roles") {
        identity = identity.role(role);
    }
    for method in take_list(&mut claims, "amr") {
        identity = identity.amr(method);
    }
    if let Some(time) = facts.auth_time {
        identity = identity.auth_time(time);
        if claims.get("auth_time").is_some_and(Value::is_u64) {
            claims.remove("auth_time");
        }
    }
    for scope in facts.scopes.split_ascii_whitespace() {
        identity = identity.scope(scope);
    }
    for (name, value) in claims {
        if rules.keeps(&name) {
            identity = identity.claim(name, value);
        }
    }
    let identity = identity.build();
    if let Some(shape) = &rules.demanded {
        shape
            .check(&identity)
            .map_err(|mismatch| CheckFailed::new(Check::ClaimsUnfit, mismatch.to_string()))?;
    }
    Ok(identity)
}

/// The address, and whether it counts as checked.
///
/// `email_verified` is about the claim `email` alone; of an address from elsewhere it says nothing.
fn with_email(
    rules: &ClaimRules,
    identity: IdentityBuilder,
    claims: &mut Map<String, Value>,
) -> Result<IdentityBuilder, CheckFailed> {
    let default = [ClaimPath::from("email")];
    let places = if rules.email_at.is_empty() {
        &default[..]
    } else {
        rules.email_at.as_slice()
    };
    let found = places
        .iter()
        .find_map(|place| Some((place, place.text(claims)?.to_owned())));
    let Some((place, address)) = found else {
        if rules.email == EmailRule::Optional {
            return Ok(identity);
        }
        let places: Vec<_> = places.iter().map(ToString::to_string).collect();
        let cause = format!("expected an address at {}, got none", places.join(" or "));
        return Err(CheckFailed::new(Check::EmailMissing, cause));
    };
    let own = place.is("email");
    let word = if own {
        Word::of(claims.get("email_verified"))
    } else {
        Word::Nothing("comes from another claim than `email`, of which `email_verified` says nothing")
    };
    let verified = match word {
        Word::Checked => Ok(()),
        Word::Nothing(_) if rules.danger_trust_unverified_email => Ok(()),
        Word::Nothing(why) | Word::Unchecked(why) => Err(why),
    };
    if let (EmailRule::Verified, Err(why)) = (rules.email, verified) {
        let cause = format!("the address {why}");
        return Err(CheckFailed::new(Check::EmailUnverified, cause));
    }
    if own {
        claims.remove("email");
        // What the identity gives back in its place; anything else stays as it was said.
        if verified.is_ok() || claims.get("email_verified") == Some(&Value::Bool(false)) {
            claims.remove("email_verified");
        }
    } else if !claims.get("email").is_some_and(Value::is_string) {
        // It must not seem to speak of the address that the identity gives back as `email`.
        claims.remove("email_verified");
    }
    Ok(match verified {
        Ok(()) => identity.email(address),
        Err(_) => identity.unverified_email(address),
    })
}

/// What a provider says of an address.
enum Word {
    Checked,
    /// That it is not checked.
    Unchecked(&'static str),
    /// Nothing that counts.
    Nothing(&'static str),
}

impl Word {
    fn of(email_verified: Option<&Value>) -> Self {
        match email_verified {
            Some(Value::Bool(true)) => Self::Checked,
            Some(Value::Bool(false)) => Self::Unchecked("has `email_verified` false"),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => {
                Self::Unchecked("has the text \"false\" for `email_verified`")
            }
            Some(_) => Self::Nothing("has something else than true or false for `email_verified`"),
            None => Self::Nothing("comes without `email_verified`"),
        }
    }
}

/// The text at the first of `places` that has one; at the claim `own` where no place is named. What was in `own` itself is
/// taken out, because the identity gives it back.
fn first_text(
    places: &[ClaimPath],
    claims: &mut Map<String, Value>,
    own: &str,
) -> Option<String> {
    let default = [ClaimPath::from(own)];
    let places = if places.is_empty() { &default[..] } else { places };
    let (place, text) = places
        .iter()
        .find_map(|place| Some((place, place.text(claims)?.to_owned())))?;
    if place.is(own) {
        claims.remove(own);
    }
    Some(text)
}

/// The texts at all of `places`, in order, without repeats. A claim `own` that says exactly the same is taken out, because
/// the identity gives it back.
fn merged_texts(places: &[ClaimPath], claims: &mut Map<String, Value>, own: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts: Vec<_> = places
        .iter()
        .flat_map(|place| place.texts(claims))
        .filter(|text| !text.is_empty() && seen.insert(*text))
        .map(str::to_owned)
        .collect();
    let plain = |text: &String| !text.contains(char::is_control);
    let same = claims.get(own).and_then(Value::as_array).is_some_and(|own| {
        own.len() == texts.len() && own.iter().zip(&texts).all(|(a, b)| a == b && plain(b))
    });
    if same && !texts.is_empty() {
        claims.remove(own);
    }
    texts
}

/// A claim that is text, taken out; anything else stays.
fn take_text(claims: &mut Map<String, Value>, name: &str) -> Option<String> {
    match claims.get_mut(name) {
        Some(Value::String(text)) => {
            let text = std::mem::take(text);
            claims.remove(name);
            Some(text)
        }
        _ => None,
    }
}

/// A claim that is a list of texts, taken out; anything else stays, and so does a list that an identity could not give
/// back as it was: an empty one, or one with an empty text or a control character in it.
fn take_list(claims: &mut Map<String, Value>, name: &str) -> Vec<String> {
    let whole = |item: &Value| {
        item.as_str()
            .is_some_and(|text| !text.is_empty() && !text.contains(char::is_control))
    };
    match claims.get(name) {
        Some(Value::Array(items)) if !items.is_empty() && items.iter().all(whole) => {}
        _ => return vec![],
    }
    let Some(Value::Array(items)) = claims.remove(name) else {
        return vec![];
    };
    let text = |item| match item {
        Value::String(text) => Some(text),
        _ => None,
    };
    items.into_iter().filter_map(text).collect()
}
