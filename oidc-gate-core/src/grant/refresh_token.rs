//! A refresh token.

use super::{Aftermath, Asked, Declined, Granted, Handle, ScopeSet, Standing, request::need};
use crate::{
    check::Check,
    client_auth::{Owed, Refusal},
    form::Form,
    secret::RefreshToken,
    time::UnixTime,
};
use std::time::Duration;

/// What the server has stored with a refresh token. The token itself is not among it: it is found by its [`Handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever stores it has to store all of it"
)]
pub struct IssuedRefreshToken {
    /// To which client.
    pub client_id: String,
    /// What was granted in the beginning: a narrower access token in between does not narrow it
    /// ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
    pub scopes: ScopeSet,
    /// For which resources, in the beginning.
    pub resources: Vec<String>,
    /// From when on it is worthless without having been used.
    pub idle_until: UnixTime,
    /// From when on it and all that follow it are worthless.
    pub expires: UnixTime,
    /// Whether another has taken its place.
    pub state: RefreshState,
    /// Whether the authorization, the account and the session behind it are still there.
    pub standing: Standing,
    /// The certificate it is bound to, by its `x5t#S256`
    /// ([RFC 8705 § 4](https://www.rfc-editor.org/rfc/rfc8705#section-4)).
    pub certificate: Option<String>,
}

impl IssuedRefreshToken {
    /// What to store with a first refresh token for this grant, if it may have one
    /// ([`Granted::may_have_refresh_token`]).
    pub fn of(granted: &Granted, idle_until: UnixTime, expires: UnixTime) -> Option<Self> {
        granted.may_have_refresh_token().then(|| Self {
            client_id: granted.client().id().to_owned(),
            scopes: granted.scopes().clone(),
            resources: granted.resources().to_vec(),
            idle_until,
            expires,
            state: RefreshState::Current,
            standing: Standing::Alive,
            certificate: granted.confirmation().map(Into::into),
        })
    }
}

/// Whether another token has taken a token's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it is the newest or it is not")]
pub enum RefreshState {
    /// It is the newest.
    Current,
    /// Another took its place at this moment.
    Replaced {
        /// When.
        at: UnixTime,
    },
}

/// Whose refresh tokens are replaced when they are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// Everybody's, so that the theft of one is noticed.
    #[default]
    Always,
    /// Those of clients that cannot prove who they are; and they have to be, unless they are bound to a certificate
    /// ([RFC 9700 § 2.2.2](https://www.rfc-editor.org/rfc/rfc9700#section-2.2.2)).
    PublicClients,
}

/// How refresh tokens are handled.
///
/// # Defaults
///
/// Everybody's are replaced, with ten seconds of grace for clients that prove who they are: two requests at once, or an answer that was lost, are common and no
/// theft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two settings")]
pub struct RefreshPolicy {
    /// Whose are replaced.
    pub rotation: Rotation,
    /// How long a token that was replaced is answered with its successor: for a client whose request was answered and that
    /// never heard it. Zero: not at all. Only for clients that prove who they are, by authentication or by the certificate
    /// that the token is bound to.
    pub grace: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            rotation: Rotation::default(),
            grace: Duration::from_secs(10),
        }
    }
}

/// `grant_type=refresh_token` ([RFC 6749 § 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
#[derive(Debug)]
#[must_use]
pub struct RefreshRequest {
    asked: Asked,
    token: RefreshToken,
}

/// What is to be done for a refresh.
#[derive(Debug)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever has the store has to handle each"
)]
pub enum Refreshing {
    /// Put another refresh token in its place.
    Rotate(Rotate),
    /// The token stays as it is; move [`IssuedRefreshToken::idle_until`].
    Keep(Owed<Granted>),
    /// It was replaced a moment ago: answer with the successor that is stored with it, and make no other.
    Repeat(Owed<Granted>),
}

impl RefreshRequest {
    pub(super) fn read(asked: Asked, form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            token: RefreshToken::new(need(form, "refresh_token")?),
            asked,
        })
    }

    /// What the token is looked for by.
    pub fn handle(&self) -> Handle {
        Handle::of(self.token.expose())
    }

    /// The token that was presented: for a server that keeps it and says so in its answer.
    pub fn token(&self) -> &RefreshToken {
        &self.token
    }

    /// Whether the token may be used, `issued` being what is stored under [`handle`](Self::handle).
    ///
    /// 1. It was issued, and to this client.
    /// 2. If it is bound to a certificate, the connection shows that one. To show none is to fail.
    /// 3. What is behind it still stands.
    /// 4. It is the newest; or it was replaced within the grace, and is answered with its successor. Anything else is a
    ///    theft: all tokens of the authorization are revoked
    ///    ([RFC 9700 § 4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2)).
    /// 5. It has not expired, neither for want of use nor altogether.
    /// 6. Scopes and resources are among what was granted in the beginning.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, by its check, with what the store has to do.
    pub fn check(
        self,
        issued: Option<&IssuedRefreshToken>,
        policy: RefreshPolicy,
        now: UnixTime,
    ) -> Result<Refreshing, Declined> {
        let refused = |check, cause: &'static str| Err(Declined::from(Refusal::new(check, cause)));
        let Some(issued) = issued else {
            return refused(Check::GrantUnknown, "no such refresh token");
        };
        if issued.client_id != self.asked.client.id() {
            return refused(
                Check::GrantClient,
                "the refresh token was issued to another client",
            );
        }
        if issued.certificate.is_some()
            && issued.certificate.as_deref() != self.asked.client.certificate()
        {
            return refused(
                Check::RefreshSender,
                "the refresh token is bound to a certificate that the connection does not show",
            );
        }
        issued.standing.check()?;
        // Without a proof of who asks, the old token alone would fetch the new one.
        let known = self.asked.client.is_confidential() || issued.certificate.is_some();
        let grace = match known {
            true => policy.grace,
            false => Duration::ZERO,
        };
        let repeat = match issued.state {
            RefreshState::Current => false,
            RefreshState::Replaced { at } if now < at + grace => true,
            RefreshState::Replaced { .. } => return Err(reused()),
        };
        if now >= issued.expires || now >= issued.idle_until {
            return refused(Check::GrantExpired, "the refresh token has expired");
        }
        let scopes = self.asked.scopes(&issued.scopes, &issued.scopes)?;
        let resources = self.asked.targets(&issued.resources)?;
        let handle = self.handle();
        let public = !self.asked.client.is_confidential();
        let replay = self.asked.replay.clone();
        let granted = self.asked.granted(scopes, resources);
        if repeat {
            return Ok(Refreshing::Repeat(Owed::new(replay, granted)));
        }
        let rotates = match policy.rotation {
            Rotation::Always => true,
            Rotation::PublicClients => public && issued.certificate.is_none(),
        };
        Ok(match rotates {
            true => Refreshing::Rotate(Rotate {
                handle,
                then: Owed::new(replay, granted),
                grace,
                now,
            }),
            false => Refreshing::Keep(Owed::new(replay, granted)),
        })
    }
}

/// A refresh token that passed every check and has to be replaced before anything is granted.
///
/// # Security
///
/// The store has to put the successor in its place **if nothing has, in one atomic step**, and to keep the token with the
/// successor and the time. The successor itself has to be readable for as long as the grace lasts: keep it sealed, or where
/// nobody else reads, and erase it afterwards. Without grace it need not be kept.
#[derive(Debug)]
#[must_use = "nothing may be granted before the token is replaced"]
pub struct Rotate {
    handle: Handle,
    then: Owed<Granted>,
    grace: Duration,
    now: UnixTime,
}

/// What a store did to replace a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever asks a store has to say what came"
)]
pub enum Replaced {
    /// It was the newest, and has a successor now: the one of this request.
    Now,
    /// Another request was faster.
    Before {
        /// When.
        at: UnixTime,
    },
    /// Nobody knows: the store failed. Nothing is granted then.
    Failed,
}

/// What is granted for a refresh token that was replaced.
#[derive(Debug)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever answers has to handle both"
)]
pub enum Rotated {
    /// With the new refresh token.
    New(Owed<Granted>),
    /// With the successor that another request has put there, and no other.
    Repeat(Owed<Granted>),
}

impl Rotate {
    /// What has to be replaced.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the store did.
    ///
    /// # Errors
    ///
    /// [`Check::RefreshReused`], with [`Aftermath::RevokeGrant`], where another request was faster and there is no grace.
    /// [`Check::ServerStore`] where the store failed.
    pub fn resolve(self, replaced: Replaced) -> Result<Rotated, Declined> {
        match replaced {
            Replaced::Now => Ok(Rotated::New(self.then)),
            Replaced::Before { at } if self.now < at + self.grace => Ok(Rotated::Repeat(self.then)),
            Replaced::Before { .. } => Err(reused()),
            Replaced::Failed => Err(Refusal::new(Check::ServerStore, "the store failed").into()),
        }
    }
}

fn reused() -> Declined {
    Declined::and(
        Refusal::new(Check::RefreshReused, "another refresh token took its place"),
        Aftermath::RevokeGrant,
    )
}
