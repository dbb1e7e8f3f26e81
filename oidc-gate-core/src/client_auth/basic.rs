//! `Authorization: Basic` with the credentials of a client, as a server reads it.

use crate::{
    form::{self, FormError},
    secret::ClientSecret,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use std::fmt;
use zeroize::Zeroizing;

/// A client id and a secret that came as `client_secret_basic`. Nobody has looked yet whether they are right.
///
/// ```
/// use http::HeaderValue;
/// use oidc_gate_core::client_auth::{BasicCredentials, BasicError};
///
/// let header = HeaderValue::from_static("Basic bXklM0FjbGllbnQ6cCU0MHNzK3clMkJyZCUyNSVDMyVBOQ==");
/// let credentials = BasicCredentials::parse(&header)?;
/// assert_eq!(credentials.client_id(), "my:client");
/// assert!(credentials.secret().ct_eq("p@ss w+rd%é"));
/// # Ok::<_, BasicError>(())
/// ```
#[derive(Debug)]
pub struct BasicCredentials {
    client_id: Box<str>,
    secret: ClientSecret,
}

impl BasicCredentials {
    /// Reads the value of an `Authorization` header.
    ///
    /// 1. The scheme is `Basic` in any case, followed by exactly one space
    ///    ([RFC 7617 § 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)).
    /// 2. What follows is base64 with its padding, and nothing else.
    /// 3. It splits at the first colon. Both halves are form-encoded
    ///    ([RFC 6749 § 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)), in UTF-8, and hold no control
    ///    character; the first is not empty.
    ///
    /// There is one reading of a header, and a client that writes another is told so rather than guessed at.
    ///
    /// # Errors
    ///
    /// See [`BasicError`].
    pub fn parse(header: &HeaderValue) -> Result<Self, BasicError> {
        let value = header.as_bytes();
        let (scheme, encoded) = match value.iter().position(|b| *b == b' ') {
            Some(at) => (&value[..at], &value[at + 1..]),
            None => (value, &b""[..]),
        };
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return Err(BasicError::OtherScheme);
        }
        let pair = STANDARD.decode(encoded).map_err(|_| BasicError::Base64)?;
        let pair = Zeroizing::new(pair);
        let mut halves = pair.splitn(2, |b| *b == b':');
        let (Some(id), Some(secret)) = (halves.next(), halves.next()) else {
            return Err(BasicError::NoColon);
        };
        let client_id = decode(id)?;
        if client_id.is_empty() {
            return Err(BasicError::NoClientId);
        }
        Ok(Self {
            client_id,
            secret: ClientSecret::new(decode(secret)?),
        })
    }

    /// Who the client says it is.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What it says to prove it.
    pub fn secret(&self) -> &ClientSecret {
        &self.secret
    }
}

fn decode(half: &[u8]) -> Result<Box<str>, BasicError> {
    let text = form::decode(half).map_err(|error| match error {
        FormError::NotUtf8 => BasicError::NotUtf8,
        _ => BasicError::Encoding,
    })?;
    if text.contains(char::is_control) {
        return Err(BasicError::Control);
    }
    Ok(text)
}

/// Why an `Authorization` header holds no client credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BasicError {
    /// The scheme is not `Basic`: not this method. Everything else is a malformed request.
    OtherScheme,
    /// Not base64 with its padding behind exactly one space.
    Base64,
    /// No colon between client id and secret.
    NoColon,
    /// The client id is empty.
    NoClientId,
    /// A half is not form-encoded: a `%` without two hexadecimal digits, or white space that is not escaped.
    Encoding,
    /// A half is not UTF-8.
    NotUtf8,
    /// A half holds a control character.
    Control,
}

impl fmt::Display for BasicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherScheme => "expected the scheme Basic",
            Self::Base64 => "expected padded base64 behind one space",
            Self::NoColon => "expected a colon between client id and secret",
            Self::NoClientId => "expected a client id, it is empty",
            Self::Encoding => "client id and secret have to be form-encoded before they are joined",
            Self::NotUtf8 => "expected UTF-8",
            Self::Control => "client id and secret must not hold control characters",
        })
    }
}

impl std::error::Error for BasicError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_auth::{Client, Method, testing::credentials};
    use http::{HeaderMap, header::AUTHORIZATION};
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        header: Option<String>,
        /// What the base64 behind `Basic ` holds, in the place of `header`.
        pair: Option<String>,
        client_id: Option<String>,
        secret: Option<String>,
        error: Option<String>,
        #[expect(dead_code, reason = "for who reads the table")]
        why: Option<String>,
    }

    #[test]
    fn each_header_is_read_as_the_table_says() {
        let cases: Vec<Case> = crate::testdata::cases(include_str!("../../testdata/basic.toml"));
        for case in cases {
            let header = case.header.unwrap_or_else(|| {
                format!("Basic {}", STANDARD.encode(case.pair.unwrap_or_default()))
            });
            let header = HeaderValue::from_bytes(header.as_bytes()).unwrap();
            let read = BasicCredentials::parse(&header);
            assert_eq!(
                read.as_ref().err().map(|error| format!("{error:?}")),
                case.error,
                "{}",
                case.name
            );
            if let Ok(read) = read {
                assert_eq!(
                    Some(read.client_id()),
                    case.client_id.as_deref(),
                    "{}",
                    case.name
                );
                assert_eq!(
                    Some(read.secret().expose()),
                    case.secret.as_deref(),
                    "{}",
                    case.name
                );
                assert!(!format!("{read:?}").contains("secret-"), "{}", case.name);
            }
        }
    }

    #[test]
    fn raw_bytes_that_are_not_utf8_are_refused() {
        for pair in [&b"app:\xff"[..], b"\xc3:secret", b"app:%ff"] {
            let header = format!("Basic {}", STANDARD.encode(pair));
            let read = BasicCredentials::parse(&HeaderValue::try_from(header).unwrap());
            assert_eq!(read.err(), Some(BasicError::NotUtf8));
        }
    }

    proptest! {
        /// The two sides agree: whatever a client writes, the server reads again.
        #[test]
        fn what_a_client_writes_is_read_again(id in "[^\\pC]{1,12}", secret in "[^\\pC]{0,12}") {
            let (mut headers, mut body) = (HeaderMap::new(), String::new());
            let method = Method::SecretBasic(ClientSecret::new(&*secret));
            credentials(&Client::new(id.as_str(), method)).apply(&mut headers, &mut body);
            let read = BasicCredentials::parse(&headers[AUTHORIZATION]).unwrap();
            prop_assert_eq!((read.client_id(), read.secret().expose()), (&*id, &*secret));
        }
    }
}
