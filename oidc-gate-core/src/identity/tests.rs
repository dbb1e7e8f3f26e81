//! What `identity` promises, held to it.

use super::*;

/// From the middle of a buffer as from its beginning.
fn decode(bytes: &[u8]) -> Option<Identity> {
    let within = [b"what stands before", bytes].concat();
    let whole = Identity::decode(bytes.to_vec(), 0);
    let part = Identity::decode(within, b"what stands before".len());
    assert_eq!(
        whole.as_ref().map(|i| &i.text),
        part.map(|i| i.text).as_ref()
    );
    whole
}
use proptest::prelude::*;

fn full() -> Identity {
    Identity::builder("https://id.example", "sub-1")
        .provider("staff")
        .name("Zoë")
        .email("zoe@example.com")
        .preferred_username("zoe")
        .group("a b")
        .group("ü")
        .role("editor")
        .role("owner")
        .scope("openid")
        .acr("phr")
        .amr("pwd")
        .amr("otp")
        .auth_time(UnixTime::from_secs(5))
        .via(Via::Bearer)
        .claim("department", "R&D")
        .build()
}

#[test]
fn sealing_form_and_back_is_the_same_identity() {
    let mut bytes = vec![];
    full().encode(&mut bytes);
    let again = decode(&bytes).unwrap();
    assert_eq!(again.claims(), full().claims());
    assert_eq!(again.groups().collect::<Vec<_>>(), ["a b", "ü"]);
    assert_eq!(again.roles().collect::<Vec<_>>(), ["editor", "owner"]);
    assert_eq!(again.scopes().collect::<Vec<_>>(), ["openid"]);
    assert_eq!(
        (
            again.provider(),
            again.via(),
            again.auth_time(),
            again.verified_email()
        ),
        (
            "staff",
            Via::Bearer,
            Some(UnixTime::from_secs(5)),
            Some("zoe@example.com")
        )
    );
    for cut in 0..bytes.len() {
        assert!(
            decode(&bytes[..cut]).is_none(),
            "{cut} bytes of {}",
            bytes.len()
        );
    }
}

#[test]
fn a_form_with_a_field_less_does_not_open() {
    let mut bytes = vec![];
    full().encode(&mut bytes);
    for field in 0..FIELDS {
        let mut older = bytes.clone();
        older.drain(4 * field..4 * field + 4);
        assert!(decode(&older).is_none(), "{field}");
    }
}

#[test]
fn a_form_that_contradicts_itself_does_not_open() {
    const FLAGS: usize = 4 * FIELDS + 2;
    let mut bytes = vec![];
    full().encode(&mut bytes);
    let text = &bytes[HEADER..];
    let name_ends = full().ends[Field::Name as usize] as usize;
    assert_eq!(&text[name_ends - 2..name_ends], "ë".as_bytes());
    let end = |field: Field, end: usize| {
        let mut other = bytes.clone();
        let bytes = u32::try_from(end).unwrap().to_le_bytes();
        other[4 * field as usize..][..4].copy_from_slice(&bytes);
        other
    };
    let byte = |at: usize, value: u8| {
        let mut other = bytes.clone();
        other[at] = value;
        other
    };
    for (what, form) in [
        ("a field ends before it begins", end(Field::Subject, 1)),
        (
            "a field ends behind the one after it",
            end(Field::Issuer, text.len() - 1),
        ),
        (
            "a field ends behind the text",
            end(Field::Claims, text.len() + 1),
        ),
        (
            "text that is no field's",
            [&bytes[..], b"x".as_slice()].concat(),
        ),
        (
            "a field ends within a letter",
            end(Field::Name, name_ends - 1),
        ),
        ("text that is no UTF-8", byte(HEADER, 0xff)),
        ("a flag that nobody knows", byte(FLAGS, 8)),
        ("a time that is neither there nor not", byte(FLAGS + 1, 2)),
    ] {
        assert!(decode(&form).is_none(), "{what}");
    }
    for flags in 0..8 {
        let read = decode(&byte(FLAGS, flags)).unwrap();
        let via = [Via::Session, Via::Bearer][usize::from(flags >> 1 & 1)];
        let kind = [IdentityKind::User, IdentityKind::Client][usize::from(flags >> 2)];
        assert_eq!(
            (read.email_verified(), read.via(), read.kind()),
            (flags & 1 == 1, via, kind)
        );
    }
    let timeless = decode(&byte(FLAGS + 1, 0)).unwrap();
    assert_eq!(timeless.auth_time(), None);
}

#[test]
fn claims_hold_what_the_fields_hold() {
    let claims = full().claims().clone();
    assert_eq!(
        Value::Object(claims),
        serde_json::json!({"iss": "https://id.example", "sub": "sub-1", "name": "Zoë", "email": "zoe@example.com",
            "email_verified": true, "preferred_username": "zoe", "acr": "phr", "amr": ["pwd", "otp"],
            "groups": ["a b", "ü"], "roles": ["editor", "owner"], "auth_time": 5, "department": "R&D"})
    );
}

#[test]
fn an_unverified_address_decides_nothing() {
    let mallory = Identity::builder("i", "s")
        .unverified_email("boss@example.com")
        .build();
    assert_eq!(
        (mallory.email(), mallory.verified_email()),
        (Some("boss@example.com"), None)
    );
}

#[test]
fn a_group_with_the_separator_is_not_two_groups() {
    let sly = Identity::builder("i", "s")
        .group("x\u{1f}admins")
        .group("y")
        .build();
    assert_eq!(sly.groups().collect::<Vec<_>>(), ["y"]);
}

#[test]
fn a_mismatch_names_the_member_and_no_value() {
    #[derive(Debug, serde::Deserialize)]
    struct Wanted {
        #[serde(rename = "cost_centre")]
        _cost_centre: u32,
    }
    let error = full().claims_as::<Wanted>().unwrap_err().to_string();
    assert!(error.ends_with("missing field `cost_centre`"), "{error}");
    let error = Identity::builder("i", "s")
        .claim("cost_centre", "hush")
        .build()
        .claims_as::<Wanted>()
        .unwrap_err();
    assert!(
        error.to_string().ends_with("expected u32") && !error.to_string().contains("hush"),
        "{error}"
    );
    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Painted {
        #[serde(rename = "colour")]
        _colour: Colour,
    }
    let secret = Identity::builder("i", "s").claim("colour", "hush").build();
    let error = secret.claims_as::<Painted>().unwrap_err().to_string();
    assert!(error.ends_with("a member has another shape"), "{error}");
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(identity) = decode(&bytes) {
            let _ = (identity.claims(), identity.display_name(), identity.groups().count());
        }
    }
}
