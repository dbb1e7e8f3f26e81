//! A browser's question before a request of another origin's page.

use super::asker::is_websocket;
use http::{HeaderMap, Method, header};

/// What becomes of a real preflight on a protected path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it is asked or it is not")]
pub enum Preflights {
    /// 401, because nobody is signed in. Whoever answers them outside of the gate never lets them come here.
    #[default]
    Refuse,
    /// The application answers, and sees nobody.
    Pass,
}

/// Whether a browser asks if it may send a request that a page of another origin wants to make: `OPTIONS` with one `Origin`
/// and one `Access-Control-Request-Method` ([Fetch § 3.3.2](https://fetch.spec.whatwg.org/#http-requests)).
///
/// Such a question carries no credentials ([§ 3.3.5](https://fetch.spec.whatwg.org/#cors-protocol-and-credentials)): who
/// comes with some is recognised as nobody.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && one(headers, &header::ORIGIN).is_some()
        && one(headers, &header::ACCESS_CONTROL_REQUEST_METHOD)
            .is_some_and(|wanted| Method::from_bytes(wanted).is_ok())
        && !is_websocket(method, headers)
}

fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if !value.is_empty() => Some(value.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn a_preflight_names_one_origin_and_one_method() {
        let asks = [
            "origin: https://x.example",
            "access-control-request-method: PUT",
        ];
        for (method, lines, expected) in [
            ("OPTIONS", &asks[..], true),
            (
                "OPTIONS",
                &["origin: null", "access-control-request-method: PUT"],
                true,
            ),
            ("GET", &asks, false),
            ("options", &asks, false),
            ("OPTIONS", &asks[..1], false),
            ("OPTIONS", &asks[1..], false),
            ("OPTIONS", &[asks[0], asks[0], asks[1]], false),
            ("OPTIONS", &[asks[0], asks[1], asks[1]], false),
            (
                "OPTIONS",
                &[asks[0], "access-control-request-method: a b"],
                false,
            ),
            ("OPTIONS", &["origin: ", asks[1]], false),
            ("OPTIONS", &[asks[0], asks[1], "upgrade: websocket"], false),
        ] {
            let headers = lines.iter().map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
            });
            let headers: HeaderMap = headers.collect();
            let method = method.parse().unwrap();
            assert_eq!(
                is_preflight(&method, &headers),
                expected,
                "{method} {lines:?}"
            );
        }
    }
}
