use super::*;
use proptest::prelude::*;

/// One name for each entry.
fn names() -> impl Iterator<Item = String> {
    STRIPPED
        .iter()
        .map(|entry| entry.name.replace('*', "anything"))
}

/// Every spelling of a name.
fn spellings(name: &str) -> impl Iterator<Item = HeaderName> {
    let dashes = name.matches(['-', '_', '.']).count();
    (0..3usize.pow(dashes as u32)).map(move |spelling| {
        let mut rest = spelling;
        let dressed: String = name
            .chars()
            .map(|c| match c {
                '-' | '_' | '.' => {
                    let dash = ['-', '_', '.'][rest % 3];
                    rest /= 3;
                    dash
                }
                c => c,
            })
            .collect();
        HeaderName::from_bytes(dressed.to_uppercase().as_bytes()).unwrap()
    })
}

fn survives(stripping: &Stripping, name: &HeaderName) -> bool {
    let mut headers = HeaderMap::new();
    headers.append(name, HeaderValue::from_static("root"));
    headers.append(name, HeaderValue::from_static("admin"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    stripping.strip(&mut headers);
    assert!(headers.contains_key("accept"));
    headers.len() > 1
}

#[test]
fn no_spelling_of_a_header_survives() {
    for name in names() {
        for spelling in spellings(&name) {
            assert!(!survives(&Stripping::default(), &spelling), "{spelling}");
        }
    }
}

#[test]
fn no_spelling_of_a_configured_header_survives() {
    for name in ["team", "x-department", "app_user.id-token", "x.y-z_a"] {
        let configured = HeaderName::from_static(name);
        let stripping = Stripping::and([&configured]);
        for spelling in spellings(name) {
            assert!(!survives(&stripping, &spelling), "{spelling}");
            assert!(survives(&Stripping::default(), &spelling), "{spelling}");
            assert!(stripping.covers(&spelling), "{spelling}");
            let mut headers = HeaderMap::new();
            let line = format!("close, {spelling}");
            headers.insert("connection", line.parse().unwrap());
            stripping.strip(&mut headers);
            assert_eq!(headers["connection"], "close", "{spelling}");
        }
    }
    // The fixed ones go as before.
    let stripping = Stripping::and([&HeaderName::from_static("x-department")]);
    for name in names() {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        assert!(!survives(&stripping, &name));
    }
}

#[test]
fn a_configured_authorization_goes_after_it_was_read_and_is_nominated_by_nobody() {
    let stripping = Stripping::and([&header::AUTHORIZATION]);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Basic cm9vdDo="));
    headers.insert("connection", HeaderValue::from_static("Authorization"));
    stripping.strip(&mut headers);
    assert_eq!(headers.len(), 1);
    assert!(headers.contains_key("authorization"));
    stripping.strip_credentials(&mut headers);
    assert!(headers.is_empty());

    headers.insert("authorization", HeaderValue::from_static("Basic cm9vdDo="));
    stripping.strip_trailers(&mut headers);
    assert!(headers.is_empty());

    headers.insert("authorization", HeaderValue::from_static("Basic cm9vdDo="));
    Stripping::default().strip(&mut headers);
    Stripping::default().strip_credentials(&mut headers);
    assert_eq!(
        headers.len(),
        1,
        "it is the application's where the gate writes none"
    );
}

#[test]
fn what_is_no_identity_stays() {
    let mut headers = HeaderMap::new();
    for name in [
        "authorization",
        "cookie",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-users",
        "x-request-id",
        "x-auth-token",
        "x-user-agent",
        "x-csrf-token",
        "remote-addr",
        "user",
        "connection",
        "referer",
        "content-type",
        "x-amzn-trace-id",
    ] {
        headers.insert(name, HeaderValue::from_static("keep-alive, x-request-id"));
    }
    let before = headers.clone();
    strip_identity_headers(&mut headers);
    assert_eq!(headers, before);
}

#[test]
fn connection_nominates_no_identity_header() {
    for (before, after) in [
        ("x-forwarded-user", None),
        ("close, X_Forwarded_User", Some("close")),
        (
            "x-auth-request-email,Upgrade , remote.user",
            Some("Upgrade"),
        ),
        ("keep-alive, x-custom", Some("keep-alive, x-custom")),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("connection", before.parse().unwrap());
        strip_identity_headers(&mut headers);
        assert_eq!(
            headers.get("connection").map(|v| v.to_str().unwrap()),
            after
        );
    }
    let mut headers = HeaderMap::new();
    headers.append("connection", HeaderValue::from_static("upgrade"));
    headers.append("connection", HeaderValue::from_static("x-remote-user"));
    strip_identity_headers(&mut headers);
    let left: Vec<_> = headers.get_all("connection").iter().collect();
    assert_eq!(left, ["upgrade"]);
}

#[test]
fn the_list_is_written_as_it_is_compared() {
    for entry in STRIPPED {
        let name = entry.name.strip_suffix('*').unwrap_or(entry.name);
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{name}"
        );
        assert!(
            is_stripped_name(name.replace('*', "x").as_bytes()),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn no_name_makes_it_panic(name in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = is_stripped_name(&name);
    }
}
