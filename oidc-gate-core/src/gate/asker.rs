//! Who asks: a person who can be sent to a login, or a program that cannot.

use super::head::{Head, is_get};
use crate::login::ReturnTo;
use crate::resource::is_bearer;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use memchr::memchr;

/// What kind of request this is, for the form of an answer. Never for the question who may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "each is answered in a way of its own"
)]
pub enum Asker {
    /// A page in a tab of its own. The only one that can be sent to a login.
    Navigation,
    /// A page inside another one. Providers refuse to be framed.
    Frame,
    /// A page fetched before anyone asked for it.
    Prefetch,
    /// A worker's script or a manifest, for which a redirect is an error.
    Worker,
    /// A WebSocket handshake.
    WebSocket,
    /// A gRPC call.
    Grpc,
    /// `fetch`, an image, a command-line tool: everything else.
    Script,
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");

impl Asker {
    /// Reads the method and the headers.
    ///
    /// 1. A gRPC content type, a WebSocket handshake, a prefetch and a worker say so themselves.
    /// 2. Who accepts `application/json` by name is a script, whatever else it says.
    /// 3. Otherwise `Sec-Fetch-Mode` and `Sec-Fetch-Dest` tell
    ///    ([Fetch Metadata](https://www.w3.org/TR/fetch-metadata/)).
    /// 4. Where one of the two is missing, a navigation is what prefers `text/html` and has no `X-Requested-With`;
    ///    `*/*` alone is none.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        Said::of(headers).asker(method)
    }

    /// Whether a request can be sent to a login that nobody but itself asks for, at an endpoint of the gate's: a navigation;
    /// and what does not say how it is fetched. A picture or a script of some page does, a person's tool does not.
    pub fn may_begin(method: &Method, headers: &HeaderMap) -> bool {
        match Self::of(method, headers) {
            Self::Navigation => true,
            Self::Script => !headers.contains_key(SEC_FETCH_MODE),
            Self::Frame | Self::Prefetch | Self::Worker | Self::WebSocket | Self::Grpc => false,
        }
    }
}

/// What headers say of who asks, read in one pass: to look for each that could be there costs more than to see those that are.
#[derive(Default)]
struct Said<'a> {
    /// Of the first content type.
    grpc: Option<bool>,
    websocket: bool,
    prefetch: bool,
    worker: bool,
    script: bool,
    bearer: bool,
    mode: One<'a>,
    dest: One<'a>,
    site: One<'a>,
    accept: Accept,
}

impl<'a> Said<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in headers {
            match name.as_str().as_bytes() {
                b"accept" => said.accept.add(value),
                b"authorization" => said.bearer |= is_bearer(value),
                b"content-type" => {
                    said.grpc.get_or_insert_with(|| is_grpc(value));
                }
                b"upgrade" => said.websocket |= names(value, WEBSOCKET),
                b"sec-websocket-key" | b"sec-websocket-version" => said.websocket = true,
                b"sec-purpose" | b"purpose" | b"x-purpose" | b"x-moz" => {
                    said.prefetch |= names(value, PREFETCH);
                }
                b"service-worker" => said.worker = true,
                b"x-requested-with" => said.script = true,
                b"sec-fetch-mode" => said.mode = said.mode.and(value),
                b"sec-fetch-dest" => said.dest = said.dest.and(value),
                b"sec-fetch-site" => said.site = said.site.and(value),
                _ => {}
            }
        }
        said
    }

    fn asker(&self, method: &Method) -> Asker {
        if self.grpc == Some(true) {
            Asker::Grpc
        } else if *method == Method::CONNECT || self.websocket {
            Asker::WebSocket
        } else if self.prefetch {
            Asker::Prefetch
        } else if self.worker {
            Asker::Worker
        } else {
            self.by_fetch_metadata()
        }
    }

    fn by_fetch_metadata(&self) -> Asker {
        if let Some(asker) = framed_or_worker(self.dest) {
            return asker;
        }
        if self.accept.json {
            return Asker::Script;
        }
        match (self.mode, self.dest) {
            (One::Is("navigate"), One::Is("document")) => Asker::Navigation,
            (One::Is("navigate") | One::Absent, One::Is("document") | One::Absent)
                if self.accept.prefers_html() && !self.script =>
            {
                Asker::Navigation
            }
            _ => Asker::Script,
        }
    }
}

fn framed_or_worker(dest: One<'_>) -> Option<Asker> {
    match dest {
        One::Is(
            "serviceworker" | "worker" | "sharedworker" | "audioworklet" | "paintworklet"
            | "manifest",
        ) => Some(Asker::Worker),
        One::Is("iframe" | "frame" | "embed" | "object" | "fencedframe") => Some(Asker::Frame),
        _ => None,
    }
}

/// Who says of itself that it is no tab, told at the price of a few looks: whoever says nothing may be one.
pub(super) fn outside_a_tab(headers: &HeaderMap) -> Option<Asker> {
    if is_prefetch(headers) {
        return Some(Asker::Prefetch);
    }
    match only(headers, &SEC_FETCH_DEST) {
        One::Absent | One::Is("document") => None,
        dest => framed_or_worker(dest).or(Some(Asker::Script)),
    }
}

pub(super) fn is_websocket(method: &Method, headers: &HeaderMap) -> bool {
    // Extended CONNECT (RFC 8441) carries WebSockets over HTTP/2; no other CONNECT reaches an application.
    *method == Method::CONNECT
        || has_token(headers, &header::UPGRADE, WEBSOCKET)
        // A proxy that asks about a handshake may take `Upgrade` off. No page can set these (Fetch § 2.2.2).
        || headers.contains_key(header::SEC_WEBSOCKET_KEY)
        || headers.contains_key(header::SEC_WEBSOCKET_VERSION)
}

fn is_grpc(content_type: &HeaderValue) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    content_type
        .as_bytes()
        .split_at_checked(GRPC.len())
        .is_some_and(|(kind, more)| {
            kind.eq_ignore_ascii_case(GRPC)
                && matches!(more.first(), None | Some(b'+' | b'-' | b';' | b' '))
        })
}

/// Nobody looks at what is fetched ahead, and nobody may be signed in or kept awake by it.
pub(super) fn is_prefetch(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ]
        .iter()
        .any(|name| has_token(headers, name, PREFETCH))
}

const PREFETCH: &[&str] = &["prefetch", "prerender", "preview"];
const WEBSOCKET: &[&str] = &["websocket"];

/// Whether one line of the header holds one of the tokens, parameters aside.
fn has_token(headers: &HeaderMap, name: &HeaderName, tokens: &[&str]) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| names(value, tokens))
}

/// Whether this line does.
fn names(value: &HeaderValue, tokens: &[&str]) -> bool {
    let is_one = |part: &[u8]| {
        let is = |token: &&str| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
        tokens.iter().any(is)
    };
    value
        .as_bytes()
        .split(|b| *b == b',' || *b == b';')
        .any(is_one)
}

/// The value of a header that makes sense only once.
#[derive(Clone, Copy, Default)]
enum One<'a> {
    #[default]
    Absent,
    Is(&'a str),
    Unclear,
}

impl<'a> One<'a> {
    /// With one more line of it.
    fn and(self, value: &'a HeaderValue) -> Self {
        match (self, value.to_str()) {
            (Self::Absent, Ok(text)) => Self::Is(text.trim_ascii()),
            (Self::Absent, Err(_)) | (Self::Is(_) | Self::Unclear, _) => Self::Unclear,
        }
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> One<'a> {
    let values = headers.get_all(name).iter();
    values.fold(One::Absent, One::and)
}

/// What is accepted; weights are in thousandths.
#[derive(Default)]
struct Accept {
    /// JSON is named.
    json: bool,
    /// How much HTML is wanted.
    html: u32,
    /// How much anything is.
    best: u32,
}

impl Accept {
    /// With one more line of it ([RFC 9110 § 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)).
    fn add(&mut self, value: &HeaderValue) {
        let mut rest = Some(value.as_bytes());
        while let Some(line) = rest {
            let (range, more) = cut(line, b',');
            rest = more;
            let (kind, parameters) = cut(range, b';');
            let kind = kind.trim_ascii();
            let weight = parameters.and_then(weight).unwrap_or(1000);
            self.json |= is_json(kind);
            self.best = self.best.max(weight);
            let html = [&b"text/html"[..], b"application/xhtml+xml"];
            if html.iter().any(|html| kind.eq_ignore_ascii_case(html)) {
                self.html = self.html.max(weight);
            }
        }
    }

    /// HTML is named, and nothing else is wanted more.
    fn prefers_html(&self) -> bool {
        self.html > 0 && self.html >= self.best
    }
}

/// What stands before the first such byte, and after it if there is one.
fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr(at, text).and_then(|found| text.split_at_checked(found)) {
        Some((before, after)) => (before, after.get(1..)),
        None => (text, None),
    }
}

/// The weight among the parameters of a range.
fn weight(parameters: &[u8]) -> Option<u32> {
    parameters
        .split(|b| *b == b';')
        .map(<[u8]>::trim_ascii)
        .find_map(quality)
}

/// `application/json` and whatever is made of it, such as `application/problem+json`.
fn is_json(kind: &[u8]) -> bool {
    const APPLICATION: &[u8] = b"application/";
    kind.split_at_checked(APPLICATION.len())
        .is_some_and(|(family, name)| {
            let suffix = name.rsplit(|b| *b == b'+').next();
            family.eq_ignore_ascii_case(APPLICATION)
                && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"json"))
        })
}

/// `q=0.5` in thousandths ([RFC 9110 § 12.4.2](https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2)); what is
/// malformed is wanted least.
fn quality(parameter: &[u8]) -> Option<u32> {
    let at = parameter.iter().position(|b| *b == b'=')?;
    let (name, value) = (parameter.get(..at)?, parameter.get(at + 1..)?);
    if !name.trim_ascii().eq_ignore_ascii_case(b"q") {
        return None;
    }
    let mut parts = value.trim_ascii().splitn(2, |b| *b == b'.');
    let (whole, fraction) = (parts.next(), parts.next().unwrap_or_default());
    let mut thousandths = 0;
    for digit in fraction.iter().chain(b"000").take(3) {
        thousandths = thousandths * 10 + u32::from(digit.saturating_sub(b'0').min(9));
    }
    Some(match whole {
        Some(b"0") => thousandths,
        Some(b"1") => 1000,
        _ => 0,
    })
}

/// What an answer depends on, besides the verdict. Taken from a [`Head`], so that a refusal from inside the application
/// can be answered when the request is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asking {
    /// What kind of request this is.
    pub asker: Asker,
    /// Where a login would lead back to; `None` where the asker cannot be sent to one.
    pub return_to: Option<ReturnTo>,
    /// A bearer token was presented, valid or not: a login cannot mend that.
    pub bearer: bool,
    /// Who led here.
    pub led_by: LedBy,
}

/// Who led a browser here, as it says itself
/// ([Fetch Metadata § 2.4](https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whether a cookie could come along is all there is to know"
)]
pub enum LedBy {
    /// Another site: `SameSite=Strict` cookies did not come along.
    AnotherSite,
    /// The application, a host of its site, the user, or nobody knows.
    SomebodyElse,
}

impl Asking {
    /// Reads the head.
    pub fn of(head: &Head<'_>) -> Self {
        let said = Said::of(head.headers);
        let asker = said.asker(head.method);
        let redirectable = asker == Asker::Navigation && is_get(head.method);
        Self {
            asker,
            return_to: redirectable.then(|| head.return_to()),
            bearer: said.bearer,
            // Of a sibling host's link (`same-site`) they do come along.
            led_by: match said.site {
                One::Is("cross-site") => LedBy::AnotherSite,
                One::Is(_) | One::Absent | One::Unclear => LedBy::SomebodyElse,
            },
        }
    }

    /// The same request where everything is answered in JSON: see [`Policy::answers_json`](super::Policy::answers_json).
    #[must_use]
    pub fn as_json(self) -> Self {
        Self {
            asker: match self.asker {
                kept @ (Asker::Grpc | Asker::WebSocket) => kept,
                _ => Asker::Script,
            },
            return_to: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;
    use http::{HeaderValue, Uri};
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        method: String,
        headers: Vec<String>,
        asker: String,
        login: bool,
    }

    fn headers(lines: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name: HeaderName = name.parse().unwrap();
            // What else stands around it is part of the case.
            let value = value.strip_prefix(' ').unwrap_or(value);
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn who_asks_is_told_as_the_table_says() {
        let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/askers.toml"));
        for case in cases {
            let (method, headers) = (case.method.parse().unwrap(), headers(&case.headers));
            let uri = Uri::from_static("/me?x=1");
            let asking = Asking::of(&Head::new(&method, Target::Whole(&uri), &headers));
            assert_eq!(format!("{:?}", asking.asker), case.asker, "{}", case.name);
            let login = case.login.then(|| ReturnTo::parse("/me?x=1").unwrap());
            assert_eq!(asking.return_to, login, "{}", case.name);
        }
    }

    #[test]
    fn a_login_leads_back_to_the_first_page_where_the_target_is_no_place() {
        let navigation = headers(&["accept: text/html".into()]);
        for uri in ["//evil.example/x", "/a/../b", "http://app.example"] {
            let uri: Uri = uri.parse().unwrap();
            let head = Head::new(&Method::GET, Target::Whole(&uri), &navigation);
            assert_eq!(Asking::of(&head).return_to, Some(ReturnTo::root()), "{uri}");
        }
        let head = Head::new(&Method::GET, Target::Cut, &navigation);
        assert_eq!(Asking::of(&head).return_to, Some(ReturnTo::root()));
        // Of an absolute target only the path is kept, never the host.
        let uri: Uri = "http://evil.example/x?y".parse().unwrap();
        let head = Head::new(&Method::GET, Target::Whole(&uri), &navigation);
        assert_eq!(Asking::of(&head).return_to, ReturnTo::parse("/x?y"));
    }

    #[test]
    fn where_all_is_json_nobody_is_sent_to_a_login() {
        let uri = Uri::from_static("/api");
        for (line, asker) in [
            ("accept: text/html", Asker::Script),
            ("sec-fetch-dest: iframe", Asker::Script),
            ("purpose: prefetch", Asker::Script),
            ("upgrade: websocket", Asker::WebSocket),
            ("content-type: application/grpc", Asker::Grpc),
        ] {
            let headers = headers(&[line.into()]);
            let head = Head::new(&Method::GET, Target::Whole(&uri), &headers);
            let expected = Asking {
                asker,
                return_to: None,
                bearer: false,
                led_by: LedBy::SomebodyElse,
            };
            assert_eq!(Asking::of(&head).as_json(), expected, "{line}");
        }
    }

    #[test]
    fn who_is_no_tab_says_so_and_who_says_nothing_may_be_one() {
        for (lines, asker) in [
            (&[][..], None),
            (&["accept: application/json"], None),
            (&["sec-fetch-dest: document"], None),
            (
                &["sec-fetch-dest: document", "purpose: prefetch"],
                Some(Asker::Prefetch),
            ),
            (&["sec-fetch-dest: empty"], Some(Asker::Script)),
            (&["sec-fetch-dest: image"], Some(Asker::Script)),
            (&["sec-fetch-dest: iframe"], Some(Asker::Frame)),
            (&["sec-fetch-dest: manifest"], Some(Asker::Worker)),
            (
                &["sec-fetch-dest: document", "sec-fetch-dest: document"],
                Some(Asker::Script),
            ),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(outside_a_tab(&headers(&lines)), asker, "{lines:?}");
        }
    }

    #[test]
    fn a_bearer_token_is_seen_and_other_schemes_are_not() {
        fn bearer_of(headers: &HeaderMap) -> bool {
            let uri = Uri::from_static("/");
            Asking::of(&Head::new(&Method::GET, Target::Whole(&uri), headers)).bearer
        }
        for (line, bearer) in [
            ("authorization: Bearer x", true),
            ("authorization: bearer  x", true),
            ("authorization: Bearer", true),
            ("authorization: Basic x", false),
            ("authorization: BearerX x", false),
        ] {
            let mut headers = headers(&[line.into()]);
            assert_eq!(bearer_of(&headers), bearer, "{line}");
            // Whichever of two stands first, the other was presented too.
            headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer y"));
            assert!(bearer_of(&headers), "{line}");
        }
    }

    proptest! {
        /// JSON by name never ends in a redirect, whatever stands around it.
        #[test]
        fn who_accepts_json_is_never_sent_away(before in "[a-z/*;=,.0-9 ]{0,20}", after in "[a-z/*;=,.0-9 ]{0,20}") {
            let mut headers = headers(&["sec-fetch-mode: navigate".into(), "sec-fetch-dest: document".into()]);
            let value = format!("{before},application/json,{after}");
            headers.insert(header::ACCEPT, HeaderValue::try_from(value).unwrap());
            prop_assert_eq!(Asker::of(&Method::GET, &headers), Asker::Script);
        }

        #[test]
        fn no_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let mut headers = HeaderMap::new();
                for name in [header::ACCEPT, SEC_FETCH_MODE, SEC_FETCH_DEST, header::CONTENT_TYPE, header::UPGRADE] {
                    headers.insert(name, value.clone());
                }
                let _ = Asker::of(&Method::GET, &headers);
            }
        }
    }
}
