//! The text that a monitoring system reads
//! ([exposition format 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/)).

use std::fmt::{Display, Write as _};

/// A metric: its name, its kind, its labels and what it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The names of its labels, separated by spaces.
    pub(crate) labels: &'static str,
    pub(crate) help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Histogram,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// The text as far as it has been written. Every label and every help text is ours and holds nothing to be escaped.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a metric.
    pub(super) fn family(&mut self, family: &Family) {
        let Family {
            name, kind, help, ..
        } = family;
        let kind = kind.name();
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One series: `suffix` is `_bucket` and the like, `values` are those of the metric's labels in their order, and `bound`
    /// is the end of a bucket.
    pub(super) fn sample(
        &mut self,
        family: &Family,
        suffix: &str,
        values: &[&str],
        bound: Option<&str>,
        value: impl Display,
    ) {
        let names = family.labels.split_whitespace().chain(["le"]);
        let labels: Vec<_> = names
            .zip(values.iter().copied().chain(bound))
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let name = family.name;
        if labels.is_empty() {
            return self.line(format_args!("{name}{suffix} {value}"));
        }
        let labels = labels.join(",");
        self.line(format_args!("{name}{suffix}{{{labels}}} {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
