//! HTML that is put together from elements and text, so that no text from outside becomes markup.

use super::{Href, Logo};
use crate::html::escape;
use std::fmt::Write as _;

/// A piece of HTML. Text becomes one by being escaped, an [`Element`] by being written out; there is one way around that, and
/// its name says so.
///
/// ```
/// use oidc_gate_tower::pages::{Element, Html, Tag};
///
/// let html = Html::from("1 < 2 & ").push(Element::new(Tag::Strong).push("3 > 2"));
/// assert_eq!(html.as_str(), "1 &lt; 2 &amp; <strong>3 &gt; 2</strong>");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Html {
    text: String,
    has_images: bool,
}

impl Html {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this behind it: text, an element, another piece.
    pub fn push(mut self, more: impl Into<Html>) -> Self {
        let more = more.into();
        self.text.push_str(&more.text);
        self.has_images |= more.has_images;
        self
    }

    /// Markup as it stands.
    ///
    /// # Security
    ///
    /// Nothing of it may come from outside. The pages' content security policy forbids scripts, whoever wrote them, and
    /// attributes `style` and `on…`; what else a stranger's markup could do (another form, another heading), it does not.
    pub fn danger_as_it_stands(markup: impl Into<String>) -> Self {
        Self {
            text: markup.into(),
            has_images: false,
        }
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn image(logo: &Logo, alternative: &str) -> Self {
        Self {
            text: format!(
                "<img class=\"logo\" src=\"{}\" alt=\"{}\">",
                escape(logo.address()),
                escape(alternative)
            ),
            has_images: true,
        }
    }

    /// Whether it holds images, which the policy has to allow then.
    pub(super) fn has_images(&self) -> bool {
        self.has_images
    }
}

impl From<&str> for Html {
    fn from(text: &str) -> Self {
        Self {
            text: escape(text).to_string(),
            has_images: false,
        }
    }
}

impl From<Element> for Html {
    fn from(element: Element) -> Self {
        let Element {
            tag,
            attributes,
            content,
        } = element;
        let name = tag.name();
        let text = if tag.is_void() {
            format!("<{name}{attributes}>")
        } else {
            format!("<{name}{attributes}>{}</{name}>", content.text)
        };
        Self {
            text,
            has_images: content.has_images,
        }
    }
}

/// One element: what it is, what is said about it, and what is in it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Element {
    tag: Tag,
    attributes: String,
    content: Html,
}

impl Element {
    /// An empty one.
    pub fn new(tag: Tag) -> Self {
        Self {
            tag,
            attributes: String::new(),
            content: Html::new(),
        }
    }

    /// A link.
    pub fn link(to: &Href) -> Self {
        Self::new(Tag::A).attribute("href", to.as_str())
    }

    /// Its classes, by which a style sheet finds it.
    pub fn class(self, names: &str) -> Self {
        self.attribute("class", names)
    }

    /// Its id.
    pub fn id(self, id: &str) -> Self {
        self.attribute("id", id)
    }

    /// The language of what is in it.
    pub fn lang(self, tag: &str) -> Self {
        self.attribute("lang", tag)
    }

    /// Its name for whoever does not see it (`aria-label`).
    pub fn label(self, name: &str) -> Self {
        self.attribute("aria-label", name)
    }

    /// The same with this at the end of its content.
    pub fn push(mut self, more: impl Into<Html>) -> Self {
        self.content = self.content.push(more);
        self
    }

    fn attribute(mut self, name: &'static str, value: &str) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.attributes, " {name}=\"{}\"", escape(value));
        self
    }
}

macro_rules! tags {
    ($($variant:ident = $name:literal)*) => {
        /// The elements that a page is made of. None of them reads its content in another way than as HTML, as `script` and
        /// `style` do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each is the element of its name")]
        pub enum Tag { $($variant),* }

        impl Tag {
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

tags! {
    Main = "main" Header = "header" Footer = "footer" Nav = "nav" Section = "section" Div = "div"
    H1 = "h1" H2 = "h2" H3 = "h3" P = "p" Span = "span" Strong = "strong" Em = "em" Small = "small" Code = "code"
    A = "a" Ul = "ul" Ol = "ol" Li = "li" Dl = "dl" Dt = "dt" Dd = "dd" Br = "br" Hr = "hr"
}

impl Tag {
    fn is_void(self) -> bool {
        matches!(self, Self::Br | Self::Hr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_wherever_it_is_put() {
        let hostile = "\"><script>alert('1')</script>";
        let html = Html::from(hostile).push(
            Element::new(Tag::P)
                .class(hostile)
                .id(hostile)
                .lang(hostile)
                .label(hostile)
                .push(hostile),
        );
        let safe = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;";
        assert_eq!(
            html.as_str(),
            format!(
                "{safe}<p class=\"{safe}\" id=\"{safe}\" lang=\"{safe}\" aria-label=\"{safe}\">{safe}</p>"
            )
        );
    }

    #[test]
    fn an_element_without_content_has_no_end() {
        let html = Html::new()
            .push(Element::new(Tag::Br).push("lost"))
            .push("x");
        assert_eq!(html.as_str(), "<br>x");
    }
}
