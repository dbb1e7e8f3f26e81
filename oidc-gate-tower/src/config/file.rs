//! A file in TOML, as names and values with their lines.

use super::value::{Family, Place, Said, Value};
use std::sync::Arc;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What the file says, and what is wrong with it as TOML. Nothing of the text is in a problem: it may hold secrets.
pub(super) fn read(
    text: &str,
    name: &str,
    family: Family,
    problems: &mut Vec<String>,
) -> Vec<Said<(String, Value)>> {
    let file = File {
        text,
        name: name.into(),
        family,
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| file.line(span.start));
        problems.push(format!(
            "{name}:{line}: is no TOML: {}",
            without_quotes(error.message())
        ));
    }
    file.table(table.get_ref(), "")
}

/// What the parser says, without what it repeats of the text. What it expected is not of the text.
fn without_quotes(message: &str) -> String {
    let expected = message.rfind(", expected ").unwrap_or(message.len());
    let (found, expected) = message.split_at(expected);
    let found = found
        .split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 0 { part } else { "…" });
    found.chain([expected]).collect()
}

struct File<'a> {
    text: &'a str,
    name: Arc<str>,
    family: Family,
}

impl File<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn table(&self, table: &DeTable<'_>, above: &str) -> Vec<Said<(String, Value)>> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let key_text: &str = AsRef::<str>::as_ref(key.get_ref());
            let name = format!("{above}{key_text}");
            let place = Place {
                line: Some((self.name.clone(), self.line(key.span().start))),
                family: self.family,
                name: name.clone(),
            };
            Said::new((key_text.to_owned(), self.value(value, &name)), place)
        };
        entries
            .into_iter()
            .map(|(key, value)| entry((key, value)))
            .collect()
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, name: &str) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(_) => Value::Number,
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Array(list) => {
                Value::List(list.iter().map(|item| self.value(item, name)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, &format!("{name}."))),
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Datetime(_) => Value::Other("a date"),
        }
    }
}
