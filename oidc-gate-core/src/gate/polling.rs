//! What pages ask by themselves: a request there keeps nobody signed in.

use super::head::Path;
use super::matcher::{Matcher, Way};
use super::pattern::{Pattern, Shape};
use super::settings::RuleProblem;
use http::Method;

/// The paths that pages ask by themselves, ready to be looked up.
///
/// They are compared as generously as what restricts: not to extend a session is the restrictive side. Another spelling that
/// a router reads alike, or might, keeps nobody signed in either; whose page has a path in another case of its own is signed
/// out a little earlier, and loses nothing else by it.
#[derive(Debug)]
pub(super) struct Polling {
    patterns: Vec<Pattern>,
    matcher: Matcher,
}

impl Polling {
    /// The patterns are free of [problems](self::problems).
    ///
    /// # Errors
    ///
    /// What the regex engine says if all regular expressions together are too large.
    pub(super) fn new(patterns: Vec<Pattern>) -> Result<Self, regex::Error> {
        let matcher = Matcher::new(Way::Generous, (0u32..).zip(&patterns))?;
        Ok(Self { patterns, matcher })
    }

    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether a request keeps nobody signed in.
    pub(super) fn covers(&self, method: &Method, path: Path<'_>) -> bool {
        let restricts = |pattern: &Pattern| pattern.restricts(method);
        let anywhere = || self.patterns.iter().any(restricts);
        if self.patterns.is_empty() {
            return false;
        }
        let mut found = false;
        let mut find = |at: u32| found |= self.patterns.get(at as usize).is_some_and(restricts);
        match path {
            // An escape has more than one reading even where it has one meaning.
            Path::Plain(path) if !path.contains('%') => self.matcher.find(path, &mut find),
            Path::Plain(path) | Path::Ambiguous(path, _) => {
                if !self.matcher.find_any(path, &mut find) {
                    return anywhere();
                }
            }
            // It could be any.
            Path::Unknown => return anywhere(),
        }
        found
    }
}

/// What cannot be meant.
pub(super) fn problems(patterns: &[Pattern]) -> impl Iterator<Item = RuleProblem> + '_ {
    patterns.iter().filter_map(|pattern| {
        let problem = pattern.problem().or_else(|| {
            matches!(pattern.shape, Shape::Search(_)).then(|| {
                "an expression of `skip_auth_route` permits and never restricts: use another kind of pattern"
                    .to_owned()
            })
        });
        problem.map(|problem| RuleProblem::new(format!("polling({pattern})"), problem))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Policy, PolicySettings, path::Clarity};
    use crate::time::UnixTime;

    fn covers(polling: &Polling, method: &str, path: &str) -> bool {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let path = match Clarity::of(path) {
            Clarity::Plain => Path::Plain(path),
            Clarity::Ambiguous(why) => Path::Ambiguous(path, why),
        };
        polling.covers(&method, path)
    }

    #[test]
    fn every_spelling_of_a_polling_path_is_one() {
        let polling = Polling::new(vec![
            Pattern::get("/status"),
            Pattern::prefix("/events"),
            Pattern::regex("^/v[12]/news$"),
        ])
        .unwrap();
        for path in [
            "/status",
            "/STATUS",
            "/status/",
            "/%73tatus",
            "//status",
            "/x/../status",
            "/events",
            "/events/1",
            "/v1/news",
            "/V2/NEWS/",
        ] {
            assert!(covers(&polling, "GET", path), "{path}");
            assert!(covers(&polling, "HEAD", path), "{path}");
        }
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/statuses"),
            ("GET", "/status/1"),
            ("GET", "/v3/news"),
            ("POST", "/status"),
        ] {
            assert!(!covers(&polling, method, path), "{method} {path}");
        }
        assert!(covers(&polling, "POST", "/events/1"));
        assert!(polling.covers(&Method::GET, Path::Unknown));
        let none = Polling::new(vec![]).unwrap();
        assert!(!none.covers(&Method::GET, Path::Unknown));
    }

    fn settings(pattern: Pattern) -> PolicySettings {
        let mut settings = PolicySettings::new().open(Pattern::get("/"));
        settings.polling = vec![pattern];
        settings
    }

    #[test]
    fn the_table_and_the_explanation_name_it() {
        let policy = Policy::compile(settings(Pattern::prefix("/news"))).unwrap();
        let table = policy.table().to_string();
        let row = "polling   /news and below   extends no session";
        assert!(table.lines().any(|line| line == row), "{table}");
        let explain = |path| {
            let now = UnixTime::from_secs(0);
            policy.explain(&Method::GET, path, None, now).outcome
        };
        assert_eq!(
            explain("/News/1"),
            "no rule matches, so a login is demanded; it extends no session"
        );
        assert_eq!(explain("/me"), "no rule matches, so a login is demanded");
        assert_eq!(explain("/"), "open: anyone may pass");
    }

    #[test]
    fn what_cannot_be_meant_is_a_problem() {
        let problems = |pattern| Policy::compile(settings(pattern)).unwrap_err();
        let [problem] = &problems(Pattern::path("news"))[..] else {
            panic!();
        };
        assert_eq!(problem.setting(), "polling(news)");
        assert_eq!(problems(Pattern::regex("(")).len(), 1);
    }
}
