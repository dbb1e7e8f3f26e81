//! The forms of a page: a small scanner for plain HTML.
//!
//! It knows tags, quoted and bare attributes, comments and the few character references that an escaper writes. It is no
//! HTML parser: a page that needs one needs a real browser.

/// A form as it stands on a page.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) post: bool,
    /// What is sent whichever button is pressed, and the names of the fields somebody can fill in.
    pub(super) fields: Vec<(String, String)>,
    pub(super) buttons: Vec<Button>,
}

/// A way to send a form.
#[derive(Debug, Default)]
pub(super) struct Button {
    pub(super) name: String,
    pub(super) value: String,
    /// What is written on it, white space collapsed.
    pub(super) text: String,
}

/// The forms of `html`, in their order.
pub(super) fn scan(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    // What is written on the button, or in the textarea, that is open.
    let mut button: Option<Button> = None;
    let mut area: Option<(String, String)> = None;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, tail) = rest.split_at(at);
        if let Some(button) = &mut button {
            button.text.push_str(&unescape(text));
        }
        if let Some((_, value)) = &mut area {
            value.push_str(&unescape(text));
        }
        if let Some(comment) = tail.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some(tag) = Tag::read(tail) else {
            rest = &tail[1..];
            continue;
        };
        rest = tag.rest;
        let form = forms.last_mut().filter(|_| open);
        match (&*tag.name, form) {
            ("script" | "style", _) => {
                let end = format!("</{}", tag.name);
                rest = rest.find(&end).map_or("", |at| &rest[at..]);
            }
            ("form", None) => {
                open = true;
                forms.push(Form {
                    action: tag.get("action").unwrap_or_default(),
                    post: tag
                        .get("method")
                        .is_some_and(|m| m.eq_ignore_ascii_case("post")),
                    ..Form::default()
                });
            }
            ("/form", Some(_)) => open = false,
            ("input", Some(form)) => {
                let name = tag.get("name").unwrap_or_default();
                let value = tag.get("value");
                match tag
                    .get("type")
                    .unwrap_or_default()
                    .to_ascii_lowercase()
                    .as_str()
                {
                    "submit" => form.buttons.push(Button {
                        name,
                        text: value.clone().unwrap_or_default(),
                        value: value.unwrap_or_default(),
                    }),
                    "button" | "reset" | "image" | "file" => {}
                    "checkbox" | "radio" if tag.get("checked").is_none() => {}
                    "checkbox" | "radio" => form.fields.push((name, value.unwrap_or("on".into()))),
                    _ if !name.is_empty() => form.fields.push((name, value.unwrap_or_default())),
                    _ => {}
                }
            }
            ("textarea", Some(_)) => {
                area = Some((tag.get("name").unwrap_or_default(), String::new()));
            }
            ("/textarea", Some(form)) => form.fields.extend(area.take()),
            ("button", Some(_))
                if tag
                    .get("type")
                    .is_none_or(|t| t.eq_ignore_ascii_case("submit")) =>
            {
                button = Some(Button {
                    name: tag.get("name").unwrap_or_default(),
                    value: tag.get("value").unwrap_or_default(),
                    text: String::new(),
                });
            }
            ("/button", Some(form)) => form.buttons.extend(button.take().map(|b| Button {
                text: b.text.split_whitespace().collect::<Vec<_>>().join(" "),
                ..b
            })),
            _ => {}
        }
    }
    forms
}

/// Where `<meta http-equiv="refresh" content="0;url=…">` leads.
pub(super) fn refresh(html: &str) -> Option<String> {
    let mut rest = html;
    while let Some(at) = rest.find("<meta ") {
        let tag = Tag::read(&rest[at..])?;
        rest = tag.rest;
        if tag
            .get("http-equiv")
            .is_some_and(|name| name.eq_ignore_ascii_case("refresh"))
        {
            let content = tag.get("content")?;
            let (delay, place) = content.split_once(';')?;
            let place = place.trim_start().strip_prefix("url=")?;
            return (delay.trim() == "0").then(|| place.to_owned());
        }
    }
    None
}

/// Whether a script on the page sends a form.
pub(super) fn sends_itself(html: &str) -> bool {
    let inline = html.split("<script>").skip(1);
    let mut scripts = inline.filter_map(|rest| rest.split_once("</script>"));
    scripts.any(|(script, _)| script.contains(".submit()")) || html.contains(".submit()\">")
}

struct Tag<'a> {
    name: String,
    attributes: Vec<(String, String)>,
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn read(html: &'a str) -> Option<Self> {
        let inside = html.strip_prefix('<')?;
        let end = inside.find(|c: char| c.is_whitespace() || c == '>')?;
        let (name, mut rest) = inside.split_at(end);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '/' || c == '!' || c == '-';
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if let Some(rest) = rest.strip_prefix('>') {
                return Some(Self {
                    name: name.trim_end_matches('/').to_ascii_lowercase(),
                    attributes,
                    rest,
                });
            }
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
            let (key, after) = rest.split_at(end);
            if key.is_empty() {
                return None;
            }
            let (value, after) = match after.strip_prefix('=') {
                None => ("", after),
                Some(after) => match after.chars().next()? {
                    quote @ ('"' | '\'') => after[1..].split_once(quote)?,
                    _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>')?),
                },
            };
            attributes.push((key.to_ascii_lowercase(), unescape(value)));
            rest = after;
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    }
}

/// Text as a reader sees it.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let reference = tail[1..]
            .split_once(';')
            .and_then(|(name, after)| Some((character(name)?, after)));
        match reference {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &tail[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::escape;

    #[test]
    fn forms_fields_and_buttons_are_found() {
        let forms = scan(
            "<!-- <form> --><style>form > a { }</style><FORM METHOD=Post action='/a?x=1&amp;y=2'>\
             <input type=hidden name=\"h\" value=\"&lt;&#39;&#x26;\"/><input name=t><input type=checkbox name=c>\
             <textarea name=a>one &amp; two</textarea>\
             <button name=b value=1 class=\"p\"><span>Go </span>\n on</button><input type=submit value=Send></form>\
             <form action=/b><button type=button>no</button></form>",
        );
        assert_eq!(forms.len(), 2);
        assert_eq!((&*forms[0].action, forms[0].post), ("/a?x=1&y=2", true));
        let field = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(
            forms[0].fields,
            [field("h", "<'&"), field("t", ""), field("a", "one & two")]
        );
        let buttons: Vec<_> = forms[0]
            .buttons
            .iter()
            .map(|b| (&*b.name, &*b.value, &*b.text))
            .collect();
        assert_eq!(buttons, [("b", "1", "Go on"), ("", "Send", "Send")]);
        assert_eq!(
            (&*forms[1].action, forms[1].post, forms[1].buttons.len()),
            ("/b", false, 0)
        );
    }

    #[test]
    fn what_was_escaped_comes_back() {
        let text = "<a b=\"c\" d='e'>&amp;&#1;&;&x";
        assert_eq!(unescape(&escape(text).to_string()), text);
    }

    #[test]
    fn broken_html_ends_quietly() {
        for html in [
            "<",
            "<form",
            "<form a=",
            "<form a=\"",
            "<!--",
            "<form><button>",
            "<é>",
            "<form><input é=é>",
            "<style>",
        ] {
            let _ = scan(html);
        }
    }
}
