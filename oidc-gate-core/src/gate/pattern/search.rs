//! Patterns of oauth2-proxy: a regular expression that is looked for anywhere in a path, or is not to be found there.

use http::Method;

/// What `skip_auth_routes` of oauth2-proxy holds, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::gate) struct Search {
    /// As it was written.
    pub(super) text: String,
    pub(in crate::gate) expression: String,
    pub(in crate::gate) sense: Sense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::gate) enum Sense {
    /// Paths in which the expression is found.
    Found,
    /// Paths in which it is not.
    NotFound,
}

/// `METHOD=expression`, `METHOD!=expression` or an expression alone. The method may be left out before the sign.
pub(super) fn parse(text: String) -> (Option<Method>, Search) {
    let (method, sense, expression) = match text.split_once('=') {
        None => ("", Sense::Found, &*text),
        Some((method, expression)) => match method.strip_suffix('!') {
            Some(method) => (method, Sense::NotFound, expression),
            None => (method, Sense::Found, expression),
        },
    };
    let method = method_of(method);
    let expression = expression.to_owned();
    let search = Search {
        text,
        expression,
        sense,
    };
    (method, search)
}

fn method_of(text: &str) -> Option<Method> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    plain
        .then(|| Method::from_bytes(text.to_ascii_uppercase().as_bytes()).ok())
        .flatten()
}

impl Search {
    /// What is wrong with it and how to mend it.
    pub(super) fn problem(&self, method: Option<&Method>) -> Option<String> {
        let before = self.text.split_once('=').map_or("", |(before, _)| before);
        let named = before.strip_suffix('!').unwrap_or(before);
        if !named.is_empty() && method.is_none() {
            return Some(format!(
                "`{named}` before the `=` is no method; where `=` is part of the expression write `=` before all of it, or \
                 `Pattern::regex`"
            ));
        }
        if self.sense == Sense::Found && self.text.contains("!=") {
            return Some(
                "has `!=` behind `=`: which of the two is meant cannot be told; write `\\x21=` in the expression"
                    .into(),
            );
        }
        if self.expression.is_empty() {
            return Some("has no expression: it would be found in every path".into());
        }
        super::unreadable(&self.expression)
    }
}
