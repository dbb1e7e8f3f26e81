//! What a theme is told of a page.

use super::{Element, Href, Html, Message, Tag};
use crate::html::escape;
use http::StatusCode;

/// What a page has to say, for a theme to say it. All of it is the gate's own, but for the name of who is signed in, which
/// becomes text by going through [`Html`].
#[derive(Clone, Debug)]
pub struct PageContent<'a> {
    message: Message,
    status: StatusCode,
    user: Option<&'a str>,
    ways: Vec<WayOn>,
    other: Option<(Message, WayOn)>,
    reference: Option<&'a str>,
    leads_to: Option<&'a str>,
}

impl<'a> PageContent<'a> {
    pub(crate) fn new(
        message: Message,
        status: StatusCode,
        way_on: impl Into<Option<WayOn>>,
    ) -> Self {
        Self {
            message,
            status,
            user: None,
            ways: way_on.into().into_iter().collect(),
            other: None,
            reference: None,
            leads_to: None,
        }
    }

    pub(crate) fn about(mut self, user: &'a str) -> Self {
        self.user = Some(user);
        self
    }

    /// With another way beside the main one, and the message whose words are on it.
    pub(crate) fn or_else_by(mut self, other: (Message, WayOn)) -> Self {
        self.other = Some(other);
        self
    }

    pub(crate) fn referring_to(mut self, reference: Option<&'a str>) -> Self {
        self.reference = reference;
        self
    }

    /// Leads the browser on to this place of our own as soon as the page is there. Always an address: Chromium takes a
    /// refresh without one, on a page whose address has a fragment, for a jump within the page, and goes nowhere.
    pub(crate) fn leading_to(mut self, place: &'a str) -> Self {
        self.leads_to = Some(place);
        self
    }

    pub(super) fn leads_to(&self) -> Option<&'a str> {
        self.leads_to
    }

    /// What it has to say.
    pub fn message(&self) -> Message {
        self.message
    }

    /// The status of the answer, which is the gate's to choose.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The name of who is signed in, on the page that asks whether to sign out. It comes from the provider.
    pub fn user(&self) -> Option<&str> {
        self.user
    }

    /// The ways on, the first of them the main one; on the sign-in page one for each provider.
    pub fn ways(&self) -> &[WayOn] {
        &self.ways
    }

    /// A way beside the main one, with the message whose [`action`](super::Words::action) is on it: to try again, or to sign
    /// in as someone else, where a sign-in that was demanded did not come about. A theme may leave it out.
    pub fn other_way(&self) -> Option<(Message, &WayOn)> {
        self.other.as_ref().map(|(words, way)| (*words, way))
    }

    /// What ties this page to an event in the log, where there is one worth looking for.
    pub fn reference(&self) -> Option<&str> {
        self.reference
    }
}

/// A way on from a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayOn {
    to: Href,
    how: How,
    /// What a form sends along.
    field: Option<(&'static str, String)>,
}

/// How a way is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Link,
    /// It changes something.
    Form,
}

impl WayOn {
    pub(crate) fn link(to: impl Into<String>) -> Self {
        Self {
            to: Href::own(to),
            how: How::Link,
            field: None,
        }
    }

    pub(crate) fn form(to: impl Into<String>) -> Self {
        Self {
            to: Href::own(to),
            how: How::Form,
            field: None,
        }
    }

    /// Sends this along, if it is a form.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.field = Some((name, value.into()));
        self
    }

    /// The link, or the form with its button, with this on it and of this class.
    pub fn html(&self, label: &str, class: &str) -> Html {
        match self.how {
            How::Link => Element::link(&self.to).class(class).push(label).into(),
            How::Form => {
                let field = match &self.field {
                    Some((name, value)) => format!(
                        "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                        escape(name),
                        escape(value)
                    ),
                    None => String::new(),
                };
                Html::danger_as_it_stands(format!(
                    "<form method=\"post\" action=\"{}\">{field}<button class=\"{}\">{}</button></form>",
                    escape(self.to.as_str()),
                    escape(class),
                    escape(label)
                ))
            }
        }
    }
}

/// A sentence with a value in the place of `{name}` or the like.
pub(super) fn sentence(text: &str, place: &str, value: Option<&str>, tag: Tag) -> Html {
    match (text.split_once(place), value) {
        (Some((before, after)), Some(value)) => Html::from(before)
            .push(Element::new(tag).push(value))
            .push(after),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_a_link_or_a_form_and_its_label_is_text() {
        assert_eq!(
            WayOn::link("/a?b&c").html("<Go>", "x\"y").as_str(),
            "<a href=\"/a?b&amp;c\" class=\"x&quot;y\">&lt;Go&gt;</a>"
        );
        assert_eq!(
            WayOn::form("/a?b&c").html("<Go>", "x\"y").as_str(),
            "<form method=\"post\" action=\"/a?b&amp;c\"><button class=\"x&quot;y\">&lt;Go&gt;</button></form>"
        );
        assert_eq!(
            WayOn::form("/a")
                .with("rd", "/b?x=\"><b>")
                .html("Go", "c")
                .as_str(),
            "<form method=\"post\" action=\"/a\"><input type=\"hidden\" name=\"rd\" value=\"/b?x=&quot;&gt;&lt;b&gt;\"><button class=\"c\">Go</button></form>"
        );
    }

    #[test]
    fn a_value_in_a_sentence_is_text() {
        let html = |text, value| sentence(text, "{name}", value, Tag::Strong);
        assert_eq!(
            html("a & {name}!", Some("<b>{name}")).as_str(),
            "a &amp; <strong>&lt;b&gt;{name}</strong>!"
        );
        assert_eq!(html("nobody", Some("b")).as_str(), "nobody");
    }
}
