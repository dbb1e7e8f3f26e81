//! Scopes.

use crate::form;
use std::fmt;

/// A set of scopes ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)), in the order in which they were
/// written.
///
/// ```
/// use oidc_gate_core::grant::ScopeSet;
/// let granted = ScopeSet::parse("openid profile").ok_or("not a scope")?;
/// assert!(ScopeSet::parse("profile").is_some_and(|asked| asked.is_within(&granted)));
/// assert_eq!(ScopeSet::parse("two  spaces"), None);
/// # Ok::<_, &str>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScopeSet(Vec<Box<str>>);

impl ScopeSet {
    /// The most words a scope may have.
    pub const MAX_WORDS: usize = 100;

    /// Reads words with exactly one space between them. What is written twice is there once; nothing is no scope.
    pub fn parse(text: &str) -> Option<Self> {
        // Looked at before anything is compared: each word is compared with all before it.
        if text.split(' ').nth(Self::MAX_WORDS).is_some() {
            return None;
        }
        let mut set = Self::default();
        for word in text.split(' ') {
            if !form::is_word(word) {
                return None;
            }
            if !set.contains(word) {
                set.0.push(word.into());
            }
        }
        Some(set)
    }

    /// Whether `scope` is in the set.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| **known == *scope)
    }

    /// Whether `other` has all of these.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|scope| other.contains(scope))
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    /// The first of these that is not in `other`.
    pub(super) fn first_outside<'a>(&'a self, other: &Self) -> Option<&'a str> {
        self.iter().find(|scope| !other.contains(scope))
    }

    pub(super) fn without(&self, left_out: &[&str]) -> Self {
        let kept = self.0.iter().filter(|scope| !left_out.contains(&&***scope));
        Self(kept.cloned().collect())
    }
}

/// Whatever the order.
impl PartialEq for ScopeSet {
    fn eq(&self, other: &Self) -> bool {
        self.is_within(other) && other.is_within(self)
    }
}

impl Eq for ScopeSet {}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_single_spaces() {
        for (text, expected) in [
            ("a", Some("a")),
            ("a b a", Some("a b")),
            (
                "https://api.example/read openid",
                Some("https://api.example/read openid"),
            ),
            ("", None),
            (" a", None),
            ("a ", None),
            ("a  b", None),
            ("a\tb", None),
            ("a\"b", None),
            ("a\\b", None),
            ("é", None),
        ] {
            let got = ScopeSet::parse(text).map(|set| set.to_string());
            assert_eq!(got.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn words_are_limited() {
        let words = |count: usize| {
            (0..count)
                .map(|n| format!("w{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert!(ScopeSet::parse(&words(ScopeSet::MAX_WORDS)).is_some());
        assert_eq!(ScopeSet::parse(&words(ScopeSet::MAX_WORDS + 1)), None);
    }

    #[test]
    fn sets_are_compared_whatever_their_order() {
        let set = |text| ScopeSet::parse(text).unwrap();
        assert_eq!(set("a b"), set("b a"));
        assert_ne!(set("a b"), set("a"));
        assert!(ScopeSet::default().is_within(&set("a")));
        assert!(!set("a c").is_within(&set("a b")));
    }
}
