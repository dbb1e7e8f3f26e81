use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    /// When a case does not say: within the hundred years of what is not `short`.
    time: u64,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[expect(dead_code, reason = "for who reads the table")]
    why: Option<String>,
    certificate: String,
    #[serde(default)]
    chain: Vec<String>,
    anchors: Vec<String>,
    #[serde(default)]
    lists: Vec<String>,
    time: Option<u64>,
    subject: String,
    /// The id of the check; none where it is taken.
    check: Option<String>,
}

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates");
    let mut text = vec![];
    let mut file = std::fs::File::open(format!("{folder}/{name}.pem")).unwrap();
    std::io::Read::read_to_end(&mut file, &mut text).unwrap();
    text
}

fn files<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<u8> {
    names.into_iter().flat_map(|name| file(name)).collect()
}

fn cases() -> Cases {
    toml::from_str(include_str!("../../../../testdata/certificates.toml")).unwrap()
}

fn subject(registered: &str) -> TlsSubject {
    let (member, value) = registered.split_once(' ').unwrap();
    TlsSubject::of_member(&format!("tls_client_auth_{member}"), value).unwrap()
}

#[test]
fn each_certificate_is_judged_as_the_table_says() {
    let Cases { time, case } = cases();
    let mut wrong = vec![];
    for case in case {
        let certificate = files([&case.certificate].into_iter().chain(&case.chain));
        let certificate = ClientCertificate::from_pem(&certificate).unwrap();
        let mut anchors = TrustAnchors::from_pem(&files(&case.anchors)).unwrap();
        if !case.lists.is_empty() {
            anchors = anchors.with_revocation_lists(&files(&case.lists)).unwrap();
        }
        let now = UnixTime::from_secs(case.time.unwrap_or(time));
        let result = anchors.verify(&certificate, &subject(&case.subject), now);
        let check = result.as_ref().err().map(|failed| failed.check().id());
        if check != case.check.as_deref() {
            wrong.push(format!("{}: {result:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_certificate_of_the_directory_is_used() {
    let cases = cases().case;
    let named = cases.iter().flat_map(|case| {
        let chains = case.chain.iter().chain(&case.anchors).chain(&case.lists);
        chains
            .chain([&case.certificate])
            .map(|name| format!("{name}.pem"))
    });
    let named: HashSet<_> = named.collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificates");
    let unused: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".pem") && !named.contains(name))
        .collect();
    assert_eq!(unused, ["self-signed-again.pem"; 1]);
}

#[test]
fn the_log_says_what_to_register() {
    let judged = |wanted| {
        let certificate = ClientCertificate::from_pem(&file("client")).unwrap();
        let anchors = TrustAnchors::from_pem(&file("root")).unwrap();
        let now = UnixTime::from_secs(cases().time);
        let failed = anchors.verify(&certificate, &subject(wanted), now);
        failed.unwrap_err().cause().to_owned()
    };
    assert_eq!(
        judged("subject_dn CN=other"),
        "expected \"subject_dn CN=other\", the certificate has \"CN=client,O=Example,C=DE\""
    );
    assert_eq!(
        judged("san_dns third.example"),
        "expected \"san_dns third.example\", the certificate has \"san_dns client.example\", \
         \"san_dns second.example\", \"san_uri spiffe://example/client\", \"san_uri urn:Second\""
    );
}

#[test]
fn the_log_says_why_a_path_fails() {
    let judged = |certificate, now| {
        let certificate = ClientCertificate::from_pem(&file(certificate)).unwrap();
        let anchors = TrustAnchors::from_pem(&file("root")).unwrap();
        let failed = anchors.verify(
            &certificate,
            &subject("subject_dn CN=client"),
            UnixTime::from_secs(now),
        );
        failed.unwrap_err().cause().to_owned()
    };
    let early = judged("client", 7);
    assert!(early.starts_with("a certificate on the path is good from 1"));
    assert!(early.ends_with(" on, it is 7"), "{early}");
    let late = judged("client", 5_000_000_007);
    assert!(late.starts_with("a certificate on the path was good until 4"));
    assert!(late.ends_with(", it is 5000000007"), "{late}");
    let now = cases().time;
    assert_eq!(
        judged("server-purpose", now),
        "clientAuth is not among the purposes of a certificate on the path"
    );
    assert_eq!(
        judged("by-other-root", now),
        "the path to an authority fails: \"UnknownIssuer\""
    );
}

#[test]
fn authorities_are_certificates_and_at_least_one() {
    let pem = |text: &[u8]| TrustAnchors::from_pem(text).err();
    let two = [file("root"), file("other-root")].concat();
    assert_eq!(pem(&two), None);
    assert_eq!(pem(b""), Some(AnchorError::Pem));
    assert_eq!(pem(&file("root.crl")), Some(AnchorError::Pem));
    assert_eq!(
        pem(&[file("root"), file("root.crl")].concat()),
        Some(AnchorError::Pem)
    );
    assert_eq!(TrustAnchors::from_der([]).err(), Some(AnchorError::Empty));
    let der = TrustAnchors::from_der([&[0x30, 0][..]]);
    assert_eq!(der.err(), Some(AnchorError::Certificate));
}

#[test]
fn revocation_lists_are_lists_and_at_least_one() {
    let lists = |text: &[u8]| {
        let anchors = TrustAnchors::from_pem(&file("root")).unwrap();
        anchors.with_revocation_lists(text)
    };
    let two = [file("root.crl"), file("intermediate.crl")].concat();
    assert_eq!(
        format!("{:?}", lists(&two).unwrap()),
        "TrustAnchors { anchors: 1, lists: 2 }"
    );
    let lines = file("root.crl");
    let lines: Vec<_> = lines.split_inclusive(|b| *b == b'\n').collect();
    let without_its_head = [&lines[..1], &lines[2..]].concat().concat();
    for text in [vec![], file("root"), without_its_head] {
        assert_eq!(lists(&text).err(), Some(AnchorError::RevocationList));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Whatever is changed on the way, the signature is over something else.
    #[test]
    fn a_changed_certificate_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let certificate = ClientCertificate::from_pem(&file("client")).unwrap();
        let mut der = certificate.der().to_vec();
        let at = at.index(der.len());
        der[at] ^= 1 << bit;
        let anchors = TrustAnchors::from_pem(&file("root")).unwrap();
        let now = UnixTime::from_secs(cases().time);
        if let Ok(changed) = ClientCertificate::from_der(&der, []) {
            prop_assert!(anchors.verify(&changed, &subject("san_dns client.example"), now).is_err(), "byte {}", at);
            prop_assert_ne!(changed.x5t_s256(), certificate.x5t_s256());
        }
    }

    #[test]
    fn bytes_are_no_certificate(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let anchors = TrustAnchors::from_pem(&file("root")).unwrap();
        let mut der = vec![];
        super::super::der::write(super::super::der::SEQUENCE, &bytes, &mut der);
        let certificate = ClientCertificate::from_der(&der, []).unwrap();
        let now = UnixTime::from_secs(cases().time);
        let failed = anchors.verify(&certificate, &subject("san_dns client.example"), now);
        prop_assert_eq!(failed.unwrap_err().check(), Check::CertificateMalformed);
        prop_assert!(read::verify(&der, &subject("subject_dn CN=client")).is_err());
    }
}
