//! What became of what was said.

use std::fmt;

/// What was understood from where, what means something else here than there, and what has no meaning here.
///
/// Holds no secret: a setting that is one is named and not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(super) understood: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) absent: Vec<String>,
    pub(super) assumed: Vec<String>,
}

impl Report {
    /// What was understood, each as `setting from place`.
    pub fn understood(&self) -> impl Iterator<Item = &str> {
        self.understood.iter().map(String::as_str)
    }

    /// What was understood with another meaning than it had there, each as `place: how`.
    pub fn changed(&self) -> impl Iterator<Item = &str> {
        self.changed.iter().map(String::as_str)
    }

    /// What has no meaning here, each as `place: what there is instead`.
    pub fn absent(&self) -> impl Iterator<Item = &str> {
        self.absent.iter().map(String::as_str)
    }

    /// What nobody said and was assumed.
    pub fn assumed(&self) -> impl Iterator<Item = &str> {
        self.assumed.iter().map(String::as_str)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("understood", &self.understood),
            ("understood with another meaning", &self.changed),
            ("without a meaning here", &self.absent),
            ("assumed, because nobody said", &self.assumed),
        ];
        let mut first = true;
        for (title, lines) in parts.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            write!(f, "{}{title}:", if first { "" } else { "\n" })?;
            first = false;
            lines
                .iter()
                .try_for_each(|line| write!(f, "\n  - {line}"))?;
        }
        Ok(())
    }
}
