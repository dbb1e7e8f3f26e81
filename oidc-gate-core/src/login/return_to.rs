//! Where a user goes after a login.

use std::fmt;

/// A place in this application to come back to: a path with an optional query, never another site.
///
/// It begins with exactly one `/`, holds only visible ASCII and neither a backslash nor a fragment, and is at most
/// [`MAX_LEN`](Self::MAX_LEN) bytes long, so every browser resolves it on the origin it is sent from
/// ([RFC 9700 § 4.11](https://www.rfc-editor.org/rfc/rfc9700#section-4.11)).
///
/// ```
/// use oidc_gate_core::login::ReturnTo;
/// assert_eq!(ReturnTo::parse("/me?tab=2").unwrap().as_str(), "/me?tab=2");
/// for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "/\tevil", "/.//evil"] {
///     assert_eq!(ReturnTo::parse(elsewhere), None);
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(Box<str>);

impl ReturnTo {
    /// The longest one kept, in bytes. A longer one is dropped rather than cut.
    pub const MAX_LEN: usize = 2048;

    /// The place, if it is one in this application.
    pub fn parse(text: &str) -> Option<Self> {
        let path = text.split('?').next().unwrap_or_default();
        let local = text.len() <= Self::MAX_LEN
            && path.starts_with('/')
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#')
            // A browser removes dot segments before it looks at the rest: `/.//evil` would become `//evil`.
            && !path.contains("//")
            && !path.split('/').any(is_dot_segment);
        local.then(|| Self(text.into()))
    }

    /// The first page.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The place as text, fit for a `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `.` and `..` in every spelling a browser's URL parser takes for them.
fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

impl fmt::Debug for ReturnTo {
    // A query may hold what a user typed; the path is enough for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ReturnTo({:?})",
            self.0.split('?').next().unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_but_a_local_path_is_taken() {
        for text in [
            "",
            "me",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "https:evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\tevil",
            "/\r\nx",
            " /x",
            "/x y",
            "/a\\b",
            "/x#y",
            "/.//evil.example",
            "/..//evil.example",
            "/%2e//evil.example",
            "/%2E%2e/x",
            "/./x",
            "/a/../b",
            "/ü",
            "\u{ff0f}x",
            "/a//b",
        ] {
            assert_eq!(ReturnTo::parse(text), None, "{text:?}");
        }
        assert_eq!(
            ReturnTo::parse(&format!("/{}", "a".repeat(ReturnTo::MAX_LEN))),
            None
        );
        for text in [
            "/",
            "/me",
            "/me?x=1&y=//z",
            "/a.b/..c",
            "/a%20b",
            "/a:b@c",
            "/me?next=https://other.example",
        ] {
            assert_eq!(ReturnTo::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn debug_leaves_the_query_out() {
        assert_eq!(
            format!("{:?}", ReturnTo::parse("/me?token=abc").unwrap()),
            "ReturnTo(\"/me\")"
        );
    }

    proptest! {
        /// Whatever is accepted, a browser's URL parser keeps on the same origin.
        #[test]
        fn what_is_accepted_stays_on_the_origin(text in "[/\\\\.:@#?%a-c2eEfF5cC09\\t\\n ]{0,24}") {
            if let Some(place) = ReturnTo::parse(&text) {
                let base = ::url::Url::parse("https://app.example:8443/oauth2/callback").unwrap();
                prop_assert_eq!(base.join(place.as_str()).unwrap().origin(), base.origin());
            }
        }
    }
}
