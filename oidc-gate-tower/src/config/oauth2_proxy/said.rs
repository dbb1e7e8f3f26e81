//! What was said in oauth2-proxy's names, and taking it over.

use super::{
    super::{
        parse,
        reader::Reader,
        value::{Place, Said, Value},
    },
    Options,
};
use crate::core::gate::IdentityHeaders;

pub(super) type Done = Result<(), String>;

/// Whether the flag is set.
pub(super) fn is_set(options: &Options, flag: &str) -> bool {
    options
        .get(flag)
        .is_some_and(|said| parse::flag(said.value.clone()) == Ok(true))
}

/// Whether anything is said.
pub(super) fn is_said(options: &Options, flag: &str) -> bool {
    options.contains_key(flag)
}

pub(super) fn texts(said: &Said<Value>) -> Result<Vec<String>, String> {
    parse::list(said.value.clone())
}

impl Reader {
    /// One of our settings, from a text that was made of what was said.
    pub(super) fn take_text(
        &mut self,
        key: &'static str,
        text: impl Into<String>,
        said: &Said<Value>,
    ) {
        let value = Value::Text(text.into());
        self.take(key, Said::new(value, said.place.clone()));
    }

    /// Headers by which the application knows the user. What is wrong with them the gate says.
    pub(super) fn take_headers(
        &mut self,
        key: &'static str,
        headers: IdentityHeaders,
        place: &Place,
    ) {
        let field = match key {
            "identity_headers" => &mut self.settings.identity_headers,
            _ => &mut self.settings.identity_response_headers,
        };
        if let Some(own) = field {
            self.problems.push(format!(
                "{place}: {} says it too, in other names; keep one of the two",
                own.place
            ));
            return;
        }
        let writer = headers.clone().compile().unwrap_or_default();
        let names: Vec<_> = writer.names().map(|name| name.as_str()).collect();
        self.report
            .understood
            .push(format!("{key} = {} from {place}", names.join(", ")));
        *field = Some(Said::new(headers, place.clone()));
    }

    /// What nobody said: told as assumed, and not as understood.
    pub(super) fn assume(
        &mut self,
        told: &str,
        (option, text): (&str, &str),
        take: impl FnOnce(&mut Self, Said<Value>) -> Done,
    ) {
        self.report.assumed.push(told.to_owned());
        let understood = self.report.understood.len();
        let value = Value::Text(text.to_owned());
        if let Err(problem) = take(self, Said::new(value, Place::assumed(option))) {
            self.problems.push(format!("{option}: {problem}"));
        }
        self.report.understood.truncate(understood);
    }

    pub(super) fn changed(&mut self, said: &Said<Value>, text: &str) {
        self.report.changed.push(format!("{}: {text}", said.place));
    }
}
