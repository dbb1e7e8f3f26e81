//! The catalogue of checks: every reason for which something is refused, under an id that never changes its meaning.
//!
//! The id appears in logs, traces, tests and metrics. What the caller is told is another thing and says less; see
//! [`Check::answer`]. The whole catalogue as a page: [`catalogue`].

use http::StatusCode;
use std::{borrow::Cow, fmt};

macro_rules! checks {
    ($($(#[$group:meta])* $name:ident = $id:literal {
        rule: $rule:literal,
        source: $source:literal, $url:literal,
        answer: $status:literal, $answer:literal,
        mended_by: $who:ident, $remedy:literal $(,)?
    })*) => {
        /// A reason to refuse.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Check {
            $(#[doc = concat!("`", $id, "`: ", $rule)] $name,)*
        }

        impl Check {
            /// Every check there is, in the order of the catalogue.
            pub const ALL: &[Check] = &[$(Check::$name),*];

            /// The stable id: `area.what`.
            pub const fn id(self) -> &'static str {
                match self { $(Check::$name => $id),* }
            }

            /// The rule that was broken, in a sentence.
            pub const fn rule(self) -> &'static str {
                match self { $(Check::$name => $rule),* }
            }

            /// The specification the rule comes from: its name and section.
            pub const fn source(self) -> &'static str {
                match self { $(Check::$name => $source),* }
            }

            /// Where the specification can be read.
            pub const fn source_url(self) -> &'static str {
                match self { $(Check::$name => $url),* }
            }

            /// The status of the answer.
            pub fn status(self) -> StatusCode {
                let code = match self { $(Check::$name => $status),* };
                // A test reads the whole catalogue; a number that is no status would not get this far.
                StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// What the caller gets to see.
            pub const fn answer(self) -> &'static str {
                match self { $(Check::$name => $answer),* }
            }

            /// Who can mend it.
            pub const fn mended_by(self) -> MendedBy {
                match self { $(Check::$name => MendedBy::$who),* }
            }

            /// What mends it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Check::$name => $remedy),* }
            }
        }
    };
}

include!("check/catalogue.rs");

/// Who can mend what a check complains of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a log needs a level for each")]
pub enum MendedBy {
    /// Whoever sent the request, if anything has to be mended at all.
    Caller,
    /// Whoever runs the application or its provider.
    Operator,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A check that failed, and what was seen.
///
/// The cause is for the log: what was expected and what came, with text from outside [quoted](quote) and never a
/// credential. It is not for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFailed {
    check: Check,
    cause: Cow<'static, str>,
}

impl CheckFailed {
    /// `check` failed because of `cause`: lower case, no full stop, no secret.
    pub fn new(check: Check, cause: impl Into<Cow<'static, str>>) -> Self {
        Self {
            check,
            cause: cause.into(),
        }
    }

    /// Which check.
    pub fn check(&self) -> Check {
        self.check
    }

    /// What was seen, for the log.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl fmt::Display for CheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.cause)
    }
}

impl std::error::Error for CheckFailed {}

/// Text from outside, made fit for a log line: quoted, control characters escaped, cut after 100 characters.
///
/// ```
/// use oidc_gate_core::check::quote;
/// assert_eq!(quote("a\nb").to_string(), r#""a\nb""#);
/// ```
pub fn quote(text: &str) -> impl fmt::Display + '_ {
    Quoted(text)
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(100) {
            None => write!(f, "{:?}", self.0),
            Some((cut, _)) => write!(f, "{:?}…", &self.0[..cut]),
        }
    }
}

/// The catalogue as a Markdown page, as it stands in the crate's documentation.
pub fn page() -> String {
    let mut out = String::from(
        "# The catalogue of checks\n\n\
         Generated from `src/check/catalogue.rs`; a test keeps the two equal.\n\n\
         Every refusal has one of these ids. It stands in the log line, with the cause and a reference that the page \
         shown to the user carries too.\n",
    );
    let mut area = "";
    for check in Check::ALL {
        let (this, _) = check.id().split_once('.').unwrap_or((check.id(), ""));
        if this != area {
            area = this;
            out += &format!("\n## {area}\n");
        }
        out += &format!(
            "\n### `{}`\n\n{}\n\n- Source: [{}]({})\n- Answer: {}, {}\n- Remedy: {}\n",
            check.id(),
            check.rule(),
            check.source(),
            check.source_url(),
            check.status().as_u16(),
            check.answer(),
            check.remedy(),
        );
    }
    out
}

#[doc = include_str!("check/catalogue.md")]
pub mod catalogue {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a developer asks for the page to be written"
    )]
    fn the_page_is_the_catalogue() {
        let page = page();
        if std::env::var_os("OIDC_GATE_WRITE_CATALOGUE").is_some() {
            std::fs::write(
                concat!(env!("CARGO_MANIFEST_DIR"), "/src/check/catalogue.md"),
                &page,
            )
            .unwrap();
        }
        assert!(
            page == include_str!("check/catalogue.md"),
            "the page is stale: run `OIDC_GATE_WRITE_CATALOGUE=1 cargo test -p oidc-gate-core check`"
        );
    }

    #[test]
    fn ids_are_unique_and_named_by_area() {
        let ids: HashSet<_> = Check::ALL.iter().map(|c| c.id()).collect();
        assert_eq!(ids.len(), Check::ALL.len());
        for id in ids {
            assert!(
                id.split_once('.')
                    .is_some_and(|(a, w)| !a.is_empty() && !w.is_empty()),
                "{id}"
            );
        }
    }

    #[test]
    fn every_status_is_that_of_a_refusal() {
        for check in Check::ALL {
            assert!((400..=503).contains(&check.status().as_u16()), "{check}");
        }
    }

    #[test]
    fn areas_stand_together() {
        let mut seen = vec![];
        for check in Check::ALL {
            let (area, _) = check.id().split_once('.').unwrap();
            if seen.last() != Some(&area) {
                assert!(!seen.contains(&area), "{area} stands in two places");
                seen.push(area);
            }
        }
    }

    #[test]
    fn text_from_outside_is_quoted_and_cut() {
        assert_eq!(
            quote("a\u{1b}[31m\r\n\"b\"").to_string(),
            r#""a\u{1b}[31m\r\n\"b\"""#
        );
        assert_eq!(
            quote(&"é".repeat(101)).to_string(),
            format!("{:?}…", "é".repeat(100))
        );
    }
}
