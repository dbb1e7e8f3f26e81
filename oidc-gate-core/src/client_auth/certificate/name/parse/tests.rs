use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<DistinguishedName, NameError> {
    DistinguishedName::parse(text)
}

/// Each as types and values, in the order of the text.
fn pieces(text: &str) -> Vec<Vec<(String, Value)>> {
    let name = parse(text).unwrap();
    let rdns = name.rdns.into_iter().rev().map(|rdn| {
        let attributes = rdn.0.into_iter();
        attributes
            .map(|a| (a.kind.oid().to_owned(), a.value))
            .collect()
    });
    rdns.collect()
}

fn text(oid: &str, value: &str) -> (String, Value) {
    (oid.to_owned(), Value::Text(value.into()))
}

const DC: &str = "0.9.2342.19200300.100.1.25";

#[test]
fn the_examples_of_rfc_4514_are_read() {
    let net = [vec![text(DC, "example")], vec![text(DC, "net")]];
    for (name, first) in [
        (
            "UID=jsmith,DC=example,DC=net",
            vec![text("0.9.2342.19200300.100.1.1", "jsmith")],
        ),
        (
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            vec![text("2.5.4.11", "Sales"), text("2.5.4.3", "J.  Smith")],
        ),
        (
            "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
            vec![text("2.5.4.3", "James \"Jim\" Smith, III")],
        ),
        (
            "CN=Before\\0dAfter,DC=example,DC=net",
            vec![text("2.5.4.3", "Before\rAfter")],
        ),
    ] {
        assert_eq!(pieces(name), [&[first][..], &net].concat(), "{name}");
    }
    let octets = Value::Der([4, 2, 0x48, 0x69].into());
    assert_eq!(
        pieces("1.3.6.1.4.1.1466.0=#04024869"),
        [[("1.3.6.1.4.1.1466.0".to_owned(), octets)]]
    );
    assert_eq!(
        pieces("CN=Lu\\C4\\8Di\\C4\\87"),
        [[text("2.5.4.3", "Lučić")]]
    );
}

#[test]
fn one_name_has_many_spellings() {
    for (a, b) in [
        ("CN=a", "cn=a"),
        ("CN=a", "2.5.4.3=a"),
        ("CN=a", "commonName=\\61"),
        ("CN=a", "CN=#0c0161"),
        ("CN=a", "CN=#130161"),
        ("CN=a", "CN=#1e020061"),
        ("CN=a", "CN=#1c0400000061"),
        ("OU=b+CN=a", "CN=a+OU=b"),
        ("CN=\\ a\\ ", "CN=\\20a\\20"),
        ("CN=\\#a", "CN=\\23a"),
        ("CN=a=b", "CN=a\\=b"),
        ("CN=a#b", "CN=a\\#b"),
        ("CN=", "CN=#0c00"),
        ("CN=é", "CN=\\c3\\A9"),
    ] {
        assert_eq!(parse(a).unwrap(), parse(b).unwrap(), "{a} {b}");
    }
}

#[test]
fn different_names_stay_different() {
    for (a, b) in [
        ("CN=a", "CN=A"),
        ("CN=a b", "CN=a  b"),
        ("CN=a", "OU=a"),
        ("CN=a,O=b", "O=b,CN=a"),
        ("CN=a,O=b", "CN=a\\,O=b"),
        ("CN=a,O=b", "CN=a+O=b"),
        ("CN=a+O=b", "CN=a\\+O\\=b"),
        ("CN=a,O=b", "CN=a,O=b,C=c"),
        ("CN=a,CN=b", "CN=b"),
        // TeletexString and OCTET STRING are no text, nor is what breaks the rules of its type.
        ("CN=a", "CN=#140161"),
        ("CN=a", "CN=#040161"),
        ("CN=é", "CN=#1302c3a9"),
        ("CN=\\00", "CN="),
        // Not composed, and composed.
        ("CN=e\u{301}", "CN=\u{e9}"),
    ] {
        assert_ne!(parse(a).unwrap(), parse(b).unwrap(), "{a} {b}");
    }
}

#[test]
fn what_the_grammar_does_not_have_is_refused() {
    for (name, error) in [
        ("", NameError::Empty),
        (",", NameError::Type),
        ("CN", NameError::Type),
        ("=a", NameError::Type),
        ("CN=a,", NameError::Type),
        ("CN=a+", NameError::Type),
        ("CN=a,,O=b", NameError::Type),
        ("/CN=a/O=b", NameError::Type),
        ("2.5.4.03=a", NameError::Type),
        ("OID.2.5.4.3=a", NameError::Type),
        ("CN=a, O=b", NameError::Space),
        ("CN=a ,O=b", NameError::Space),
        ("CN = a", NameError::Space),
        ("CN= a", NameError::Space),
        (" CN=a", NameError::Space),
        ("CN=a ", NameError::Space),
        ("CN=a\\ \u{20}", NameError::Space),
        ("CN= ", NameError::Space),
        ("KN=a", NameError::UnknownType),
        ("E=a@b", NameError::UnknownType),
        ("CN=a+CN=b", NameError::RepeatedType),
        ("CN=a+O=b+cn=a", NameError::RepeatedType),
        ("CN=\"a,b\"", NameError::Value),
        ("CN=a;O=b", NameError::Value),
        ("CN=<a>", NameError::Value),
        ("CN=a\0", NameError::Value),
        ("CN=a\\", NameError::Escape),
        ("CN=a\\x", NameError::Escape),
        ("CN=a\\4", NameError::Escape),
        ("CN=a\\g0", NameError::Escape),
        ("CN=a\\0g", NameError::Escape),
        ("CN=#", NameError::Hex),
        ("CN=#0", NameError::Hex),
        ("CN=#0c", NameError::Hex),
        ("CN=#0c0161ff", NameError::Hex),
        ("CN=#0c810161", NameError::Hex),
        ("CN=#0c01 61", NameError::Hex),
        ("CN=#xx", NameError::Hex),
        ("CN=\\ff", NameError::NotUtf8),
        ("CN=\\c3", NameError::NotUtf8),
    ] {
        assert_eq!(parse(name), Err(error), "{name:?}");
    }
    let long = format!("CN={}", "a".repeat(DistinguishedName::MAX_BYTES));
    assert_eq!(parse(&long), Err(NameError::TooLong));
}

#[test]
fn a_printed_name_is_fit_for_a_log() {
    let name = parse("cn=\\0a\\1b[31m\\C2\\85,2.5.4.3=\\ ,1.2.3=a,CN=#140161").unwrap();
    assert_eq!(
        name.to_string(),
        "CN=\\0A\\1B[31m\\C2\\85,CN=\\ ,1.2.3=#0C0161,CN=#140161"
    );
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(
        rdns in prop::collection::vec(("(CN|O|1\\.2\\.3)=", "\\PC{0,8}|[ ,+\"\\\\<>;#=\0\r]{0,4}"), 1..4)
    ) {
        let rdns = rdns.iter().map(|(kind, value)| {
            let mut escaped = kind.clone();
            value.bytes().for_each(|b| escaped += &format!("\\{b:02x}"));
            escaped
        });
        let name = parse(&rdns.collect::<Vec<_>>().join(",")).unwrap();
        prop_assert_eq!(parse(&name.to_string()), Ok(name));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(CN|O|2\\.5\\.4\\.3|[a-z=])?=[ -~é\0]{0,20}([,+]CN=[#0-9a-f]{0,8})?") {
        if let Ok(name) = parse(&text) {
            prop_assert_eq!(parse(&name.to_string()), Ok(name));
        }
    }
}
