//! Finds the rules for a path in one walk, whatever their number.

use super::path;
use super::pattern::search::Sense;
use super::pattern::{Pattern, Segment, Shape, glob, prefix_of, whole};
use regex::{RegexSet, RegexSetBuilder};
use std::cmp::Ordering;

/// A set of patterns, by number.
#[derive(Debug)]
pub(super) struct Matcher {
    way: Way,
    root: Node,
    regexes: RegexSet,
    regex_rules: Vec<u32>,
    /// What is looked for anywhere in a path.
    searches: RegexSet,
    search_rules: Vec<(u32, Sense)>,
}

/// How a path is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Byte by byte, as a router does. For rules that permit.
    Exact,
    /// Whatever the case, with or without a slash, dots or spaces at the end. For rules that restrict.
    Generous,
}

#[derive(Debug, Default)]
struct Node {
    /// Sorted by how long the text is, then by it.
    children: Vec<(Box<str>, Node)>,
    param: Option<Box<Node>>,
    ends: Vec<u32>,
    prefix: Vec<u32>,
    rest: Vec<u32>,
}

impl Matcher {
    /// The patterns are free of [problems](Pattern::problem).
    ///
    /// # Errors
    ///
    /// What the regex engine says if all regular expressions together are too large.
    pub(super) fn new<'a>(
        way: Way,
        patterns: impl Iterator<Item = (u32, &'a Pattern)>,
    ) -> Result<Self, regex::Error> {
        let mut root = Node::default();
        let (mut regexes, mut regex_rules) = (vec![], vec![]);
        let (mut searches, mut search_rules) = (vec![], vec![]);
        for (rule, pattern) in patterns {
            match &pattern.shape {
                Shape::Path(path) => root.insert(way, path, End::Path, rule),
                Shape::Prefix(path) => root.insert(way, prefix_of(path), End::Prefix, rule),
                Shape::Regex(text) => {
                    regexes.push(whole(text));
                    regex_rules.push(rule);
                }
                Shape::Glob(text) => {
                    regexes.push(whole(&glob::expression(text)));
                    regex_rules.push(rule);
                }
                Shape::Search(search) => {
                    searches.push(&search.expression);
                    search_rules.push((rule, search.sense));
                }
            }
        }
        Ok(Self {
            way,
            root,
            regexes: RegexSetBuilder::new(regexes)
                .case_insensitive(way == Way::Generous)
                .build()?,
            regex_rules,
            searches: RegexSet::new(searches)?,
            search_rules,
        })
    }

    /// Calls `found` with every pattern that matches the path as it stands, once or more.
    pub(super) fn find(&self, path: &str, found: &mut dyn FnMut(u32)) {
        if !self.root.is_bare() {
            let rest = path.strip_prefix('/').unwrap_or(path);
            self.root.walk(self.way, Some(rest), found);
        }
        self.find_regex(path, found);
        self.search(path, found);
        // Most paths are tidy, and nothing is allocated for them.
        let untidy = |path: &str| {
            path.ends_with(['/', '.', ' ']) || path.contains("./") || path.contains(" /")
        };
        if self.way == Way::Generous && !self.regex_rules.is_empty() && untidy(path) {
            let tidy = path::tidied(path);
            let trimmed = tidy.trim_end_matches(['/', '.', ' ']);
            if trimmed.len() != path.len() {
                self.find_regex(if trimmed.is_empty() { "/" } else { trimmed }, found);
            }
        }
    }

    /// As [`find`](Self::find), in every path that some parser could read in this one. `false` if there are too many to
    /// tell, and so every pattern might match.
    #[must_use]
    pub(super) fn find_any(&self, path: &str, found: &mut dyn FnMut(u32)) -> bool {
        let Some(readings) = path::readings(path) else {
            return false;
        };
        // As it stands too: lower case is not what a regular expression may have in mind.
        self.find_regex(path, found);
        for reading in readings {
            self.find(&reading, found);
        }
        true
    }

    /// On the decoded path, as where such expressions come from. The path is plain, so decoding moves no slash.
    fn search(&self, path: &str, found: &mut dyn FnMut(u32)) {
        if self.search_rules.is_empty() {
            return;
        }
        let (as_it_stands, decoded) = (path, path::decoded(path));
        let here = self.searches.matches(&decoded);
        let there = self.searches.matches(as_it_stands);
        for (at, (rule, sense)) in self.search_rules.iter().enumerate() {
            let fits = match sense {
                Sense::Found => here.matched(at),
                // What permits because something is not there has to be sure of it.
                Sense::NotFound => !here.matched(at) && !there.matched(at),
            };
            if fits {
                found(*rule);
            }
        }
    }

    fn find_regex(&self, path: &str, found: &mut dyn FnMut(u32)) {
        // The set of matches is allocated, the answer "none" is not.
        if !self.regex_rules.is_empty() && self.regexes.is_match(path) {
            for at in self.regexes.matches(path) {
                if let Some(rule) = self.regex_rules.get(at) {
                    found(*rule);
                }
            }
        }
    }
}

enum End {
    Path,
    Prefix,
}

impl Node {
    fn insert(&mut self, way: Way, path: &str, end: End, rule: u32) {
        let mut path = path.strip_prefix('/').unwrap_or(path);
        if way == Way::Generous {
            path = path.strip_suffix('/').unwrap_or(path);
        }
        let mut node = self;
        if !path.is_empty() {
            for segment in path.split('/') {
                node = match Segment::of(segment) {
                    Segment::Literal(text) if way == Way::Generous => {
                        node.child(fold(&path::decoded(text).to_lowercase()))
                    }
                    Segment::Literal(text) => node.child(text),
                    Segment::Param(_) => node.param.get_or_insert_default(),
                    Segment::Rest(_) => {
                        node.rest.push(rule);
                        return;
                    }
                };
            }
        } else if way == Way::Exact && matches!(end, End::Path) {
            // The path `/` is one empty segment.
            node = node.child("");
        }
        match end {
            End::Path => node.ends.push(rule),
            End::Prefix => node.prefix.push(rule),
        }
    }

    /// Whether no pattern leads here or further.
    fn is_bare(&self) -> bool {
        let Self {
            children,
            param,
            ends,
            prefix,
            rest,
        } = self;
        children.is_empty()
            && param.is_none()
            && ends.is_empty()
            && prefix.is_empty()
            && rest.is_empty()
    }

    fn child(&mut self, text: &str) -> &mut Self {
        let find =
            |(key, _): &(Box<str>, Self)| by_length(key, text).then_with(|| (**key).cmp(text));
        let at = match self.children.binary_search_by(find) {
            Ok(at) => at,
            Err(at) => {
                self.children.insert(at, (text.into(), Self::default()));
                at
            }
        };
        &mut self.children[at].1
    }

    /// `rest` is what of the path is not read yet, without its slash; `None` at the end.
    fn walk(&self, way: Way, rest: Option<&str>, found: &mut dyn FnMut(u32)) {
        self.prefix.iter().for_each(|rule| found(*rule));
        let Some(rest) = rest else {
            self.ends.iter().for_each(|rule| found(*rule));
            return;
        };
        if !rest.is_empty() {
            self.rest.iter().for_each(|rule| found(*rule));
        }
        if way == Way::Generous && rest.bytes().all(|b| b == b'/') {
            self.ends.iter().for_each(|rule| found(*rule));
        }
        if self.children.is_empty() && self.param.is_none() {
            return;
        }
        let (segment, rest) = cut(rest);
        let text = match way {
            Way::Exact => segment,
            Way::Generous => fold(segment),
        };
        let at = self.children.binary_search_by(|(key, _)| {
            by_length(key, text).then_with(|| match way {
                Way::Exact => (**key).cmp(text),
                Way::Generous => key
                    .bytes()
                    .cmp(text.bytes().map(|b| b.to_ascii_lowercase())),
            })
        });
        if let Some((_, child)) = at.ok().and_then(|at| self.children.get(at)) {
            child.walk(way, rest, found);
        }
        // A router gives a parameter at least one character. Another one may take `//` for an empty one in between.
        let fills = !segment.is_empty()
            || way == Way::Generous && rest.is_some_and(|rest| rest.bytes().any(|b| b != b'/'));
        if let (Some(child), true) = (&self.param, fills) {
            child.walk(way, rest, found);
        }
    }
}

/// Most segments are told apart by how long they are.
fn by_length(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len())
}

/// The first segment, and what comes after its slash. Segments are short: a search that is made ready for long texts takes
/// longer to begin than to look.
fn cut(rest: &str) -> (&str, Option<&str>) {
    let slash = rest.bytes().position(|byte| byte == b'/');
    match slash.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))) {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (rest, None),
    }
}

/// Without the dots and spaces at the end that some file systems drop.
fn fold(segment: &str) -> &str {
    match segment.trim_end_matches(['.', ' ']) {
        "" => segment,
        text => text,
    }
}
