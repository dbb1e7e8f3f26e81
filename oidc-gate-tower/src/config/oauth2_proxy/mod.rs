//! The names of oauth2-proxy, and what becomes of each here.

mod bearers;
mod cookies;
mod headers;
mod options;
mod provider;
mod redis;
mod routes;
mod said;
mod silent;

use options::Shape;
pub(super) use options::{Means, OPTIONS, Opt};

use super::{
    nearest::nearest,
    parse,
    reader::Reader,
    value::{Place, Said, Value},
};
use std::collections::BTreeMap;

/// What was said in these names, by the name of the flag.
pub(super) type Options = BTreeMap<&'static str, Said<Value>>;

/// Reads what was said: files first, the environment over them.
pub(super) fn read(said: Vec<Said<(String, Value)>>, reader: &mut Reader) {
    let mut options = Options::new();
    for Said {
        value: (key, value),
        place,
    } in said
    {
        let Some(option) = OPTIONS.iter().find(|option| option.is_called(&key)) else {
            reader.problems.push(unknown(&key, &place));
            continue;
        };
        let earlier = options.get(option.flag).map(|said| said.place.clone());
        match earlier {
            Some(earlier) if earlier.line.is_some() == place.line.is_some() => {
                reader.problems.push(format!(
                    "{place}: {earlier} says it too; keep one of the two"
                ));
            }
            Some(earlier) => {
                reader
                    .report
                    .understood
                    .push(format!("{} from {place}, over {earlier}", option.flag));
                options.insert(option.flag, Said::new(value, place));
            }
            None => {
                options.insert(option.flag, Said::new(value, place));
            }
        }
    }
    for option in OPTIONS {
        if let Some(said) = options.get(option.flag) {
            one(option, said.clone(), &options, reader);
        }
    }
    silent::what_is_silent(&options, reader);
}

fn one(option: &Opt, said: Said<Value>, options: &Options, reader: &mut Reader) {
    let place = said.place.clone();
    if let (Shape::Flag, Err(problem)) = (option.shape, parse::flag(said.value.clone())) {
        reader.problems.push(format!("{place}: {problem}"));
        return;
    }
    if option.is_default(&said.value) {
        return;
    }
    match option.means {
        Means::Same(key) => {
            reader.take(key, said);
        }
        Means::Changed(key) => {
            if let Some(key) = key {
                reader.take(key, said);
            }
            reader
                .report
                .changed
                .push(format!("{place}: {}", option.text));
        }
        Means::By(convert) => {
            if let Err(problem) = convert(reader, said, options) {
                reader.problems.push(format!("{place}: {problem}"));
            }
        }
        Means::Part => {}
        Means::Absent => reader
            .report
            .absent
            .push(format!("{place}: {}", option.text)),
        Means::Refused => reader.problems.push(format!("{place}: {}", option.text)),
    }
}

fn unknown(key: &str, place: &Place) -> String {
    let names = OPTIONS.iter().map(|option| option.name());
    let names: Vec<String> = names.collect();
    match nearest(key, names.iter().map(String::as_str)) {
        Some(near) if place.line.is_some() => format!("{place}: is unknown; did you mean {near}?"),
        Some(near) => format!(
            "{place}: is unknown; did you mean OAUTH2_PROXY_{}?",
            near.to_uppercase()
        ),
        None => format!(
            "{place}: is no option of oauth2-proxy; `config::from_oauth2_proxy` has the names of all"
        ),
    }
}
