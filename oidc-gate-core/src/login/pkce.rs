//! Proof Key for Code Exchange, `S256` and nothing weaker
//! ([RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)).

use crate::secret::CodeVerifier;
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use base64_simd::URL_SAFE_NO_PAD;

/// The public half: what goes into the authorization request
/// ([RFC 7636 § 4.2](https://www.rfc-editor.org/rfc/rfc7636#section-4.2)).
///
/// ```
/// use oidc_gate_core::{login::pkce, secret::CodeVerifier};
/// // RFC 7636 Appendix B
/// let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// assert_eq!(pkce::challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// ```
pub fn challenge(verifier: &CodeVerifier) -> String {
    let mut text = String::with_capacity(CHALLENGE_CHARS);
    append_challenge(verifier, &mut text);
    text
}

/// The same, written behind what is there.
pub(super) fn append_challenge(verifier: &CodeVerifier, text: &mut String) {
    let hash = digest(&SHA256, verifier.expose().as_bytes());
    URL_SAFE_NO_PAD.encode_append(hash, text);
}

/// How long a challenge is: SHA-256 in base64url.
const CHALLENGE_CHARS: usize = 43;

/// Whether `verifier` is the secret half of `challenge`: the authorization server's side
/// ([RFC 7636 § 4.6](https://www.rfc-editor.org/rfc/rfc7636#section-4.6)).
///
/// A verifier outside of the grammar of [§ 4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1) is refused.
pub fn verify(verifier: &CodeVerifier, challenge: &str) -> bool {
    is_verifier(verifier)
        && verify_slices_are_equal(self::challenge(verifier).as_bytes(), challenge.as_bytes())
            .is_ok()
}

/// Whether `verifier` has the form of one, 43 to 128 unreserved characters
/// ([RFC 7636 § 4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
pub fn is_verifier(verifier: &CodeVerifier) -> bool {
    let text = verifier.expose();
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// Whether `text` has the form of a challenge of `S256`, 43 characters of base64url
/// ([RFC 7636 § 4.2](https://www.rfc-editor.org/rfc/rfc7636#section-4.2)).
pub fn is_challenge(text: &str) -> bool {
    let url = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    text.len() == CHALLENGE_CHARS && text.bytes().all(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_verifier_of_the_right_form_fits() {
        let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let right = challenge(&verifier);
        assert!(verify(&verifier, &right));
        assert!(!verify(
            &CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"),
            &right
        ));
        assert!(
            !verify(&verifier, verifier.expose()),
            "the plain method does not exist"
        );
        let short = CodeVerifier::new("short");
        assert!(!verify(&short, &challenge(&short)));
    }
}
