//! Who asks: a person who can be sent to a login, or a program that cannot.

use super::head::{Head, is_get};
use crate::login::ReturnTo;
use http::{HeaderMap, HeaderName, Method, header};

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
const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

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
        if is_grpc(headers) {
            Self::Grpc
        } else if is_websocket(method, headers) {
            Self::WebSocket
        } else if is_prefetch(headers) {
            Self::Prefetch
        } else if headers.contains_key(SERVICE_WORKER) {
            Self::Worker
        } else {
            by_fetch_metadata(headers)
        }
    }
}

fn by_fetch_metadata(headers: &HeaderMap) -> Asker {
    let mode = only(headers, &SEC_FETCH_MODE);
    let dest = only(headers, &SEC_FETCH_DEST);
    match dest {
        One::Is(
            "serviceworker" | "worker" | "sharedworker" | "audioworklet" | "paintworklet"
            | "manifest",
        ) => {
            return Asker::Worker;
        }
        One::Is("iframe" | "frame" | "embed" | "object" | "fencedframe") => return Asker::Frame,
        _ => {}
    }
    let accept = Accept::of(headers);
    if accept.json {
        return Asker::Script;
    }
    match (mode, dest) {
        (One::Is("navigate"), One::Is("document")) => Asker::Navigation,
        (One::Is("navigate") | One::Absent, One::Is("document") | One::Absent)
            if accept.prefers_html && !headers.contains_key(X_REQUESTED_WITH) =>
        {
            Asker::Navigation
        }
        _ => Asker::Script,
    }
}

pub(super) fn is_websocket(method: &Method, headers: &HeaderMap) -> bool {
    // Extended CONNECT (RFC 8441) carries WebSockets over HTTP/2; no other CONNECT reaches an application.
    *method == Method::CONNECT || has_token(headers, &header::UPGRADE, "websocket")
}

fn is_grpc(headers: &HeaderMap) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .split_at_checked(GRPC.len())
            .is_some_and(|(kind, more)| {
                kind.eq_ignore_ascii_case(GRPC)
                    && matches!(more.first(), None | Some(b'+' | b'-' | b';' | b' '))
            })
    })
}

/// Nobody looks at what is fetched ahead, and nobody may be signed in or kept awake by it.
pub(super) fn is_prefetch(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ].iter().any(|name| {
        has_token(headers, name, "prefetch")
            || has_token(headers, name, "prerender")
            || has_token(headers, name, "preview")
    })
}

/// Whether one line of the header holds the token, parameters aside.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',' || *b == b';')
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

/// The value of a header that makes sense only once.
#[derive(Clone, Copy)]
enum One<'a> {
    Absent,
    Is(&'a str),
    Unclear,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> One<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => One::Absent,
        (Some(value), None) => value
            .to_str()
            .map_or(One::Unclear, |text| One::Is(text.trim())),
        (Some(_), Some(_)) => One::Unclear,
    }
}

struct Accept {
    /// JSON is named.
    json: bool,
    /// HTML is named, and nothing else is wanted more.
    prefers_html: bool,
}

impl Accept {
    fn of(headers: &HeaderMap) -> Self {
        let (mut json, mut html, mut best) = (false, 0, 0);
        for value in headers.get_all(header::ACCEPT) {
            let text = String::from_utf8_lossy(value.as_bytes());
            for range in text.split(',') {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
                let weight = parts.find_map(quality).unwrap_or(1000);
                json |= kind == "application/json"
                    || (kind.starts_with("application/") && kind.ends_with("+json"));
                best = best.max(weight);
                if kind == "text/html" || kind == "application/xhtml+xml" {
                    html = html.max(weight);
                }
            }
        }
        Self {
            json,
            prefers_html: html > 0 && html >= best,
        }
    }
}

/// `q=0.5` in thousandths ([RFC 9110 § 12.4.2](https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2)); what is
/// malformed is wanted least.
fn quality(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let mut thousandths = 0;
    for digit in fraction.bytes().chain(*b"000").take(3) {
        thousandths = thousandths * 10 + u32::from(digit.saturating_sub(b'0').min(9));
    }
    Some(match whole {
        "0" => thousandths,
        "1" => 1000,
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
}

impl Asking {
    /// Reads the head.
    pub fn of(head: &Head<'_>) -> Self {
        let asker = Asker::of(head.method, head.headers);
        let redirectable = asker == Asker::Navigation && is_get(head.method);
        Self {
            asker,
            return_to: redirectable.then(|| head.return_to()),
            bearer: head
                .headers
                .get_all(header::AUTHORIZATION)
                .iter()
                .any(|value| {
                    let scheme = value
                        .as_bytes()
                        .split(|b| *b == b' ')
                        .next()
                        .unwrap_or_default();
                    scheme.eq_ignore_ascii_case(b"bearer")
                }),
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
            bearer: self.bearer,
        }
    }
}
