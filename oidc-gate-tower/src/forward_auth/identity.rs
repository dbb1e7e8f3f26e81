//! Who was admitted, in the headers of an answer to a proxy.

use crate::core::identity::Identity;
use http::{HeaderMap, HeaderName, HeaderValue};

const USER: HeaderName = HeaderName::from_static("x-auth-request-user");
const EMAIL: HeaderName = HeaderName::from_static("x-auth-request-email");
const GROUPS: HeaderName = HeaderName::from_static("x-auth-request-groups");
const PREFERRED_USERNAME: HeaderName = HeaderName::from_static("x-auth-request-preferred-username");

/// Names the user. What is not known has no header.
pub(super) fn name(who: &Identity, headers: &mut HeaderMap) {
    let groups: Vec<_> = who.groups().map(|group| encode(group, ",")).collect();
    let groups = Some(groups.join(",")).filter(|groups| !groups.is_empty());
    for (name, value) in [
        (USER, Some(encode(who.subject(), ""))),
        (EMAIL, who.verified_email().map(|email| encode(email, ""))),
        (GROUPS, groups),
        (
            PREFERRED_USERNAME,
            who.preferred_username().map(|name| encode(name, "")),
        ),
    ] {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    }
}

/// Visible ASCII as it is but for `%` and what is `special`; inner spaces too. Whoever decodes it gets the text back.
fn encode(text: &str, special: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    for (at, byte) in text.bytes().enumerate() {
        let plain = match byte {
            // A proxy may trim what stands at the ends.
            b' ' => at != 0 && at != last,
            b'%' => false,
            _ => byte.is_ascii_graphic() && !special.as_bytes().contains(&byte),
        };
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_and_nothing_can_be_taken_for_something_else() {
        let who = Identity::builder("https://id.example", "u\r\nX: 1")
            .email("alice@example.com")
            .group("staff")
            .group("a,admins")
            .group(" R&D lab ")
            .group("100%")
            .preferred_username("Zoë")
            .build();
        let mut headers = HeaderMap::new();
        name(&who, &mut headers);
        assert_eq!(headers[USER], "u%0D%0AX: 1");
        assert_eq!(headers[EMAIL], "alice@example.com");
        assert_eq!(headers[GROUPS], "staff,a%2Cadmins,%20R&D lab%20,100%25");
        assert_eq!(headers[PREFERRED_USERNAME], "Zo%C3%AB");
    }

    #[test]
    fn what_is_not_known_or_not_verified_has_no_header() {
        let who = Identity::builder("https://id.example", "1").unverified_email("a@b.c");
        let mut headers = HeaderMap::new();
        name(&who.build(), &mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[USER], "1");
    }
}
