use super::*;
use crate::client_auth::certificate::tests::APPENDIX_A;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

const INTERMEDIATE: &str = include_str!("../../../../testdata/certificates/intermediate.pem");

const ESCAPED: HeaderName = HeaderName::from_static("x-ssl-cert");

fn source(form: HeaderForm) -> CertificateSource {
    let peers = Peers::new(["10.0.0.0/8"]).unwrap();
    CertificateSource::Header { form, peers }
}

fn proxy() -> Option<IpAddr> {
    Some([10, 0, 0, 1].into())
}

fn somebody() -> Option<IpAddr> {
    Some([192, 0, 2, 1].into())
}

fn pem(text: &str) -> ClientCertificate {
    ClientCertificate::from_pem(text.as_bytes()).unwrap()
}

/// The certificate of the RFC.
fn leaf() -> ClientCertificate {
    pem(APPENDIX_A)
}

/// It, and the intermediate authority along with it.
fn both() -> ClientCertificate {
    pem(&[APPENDIX_A, INTERMEDIATE].concat())
}

fn headers(lines: &[(HeaderName, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, HeaderValue::try_from(value).unwrap());
    }
    headers
}

fn read(
    form: HeaderForm,
    lines: &[(HeaderName, String)],
) -> Result<Option<ClientCertificate>, CheckFailed> {
    source(form).read(None, proxy(), &headers(lines))
}

/// As nginx escapes it: everything that RFC 3986 does not call unreserved.
fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|b| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(b).to_string()
        }
        b => format!("%{b:02X}"),
    });
    escaped.collect()
}

/// As an AWS load balancer does.
fn escape_less(text: &str) -> String {
    escape(text)
        .replace("%2B", "+")
        .replace("%2F", "/")
        .replace("%3D", "=")
}

fn base64(certificate: &ClientCertificate) -> String {
    format!(":{}:", STANDARD.encode(certificate.der()))
}

fn hash(certificate: &ClientCertificate) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[track_caller]
fn refused(read: Result<Option<ClientCertificate>, CheckFailed>, check: Check, cause: &str) {
    let failed = read.unwrap_err();
    assert_eq!((failed.check(), failed.cause()), (check, cause));
}

#[test]
fn the_connection_is_looked_at_alone_or_not_at_all() {
    let shown = || Some(pem(INTERMEDIATE));
    let headers = headers(&[(CLIENT_CERT, base64(&leaf()))]);
    let of_connection = CertificateSource::Connection.read(shown(), proxy(), &headers);
    assert_eq!(of_connection, Ok(shown()));
    assert_eq!(
        CertificateSource::Connection.read(None, proxy(), &headers),
        Ok(None)
    );
    let of_header = source(HeaderForm::ClientCert);
    assert_eq!(of_header.read(shown(), proxy(), &headers), Ok(Some(leaf())));
    for peer in [somebody(), None] {
        assert_eq!(of_header.read(shown(), peer, &headers), Ok(None));
    }
    assert_eq!(
        of_header.read(shown(), proxy(), &HeaderMap::new()),
        Ok(None)
    );
}

#[test]
fn who_is_not_believed_is_not_read_and_what_they_wrote_is_gone() {
    let written = headers(&[
        (CLIENT_CERT, "nonsense".to_owned()),
        (CLIENT_CERT_CHAIN, base64(&leaf())),
        (ESCAPED, "%".to_owned()),
        (ESCAPED, "%".to_owned()),
        (FORWARDED_CLIENT_CERT, "nonsense".to_owned()),
        (HeaderName::from_static("accept"), "*/*".to_owned()),
    ]);
    for (form, taken) in [
        (
            HeaderForm::ClientCert,
            &[CLIENT_CERT, CLIENT_CERT_CHAIN][..],
        ),
        (HeaderForm::EscapedPem(ESCAPED), &[ESCAPED]),
        (HeaderForm::ForwardedClientCert, &[FORWARDED_CLIENT_CERT]),
    ] {
        let source = source(form);
        for peer in [somebody(), None] {
            let mut left = written.clone();
            assert_eq!(source.read(None, peer, &left), Ok(None));
            source.strip(peer, &mut left);
            let gone: Vec<_> = written
                .keys()
                .filter(|name| !left.contains_key(*name))
                .collect();
            assert_eq!(gone, taken.iter().collect::<Vec<_>>());
        }
        let mut left = written.clone();
        source.strip(proxy(), &mut left);
        assert_eq!(left, written);
        assert!(source.read(None, proxy(), &left).is_err());
    }
    let mut left = written.clone();
    CertificateSource::Connection.strip(somebody(), &mut left);
    assert_eq!(left, written);
}

#[test]
fn a_header_that_occurs_twice_is_refused() {
    let twice = "the header of the certificate occurs more than once";
    let good = base64(&leaf());
    for name in [CLIENT_CERT, CLIENT_CERT_CHAIN] {
        let lines = [
            (CLIENT_CERT, good.clone()),
            (CLIENT_CERT_CHAIN, good.clone()),
            (name, good.clone()),
        ];
        refused(
            read(HeaderForm::ClientCert, &lines),
            Check::CertificateHeader,
            twice,
        );
    }
    let lines = [(ESCAPED, String::new()), (ESCAPED, escape(APPENDIX_A))];
    refused(
        read(HeaderForm::EscapedPem(ESCAPED), &lines),
        Check::CertificateHeader,
        twice,
    );
    let cert = format!("Cert=\"{}\"", escape(APPENDIX_A));
    let lines = [
        (FORWARDED_CLIENT_CERT, cert.clone()),
        (FORWARDED_CLIENT_CERT, cert),
    ];
    refused(
        read(HeaderForm::ForwardedClientCert, &lines),
        Check::CertificateHeader,
        twice,
    );
}

#[test]
fn a_header_of_other_bytes_is_refused() {
    let mut headers = HeaderMap::new();
    headers.insert(CLIENT_CERT, HeaderValue::from_bytes(b":\xff:").unwrap());
    refused(
        source(HeaderForm::ClientCert).read(None, proxy(), &headers),
        Check::CertificateHeader,
        "the header of the certificate holds other bytes than ASCII",
    );
}

#[test]
fn client_cert_is_read() {
    let form = HeaderForm::ClientCert;
    let lines = [(CLIENT_CERT, base64(&leaf()))];
    assert_eq!(read(form.clone(), &lines), Ok(Some(leaf())));
    let [a, b] = [&leaf(), &pem(INTERMEDIATE)].map(base64);
    for chain in [b.clone(), format!(" {b} ")] {
        let lines = [(CLIENT_CERT, a.clone()), (CLIENT_CERT_CHAIN, chain)];
        assert_eq!(read(form.clone(), &lines), Ok(Some(both())));
    }
    for chain in [
        format!("{b},{a}"),
        format!("{b}, {a}"),
        format!("{b} \t, {a}"),
    ] {
        let lines = [(CLIENT_CERT, a.clone()), (CLIENT_CERT_CHAIN, chain)];
        let found = read(form.clone(), &lines).unwrap().unwrap();
        assert_eq!(found.chain().len(), 2);
    }
}

#[test]
fn client_cert_is_one_byte_sequence_and_its_chain_a_list_of_them() {
    let form = || HeaderForm::ClientCert;
    let good = base64(&leaf());
    let inner = good.trim_matches(':');
    for value in [
        String::new(),
        inner.to_owned(),
        format!(":{inner}"),
        format!("{inner}:"),
        format!("\"{inner}\""),
        format!("{good};a=b"),
        format!("{good}, {good}"),
        format!(": {inner}:"),
        format!(":{}:", inner.trim_end_matches('=')),
        format!(":{}:", inner.replace('+', "-").replace('/', "_")),
        format!("::{inner}::"),
        ":".to_owned(),
    ] {
        let lines = [(CLIENT_CERT, value.clone())];
        let cause = "expected base64 between colons in Client-Cert";
        refused(read(form(), &lines), Check::CertificateHeader, cause);
        let cause = "expected a list of base64 between colons in Client-Cert-Chain";
        for chain in [
            value.clone(),
            format!("{good}, {value}"),
            format!("{good},"),
        ] {
            if value.matches(':').count() == 4 && value.contains(',') {
                continue; // a list it is
            }
            let lines = [(CLIENT_CERT, good.clone()), (CLIENT_CERT_CHAIN, chain)];
            refused(read(form(), &lines), Check::CertificateHeader, cause);
        }
    }
    let lines = [(CLIENT_CERT_CHAIN, good.clone())];
    let cause = "Client-Cert-Chain came without Client-Cert";
    refused(read(form(), &lines), Check::CertificateHeader, cause);
    let cause = "a certificate is not one SEQUENCE in DER";
    for lines in [
        vec![(CLIENT_CERT, "::".to_owned())],
        vec![(CLIENT_CERT, ":AAAA:".to_owned())],
        vec![
            (CLIENT_CERT, good.clone()),
            (CLIENT_CERT_CHAIN, ":AAAA:".to_owned()),
        ],
    ] {
        refused(read(form(), &lines), Check::CertificateMalformed, cause);
    }
}

#[test]
fn escaped_pem_is_read_as_it_is_escaped() {
    let form = || HeaderForm::EscapedPem(ESCAPED);
    for value in [escape(APPENDIX_A), escape_less(APPENDIX_A)] {
        assert_eq!(read(form(), &[(ESCAPED, value)]), Ok(Some(leaf())));
    }
    let two = [APPENDIX_A, INTERMEDIATE].concat();
    assert_eq!(read(form(), &[(ESCAPED, escape(&two))]), Ok(Some(both())));
    assert_eq!(
        read(form(), &[(ESCAPED, String::new())]),
        Ok(None),
        "nginx without a certificate"
    );
    assert_eq!(read(form(), &[]), Ok(None));
    let other = [(
        HeaderName::from_static("ssl-client-cert"),
        escape(APPENDIX_A),
    )];
    assert_eq!(read(form(), &other), Ok(None));
}

#[test]
fn escaped_pem_that_is_neither_is_refused() {
    let form = || HeaderForm::EscapedPem(ESCAPED);
    let good = escape(APPENDIX_A);
    let cause = "expected two hexadecimal digits behind each percent sign";
    for value in [
        format!("{good}%"),
        format!("{good}%2"),
        good.replacen("%20", "%2G", 1),
        good.replacen("%20", "%+2", 1),
        good.replacen("%20", "% 2", 1),
    ] {
        refused(
            read(form(), &[(ESCAPED, value)]),
            Check::CertificateHeader,
            cause,
        );
    }
    let none = "expected certificates in PEM, there is no block";
    for (value, cause) in [
        (escape(&good), none),
        ("(null)".to_owned(), none),
        (good.replace("%20", "+"), none),
        // `$ssl_client_cert` of nginx, which joins the lines by tabs.
        (
            APPENDIX_A.trim().replace('\n', "\t"),
            "expected certificates in PEM",
        ),
    ] {
        let read = read(form(), &[(ESCAPED, value)]);
        refused(read, Check::CertificateMalformed, cause);
    }
}

fn forwarded(value: String) -> Result<Option<ClientCertificate>, CheckFailed> {
    read(
        HeaderForm::ForwardedClientCert,
        &[(FORWARDED_CLIENT_CERT, value)],
    )
}

#[test]
fn the_element_of_envoy_is_read() {
    let leaf_pem = escape(APPENDIX_A);
    let both_pem = escape(&[APPENDIX_A, INTERMEDIATE].concat());
    let hash = hash(&leaf());
    for value in [
        format!("Cert=\"{leaf_pem}\""),
        format!("cert={leaf_pem}"),
        format!("CERT=\"{leaf_pem}\""),
        format!("Hash={hash};Cert=\"{leaf_pem}\""),
        format!("Hash=\"{}\";Cert=\"{leaf_pem}\"", hash.to_uppercase()),
        format!(
            "By=spiffe://a/b;Hash={hash};Cert=\"{leaf_pem}\";Subject=\"CN=a,O=\\\"b;c\\\"\";URI=x:y=z;DNS=a;DNS=b"
        ),
        format!("Subject=\"\";URI=;Cert=\"{leaf_pem}\""),
        format!("Subject=\"\\\\\";Cert=\"{leaf_pem}\""),
        format!("Subject=\"a\\\";Cert=\\\"b\";Cert=\"{leaf_pem}\""),
    ] {
        assert_eq!(forwarded(value.clone()), Ok(Some(leaf())), "{value}");
    }
    for value in [
        format!("Chain=\"{both_pem}\""),
        format!("Hash={hash};Cert=\"{leaf_pem}\";Chain=\"{both_pem}\""),
    ] {
        assert_eq!(forwarded(value.clone()), Ok(Some(both())), "{value}");
    }
    assert_eq!(read(HeaderForm::ForwardedClientCert, &[]), Ok(None));
}

#[test]
fn an_element_of_envoy_that_could_be_read_otherwise_is_refused() {
    let cert = format!("Cert=\"{}\"", escape(APPENDIX_A));
    let other = escape(INTERMEDIATE);
    let both = escape(&[APPENDIX_A, INTERMEDIATE].concat());
    let hash = hash(&leaf());
    let more = "X-Forwarded-Client-Cert has more than one element";
    let pair = "expected `Key=value` in X-Forwarded-Client-Cert";
    let twice = "a key of X-Forwarded-Client-Cert occurs twice";
    let value = "a value of X-Forwarded-Client-Cert is misshapen";
    let end = "a quoted value has no end";
    let not_first = "Chain does not begin with Cert";
    for (text, cause) in [
        (format!("{cert},{cert}"), more),
        (format!("{cert}, {cert}"), more),
        (format!("By=a,{cert}"), more),
        (format!("{cert},"), more),
        (format!("{cert};{cert}"), twice),
        (format!("{cert};cert=\"{other}\""), twice),
        (format!("Hash={hash};{cert};Hash={hash}"), twice),
        (String::new(), pair),
        ("Cert".to_owned(), pair),
        (format!("{cert};"), pair),
        (format!(";{cert}"), pair),
        (format!("By=a; {cert}"), pair),
        (format!("={cert}"), pair),
        ("Cert=\"".to_owned(), end),
        (cert.trim_end_matches('"').to_owned(), end),
        (
            format!("Subject=\"a\\\";{cert}"),
            "something follows a closing quote",
        ),
        (format!("{cert}x"), "something follows a closing quote"),
        (
            format!("By=a\"b;{cert}"),
            "a quote stands inside of a value",
        ),
        (
            format!("By=a;Hash={hash}"),
            "expected Cert or Chain in X-Forwarded-Client-Cert",
        ),
        (
            "Subject=\"CN=client\"".to_owned(),
            "expected Cert or Chain in X-Forwarded-Client-Cert",
        ),
        (
            format!("{cert};Hash={}", hash.replace(&hash[..2], "00")),
            "Hash is not that of the certificate",
        ),
        (
            format!("{cert};Hash="),
            "Hash is not that of the certificate",
        ),
        (
            format!("{cert};Hash={hash}00"),
            "Hash is not that of the certificate",
        ),
        (format!("{cert};Hash={}", &hash[1..]), value),
        (format!("{cert};Hash=x{}", &hash[1..]), value),
        ("Cert=\"%2\"".to_owned(), value),
        (format!("{cert};Chain=\"{other}\""), not_first),
        (format!("Cert=\"{both}\";Chain=\"{both}\""), not_first),
    ] {
        refused(forwarded(text.clone()), Check::CertificateHeader, cause);
    }
    let none = "expected certificates in PEM, there is no block";
    refused(
        forwarded("Cert=\"\"".to_owned()),
        Check::CertificateMalformed,
        none,
    );
    let backslash = format!("Cert=\"\\{}\"", escape(APPENDIX_A));
    refused(forwarded(backslash), Check::CertificateMalformed, none);
}

proptest! {
    #[test]
    fn no_value_of_a_header_panics(value in "[:;,=\"\\\\% a-zA-Z0-9+/]{0,60}|(Cert|Chain|Hash)=\"?[%a-fA-F0-9]{0,20}\"?") {
        for (form, name) in [
            (HeaderForm::ClientCert, CLIENT_CERT),
            (HeaderForm::EscapedPem(ESCAPED), ESCAPED),
            (HeaderForm::ForwardedClientCert, FORWARDED_CLIENT_CERT),
        ] {
            let read = read(form, &[(name, value.clone())]);
            prop_assert!(matches!(read, Err(_) | Ok(None)));
        }
    }

    #[test]
    fn what_is_escaped_is_read_again(text in "\\PC{0,40}") {
        prop_assert_eq!(header::unescape(&escape(&text)), Some(text.into_bytes()));
    }
}
