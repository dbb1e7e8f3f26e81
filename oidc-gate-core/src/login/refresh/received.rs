//! Tokens that have come, and what they come to.

use super::{RefreshOf, Refreshed, Renewed};
use crate::{
    check::CheckFailed,
    flow::Step,
    identity::Identity,
    login::{Asked, parties::Told},
    time::UnixTime,
    token::{IdTokenClaims, TokenResponse},
};

/// What the token endpoint answered.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) of: RefreshOf,
    pub(super) requested_at: UnixTime,
    pub(super) tokens: TokenResponse,
    pub(super) note: Option<CheckFailed>,
}

impl Received {
    /// What is granted now.
    pub(super) fn scope(&self) -> &str {
        self.tokens.scope.as_deref().unwrap_or(&self.of.scope)
    }

    /// What a believed ID token is read by.
    pub(super) fn told<'a>(&'a self, claims: &'a IdTokenClaims) -> Told<'a> {
        Told {
            claims,
            asked: &self.of.scope,
            granted: Some(self.scope()),
            known: Some(&self.of.identity),
        }
    }

    /// Has something told to the operator, beside what there is.
    pub(super) fn note(&mut self, failed: CheckFailed) {
        self.note = Some(match self.note.take() {
            None => failed,
            Some(first) => {
                let cause = format!("{}; {failed}", first.cause());
                CheckFailed::new(first.check(), cause)
            }
        });
    }

    /// The tokens, and who it is now; or why that is not to be had, and what became of userinfo then.
    pub(super) fn renewed(
        mut self,
        claims: Option<&IdTokenClaims>,
        identity: Result<(Identity, Asked), (CheckFailed, Asked)>,
    ) -> Step<Refreshed> {
        match identity {
            Ok((identity, userinfo)) => self.end(claims, Some(identity), userinfo),
            Err((failed, userinfo)) => {
                self.note(failed);
                self.end(claims, None, userinfo)
            }
        }
    }

    /// The tokens, and who it is where that is new.
    pub(super) fn end(
        self,
        claims: Option<&IdTokenClaims>,
        identity: Option<Identity>,
        userinfo: Asked,
    ) -> Step<Refreshed> {
        let sid = claims.and_then(IdTokenClaims::sid).map(Into::into);
        Step::Done(Refreshed::Renewed(Box::new(Renewed {
            tokens: self.tokens,
            requested_at: self.requested_at,
            identity,
            provider_session: sid.or(self.of.provider_session),
            session_expiry: claims.and_then(IdTokenClaims::session_expiry),
            userinfo,
            note: self.note,
        })))
    }
}
