//! Which sessions somebody has, and whether the provider has ended them.
//!
//! A list of keys under a key of its own: hints, because two keys cannot be written at once. Whoever reads one looks whether
//! the session is there. A logout leaves its mark in the very list that a login has to be written into, so that of the two
//! one comes first, and the other sees it.

mod delist;
mod enlist;
mod log_out;
mod read;
#[cfg(test)]
mod tests;

pub use delist::Delist;
pub use enlist::{Enlist, Enlisted};
pub use log_out::{LogOut, Marks};
pub use read::ReadList;

use super::super::{
    CookieKeys, Purpose, Reader, SealedBy, Session, StoreKey, due::CLOCKS, open_bytes, put_time,
    seal_bytes,
};
use super::change::Applied;
use crate::{
    check::{Check, CheckFailed},
    identity::Identity,
    login::Transaction,
    logout::{LoggedOut, LogoutOf},
    time::UnixTime,
};
use std::time::Duration;

/// Whose sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a logout names a user or a session"
)]
pub enum Scope<'a> {
    /// A user's: the issuer and the subject.
    User(&'a str, &'a str),
    /// Those that began with one session at the provider: the issuer and `sid`.
    AtProvider(&'a str, &'a str),
}

impl<'a> Scope<'a> {
    /// The list that a logout is about first: of one that names both, that of the session at the provider.
    pub fn of(logout: &'a LogoutOf) -> Self {
        let issuer = &*logout.issuer;
        match &logout.who {
            LoggedOut::User(subject) => Self::User(issuer, subject),
            LoggedOut::AtProvider(sid) | LoggedOut::Both { sid, .. } => {
                Self::AtProvider(issuer, sid)
            }
        }
    }

    fn key(&self) -> StoreKey {
        let (what, issuer, name) = match self {
            Self::User(issuer, subject) => ("user", issuer, subject),
            Self::AtProvider(issuer, sid) => ("sid", issuer, sid),
        };
        StoreKey::of(what, &[issuer.as_bytes(), name.as_bytes()])
    }
}

/// A session in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Under what it is kept.
    pub key: StoreKey,
    /// When it began.
    pub created: UnixTime,
    /// When it ends however it is used.
    pub ends: UnixTime,
    /// Whose it is: a list by `sid` does not say so itself.
    user: User,
    /// Whether the provider has a name for it: a list by user does not say so itself.
    name: Name,
}

impl Listed {
    /// The most sessions of one user that are listed. More are no person's; the first to end make room, and are to be ended.
    pub const MAX: usize = 1000;
}

impl From<&Session> for Listed {
    fn from(session: &Session) -> Self {
        Self {
            key: session.key(),
            created: session.created(),
            ends: session.ends(),
            user: User::from(session.identity()),
            name: match session.provider_session() {
                Some(_) => Name::Sid,
                None => Name::None,
            },
        }
    }
}

/// Whether a session has a name at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    None,
    Sid,
}

/// Which of those who are listed a logout is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    All,
    /// This user's.
    Of(User),
    /// Those without a name at the provider, which a logout that names one cannot find by it.
    Nameless,
}

impl Whom {
    fn is(self, session: &Listed) -> bool {
        match self {
            Self::All => true,
            Self::Of(user) => session.user == user,
            Self::Nameless => session.name == Name::None,
        }
    }

    /// Both, as far as one can say.
    fn or(self, other: Self) -> Self {
        match self == other {
            true => self,
            false => Self::All,
        }
    }
}

/// A user, told apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct User([u8; 16]);

impl User {
    fn of(issuer: &str, subject: &str) -> Self {
        let key = StoreKey::of("of", &[issuer.as_bytes(), subject.as_bytes()]);
        let mut user = [0; 16];
        user.copy_from_slice(&key.as_bytes()[..16]);
        Self(user)
    }
}

impl From<&Identity> for User {
    fn from(identity: &Identity) -> Self {
        Self::of(identity.issuer(), identity.subject())
    }
}

/// That the provider has ended what is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// When it said so, by the clock of whoever heard it.
    at: UnixTime,
    whom: Whom,
}

/// How long a login may take that began before a logout: as long as a user has to sign in, and what is done at the provider
/// and the store afterwards.
const MARKED: Duration = Duration::from_secs(Transaction::MAX_AGE.as_secs() + 5 * 60);

impl Mark {
    /// Whether the login of this session, which began then, is older than the logout. A login that began in the same second may be, and
    /// one on a replica whose clock is ahead too.
    fn covers(self, session: &Listed, begun: UnixTime, apart: Duration) -> bool {
        self.whom.is(session) && begun <= self.at + apart
    }
}

/// What stands in a list.
#[derive(Debug, Default, PartialEq, Eq)]
struct List {
    over: Option<Mark>,
    sessions: Vec<Listed>,
}

const VERSION: u8 = 1;

/// What a list's bytes come to.
enum Found {
    Nothing,
    /// Written with a key that is not known here, which a replica ahead in a rotation may have.
    Sealed,
    List(List, SealedBy),
}

impl List {
    /// What stands there still counts at `now`.
    fn open(keys: &CookieKeys, key: &StoreKey, found: Option<&[u8]>, now: UnixTime) -> Found {
        let Some(bytes) = found else {
            return Found::Nothing;
        };
        let opened = open_bytes(keys, Purpose::Entry, key.as_bytes(), bytes.to_vec());
        let opened =
            opened.and_then(|opened| Some((Self::decode(&opened.plain)?, opened.sealed_by)));
        match opened {
            None => Found::Sealed,
            Some((mut list, sealed_by)) => {
                list.over = list.over.filter(|mark| now < mark.at + MARKED);
                // By a clock that is behind it lives, and a logout is to find it.
                list.sessions.retain(|session| session.ends + CLOCKS > now);
                Found::List(list, sealed_by)
            }
        }
    }

    /// As [`open`](Self::open), for whoever must not take a list that cannot be read for an empty one.
    fn known(
        keys: &CookieKeys,
        key: &StoreKey,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Option<Self>, CheckFailed> {
        match Self::open(keys, key, found, now) {
            Found::Nothing => Ok(None),
            Found::List(list, _) => Ok(Some(list)),
            Found::Sealed => {
                let cause = "a list of sessions does not open with the keys there are";
                Err(CheckFailed::new(Check::SessionUnreadable, cause))
            }
        }
    }

    fn decode(plain: &[u8]) -> Option<Self> {
        let mut reader = Reader(plain.strip_prefix(&[VERSION])?);
        let over = match reader.array()? {
            [0] => None,
            [kind @ 1..=3] => Some(Mark {
                at: reader.time()?,
                whom: match kind {
                    1 => Whom::All,
                    2 => Whom::Of(User(reader.array()?)),
                    _ => Whom::Nameless,
                },
            }),
            _ => return None,
        };
        let mut sessions = Vec::with_capacity(reader.0.len() / LISTED_BYTES);
        while !reader.0.is_empty() {
            sessions.push(Listed {
                key: StoreKey::from_bytes(reader.array()?),
                created: reader.time()?,
                ends: reader.time()?,
                user: User(reader.array()?),
                name: match reader.array()? {
                    [0] => Name::None,
                    _ => Name::Sid,
                },
            });
        }
        Some(Self { over, sessions })
    }

    /// Writes it, to be kept while something of it counts.
    fn write<T>(
        &self,
        keys: &CookieKeys,
        key: &StoreKey,
        now: UnixTime,
        then: T,
    ) -> Result<Applied<T>, CheckFailed> {
        let mut plain = Vec::with_capacity(32 + self.sessions.len() * LISTED_BYTES);
        plain.push(VERSION);
        match self.over {
            None => plain.push(0),
            Some(Mark { at, whom }) => {
                let (kind, user) = match whom {
                    Whom::All => (1, None),
                    Whom::Of(user) => (2, Some(user)),
                    Whom::Nameless => (3, None),
                };
                plain.push(kind);
                put_time(&mut plain, at);
                plain.extend(user.iter().flat_map(|user| user.0));
            }
        }
        for session in &self.sessions {
            plain.extend_from_slice(session.key.as_bytes());
            put_time(&mut plain, session.created);
            put_time(&mut plain, session.ends);
            plain.extend_from_slice(&session.user.0);
            plain.push(match session.name {
                Name::None => 0,
                Name::Sid => 1,
            });
        }
        let bytes = seal_bytes(keys, Purpose::Entry, key.as_bytes(), &plain)
            .map_err(|_| CheckFailed::new(Check::Randomness, "a list could not be sealed"))?;
        let ends = self.sessions.iter().map(|session| session.ends);
        let last = ends.chain(self.over.map(|mark| mark.at + MARKED)).max();
        Ok(Applied::Write {
            bytes,
            keep: last.map_or(Duration::from_secs(1), |last| last.since(now)),
            then,
        })
    }
}

const LISTED_BYTES: usize = 32 + 8 + 8 + 16 + 1;
