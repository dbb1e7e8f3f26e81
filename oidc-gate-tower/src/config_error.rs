//! What is wrong with a configuration, all of it at once.

use std::fmt;

/// A gate cannot be built: every problem, each with the setting, the value and what to do.
///
/// `Debug` is the same readable text, because that is what `fn main() -> Result<…>` prints.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    pub(crate) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn one(problem: String) -> Self {
        Self {
            problems: vec![problem],
        }
    }

    /// The problems, one each, as `setting: what is wrong; what to do`.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(String::as_str)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the gate cannot be built:")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

/// The address with `***` for what may be a password, so that no error shows one.
pub(crate) fn without_userinfo(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(begin);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}***{}", &rest[at..]),
        None => url.to_owned(),
    }
}
