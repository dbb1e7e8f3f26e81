//! What belongs to one connection and goes no further ([RFC 9110 § 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Removed whether `Connection` names them or not.
const OF_A_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What `Connection` cannot make to be of one connection: what says where a request goes, how it is framed, and whose it is.
const NEVER: [&str; 12] = [
    "host",
    "content-length",
    "content-type",
    "authorization",
    "cookie",
    "set-cookie",
    "origin",
    "referer",
    "forwarded",
    "sec-*",
    "x-forwarded-*",
    "x-auth-request-*",
];

/// The one thing that two hops in a row may agree on.
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Takes off what belongs to the connection a message came by. Whether it asked for (or grants) a WebSocket is kept, and so
/// is that trailers are welcome.
pub(crate) fn end_to_end(headers: &mut HeaderMap) {
    let options = options(headers);
    let websocket = options.iter().any(|option| option == "upgrade") && is_websocket(headers);
    let trailers = values(headers, &header::TE).any(|coding| coding == "trailers");
    for option in &options {
        if !is_never(option) {
            headers.remove(&**option);
        }
    }
    for name in OF_A_CONNECTION {
        headers.remove(name);
    }
    let mut keep = Vec::new();
    if websocket {
        headers.insert(header::UPGRADE, WEBSOCKET);
        keep.push("upgrade");
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        keep.push("te");
    }
    if let (false, Ok(kept)) = (keep.is_empty(), HeaderValue::try_from(keep.join(", "))) {
        headers.insert(header::CONNECTION, kept);
    }
}

/// Whether a message asks for (or grants) a WebSocket, once [`end_to_end`] has been done.
pub(crate) fn is_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = values(headers, &header::UPGRADE);
    // `h2c` would open a connection within whose requests no gate looks at.
    protocols.next().as_deref() == Some("websocket") && protocols.next().is_none()
}

fn options(headers: &HeaderMap) -> Vec<String> {
    values(headers, &header::CONNECTION).collect()
}

fn values(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| {
        let items = line.as_bytes().split(|b| *b == b',');
        let items =
            items.map(|item| String::from_utf8_lossy(item.trim_ascii()).to_ascii_lowercase());
        items.filter(|item| !item.is_empty())
    })
}

fn is_never(option: &str) -> bool {
    NEVER.iter().any(|never| match never.strip_suffix('*') {
        Some(begin) => option.starts_with(begin),
        None => option == *never,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[(&'static str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        end_to_end(&mut headers);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        headers.iter().map(line).collect()
    }

    #[test]
    fn what_belongs_to_a_connection_goes_no_further() {
        let gone = [
            ("connection", "close, X-Custom,  x-other"),
            ("connection", "keep-alive"),
            ("x-custom", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eDp5"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip, deflate;q=0.5"),
            ("upgrade", "h2c"),
        ];
        assert_eq!(after(&gone), [""; 0]);
        assert_eq!(
            after(&[("upgrade", "websocket")]),
            [""; 0],
            "nobody has named it"
        );
        assert_eq!(
            after(&[
                ("connection", "upgrade, http2-settings"),
                ("upgrade", "h2c"),
                ("http2-settings", "AA")
            ]),
            [""; 0]
        );
        assert_eq!(
            after(&[("connection", "upgrade"), ("upgrade", "websocket, h2c")]),
            [""; 0]
        );
    }

    #[test]
    fn a_websocket_and_the_welcome_of_trailers_are_asked_for_anew() {
        let kept = after(&[
            ("connection", "Keep-Alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("te", "gzip, Trailers"),
        ]);
        assert_eq!(
            kept,
            [
                "upgrade: websocket",
                "te: trailers",
                "connection: upgrade, te"
            ]
        );
    }

    #[test]
    fn nobody_names_away_what_others_go_by() {
        for name in [
            "host",
            "cookie",
            "x-forwarded-for",
            "sec-fetch-site",
            "content-length",
            "origin",
        ] {
            let kept = after(&[("connection", name), (name, "1")]);
            assert_eq!(kept, [format!("{name}: 1")]);
        }
    }
}
