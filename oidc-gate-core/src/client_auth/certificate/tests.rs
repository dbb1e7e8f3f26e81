use super::*;

/// RFC 8705, Appendix A
pub(super) const APPENDIX_A: &str =
    include_str!("../../../testdata/certificates/rfc8705-appendix-a.pem");

fn appendix_a() -> ClientCertificate {
    ClientCertificate::from_pem(APPENDIX_A.as_bytes()).unwrap()
}

fn refused(read: Result<ClientCertificate, CheckFailed>) -> String {
    let failed = read.unwrap_err();
    assert_eq!(failed.check(), Check::CertificateMalformed);
    failed.cause().to_owned()
}

#[test]
fn the_thumbprint_is_that_of_the_rfc_and_all_that_is_shown() {
    let certificate = appendix_a();
    let thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
    assert_eq!(certificate.x5t_s256(), thumbprint);
    assert_eq!(
        format!("{certificate:?}"),
        format!("ClientCertificate({thumbprint})")
    );
}

#[test]
fn a_client_that_shows_none_is_refused_by_name() {
    let certificate = appendix_a();
    assert_eq!(
        ClientCertificate::required(Some(&certificate)),
        Ok(&certificate)
    );
    let failed = ClientCertificate::required(None).unwrap_err();
    assert_eq!(failed.check(), Check::CertificateMissing);
}

#[test]
fn the_first_is_the_clients_own_and_the_others_came_along() {
    let der = appendix_a().der().to_vec();
    let certificate = ClientCertificate::from_der(&der, [&[0x30, 0][..], &[0x30, 1, 0]]).unwrap();
    assert_eq!(certificate.der(), der);
    assert_eq!(
        certificate.chain().collect::<Vec<_>>(),
        [&[0x30, 0][..], &[0x30, 1, 0]]
    );
    let twice = APPENDIX_A.repeat(2);
    let certificate = ClientCertificate::from_pem(twice.as_bytes()).unwrap();
    assert_eq!(certificate.chain().collect::<Vec<_>>(), [der]);
}

#[test]
fn bytes_that_are_not_one_sequence_are_no_certificate() {
    let der = appendix_a().der().to_vec();
    let and_more = [&der[..], &[0]].concat();
    let cause = "a certificate is not one SEQUENCE in DER";
    for bytes in [&[][..], &[0x31, 0], &der[..der.len() - 1], &and_more] {
        assert_eq!(refused(ClientCertificate::from_der(bytes, [])), cause);
        assert_eq!(refused(ClientCertificate::from_der(&der, [bytes])), cause);
    }
    assert_eq!(
        refused(ClientCertificate::from_list([])),
        "expected a certificate, there is none"
    );
}

#[test]
fn size_and_number_are_limited() {
    let of_length = |length: usize| {
        let mut out = vec![];
        der::write(der::SEQUENCE, &vec![0; length - 4], &mut out);
        assert_eq!(out.len(), length);
        out
    };
    let largest = of_length(ClientCertificate::MAX_BYTES);
    let larger = of_length(ClientCertificate::MAX_BYTES + 1);
    let longest = [&largest[..]; ClientCertificate::MAX_CHAIN];
    let longer = [&largest[..]; ClientCertificate::MAX_CHAIN + 1];
    assert!(ClientCertificate::from_der(&largest, longest).is_ok());
    assert_eq!(
        refused(ClientCertificate::from_der(&larger, [])),
        "a certificate has more than 16384 bytes"
    );
    assert_eq!(
        refused(ClientCertificate::from_der(&largest, longer)),
        "more than 8 certificates came along with the client's own"
    );
}

#[test]
fn pem_holds_certificates_and_nothing_else() {
    let read = |text: &str| ClientCertificate::from_pem(text.as_bytes());
    assert!(read(&format!("issued to: nobody\r\n{APPENDIX_A}\r\n")).is_ok());
    let nothing = "expected certificates in PEM, there is no block";
    let kind = "expected nothing but certificates in the PEM";
    let broken = "expected certificates in PEM";
    for (text, cause) in [
        (String::new(), nothing),
        ("certificate".to_owned(), nothing),
        (
            format!("{APPENDIX_A}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            kind,
        ),
        (
            APPENDIX_A.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            kind,
        ),
        (APPENDIX_A.replace("-----END", "-----BEGIN"), broken),
        (APPENDIX_A.replace("MIIB", "MI:B"), broken),
        (APPENDIX_A[..200].to_owned(), broken),
    ] {
        assert_eq!(refused(read(&text)), cause, "{text}");
    }
}
