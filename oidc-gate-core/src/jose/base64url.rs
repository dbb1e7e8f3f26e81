//! Base64url without padding, the only alphabet in which JOSE writes bytes
//! ([RFC 7515 § 2](https://www.rfc-editor.org/rfc/rfc7515#section-2)).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes, if `text` is the one way to write them: no padding, no white space, unused bits zero.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_spelling() {
        // RFC 7515 Appendix C
        assert_eq!(encode(&[3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(decode("A-z_4ME").unwrap(), [3, 236, 255, 224, 193]);
        for other in [
            "A-z_4ME=",
            "A+z/4ME",
            "A-z_4MF",
            "A-z_ 4ME",
            "A-z_4ME\n",
            "A",
            "A-z_4",
        ] {
            assert_eq!(decode(other), None, "{other:?}");
        }
    }
}
