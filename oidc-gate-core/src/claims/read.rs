//! From claims to an identity.

use super::{ClaimPath, ClaimRules, EmailRule, Userinfo};
use crate::{
    check::{Check, CheckFailed},
    identity::{Identity, IdentityBuilder, IdentityKind, Via},
    jose::{Member, Members},
    time::UnixTime,
};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::HashSet};

/// What is known of a sign-in beside the claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The configured provider's id, empty for the unnamed.
    pub(crate) provider: &'a str,
    /// The granted scopes, separated by spaces.
    pub(crate) scopes: &'a str,
    /// When the user proved who it is.
    pub(crate) auth_time: Option<UnixTime>,
    /// By what.
    pub(crate) via: Via,
    /// A user, or a client that acts for itself.
    pub(crate) kind: IdentityKind,
    /// To whom the token was issued, where that is known and to be kept.
    pub(crate) client_id: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// What is known of the sign-in of somebody who is signed in.
    pub(crate) fn of(known: &'a Identity, scopes: &'a str) -> Self {
        Self {
            provider: known.provider(),
            scopes,
            auth_time: known.auth_time(),
            via: known.via(),
            kind: known.kind(),
            client_id: known.client_id(),
        }
    }
}

/// The user these claims are about, and what userinfo adds to them. `claims` are those of a believed ID token.
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
    let text = Value::Object(claims).to_string();
    let claims = Members::read(text.as_bytes()).map_err(not_json)?;
    identity(rules, claims, facts)
}

/// The user these claims are about, which are those of a believed token.
pub(crate) fn read_signed(
    rules: &ClaimRules,
    claims: Members<'_>,
    facts: Facts<'_>,
) -> Result<Identity, CheckFailed> {
    match &rules.map {
        None => identity(rules, claims, facts),
        // Its changes are made to values.
        Some(_) => read(rules, claims.to_map().map_err(not_json)?, None, facts),
    }
}

fn identity(
    rules: &ClaimRules,
    mut claims: Members<'_>,
    facts: Facts<'_>,
) -> Result<Identity, CheckFailed> {
    for done in ["nonce", "at_hash", "c_hash", "s_hash"] {
        claims.remove(done);
    }
    let mut take = |name| take_text(&mut claims, name).unwrap_or_default();
    let mut identity = Identity::builder(take("iss"), take("sub"))
        .via(facts.via)
        .kind(facts.kind);
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
    for group in merged_texts(&places(&rules.groups_at, "groups"), &mut claims, "groups") {
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
        let number = claims.get("auth_time").and_then(Member::number);
        if number.is_some_and(|number| number.is_u64()) {
            claims.remove("auth_time");
        }
    }
    for scope in facts.scopes.split_ascii_whitespace() {
        identity = identity.scope(scope);
    }
    claims.retain(|name| rules.keeps(name));
    if let Some(id) = facts.client_id {
        claims.set("client_id", Member::of_text(id).map_err(not_json)?);
    }
    if !claims.is_empty() {
        identity = identity.other_claims(serde_json::to_string(&claims).map_err(not_json)?);
    }
    let identity = identity.build();
    if let Some(shape) = &rules.demanded {
        shape
            .check(&identity)
            .map_err(|mismatch| CheckFailed::new(Check::ClaimsUnfit, mismatch.to_string()))?;
    }
    Ok(identity)
}

/// What was read can be written and read again, so this does not happen.
fn not_json(_: serde_json::Error) -> CheckFailed {
    CheckFailed::new(Check::Misuse, "claims that are not JSON")
}

/// The address, and whether it counts as checked.
///
/// `email_verified` is about the claim `email` alone; of an address from elsewhere it says nothing.
fn with_email(
    rules: &ClaimRules,
    identity: IdentityBuilder,
    claims: &mut Members<'_>,
) -> Result<IdentityBuilder, CheckFailed> {
    let places = places(&rules.email_at, "email");
    let found = places
        .iter()
        .find_map(|place| Some((place, place.text(claims)?)));
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
        Word::Nothing(
            "comes from another claim than `email`, of which `email_verified` says nothing",
        )
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
        let denied = claims.get("email_verified").and_then(Member::boolean) == Some(false);
        // What the identity gives back in its place; anything else stays as it was said.
        if verified.is_ok() || denied {
            claims.remove("email_verified");
        }
    } else if claims.get("email").and_then(Member::text).is_none() {
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
    fn of(email_verified: Option<&Member<'_>>) -> Self {
        let Some(said) = email_verified else {
            return Self::Nothing("comes without `email_verified`");
        };
        match (said.boolean(), said.text()) {
            (Some(true), _) => Self::Checked,
            (Some(false), _) => Self::Unchecked("has `email_verified` false"),
            (None, Some(text)) if text.eq_ignore_ascii_case("false") => {
                Self::Unchecked("has the text \"false\" for `email_verified`")
            }
            (None, _) => {
                Self::Nothing("has something else than true or false for `email_verified`")
            }
        }
    }
}

/// The places that are named; the claim `own` where none is.
fn places<'a>(named: &'a [ClaimPath], own: &str) -> Cow<'a, [ClaimPath]> {
    if named.is_empty() {
        vec![ClaimPath::from(own)].into()
    } else {
        named.into()
    }
}

/// The text at the first of the [`places`] that has one; at the claim `own` where no place is named. What was in `own` itself is
/// taken out, because the identity gives it back.
fn first_text(named: &[ClaimPath], claims: &mut Members<'_>, own: &str) -> Option<String> {
    let places = places(named, own);
    let (place, text) = places
        .iter()
        .find_map(|place| Some((place, place.text(claims)?)))?;
    if place.is(own) {
        claims.remove(own);
    }
    Some(text)
}

/// The texts at all of these places, in order, without repeats. A claim `own` that says exactly the same is taken out, because
/// the identity gives it back.
fn merged_texts(places: &[ClaimPath], claims: &mut Members<'_>, own: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts: Vec<_> = places
        .iter()
        .flat_map(|place| place.texts(claims))
        .filter(|text| !text.is_empty() && seen.insert(text.clone()))
        .collect();
    let plain = |text: &str| !text.contains(char::is_control);
    let same = claims.get(own).and_then(Member::items).is_some_and(|own| {
        own.len() == texts.len()
            && (own.iter().zip(&texts))
                .all(|(one, other)| one.text().is_some_and(|text| text == *other) && plain(other))
    });
    if same && !texts.is_empty() {
        claims.remove(own);
    }
    texts
}

/// A claim that is text, taken out; anything else stays.
fn take_text(claims: &mut Members<'_>, name: &str) -> Option<String> {
    let text = claims.get(name)?.text()?.into_owned();
    claims.remove(name);
    Some(text)
}

/// A claim that is a list of texts, taken out; anything else stays, and so does a list that an identity could not give
/// back as it was: an empty one, or one with an empty text or a control character in it.
fn take_list(claims: &mut Members<'_>, name: &str) -> Vec<String> {
    let whole = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    let items = claims.get(name).and_then(Member::items).unwrap_or_default();
    let text = |item: &Member<'_>| Some(item.text().filter(|text| whole(text))?.into_owned());
    let texts: Vec<_> = items.iter().map_while(text).collect();
    if texts.len() < items.len() || texts.is_empty() {
        return Vec::new();
    }
    drop(items);
    claims.remove(name);
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(rename = "why")]
        _why: String,
        claims: String,
        #[serde(default)]
        at: Vec<Vec<String>>,
        #[serde(default)]
        rule: Rule,
        #[serde(default)]
        trust: bool,
        expected: String,
        cause: Option<String>,
    }

    #[derive(Deserialize, Default)]
    #[serde(rename_all = "lowercase")]
    enum Rule {
        #[default]
        Optional,
        Present,
        Verified,
    }

    fn identity(rules: &ClaimRules, claims: &Value) -> Result<Identity, CheckFailed> {
        let mut all = json!({"iss": "i", "sub": "alice"});
        let all = all.as_object_mut().unwrap();
        all.extend(claims.as_object().unwrap().clone());
        let facts = Facts {
            provider: "",
            scopes: "",
            auth_time: None,
            via: Via::Session,
            kind: IdentityKind::User,
            client_id: None,
        };
        read(rules, all.clone(), None, facts)
    }

    fn rules(change: impl FnOnce(&mut ClaimRules)) -> ClaimRules {
        let mut rules = ClaimRules::default();
        change(&mut rules);
        rules
    }

    fn list<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        items.collect()
    }

    #[test]
    fn an_address_is_what_the_data_says_and_no_view_of_it_says_more() {
        let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/email.toml"));
        assert!(cases.len() > 20);
        for case in cases {
            let rules = rules(|rules| {
                rules.email_at = case.at.into_iter().map(ClaimPath::from).collect();
                rules.danger_trust_unverified_email = case.trust;
                rules.email = match case.rule {
                    Rule::Optional => EmailRule::Optional,
                    Rule::Present => EmailRule::Present,
                    Rule::Verified => EmailRule::Verified,
                };
            });
            let result = identity(&rules, &serde_json::from_str(&case.claims).unwrap());
            let got = match &result {
                Ok(user) => match (user.email(), user.verified_email()) {
                    (None, _) => "none".to_owned(),
                    (Some(address), None) => format!("{address} unverified"),
                    (Some(_), Some(address)) => format!("{address} verified"),
                },
                Err(failed) => failed.check().id().to_owned(),
            };
            assert_eq!(got, case.expected, "{}", case.name);
            if let Some(cause) = case.cause {
                assert_eq!(result.as_ref().unwrap_err().cause(), cause, "{}", case.name);
            }
            // A handler that reads claims must not find an address verified that the identity does not.
            if let Ok(user) = result
                && let Some(address) = user.email()
                && user.claims()["email"] == address
                && user.claims()["email_verified"] == true
            {
                assert!(user.email_verified(), "{}", case.name);
            }
        }
    }

    #[test]
    fn groups_and_roles_of_all_places_come_together_in_order_without_repeats() {
        let claims = json!({
            "realm_access": {"roles": ["user", "editor"]},
            "resource_access": {"my.app/x": {"roles": ["owner", "user", 7, "", null]}},
            "one": "lone wolf",
            "object": {"admin": true},
            "groups": ["a", "b"],
        });
        let rules = rules(|rules| {
            rules.roles_at = vec![
                ["realm_access", "roles"].into(),
                ["resource_access", "my.app/x", "roles"].into(),
                "one".into(),
                "object".into(),
                "nowhere".into(),
            ];
            rules.groups_at = vec!["one".into(), "groups".into()];
        });
        let alice = identity(&rules, &claims).unwrap();
        assert_eq!(
            list(alice.roles()),
            ["user", "editor", "owner", "lone wolf"]
        );
        assert!(alice.has_role("owner") && !alice.has_role("admin") && !alice.has_role("a"));
        assert_eq!(list(alice.groups()), ["lone wolf", "a", "b"]);
        // What was said is still to be read as it was said.
        for (name, value) in claims.as_object().unwrap() {
            assert_eq!(&alice.claims()[name], value, "{name}");
        }
    }

    #[test]
    fn no_place_for_roles_is_no_roles() {
        let claims = json!({"roles": ["admin"], "groups": ["a"]});
        let alice = identity(&ClaimRules::default(), &claims).unwrap();
        assert_eq!(
            (alice.roles().count(), list(alice.groups())),
            (0, vec!["a"])
        );
        let alice = identity(&rules(|r| r.roles_at = vec!["roles".into()]), &claims).unwrap();
        assert_eq!(list(alice.roles()), ["admin"]);
        assert_eq!(alice.claims()["roles"], json!(["admin"]));
    }

    #[test]
    fn a_name_is_the_first_text_that_is_not_empty() {
        let rules = rules(|rules| {
            rules.name_at = vec!["display".into(), ["profile", "full"].into(), "name".into()];
            rules.username_at = vec!["upn".into()];
        });
        for (claims, name, username) in [
            (
                json!({"display": "A", "name": "B", "preferred_username": "al"}),
                Some("A"),
                None,
            ),
            (
                json!({"display": "", "profile": {"full": "C"}, "name": "B", "upn": "u"}),
                Some("C"),
                Some("u"),
            ),
            (
                json!({"display": 7, "profile": "x", "name": "B"}),
                Some("B"),
                None,
            ),
            (json!({"upn": ["u"]}), None, None),
        ] {
            let alice = identity(&rules, &claims).unwrap();
            assert_eq!((alice.name(), alice.preferred_username()), (name, username));
        }
    }

    #[test]
    fn what_is_not_kept_is_gone_and_what_was_read_from_it_is_not() {
        let claims = json!({"realm_access": {"roles": ["user"]}, "department": "R&D", "picture": "p", "aud": "app",
            "name": "Alice"});
        let base = || rules(|rules| rules.roles_at = vec![["realm_access", "roles"].into()]);
        let names = |rules: &ClaimRules| {
            let alice = identity(rules, &claims).unwrap();
            assert_eq!(list(alice.roles()), ["user"]);
            let names: Vec<_> = alice.claims().keys().cloned().collect();
            names.join(" ")
        };
        assert_eq!(
            names(&base()),
            "aud department iss name picture realm_access roles sub"
        );
        let mut keep = base();
        keep.keep = Some(["department".to_owned()].into());
        assert_eq!(names(&keep), "department iss name roles sub");
        let mut without = base();
        without.drop = ["realm_access".to_owned(), "picture".to_owned()].into();
        assert_eq!(names(&without), "aud department iss name roles sub");
        keep.drop = ["department".to_owned()].into();
        assert_eq!(names(&keep), "iss name roles sub");
    }

    #[test]
    fn rules_show_that_there_are_changes_and_not_which() {
        let rules = rules(|rules| {
            rules.map = Some(super::super::ClaimMap::new(|_| {}));
            rules.demanded = Some(super::super::Shape::of::<u8>());
        });
        let shown = format!("{rules:?}");
        assert!(
            shown.contains("ClaimMap(..)") && shown.contains("Shape(u8)"),
            "{shown}"
        );
    }
}
