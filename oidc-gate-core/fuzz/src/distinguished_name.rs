use oidc_gate_core::client_auth::certificate::{DistinguishedName, TlsSubject};

/// A distinguished name as it is registered. What is taken is printed in one line that reads back the same, with as many
/// pieces as were written.
pub fn distinguished_name(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(name) = DistinguishedName::parse(text) else {
        assert!(TlsSubject::dn(text).is_err());
        return;
    };
    let printed = name.to_string();
    assert!(!printed.contains(char::is_control), "{printed:?}");
    assert_eq!(DistinguishedName::parse(&printed).as_ref(), Ok(&name));
    assert_eq!(pieces(text), pieces(&printed), "{text:?} {printed:?}");
    assert_eq!(TlsSubject::dn(text), Ok(name.into()));
}

/// How many commas and plus signs separate something: those without a backslash in front, counted without reading the name.
fn pieces(text: &str) -> (usize, usize) {
    let bare = text
        .replace("\\\\", "")
        .replace("\\,", "")
        .replace("\\+", "");
    (bare.matches(',').count(), bare.matches('+').count())
}
