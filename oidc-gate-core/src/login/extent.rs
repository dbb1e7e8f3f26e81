//! How far a login goes: what of its request has to be known when the tokens come.

use super::{ClaimsRequest, Registration, Wanted};
use crate::session::{Reader, put};

/// What one login asked for and its tokens are read by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// All scopes, separated by spaces: granted where the token response says nothing of them
    /// ([RFC 6749 § 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
    pub(super) scopes: Box<str>,
    /// Sent with the code as well ([RFC 8707 § 2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)).
    pub(super) resource: Vec<String>,
    pub(super) auth_time: AuthTime,
}

/// Whether the ID token has to say when the user signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthTime {
    Optional,
    Essential,
}

impl Extent {
    pub(super) fn of(
        registration: &Registration,
        wanted: &Wanted,
        claims: Option<&ClaimsRequest>,
    ) -> Self {
        let mut scopes = String::from(&*registration.scopes);
        for scope in &wanted.scopes {
            if !scopes.split(' ').any(|known| known == scope) {
                scopes.push(' ');
                scopes.push_str(scope);
            }
        }
        let resource = match wanted.resource.as_slice() {
            [] => &registration.wishes.resource,
            _ => &wanted.resource,
        };
        Self {
            scopes: scopes.into(),
            resource: resource.clone(),
            auth_time: match [claims, registration.wishes.claims.as_ref()]
                .into_iter()
                .flatten()
                .any(ClaimsRequest::demands_auth_time)
            {
                true => AuthTime::Essential,
                false => AuthTime::Optional,
            },
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push((self.auth_time == AuthTime::Essential).into());
        put(out, self.scopes.as_bytes());
        // No URI holds a space (RFC 3986 § 2).
        put(out, self.resource.join(" ").as_bytes());
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let [essential] = reader.array()?;
        let scopes = reader.text()?.into();
        let resource = reader.text()?.split(' ').filter(|uri| !uri.is_empty());
        Some(Self {
            scopes,
            resource: resource.map(Into::into).collect(),
            auth_time: match essential {
                0 => AuthTime::Optional,
                _ => AuthTime::Essential,
            },
        })
    }
}
