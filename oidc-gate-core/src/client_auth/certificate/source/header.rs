//! Two forms of headers: that of the RFC, and escaped PEM.

use super::misshapen;
use crate::{check::CheckFailed, client_auth::certificate::ClientCertificate};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// `Client-Cert` and `Client-Cert-Chain`: an item and a list of structured fields
/// ([RFC 9440 § 2](https://www.rfc-editor.org/rfc/rfc9440#section-2)), neither with parameters, for which the RFC has no
/// use.
pub(super) fn client_cert(
    leaf: &str,
    chain: Option<&str>,
) -> Result<ClientCertificate, CheckFailed> {
    let expected = || misshapen("expected base64 between colons in Client-Cert");
    let leaf = byte_sequence(leaf).ok_or_else(expected)?;
    let chain: Option<Vec<_>> = chain
        .map_or_else(Vec::new, |list| list.split(',').collect())
        .into_iter()
        .map(byte_sequence)
        .collect();
    let expected = || misshapen("expected a list of base64 between colons in Client-Cert-Chain");
    let chain = chain.ok_or_else(expected)?;
    ClientCertificate::from_der(&leaf, chain.iter().map(AsRef::as_ref))
}

/// A byte sequence ([RFC 9651 § 3.3.5](https://www.rfc-editor.org/rfc/rfc9651#section-3.3.5)), with white space around
/// it. Readers may make up for missing padding; writers have to pad, and a second spelling of a certificate serves nobody.
fn byte_sequence(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_matches([' ', '\t']);
    let encoded = text.strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(encoded).ok()
}

/// PEM with percent escapes: the client's own certificate first, and what came along where the proxy passes it on.
pub(super) fn escaped_pem(value: &str) -> Result<ClientCertificate, CheckFailed> {
    let text = unescape(value)
        .ok_or_else(|| misshapen("expected two hexadecimal digits behind each percent sign"))?;
    ClientCertificate::from_pem(&text)
}

/// Percent escapes and nothing else, unlike in a form: base64 is full of plus signs, which not everybody escapes.
pub(super) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    Some(out)
}
