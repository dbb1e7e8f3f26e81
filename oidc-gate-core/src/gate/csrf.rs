//! Requests that another site makes a browser send.

use super::head::Head;
use http::{HeaderMap, HeaderName, Method, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is not known to come from the application's own pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CrossSite {
    /// `Sec-Fetch-Site` is something else than `same-origin` or `none`. A sibling under the same domain is another site.
    SecFetchSite,
    /// There is no `Sec-Fetch-Site`, and `Origin` is not the application's own. `null` is not.
    Origin,
    /// There is neither, and `Referer` is not of the application's own origin.
    Referer,
    /// There is none of the three.
    Unknown,
}

impl CrossSite {
    /// What was expected and what came, for the log.
    pub const fn what(self) -> &'static str {
        match self {
            Self::SecFetchSite => "expected `Sec-Fetch-Site: same-origin`, another site came",
            Self::Origin => "expected the application's own origin, another `Origin` came",
            Self::Referer => "expected the application's own origin, a `Referer` of another came",
            Self::Unknown => "expected `Sec-Fetch-Site`, `Origin` or `Referer`, none came",
        }
    }
}

/// Whether the request may have been sent by another site.
///
/// `Sec-Fetch-Site` decides where it is present, since no page can set it; then `Origin`; then `Referer`. A request with
/// none of them is refused: no browser of today sends one, and what is no browser has better credentials than a cookie.
///
/// # Errors
///
/// What was wrong with the headers.
pub fn cross_site(headers: &HeaderMap, own_origin: Option<&str>) -> Result<(), CrossSite> {
    let own = |origin: &[u8]| own_origin.is_some_and(|own| own.as_bytes() == origin);
    let (present, fine) = each(headers, &SEC_FETCH_SITE, |v| {
        v == b"same-origin" || v == b"none"
    });
    if present {
        return fine.then_some(()).ok_or(CrossSite::SecFetchSite);
    }
    let (present, fine) = each(headers, &header::ORIGIN, own);
    if present {
        return fine.then_some(()).ok_or(CrossSite::Origin);
    }
    let (present, fine) = each(headers, &header::REFERER, |v| own(origin_of(v)));
    if present {
        return fine.then_some(()).ok_or(CrossSite::Referer);
    }
    Err(CrossSite::Unknown)
}

/// Whether the request does something, or opens a connection that can: then a session must not vouch for it unless it
/// comes from the application's own pages.
pub(super) fn is_sensitive(head: &Head<'_>) -> bool {
    !matches!(
        *head.method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    ) || head.is_websocket()
}

/// Whether there is such a header, and whether every line of it will do.
fn each(headers: &HeaderMap, name: &HeaderName, will_do: impl Fn(&[u8]) -> bool) -> (bool, bool) {
    let mut values = headers.get_all(name).iter().peekable();
    (
        values.peek().is_some(),
        values.all(|v| will_do(v.as_bytes().trim_ascii())),
    )
}

/// Scheme, host and port of an address: what stands before the third slash.
fn origin_of(address: &[u8]) -> &[u8] {
    let slashes = address
        .iter()
        .enumerate()
        .filter(|(_, b)| matches!(b, b'/' | b'?' | b'#'));
    let end = slashes.map(|(at, _)| at).nth(2);
    address
        .get(..end.unwrap_or(address.len()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;
    use http::Uri;

    fn checked(lines: &[(&'static str, &str)]) -> Result<(), CrossSite> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        cross_site(&headers, Some("https://app.example:8443"))
    }

    #[test]
    fn only_the_own_origin_is_taken() {
        const OWN: &str = "https://app.example:8443";
        use CrossSite::*;
        let cases: &[(&[(&str, &str)], _)] = &[
            (&[("sec-fetch-site", "same-origin")], Ok(())),
            (&[("sec-fetch-site", "none")], Ok(())),
            (&[("sec-fetch-site", "same-site")], Err(SecFetchSite)),
            (&[("sec-fetch-site", "cross-site")], Err(SecFetchSite)),
            (&[("sec-fetch-site", "SAME-ORIGIN")], Err(SecFetchSite)),
            (&[("sec-fetch-site", "")], Err(SecFetchSite)),
            // A page without a referrer sends `null` to its own origin; the browser's own word counts.
            (
                &[("sec-fetch-site", "same-origin"), ("origin", "null")],
                Ok(()),
            ),
            // And counts against it as well.
            (
                &[("sec-fetch-site", "cross-site"), ("origin", OWN)],
                Err(SecFetchSite),
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "cross-site"),
                ],
                Err(SecFetchSite),
            ),
            (&[("origin", OWN)], Ok(())),
            (&[("origin", "https://app.example")], Err(Origin)),
            (&[("origin", "http://app.example:8443")], Err(Origin)),
            (&[("origin", "https://app.example:84430")], Err(Origin)),
            (
                &[("origin", "https://app.example:8443.evil.example")],
                Err(Origin),
            ),
            (&[("origin", "null")], Err(Origin)),
            (&[("origin", "")], Err(Origin)),
            (
                &[("origin", OWN), ("origin", "https://evil.example")],
                Err(Origin),
            ),
            (
                &[
                    ("origin", "null"),
                    ("referer", "https://app.example:8443/x"),
                ],
                Err(Origin),
            ),
            (&[("referer", "https://app.example:8443/form?x")], Ok(())),
            (&[("referer", OWN)], Ok(())),
            (&[("referer", "https://app.example:8443?x")], Ok(())),
            (
                &[("referer", "https://app.example:8443.evil.example/")],
                Err(Referer),
            ),
            (
                &[("referer", "https://app.example:8443@evil.example/")],
                Err(Referer),
            ),
            (
                &[("referer", "https://evil.example/https://app.example:8443/")],
                Err(Referer),
            ),
            (&[("referer", "about:blank")], Err(Referer)),
            (&[], Err(Unknown)),
        ];
        for (lines, expected) in cases {
            assert_eq!(checked(lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn without_an_origin_of_its_own_only_the_browsers_word_counts() {
        let mut headers = HeaderMap::new();
        headers.insert("origin", "https://app.example".parse().unwrap());
        assert_eq!(cross_site(&headers, None), Err(CrossSite::Origin));
        headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
        assert_eq!(cross_site(&headers, None), Ok(()));
    }

    #[test]
    fn what_does_something_is_sensitive() {
        let uri = Uri::from_static("/");
        let sensitive = |method: &str, upgrade: bool| {
            let mut headers = HeaderMap::new();
            if upgrade {
                headers.insert("upgrade", "websocket".parse().unwrap());
            }
            let method = method.parse().unwrap();
            is_sensitive(&Head::new(&method, Target::Whole(&uri), &headers))
        };
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            assert!(!sensitive(method, false), "{method}");
            assert!(sensitive(method, true), "{method}");
        }
        for method in [
            "POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "ANYTHING",
        ] {
            assert!(sensitive(method, false), "{method}");
        }
    }
}
