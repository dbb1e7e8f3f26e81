//! A page of the development provider.

use crate::html::{Assembled, STYLE, escape, hash};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::{
    fmt::{self, Write as _},
    sync::LazyLock,
};

/// One page: a card in the middle of the window, light or dark as the reader's system is.
#[derive(Debug)]
pub(super) struct Page<'a> {
    title: &'a str,
    body: String,
    form_targets: Vec<String>,
    frame_sources: Vec<String>,
    script: Option<&'static str>,
}

impl<'a> Page<'a> {
    /// A page with this title and, as its heading, the same text.
    pub(super) fn new(title: &'a str) -> Self {
        Self {
            title,
            body: String::new(),
            form_targets: Vec::new(),
            frame_sources: Vec::new(),
            script: None,
        }
    }

    /// Adds HTML as it stands. What came from outside goes through [`escape`] on its way into the arguments.
    pub(super) fn push(&mut self, html: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(html);
    }

    /// Lets a form of this page end up at `address` after a redirect. Without this, forms stay on the page's own origin:
    /// browsers apply `form-action` to the whole chain of redirects.
    pub(super) fn allow_form_target(&mut self, address: &str) {
        self.form_targets.extend(csp_source(address));
    }

    /// Loads `address` in a frame that nobody sees. One that a policy cannot name is left out.
    pub(super) fn show_in_frame(&mut self, address: &str) {
        let Some(source) = csp_source(address) else {
            return;
        };
        self.push(format_args!(
            "<iframe src=\"{}\" hidden title=\"Sign out\"></iframe>\n",
            escape(address)
        ));
        if !self.frame_sources.contains(&source) {
            self.frame_sources.push(source);
        }
    }

    /// Runs this script when the page is there. Whoever has switched scripts off needs another way on.
    pub(super) fn run(&mut self, script: &'static str) {
        self.script = Some(script);
    }

    /// The page as a response that nobody stores, frames or sniffs.
    pub(super) fn respond(self, status: StatusCode) -> Response<Bytes> {
        let title = escape(self.title);
        let body = format!(
            "<main>\n<p class=\"tag\">Development provider</p>\n<h1>{title}</h1>\n{}</main>",
            self.body
        );
        Assembled {
            language: "en",
            title: self.title,
            style: STYLE,
            style_hash: &STYLE_HASH,
            leads_to: None,
            body: &body,
            script: self.script,
            form_targets: &self.form_targets,
            frame_sources: &self.frame_sources,
            images: false,
        }
        .respond(status)
    }
}

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hash(STYLE));

/// The origin of `address` as a source expression. A host that the expression's grammar has no room for (an IPv6
/// address) is named by its scheme alone; what has no scheme is no target.
fn csp_source(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.is_empty() || !scheme.chars().all(plain) {
        return None;
    }
    let authority = rest
        .strip_prefix("//")
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .unwrap_or_default();
    let host_and_port = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    Some(
        if !authority.is_empty() && authority.chars().all(host_and_port) {
            format!("{scheme}://{authority}")
        } else {
            format!("{scheme}:")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn the_policy_names_the_hash_of_the_style_that_is_sent() {
        let response = Page::new("Hello").respond(StatusCode::OK);
        let html = std::str::from_utf8(response.body()).unwrap();
        let style = html
            .split_once("<style>")
            .and_then(|(_, rest)| rest.split_once("</style>"))
            .unwrap()
            .0;
        let hash = hash(style);
        assert_eq!(
            response.headers()[header::CONTENT_SECURITY_POLICY],
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            )
        );
    }

    #[test]
    fn a_form_target_is_an_origin_and_cannot_add_to_the_policy() {
        for (address, source) in [
            ("https://app.test/cb?x=1", Some("https://app.test")),
            ("http://localhost:3000/cb", Some("http://localhost:3000")),
            ("http://[::1]:3000/cb", Some("http:")),
            ("http://a;script-src'unsafe-inline'.test/", Some("http:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("https; script-src *://x", None),
            ("/relative", None),
            ("", None),
        ] {
            assert_eq!(csp_source(address).as_deref(), source, "{address}");
        }
    }

    #[test]
    fn a_title_from_outside_is_text() {
        let response = Page::new("</title><script>").respond(StatusCode::OK);
        let html = std::str::from_utf8(response.body()).unwrap();
        assert!(!html.contains("<script"), "{html}");
    }
}
