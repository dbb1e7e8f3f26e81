use oidc_gate_core::{
    login::{Places, ReturnTo},
    url::{BaseUrl, Origin},
};
use std::sync::LazyLock;
use url::{Position, Url};

const ALLOWED: [&str; 2] = ["https://other.example", "http://127.0.0.1:3000"];

/// An application that has the whole of its origin, and one below a path.
static APPS: LazyLock<[(BaseUrl, Places); 2]> = LazyLock::new(|| {
    ["https://app.example:8443", "https://app.example/tools"].map(|base| {
        let base = BaseUrl::parse(base).expect("a base URL");
        let places = ALLOWED
            .map(|origin| Origin::parse(origin).expect("an origin"))
            .into_iter()
            .fold(Places::new(base.clone(), "/oauth2"), Places::allow);
        (base, places)
    })
});

/// Where a user wants to come back to. What is taken, a browser finds where we say it is: in the application and not at
/// the gate's endpoints, or at an origin that is allowed.
pub fn return_to(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(place) = ReturnTo::parse(text) {
        check_local(text, &place);
    }
    for (base, places) in &*APPS {
        if let Some(place) = places.read(text) {
            check(text, &place, base, places);
        }
    }
}

fn check(text: &str, place: &ReturnTo, base: &BaseUrl, places: &Places) {
    let from = Url::parse(&base.join("/oauth2/callback")).expect("an address");
    let there = from.join(place.as_str()).expect("a reference");
    assert_eq!(from.join(text).as_ref(), Ok(&there), "{place:?}");
    let origin = there.origin().ascii_serialization();
    if place.as_str().starts_with('/') {
        check_local(place.as_str(), place);
        assert_eq!(origin, base.origin(), "{place:?}");
        let path = there
            .path()
            .strip_prefix(base.path())
            .expect("below the base URL");
        assert!(path.is_empty() || path.starts_with('/'), "{there}");
        assert!(
            path != "/oauth2" && !path.starts_with("/oauth2/"),
            "{there}"
        );
    } else {
        assert!(ALLOWED.contains(&&*origin), "{place:?}");
        assert_eq!(there.as_str(), place.as_str());
    }
    assert_eq!(places.read(place.as_str()).as_ref(), Some(place));
    assert!(http::HeaderValue::from_str(place.as_str()).is_ok());
}

fn check_local(text: &str, place: &ReturnTo) {
    let _ = format!("{place:?}");
    // As a `Location`, wherever it is sent from.
    for from in [
        "https://app.example:8443/oauth2/callback",
        "http://localhost:3000",
        "https://[::1]/a/b?c#d",
    ] {
        let from = Url::parse(from).expect("an address");
        let there = from.join(place.as_str()).expect("a reference");
        assert_eq!(from.join(text).as_ref(), Ok(&there));
        assert_eq!(&there[Position::BeforePath..], place.as_str());
        assert_eq!(there.origin(), from.origin(), "{place:?}");
        assert_eq!((there.username(), there.password()), ("", None));
        // And once more, by whoever decodes the path first.
        let mut path = there.path().replace('+', "%2B");
        for _ in 0..3 {
            let Ok(decoded) = oidc_gate_core::form::decode(path.replace(' ', "+").as_bytes())
            else {
                break;
            };
            let again = from.join(&decoded).expect("a reference");
            assert_eq!(again.origin(), from.origin(), "{place:?} as {decoded:?}");
            path = decoded.into_string();
        }
    }
}
