use super::*;

#[test]
fn a_name_is_registered_in_its_own_form_alone() {
    for (member, good, bad, error) in [
        (
            "tls_client_auth_san_dns",
            &[
                "client.example",
                "xn--mnchen-3ya.example",
                "a_b.example",
                "localhost",
            ][..],
            &[
                "",
                "*.example",
                "*",
                "a*.example",
                "client.example.",
                "1.2.3.4",
                "a..b",
                "-a.example",
                "a b",
                "é.example",
                "a\0.example",
                "client.example:443",
            ][..],
            SubjectError::Dns,
        ),
        (
            "tls_client_auth_san_uri",
            &[
                "spiffe://example/client",
                "urn:a:b",
                "https://client.example/?a=b#c",
            ],
            &[
                "",
                "client.example",
                ":a",
                "1a:b",
                "urn:",
                "https://a b",
                "https://é.example",
                "urn:a\0b",
                "urn:a\n",
            ],
            SubjectError::Uri,
        ),
        (
            "tls_client_auth_san_ip",
            &[
                "192.0.2.1",
                "2001:db8::1",
                "2001:0DB8:0:0:0:0:0:1",
                "::ffff:192.0.2.1",
            ],
            &[
                "",
                "192.0.2",
                "192.0.2.01",
                "192.0.2.1/32",
                "[2001:db8::1]",
                "fe80::1%eth0",
                " 192.0.2.1",
            ],
            SubjectError::Ip,
        ),
        (
            "tls_client_auth_san_email",
            &["Client@example.com", "a.b+c@localhost"],
            &[
                "",
                "client",
                "@example",
                "client@",
                "a@b@c",
                "\"a b\"@example",
                "a b@example",
                "é@example",
                "a@*.example",
                "a@[192.0.2.1]",
                "a@example.",
                ".a@example",
                "a..b@example",
                "a\0@example",
            ],
            SubjectError::Email,
        ),
        (
            "tls_client_auth_subject_dn",
            &["CN=client"],
            &[""],
            SubjectError::Dn(NameError::Empty),
        ),
        ("client_id", &[], &["client"], SubjectError::Member),
    ] {
        for value in good {
            let subject = TlsSubject::of_member(member, value).unwrap();
            assert_eq!(subject.member(), member);
        }
        for value in bad {
            let read = TlsSubject::of_member(member, value);
            assert_eq!(read, Err(error), "{member} {value:?}");
        }
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let long = "a".repeat(MAX_URI);
    assert_eq!(
        TlsSubject::san_uri(&format!("urn:{long}")),
        Err(SubjectError::Uri)
    );
    let local = "a".repeat(65);
    assert_eq!(
        TlsSubject::san_email(&format!("{local}@example")),
        Err(SubjectError::Email)
    );
}

#[test]
fn subjects_are_equal_as_they_are_compared() {
    let same = |a: Result<TlsSubject, _>, b| assert_eq!(a, b);
    let other = |a: Result<TlsSubject, SubjectError>, b| assert!(a.is_ok() && a != b);
    same(
        TlsSubject::san_dns("Client.Example"),
        TlsSubject::san_dns("client.example"),
    );
    same(
        TlsSubject::san_ip("2001:db8::1"),
        TlsSubject::san_ip("2001:0DB8:0:0:0:0:0:1"),
    );
    same(
        TlsSubject::san_email("Client@EXAMPLE"),
        TlsSubject::san_email("Client@example"),
    );
    other(
        TlsSubject::san_email("client@example"),
        TlsSubject::san_email("Client@example"),
    );
    other(
        TlsSubject::san_uri("urn:A:b"),
        TlsSubject::san_uri("urn:a:b"),
    );
    other(
        TlsSubject::san_ip("::ffff:192.0.2.1"),
        TlsSubject::san_ip("192.0.2.1"),
    );
    other(TlsSubject::san_dns("example"), TlsSubject::dn("CN=example"));
}
