use oidc_gate_core::{
    client_auth::certificate::{ClientCertificate, TlsSubject, TrustAnchors},
    time::UnixTime,
};
use std::sync::LazyLock;

const ROOT: &[u8] = include_bytes!("../../testdata/certificates/root.pem");
/// Among the seeds, what the authority has issued to the client. The first alone has its alternative names.
const ISSUED: [&[u8]; 6] = [
    include_bytes!("../../testdata/certificates/client.pem"),
    include_bytes!("../../testdata/certificates/agreement.pem"),
    include_bytes!("../../testdata/certificates/no-purpose.pem"),
    include_bytes!("../../testdata/certificates/by-intermediate.pem"),
    include_bytes!("../../testdata/certificates/dn-bmp.pem"),
    include_bytes!("../../testdata/certificates/san-null.pem"),
];

static ANCHORS: LazyLock<TrustAnchors> =
    LazyLock::new(|| TrustAnchors::from_pem(ROOT).expect("an authority"));
static GENUINE: LazyLock<[ClientCertificate; 6]> =
    LazyLock::new(|| ISSUED.map(|pem| ClientCertificate::from_pem(pem).expect("a certificate")));

/// A certificate in DER or PEM. Nobody but the client is taken for the client, under none of its names.
pub fn certificate(data: &[u8]) {
    let read = ClientCertificate::from_pem(data).or_else(|_| ClientCertificate::from_der(data, []));
    let _ = TrustAnchors::from_pem(data).map(|anchors| format!("{anchors:?}"));
    let _ = TrustAnchors::from_der([data]);
    let Ok(certificate) = read else {
        return;
    };
    // 2030-01-01
    let now = UnixTime::from_secs(1_893_456_000);
    let is_taken = |subject| ANCHORS.verify(&certificate, &subject, now).is_ok();
    let is = |genuine: &ClientCertificate| genuine.der() == certificate.der();
    let name = TlsSubject::dn("CN=client,O=Example,C=DE").expect("a name");
    assert!(!is_taken(name) || GENUINE.iter().any(is));
    for subject in [
        TlsSubject::san_dns("second.example"),
        TlsSubject::san_uri("spiffe://example/client"),
        TlsSubject::san_ip("192.0.2.1"),
        TlsSubject::san_email("Client@example.com"),
    ] {
        assert_eq!(is_taken(subject.expect("a subject")), is(&GENUINE[0]));
    }
}
