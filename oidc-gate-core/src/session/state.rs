//! A session: who, since when, until when.

use super::{
    CookieKeys, CookieNames, Lifetimes, Purpose, Reader, SealedBy, StoreKey, Tokens, open,
    put_time, put_u64, seal, seal::SealError,
};
use crate::{
    check::{Check, CheckFailed, quote},
    identity::Identity,
    time::UnixTime,
};
use http::HeaderMap;
use std::sync::Arc;

/// What is remembered of a login.
///
/// It holds the identity and no token: tokens are sealed apart, so that opening a session on every request costs a few
/// hundred bytes of decryption. What it knows of them is when they are to be renewed. A clone is a reference count.
#[derive(Clone, Debug)]
pub struct Session {
    key: StoreKey,
    /// Counts what the provider has said of the user since the login: of two values of one session, the later wins.
    generation: u64,
    created: UnixTime,
    seen: UnixTime,
    ends: UnixTime,
    tokens: Option<TokensNote>,
    identity: Arc<Identity>,
}

/// What a session knows of its tokens without opening them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokensNote {
    /// When they were asked for.
    pub obtained: UnixTime,
    /// When the access token ends, if the provider has said so.
    pub expires: Option<UnixTime>,
    /// Whether there is a token to get new ones with.
    pub refreshable: bool,
}

impl From<&Tokens> for TokensNote {
    fn from(tokens: &Tokens) -> Self {
        Self {
            obtained: tokens.obtained,
            expires: tokens.expires,
            refreshable: tokens.refresh.is_some(),
        }
    }
}

impl Session {
    /// The session that a finished login begins. `key` is fresh: one from before the login is never taken over
    /// ([RFC 6819 § 4.4.1.7](https://www.rfc-editor.org/rfc/rfc6819#section-4.4.1.7)).
    pub fn begin(
        key: StoreKey,
        identity: Identity,
        provider_session: Option<&str>,
        limits: &Lifetimes,
        now: UnixTime,
    ) -> Self {
        Self {
            key,
            generation: 1,
            created: now,
            seen: now,
            ends: now + limits.absolute(),
            tokens: None,
            identity: Arc::new(identity.in_provider_session(provider_session)),
        }
    }

    /// The same session, with these tokens.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<&Tokens>) -> Self {
        Self {
            tokens: tokens.map(TokensNote::from),
            ..self
        }
    }

    /// The same session, used at `now`.
    #[must_use]
    pub fn touched(&self, now: UnixTime) -> Self {
        Self {
            seen: self.seen.max(now),
            ..self.clone()
        }
    }

    /// The same session after a refresh: with these tokens, and with what the provider says now of the user, if it says
    /// anything.
    #[must_use]
    pub(super) fn renewed(
        &self,
        tokens: &Tokens,
        identity: Option<Identity>,
        provider_session: Option<&str>,
    ) -> Self {
        let named = provider_session.or(self.provider_session());
        let identity = match identity {
            Some(identity) => Arc::new(identity.in_provider_session(named)),
            None if named == self.provider_session() => self.identity.clone(),
            None => Arc::new(Identity::clone(&self.identity).in_provider_session(named)),
        };
        Self {
            generation: self.generation + 1,
            tokens: Some(tokens.into()),
            identity,
            ..self.clone()
        }
    }

    /// The same session, ending at `end` if it would end later: a limit of the provider's
    /// ([`session_expiry`](crate::token::IdTokenClaims::session_expiry)), told at the login or by a refresh, is one. None makes
    /// it live longer.
    #[must_use]
    pub fn ending(self, end: UnixTime) -> Self {
        Self {
            ends: self.ends.min(end),
            ..self
        }
    }

    /// When no cookie of it counts any more, whatever that says: one from before a refresh may say that it ends later than this
    /// one does. So long it is to be remembered that it has ended.
    pub fn last(&self, limits: &Lifetimes) -> UnixTime {
        self.ends.max(self.created + limits.absolute())
    }

    /// Under what a store keeps what is to be known of it.
    pub fn key(&self) -> StoreKey {
        self.key
    }

    /// How often the provider has said who this is: the login, and every refresh since.
    pub fn generation(&self) -> u64 {
        self.generation
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
        self.identity.provider_session()
    }

    /// What it knows of its tokens, if it has any.
    pub fn tokens(&self) -> Option<TokensNote> {
        self.tokens
    }

    /// Who is signed in.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The same, to be kept.
    pub fn to_identity(&self) -> Arc<Identity> {
        self.identity.clone()
    }

    /// The session as sealed text, for [`CookieNames::set_session`].
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal(&self, keys: &CookieKeys, names: &CookieNames) -> Result<String, CheckFailed> {
        let mut plain = Vec::with_capacity(512);
        plain.extend_from_slice(self.key.as_bytes());
        self.encode(&mut plain);
        seal(keys, Purpose::Identity, names.session(), &plain).map_err(|SealError| {
            CheckFailed::new(Check::Randomness, "the session could not be sealed")
        })
    }

    /// The tokens of this generation of the session as sealed text, for [`CookieNames::set_tokens`].
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal_tokens(
        &self,
        tokens: &Tokens,
        keys: &CookieKeys,
        names: &CookieNames,
    ) -> Result<String, CheckFailed> {
        let mut plain = Vec::with_capacity(4096);
        plain.extend_from_slice(self.key.as_bytes());
        put_u64(&mut plain, self.generation);
        tokens.encode(&mut plain);
        seal(keys, Purpose::Tokens, names.tokens_name(), &plain).map_err(|SealError| {
            CheckFailed::new(Check::Randomness, "the tokens could not be sealed")
        })
    }

    /// The tokens that came along with the session in cookies: those of this session and of this generation, or none.
    /// Tokens of another generation belong to another value of the session, and their refresh token may be used up.
    pub fn open_tokens(
        &self,
        keys: &CookieKeys,
        names: &CookieNames,
        headers: &HeaderMap,
    ) -> Option<Tokens> {
        names.tokens(headers).find_map(|sealed| {
            let opened = open(keys, Purpose::Tokens, names.tokens_name(), &sealed)?;
            let mut reader = Reader(&opened.plain);
            let key = StoreKey::from_bytes(reader.array()?);
            let ours = key == self.key && reader.u64()? == self.generation;
            ours.then(|| Tokens::decode(&mut reader))?
        })
    }

    /// The most bytes of a session that a store is given.
    pub const MAX_STORED_BYTES: usize = 512 * 1024;

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
        let key = *opened.plain.first_chunk()?;
        let session = Self::decode(StoreKey::from_bytes(key), opened.plain, key.len())?;
        Some((session, opened.sealed_by))
    }

    /// All but the key.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.generation);
        put_time(out, self.created);
        put_time(out, self.seen);
        put_time(out, self.ends);
        match self.tokens {
            None => out.push(0),
            Some(note) => {
                out.push(if note.refreshable { 2 } else { 1 });
                put_time(out, note.obtained);
                // No token ends when time began.
                put_time(out, note.expires.unwrap_or(UnixTime::from_secs(0)));
            }
        }
        self.identity.encode(out);
    }

    /// What [`encode`](Self::encode) wrote, `at` so many bytes from the beginning; nothing stands after it.
    pub(super) fn decode(key: StoreKey, bytes: Vec<u8>, at: usize) -> Option<Self> {
        let mut reader = Reader(bytes.get(at..)?);
        let generation = reader.u64()?;
        let (created, seen, ends) = (reader.time()?, reader.time()?, reader.time()?);
        let tokens = match reader.array()? {
            [0] => None,
            [kind @ 1..=2] => Some(TokensNote {
                obtained: reader.time()?,
                expires: Some(reader.time()?).filter(|at| at.as_secs() > 0),
                refreshable: kind == 2,
            }),
            _ => return None,
        };
        let identity = bytes.len() - reader.0.len();
        let identity = Arc::new(Identity::decode(bytes, identity)?);
        Some(Self {
            key,
            generation,
            created,
            seen,
            ends,
            tokens,
            identity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::BaseUrl;
    use std::time::Duration;

    fn names() -> CookieNames {
        CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap())
    }

    fn session(group: &str) -> Session {
        let identity = Identity::builder("https://id.example", "alice")
            .group(group)
            .claim("x", 1)
            .build();
        Session::begin(
            StoreKey::from_bytes([9; 32]),
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
        assert_eq!(again.key(), StoreKey::from_bytes([9; 32]));
        assert_eq!((again.generation, sealed_by), (1, SealedBy::First));
        assert_eq!(again.seen().as_secs(), 1_700_000_100);
        assert_eq!(again.provider_session(), Some("op-session"));
        assert!(again.identity().in_group("admins"));
        assert_eq!(again.identity().claims()["x"], 1);
    }

    #[test]
    fn a_cookie_from_before_a_limit_came_nearer_counts_until_the_limit_that_it_says() {
        let (limits, before) = (Lifetimes::default(), session(""));
        let after = before
            .clone()
            .ending(before.created() + Duration::from_secs(60));
        assert_eq!(after.last(&limits), before.ends());
        let shorter = Lifetimes::new(Duration::from_secs(1), Duration::from_secs(1)).unwrap();
        assert_eq!(before.last(&shorter), before.ends());
    }

    #[test]
    fn a_session_of_another_gate_does_not_open() {
        let keys = CookieKeys::ephemeral();
        let sealed = session("a").seal(&keys, &names()).unwrap();
        let other = CookieNames::derive("other", &BaseUrl::parse("https://app.example").unwrap());
        assert!(Session::open(&keys, &other, sealed.as_bytes()).is_none());
    }
}
