//! A session: who, since when, until when.

use super::{
    CookieKeys, CookieNames, Lifetimes, Purpose, Reader, SealedBy, open, put, put_time, seal,
    seal::SealError,
};
use crate::{
    check::{Check, CheckFailed, quote},
    identity::Identity,
    secret::SessionId,
    time::UnixTime,
};

/// What is remembered of a login.
///
/// It holds the identity and no token: tokens are sealed apart, so that opening a session on every request costs a few
/// hundred bytes of decryption.
#[derive(Clone, Debug)]
pub struct Session {
    id: SessionId,
    /// Counts the values written under this id, so that a late answer cannot replace a newer one.
    generation: u64,
    created: UnixTime,
    seen: UnixTime,
    ends: UnixTime,
    provider_session: Option<Box<str>>,
    identity: Identity,
}

impl Session {
    /// The session that a finished login begins. `id` is fresh: an id from before the login is never taken over
    /// ([RFC 6819 § 4.4.1.7](https://www.rfc-editor.org/rfc/rfc6819#section-4.4.1.7)).
    pub fn begin(
        id: SessionId,
        identity: Identity,
        provider_session: Option<&str>,
        limits: &Lifetimes,
        now: UnixTime,
    ) -> Self {
        Self {
            id,
            generation: 0,
            created: now,
            seen: now,
            ends: now + limits.absolute(),
            provider_session: provider_session.map(Into::into),
            identity,
        }
    }

    /// The same session, which ends at `until` if it would live longer: a limit of the provider's
    /// ([`session_expiry`](crate::token::IdTokenClaims::session_expiry)), told at the login or by a refresh. None makes it
    /// live longer.
    #[must_use]
    pub fn capped(self, until: Option<UnixTime>) -> Self {
        Self {
            ends: until.map_or(self.ends, |until| until.min(self.ends)),
            ..self
        }
    }

    /// The same session, used at `now`.
    #[must_use]
    pub fn touched(&self, now: UnixTime) -> Self {
        Self {
            generation: self.generation + 1,
            seen: self.seen.max(now),
            ..self.clone()
        }
    }

    /// The id, of which nobody may know.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// When the login was finished.
    pub fn created(&self) -> UnixTime {
        self.created
    }

    /// When the session was last written down as used.
    pub fn seen(&self) -> UnixTime {
        self.seen
    }

    /// When it ends however it is used.
    pub fn ends(&self) -> UnixTime {
        self.ends
    }

    /// The session's name at the provider, the claim `sid`
    /// ([OpenID Connect Front-Channel Logout § 3](https://openid.net/specs/openid-connect-frontchannel-1_0.html#OPLogout)).
    pub fn provider_session(&self) -> Option<&str> {
        self.provider_session.as_deref()
    }

    /// Who is signed in.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Takes the identity out.
    pub fn into_identity(self) -> Identity {
        self.identity
    }

    /// The session as sealed text, for [`CookieNames::set_session`].
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal(&self, keys: &CookieKeys, names: &CookieNames) -> Result<String, CheckFailed> {
        let mut plain = Vec::with_capacity(512);
        plain.extend_from_slice(self.id.expose());
        super::put_u64(&mut plain, self.generation);
        put_time(&mut plain, self.created);
        put_time(&mut plain, self.seen);
        put_time(&mut plain, self.ends);
        put(
            &mut plain,
            self.provider_session
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        );
        self.identity.encode(&mut plain);
        seal(keys, Purpose::Identity, names.session(), &plain).map_err(|SealError| {
            CheckFailed::new(Check::Randomness, "the session could not be sealed")
        })
    }

    /// Adds to a [`Check::SessionTooLarge`] what there is to leave out: the largest claims, by name and size.
    pub fn too_large(&self, failed: &CheckFailed) -> CheckFailed {
        let mut cause = format!("{}; the largest claims are", failed.cause());
        for (at, (name, bytes)) in self.identity.sizes().into_iter().take(3).enumerate() {
            let comma = if at == 0 { "" } else { "," };
            cause.push_str(&format!("{comma} {} with {bytes} bytes", quote(name)));
        }
        CheckFailed::new(failed.check(), cause)
    }

    /// The session that [`seal`](Self::seal) sealed, if it is one, and with which key: it should be sealed anew if that is
    /// an older one.
    pub fn open(keys: &CookieKeys, names: &CookieNames, sealed: &[u8]) -> Option<(Self, SealedBy)> {
        let opened = open(keys, Purpose::Identity, names.session(), sealed)?;
        let mut reader = Reader(&opened.plain);
        let id = SessionId::from_bytes(reader.array()?);
        let generation = reader.u64()?;
        let (created, seen, ends) = (reader.time()?, reader.time()?, reader.time()?);
        let provider_session = Some(reader.text()?)
            .filter(|sid| !sid.is_empty())
            .map(Into::into);
        let identity = Identity::decode(reader.0)?;
        let session = Self {
            id,
            generation,
            created,
            seen,
            ends,
            provider_session,
            identity,
        };
        Some((session, opened.sealed_by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::BaseUrl;

    fn names() -> CookieNames {
        CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap())
    }

    fn session(group: &str) -> Session {
        let identity = Identity::builder("https://id.example", "alice")
            .group(group)
            .claim("x", 1)
            .build();
        let id = SessionId::from_bytes([9; 32]);
        Session::begin(
            id,
            identity,
            Some("op-session"),
            &Lifetimes::default(),
            UnixTime::from_secs(1_700_000_000),
        )
    }

    #[test]
    fn a_sealed_session_opens_as_it_was() {
        let keys = CookieKeys::ephemeral();
        let sealed = session("admins")
            .touched(UnixTime::from_secs(1_700_000_100))
            .seal(&keys, &names())
            .unwrap();
        let (again, sealed_by) = Session::open(&keys, &names(), sealed.as_bytes()).unwrap();
        assert_eq!(sealed_by, SealedBy::First);
        assert!(again.id().ct_eq(&SessionId::from_bytes([9; 32])));
        assert_eq!(again.generation, 1);
        assert_eq!(again.seen().as_secs(), 1_700_000_100);
        assert_eq!(again.provider_session(), Some("op-session"));
        assert!(again.identity().in_group("admins"));
        assert_eq!(again.identity().claims()["x"], 1);
    }

    #[test]
    fn a_session_of_another_gate_does_not_open() {
        let keys = CookieKeys::ephemeral();
        let sealed = session("a").seal(&keys, &names()).unwrap();
        let other = CookieNames::derive("other", &BaseUrl::parse("https://app.example").unwrap());
        assert!(Session::open(&keys, &other, sealed.as_bytes()).is_none());
    }
}
