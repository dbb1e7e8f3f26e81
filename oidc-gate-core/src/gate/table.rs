//! All rules at a glance.

use super::policy::Policy;
use super::preflight::Preflights;
use super::settings::RuleKind;
use std::{collections::BTreeSet, fmt};

/// The rules of a gate and its endpoints. Its `Display` form is a table, the strictest rules first: for people, and for a
/// snapshot, in whose difference a review sees what a change opens.
///
/// ```
/// use oidc_gate_core::gate::{Pattern, Policy, PolicySettings, group};
///
/// let settings = PolicySettings::new()
///     .open(Pattern::get("/"))
///     .bypass(Pattern::prefix("/assets"))
///     .require(Pattern::prefix("/admin"), group("admins"));
/// let table = Policy::compile(settings).unwrap().table();
/// assert_eq!(
///     table.to_string(),
///     "\
/// require   /admin and below   group admins
/// protect   everything else
/// open      GET /
/// bypass    /assets and below
/// endpoint  /oauth2/callback   GET, POST
/// endpoint  /oauth2/session    GET, HEAD
/// endpoint  /oauth2/sign_out   GET, POST
/// endpoint  /oauth2/start      GET, POST
/// endpoint  /oauth2/userinfo   GET, HEAD
/// "
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTable(Vec<[String; 3]>);

impl Policy {
    /// All rules at a glance.
    pub fn table(&self) -> RuleTable {
        let mut rows = vec![];
        let mut row = |kind: &str, what: &dyn fmt::Display, more: &dyn fmt::Display| {
            rows.push([kind.to_owned(), what.to_string(), more.to_string()]);
        };
        if let Some(requirement) = &self.admit {
            row("admit", &"everything protected", requirement);
        }
        self.each(&["require", "protect"], &mut row);
        match &self.open_to {
            Some(clients) => {
                let but = format!("but not of clients in {clients}");
                row("protect", &"everything else", &but);
            }
            None => row("protect", &"everything else", &""),
        }
        self.each(&["open", "bypass"], &mut row);
        if self.preflights == Preflights::Pass {
            row("pass", &"preflights", &"of everything protected");
        }
        for pattern in &self.json_patterns {
            row("json", pattern, &"");
        }
        for pattern in self.polling.patterns() {
            row("polling", pattern, &"extends no session");
        }
        let mut endpoints: Vec<_> = self.endpoints.iter().collect();
        endpoints.sort_by_key(|(path, _)| path);
        for (path, endpoint) in endpoints {
            row("endpoint", path, &endpoint.allow());
        }
        RuleTable(rows)
    }

    /// The rules of these kinds, one kind after the other, each sorted and once.
    fn each(
        &self,
        kinds: &[&str],
        row: &mut dyn FnMut(&str, &dyn fmt::Display, &dyn fmt::Display),
    ) {
        for kind in kinds {
            let rules = self.rules.iter().filter(|rule| rule.kind.name() == *kind);
            let found: BTreeSet<_> = rules
                .map(|rule| match &rule.kind {
                    RuleKind::Require(requirement) => {
                        (rule.pattern.to_string(), requirement.to_string())
                    }
                    RuleKind::Bypass | RuleKind::Open | RuleKind::Protect => {
                        (rule.pattern.to_string(), String::new())
                    }
                })
                .collect();
            found.iter().for_each(|(what, more)| row(kind, what, more));
        }
    }
}

impl fmt::Display for RuleTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let texts = self.0.iter().map(|row| row[column].chars().count());
            texts.max().unwrap_or_default()
        };
        let (first, second) = (width(0), width(1));
        for [kind, what, more] in &self.0 {
            let line = format!("{kind:first$}  {what:second$}  {more}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
