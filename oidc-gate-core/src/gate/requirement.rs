//! What a caller must be or have.

use super::email::{Address, Domain, Dotted};
use crate::check::quote;
use crate::claims::ClaimPath;
use crate::form::is_word;
use crate::identity::{Identity, IdentityKind};
use crate::time::UnixTime;
use serde_json::Value;
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

/// What a signed-in caller must be or have. `Clone`, so that one value serves many routes.
///
/// ```
/// use oidc_gate_core::gate::{acr, group, scope};
/// use oidc_gate_core::{identity::Identity, time::UnixTime};
///
/// let staff = group("staff").or(group("admins")).and(scope("read"));
/// assert_eq!(format!("{staff:?}"), "(group staff or group admins) and scope read");
///
/// let alice = Identity::builder("https://id.example.com", "1").group("admins").scope("read").build();
/// assert!(staff.check(&alice, UnixTime::from_secs(0)).is_ok());
/// ```
#[derive(Clone)]
#[must_use]
pub struct Requirement(Node);

#[derive(Clone)]
enum Node {
    SignedIn,
    User,
    Group(Arc<str>),
    Role(Arc<str>),
    Scope(Arc<str>),
    EmailDomain(Arc<str>),
    EmailIn(Arc<BTreeSet<Box<str>>>),
    Claim(Arc<(ClaimPath, Value)>),
    Acr(Arc<str>),
    MaxAge(Duration),
    Predicate(&'static str, Predicate),
    All(Arc<[Node]>),
    Any(Arc<[Node]>),
}

type Predicate = Arc<dyn Fn(&Identity) -> bool + Send + Sync>;

/// Why a requirement is not met, and so what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has an answer of its own")]
pub enum Unmet {
    /// Signing in again would not help.
    Forbidden {
        /// The requirement, in words.
        requirement: String,
        /// The scopes that are missing, where the requirement is about scopes.
        scopes: Vec<String>,
    },
    /// A stronger or more recent sign-in would do, and everything else holds.
    StepUp(StepUp),
}

/// The sign-in that is asked for ([RFC 9470 § 3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUp {
    /// Authentication context classes that would do, in the order of preference.
    pub acr_values: Vec<String>,
    /// How long ago the sign-in may have been.
    pub max_age: Option<Duration>,
}

impl StepUp {
    /// A sign-in of one of these classes, if there are any, and of this age at most, if one is given.
    pub fn new(acr_values: Vec<String>, max_age: Option<Duration>) -> Self {
        Self {
            acr_values,
            max_age,
        }
    }

    fn merge(&mut self, other: Self) {
        for value in other.acr_values {
            if !self.acr_values.contains(&value) {
                self.acr_values.push(value);
            }
        }
        self.max_age = match (self.max_age, other.max_age) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Any signed-in caller.
pub fn signed_in() -> Requirement {
    Requirement(Node::SignedIn)
}

/// A user, in person or by a client that acts for one, and no client that acts for itself: see
/// [`Identity::kind`](crate::identity::Identity::kind).
pub fn user() -> Requirement {
    Requirement(Node::User)
}

/// A member of the group of exactly this name.
pub fn group(name: impl Into<String>) -> Requirement {
    Requirement(Node::Group(name.into().into()))
}

/// Someone who has the role of exactly this name. Where roles are has to be configured (`Provider::roles_at`): providers have
/// no common place for them.
pub fn role(name: impl Into<String>) -> Requirement {
    Requirement(Node::Role(name.into().into()))
}

/// Someone to whom the scope of exactly this name was granted.
pub fn scope(name: impl Into<String>) -> Requirement {
    Requirement(Node::Scope(name.into().into()))
}

/// Someone whose address the provider has verified and which lies in exactly this domain, in any case. `*.example.com`, or
/// `.example.com`, is every domain below `example.com`, and not that itself. (In the query of the `auth` endpoint it is both:
/// see [`Narrow`](super::Narrow).)
pub fn email_domain(name: impl Into<String>) -> Requirement {
    Requirement(Node::EmailDomain(name.into().into()))
}

/// Someone whose address the provider has verified and which is this one, in any case.
pub fn email(address: impl Into<String>) -> Requirement {
    email_in([address])
}

/// Someone whose address the provider has verified and which is one of these, in any case.
pub fn email_in(addresses: impl IntoIterator<Item = impl Into<String>>) -> Requirement {
    let addresses = addresses.into_iter().map(Into::into);
    let folded = addresses.map(|address: String| address.to_ascii_lowercase().into());
    Requirement(Node::EmailIn(Arc::new(folded.collect())))
}

/// Someone with a claim of exactly this value, or with a list in it that has this value. Of a value, no part: neither a
/// piece of a text nor a member of an object. The claim has to be one that a session
/// [keeps](crate::claims::ClaimRules::keep).
///
/// ```
/// use oidc_gate_core::{gate::claim, identity::Identity, time::UnixTime};
///
/// let researchers = claim("department", "research").and(claim(["flags", "trained"], true));
/// let alice = Identity::builder("https://id.example.com", "1")
///     .claim("department", ["sales", "research"])
///     .claim("flags", serde_json::json!({ "trained": true }))
///     .build();
/// assert!(researchers.check(&alice, UnixTime::from_secs(0)).is_ok());
/// ```
pub fn claim(at: impl Into<ClaimPath>, value: impl Into<Value>) -> Requirement {
    Requirement(Node::Claim(Arc::new((at.into(), value.into()))))
}

/// Someone who reached exactly this authentication context class. Who did not is asked to sign in again.
pub fn acr(value: impl Into<String>) -> Requirement {
    Requirement(Node::Acr(value.into().into()))
}

/// Someone who proved who they are at most this long ago. Who did not, or of whom the provider does not say, is asked
/// to sign in again.
pub fn max_age(age: Duration) -> Requirement {
    Requirement(Node::MaxAge(age))
}

/// How far ahead of this clock the provider's may be. A sign-in that is said to lie further ahead is no recent one.
const AHEAD: Duration = Duration::from_secs(60);

/// Someone of whom `holds` says so. The name is what logs and [`explain`](super::Policy::explain) say.
pub fn predicate(
    name: &'static str,
    holds: impl Fn(&Identity) -> bool + Send + Sync + 'static,
) -> Requirement {
    Requirement(Node::Predicate(name, Arc::new(holds)))
}

impl Requirement {
    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self(Node::All([self.0, other.0].into()))
    }

    /// At least one of the two.
    pub fn or(self, other: Self) -> Self {
        Self(Node::Any([self.0, other.0].into()))
    }

    /// Whether `who` meets it at `now`.
    ///
    /// # Errors
    ///
    /// [`Unmet::StepUp`] if a new sign-in alone could mend it, [`Unmet::Forbidden`] otherwise.
    pub fn check(&self, who: &Identity, now: UnixTime) -> Result<(), Unmet> {
        self.0.check(who, now)
    }

    /// Whether `who` meets all of them. What cannot be mended by a sign-in comes before what can.
    pub(super) fn check_all<'a>(
        requirements: impl Iterator<Item = &'a Self>,
        who: &Identity,
        now: UnixTime,
    ) -> Result<(), Unmet> {
        all(requirements.map(|r| &r.0), who, now)
    }

    /// What is wrong with it, for whoever wrote it: names that nobody can have.
    pub fn problems(&self) -> Vec<String> {
        let mut out = vec![];
        self.0.problems(&mut out);
        out
    }
}

impl Node {
    fn check(&self, who: &Identity, now: UnixTime) -> Result<(), Unmet> {
        let holds = match self {
            Self::SignedIn => true,
            Self::User => who.kind() == IdentityKind::User,
            Self::Group(name) => who.in_group(name),
            Self::Role(name) => who.has_role(name),
            Self::Scope(name) => who.has_scope(name),
            Self::EmailDomain(name) => Address::of(who)
                .zip(Domain::read(name, Dotted::Below))
                .is_some_and(|(address, domain)| domain.covers(address)),
            Self::EmailIn(addresses) => {
                Address::of(who).is_some_and(|address| addresses.contains(&*address.folded()))
            }
            Self::Claim(wanted) => has_claim(who, &wanted.0, &wanted.1),
            Self::Predicate(_, holds) => holds(who),
            Self::Acr(value) => {
                return step_up_unless(who.acr() == Some(value), || {
                    StepUp::new(vec![value.to_string()], None)
                });
            }
            Self::MaxAge(age) => {
                return step_up_unless(
                    who.auth_time()
                        .is_some_and(|time| time <= now + AHEAD && now.since(time) <= *age),
                    || StepUp::new(vec![], Some(*age)),
                );
            }
            Self::All(nodes) => return all(nodes.iter(), who, now),
            Self::Any(nodes) => return self.any(nodes, who, now),
        };
        if holds { Ok(()) } else { Err(self.forbidden()) }
    }

    fn any(&self, nodes: &[Self], who: &Identity, now: UnixTime) -> Result<(), Unmet> {
        let mut best: Option<StepUp> = None;
        for node in nodes {
            match (node.check(who, now), &mut best) {
                (Ok(()), _) => return Ok(()),
                (Err(Unmet::StepUp(way)), None) => best = Some(way),
                // Classes are alternatives already. Any other mixture would ask for more than one of the two.
                (Err(Unmet::StepUp(way)), Some(best))
                    if way.max_age.is_none() && best.max_age.is_none() =>
                {
                    best.merge(way);
                }
                _ => {}
            }
        }
        Err(best.map_or_else(|| self.forbidden(), Unmet::StepUp))
    }

    fn forbidden(&self) -> Unmet {
        Unmet::Forbidden {
            requirement: self.to_string(),
            scopes: match self {
                Self::Scope(name) => vec![name.to_string()],
                _ => vec![],
            },
        }
    }

    fn problems(&self, out: &mut Vec<String>) {
        let mut bad = |what: &str, name: &str, remedy: &str| {
            out.push(format!("{what} {}: {remedy}", quote(name)));
        };
        match self {
            Self::SignedIn | Self::User => {}
            Self::Group(name) if name.is_empty() => bad("group", name, "name a group"),
            Self::Role(name) if name.is_empty() => bad("role", name, "name a role"),
            Self::Scope(name) if name.is_empty() => bad("scope", name, "name a scope"),
            Self::Scope(name) if name.contains(char::is_whitespace) => {
                bad(
                    "scope",
                    name,
                    "a scope holds no space: join two with `.and`",
                );
            }
            Self::Acr(value) if !is_word(value) => bad(
                "acr",
                value,
                "name one class in visible ASCII without spaces, quotes and backslashes",
            ),
            Self::Predicate("", _) => bad("predicate", "", "give it a name for the log"),
            Self::EmailDomain(name) if Domain::read(name, Dotted::Below).is_none() => {
                bad("email_domain", name, "write it as in `example.com`");
            }
            Self::EmailIn(addresses) if addresses.is_empty() => {
                out.push("email_in: name an address".to_owned());
            }
            Self::EmailIn(addresses) => {
                let odd = addresses
                    .iter()
                    .filter(|address| Address::read(address).is_none());
                odd.for_each(|address| {
                    bad("email", address, "write it as in `alice@example.com`");
                });
            }
            Self::Claim(wanted) if !wanted.0.is_fit() => {
                out.push(format!("claim {}: name a claim", wanted.0));
            }
            Self::MaxAge(age) if age.is_zero() => out.push(
                "max_age 0s: nobody can be that quick; allow at least a few minutes".to_owned(),
            ),
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|n| n.problems(out)),
            _ => {}
        }
    }
}

fn all<'a>(
    nodes: impl Iterator<Item = &'a Node>,
    who: &Identity,
    now: UnixTime,
) -> Result<(), Unmet> {
    let mut way: Option<StepUp> = None;
    let mut refused: Option<(String, Vec<String>)> = None;
    for node in nodes {
        match (node.check(who, now), &mut refused) {
            (Ok(()), _) => {}
            (Err(Unmet::StepUp(more)), _) => way.get_or_insert_default().merge(more),
            // Whoever fetches a new token wants to know all the scopes that are missing.
            (Err(Unmet::Forbidden { scopes, .. }), Some((_, missing))) => missing.extend(scopes),
            (
                Err(Unmet::Forbidden {
                    requirement,
                    scopes,
                }),
                none,
            ) => *none = Some((requirement, scopes)),
        }
    }
    if let Some((requirement, scopes)) = refused {
        return Err(Unmet::Forbidden {
            requirement,
            scopes,
        });
    }
    way.map_or(Ok(()), |way| Err(Unmet::StepUp(way)))
}

fn step_up_unless(holds: bool, way: impl Fn() -> StepUp) -> Result<(), Unmet> {
    if holds {
        Ok(())
    } else {
        Err(Unmet::StepUp(way()))
    }
}

fn has_claim(who: &Identity, at: &ClaimPath, wanted: &Value) -> bool {
    at.find(who.claims()).is_some_and(|value| {
        value == wanted || value.as_array().is_some_and(|items| items.contains(wanted))
    })
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, nodes: &[Self], word: &str| {
            for (at, node) in nodes.iter().enumerate() {
                if at > 0 {
                    f.write_str(word)?;
                }
                match (self, node) {
                    (Self::All(_), Self::Any(_)) | (Self::Any(_), Self::All(_)) => {
                        write!(f, "({node})")?;
                    }
                    _ => write!(f, "{node}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::SignedIn => f.write_str("signed in"),
            Self::User => f.write_str("a user"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Role(name) => write!(f, "role {name}"),
            Self::Scope(name) => write!(f, "scope {name}"),
            Self::EmailDomain(name) => write!(f, "verified email at {name}"),
            Self::EmailIn(addresses) => match addresses.first() {
                Some(only) if addresses.len() == 1 => write!(f, "verified email {only}"),
                _ => write!(f, "one of {} verified emails", addresses.len()),
            },
            Self::Claim(wanted) => write!(f, "claim {} is {}", wanted.0, wanted.1),
            Self::Acr(value) => write!(f, "acr {value}"),
            Self::MaxAge(age) => write!(f, "signed in within {age:?}"),
            Self::Predicate(name, _) => f.write_str(name),
            Self::All(nodes) => list(f, nodes, " and "),
            Self::Any(nodes) => list(f, nodes, " or "),
        }
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Two predicates are equal if they are the same one.
impl PartialEq for Requirement {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SignedIn, Self::SignedIn) => true,
            (Self::Group(a), Self::Group(b))
            | (Self::Role(a), Self::Role(b))
            | (Self::Scope(a), Self::Scope(b))
            | (Self::EmailDomain(a), Self::EmailDomain(b))
            | (Self::Acr(a), Self::Acr(b)) => a == b,
            (Self::EmailIn(a), Self::EmailIn(b)) => a == b,
            (Self::Claim(a), Self::Claim(b)) => a == b,
            (Self::MaxAge(a), Self::MaxAge(b)) => a == b,
            (Self::Predicate(a, f), Self::Predicate(b, g)) => a == b && Arc::ptr_eq(f, g),
            (Self::All(a), Self::All(b)) | (Self::Any(a), Self::Any(b)) => a == b,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
