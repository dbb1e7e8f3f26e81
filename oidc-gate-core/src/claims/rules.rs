//! What an application says about its users' claims.

use super::ClaimPath;
use crate::identity::{ClaimsMismatch, Identity};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// How claims become an identity.
///
/// # Defaults
///
/// Userinfo is asked when something is missing; each thing is in the claim that the specification names, groups in
/// `groups`, roles nowhere; an address is not demanded; all claims are kept.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClaimRules {
    /// Where claims come from.
    pub source: ClaimsSource,
    /// Where the groups are; `groups` if empty. What is found in all the places counts, in their order, without repeats.
    pub groups_at: Vec<ClaimPath>,
    /// Where the roles are. As for groups, but without a place of their own.
    pub roles_at: Vec<ClaimPath>,
    /// Where the email address is; `email` if empty. The first place with a text that is not empty counts.
    pub email_at: Vec<ClaimPath>,
    /// Where the full name is; `name` if empty.
    pub name_at: Vec<ClaimPath>,
    /// Where the short name is; `preferred_username` if empty.
    pub username_at: Vec<ClaimPath>,
    /// Whether an address is demanded.
    pub email: EmailRule,
    /// Whether an address counts as checked of which the provider does not say so.
    ///
    /// # Security
    ///
    /// Where users can set their address themselves, this lets anybody be anybody.
    pub danger_trust_unverified_email: bool,
    /// The claims to keep beside what the identity has a field for; all of them unless said.
    pub keep: Option<BTreeSet<String>>,
    /// The claims not to keep.
    pub drop: BTreeSet<String>,
    /// The application's own changes.
    pub map: Option<ClaimMap>,
    /// The shape that is demanded.
    pub demanded: Option<Shape>,
}

/// Where claims come from: the ID token, which is signed and always there, and the userinfo endpoint
/// ([OpenID Connect Core § 5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)), which many providers
/// give more to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a flow has to decide about each")]
pub enum ClaimsSource {
    /// The ID token alone.
    IdToken,
    /// Userinfo too, if the provider has it and something is missing that the configuration speaks of:
    ///
    /// 1. scope `email` was asked for, and there is no address;
    /// 2. scope `profile` was asked for, and there is neither name nor short name;
    /// 3. scope `phone`, `address` or `groups` was asked for, and there is no such thing;
    /// 4. one of the places that were named for groups or roles is not there;
    /// 5. an address is demanded and missing or not verified;
    /// 6. a shape of claims is demanded, and they do not have it.
    ///
    /// If userinfo does not take the access token (401, 403), the sign-in goes on without it: the token is for another
    /// API. Any other failure refuses the sign-in.
    #[default]
    UserinfoWhenNeeded,
    /// Userinfo too, at every sign-in; without it nobody signs in.
    UserinfoAlways,
}

/// Whether a user has to have an email address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a sign-in decides about each")]
pub enum EmailRule {
    /// No.
    #[default]
    Optional,
    /// Yes, verified or not.
    Present,
    /// Yes, and the provider has to say that it has checked it: `email_verified` is the JSON value `true`.
    Verified,
}

/// The application's own changes to a user's claims.
///
/// # Security
///
/// What it writes decides like what the provider said: into a claim where groups are read, it makes members of groups. The
/// claims that are about the token and the sign-in (`iss`, `sub`, `aud`, `acr`, …) are put back as they were signed.
#[derive(Clone)]
pub struct ClaimMap(Arc<Change>);

type Change = dyn Fn(&mut Map<String, Value>) + Send + Sync;

impl ClaimMap {
    /// These changes.
    pub fn new(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(change))
    }

    pub(super) fn apply(&self, claims: &mut Map<String, Value>) {
        super::guarded(claims, &*self.0);
    }
}

impl fmt::Debug for ClaimMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimMap(..)")
    }
}

/// A type that a user's claims have to fit.
#[derive(Clone, Copy)]
pub struct Shape {
    name: &'static str,
    fits: fn(&Identity) -> Result<(), ClaimsMismatch>,
}

impl Shape {
    /// The shape of `T`.
    pub fn of<T: serde::de::DeserializeOwned>() -> Self {
        Self {
            name: std::any::type_name::<T>(),
            fits: |identity| identity.claims_as::<T>().map(drop),
        }
    }

    pub(super) fn check(&self, identity: &Identity) -> Result<(), ClaimsMismatch> {
        (self.fits)(identity)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({})", self.name)
    }
}

/// The claims that an identity holds in fields of its own, and gives back under these names.
const OWN_FIELDS: [&str; 11] = [
    "iss",
    "sub",
    "name",
    "email",
    "email_verified",
    "preferred_username",
    "acr",
    "amr",
    "auth_time",
    "groups",
    "roles",
];

impl ClaimRules {
    /// What is wrong with them, each as `setting: problem`.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (setting, places, otherwise) in [
            ("groups_at", &self.groups_at, "for `groups`"),
            ("roles_at", &self.roles_at, "for no roles"),
            ("email_at", &self.email_at, "for `email`"),
            ("name_at", &self.name_at, "for `name`"),
            ("username_at", &self.username_at, "for `preferred_username`"),
        ] {
            if !places.iter().all(ClaimPath::is_fit) {
                problems.push(format!(
                    "{setting}: empty; give the name of a claim, or leave the setting out {otherwise}"
                ));
            }
        }
        for (setting, names) in [
            ("keep_claims", self.keep.as_ref()),
            ("drop_claims", Some(&self.drop)),
        ] {
            if names.is_some_and(|names| names.contains("")) {
                problems.push(format!("{setting}: empty; give the name of a claim"));
            }
        }
        for name in OWN_FIELDS {
            if !self.drop.contains(name) {
                continue;
            }
            // What was signed about the sign-in is put back after the application's own changes.
            problems.push(if super::PROTOCOL.contains(&name) {
                format!(
                    "drop_claims: {name:?} belongs to every session and is small; leave it out here"
                )
            } else {
                format!(
                    "drop_claims: {name:?} is a field of every identity; change it with map_claims"
                )
            });
        }
        problems
    }

    /// Whether the claim of this name stays with the session, beside the identity's own fields.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        self.keep.as_ref().is_none_or(|keep| keep.contains(name)) && !self.drop.contains(name)
    }

    /// Whether something is missing that the configuration speaks of. `claims` are what `identity` was made of, `scopes`
    /// what was asked for.
    pub(crate) fn misses(
        &self,
        claims: &Map<String, Value>,
        identity: &Identity,
        scopes: &str,
    ) -> bool {
        let absent = |name: &str| claims.get(name).is_none_or(Value::is_null);
        let by_scope = scopes.split_ascii_whitespace().any(|scope| match scope {
            "email" => identity.email().is_none(),
            "profile" => identity.name().is_none() && identity.preferred_username().is_none(),
            "phone" => absent("phone_number"),
            "address" => absent("address"),
            "groups" => self.groups_at.is_empty() && absent("groups"),
            _ => false,
        });
        let mut places = self.groups_at.iter().chain(&self.roles_at);
        by_scope || places.any(|place| place.find(claims).is_none())
    }
}
