//! The rules of a file: one `[[rule]]` table each.
//!
//! ```toml
//! [[rule]]
//! prefix = "/admin"
//! require = { group = "admins", max_age = "15m" }
//! ```

use super::{
    nearest::unknown,
    parse,
    reader::Reader,
    value::{Place, Said, Value},
};
use crate::core::gate::{
    Pattern, Requirement, Rule, RuleKind, acr, claim, email, email_domain, email_in, group,
    max_age, role, scope, user,
};

type Entries = Vec<Said<(String, Value)>>;

pub(super) const KEYS: &[&str] = &[
    "path", "prefix", "regex", "method", "access", "require", "json",
];
pub(super) const REQUIREMENTS: &[&str] = &[
    "group",
    "role",
    "scope",
    "email",
    "email_in",
    "email_domain",
    "claim",
    "user",
    "acr",
    "max_age",
    "any_of",
    "all_of",
];

/// Takes over the tables of `[[rule]]`.
pub(super) fn read(value: Value, place: &Place, reader: &mut Reader) {
    let Value::List(rules) = value else {
        reader.problems.push(format!(
            "{place}: is {}; write [[rule]] and below it what it says",
            value.kind()
        ));
        return;
    };
    for rule in rules {
        match rule {
            Value::Table(entries) => {
                let place = entries.first().map_or(place, |said| &said.place).clone();
                if let Err(found) = one(entries, &place, reader) {
                    reader.problems.extend(found);
                }
            }
            other => reader.problems.push(format!(
                "{place}: is {}; write [[rule]] and below it what it says",
                other.kind()
            )),
        }
    }
}

fn one(entries: Entries, place: &Place, reader: &mut Reader) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let (mut patterns, mut method, mut kind, mut json) = (Vec::new(), None, None, false);
    for Said {
        value: (key, value),
        place,
    } in entries
    {
        let mut told = |problem: String| problems.push(format!("{place}: {problem}"));
        match key.as_str() {
            "path" | "prefix" | "regex" => match parse::text(value) {
                Ok(text) => patterns.push(match key.as_str() {
                    "path" => Pattern::path(text),
                    "prefix" => Pattern::prefix(text),
                    _ => Pattern::regex(text),
                }),
                Err(problem) => told(problem),
            },
            "method" => match parse::text(value).and_then(|name| parse::method(&name)) {
                Ok(one) => method = Some(one),
                Err(problem) => told(problem),
            },
            "json" => match parse::flag(value) {
                Ok(flag) => json = flag,
                Err(problem) => told(problem),
            },
            "access" | "require" if kind.is_some() => {
                told("access and require say it twice; keep one".to_owned())
            }
            "access" => {
                let choices = [
                    ("open", RuleKind::Open),
                    ("bypass", RuleKind::Bypass),
                    ("protect", RuleKind::Protect),
                ];
                match parse::choice(value, &choices) {
                    Ok(choice) => kind = Some(choice),
                    Err(problem) => told(problem),
                }
            }
            "require" => match requirement(value, &place) {
                Ok(requirement) => kind = Some(RuleKind::Require(requirement)),
                Err(problem) => problems.push(problem),
            },
            other => told(unknown(other, KEYS)),
        }
    }
    let pattern = match <[Pattern; 1]>::try_from(patterns) {
        Ok([pattern]) => match method {
            Some(method) => pattern.with_method(method),
            None => pattern,
        },
        Err(_) if !problems.is_empty() => return Err(problems),
        Err(_) => {
            return Err(vec![format!(
                "{place}: a rule has one of path, prefix and regex"
            )]);
        }
    };
    if kind.is_none() && !json && problems.is_empty() {
        problems.push(format!(
            "{place}: the rule says nothing; add access, require or json"
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if let Some(kind) = kind {
        let rule = Rule::new(pattern.clone(), kind);
        reader
            .report
            .understood
            .push(format!("{rule} from {place}"));
        reader
            .settings
            .rules
            .push(Said::new((rule.pattern, rule.kind), place.clone()));
    }
    if json {
        reader
            .report
            .understood
            .push(format!("json({pattern}) from {place}"));
        reader
            .settings
            .more_json
            .push(Said::new(pattern, place.clone()));
    }
    Ok(())
}

/// All of what a table demands; of a list one suffices.
fn requirement(value: Value, place: &Place) -> Result<Requirement, String> {
    let Value::Table(entries) = value else {
        return Err(format!(
            "{place}: is {}; write a table, as in {{ group = \"admins\" }}",
            value.kind()
        ));
    };
    let mut all: Option<Requirement> = None;
    for Said {
        value: (key, value),
        place,
    } in entries
    {
        let told = |problem: String| format!("{place}: {problem}");
        let any = |of: fn(String) -> Requirement, value| {
            let texts = match value {
                Value::List(_) => parse::list(value),
                one => parse::text(one).map(|text| vec![text]),
            };
            either(texts.map_err(told)?.into_iter().map(of))
                .ok_or_else(|| told("is empty; name one".to_owned()))
        };
        let one = match key.as_str() {
            "group" => any(group, value)?,
            "role" => any(role, value)?,
            "scope" => any(scope, value)?,
            "email_domain" => any(email_domain, value)?,
            "email" => any(email, value)?,
            "email_in" => email_in(parse::names(value).map_err(told)?),
            "claim" => claims(value, &place)?,
            "user" => match parse::flag(value).map_err(told)? {
                true => user(),
                false => return Err(told("is false; write true, or leave it out".to_owned())),
            },
            "acr" => any(acr, value)?,
            "max_age" => max_age(parse::duration(value).map_err(told)?),
            "any_of" | "all_of" => {
                let Value::List(tables) = value else {
                    return Err(told(format!("is {}; write a list of tables", value.kind())));
                };
                let tables: Vec<_> = tables
                    .into_iter()
                    .map(|table| requirement(table, &place))
                    .collect::<Result<_, _>>()?;
                let joined = match key.as_str() {
                    "any_of" => either(tables),
                    _ => tables.into_iter().reduce(Requirement::and),
                };
                joined.ok_or_else(|| told("is empty; name one".to_owned()))?
            }
            other => return Err(told(unknown(other, REQUIREMENTS))),
        };
        all = Some(match all {
            Some(others) => others.and(one),
            None => one,
        });
    }
    all.ok_or_else(|| format!("{place}: demands nothing; name a group, a role or a scope"))
}

/// Each claim of the table, with a value or one of several: a text, or true or false.
fn claims(value: Value, place: &Place) -> Result<Requirement, String> {
    const WRITE: &str = "write each claim with its value, as in { department = \"research\" }";
    let Value::Table(entries) = value else {
        return Err(format!("{place}: is {}; {WRITE}", value.kind()));
    };
    let one = |said: Said<(String, Value)>| {
        let place = said.place;
        let (name, value) = said.value;
        let values = match value {
            Value::List(values) => values,
            one => vec![one],
        };
        let each = values.into_iter().map(|value| match value {
            Value::Bool(flag) => Ok(claim(name.as_str(), flag)),
            Value::Text(text) => Ok(claim(name.as_str(), text)),
            other => Err(format!(
                "{place}: is {}; write a text, true or false",
                other.kind()
            )),
        });
        either(each.collect::<Result<Vec<_>, _>>()?)
            .ok_or_else(|| format!("{place}: is empty; name one"))
    };
    let all = entries
        .into_iter()
        .map(one)
        .collect::<Result<Vec<_>, _>>()?;
    all.into_iter()
        .reduce(Requirement::and)
        .ok_or_else(|| format!("{place}: is empty; {WRITE}"))
}

fn either(requirements: impl IntoIterator<Item = Requirement>) -> Option<Requirement> {
    requirements.into_iter().reduce(Requirement::or)
}
