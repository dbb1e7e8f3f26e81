//! Which rule decides about a request, in words.

use super::head::Path;
use super::path::Clarity;
use super::policy::{Place, Policy};
use super::requirement::{Requirement, Unmet};
use super::settings::RuleKind;
use crate::check::quote;
use crate::identity::Identity;
use crate::time::UnixTime;
use http::Method;
use std::fmt;

/// Which rules decide about a request and what they do to a caller. Its `Display` form is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The request, and what makes its path ambiguous, if something does.
    pub request: String,
    /// The rules that decide. Empty where none matches, and for the gate's own paths.
    pub rules: Vec<String>,
    /// What becomes of the request.
    pub outcome: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.request)?;
        for rule in &self.rules {
            write!(f, "\n  by {rule}")?;
        }
        write!(f, "\n  {}", self.outcome)
    }
}

impl Policy {
    /// Says which rules decide about a request for `method` and `path`, and what they do to `who`, by the same code
    /// that decides.
    ///
    /// ```
    /// use http::Method;
    /// use oidc_gate_core::gate::{Pattern, Policy, PolicySettings, group};
    /// use oidc_gate_core::time::UnixTime;
    ///
    /// let settings = PolicySettings::new().require(Pattern::prefix("/admin"), group("admins"));
    /// let policy = Policy::compile(settings).unwrap();
    /// assert_eq!(
    ///     policy.explain(&Method::GET, "/admin/users", None, UnixTime::from_secs(0)).to_string(),
    ///     "GET \"/admin/users\"\n  by require(/admin and below, group admins)\n  a login is demanded",
    /// );
    /// ```
    pub fn explain(
        &self,
        method: &Method,
        path: &str,
        who: Option<&Identity>,
        now: UnixTime,
    ) -> Explanation {
        let mut request = format!("{method} {}", quote(path));
        let read = match Clarity::of(path) {
            Clarity::Plain => Path::Plain(path),
            Clarity::Ambiguous(why) => {
                request += &format!(", an ambiguous path: {}", why.what());
                Path::Ambiguous(path, why)
            }
        };
        let placed = self.place(method, read);
        let rules: Vec<_> = placed
            .rules
            .iter()
            .filter_map(|at| self.rules.get(at))
            .collect();
        let mut outcome: String = match (&placed.place, who) {
            (Place::Bypass, _) => "bypassed: the gate stays out of it".into(),
            (Place::Open, None) => "open: anyone may pass".into(),
            (Place::Open, Some(_)) => "open: anyone may pass, and this caller is recognised".into(),
            (Place::Endpoint(endpoint), _) => {
                format!(
                    "the gate's own endpoint {} ({})",
                    endpoint.name(),
                    endpoint.allow()
                )
            }
            (Place::UnknownEndpoint, _) => {
                "404: the path belongs to the gate, which has no such endpoint".into()
            }
            (Place::Protected, None) if rules.is_empty() => {
                "no rule matches, so a login is demanded".into()
            }
            (Place::Protected, None) => "a login is demanded".into(),
            (Place::Protected, Some(who)) => {
                let requirements = rules.iter().filter_map(|rule| match &rule.kind {
                    RuleKind::Require(requirement) => Some(requirement),
                    RuleKind::Bypass | RuleKind::Open | RuleKind::Protect => None,
                });
                let requirements = self.admit.iter().chain(requirements);
                match Requirement::check_all(requirements, who, now) {
                    Ok(()) => "this caller may pass".into(),
                    Err(Unmet::Forbidden { requirement, .. }) => {
                        format!("403: this caller lacks {requirement}")
                    }
                    Err(Unmet::StepUp(_)) => "this caller has to sign in again".into(),
                }
            }
        };
        if placed.place == Place::Protected && self.polling.covers(method, read) {
            outcome += "; it extends no session";
        }
        Explanation {
            request,
            rules: rules.iter().map(ToString::to_string).collect(),
            outcome,
        }
    }
}
