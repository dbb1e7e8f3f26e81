use oidc_gate_core::{provider::Metadata, url::Issuer};
use url::Url;

/// The metadata of a provider. What is taken is of the issuer that was asked for, and its addresses are what the `url`
/// crate makes of them.
pub fn metadata(data: &[u8]) {
    let issuer = Issuer::parse("https://id.example").expect("an issuer");
    let Ok(metadata) = Metadata::parse(data, &issuer) else {
        return;
    };
    let document: serde_json::Value = serde_json::from_slice(data).expect("metadata is JSON");
    assert_eq!(document["issuer"], "https://id.example");
    assert_eq!(metadata.issuer(), &issuer);
    let endpoints = [
        (
            "authorization_endpoint",
            Some(metadata.authorization_endpoint()),
        ),
        ("token_endpoint", Some(metadata.token_endpoint())),
        ("jwks_uri", Some(metadata.jwks_uri())),
        ("userinfo_endpoint", metadata.userinfo_endpoint()),
        ("end_session_endpoint", metadata.end_session_endpoint()),
    ];
    for (name, endpoint) in endpoints {
        let Some(endpoint) = endpoint else {
            assert!(document.get(name).is_none_or(serde_json::Value::is_null));
            continue;
        };
        let url = Url::parse(endpoint.as_str()).expect("an address");
        assert_eq!(
            Url::parse(document[name].as_str().unwrap_or_default()).as_ref(),
            Ok(&url)
        );
        assert!(
            url.scheme() == "https" || url.scheme() == "http" && is_here(&url),
            "{url}"
        );
        assert_eq!(
            (url.username(), url.password(), url.fragment()),
            ("", None, None)
        );
        // What is sent with `http` is the same address.
        let _ = endpoint.as_str().parse::<http::Uri>();
    }
    let algs = metadata.id_token_algs();
    assert!(algs.iter().all(|alg| !alg.is_symmetric()));
    let _ = format!("{metadata:?}");
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
