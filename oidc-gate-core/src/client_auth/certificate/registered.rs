//! Certificates that a client has registered itself.

use super::{ClientCertificate, certificate};
use crate::{
    check::{Check, CheckFailed},
    jose::{JwkSet, PRIVATE_MEMBERS, SkipReason, SkippedKey, json},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use std::fmt;

/// The certificates that a client with `self_signed_tls_client_auth` may show: those in its JWK Set, in `jwks` or behind
/// `jwks_uri` ([RFC 8705 § 2.2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2.2)).
///
/// A certificate fits if it is, byte for byte, the first of `x5c` of one of the keys. That it is registered is all that
/// there is to know of it:
///
/// - No path is followed, and issuer and subject need not be the same
///   ([§ 2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)).
/// - Its validity is not looked at. It says for how long an authority vouches, and here is none; a client ends the use of
///   a certificate by taking it out of its keys, which replaces these `RegisteredCertificates`.
/// - Another certificate for the same key is another certificate.
///
/// The other members of a key are for other uses, such as `private_key_jwt`, and are not compared with the certificate: a
/// client whose key and certificate differ says nothing that it could not say with two keys.
///
/// ```
/// use oidc_gate_core::client_auth::certificate::RegisteredCertificates;
///
/// let registered = RegisteredCertificates::from_jwks(br#"{"keys": [{"kty": "EC", "x5c": ["MAMCAQA="]}]}"#)?;
/// assert_eq!(registered.len(), 1);
/// # Ok::<_, oidc_gate_core::check::CheckFailed>(())
/// ```
#[derive(Clone, Default)]
pub struct RegisteredCertificates {
    certificates: Vec<CertificateDer<'static>>,
    skipped: Vec<SkippedKey>,
}

impl RegisteredCertificates {
    /// Reads a client's JWK Set.
    ///
    /// A key without `x5c` has no certificate. One whose `x5c` does not begin with a certificate in base64 with its
    /// padding ([RFC 7517 § 4.7](https://www.rfc-editor.org/rfc/rfc7517#section-4.7)) is left out, and so is one that
    /// comes with its private half: whoever reads the set could be the client. See [`skipped`](Self::skipped).
    ///
    /// # Errors
    ///
    /// [`Check::CertificateKeysMalformed`] if it is not a JSON object with an array `keys`, names a member twice, or lists
    /// more than [`JwkSet::MAX_KEYS`]. A set without a certificate is no error here: it contains none.
    pub fn from_jwks(jwks: &[u8]) -> Result<Self, CheckFailed> {
        let malformed = |cause: &str| {
            CheckFailed::new(
                Check::CertificateKeysMalformed,
                format!("the client's JWK Set is not usable: {cause}"),
            )
        };
        let set = json::object(jwks).map_err(malformed)?;
        let Some(Value::Array(keys)) = set.get("keys") else {
            return Err(malformed("it has no array `keys`"));
        };
        if keys.len() > JwkSet::MAX_KEYS {
            return Err(malformed("it lists more than 100 keys"));
        }
        let mut this = Self::default();
        for (index, key) in keys.iter().enumerate() {
            match read(key) {
                Ok(found) => this.certificates.extend(found),
                Err(reason) => this.skipped.push(SkippedKey::new(index, reason)),
            }
        }
        Ok(this)
    }

    /// Whether `certificate` is registered. What came along with it is not looked at.
    ///
    /// Where it is not and the keys come from `jwks_uri`, they are worth fetching once more
    /// ([RFC 8705 § 2.2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2.2)).
    pub fn contains(&self, certificate: &ClientCertificate) -> bool {
        self.certificates.contains(&certificate.leaf)
    }

    /// [`contains`](Self::contains), as a check.
    ///
    /// # Errors
    ///
    /// [`Check::CertificateNotRegistered`].
    pub fn verify(&self, certificate: &ClientCertificate) -> Result<(), CheckFailed> {
        if self.contains(certificate) {
            return Ok(());
        }
        let thumbprint = certificate.x5t_s256();
        let number = self.len();
        Err(CheckFailed::new(
            Check::CertificateNotRegistered,
            format!(
                "the certificate {thumbprint} is none of the {number} that the client has registered"
            ),
        ))
    }

    /// How many certificates there are.
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// The keys whose certificates were left out. Worth a line in the log: each prints without any value.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }
}

/// How many there are.
impl fmt::Debug for RegisteredCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredCertificates")
            .field("certificates", &self.certificates.len())
            .field("skipped", &self.skipped)
            .finish()
    }
}

fn read(key: &Value) -> Result<Option<CertificateDer<'static>>, SkipReason> {
    let key = key.as_object().ok_or(SkipReason::Malformed)?;
    let Some(x5c) = key.get("x5c") else {
        return Ok(None);
    };
    if PRIVATE_MEMBERS.iter().any(|name| key.contains_key(*name)) {
        return Err(SkipReason::Private);
    }
    let first = x5c.as_array().and_then(|list| list.first()?.as_str());
    // Not base64url, and without line breaks.
    let der = first.and_then(|text| STANDARD.decode(text).ok());
    der.and_then(|der| certificate(&der).ok())
        .map(Some)
        .ok_or(SkipReason::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_auth::certificate::tests::APPENDIX_A;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    fn pem(text: &str) -> ClientCertificate {
        ClientCertificate::from_pem(text.as_bytes()).unwrap()
    }

    fn registered(keys: &Value) -> RegisteredCertificates {
        RegisteredCertificates::from_jwks(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_certificate_of_the_rfc_is_found_in_its_key() {
        let certificate = pem(APPENDIX_A);
        // It expired in 2022, and says nothing about it here.
        let set = registered(&json!([{
            "kty": "EC", "x": "1yfLHCpXqFjxCeHHHMVDTcLscpb07KUxudBmOMn8C7Q",
            "y": "8_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8", "crv": "P-256",
            "x5c": [STANDARD.encode(certificate.der())],
        }]));
        assert!(set.contains(&certificate));
        assert_eq!((set.len(), set.skipped()), (1, &[][..]));
        assert_eq!(set.verify(&certificate), Ok(()));
    }

    #[test]
    fn another_certificate_for_the_same_key_is_another_certificate() {
        let one = pem(include_str!(
            "../../../testdata/certificates/self-signed.pem"
        ));
        let again = pem(include_str!(
            "../../../testdata/certificates/self-signed-again.pem"
        ));
        let set = registered(&json!([{ "x5c": [STANDARD.encode(one.der())] }]));
        assert!(set.contains(&one) && !set.contains(&again));
        let failed = set.verify(&again).unwrap_err();
        assert_eq!(failed.check(), Check::CertificateNotRegistered);
        let thumbprint = again.x5t_s256();
        assert_eq!(
            failed.cause(),
            format!("the certificate {thumbprint} is none of the 1 that the client has registered")
        );
    }

    #[test]
    fn the_first_of_a_key_counts_and_every_key_does() {
        let one = pem(include_str!(
            "../../../testdata/certificates/self-signed.pem"
        ));
        let issuer = pem(include_str!("../../../testdata/certificates/root.pem"));
        let rfc = pem(APPENDIX_A);
        let [a, b, c] = [&one, &issuer, &rfc].map(|c| STANDARD.encode(c.der()));
        let set = registered(&json!([{ "kty": "EC" }, { "x5c": [a, b] }, { "x5c": [c] }]));
        assert!(set.contains(&one) && !set.contains(&issuer) && set.contains(&rfc));
        let with_chain = ClientCertificate::from_der(one.der(), [issuer.der()]).unwrap();
        assert!(set.contains(&with_chain), "what came along does not matter");
        let crossed = ClientCertificate::from_der(issuer.der(), [one.der()]).unwrap();
        assert!(!set.contains(&crossed));
    }

    #[test]
    fn a_key_with_a_bad_certificate_does_not_spoil_the_others() {
        let certificate = pem(APPENDIX_A);
        let der = certificate.der();
        let good = STANDARD.encode(der);
        let bad = [
            json!("text"),
            json!({ "x5c": good }),
            json!({ "x5c": [] }),
            json!({ "x5c": null }),
            json!({ "x5c": [[good]] }),
            json!({ "x5c": [URL_SAFE_NO_PAD.encode(der)] }),
            json!({ "x5c": [good.trim_end_matches('=')] }),
            json!({ "x5c": [format!("{}\n{}", &good[..64], &good[64..])] }),
            json!({ "x5c": [format!(" {good}")] }),
            json!({ "x5c": [STANDARD.encode(&der[1..])] }),
            json!({ "x5c": [STANDARD.encode([der, &[0]].concat())] }),
        ];
        for key in bad {
            let set = registered(&json!([key]));
            assert_eq!(
                set.skipped(),
                [SkippedKey::new(0, SkipReason::Malformed)],
                "{key}"
            );
            let set = registered(&json!([key, { "x5c": [good] }]));
            assert!(!set.is_empty() && set.contains(&certificate));
        }
    }

    #[test]
    fn a_key_that_everybody_has_proves_nothing() {
        let certificate = pem(APPENDIX_A);
        let x5c = [STANDARD.encode(certificate.der())];
        for member in ["d", "k"] {
            let set = registered(&json!([{ "x5c": x5c, member: "AA" }]));
            assert!(set.is_empty() && set.skipped()[0].is_leak());
        }
    }

    #[test]
    fn what_is_no_jwk_set_is_refused() {
        let many = json!({ "keys": vec![json!({}); JwkSet::MAX_KEYS + 1] }).to_string();
        for jwks in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[],"keys":[]}"#,
            &many,
        ] {
            let failed = RegisteredCertificates::from_jwks(jwks.as_bytes()).unwrap_err();
            assert_eq!(failed.check(), Check::CertificateKeysMalformed, "{jwks}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_certificate_is_not_the_registered_one(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let certificate = pem(APPENDIX_A);
            let set = registered(&json!([{ "x5c": [STANDARD.encode(certificate.der())] }]));
            let mut der = certificate.der().to_vec();
            let at = at.index(der.len());
            der[at] ^= 1 << bit;
            let changed = ClientCertificate::from_der(&der, []);
            prop_assert!(!changed.is_ok_and(|changed| set.contains(&changed)));
        }
    }
}
