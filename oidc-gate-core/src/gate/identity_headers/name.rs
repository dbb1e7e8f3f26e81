//! Which headers can say who the caller is.

use super::super::hygiene::folded;
use http::HeaderName;

/// Headers that carry something else, and what. In lower case with `-`; `*` at the end stands for anything.
const TAKEN: &[(&str, &str)] = &[
    ("connection", CONNECTION),
    ("proxy-*", CONNECTION),
    ("keep-alive", CONNECTION),
    ("te", CONNECTION),
    ("trailer", CONNECTION),
    ("upgrade", CONNECTION),
    ("http2-settings", CONNECTION),
    ("transfer-encoding", FRAMING),
    ("content-*", FRAMING),
    ("expect", FRAMING),
    ("host", ADDRESS),
    ("forwarded", ADDRESS),
    ("via", ADDRESS),
    ("x-forwarded-for", ADDRESS),
    ("x-forwarded-host", ADDRESS),
    ("x-forwarded-port", ADDRESS),
    ("x-forwarded-prefix", ADDRESS),
    ("x-forwarded-proto", ADDRESS),
    ("x-forwarded-scheme", ADDRESS),
    ("x-forwarded-server", ADDRESS),
    ("x-forwarded-uri", ADDRESS),
    ("x-forwarded-method", ADDRESS),
    ("x-original-*", ADDRESS),
    ("x-rewrite-url", ADDRESS),
    ("x-real-ip", ADDRESS),
    ("x-http-method", ADDRESS),
    ("x-http-method-override", ADDRESS),
    ("x-method-override", ADDRESS),
    ("cookie", BROWSER),
    ("set-cookie", BROWSER),
    ("origin", BROWSER),
    ("referer", BROWSER),
    ("location", BROWSER),
    ("refresh", BROWSER),
    ("sec-*", BROWSER),
    ("access-control-*", BROWSER),
    ("strict-transport-security", BROWSER),
    ("clear-site-data", BROWSER),
    ("www-authenticate", BROWSER),
    ("accept*", CONTENT),
    ("if-*", CONTENT),
    ("range", CONTENT),
    ("vary", CONTENT),
    ("cache-control", CONTENT),
    ("etag", CONTENT),
    ("age", CONTENT),
    ("date", CONTENT),
    ("expires", CONTENT),
    ("last-modified", CONTENT),
];

const CONNECTION: &str = "is about one connection (RFC 9110 § 7.6.1)";
const FRAMING: &str = "says how to read the message (RFC 9110 § 8.6)";
const ADDRESS: &str = "says what is asked for and from where";
const BROWSER: &str = "is what browsers go by";
const CONTENT: &str = "is about content and its caching";

/// A name that can carry an identity, or why this one cannot.
pub(super) fn parse(name: &str) -> Result<HeaderName, String> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        "is no name of a header; letters, digits and `-` make one, as in X-Department".to_owned()
    })?;
    let compared = folded(&parsed);
    let taken = TAKEN.iter().find(|(taken, _)| {
        taken
            .strip_suffix('*')
            .map_or(*taken == &*compared, |begin| compared.starts_with(begin))
    });
    match taken {
        Some((_, why)) => Err(format!(
            "{why}; choose a name of your own, as X-Department is"
        )),
        None => Ok(parsed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_something_else_carries_no_identity_in_any_spelling() {
        for (taken, why) in TAKEN {
            for dash in ["-", "_", "."] {
                let name = taken.replace('*', "x").replace('-', dash).to_uppercase();
                let problem = parse(&name).unwrap_err();
                assert!(problem.starts_with(why), "{name}: {problem}");
            }
        }
    }

    #[test]
    fn names_of_ones_own_do() {
        for name in ["X-Department", "Remote-User", "authorization", "X_USER"] {
            assert_eq!(parse(name).unwrap(), name.to_lowercase().as_str());
        }
        for name in ["", "X Department", "X:Y", "Größe", "x\r\ny", ":path"] {
            assert!(parse(name).unwrap_err().starts_with("is no name"), "{name}");
        }
    }
}
