use super::*;
use crate::gate::{Head, Narrow, Pattern, Policy, PolicySettings, Route, Target, group};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    dialect: Spoken,
    #[expect(dead_code, reason = "for who reads the table")]
    why: Option<String>,
    #[serde(default = "get")]
    method: String,
    target: Option<String>,
    headers: Vec<String>,
    #[serde(default)]
    longer: usize,
    #[serde(default = "trusted")]
    peer: String,
    passes: Option<String>,
    refused: Option<String>,
    route: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Spoken {
    Nginx,
    Traefik,
    Caddy,
    Envoy,
}

fn get() -> String {
    "GET".into()
}

fn trusted() -> String {
    "127.0.0.1".into()
}

impl From<Spoken> for Dialect {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::Nginx => Self::Nginx,
            Spoken::Traefik => Self::Traefik,
            Spoken::Caddy => Self::Caddy,
            Spoken::Envoy => Self::Envoy,
        }
    }
}

fn peers() -> Peers {
    Peers::new(["127.0.0.1", "10.0.0.0/8"]).unwrap()
}

/// `\xNN` as the byte.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    out
}

impl Case {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in &self.headers {
            let (name, value) = line.split_once(':').unwrap();
            let mut value = bytes(value.strip_prefix(' ').unwrap_or(value));
            if name.ends_with("-uri") {
                value.extend(vec![b'a'; self.longer]);
            }
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        headers
    }

    /// Where the question is sent: for Envoy, what it is about follows the prefix.
    fn target(&self) -> Uri {
        let Some(target) = &self.target else {
            return Uri::from_static(ENDPOINT);
        };
        let (host, path) = match target.strip_prefix("http://app.example.com") {
            Some(path) => ("http://app.example.com", path),
            None => ("", target.as_str()),
        };
        let whole = format!("{host}{ENDPOINT}{path}{}", "a".repeat(self.longer));
        whole.parse().unwrap()
    }
}

const ENDPOINT: &str = "/oauth2/forward";

fn policy() -> Policy {
    Policy::compile(
        PolicySettings::new()
            .open(Pattern::get("/"))
            .open(Pattern::prefix("/public"))
            .bypass(Pattern::prefix("/assets"))
            .require(Pattern::prefix("/admin"), group("admins")),
    )
    .unwrap()
}

/// What was read, in the words of the table.
fn said(forwarded: &Forwarded, longer: usize) -> String {
    let target = forwarded.target.to_string();
    let target = match longer {
        0 => target,
        _ => target.replace(&"a".repeat(longer), "…"),
    };
    let proto = match forwarded.proto {
        Some(Proto::Http) => "http",
        Some(Proto::Https) => "https",
        None => "-",
    };
    match &forwarded.host {
        Some(host) => format!("{} {target} {proto}://{host}", forwarded.method),
        None => format!("{} {target}", forwarded.method),
    }
}

fn route(policy: &Policy, forwarded: &Forwarded, headers: &HeaderMap) -> &'static str {
    let head = Head::new(&forwarded.method, Target::Whole(&forwarded.target), headers);
    match policy.route_forwarded(&head, &Narrow::nothing()) {
        Route::Bypass => "bypass",
        Route::Open | Route::OpenToNetwork(_) => "open",
        Route::Protected(requirements) if requirements.iter().next().is_some() => "required",
        Route::Protected(_) => "protected",
        Route::Endpoint(_) | Route::UnknownEndpoint => "own",
    }
}

#[test]
fn each_proxy_is_understood_as_the_table_says() {
    let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/forwarded.toml"));
    assert!(cases.len() >= 250, "{}", cases.len());
    let policy = policy();
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let is = understood(&policy, case);
            let expected = match (&case.passes, &case.refused, &case.route) {
                (Some(passes), None, Some(route)) => format!("{passes} is {route}"),
                (None, Some(refused), None) => refused.clone(),
                _ => "one of two".to_owned(),
            };
            (is != expected).then(|| format!("{}: {is}, expected {expected}", case.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What becomes of a case, in the words of the table.
fn understood(policy: &Policy, case: &Case) -> String {
    let (method, target, headers) = (case.method.parse().unwrap(), case.target(), case.headers());
    let peer = case.peer.parse().ok();
    let proxy = Proxy::new(case.dialect.into(), peers());
    match proxy.read(&Subrequest::new(ENDPOINT, &method, &target, &headers, peer)) {
        Ok(forwarded) => {
            let route = route(policy, &forwarded, &headers);
            format!("{} is {route}", said(&forwarded, case.longer))
        }
        Err(failed) => failed.check().id().to_owned(),
    }
}

#[test]
fn a_target_that_no_header_can_hold_is_refused_too() {
    for text in [
        "/a\0",
        "/\0/admin",
        "/a\nb",
        "/a\r\nX: y",
        "/a\u{7f}",
        "/a\u{3000}b",
        "/\u{2028}",
    ] {
        let failed = parts::target(text).unwrap_err();
        assert_eq!(failed.check(), Check::ForwardedTarget, "{text:?}");
    }
}

#[test]
fn an_endpoint_is_asked_at_its_own_path_and_by_envoy_below_it() {
    for (dialect, path, asks) in [
        (Dialect::Nginx, "/oauth2/forward", true),
        (Dialect::Nginx, "/oauth2/forward/", false),
        (Dialect::Nginx, "/oauth2/forward/x", false),
        (Dialect::Nginx, "/oauth2/forwards", false),
        (Dialect::Nginx, "/OAUTH2/forward", false),
        (Dialect::Traefik, "/oauth2/forward/x", false),
        (Dialect::Caddy, "/oauth2/forward/x", false),
        (Dialect::Envoy, "/oauth2/forward", true),
        (Dialect::Envoy, "/oauth2/forward/x", true),
        (Dialect::Envoy, "/oauth2/forward//x", true),
        (Dialect::Envoy, "/oauth2/forwards", false),
        (Dialect::Envoy, "/x/oauth2/forward/x", false),
    ] {
        let proxy = Proxy::new(dialect, peers());
        assert_eq!(proxy.asks(ENDPOINT, path), asks, "{dialect:?} {path}");
    }
}

#[test]
fn the_place_is_the_address_that_was_asked_for_and_https_where_the_application_is() {
    let forwarded = |host: Option<&str>, proto| Forwarded {
        method: Method::GET,
        target: Uri::from_static("/me?x=1"),
        host: host.map(Into::into),
        proto,
    };
    let host = Some("app.example.com");
    for (host, proto, secure, place) in [
        (
            host,
            Some(Proto::Https),
            true,
            Some("https://app.example.com/me?x=1"),
        ),
        (
            host,
            Some(Proto::Http),
            true,
            Some("https://app.example.com/me?x=1"),
        ),
        (host, None, true, Some("https://app.example.com/me?x=1")),
        (
            host,
            Some(Proto::Http),
            false,
            Some("http://app.example.com/me?x=1"),
        ),
        (
            host,
            Some(Proto::Https),
            false,
            Some("https://app.example.com/me?x=1"),
        ),
        (host, None, false, Some("http://app.example.com/me?x=1")),
        (None, None, true, None),
    ] {
        assert_eq!(forwarded(host, proto).place(secure).as_deref(), place);
    }
    let shown = format!("{:?}", forwarded(host, None));
    assert!(shown.contains("/me") && !shown.contains("x=1"), "{shown}");
}

proptest::proptest! {
    /// Whatever is read as a target is what was said, and is read alike as a request line.
    #[test]
    fn what_is_read_is_what_was_said(text in "[/\\\\?#%a-z.;@: \t-]{0,24}|\\PC{0,16}") {
        if let Ok(uri) = parts::target(&text) {
            proptest::prop_assert_eq!(uri.to_string(), text.clone());
            proptest::prop_assert!(uri.authority().is_none() && uri.scheme().is_none());
            proptest::prop_assert!(text.starts_with('/') && !text.contains('#'));
        }
    }
}
