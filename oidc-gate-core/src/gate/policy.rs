//! The rules, compiled once, and the place they give to a request.

use super::head::{Head, Path};
use super::matcher::{Matcher, Way};
use super::pattern::Pattern;
use super::polling::Polling;
use super::preflight::Preflights;
use super::requirement::{Requirement, Unmet};
use super::route::{Endpoint, Found, Requirements, Route};
use super::settings::{
    Accepts, InvalidBearer, PolicySettings, Rule, RuleKind, RuleProblem, problems,
};
use crate::identity::Identity;
use crate::peers::Peers;
use crate::session::SameSite;
use crate::time::UnixTime;
use http::Method;
use memchr::memchr;
use rustc_hash::FxHashMap;
use std::{net::IpAddr, sync::Arc};

/// The rules of a gate, checked and ready.
///
/// How a request is placed:
///
/// 1. Under the gate's prefix everything is the gate's own.
/// 2. A rule that names exactly this path decides over those that describe many: an `open` or `bypass` rule for exactly
///    this path holds even where a pattern demands a login.
/// 3. Otherwise the strictest of all rules that match wins, in whatever order they were given: `require` over `protect`
///    over `open` over `bypass`. All `require` rules that match apply.
/// 4. Where no rule matches, a login is demanded, but of clients from networks that [it is open
///    to](PolicySettings::open_to).
///
/// # Security
///
/// Rules that permit (`open`, `bypass`) compare the raw bytes of the path, as a router does, and never match a path that
/// another parser could [read differently](super::Clarity). Rules that restrict (`protect`, `require`) match if *any*
/// reading of the path does, in upper or lower case, with or without a slash at the end.
#[derive(Debug)]
pub struct Policy {
    pub(super) rules: Vec<Rule>,
    /// The rules that name one path, by it. They come from the configuration, so nobody who sends requests can have made
    /// them collide.
    exact: FxHashMap<Box<str>, Vec<u32>>,
    permits: Matcher,
    restricts: Matcher,
    json: Matcher,
    pub(super) json_patterns: Vec<Pattern>,
    pub(super) polling: Polling,
    /// Base path and prefix, joined.
    prefix: Box<str>,
    pub(super) endpoints: Vec<(Box<str>, Endpoint)>,
    pub(super) accepts: Accepts,
    pub(super) invalid_bearer: InvalidBearer,
    pub(super) realm: Option<Arc<str>>,
    pub(super) origin: Option<Box<str>>,
    pub(super) same_site: SameSite,
    pub(super) admit: Option<Requirement>,
    pub(super) open_to: Option<Peers>,
    pub(super) preflights: Preflights,
}

/// What was found for a request, and by which rules.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) place: Place,
    /// The rules that led there. For a protected place among them all requirements that apply.
    pub(super) rules: Found,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Bypass,
    Open,
    Protected,
    Endpoint(Endpoint),
    UnknownEndpoint,
}

impl Policy {
    /// Checks the settings and makes them ready.
    ///
    /// The same rule twice is harmless: rules are often put together from several places. The same pattern with two
    /// different kinds is a problem, since one of the two cannot be meant; several `require` rules for one pattern all
    /// apply.
    ///
    /// # Errors
    ///
    /// Everything that cannot be meant, all at once.
    pub fn compile(settings: PolicySettings) -> Result<Self, Vec<RuleProblem>> {
        let problems = problems(&settings);
        if !problems.is_empty() {
            return Err(problems);
        }
        let rules = settings.rules;
        let numbered = || (0u32..).zip(&rules);
        let matcher = |way, restricts: bool| {
            let wanted = numbered().filter(|(_, rule)| rule.kind.restricts() == restricts);
            // What names one path and permits is found in `exact`.
            let wanted = wanted.filter(|(_, r)| restricts || r.pattern.literal().is_none());
            Matcher::new(way, wanted.map(|(at, rule)| (at, &rule.pattern)))
        };
        let too_large = |error: regex::Error| {
            vec![RuleProblem::new(
                "the regular expressions of all rules together",
                format!("are too large: {error}"),
            )]
        };
        let permits = matcher(Way::Exact, false).map_err(too_large)?;
        let restricts = matcher(Way::Generous, true).map_err(too_large)?;
        let json = Matcher::new(Way::Exact, (0u32..).zip(&settings.json)).map_err(too_large)?;
        let polling = Polling::new(settings.polling).map_err(too_large)?;
        let mut exact = FxHashMap::<Box<str>, Vec<u32>>::default();
        for (at, rule) in numbered() {
            if let Some(path) = rule.pattern.literal() {
                exact.entry(path.into()).or_default().push(at);
            }
        }
        let prefix: Box<str> = format!("{}{}", settings.base_path, settings.prefix).into();
        let endpoints = settings.endpoints.into_iter();
        Ok(Self {
            exact,
            permits,
            restricts,
            json,
            json_patterns: settings.json,
            polling,
            endpoints: endpoints
                .map(|endpoint| (format!("{prefix}{}", endpoint.path()).into(), endpoint))
                .collect(),
            prefix,
            accepts: settings.accepts,
            invalid_bearer: settings.invalid_bearer,
            realm: settings.realm.map(Into::into),
            origin: settings.origin.map(Into::into),
            same_site: settings.same_site,
            admit: settings.admit,
            open_to: settings.open_to,
            preflights: settings.preflights,
            rules,
        })
    }

    /// Which rules apply to the request.
    pub fn route(&self, head: &Head<'_>) -> Route<'_> {
        let path = head.path();
        let placed = self.place(head.method, path);
        match path {
            Path::Plain(_) if self.is_open_to(head.client, &placed) => {
                Route::OpenToNetwork(self.requirements(placed.rules))
            }
            _ => self.routed(placed),
        }
    }

    /// Whether a client from there passes where no rule says anything. A restriction holds for everybody.
    fn is_open_to(&self, client: Option<IpAddr>, placed: &Placed) -> bool {
        let networks = self.open_to.as_ref();
        placed.place == Place::Protected
            && placed.rules.is_empty()
            && networks.is_some_and(|networks| networks.believes(client))
    }

    /// Whether rules look at where a client comes from.
    pub fn asks_for_client(&self) -> bool {
        self.open_to.is_some()
    }

    pub(super) fn requirements(&self, found: Found) -> Requirements<'_> {
        Requirements {
            rules: &self.rules,
            found,
            admit: self.admit.as_ref(),
        }
    }

    fn routed(&self, placed: Placed) -> Route<'_> {
        match placed.place {
            Place::Bypass => Route::Bypass,
            Place::Open => Route::Open,
            Place::Protected => Route::Protected(self.requirements(placed.rules)),
            Place::Endpoint(endpoint) => Route::Endpoint(endpoint),
            Place::UnknownEndpoint => Route::UnknownEndpoint,
        }
    }

    /// Whether somebody may use the application at all: what is demanded on every protected path.
    ///
    /// # Errors
    ///
    /// What is not met, and what could be done about it.
    pub fn admits(&self, who: &Identity, now: UnixTime) -> Result<(), Unmet> {
        Requirement::check_all(self.admit.iter(), who, now)
    }

    /// Whether sessions come along when another site leads a user here.
    pub fn same_site(&self) -> SameSite {
        self.same_site
    }

    /// The path of an endpoint as browsers are sent to it, base path included.
    pub fn endpoint_path(&self, endpoint: &Endpoint) -> String {
        format!("{}{}", self.prefix, endpoint.path())
    }

    /// Whether every answer of the gate to this request is JSON. Where nobody signs in, there is no page to show.
    pub fn answers_json(&self, head: &Head<'_>) -> bool {
        if !self.accepts.sessions() {
            return true;
        }
        if self.json_patterns.is_empty() {
            return false;
        }
        let (Path::Plain(path) | Path::Ambiguous(path, _)) = head.path() else {
            return false;
        };
        let mut json = false;
        self.json.find(path, &mut |at| {
            json |= self
                .json_patterns
                .get(at as usize)
                .is_some_and(|p| p.covers(head.method));
        });
        json
    }

    pub(super) fn place(&self, method: &Method, path: Path<'_>) -> Placed {
        match path {
            Path::Plain(path) => self
                .own(path)
                .or_else(|| self.named(method, path))
                .or_else(|| self.restricted(method, path))
                .or_else(|| self.permitted(method, path))
                .unwrap_or_else(Placed::by_default),
            Path::Ambiguous(path, _) => self
                .own(path)
                .or_else(|| self.restricted_in_any_reading(method, path))
                .unwrap_or_else(Placed::by_default),
            Path::Unknown => self.restricted_everywhere(method),
        }
    }

    /// Under the gate's own prefix.
    fn own(&self, path: &str) -> Option<Placed> {
        if self.endpoints.is_empty() {
            return None;
        }
        let below = path.strip_prefix(&*self.prefix)?;
        if !below.is_empty() && !below.starts_with('/') {
            return None;
        }
        let endpoint = self.endpoints.iter().find(|(full, _)| **full == *path);
        Some(Placed {
            place: endpoint.map_or(Place::UnknownEndpoint, |(_, e)| Place::Endpoint(e.clone())),
            rules: Found::default(),
        })
    }

    /// By the strictest rule that names exactly this path.
    fn named(&self, method: &Method, path: &str) -> Option<Placed> {
        let (mut open, mut bypass) = (Found::default(), Found::default());
        let mut restricted = false;
        for at in self.exact.get(path)? {
            let rule = self.rules.get(*at as usize)?;
            match rule.kind {
                RuleKind::Bypass if rule.pattern.covers(method) => bypass.insert(*at),
                RuleKind::Open if rule.pattern.covers(method) => open.insert(*at),
                RuleKind::Bypass | RuleKind::Open => {}
                // Generously, as restrictions are: no spelling of a method escapes one.
                RuleKind::Protect | RuleKind::Require(_) => {
                    restricted |= rule.pattern.restricts(method);
                }
            }
        }
        if restricted {
            // Restrictions are looked for among all rules anyway, so this one is found again with the others.
            None
        } else {
            Placed::permitted(open, bypass)
        }
    }

    fn restricted(&self, method: &Method, path: &str) -> Option<Placed> {
        // An escape has more than one reading even where it has one meaning: `%C3%9C` is `ü` in another case.
        if memchr(b'%', path.as_bytes()).is_some() {
            return self.restricted_in_any_reading(method, path);
        }
        let mut rules = Found::default();
        self.restricts
            .find(path, &mut |at| self.restrict(at, method, &mut rules));
        Placed::restricted(rules)
    }

    fn restricted_in_any_reading(&self, method: &Method, path: &str) -> Option<Placed> {
        let mut rules = Found::default();
        let known = self
            .restricts
            .find_any(path, &mut |at| self.restrict(at, method, &mut rules));
        if known {
            Placed::restricted(rules)
        } else {
            Some(self.restricted_everywhere(method))
        }
    }

    fn restrict(&self, at: u32, method: &Method, rules: &mut Found) {
        if self
            .rules
            .get(at as usize)
            .is_some_and(|rule| rule.pattern.restricts(method))
        {
            rules.insert(at);
        }
    }

    /// The path could be any, so it is all of them.
    fn restricted_everywhere(&self, method: &Method) -> Placed {
        let mut rules = Found::default();
        for (at, rule) in (0u32..).zip(&self.rules) {
            if rule.kind.restricts() {
                self.restrict(at, method, &mut rules);
            }
        }
        Placed {
            place: Place::Protected,
            rules,
        }
    }

    fn permitted(&self, method: &Method, path: &str) -> Option<Placed> {
        let (mut open, mut bypass) = (Found::default(), Found::default());
        self.permits.find(path, &mut |at| {
            if let Some(rule) = self
                .rules
                .get(at as usize)
                .filter(|r| r.pattern.covers(method))
            {
                match rule.kind {
                    RuleKind::Bypass => bypass.insert(at),
                    RuleKind::Open => open.insert(at),
                    RuleKind::Protect | RuleKind::Require(_) => {}
                }
            }
        });
        Placed::permitted(open, bypass)
    }
}

impl Placed {
    fn by_default() -> Self {
        Self {
            place: Place::Protected,
            rules: Found::default(),
        }
    }

    fn restricted(rules: Found) -> Option<Self> {
        (!rules.is_empty()).then_some(Self {
            place: Place::Protected,
            rules,
        })
    }

    /// The stricter of the two kinds that permit.
    fn permitted(open: Found, bypass: Found) -> Option<Self> {
        let (place, rules) = match (open.is_empty(), bypass.is_empty()) {
            (false, _) => (Place::Open, open),
            (true, false) => (Place::Bypass, bypass),
            (true, true) => return None,
        };
        Some(Self { place, rules })
    }
}

#[cfg(test)]
mod tests;
