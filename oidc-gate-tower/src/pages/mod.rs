//! The pages that people see: what they say, and how a theme changes that.
//!
//! A page is what [`Pages::render`] makes of a [`PageContent`]. [`Branding`] changes name, logo, colour, footer and language of
//! the gate's own pages; a type of one's own changes everything that is inside of the body.
//!
//! # Security
//!
//! Status, headers and the head of the document are the gate's, whatever the theme. Every page is `no-store`, cannot be framed
//! or sniffed, sends no referrer, and has a content security policy that forbids everything but its own style sheet, which it
//! names by its hash, and forms to this site. No script runs on it. What a theme is given holds nothing of the request; the
//! links are the gate's own, and text becomes HTML by being escaped.
//!
//! ```
//! use oidc_gate_tower::pages::{Document, Element, Html, PageContent, Pages, Stylesheet, Tag};
//!
//! struct Plain(Stylesheet);
//!
//! impl Pages for Plain {
//!     fn render(&self, page: &PageContent<'_>) -> Document {
//!         let words = page.message().english();
//!         let mut main = Element::new(Tag::Main).push(Element::new(Tag::H1).push(&*words.title));
//!         for way in page.ways() {
//!             main = main.push(way.html(&words.action, "button"));
//!         }
//!         Document::new("en", &*words.title, &self.0, main)
//!     }
//! }
//!
//! let pages = Plain(Stylesheet::new("h1 { font-weight: 500 }")?);
//! # let _ = oidc_gate_tower::Gate::builder().pages(pages);
//! # Ok::<_, oidc_gate_tower::pages::StylesheetError>(())
//! ```

mod address;
mod branding;
mod colour;
mod content;
mod document;
mod markup;
mod message;
#[cfg(test)]
mod tests;

pub use address::{Href, Logo};
pub use branding::Branding;
pub use content::{PageContent, WayOn};
pub use document::{Document, Stylesheet, StylesheetError};
pub use markup::{Element, Html, Tag};
pub use message::{Language, Message, Words};

use bytes::Bytes;
use http::Response;

/// What the gate's pages look like. See [the module](self).
pub trait Pages: Send + Sync + 'static {
    /// The page that says this.
    fn render(&self, page: &PageContent<'_>) -> Document;

    /// What is wrong with the theme itself; [`build`](crate::GateBuilder::build) names it with everything else.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Whether whoever opens a page that demands a login is led to the provider at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a page is shown or it is not")]
pub enum SignInPage {
    /// At once. The sign-in page is there for whoever links to it.
    #[default]
    Skip,
    /// The sign-in page is shown first, with status 401, and its button leads on.
    Show,
}

/// The response of a page.
pub(crate) fn respond(pages: &dyn Pages, page: &PageContent<'_>) -> Response<Bytes> {
    pages.render(page).respond(page.status(), page.leads_to())
}
