//! The gate's own pages in the colours of an application.

use super::{
    Document, Element, Href, Html, Language, Logo, PageContent, Pages, Stylesheet, Tag,
    colour::{Colour, DARK_CARD, LIGHT_CARD},
    content::sentence,
};
use std::sync::OnceLock;

/// The gate's own pages with a name, a logo, a colour, a footer and words of the application's.
///
/// ```
/// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, pages::{Branding, Logo}};
///
/// let gate = Gate::builder()
///     .issuer("https://id.example.com")
///     .client("my-app", ClientAuth::none())
///     .base_url("https://app.example.com")
///     .cookie_keys(CookieKeys::ephemeral())
///     .pages(
///         Branding::new("Acme Shop")
///             .accent("#0a7")
///             .logo(Logo::svg("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='4'/></svg>"))
///             .footer("Acme Ltd.")
///             .link("Privacy", "/privacy"),
///     )
///     .build()?;
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Branding {
    name: String,
    accent: Option<String>,
    logo: Option<Logo>,
    footer: Option<String>,
    links: Vec<(String, String)>,
    language: Language,
    style: OnceLock<Stylesheet>,
}

impl Default for Branding {
    fn default() -> Self {
        Self::new("")
    }
}

impl Branding {
    /// Pages that say whose they are.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            accent: None,
            logo: None,
            footer: None,
            links: Vec::new(),
            language: Language::english(),
            style: OnceLock::new(),
        }
    }

    /// The colour of buttons, links and the focus: `#rgb` or `#rrggbb`. Where text of it could not be read on the page, it
    /// is made darker in the light scheme and lighter in the dark one until it can.
    pub fn accent(mut self, colour: impl Into<String>) -> Self {
        self.accent = Some(colour.into());
        self
    }

    /// A picture above the name.
    pub fn logo(mut self, logo: Logo) -> Self {
        self.logo = Some(logo);
        self
    }

    /// A text below every page.
    pub fn footer(mut self, text: impl Into<String>) -> Self {
        self.footer = Some(text.into());
        self
    }

    /// A link below every page: to a path on this site, or an address that begins with `https://`, `http://` or `mailto:`.
    pub fn link(mut self, label: impl Into<String>, address: impl Into<String>) -> Self {
        self.links.push((label.into(), address.into()));
        self
    }

    /// The language of the pages; English unless set.
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    fn style(&self) -> &Stylesheet {
        self.style.get_or_init(|| {
            let standard = Stylesheet::standard();
            let Some(accent) = self.accent.as_deref().and_then(Colour::parse) else {
                return standard;
            };
            let scheme = |card| {
                let colour = accent.legible_on(card);
                format!(
                    ":root {{ --accent: {colour}; --on-accent: {}; }}",
                    colour.text()
                )
            };
            let css = format!(
                "{}\n@media (prefers-color-scheme: dark) {{ {} }}\n",
                scheme(LIGHT_CARD),
                scheme(DARK_CARD)
            );
            // Colours alone cannot end a style sheet.
            standard.and(&css).unwrap_or(standard)
        })
    }

    fn brand(&self) -> Html {
        let logo = self.logo.as_ref().map_or_else(Html::new, |logo| {
            // Beside the name the picture says nothing that is not said.
            Html::image(logo, "")
        });
        if self.name.is_empty() && self.logo.is_none() {
            return Html::new();
        }
        Element::new(Tag::P)
            .class("brand")
            .push(logo)
            .push(&*self.name)
            .into()
    }

    fn foot(&self) -> Html {
        if self.footer.is_none() && self.links.is_empty() {
            return Html::new();
        }
        let mut foot = Element::new(Tag::Footer);
        if let Some(text) = &self.footer {
            foot = foot.push(Element::new(Tag::Span).push(&**text));
        }
        for (label, address) in &self.links {
            if let Some(to) = Href::parse(address) {
                foot = foot.push(" ").push(Element::link(&to).push(&**label));
            }
        }
        foot.into()
    }
}

impl Pages for Branding {
    fn render(&self, page: &PageContent<'_>) -> Document {
        let words = self.language.words(page.message());
        let mut main = Element::new(Tag::Main)
            .push(self.brand())
            .push(Element::new(Tag::H1).push(&*words.title))
            .push(Element::new(Tag::P).push(sentence(
                &words.text,
                "{name}",
                page.user(),
                Tag::Strong,
            )));
        for way in page.ways() {
            main = main.push(
                Element::new(Tag::Div)
                    .class("way")
                    .push(way.html(&words.action, "primary")),
            );
        }
        if let Some((words, way)) = page.other_way() {
            let action = self.language.words(words).action;
            main = main.push(
                Element::new(Tag::P)
                    .class("soft")
                    .push(way.html(&action, "other")),
            );
        }
        if let Some(reference) = page.reference() {
            main = main.push(Element::new(Tag::P).class("soft").push(sentence(
                self.language.sentence_of_reference(),
                "{reference}",
                Some(reference),
                Tag::Code,
            )));
        }
        let title = if self.name.is_empty() {
            words.title.into_owned()
        } else {
            format!("{} · {}", words.title, self.name)
        };
        let body = Html::from(main).push(self.foot());
        Document::new(self.language.tag(), title, self.style(), body)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(accent) = &self.accent
            && Colour::parse(accent).is_none()
        {
            problems.push(format!(
                "accent {accent:?} is no colour of the form #rgb or #rrggbb"
            ));
        }
        for (label, address) in &self.links {
            if Href::parse(address).is_none() {
                problems.push(format!(
                    "link {label:?} leads to {address:?}; expected a path that begins with one slash, or https://, http:// \
                     or mailto:"
                ));
            }
        }
        problems
    }
}
