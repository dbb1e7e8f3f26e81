use crate::first_line;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use oidc_gate_core::{
    client_auth::certificate::{CertificateSource, ClientCertificate, HeaderForm},
    peers::Peers,
};
use std::net::IpAddr;

const ESCAPED: HeaderName = HeaderName::from_static("x-ssl-cert");
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
const ENVOY: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// Two values, each tried in every form. What is taken came from a peer that is believed, and written again it reads the
/// same.
pub fn certificate_header(data: &[u8]) {
    let (first, second) = first_line(data);
    let (Ok(first), Ok(second)) = (
        HeaderValue::from_bytes(first),
        HeaderValue::from_bytes(second),
    ) else {
        return;
    };
    for (form, name) in [
        (HeaderForm::ClientCert, CLIENT_CERT),
        (HeaderForm::EscapedPem(ESCAPED), ESCAPED),
        (HeaderForm::ForwardedClientCert, ENVOY),
    ] {
        let peers = Peers::new(["10.0.0.1"]).expect("an address");
        let source = CertificateSource::Header { form, peers };
        let mut headers = HeaderMap::new();
        headers.insert(name.clone(), first.clone());
        if !second.is_empty() {
            headers.insert(CHAIN, second.clone());
        }
        if let Ok(Some(read)) = source.read(None, Some([10, 0, 0, 1].into()), &headers) {
            again(&read);
            if name == CLIENT_CERT {
                let text = first.to_str().expect("text").trim_matches([' ', '\t']);
                assert_eq!(text, format!(":{}:", STANDARD.encode(read.der())));
            }
        }
        for nobody in [None, Some(IpAddr::from([10, 0, 0, 2]))] {
            assert_eq!(source.read(None, nobody, &headers), Ok(None));
            source.strip(nobody, &mut headers);
            assert!(!headers.contains_key(&name));
        }
    }
}

fn again(read: &ClientCertificate) {
    let same = ClientCertificate::from_der(read.der(), read.chain());
    assert_eq!(same.as_ref(), Ok(read));
    assert!(read.der().len() <= ClientCertificate::MAX_BYTES);
    assert!(read.chain().len() <= ClientCertificate::MAX_CHAIN);
    let block = |der: &[u8]| {
        let text = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    let pem: String = [read.der()]
        .into_iter()
        .chain(read.chain())
        .map(block)
        .collect();
    assert_eq!(
        ClientCertificate::from_pem(pem.as_bytes()).as_ref(),
        Ok(read)
    );
    assert!(format!("{read:?}").contains(&read.x5t_s256()));
}
