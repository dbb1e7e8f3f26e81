//! What a policy is made of, and what cannot be meant.

use super::pattern::{Pattern, Shape, literal_problem, prefix_of};
use super::requirement::Requirement;
use super::route::Endpoint;
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

    pub(super) fn restricts(&self) -> bool {
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
    pub(super) fn new(setting: impl fmt::Display, problem: impl Into<String>) -> Self {
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

/// Everything in the settings that cannot be meant.
pub(super) fn problems(settings: &PolicySettings) -> Vec<RuleProblem> {
    let mut problems = vec![];
    check_places(settings, &mut problems);
    check_rules(settings, &mut problems);
    for pattern in &settings.json {
        if let Some(problem) = pattern.problem() {
            problems.push(RuleProblem::new(format!("json({pattern})"), problem));
        }
    }
    problems
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
