//! What a store keeps of a session.
//!
//! In the clear stands the form's version and a length. Then come two sealed parts, each bound to the key it is kept under:
//! who is signed in and how its refresh stands, and the tokens, which are bound to their generation too. So a value is
//! worthless under any other key, and tokens of one generation are worthless beside another.

use super::{
    CookieKeys, Purpose, Reader, SealedBy, Session, StoreKey, Tokens, due::CLOCKS,
    is_sealed_by_first, open_bytes, put, put_time, put_u64, seal::SealError, seal_bytes,
};
use crate::{
    check::{Check, CheckFailed},
    time::UnixTime,
};
use std::{sync::Arc, time::Duration};

const VERSION: u8 = 1;

/// What a store keeps of a session: all of it where sessions are stored, and where they are cookies what is newer than the
/// cookie.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are alive")]
pub(super) enum Entry {
    Live(Live),
    /// It has been signed out, and is remembered until no cookie of it can be left.
    Ended {
        until: UnixTime,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Of how much the provider has said since the login; see [`Session::generation`].
    pub(super) generation: u64,
    /// Who wrote this generation.
    pub(super) by: Holder,
    /// When it ends however it is used: for a session that another has taken the place of, soon.
    pub(super) ends: UnixTime,
    /// Until when a cookie of it may come that says otherwise, and this is to be there.
    pub(super) until: UnixTime,
    /// When a browser first brought this generation, if one has: requests with an older cookie may still be on their way then.
    pub(super) brought: Option<UnixTime>,
    pub(super) refreshing: Refreshing,
    /// Not there where a cookie has the same.
    pub(super) session: Option<Session>,
    pub(super) tokens: Option<SealedTokens>,
}

/// How the refresh of one generation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refreshing {
    /// Who has the right to redeem the refresh token, until when.
    pub(super) lease: Option<Lease>,
    /// How many have had that right and may have used it. What `invalid_grant` means hangs on it.
    pub(super) attempts: u32,
    /// How many have failed one after the other.
    pub(super) failures: u32,
    /// Until when nobody tries again.
    pub(super) hold: Option<UnixTime>,
    /// The refresh token is worth nothing any more, and another has been lost or never was.
    pub(super) lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) holder: Holder,
    pub(super) until: UnixTime,
}

/// How long what a cookie has stays in the store once a browser has brought it: longer than a request or a response with the
/// cookie before may be on its way.
const GRACE: Duration = Duration::from_secs(60);

impl Live {
    /// Whether another session has taken the place of this one, which lives on for requests that are under way.
    pub(super) fn is_replaced(&self, now: UnixTime) -> bool {
        self.ends < self.until && self.ends <= now + GRACE
    }

    /// Whether the store may let go of what a cookie of its generation has, or is to note that there is one.
    pub(super) fn is_unsettled(&self, now: UnixTime) -> bool {
        let over = |brought: UnixTime| now >= brought + GRACE + CLOCKS;
        self.session.is_some() && self.brought.is_none_or(over)
    }
}

/// One run of a machine, told apart from all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holder(pub(super) [u8; 16]);

impl Live {
    /// Nothing but when it ends.
    pub(super) fn empty(ends: UnixTime) -> Self {
        Self {
            generation: 0,
            by: Holder::default(),
            ends,
            until: ends,
            brought: None,
            refreshing: Refreshing::default(),
            session: None,
            tokens: None,
        }
    }
}

impl Entry {
    pub(super) fn seal(&self, keys: &CookieKeys, key: &StoreKey) -> Result<Vec<u8>, CheckFailed> {
        let mut head = Vec::with_capacity(512);
        let tokens = match self {
            Self::Ended { until } => {
                head.push(0);
                put_time(&mut head, *until);
                None
            }
            Self::Live(live) => {
                live.encode(&mut head);
                live.tokens
                    .as_ref()
                    .map(|tokens| tokens.with_first(keys))
                    .transpose()?
            }
        };
        let tokens = tokens.as_ref().map_or(&[][..], SealedTokens::sealed);
        let head = seal_bytes(keys, Purpose::Entry, key.as_bytes(), &head).map_err(unsealed)?;
        let mut bytes = Vec::with_capacity(1 + 4 + head.len() + tokens.len());
        bytes.push(VERSION);
        put(&mut bytes, &head);
        bytes.extend_from_slice(tokens);
        Ok(bytes)
    }

    pub(super) fn open(
        keys: &CookieKeys,
        key: &StoreKey,
        bytes: &[u8],
    ) -> Option<(Self, SealedBy)> {
        let (head, tokens) = Self::parts(bytes)?;
        let (entry, sealed_by) = Self::open_head(keys, key, head)?;
        Some((entry.with_tokens(key, &tokens.into(), 0), sealed_by))
    }

    /// The two sealed parts of a value: the head, and the tokens.
    pub(super) fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let mut reader = Reader(bytes.strip_prefix(&[VERSION])?);
        Some((reader.bytes()?, reader.0))
    }

    /// The same with the tokens that stand beside it, in a value `at` so many bytes from its beginning.
    pub(super) fn with_tokens(self, key: &StoreKey, value: &Arc<[u8]>, at: usize) -> Self {
        match self {
            Self::Live(live) if value.len() > at => Self::Live(Live {
                tokens: Some(SealedTokens {
                    value: value.clone(),
                    at,
                    key: *key,
                    generation: live.generation,
                }),
                ..live
            }),
            other => other,
        }
    }

    /// Opens the head alone.
    pub(super) fn open_head(
        keys: &CookieKeys,
        key: &StoreKey,
        head: &[u8],
    ) -> Option<(Self, SealedBy)> {
        let opened = open_bytes(keys, Purpose::Entry, key.as_bytes(), head.to_vec())?;
        let mut reader = Reader(&opened.plain);
        let entry = match reader.array()? {
            [0] => Self::Ended {
                until: reader.time()?,
            },
            [1] => Self::Live(Live::decode(key, opened.plain)?),
            _ => return None,
        };
        Some((entry, opened.sealed_by))
    }
}

impl Live {
    fn encode(&self, out: &mut Vec<u8>) {
        let time = |out: &mut Vec<u8>, time: Option<UnixTime>| {
            // Nothing is put off until time began.
            put_time(out, time.unwrap_or(UnixTime::from_secs(0)));
        };
        out.push(1);
        put_u64(out, self.generation);
        out.extend_from_slice(&self.by.0);
        put_time(out, self.ends);
        put_time(out, self.until);
        time(out, self.brought);
        let refreshing = &self.refreshing;
        let lease = refreshing.lease;
        out.extend_from_slice(&lease.map(|lease| lease.holder).unwrap_or_default().0);
        time(out, lease.map(|lease| lease.until));
        time(out, refreshing.hold);
        out.extend_from_slice(&refreshing.attempts.to_le_bytes());
        out.extend_from_slice(&refreshing.failures.to_le_bytes());
        out.push(u8::from(refreshing.lost));
        out.push(u8::from(self.session.is_some()));
        if let Some(session) = &self.session {
            session.encode(out);
        }
    }

    fn decode(key: &StoreKey, plain: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(plain.get(1..)?);
        let time = |reader: &mut Reader<'_>| Some(Some(reader.time()?).filter(|t| t.as_secs() > 0));
        let generation = reader.u64()?;
        let by = Holder(reader.array()?);
        let (ends, until) = (reader.time()?, reader.time()?);
        let brought = time(&mut reader)?;
        let holder = Holder(reader.array()?);
        let lease = time(&mut reader)?.map(|until| Lease { holder, until });
        let hold = time(&mut reader)?;
        let refreshing = Refreshing {
            lease,
            hold,
            attempts: u32::from_le_bytes(reader.array()?),
            failures: u32::from_le_bytes(reader.array()?),
            lost: reader.array()? != [0],
        };
        let session = match reader.array()? {
            [0] => None,
            _ => {
                let at = plain.len() - reader.0.len();
                Some(Session::decode(*key, plain, at)?)
            }
        };
        Some(Self {
            generation,
            by,
            ends,
            until,
            brought,
            refreshing,
            session,
            tokens: None,
        })
    }
}

/// Tokens as a store keeps them, to be opened when somebody asks.
#[derive(Clone)]
pub struct SealedTokens {
    /// In which value they stand, and from where on: they are not copied out of it.
    value: Arc<[u8]>,
    at: usize,
    key: StoreKey,
    generation: u64,
}

impl SealedTokens {
    pub(super) fn seal(
        tokens: &Tokens,
        keys: &CookieKeys,
        key: &StoreKey,
        generation: u64,
    ) -> Result<Self, CheckFailed> {
        let mut plain = Vec::with_capacity(4096);
        tokens.encode(&mut plain);
        let name = Self::name(key, generation);
        let bytes = seal_bytes(keys, Purpose::Tokens, &name, &plain).map_err(unsealed)?;
        Ok(Self {
            value: bytes.into(),
            at: 0,
            key: *key,
            generation,
        })
    }

    fn sealed(&self) -> &[u8] {
        self.value.get(self.at..).unwrap_or_default()
    }

    /// The tokens, if one of the keys opens them.
    pub fn open(&self, keys: &CookieKeys) -> Option<Tokens> {
        let name = Self::name(&self.key, self.generation);
        let opened = open_bytes(keys, Purpose::Tokens, &name, self.sealed().to_vec())?;
        Tokens::decode(&mut Reader(&opened.plain))
    }

    /// The same, sealed with the key that seals now: what stands together is not to be opened by different keys.
    fn with_first(&self, keys: &CookieKeys) -> Result<Self, CheckFailed> {
        if is_sealed_by_first(keys, self.sealed()) {
            return Ok(self.clone());
        }
        match self.open(keys) {
            Some(tokens) => Self::seal(&tokens, keys, &self.key, self.generation),
            None => Ok(self.clone()),
        }
    }

    fn name(key: &StoreKey, generation: u64) -> Vec<u8> {
        [&key.as_bytes()[..], &generation.to_le_bytes()].concat()
    }
}

impl std::fmt::Debug for SealedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.sealed().len();
        write!(f, "SealedTokens({bytes} bytes, of {})", self.generation)
    }
}

fn unsealed(SealError: SealError) -> CheckFailed {
    CheckFailed::new(Check::Randomness, "the session could not be sealed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Identity, session::Lifetimes};

    const KEY: StoreKey = StoreKey::from_bytes([3; 32]);
    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn tokens() -> Tokens {
        let mut bytes = Vec::new();
        for text in ["at", "rt", "", "", "scope", ""] {
            put(&mut bytes, text.as_bytes());
        }
        put_time(&mut bytes, NOW);
        put_time(&mut bytes, NOW);
        Tokens::decode(&mut Reader(&bytes)).unwrap()
    }

    fn live(keys: &CookieKeys) -> Live {
        let identity = Identity::builder("https://id.example", "alice").build();
        let session = Session::begin(KEY, identity, Some("op"), &Lifetimes::default(), NOW);
        Live {
            generation: 7,
            by: Holder([1; 16]),
            refreshing: Refreshing {
                lease: Some(Lease {
                    holder: Holder([2; 16]),
                    until: NOW,
                }),
                attempts: 2,
                failures: 3,
                hold: Some(NOW),
                lost: true,
            },
            session: Some(session.with_tokens(Some(&tokens()))),
            tokens: Some(SealedTokens::seal(&tokens(), keys, &KEY, 7).unwrap()),
            ..Live::empty(NOW)
        }
    }

    #[test]
    fn it_opens_as_it_was() {
        let keys = CookieKeys::ephemeral();
        let sealed = Entry::Live(live(&keys)).seal(&keys, &KEY).unwrap();
        let (entry, sealed_by) = Entry::open(&keys, &KEY, &sealed).unwrap();
        let (Entry::Live(again), SealedBy::First) = (entry, sealed_by) else {
            panic!("it lives");
        };
        assert_eq!((again.generation, again.by), (7, Holder([1; 16])));
        assert_eq!(again.refreshing, live(&keys).refreshing);
        let session = again.session.unwrap();
        assert_eq!(session.identity().subject(), "alice");
        assert!(session.tokens().unwrap().refreshable);
        let tokens = again.tokens.unwrap().open(&keys).unwrap();
        assert_eq!(tokens.access.unwrap().expose(), "at");
    }

    #[test]
    fn nothing_opens_under_another_key_and_no_tokens_beside_another_generation() {
        let keys = CookieKeys::ephemeral();
        let other = StoreKey::from_bytes([4; 32]);
        let sealed = Entry::Live(live(&keys)).seal(&keys, &KEY).unwrap();
        assert!(Entry::open(&keys, &other, &sealed).is_none());
        let mut mixed = live(&keys);
        mixed.generation = 8;
        let sealed = Entry::Live(mixed).seal(&keys, &KEY).unwrap();
        let Some((Entry::Live(mixed), _)) = Entry::open(&keys, &KEY, &sealed) else {
            panic!("it lives");
        };
        assert!(mixed.tokens.unwrap().open(&keys).is_none());
    }

    #[test]
    fn whatever_stands_there_nothing_panics_and_nothing_changed_opens() {
        let keys = CookieKeys::ephemeral();
        let sealed = Entry::Live(live(&keys)).seal(&keys, &KEY).unwrap();
        for cut in 0..sealed.len() {
            let opened = Entry::open(&keys, &KEY, &sealed[..cut]);
            let tokens = opened.and_then(|(entry, _)| match entry {
                Entry::Live(live) => live.tokens?.open(&keys),
                Entry::Ended { .. } => panic!("it lives"),
            });
            assert!(tokens.is_none(), "{cut}");
        }
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            let opened = Entry::open(&keys, &KEY, &flipped);
            let whole = opened.is_some_and(|(entry, _)| match entry {
                Entry::Live(live) => live.tokens.is_some_and(|t| t.open(&keys).is_some()),
                Entry::Ended { .. } => true,
            });
            assert!(!whole, "{at}");
        }
    }
}
