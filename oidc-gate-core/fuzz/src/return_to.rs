use oidc_gate_core::{login::ReturnTo, url::BaseUrl};
use url::Url;

/// Where a user wants to come back to. What is taken, a browser keeps on the same origin and below the same path.
pub fn return_to(data: &[u8]) {
    let Some(place) = std::str::from_utf8(data).ok().and_then(ReturnTo::parse) else {
        return;
    };
    assert_eq!(place.as_str().as_bytes(), data);
    let _ = format!("{place:?}");
    // As a `Location`, wherever it is sent from.
    for from in [
        "https://app.example:8443/oauth2/callback",
        "http://localhost:3000",
        "https://[::1]/a/b?c#d",
    ] {
        let from = Url::parse(from).expect("an address");
        let there = from.join(place.as_str()).expect("a reference");
        assert_eq!(there.origin(), from.origin(), "{place:?}");
        assert_eq!((there.username(), there.password()), ("", None));
        assert!(!there.path().starts_with("//"));
        // And once more, as a page that sends itself on would.
        let again = there
            .join(&there[url::Position::BeforePath..])
            .expect("a reference");
        assert_eq!(again, there);
    }
    // As an absolute address below the path of the application.
    let base = BaseUrl::parse("https://app.example/tools").expect("a base URL");
    let there = Url::parse(&base.join(place.as_str())).expect("an address");
    assert_eq!(there.origin().ascii_serialization(), "https://app.example");
    assert!(there.path().starts_with("/tools/"), "{there}");
    assert!(http::HeaderValue::from_str(place.as_str()).is_ok());
}
