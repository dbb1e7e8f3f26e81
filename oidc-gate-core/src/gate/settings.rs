//! What a policy is made of, and what cannot be meant.

use super::pattern::{Pattern, Shape, literal_problem, prefix_of};
use super::polling;
use super::preflight::Preflights;
use super::requirement::Requirement;
use super::route::Endpoint;
use crate::peers::Peers;
use crate::session::SameSite;
use http::HeaderValue;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
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

    /// The headers that callers are told apart by, as they stand in `Vary`
    /// ([RFC 9110 § 12.5.5](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5)).
    ///
    /// ```
    /// use oidc_gate_core::gate::Accepts;
    /// assert_eq!(Accepts::SessionsAndBearer.vary(), "Cookie, Authorization");
    /// ```
    pub fn vary(self) -> HeaderValue {
        const COOKIE: HeaderValue = HeaderValue::from_static("Cookie");
        const BOTH: HeaderValue = HeaderValue::from_static("Cookie, Authorization");
        const AUTHORIZATION: HeaderValue = HeaderValue::from_static("Authorization");
        match self {
            Self::Sessions => COOKIE,
            Self::SessionsAndBearer => BOTH,
            Self::Bearer => AUTHORIZATION,
        }
    }
}

/// What a bearer token that is not valid leads to on a protected path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "the choices are the design")]
pub enum InvalidBearer {
    /// A navigation without a live session goes to the login. Everything else gets 401 `invalid_token`: where there is
    /// a session, a login cannot mend the header. One that cannot be read at all gets 400 `invalid_request`.
    #[default]
    Login,
    /// 403 always, as `--bearer-token-login-fallback=false` of oauth2-proxy does.
    Forbidden,
    /// 401 `invalid_token` always, and 400 `invalid_request` for a header that cannot be read.
    Challenge,
}

/// What a [`Policy`](super::Policy) is made of.
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
    /// What challenges call the application, if anything
    /// ([RFC 9110 § 11.5](https://www.rfc-editor.org/rfc/rfc9110#section-11.5)).
    pub realm: Option<String>,
    /// What a caller has to meet on every protected path, beside the rules' requirements.
    pub admit: Option<Requirement>,
    /// Clients from these networks pass without a login where no rule says anything.
    pub open_to: Option<Peers>,
    /// What becomes of a browser's question before a request of another origin's page.
    pub preflights: Preflights,
    /// Where every answer of the gate is JSON and never a redirect, whatever the headers say.
    pub json: Vec<Pattern>,
    /// What pages ask by themselves, to learn whether there is something new: a request there extends no session. Whoever is
    /// signed in passes as before. Compared as generously as rules that restrict.
    pub polling: Vec<Pattern>,
    /// The application's own origin, as a browser writes it in `Origin`. Without it no request that changes something
    /// passes by a session unless the browser vouches for it in `Sec-Fetch-Site`.
    pub origin: Option<String>,
    /// Whether sessions come along when another site leads a user here.
    pub same_site: SameSite,
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
                Endpoint::Session,
                Endpoint::SignOut,
            ],
            accepts: Accepts::default(),
            invalid_bearer: InvalidBearer::default(),
            realm: None,
            admit: None,
            open_to: None,
            preflights: Preflights::default(),
            json: vec![],
            polling: vec![],
            origin: None,
            same_site: SameSite::default(),
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

    /// Only who meets this may pass a protected path, and each further one that is given so.
    #[must_use]
    pub fn admit(mut self, requirement: Requirement) -> Self {
        self.admit = Some(match self.admit {
            Some(before) => before.and(requirement),
            None => requirement,
        });
        self
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
    for problem in settings.admit.iter().flat_map(Requirement::problems) {
        problems.push(RuleProblem::new("admit", problem));
    }
    for pattern in &settings.json {
        if let Some(problem) = pattern.problem() {
            problems.push(RuleProblem::new(format!("json({pattern})"), problem));
        }
    }
    problems.extend(polling::problems(&settings.polling));
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
        if let (Shape::Search(_), true) = (&rule.pattern.shape, rule.kind.restricts()) {
            problems.push(RuleProblem::new(
                rule,
                "an expression of `skip_auth_route` permits and never restricts: use another kind of pattern",
            ));
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

#[cfg(test)]
mod tests {
    use super::super::{Policy, group, scope};
    use super::*;

    fn problems_of(settings: PolicySettings) -> Vec<String> {
        match Policy::compile(settings) {
            Ok(_) => vec![],
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_meant_is_named_with_its_remedy() {
        for (pattern, problem) in [
            (Pattern::get("x"), "open(GET x): must begin with `/`"),
            (Pattern::path(""), "open(): must begin with `/`"),
            (Pattern::prefix(""), "open( and below): must begin with `/`"),
            (
                Pattern::path("/a//b"),
                "open(/a//b): must not contain `//`: such a path never matches",
            ),
            (
                Pattern::prefix("/a//"),
                "open(/a// and below): must not contain `//`: such a path never matches",
            ),
            (
                Pattern::path("/x/../b"),
                "open(/x/../b): must not contain `.` or `..` as a segment: write the path they lead to",
            ),
            (
                Pattern::path("/a?b=c"),
                "open(/a?b=c): must not contain a query: rules look at the path only",
            ),
            (
                Pattern::path("/a#b"),
                "open(/a#b): must not contain a fragment: it is never sent to a server",
            ),
            (
                Pattern::path("/%70ublic"),
                "open(/%70ublic): could be read in two ways (it encodes a character that may stand unencoded): write \
                 it in its one plain form",
            ),
            (
                Pattern::path("/caf\u{e9}"),
                "open(/caf\u{e9}): could be read in two ways (it contains a character that has to be encoded): write \
                 it in its one plain form",
            ),
            (
                Pattern::path("/a/:id"),
                "open(/a/:id): `:id` is written `{id}` here",
            ),
            (
                Pattern::path("/a/*"),
                "open(/a/*): `*` is written `{*rest}` here, or use `Pattern::prefix`",
            ),
            (
                Pattern::prefix("/admin*"),
                "open(/admin* and below): `admin*` would be meant as it stands, with its `*`; for any number of characters \
                 use `Pattern::glob`",
            ),
            (
                Pattern::path("/a/*rest"),
                "open(/a/*rest): `*rest` is written `{*rest}` here, or use `Pattern::prefix`",
            ),
            (
                Pattern::path("/{*rest}/x"),
                "open(/{*rest}/x): `{*rest}` has to be the last segment",
            ),
            (
                Pattern::prefix("/a/{*rest}"),
                "open(/a/{*rest} and below): a prefix covers everything below it: leave `{*rest}` out",
            ),
            (
                Pattern::path("/{}"),
                "open(/{}): `{}` needs a name, as in `{id}` or `{*rest}`",
            ),
            (
                Pattern::path("/{a}/{a}"),
                "open(/{a}/{a}): the name `a` stands twice",
            ),
            (
                Pattern::path("/x{a}"),
                "open(/x{a}): a parameter takes a whole segment, as in `/teams/{team}`; for a part of one use \
                 `Pattern::regex`",
            ),
            (
                Pattern::regex("/a.*"),
                "open(regex /a.*): must begin with `^` and end with `$`: it is about whole paths",
            ),
            (
                Pattern::regex(r"^/a\$"),
                r"open(regex ^/a\$): must begin with `^` and end with `$`: it is about whole paths",
            ),
            (
                Pattern::regex("^/a|/b$"),
                "open(regex ^/a|/b$): has an alternative that `^` and `$` do not enclose: write `^(?:…|…)$`",
            ),
            (
                Pattern::regex("^/a[)]|/b$"),
                "open(regex ^/a[)]|/b$): has an alternative that `^` and `$` do not enclose: write `^(?:…|…)$`",
            ),
            (
                Pattern::regex("^/a[]|(]|/b$"),
                "open(regex ^/a[]|(]|/b$): has an alternative that `^` and `$` do not enclose: write `^(?:…|…)$`",
            ),
            (
                Pattern::regex("^(?x)/a # [\n|/b$"),
                "open(regex ^(?x)/a # [\n|/b$): must not use the flag `x`",
            ),
            (
                Pattern::regex("^/(a$"),
                "open(regex ^/(a$): is no regular expression: unclosed group",
            ),
        ] {
            let found = problems_of(PolicySettings::new().open(pattern));
            assert_eq!(found, [problem]);
        }
    }

    #[test]
    fn patterns_that_can_be_meant_are_taken() {
        for pattern in [
            Pattern::get("/"),
            Pattern::path("/a/"),
            Pattern::prefix("/"),
            Pattern::prefix("/a/"),
            Pattern::prefix("/{tenant}/public"),
            Pattern::path("/caf%C3%A9/{*rest}"),
            Pattern::path("/a:b/c-d"),
            Pattern::regex(r"^/(?:a|b)/[|]/\|/(?P<x>x|y)$"),
            Pattern::regex("^(?i)/a$"),
            Pattern::get("/x").with_method(http::Method::PUT),
        ] {
            assert_eq!(
                problems_of(PolicySettings::new().open(pattern)),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn one_pattern_has_one_kind() {
        let two = |a: Pattern, b: Pattern| problems_of(PolicySettings::new().open(a).bypass(b));
        assert_eq!(
            two(Pattern::prefix("/a"), Pattern::prefix("/a/")),
            [
                "bypass(/a/ and below): the same pattern stands in open(/a and below): keep one of the two"
            ]
        );
        assert_eq!(
            two(Pattern::path("/{a}/x"), Pattern::path("/{b}/x")),
            ["bypass(/{b}/x): the same pattern stands in open(/{a}/x): keep one of the two"]
        );
        assert_eq!(
            problems_of(
                PolicySettings::new()
                    .require(Pattern::prefix("/a"), group("g"))
                    .protect(Pattern::prefix("/a"))
            ),
            [
                "protect(/a and below): the same pattern stands in require(/a and below, group g): keep one of the two"
            ]
        );
        // Another method or another shape is another pattern.
        assert_eq!(
            two(Pattern::get("/a"), Pattern::path("/a")),
            Vec::<String>::new()
        );
        assert_eq!(
            two(Pattern::prefix("/a"), Pattern::path("/a")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_same_rule_twice_is_harmless_and_requirements_add_up() {
        let settings = PolicySettings::new()
            .open(Pattern::get("/"))
            .open(Pattern::get("/"))
            .require(Pattern::prefix("/a"), group("g"))
            .require(Pattern::prefix("/a"), scope("s"));
        assert_eq!(problems_of(settings), Vec::<String>::new());
    }

    #[test]
    fn a_requirement_that_nobody_meets_is_named_with_its_rule() {
        let settings = PolicySettings::new().require(Pattern::prefix("/a"), group(""));
        assert_eq!(
            problems_of(settings),
            ["require(/a and below, group ): group \"\": name a group"]
        );
    }

    #[test]
    fn a_rule_under_the_gates_prefix_never_matches() {
        let settings = PolicySettings::new().open(Pattern::path("/oauth2/extra"));
        assert_eq!(
            problems_of(settings),
            [
                "open(/oauth2/extra): never matches: /oauth2 and all below it belong to the gate; remove the rule or set \
                 another prefix"
            ]
        );
        // One that covers the prefix among others does.
        let settings = PolicySettings::new()
            .open(Pattern::prefix("/"))
            .open(Pattern::path("/oauth2x"));
        assert_eq!(problems_of(settings), Vec::<String>::new());
    }

    #[test]
    fn prefix_base_path_and_provider_ids_are_plain() {
        let with = |change: &dyn Fn(&mut PolicySettings)| {
            let mut settings = PolicySettings::new();
            change(&mut settings);
            problems_of(settings)
        };
        assert_eq!(
            with(&|s| s.prefix = "oauth2".into()),
            ["prefix \"oauth2\": must begin with `/`"]
        );
        assert_eq!(
            with(&|s| s.prefix = String::new()),
            ["prefix \"\": must begin with `/`"]
        );
        assert_eq!(
            with(&|s| s.prefix = "/".into()),
            ["prefix \"/\": must not end with `/`: write it as in `/oauth2`"]
        );
        assert_eq!(
            with(&|s| s.base_path = "/app/".into()),
            ["base path \"/app/\": must not end with `/`: write it as in `/app`"]
        );
        for id in ["", "a/b", "a b", "..", "%41"] {
            assert_eq!(
                with(&|s| s.endpoints.push(Endpoint::Callback(Some(id.into())))),
                [format!(
                    "provider id {id:?}: is a part of the redirect URI: use letters, digits, `-` and `_`"
                )]
            );
        }
        assert_eq!(
            with(&|s| s.json.push(Pattern::path("api"))),
            ["json(api): must begin with `/`"]
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let settings = PolicySettings::new()
            .open(Pattern::get("a"))
            .bypass(Pattern::path("/b//"))
            .require(Pattern::prefix("/c"), group(""));
        assert_eq!(problems_of(settings).len(), 3);
    }
}
