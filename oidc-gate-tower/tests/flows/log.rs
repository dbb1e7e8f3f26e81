//! What the gate says to its operator, caught.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

/// Everything that is logged in this thread while it lives, at every level, from every crate.
pub(crate) struct Log {
    entries: Arc<Mutex<Vec<Entry>>>,
    _guard: DefaultGuard,
}

/// One event, or the beginning of a span.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) level: Level,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Entry {
    /// The field of that name; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Log {
    pub(crate) fn start() -> Self {
        let entries = Arc::default();
        let capture = Capture {
            entries: Arc::clone(&entries),
        };
        Self {
            entries,
            _guard: tracing::subscriber::set_default(capture),
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    /// All of it as text, fields and values.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for entry in self.entries() {
            for (name, value) in entry.fields {
                writeln!(text, "{} {name}={value}", entry.level).unwrap();
            }
        }
        text
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    /// The logins that failed since the last [`clear`](Self::clear).
    pub(crate) fn failed_logins(&self) -> Vec<Entry> {
        let failed = |entry: &Entry| entry.get("message") == "a login failed";
        self.entries().into_iter().filter(failed).collect()
    }

    /// The one login that failed, and forgets everything.
    pub(crate) fn failed_login(&self) -> Entry {
        let failed = self.failed_logins();
        assert_eq!(failed.len(), 1, "{}", self.text());
        self.clear();
        failed.into_iter().next().unwrap()
    }

    /// The checks that were named, in order.
    pub(crate) fn checks(&self) -> Vec<String> {
        self.entries()
            .iter()
            .map(|entry| entry.get("check").to_owned())
            .filter(|check| !check.is_empty())
            .collect()
    }
}

struct Capture {
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Capture {
    fn push(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields::default();
        record(&mut fields);
        self.entries.lock().unwrap().push(Entry {
            level: *metadata.level(),
            fields: fields.0,
        });
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.push(span.metadata(), |fields| span.record(fields));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.entries.lock().unwrap().push(Entry {
            level: Level::TRACE,
            fields: fields.0,
        });
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.push(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
