//! Patterns with stars.

use super::literal_problem;

/// What is wrong with a glob and how to mend it.
pub(super) fn problem(glob: &str) -> Option<String> {
    if glob.contains("***") {
        return Some("`***` means nothing: `*` stays within a segment, `**` does not".into());
    }
    if let Some(found) = glob.chars().find(|c| matches!(c, '{' | '}' | '[' | ']')) {
        return Some(format!(
            "`{found}` means nothing in a glob: use `*` or `**`, or `Pattern::regex`"
        ));
    }
    literal_problem(&glob.replace('*', "g"))
}

/// The glob as a regular expression for whole paths. `*` is any number of characters of one segment, `**` of any
/// segments.
pub(in crate::gate) fn expression(glob: &str) -> String {
    let mut out = String::with_capacity(glob.len() * 2);
    for (at, across) in glob.split("**").enumerate() {
        if at > 0 {
            out.push_str(".*");
        }
        for (at, within) in across.split('*').enumerate() {
            if at > 0 {
                out.push_str("[^/]*");
            }
            out.push_str(&regex::escape(within));
        }
    }
    format!("^{out}$")
}
