//! A page as a theme hands it over, and the response that the gate makes of it.

use super::Html;
use crate::html::{self, STYLE};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::{fmt, sync::Arc};

/// A page as a theme hands it over: its language, title, style sheet and what stands in its body. The rest of the
/// document, its status and its headers are the gate's.
#[derive(Clone, Debug)]
#[must_use]
pub struct Document {
    language: String,
    title: String,
    style: Stylesheet,
    body: Html,
}

impl Document {
    /// A page in this language, a tag such as `en` or `pt-BR`. What stands in the body has to have one `main` and in it one
    /// `h1`, for those who find their way by them.
    pub fn new(
        language: impl Into<String>,
        title: impl Into<String>,
        style: &Stylesheet,
        body: impl Into<Html>,
    ) -> Self {
        Self {
            language: language.into(),
            title: title.into(),
            style: style.clone(),
            body: body.into(),
        }
    }

    /// The response that nobody stores, frames or sniffs. `leads_to` is where the browser goes at once.
    pub(super) fn respond(self, status: StatusCode, leads_to: Option<&str>) -> Response<Bytes> {
        html::Assembled {
            language: &self.language,
            title: &self.title,
            style: self.style.css(),
            style_hash: self.style.hash(),
            leads_to,
            body: self.body.as_str(),
            script: None,
            form_targets: &[],
            frame_sources: &[],
            images: self.body.has_images(),
        }
        .respond(status)
    }
}

/// A style sheet that stands in the page. Its hash is worked out once, so make it once. What it names from elsewhere
/// (`@import`, `url(…)`) is not loaded.
#[derive(Clone)]
pub struct Stylesheet(Arc<Sheet>);

struct Sheet {
    css: String,
    hash: String,
}

impl Stylesheet {
    /// The gate's own: a card in the middle of the window, light or dark as the reader's system is.
    pub fn standard() -> Self {
        Self::of(STYLE.to_owned())
    }

    /// This one alone.
    ///
    /// # Errors
    ///
    /// When it cannot stand in a page: see [`StylesheetError`].
    pub fn new(css: impl Into<String>) -> Result<Self, StylesheetError> {
        // A browser reads line ends so before it compares the hash.
        let css = css.into().replace("\r\n", "\n").replace('\r', "\n");
        if css.contains("</") || css.contains("<!--") {
            return Err(StylesheetError::Markup);
        }
        if css.contains('\0') {
            return Err(StylesheetError::Nul);
        }
        Ok(Self::of(css))
    }

    /// The same with these rules behind it.
    ///
    /// # Errors
    ///
    /// When they cannot stand in a page: see [`StylesheetError`].
    pub fn and(&self, css: &str) -> Result<Self, StylesheetError> {
        Self::new(format!("{}\n{css}", self.css()))
    }

    fn of(css: String) -> Self {
        let hash = html::hash(&css);
        Self(Arc::new(Sheet { css, hash }))
    }

    fn css(&self) -> &str {
        &self.0.css
    }

    fn hash(&self) -> &str {
        &self.0.hash
    }
}

impl fmt::Debug for Stylesheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stylesheet({} bytes)", self.css().len())
    }
}

/// Why a style sheet cannot stand in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StylesheetError {
    /// It holds `</` or `<!--`, which could end it early.
    Markup,
    /// It holds a NUL, which a browser would read as another character.
    Nul,
}

impl fmt::Display for StylesheetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Markup => {
                "holds `</` or `<!--`, which could end it early; in a text of css write `\\3c` for `<`"
            }
            Self::Nul => "holds a NUL",
        })
    }
}

impl std::error::Error for StylesheetError {}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONTENT_SECURITY_POLICY;

    #[test]
    fn a_style_sheet_cannot_end_early_and_is_hashed_as_a_browser_reads_it() {
        let error = |css: &str| Stylesheet::new(css).map(|_| ()).unwrap_err();
        assert_eq!(error("p { } </STYLE><script>"), StylesheetError::Markup);
        assert_eq!(error("<!-- p { } -->"), StylesheetError::Markup);
        assert_eq!(error("p\0 { }"), StylesheetError::Nul);
        let sheet = Stylesheet::new("p {\r\n}\r@media (width < 9em) { }").unwrap();
        assert_eq!(sheet.css(), "p {\n}\n@media (width < 9em) { }");
        assert_eq!(sheet.hash(), html::hash(sheet.css()));
        let more = Stylesheet::standard().and("p { color: red }").unwrap();
        assert_eq!(more.css(), format!("{STYLE}\np {{ color: red }}"));
    }

    #[test]
    fn a_theme_says_what_is_read_and_nothing_of_how_it_is_treated() {
        let hostile = "\"></title><script>";
        let style = Stylesheet::new("p { margin: 0 }").unwrap();
        let response =
            Document::new(hostile, hostile, &style, hostile).respond(StatusCode::IM_A_TEAPOT, None);
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        let page = std::str::from_utf8(response.body()).unwrap();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("<style>p { margin: 0 }</style>"), "{page}");
        assert_eq!(
            response.headers()[CONTENT_SECURITY_POLICY],
            format!(
                "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors 'none'; \
                 base-uri 'none'",
                html::hash("p { margin: 0 }")
            )
        );
    }
}
