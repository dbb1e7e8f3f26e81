//! What a proxy demands beside the rules, in the query of its question.

use super::email::{Address, Domain, Dotted};
use crate::{
    check::{Check, CheckFailed, quote},
    form::{Form, decode},
    identity::Identity,
};

/// Whom a proxy wants to let in at most: `allowed_groups`, `allowed_emails` and `allowed_email_domains` in the query of the
/// `auth` endpoint, so that one gate can serve several places of a proxy with different demands.
///
/// 1. A name may occur several times, and each value is a list separated by commas. Empty items are ignored.
/// 2. Of one name, one item has to fit; of several names, each has to.
/// 3. Groups are compared to the letter, addresses and domains without regard to case. A domain that is written `.example.com`
///    or `*.example.com` means `example.com` and every host below it. (In [`email_domain`](super::email_domain) it means
///    those below alone.)
/// 4. Addresses count only if the provider has verified them and they can be read in one way: with one `@`, and without commas,
///    quotes and spaces.
///
/// It narrows: nobody passes by it whom the rules keep out, and where anything is demanded at all, it is demanded of
/// everybody, on open paths too.
///
/// ```
/// use oidc_gate_core::{gate::Narrow, identity::Identity};
///
/// let alice = Identity::builder("https://id.example.com", "1").group("admins").email("alice@example.com").build();
/// let admits = |query: &str| Ok::<_, oidc_gate_core::check::CheckFailed>(Narrow::parse(query)?.admits(&alice));
/// assert!(admits("allowed_groups=staff,admins&allowed_email_domains=example.com")?);
/// assert!(!admits("allowed_groups=admins&allowed_emails=bob@example.com")?);
/// // A demand that nobody can have meant is no demand that is met.
/// assert!(admits("allowed_group=staff").is_err());
/// # Ok::<_, oidc_gate_core::check::CheckFailed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    groups: Option<Vec<String>>,
    emails: Option<Vec<String>>,
    domains: Option<Vec<Domain<Box<str>>>>,
}

const GROUPS: &str = "allowed_groups";
const EMAILS: &str = "allowed_emails";
const DOMAINS: &str = "allowed_email_domains";

impl Narrow {
    /// Nobody more than the rules demand.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Reads the query of the question. Parameters that are no demands are ignored.
    ///
    /// # Errors
    ///
    /// [`Check::AuthConstraint`] where a demand is named and cannot be understood: without an item that is not empty, a name
    /// that begins with `allowed` and is none of the three, a domain that is none, a query that is not form-encoded. Whoever
    /// wrote it wanted to keep somebody out.
    pub fn parse(query: &str) -> Result<Self, CheckFailed> {
        let refused = |cause: String| CheckFailed::new(Check::AuthConstraint, cause);
        let mut form = Form::parse_repeating(query.as_bytes(), &[GROUPS, EMAILS, DOMAINS])
            .map_err(|error| refused(format!("the query is {error}")))?;
        let mut items = |name: &str| {
            let named = form.get(name).is_some();
            let items: Vec<String> = form
                .take_all(name)
                .iter()
                .flat_map(|value| value.split(','))
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect();
            match (named, items.is_empty()) {
                (false, _) => Ok(None),
                (true, true) => Err(refused(format!("{name} names nobody"))),
                (true, false) => Ok(Some(items)),
            }
        };
        let (groups, emails, domains) = (items(GROUPS)?, items(EMAILS)?, items(DOMAINS)?);
        let alike = |name: &&str| name.to_ascii_lowercase().starts_with("allowed");
        if let Some(name) = form.names().find(alike) {
            return Err(refused(format!(
                "expected {GROUPS}, {EMAILS} or {DOMAINS}, got {}",
                quote(name)
            )));
        }
        let domains = domains.map(|items| items.iter().map(|item| domain(item)).collect());
        Ok(Self {
            groups,
            emails,
            domains: domains.transpose()?,
        })
    }

    /// Whether a query names a demand, or something that may be meant as one: where none is read, whoever wrote it has to be
    /// told.
    pub fn is_named_in(query: &str) -> bool {
        let names = query.split('&').map(|pair| pair.split('=').next());
        names.flatten().any(|name| {
            let name = decode(name.as_bytes()).unwrap_or_default();
            name.to_ascii_lowercase().starts_with("allowed")
        })
    }

    /// Whether nothing is demanded.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the caller meets each demand.
    pub fn admits(&self, who: &Identity) -> bool {
        let address = Address::of(who);
        let groups = self
            .groups
            .as_ref()
            .is_none_or(|wanted| wanted.iter().any(|group| who.in_group(group)));
        let emails = self.emails.as_ref().is_none_or(|wanted| {
            address.is_some_and(|address| wanted.iter().any(|wanted| address.is(wanted)))
        });
        let domains = self.domains.as_ref().is_none_or(|wanted| {
            address.is_some_and(|address| wanted.iter().any(|wanted| wanted.covers(address)))
        });
        groups && emails && domains
    }
}

fn domain(text: &str) -> Result<Domain<Box<str>>, CheckFailed> {
    let domain = Domain::read(text, Dotted::ItselfAndBelow).map(Domain::owned);
    domain.ok_or_else(|| {
        CheckFailed::new(
            Check::AuthConstraint,
            format!(
                "expected a domain as in example.com or .example.com, got {}",
                quote(text)
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        query: String,
        #[serde(default)]
        groups: Vec<String>,
        email: Option<String>,
        #[serde(default)]
        unverified: bool,
        /// `admits`, `refuses`, or `malformed`.
        is: String,
    }

    #[test]
    fn each_demand_is_met_as_the_table_says() {
        let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/narrow.toml"));
        for case in cases {
            let mut who = Identity::builder("https://id.example", "1");
            for group in &case.groups {
                who = who.group(group);
            }
            who = match case.email {
                Some(address) if case.unverified => who.unverified_email(address),
                Some(address) => who.email(address),
                None => who,
            };
            let is = match Narrow::parse(&case.query) {
                Ok(narrow) if narrow.admits(&who.build()) => "admits",
                Ok(_) => "refuses",
                Err(failed) => {
                    assert_eq!(failed.check(), Check::AuthConstraint, "{}", case.name);
                    "malformed"
                }
            };
            assert_eq!(is, case.is, "{}", case.name);
        }
    }

    #[test]
    fn nothing_is_demanded_where_no_demand_is_named() {
        for query in ["", "rd=%2F", "x=1&y=2"] {
            assert!(Narrow::parse(query).unwrap().is_nothing(), "{query}");
        }
        assert!(!Narrow::parse("allowed_groups=a").unwrap().is_nothing());
        for query in [
            "allowed_groups=a",
            "x=1&allowed_emails",
            "Allowed_x=1",
            "%61llowed_groups=a",
        ] {
            assert!(Narrow::is_named_in(query), "{query}");
        }
        for query in ["", "x=allowed_groups", "disallowed=1", "%ff=1&x=%zz"] {
            assert!(!Narrow::is_named_in(query), "{query}");
        }
        assert_eq!(Narrow::nothing(), Narrow::parse("").unwrap());
    }
}
