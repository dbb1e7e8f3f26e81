use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use oidc_gate_core::client_auth::BasicCredentials;

/// An `Authorization` header. What is taken can be written in one way only up to the case of the scheme, and the `url`
/// crate decodes both halves alike.
pub fn basic(data: &[u8]) {
    let Ok(header) = HeaderValue::from_bytes(data) else {
        return;
    };
    let Ok(read) = BasicCredentials::parse(&header) else {
        return;
    };
    let (scheme, encoded) = data.split_at(6);
    assert!(scheme.eq_ignore_ascii_case(b"basic "));
    let pair = STANDARD.decode(encoded).expect("strict base64");
    assert_eq!(STANDARD.encode(&pair).as_bytes(), encoded);

    let at = pair.iter().position(|byte| *byte == b':');
    let (id, secret) = pair.split_at(at.expect("a colon"));
    assert_eq!(read.client_id(), decoded(id));
    assert_eq!(read.secret().expose(), decoded(&secret[1..]));
    assert_ne!(read.client_id(), "");
    let odd = |text: &str| text.contains(char::is_control);
    assert!(!odd(read.client_id()) && !odd(read.secret().expose()));
    let _ = format!("{read:?}");
}

/// As the value of a form's only field. `&` separates fields there and nothing here.
fn decoded(half: &[u8]) -> String {
    let mut field = b"x=".to_vec();
    for byte in half {
        match byte {
            b'&' => field.extend(b"%26"),
            byte => field.push(*byte),
        }
    }
    let mut pairs = url::form_urlencoded::parse(&field);
    let (_, value) = pairs.next().expect("one field");
    value.into_owned()
}
