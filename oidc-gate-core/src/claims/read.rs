//! From claims to an identity.

use super::{ClaimPath, ClaimRules, EmailRule, Userinfo};
use crate::{
    check::{Check, CheckFailed},
    identity::{Identity, IdentityBuilder, IdentityKind, Via},
    jose::{Member, Members},
    time::UnixTime,
};
use serde_json::{Map, Value, value::to_raw_value};
use std::{borrow::Cow, collections::HashSet, fmt};

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
    claims: Members<'_>,
    facts: Facts<'_>,
) -> Result<Identity, CheckFailed> {
    let client_id = facts.client_id.map(to_raw_value).transpose();
    let client_id = client_id.map_err(not_json)?;
    let mut claims = claims;
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
    if let Some(name) = first_text(Places::of(&rules.name_at, "name"), &mut claims) {
        identity = identity.name(name);
    }
    let short_name = Places::of(&rules.username_at, "preferred_username");
    if let Some(name) = first_text(short_name, &mut claims) {
        identity = identity.preferred_username(name);
    }
    if let Some(acr) = take_text(&mut claims, "acr") {
        identity = identity.acr(acr);
    }
    identity = with_email(rules, identity, &mut claims)?;
    for group in merged_texts(Places::of(&rules.groups_at, "groups"), &mut claims) {
        identity = identity.group(group);
    }
    // Roles have no place of their own.
    if !rules.roles_at.is_empty() {
        for role in merged_texts(Places::of(&rules.roles_at, "roles"), &mut claims) {
            identity = identity.role(role);
        }
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
    if let Some(id) = &client_id {
        claims.set("client_id", Member::from(&**id));
    }
    if !claims.is_empty() {
        identity = identity.other_claims(claims.to_json().map_err(not_json)?);
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
    let places = Places::of(&rules.email_at, "email");
    let Some((own, address)) = places.first_text(claims) else {
        if rules.email == EmailRule::Optional {
            return Ok(identity);
        }
        let cause = format!("expected an address at {places}, got none");
        return Err(CheckFailed::new(Check::EmailMissing, cause));
    };
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
    fn of(email_verified: Option<Member<'_>>) -> Self {
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
#[derive(Clone, Copy)]
struct Places<'p> {
    named: &'p [ClaimPath],
    own: &'static str,
}

impl<'p> Places<'p> {
    fn of(named: &'p [ClaimPath], own: &'static str) -> Self {
        Self { named, own }
    }

    /// What is there, and whether it is in the claim `own`. `null` is nothing.
    fn find<'a>(self, claims: &Members<'a>) -> impl Iterator<Item = (bool, Member<'a>)> {
        let own = self
            .named
            .is_empty()
            .then(|| claims.get(self.own))
            .flatten();
        let own = own.filter(|value| !value.is_null());
        let named = self.named.iter();
        own.map(|value| (true, value)).into_iter().chain(
            named.filter_map(move |place| Some((place.is(self.own), place.find_in(claims)?))),
        )
    }

    /// The text at the first of them that has one which is not empty.
    fn first_text<'a>(self, claims: &Members<'a>) -> Option<(bool, Cow<'a, str>)> {
        self.find(claims)
            .find_map(|(own, value)| Some((own, value.text().filter(|text| !text.is_empty())?)))
    }
}

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.named.is_empty() {
            return fmt::Display::fmt(&ClaimPath::from(self.own), f);
        }
        for (at, place) in self.named.iter().enumerate() {
            let or = if at == 0 { "" } else { " or " };
            write!(f, "{or}{place}")?;
        }
        Ok(())
    }
}

/// The text at the first of the places that has one. What was in `own` itself is taken out, because the identity gives it
/// back.
fn first_text<'a>(places: Places<'_>, claims: &mut Members<'a>) -> Option<Cow<'a, str>> {
    let (own, text) = places.first_text(claims)?;
    if own {
        claims.remove(places.own);
    }
    Some(text)
}

/// The texts at all of these places, in order, without repeats: of a list those items that are text, or one text alone. Members
/// of an object are none, be their names ever so telling: what such an object means is its maker's secret. A claim `own` that
/// says exactly the same is taken out, because the identity gives it back.
fn merged_texts<'a>(places: Places<'_>, claims: &mut Members<'a>) -> Vec<Cow<'a, str>> {
    let mut texts = Vec::new();
    for (_, value) in places.find(claims) {
        match value.text() {
            Some(one) => texts.push(one),
            None => {
                let items = value.items().unwrap_or_default();
                texts.extend(items.into_iter().filter_map(Member::text));
            }
        }
    }
    let mut seen = HashSet::with_capacity(texts.len());
    texts.retain(|text| !text.is_empty() && seen.insert(text.clone()));
    let plain = |text: &str| !text.contains(char::is_control);
    let own = claims.get(places.own).and_then(Member::items);
    let same = own.is_some_and(|own| {
        own.len() == texts.len()
            && (own.iter().zip(&texts))
                .all(|(one, other)| one.text().as_ref() == Some(other) && plain(other))
    });
    if same && !texts.is_empty() {
        claims.remove(places.own);
    }
    texts
}

/// A claim that is text, taken out; anything else stays.
fn take_text<'a>(claims: &mut Members<'a>, name: &str) -> Option<Cow<'a, str>> {
    let text = claims.get(name)?.text()?;
    claims.remove(name);
    Some(text)
}

/// A claim that is a list of texts, taken out; anything else stays, and so does a list that an identity could not give
/// back as it was: an empty one, or one with an empty text or a control character in it.
fn take_list<'a>(claims: &mut Members<'a>, name: &str) -> Vec<Cow<'a, str>> {
    let whole = |text: &Cow<'_, str>| !text.is_empty() && !text.contains(char::is_control);
    let items = claims.get(name).and_then(Member::items).unwrap_or_default();
    let texts = items.into_iter().map(|item| item.text().filter(whole));
    match texts.collect::<Option<Vec<_>>>() {
        Some(texts) if !texts.is_empty() => {
            claims.remove(name);
            texts
        }
        _ => Vec::new(),
    }
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
