//! Requests as the cases write them; see `testdata/README.md`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header};
use oidc_gate_core::form;

/// The parts of a request, all of them optional.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) method: Option<&'a str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) headers: &'a [[String; 2]],
    pub(crate) basic: Option<&'a [String; 2]>,
    pub(crate) basic_pair: Option<&'a str>,
    pub(crate) raw_body: Option<&'a str>,
    pub(crate) params: Vec<(String, String)>,
}

impl Parts<'_> {
    pub(crate) fn build(&self) -> Request<Vec<u8>> {
        let query = self
            .query
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let mut request = Request::builder()
            .method(self.method.unwrap_or("POST"))
            .uri(format!("https://id.example/token{query}"));
        match self.content_type {
            None => {
                request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            }
            Some("") => {}
            Some(other) => request = request.header(header::CONTENT_TYPE, other),
        }
        for [name, value] in self.headers {
            let value = HeaderValue::from_bytes(filled(value, None).as_bytes()).unwrap();
            request = request.header(name, value);
        }
        let pair = match (self.basic, self.basic_pair) {
            (Some([id, secret]), None) => {
                let half = |text: &str| form::encode(&filled(text, None));
                Some(format!("{}:{}", half(id), half(secret)))
            }
            (None, pair) => pair.map(|pair| filled(pair, None)),
            _ => panic!("`basic` or `basic_pair`"),
        };
        if let Some(pair) = pair {
            let value = format!("Basic {}", STANDARD.encode(pair));
            request = request.header(header::AUTHORIZATION, value);
        }
        let body = match self.raw_body {
            Some(raw) => filled(raw, None),
            None => {
                let mut body = String::new();
                for (name, value) in &self.params {
                    form::push_pair(&mut body, name, value);
                }
                body
            }
        };
        request.body(body.into_bytes()).unwrap()
    }
}

/// `text` with `{x*3}` replaced by `xxx`, and `{assertion}` by the assertion.
pub(crate) fn filled(text: &str, assertion: Option<&str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{x*") {
        let (count, after) = after.split_once('}').unwrap();
        out += before;
        out += &"x".repeat(count.parse().unwrap());
        rest = after;
    }
    out += rest;
    match assertion {
        Some(assertion) => out.replace("{assertion}", assertion),
        None => out,
    }
}
