//! Base64url without padding, the only alphabet in which JOSE writes bytes
//! ([RFC 7515 § 2](https://www.rfc-editor.org/rfc/rfc7515#section-2)).

use base64_simd::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The bytes, if `text` is the one way to write them: no padding, no white space, unused bits zero.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as Strict};

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

    /// Of every length and with each character in each place: what is taken is what the other implementation takes.
    #[test]
    fn every_other_spelling_is_refused() {
        for bytes in 0..70_u8 {
            let bytes: Vec<u8> = (0..bytes).map(|n| n.wrapping_mul(37) ^ 0xa5).collect();
            let text = encode(&bytes);
            assert_eq!(text, Strict.encode(&bytes));
            assert_eq!(decode(&text).as_deref(), Some(&*bytes));
            for place in 0..text.len() {
                for other in 0..=255_u8 {
                    let mut changed = text.clone().into_bytes();
                    changed[place] = other;
                    let Ok(changed) = String::from_utf8(changed) else {
                        continue;
                    };
                    assert_eq!(
                        decode(&changed),
                        Strict.decode(&changed).ok(),
                        "{changed:?}"
                    );
                }
            }
            for tail in ["=", "==", "A", "AA", "\n", " "] {
                let longer = format!("{text}{tail}");
                assert_eq!(decode(&longer), Strict.decode(&longer).ok(), "{longer:?}");
            }
        }
    }
}
