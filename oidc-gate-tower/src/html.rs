//! The look that every page of ours has, and the one place where text from outside becomes HTML.
//!
//! A page is one document: its style sheet is inside, it loads nothing, and only the development provider's run a script.
//! So its content security policy can name the hash of each and forbid everything else.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::{
    fmt::{self, Write as _},
    sync::LazyLock,
};

/// `text`, fit to stand in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> impl fmt::Display + '_ {
    Escaped(text)
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\0']) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            f.write_str(match special.as_bytes().first() {
                Some(b'&') => "&amp;",
                Some(b'<') => "&lt;",
                Some(b'>') => "&gt;",
                Some(b'"') => "&quot;",
                Some(b'\'') => "&#39;",
                _ => "\u{fffd}",
            })?;
            rest = special.get(1..).unwrap_or_default();
        }
        f.write_str(rest)
    }
}

/// One page: a card in the middle of the window, light or dark as the reader's system is.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    title: &'a str,
    tag: Option<&'a str>,
    body: String,
    form_targets: Vec<String>,
    refresh: Option<&'a str>,
    script: Option<&'static str>,
}

impl<'a> Page<'a> {
    /// A page with this title and, as its heading, the same text.
    pub(crate) fn new(title: &'a str) -> Self {
        Self {
            title,
            tag: None,
            body: String::new(),
            form_targets: Vec::new(),
            refresh: None,
            script: None,
        }
    }

    /// Says above the heading what kind of page this is.
    #[cfg(feature = "dev-provider")]
    pub(crate) fn tagged(mut self, tag: &'a str) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Adds HTML as it stands. What came from outside goes through [`escape`] on its way into the arguments.
    pub(crate) fn push(&mut self, html: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(html);
    }

    /// Says something in our own words, and links to one way on.
    pub(crate) fn say(&mut self, text: &'static str, link: &'static str, way_on: &str) {
        self.push(format_args!(
            "<p>{text}</p>\n<p><a class=\"primary\" href=\"{}\">{link}</a></p>\n",
            escape(way_on),
        ));
    }

    /// Lets a form of this page end up at `address` after a redirect. Without this, forms stay on the page's own origin:
    /// browsers apply `form-action` to the whole chain of redirects.
    #[cfg(feature = "dev-provider")]
    pub(crate) fn allow_form_target(&mut self, address: &str) {
        self.form_targets.extend(csp_source(address));
    }

    /// Leads the browser on to this place of our own as soon as the page is there. Always an address: Chromium takes a
    /// refresh without one, on a page whose address has a fragment, for a jump within the page, and goes nowhere.
    pub(crate) fn leading_to(mut self, place: &'a str) -> Self {
        self.refresh = Some(place);
        self
    }

    /// Runs this script when the page is there. Whoever has switched scripts off needs another way on.
    #[cfg(feature = "dev-provider")]
    pub(crate) fn run(&mut self, script: &'static str) {
        self.script = Some(script);
    }

    /// The page as a response that nobody stores, frames or sniffs.
    pub(crate) fn respond(self, status: StatusCode) -> Response<Bytes> {
        let tag = self.tag.map_or_else(String::new, |tag| {
            format!("<p class=\"tag\">{}</p>\n", escape(tag))
        });
        let refresh = self.refresh.map_or_else(String::new, |place| {
            format!(
                "<meta http-equiv=\"refresh\" content=\"0;url={}\">\n",
                escape(place)
            )
        });
        let script = self
            .script
            .map_or_else(String::new, |script| format!("<script>{script}</script>\n"));
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
             {refresh}<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{tag}<h1>{title}</h1>\n{body}</main>\n\
             {script}</body>\n</html>\n",
            title = escape(self.title),
            body = self.body,
        );
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(FIXED_HEADERS.iter().cloned());
        // The targets are made of a scheme, a host and a port that `csp_source` has looked at.
        if let Ok(policy) = HeaderValue::try_from(policy(self.script, &self.form_targets)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

static FIXED_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
];

fn policy(script: Option<&str>, form_targets: &[String]) -> String {
    let mut policy = format!("default-src 'none'; style-src 'sha256-{}'", *STYLE_HASH);
    if let Some(script) = script {
        policy += &format!("; script-src 'sha256-{}'", hash(script));
    }
    policy += "; form-action 'self'";
    for target in form_targets {
        policy.push(' ');
        policy.push_str(target);
    }
    policy.push_str("; frame-ancestors 'none'; base-uri 'none'");
    policy
}

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hash(STYLE));

fn hash(text: &str) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The origin of `address` as a source expression. A host that the expression's grammar has no room for (an IPv6
/// address) is named by its scheme alone; what has no scheme is no target.
#[cfg(feature = "dev-provider")]
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

/// Colours meet WCAG AA in both schemes; the layout holds from 320 pixels on and at 200 % text size.
const STYLE: &str = include_str!("html.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_text_or_attribute() {
        assert_eq!(
            escape("<b a=\"x\" b='y'>&amp;\0é").to_string(),
            "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;\u{fffd}é"
        );
    }

    #[test]
    fn the_policy_names_the_hash_of_the_style_that_is_sent() {
        let response = Page::new("Hello").respond(StatusCode::OK);
        let html = std::str::from_utf8(response.body()).unwrap();
        let style = html
            .split_once("<style>")
            .and_then(|(_, rest)| rest.split_once("</style>"))
            .unwrap()
            .0;
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, style.as_bytes()));
        assert_eq!(
            response.headers()[header::CONTENT_SECURITY_POLICY],
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            )
        );
    }

    #[test]
    #[cfg(feature = "dev-provider")]
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
