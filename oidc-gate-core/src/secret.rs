//! Values that must not be seen.
//!
//! Every secret is a type of its own. None of them can be printed, compared with `==` or serialised by accident; the
//! way out is [`expose`](ClientSecret::expose), which a reviewer can search for. They are wiped when dropped.
//!
//! # Security
//!
//! Wiping covers the buffer a secret owns. A copy made by a parser or a growing buffer before the secret was built is
//! out of reach, as in every language without control over moves.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::HeaderValue;
use std::fmt;
use zeroize::Zeroizing;

macro_rules! text_secrets {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<Box<str>>);

        impl $name {
            /// Takes the text into safe keeping.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into().into_boxed_str()))
            }

            /// The secret itself. The one way out, so that it can be searched for.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Whether both hold the same text, in a time that depends on the length alone.
            pub fn ct_eq(&self, other: &str) -> bool {
                verify_slices_are_equal(self.0.as_bytes(), other.as_bytes()).is_ok()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }

        // No `From<&str>`: a literal secret in source has to be written with `new`, where a review sees it.
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    )*};
}

text_secrets! {
    /// The password of a client at its authorization server
    /// ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
    ClientSecret,
    /// A credential for a resource server ([RFC 6749 § 1.4](https://www.rfc-editor.org/rfc/rfc6749#section-1.4)).
    AccessToken,
    /// A credential for new access tokens ([RFC 6749 § 1.5](https://www.rfc-editor.org/rfc/rfc6749#section-1.5)).
    RefreshToken,
    /// An ID token as it was received: signed text, not yet believed
    /// ([OpenID Connect Core § 2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)).
    IdToken,
    /// A logout token as it was received: signed text, not yet believed
    /// ([OpenID Connect Back-Channel Logout § 2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).
    LogoutToken,
    /// A one-time code from the authorization endpoint
    /// ([RFC 6749 § 1.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-1.3.1)).
    AuthorizationCode,
    /// What a device asks for its token with ([RFC 8628 § 3.2](https://www.rfc-editor.org/rfc/rfc8628#section-3.2)).
    DeviceCode,
    /// The secret half of PKCE ([RFC 7636 § 4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
    CodeVerifier,
    /// What ties an authorization response to the browser that asked
    /// ([RFC 6749 § 10.12](https://www.rfc-editor.org/rfc/rfc6749#section-10.12)).
    State,
    /// What ties an ID token to the login that asked for it
    /// ([OpenID Connect Core § 3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
    Nonce,
    /// What a gate shows the services behind it, so that they know whom they hear from: a password
    /// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)), or the value of a header.
    HeaderSecret,
}

impl AccessToken {
    /// The value of `Authorization` that shows it ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)),
    /// marked as sensitive.
    ///
    /// ```
    /// use oidc_gate_core::secret::AccessToken;
    /// assert_eq!(AccessToken::new("mF_9.B5f-4.1JqM").header(), "Bearer mF_9.B5f-4.1JqM");
    /// ```
    pub fn header(&self) -> HeaderValue {
        // A token that was read from an answer is visible ASCII; of another one there is no header.
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.expose()))
            .unwrap_or(HeaderValue::from_static("Bearer"));
        header.set_sensitive(true);
        header
    }
}

/// Names one session. Whoever knows a stored session's id can use it, so it is a secret.
#[derive(Clone)]
pub struct SessionId(Zeroizing<[u8; 32]>);

impl SessionId {
    /// An id from 32 bytes of fresh randomness.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The id itself. The one way out, so that it can be searched for.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are the same session, in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0[..], &other.0[..]).is_ok()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_kind_and_nothing_else() {
        assert_eq!(
            format!("{:?}", ClientSecret::new("hunter2")),
            "ClientSecret(***)"
        );
        assert_eq!(
            format!("{:?}", SessionId::from_bytes([7; 32])),
            "SessionId(***)"
        );
    }

    #[test]
    fn ct_eq_compares_the_whole_text() {
        let state = State::new("abc");
        assert!(state.ct_eq("abc"));
        assert!(!state.ct_eq("abd"));
        assert!(!state.ct_eq("ab"));
        assert!(!state.ct_eq(""));
    }
}
