//! Which requests a rule is about.

pub(super) mod glob;
pub(super) mod search;

use super::path::{Ambiguity, Clarity};
use http::Method;
use search::Search;
use std::fmt;

/// Which requests: method and path, nothing else. Never a query, a header or a body.
///
/// A pattern without a method covers every method. `{name}` stands for one segment and `{*name}` at the end for the
/// rest of the path, as in axum. A pattern that cannot be meant as it is written is found by
/// [`Policy::compile`](super::Policy::compile).
///
/// ```
/// use oidc_gate_core::gate::Pattern;
/// assert_eq!(Pattern::get("/teams/{team}").to_string(), "GET /teams/{team}");
/// assert_eq!(Pattern::prefix("/assets").to_string(), "/assets and below");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub(super) method: Option<Method>,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Path(String),
    Prefix(String),
    Regex(String),
    Glob(String),
    Search(Search),
}

impl Pattern {
    /// GET and HEAD of exactly this path.
    pub fn get(path: impl Into<String>) -> Self {
        Self::method(Method::GET, path)
    }

    /// One method of exactly this path. GET covers HEAD.
    pub fn method(method: Method, path: impl Into<String>) -> Self {
        Self {
            method: Some(method),
            shape: Shape::Path(path.into()),
        }
    }

    /// Every method of exactly this path.
    pub fn path(path: impl Into<String>) -> Self {
        Self {
            method: None,
            shape: Shape::Path(path.into()),
        }
    }

    /// Every method of this path and of all paths below it, by whole segments: `/assets` covers `/assets/x` and not
    /// `/assets2`. `/` covers everything.
    pub fn prefix(path: impl Into<String>) -> Self {
        Self {
            method: None,
            shape: Shape::Prefix(path.into()),
        }
    }

    /// Every method of the paths that match, as a whole, a regular expression in the syntax of the `regex` crate. It
    /// begins with `^` and ends with `$`.
    pub fn regex(expression: impl Into<String>) -> Self {
        Self {
            method: None,
            shape: Shape::Regex(expression.into()),
        }
    }

    /// Every method of the paths that match a pattern with stars: `*` is any number of characters within a segment, `**`
    /// across segments. `/static/*.js` covers `/static/app.js` and not `/static/x/app.js`; `/static/**` covers all below
    /// `/static/`.
    pub fn glob(pattern: impl Into<String>) -> Self {
        Self {
            method: None,
            shape: Shape::Glob(pattern.into()),
        }
    }

    /// A value of oauth2-proxy's `skip_auth_routes`, as it stands there: a regular expression that is looked for anywhere
    /// in the path, `METHOD=expression` for one method of such paths, `METHOD!=expression` for one method of all others.
    /// For `open` and `json` rules.
    ///
    /// It has the meaning that it has there, on percent-decoded paths and without `^` and `$` unless they are written:
    /// `/public` is found in `/secret/public`. A [path that could be read in two ways](super::Ambiguity) it never matches,
    /// negated or not. Prefer [`path`](Self::path), [`prefix`](Self::prefix) and [`glob`](Self::glob).
    pub fn skip_auth_route(text: impl Into<String>) -> Self {
        let (method, search) = search::parse(text.into());
        Self {
            method,
            shape: Shape::Search(search),
        }
    }

    /// The same paths, one method of them. GET covers HEAD.
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Whether the method is one of those the pattern is about.
    pub(super) fn covers(&self, method: &Method) -> bool {
        self.method
            .as_ref()
            .is_none_or(|m| m == method || (*m == Method::GET && *method == Method::HEAD))
    }

    /// As [`covers`](Self::covers), for a restriction: no spelling of a method escapes it.
    pub(super) fn restricts(&self, method: &Method) -> bool {
        self.covers(method)
            || self
                .method
                .as_ref()
                .is_some_and(|m| m.as_str().eq_ignore_ascii_case(method.as_str()))
    }

    /// The path without `{…}`, if it names exactly one.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.shape {
            Shape::Path(path) if !path.contains('{') => Some(path),
            _ => None,
        }
    }

    /// What it is, however the parameters are named, to find the same pattern written twice.
    pub(super) fn canonical(&self) -> Self {
        let path = |path: &str| {
            let segments = path.split('/').map(|segment| match Segment::of(segment) {
                Segment::Literal(text) => text,
                Segment::Param(_) => "{}",
                Segment::Rest(_) => "{*}",
            });
            segments.collect::<Vec<_>>().join("/")
        };
        Self {
            method: self.method.clone(),
            shape: match &self.shape {
                Shape::Path(text) => Shape::Path(path(text)),
                Shape::Prefix(text) => Shape::Prefix(path(prefix_of(text))),
                shape @ (Shape::Regex(_) | Shape::Glob(_) | Shape::Search(_)) => shape.clone(),
            },
        }
    }

    /// What is wrong with it and how to mend it.
    pub(super) fn problem(&self) -> Option<String> {
        match &self.shape {
            Shape::Path(path) => path_problem(path, true),
            Shape::Prefix(path) if path == "/" => None,
            Shape::Prefix(path) => path_problem(path, false),
            Shape::Regex(text) => regex_problem(text),
            Shape::Glob(text) => glob::problem(text),
            Shape::Search(search) => search.problem(self.method.as_ref()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.method, &self.shape) {
            (None, _) | (_, Shape::Search(_)) => {}
            (Some(method), _) => write!(f, "{method} ")?,
        }
        match &self.shape {
            Shape::Path(path) => f.write_str(path),
            Shape::Prefix(path) => write!(f, "{path} and below"),
            Shape::Regex(text) => write!(f, "regex {text}"),
            Shape::Glob(text) => write!(f, "glob {text}"),
            Shape::Search(search) => write!(f, "skip_auth_route {}", search.text),
        }
    }
}

/// `/assets/` and `/assets` are the same prefix; `/` is the empty one.
pub(super) fn prefix_of(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// A part of a pattern between slashes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Segment<'a> {
    Literal(&'a str),
    Param(&'a str),
    Rest(&'a str),
}

impl<'a> Segment<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(name) => match name.strip_prefix('*') {
                Some(name) => Self::Rest(name),
                None => Self::Param(name),
            },
            None => Self::Literal(text),
        }
    }
}

/// What is wrong with a path that is meant as it stands, without parameters.
pub(super) fn literal_problem(path: &str) -> Option<String> {
    match Clarity::of(path) {
        Clarity::Plain => None,
        Clarity::Ambiguous(why) => Some(match why {
            Ambiguity::NoPath => "must begin with `/`".into(),
            Ambiguity::EmptySegment => "must not contain `//`: such a path never matches".into(),
            Ambiguity::DotSegment => {
                "must not contain `.` or `..` as a segment: write the path they lead to".into()
            }
            Ambiguity::Character if path.contains('?') => {
                "must not contain a query: rules look at the path only".into()
            }
            Ambiguity::Character if path.contains('#') => {
                "must not contain a fragment: it is never sent to a server".into()
            }
            Ambiguity::Character if path.contains('{') || path.contains('}') => {
                "a parameter takes a whole segment, as in `/teams/{team}`; for a part of one use `Pattern::regex`"
                    .into()
            }
            why => format!("could be read in two ways ({}): write it in its one plain form", why.what()),
        }),
    }
}

fn path_problem(path: &str, rest_allowed: bool) -> Option<String> {
    let mut plain = String::with_capacity(path.len());
    let mut segments = path.split('/').peekable();
    let mut names = vec![];
    while let Some(segment) = segments.next() {
        let name = match Segment::of(segment) {
            Segment::Literal(text) => {
                if let Some(name) = text.strip_prefix(':') {
                    return Some(format!("`:{name}` is written `{{{name}}}` here"));
                }
                if let Some(name) = text.strip_prefix('*') {
                    let name = if name.is_empty() { "rest" } else { name };
                    return Some(format!(
                        "`{text}` is written `{{*{name}}}` here, or use `Pattern::prefix`"
                    ));
                }
                if text.contains('*') {
                    return Some(format!(
                        "`{text}` would be meant as it stands, with its `*`; for any number of characters use `Pattern::glob`"
                    ));
                }
                plain.push_str(text);
                None
            }
            Segment::Rest(_) if segments.peek().is_some() => {
                return Some(format!("`{segment}` has to be the last segment"));
            }
            Segment::Rest(_) if !rest_allowed => {
                return Some(format!(
                    "a prefix covers everything below it: leave `{segment}` out"
                ));
            }
            Segment::Param(name) | Segment::Rest(name) => {
                plain.push('p');
                Some(name)
            }
        };
        if let Some(name) = name {
            if name.is_empty() || name.contains(['{', '}', '*', ':']) {
                return Some(format!(
                    "`{segment}` needs a name, as in `{{id}}` or `{{*rest}}`"
                ));
            }
            if names.contains(&name) {
                return Some(format!("the name `{name}` stands twice"));
            }
            names.push(name);
        }
        if segments.peek().is_some() {
            plain.push('/');
        }
    }
    literal_problem(&plain)
}

fn regex_problem(text: &str) -> Option<String> {
    if let Some(problem) = unreadable(text) {
        return Some(problem);
    }
    if !text.starts_with('^') || !ends_with_dollar(text) {
        return Some("must begin with `^` and end with `$`: it is about whole paths".into());
    }
    match shallow(text) {
        Shallow::Fine => {}
        Shallow::Alternation => {
            return Some(
                "has an alternative that `^` and `$` do not enclose: write `^(?:…|…)$`".into(),
            );
        }
        Shallow::Verbose => return Some("must not use the flag `x`".into()),
    }
    regex::Regex::new(&whole(text))
        .err()
        .map(|_| "cannot be read as a whole path".into())
}

fn unreadable(text: &str) -> Option<String> {
    let error = regex::Regex::new(text).err()?.to_string();
    // The last line says what; those before it draw a picture.
    let what = error.lines().last().unwrap_or_default();
    let what = what.trim_start_matches("error: ");
    Some(format!("is no regular expression: {what}"))
}

/// The expression, held to the whole path whatever it says itself.
pub(super) fn whole(text: &str) -> String {
    format!(r"\A(?:{text})\z")
}

fn ends_with_dollar(text: &str) -> bool {
    text.strip_suffix('$').is_some_and(|before| {
        let escapes = before.bytes().rev().take_while(|b| *b == b'\\').count();
        escapes % 2 == 0
    })
}

enum Shallow {
    Fine,
    Alternation,
    Verbose,
}

/// Looks for `|` outside of all groups, in an expression that is known to be well formed.
fn shallow(text: &str) -> Shallow {
    let (mut groups, mut classes) = (0usize, 0usize);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                rest.next();
            }
            '[' => {
                classes += 1;
                // A `]` that comes first is itself a member of the class.
                let after = rest.as_str();
                let negated = after.strip_prefix('^').unwrap_or(after);
                if let Some(inside) = negated.strip_prefix(']') {
                    rest = inside.chars();
                }
            }
            ']' => classes = classes.saturating_sub(1),
            _ if classes > 0 => {}
            '(' => {
                groups += 1;
                let flags = rest.as_str().strip_prefix('?').unwrap_or_default();
                let flags = flags
                    .split(|c: char| !c.is_ascii_alphabetic())
                    .next()
                    .unwrap_or_default();
                // In verbose mode comments may hide anything. `(?P<…>` names a group.
                if !flags.starts_with('P') && flags.contains('x') {
                    return Shallow::Verbose;
                }
            }
            ')' => groups = groups.saturating_sub(1),
            '|' if groups == 0 => return Shallow::Alternation,
            _ => {}
        }
    }
    Shallow::Fine
}
