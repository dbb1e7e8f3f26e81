use crate::first_line;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use oidc_gate_core::{
    form,
    gate::{Clarity, Credential, Head, Pattern, Policy, PolicySettings, Route, Target, group},
    time::UnixTime,
};
use std::sync::LazyLock;
use url::Url;

/// That of `testdata/paths.toml`.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let settings = PolicySettings::new()
        .open(Pattern::get("/"))
        .open(Pattern::prefix("/public"))
        .open(Pattern::path("/teams/{team}"))
        .open(Pattern::regex("^/docs/[a-z]+$"))
        .open(Pattern::path("/admin/login"))
        .bypass(Pattern::prefix("/assets"))
        .bypass(Pattern::path("/static/{*rest}"))
        .require(Pattern::prefix("/admin"), group("admins"))
        .require(Pattern::path("/public/secret"), group("secret"))
        .require(Pattern::regex(r"^/reports/.*\.csv$"), group("reports"))
        .protect(Pattern::path("/public/mine"));
    Policy::compile(settings).expect("the policy is sound")
});

/// The head of a request: method and target on the first line, `Host` on the next. An ambiguous path is never open; one
/// that is not means the same to a browser's parser, and is open only where it begins as an open rule does, decoded too.
pub fn path(data: &[u8]) {
    let (line, rest) = first_line(data);
    let Some(at) = line.iter().position(|byte| *byte == b' ') else {
        return;
    };
    let Ok(method) = Method::from_bytes(&line[..at]) else {
        return;
    };
    let target = &line[at + 1..];
    // What `http::Uri` refuses to hold, another front end may not.
    if let Ok(text) = std::str::from_utf8(target) {
        check_clarity(text);
    }
    let Ok(uri) = Uri::try_from(target) else {
        return;
    };
    let mut headers = HeaderMap::new();
    if let Ok(host) = HeaderValue::from_bytes(first_line(rest).0)
        && !host.is_empty()
    {
        headers.insert(header::HOST, host);
    }
    let head = Head::new(&method, Target::Whole(&uri), &headers);
    let route = POLICY.route(&head);
    let now = UnixTime::from_secs(0);
    let _ = POLICY.decide(&head, &route, Credential::None, now);
    let _ = POLICY.answers_json(&head);
    if matches!(route, Route::Open | Route::Bypass) {
        check_open(&route, &method, uri.path());
    }
    let cut = Head::new(&method, Target::Cut, &headers);
    assert!(matches!(POLICY.route(&cut), Route::Protected(_)));
}

/// What is plain stays as it is in a browser's parser, decoded or not.
fn check_clarity(path: &str) {
    if Clarity::of(path) != Clarity::Plain {
        return;
    }
    let url = Url::parse(&format!("https://app.example{path}")).expect("an address");
    assert_eq!(
        (url.path(), url.query(), url.fragment()),
        (path, None, None)
    );
    let decoded = decoded(path);
    assert_eq!(decoded.matches('/').count(), path.matches('/').count());
    assert!(!decoded.contains(['\\', ';', '%', '?', '#']) && !decoded.contains(char::is_control));
}

fn check_open(route: &Route<'_>, method: &Method, path: &str) {
    assert_eq!(Clarity::of(path), Clarity::Plain, "{path} is open");
    let path = &*decoded(path);
    let below = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let fits = match route {
        Route::Bypass => below("/assets") || path.starts_with("/static/"),
        _ => {
            path == "/" && (method == Method::GET || method == Method::HEAD)
                || below("/public") && !["/public/secret", "/public/mine"].contains(&path)
                || path.starts_with("/teams/") && path.matches('/').count() == 2
                || path.starts_with("/docs/")
                || path == "/admin/login"
        }
    };
    assert!(fits, "{method} {path} is {route:?}");
}

fn decoded(path: &str) -> Box<str> {
    // A form means a space by `+`; a path does not.
    form::decode(path.replace('+', "%2B").as_bytes()).expect("a plain path decodes to UTF-8")
}
