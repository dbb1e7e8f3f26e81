//! The rules, compiled once.

use super::head::{Head, Path};
use super::matcher::{Matcher, Way};
use super::pattern::{Pattern, Shape, literal_problem, prefix_of};
use super::requirement::Requirement;
use super::route::{Endpoint, Found, Requirements, Route};
use http::Method;
use std::{collections::HashMap, fmt};

/// What a rule does to the requests its pattern covers. In the order of strictness: the last of those that match wins.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the four kinds are the design, and each has its place in the order"
)]
pub enum RuleKind {
    /// The gate stays out of it: no session, no token, no login, no change to the response.
    Bypass,
    /// No login is demanded; who presents a session or a token is recognised.
    Open,
    /// A login is demanded. So it is where no rule matches.
    Protect,
    /// A login is demanded, and this.
    Require(Requirement),
}

impl RuleKind {
    /// The name of the builder method that makes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Open => "open",
            Self::Protect => "protect",
            Self::Require(_) => "require",
        }
    }

    fn restricts(&self) -> bool {
        match self {
            Self::Bypass | Self::Open => false,
            Self::Protect | Self::Require(_) => true,
        }
    }
}

/// A pattern and what happens there.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// Which requests.
    pub pattern: Pattern,
    /// What happens to them.
    pub kind: RuleKind,
}

impl Rule {
    /// A rule.
    pub fn new(pattern: Pattern, kind: RuleKind) -> Self {
        Self { pattern, kind }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}", self.kind.name(), self.pattern)?;
        if let RuleKind::Require(requirement) = &self.kind {
            write!(f, ", {requirement}")?;
        }
        f.write_str(")")
    }
}

/// Which credentials the gate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(
    clippy::exhaustive_enums,
    reason = "answers differ for each of the three"
)]
pub enum Accepts {
    /// Sessions made by a login.
    #[default]
    Sessions,
    /// Sessions, and bearer tokens beside them.
    SessionsAndBearer,
    /// Bearer tokens alone: nobody is ever sent to a login.
    Bearer,
}

impl Accepts {
    pub(super) fn sessions(self) -> bool {
        self != Self::Bearer
    }

    pub(super) fn bearer(self) -> bool {
        self != Self::Sessions
    }
}

/// What a bearer token that is not valid leads to on a protected path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "the choices are the design")]
pub enum InvalidBearer {
    /// A navigation without a live session goes to the login. Everything else gets 401 `invalid_token`: where there is
    /// a session, a login cannot mend the header.
    #[default]
    Login,
    /// 403, as `--bearer-token-login-fallback=false` of oauth2-proxy does.
    Forbidden,
    /// 401 `invalid_token` always.
    Challenge,
}

/// What a [`Policy`] is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicySettings {
    /// The rules, in any order.
    pub rules: Vec<Rule>,
    /// Where the gate's own endpoints lie, below the base path. `/oauth2` unless set.
    pub prefix: String,
    /// The path under which requests reach the gate: empty, or `/…` without a slash at the end.
    pub base_path: String,
    /// The endpoints that exist. Without any, the prefix belongs to the application.
    pub endpoints: Vec<Endpoint>,
    /// Which credentials are known.
    pub accepts: Accepts,
    /// What an invalid bearer token leads to.
    pub invalid_bearer: InvalidBearer,
    /// Where every answer of the gate is JSON and never a redirect, whatever the headers say.
    pub json: Vec<Pattern>,
    /// The application's own origin, as a browser writes it in `Origin`. Without it no request that changes something
    /// passes by a session unless the browser vouches for it in `Sec-Fetch-Site`.
    pub origin: Option<String>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            rules: vec![],
            prefix: "/oauth2".into(),
            base_path: String::new(),
            endpoints: vec![
                Endpoint::Start,
                Endpoint::Callback(None),
                Endpoint::Userinfo,
                Endpoint::SignOut,
            ],
            accepts: Accepts::default(),
            invalid_bearer: InvalidBearer::default(),
            json: vec![],
            origin: None,
        }
    }
}

impl PolicySettings {
    /// Everything protected by sessions, endpoints under `/oauth2`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, pattern: Pattern, kind: RuleKind) -> Self {
        self.rules.push(Rule::new(pattern, kind));
        self
    }

    /// Anyone may pass here.
    #[must_use]
    pub fn open(self, pattern: Pattern) -> Self {
        self.rule(pattern, RuleKind::Open)
    }

    /// The gate stays out of it here.
    #[must_use]
    pub fn bypass(self, pattern: Pattern) -> Self {
        self.rule(pattern, RuleKind::Bypass)
    }

    /// The signed-in may pass here.
    #[must_use]
    pub fn protect(self, pattern: Pattern) -> Self {
        self.rule(pattern, RuleKind::Protect)
    }

    /// The signed-in may pass here if they meet the requirement.
    #[must_use]
    pub fn require(self, pattern: Pattern, requirement: Requirement) -> Self {
        self.rule(pattern, RuleKind::Require(requirement))
    }
}

/// A setting that cannot be meant, in words: which, its value, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProblem {
    setting: String,
    problem: String,
}

impl RuleProblem {
    fn new(setting: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self {
            setting: setting.to_string(),
            problem: problem.into(),
        }
    }

    /// Which setting, with its value.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// What is wrong with it and what to write instead.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)
    }
}

impl std::error::Error for RuleProblem {}

/// The rules of a gate, checked and ready.
///
/// How a request is placed:
///
/// 1. Under the gate's prefix everything is the gate's own.
/// 2. A rule that names exactly this path decides over those that describe many: an `open` or `bypass` rule for exactly
///    this path holds even where a pattern demands a login.
/// 3. Otherwise the strictest of all rules that match wins, in whatever order they were given: `require` over `protect`
///    over `open` over `bypass`. All `require` rules that match apply.
/// 4. Where no rule matches, a login is demanded.
///
/// # Security
///
/// Rules that permit (`open`, `bypass`) compare the raw bytes of the path, as a router does, and never match a path that
/// another parser could [read differently](super::Clarity). Rules that restrict (`protect`, `require`) match if *any*
/// reading of the path does, in upper or lower case, with or without a slash at the end.
#[derive(Debug)]
pub struct Policy {
    pub(super) rules: Vec<Rule>,
    /// The rules that name one path, by it.
    exact: HashMap<Box<str>, Vec<u32>>,
    permits: Matcher,
    restricts: Matcher,
    json: Matcher,
    json_patterns: Vec<Pattern>,
    /// Base path and prefix, joined.
    prefix: Box<str>,
    endpoints: Vec<(Box<str>, Endpoint)>,
    pub(super) accepts: Accepts,
    pub(super) invalid_bearer: InvalidBearer,
    pub(super) origin: Option<Box<str>>,
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
        let mut problems = vec![];
        check_places(&settings, &mut problems);
        check_rules(&settings, &mut problems);
        for pattern in &settings.json {
            if let Some(problem) = pattern.problem() {
                problems.push(RuleProblem::new(format!("json({pattern})"), problem));
            }
        }
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
        let mut exact: HashMap<Box<str>, Vec<u32>> = HashMap::new();
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
            endpoints: endpoints
                .map(|endpoint| (format!("{prefix}{}", endpoint.path()).into(), endpoint))
                .collect(),
            prefix,
            accepts: settings.accepts,
            invalid_bearer: settings.invalid_bearer,
            origin: settings.origin.map(Into::into),
            rules,
        })
    }

    /// Which rules apply to the request.
    pub fn route(&self, head: &Head<'_>) -> Route<'_> {
        let placed = self.place(head.method, head.path());
        match placed.place {
            Place::Bypass => Route::Bypass,
            Place::Open => Route::Open,
            Place::Protected => Route::Protected(Requirements {
                rules: &self.rules,
                found: placed.rules,
            }),
            Place::Endpoint(endpoint) => Route::Endpoint(endpoint),
            Place::UnknownEndpoint => Route::UnknownEndpoint,
        }
    }

    /// The path of an endpoint as browsers are sent to it, base path included.
    pub fn endpoint_path(&self, endpoint: &Endpoint) -> String {
        format!("{}{}", self.prefix, endpoint.path())
    }

    /// Whether every answer of the gate to this request is JSON.
    pub fn answers_json(&self, head: &Head<'_>) -> bool {
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
            Path::Unknown => self.restricted_everywhere(),
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
            if rule.pattern.covers(method) {
                match rule.kind {
                    RuleKind::Bypass => bypass.insert(*at),
                    RuleKind::Open => open.insert(*at),
                    RuleKind::Protect | RuleKind::Require(_) => restricted = true,
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
        if path.contains('%') {
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
            Some(self.restricted_everywhere())
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

    fn restricted_everywhere(&self) -> Placed {
        let mut rules = Found::default();
        for (at, rule) in (0u32..).zip(&self.rules) {
            if rule.kind.restricts() {
                rules.insert(at);
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

fn check_places(settings: &PolicySettings, problems: &mut Vec<RuleProblem>) {
    let mut check = |name: &str, path: &str, example: &str| {
        let problem = literal_problem(path).or_else(|| {
            path.ends_with('/')
                .then(|| format!("must not end with `/`: write it as in `{example}`"))
        });
        if let Some(problem) = problem {
            problems.push(RuleProblem::new(format!("{name} {path:?}"), problem));
        }
    };
    check("prefix", &settings.prefix, "/oauth2");
    if !settings.base_path.is_empty() {
        check("base path", &settings.base_path, "/app");
    }
    for endpoint in &settings.endpoints {
        if let Endpoint::Callback(Some(id)) = endpoint
            && (id.is_empty() || id.contains('/') || literal_problem(&format!("/{id}")).is_some())
        {
            problems.push(RuleProblem::new(
                format!("provider id {id:?}"),
                "is a part of the redirect URI: use letters, digits, `-` and `_`",
            ));
        }
    }
}

fn check_rules(settings: &PolicySettings, problems: &mut Vec<RuleProblem>) {
    let own = format!("{}{}", settings.base_path, settings.prefix);
    let mut seen: HashMap<Pattern, &Rule> = HashMap::new();
    for rule in &settings.rules {
        if let Some(problem) = rule.pattern.problem() {
            problems.push(RuleProblem::new(rule, problem));
            continue;
        }
        if let RuleKind::Require(requirement) = &rule.kind {
            for problem in requirement.problems() {
                problems.push(RuleProblem::new(rule, problem));
            }
        }
        if let (Shape::Path(path) | Shape::Prefix(path), false) =
            (&rule.pattern.shape, settings.endpoints.is_empty())
        {
            let below = prefix_of(path).strip_prefix(own.as_str());
            if below.is_some_and(|below| below.is_empty() || below.starts_with('/')) {
                problems.push(RuleProblem::new(
                    rule,
                    format!("never matches: {own} and all below it belong to the gate; remove the rule or set another prefix"),
                ));
            }
        }
        let other = *seen.entry(rule.pattern.canonical()).or_insert(rule);
        if other.kind.name() != rule.kind.name() {
            problems.push(RuleProblem::new(
                rule,
                format!("the same pattern stands in {other}: keep one of the two"),
            ));
        }
    }
}
