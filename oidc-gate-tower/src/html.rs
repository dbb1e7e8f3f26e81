//! The look that every page of ours has, and the one place where text from outside becomes HTML.
//!
//! A page is one document: its style sheet is inside, it loads nothing, and only the development provider's run a script.
//! So its content security policy can name the hash of each and forbid everything else.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::fmt;

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

/// A whole document of ours, and what its policy has to name.
pub(crate) struct Assembled<'a> {
    pub(crate) language: &'a str,
    pub(crate) title: &'a str,
    pub(crate) style: &'a str,
    pub(crate) style_hash: &'a str,
    /// Where the browser goes as soon as the page is there.
    pub(crate) leads_to: Option<&'a str>,
    /// HTML.
    pub(crate) body: &'a str,
    pub(crate) script: Option<&'static str>,
    /// Where its forms may lead beside its own origin.
    pub(crate) form_targets: &'a [String],
    /// What it shows in frames.
    pub(crate) frame_sources: &'a [String],
    /// Whether it shows pictures that stand in it.
    pub(crate) images: bool,
}

impl Assembled<'_> {
    /// The page as a response that nobody stores, frames or sniffs.
    pub(crate) fn respond(self, status: StatusCode) -> Response<Bytes> {
        let refresh = self.leads_to.map_or_else(String::new, |place| {
            format!(
                "<meta http-equiv=\"refresh\" content=\"0;url={}\">\n",
                escape(place)
            )
        });
        let script = self
            .script
            .map_or_else(String::new, |script| format!("<script>{script}</script>\n"));
        let html = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
             {refresh}<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n{script}</body>\n</html>\n",
            language = escape(self.language),
            title = escape(self.title),
            style = self.style,
            body = self.body,
        );
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(FIXED_HEADERS.iter().cloned());
        // The targets are made of a scheme, a host and a port that `csp_source` has looked at.
        if let Ok(policy) = HeaderValue::try_from(self.policy()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn policy(&self) -> String {
        let mut policy = format!("default-src 'none'; style-src 'sha256-{}'", self.style_hash);
        if let Some(script) = self.script {
            policy += &format!("; script-src 'sha256-{}'", hash(script));
        }
        if self.images {
            policy += "; img-src data:";
        }
        if !self.frame_sources.is_empty() {
            policy += "; frame-src ";
            policy += &self.frame_sources.join(" ");
        }
        policy += "; form-action 'self'";
        for target in self.form_targets {
            policy.push(' ');
            policy.push_str(target);
        }
        policy.push_str("; frame-ancestors 'none'; base-uri 'none'");
        policy
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

/// As a policy names it.
pub(crate) fn hash(text: &str) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Colours meet WCAG AA in both schemes; the layout holds from 320 pixels on and at 200 % text size.
pub(crate) const STYLE: &str = include_str!("html.css");

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
}
