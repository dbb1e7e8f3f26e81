//! Where the links of a page lead, and what is shown without being fetched.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::sync::Arc;

/// Where a link leads: a path on this site, or an address that begins with `https://`, `http://` or `mailto:`. Nothing that a
/// browser would run.
///
/// ```
/// use oidc_gate_tower::pages::Href;
/// assert!(Href::parse("/imprint").is_some());
/// assert!(Href::parse("https://example.com/privacy").is_some());
/// assert!(Href::parse("javascript:alert(1)").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Href(String);

impl Href {
    /// An address from outside, if it is one of those.
    pub fn parse(text: &str) -> Option<Self> {
        // What browsers take out of addresses, and a backslash, which they read as a slash, could make another of one.
        let plain = !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
        let local = text.starts_with('/') && !text.starts_with("//");
        let scheme = ["https://", "http://", "mailto:"].iter().any(|scheme| {
            let start = text.as_bytes().get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
                && text.len() > scheme.len()
        });
        (plain && (local || scheme)).then(|| Self(text.to_owned()))
    }

    /// A place of the gate's or one that [`Places`](crate::core::login::Places) has let through.
    pub(crate) fn own(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A picture that stands in the page itself, since the page loads nothing.
///
/// A browser runs no script of an SVG that is shown as a picture and loads nothing for it, whatever it holds. Colours
/// can follow the reader's system: `@media (prefers-color-scheme: dark)` in the SVG's own style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo(Arc<str>);

impl Logo {
    /// An SVG document.
    pub fn svg(document: impl AsRef<[u8]>) -> Self {
        Self::of("image/svg+xml", document.as_ref())
    }

    /// A PNG file.
    pub fn png(file: impl AsRef<[u8]>) -> Self {
        Self::of("image/png", file.as_ref())
    }

    fn of(media_type: &str, bytes: &[u8]) -> Self {
        let data = STANDARD.encode(bytes);
        Self(format!("data:{media_type};base64,{data}").into())
    }

    pub(super) fn address(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_page_and_runs_nothing() {
        for (text, taken) in [
            ("/", true),
            ("/a?b#c", true),
            ("https://example.com", true),
            ("HTTPS://example.com", true),
            ("http://localhost:3000/", true),
            ("mailto:help@example.com", true),
            ("", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("/\t/evil.example", false),
            ("imprint", false),
            ("https://", false),
            ("mailto:", false),
            ("javascript:alert(1)", false),
            ("java\nscript:alert(1)", false),
            (" https://example.com", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(Href::parse(text).is_some(), taken, "{text:?}");
        }
    }
}
