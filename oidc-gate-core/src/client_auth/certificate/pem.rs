//! Certificates in PEM.

use rustls_pki_types::{CertificateDer, pem::PemObject as _};

/// Every certificate that `text` holds, in its order, where it holds nothing else.
///
/// Text outside of the blocks is for people ([RFC 7468 § 5.2](https://www.rfc-editor.org/rfc/rfc7468#section-5.2)). A
/// block of another kind is refused instead of passed over: a private key has no business here, and who wrote
/// `TRUSTED CERTIFICATE` would wonder where it went.
pub(super) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|_| "expected certificates in PEM")?;
    let blocks = text
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter(|line| line.starts_with(b"-----BEGIN "))
        .count();
    match found.len() {
        0 if blocks == 0 => Err("expected certificates in PEM, there is no block"),
        n if n != blocks => Err("expected nothing but certificates in the PEM"),
        _ => Ok(found),
    }
}
