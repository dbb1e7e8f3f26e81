//! The tokens of a caller that can be passed on.

use crate::core::{
    gate::CallerTokens,
    identity::{Identity, Via},
    secret::AccessToken,
    session::Tokens,
};
use http::{HeaderMap, header::AUTHORIZATION};

/// The tokens of a caller that can be passed on.
pub(crate) enum AtHand {
    Nothing,
    Presented(AccessToken),
    Session(Tokens),
}

impl AtHand {
    /// Those of a caller of a request with these headers: the token that has let the request in, or those of the session that
    /// has. What comes along beside a session nobody has looked at.
    pub(super) fn of(
        caller: &Identity,
        session: impl FnOnce() -> Option<Tokens>,
        headers: &HeaderMap,
    ) -> Self {
        match caller.via() {
            Via::Bearer => presented(headers).map_or(Self::Nothing, Self::Presented),
            _ => session().map_or(Self::Nothing, Self::Session),
        }
    }

    pub(super) fn lend(&self) -> CallerTokens<'_> {
        match self {
            Self::Nothing => CallerTokens::None,
            Self::Presented(token) => CallerTokens::Presented(token),
            Self::Session(tokens) => CallerTokens::Session {
                access: tokens.access.as_ref(),
                id: tokens.id.as_ref(),
            },
        }
    }
}

/// The token of a request that was admitted by it ([RFC 6750 § 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
fn presented(headers: &HeaderMap) -> Option<AccessToken> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    bearer.then(|| AccessToken::new(token.trim_matches(' ')))
}
