//! Which sessions somebody has.
//!
//! A list of keys under a key of its own: hints, because two keys cannot be written at once. Whoever reads one looks whether
//! the session is there.

use super::super::{
    CookieKeys, Purpose, Reader, Session, StoreKey, open_bytes, put_time, seal_bytes,
};
use super::change::{Applied, Change, Update};
use crate::{
    check::{Check, CheckFailed},
    time::UnixTime,
};

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

impl Scope<'_> {
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
}

impl From<&Session> for Listed {
    fn from(session: &Session) -> Self {
        Self {
            key: session.key(),
            created: session.created(),
            ends: session.ends(),
        }
    }
}

/// Reads or changes a list of sessions.
#[derive(Debug)]
pub struct Index {
    keys: CookieKeys,
    key: StoreKey,
    what: What,
}

#[derive(Debug)]
enum What {
    Add(Listed),
    Remove(StoreKey),
    List,
}

impl Index {
    /// The most sessions of one user that are listed. More are no person's; the first to end make room, and are to be ended.
    pub const MAX: usize = 1000;

    /// Adds a session. What comes of it are those that are listed no more, and are to be ended: nobody would find them.
    pub fn add(keys: &CookieKeys, scope: Scope<'_>, session: Listed) -> Update<Self> {
        Self::of(keys, scope, What::Add(session))
    }

    /// Takes a session out.
    pub fn remove(keys: &CookieKeys, scope: Scope<'_>, session: StoreKey) -> Update<Self> {
        Self::of(keys, scope, What::Remove(session))
    }

    /// Reads the list.
    pub fn list(keys: &CookieKeys, scope: Scope<'_>) -> Update<Self> {
        Self::of(keys, scope, What::List)
    }

    fn of(keys: &CookieKeys, scope: Scope<'_>, what: What) -> Update<Self> {
        let (keys, key) = (keys.clone(), scope.key());
        Update::of(key, Self { keys, key, what })
    }

    fn read(&self, bytes: &[u8]) -> Option<Vec<Listed>> {
        let name = self.key.as_bytes();
        let opened = open_bytes(&self.keys, Purpose::Entry, name, bytes.to_vec())?;
        let mut reader = Reader(&opened.plain);
        let next = || {
            Some(Listed {
                key: StoreKey::from_bytes(reader.array()?),
                created: reader.time()?,
                ends: reader.time()?,
            })
        };
        Some(std::iter::from_fn(next).collect())
    }
}

impl Change for Index {
    type Output = Vec<Listed>;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Vec<Listed>>, CheckFailed> {
        let mut all = match (found.map(|bytes| self.read(bytes)), &self.what) {
            // Of a key that has been retired, as all sessions are that were sealed with it: they do not open either, and a new
            // login must not fail for them.
            (None, _) | (Some(None), What::Add(_)) => Vec::new(),
            (Some(Some(all)), _) => all,
            // Written with a key that is not known here: a list that cannot be read must not look empty.
            (Some(None), _) => {
                let cause = "a list of sessions does not open with the keys there are";
                return Err(CheckFailed::new(Check::SessionUnreadable, cause));
            }
        };
        let before = all.len();
        let mut crowded_out = Vec::new();
        all.retain(|session| session.ends > now);
        match &self.what {
            What::List => return Ok(Applied::Nothing(all)),
            What::Remove(key) => {
                all.retain(|session| session.key != *key);
                if all.len() == before {
                    return Ok(Applied::Nothing(all));
                }
            }
            What::Add(session) => {
                if all.iter().any(|one| one.key == session.key) {
                    return Ok(Applied::Nothing(Vec::new()));
                }
                all.push(*session);
                if all.len() > Self::MAX
                    && let Some(first) = (all.iter().enumerate())
                        .min_by_key(|(_, session)| session.ends)
                        .map(|(at, _)| at)
                {
                    crowded_out.push(all.swap_remove(first));
                }
            }
        }
        let mut plain = Vec::with_capacity(all.len() * 48);
        for session in &all {
            plain.extend_from_slice(session.key.as_bytes());
            put_time(&mut plain, session.created);
            put_time(&mut plain, session.ends);
        }
        let name = self.key.as_bytes();
        let bytes = seal_bytes(&self.keys, Purpose::Entry, name, &plain)
            .map_err(|_| CheckFailed::new(Check::Randomness, "a list could not be sealed"))?;
        let last = all.iter().map(|session| session.ends).max();
        Ok(Applied::Write {
            bytes,
            keep: last.map_or(std::time::Duration::from_secs(1), |last| last.since(now)),
            then: match self.what {
                What::Add(_) => crowded_out,
                What::Remove(_) | What::List => all,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const OURS: &str = "dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=";
    const OTHERS: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    fn index(keys: &str, what: What) -> Index {
        Index {
            keys: CookieKeys::parse(keys).unwrap(),
            key: Scope::User("https://id.example", "alice").key(),
            what,
        }
    }

    fn session(first: u8) -> Listed {
        Listed {
            key: StoreKey::from_bytes([first; 32]),
            created: NOW,
            ends: NOW + std::time::Duration::from_secs(3600),
        }
    }

    fn written(mut index: Index, found: Option<&[u8]>) -> (Vec<u8>, Vec<Listed>) {
        match index.apply(found, NOW).unwrap() {
            Applied::Write { bytes, then, .. } => (bytes, then),
            Applied::Nothing(_) => panic!("nothing was written"),
        }
    }

    #[test]
    fn after_the_keys_were_lost_a_list_begins_anew_and_is_never_taken_for_empty() {
        let (others, _) = written(index(OTHERS, What::Add(session(1))), None);
        for what in [What::List, What::Remove(session(1).key)] {
            let failed = index(OURS, what).apply(Some(&others), NOW).unwrap_err();
            assert_eq!(failed.check(), Check::SessionUnreadable);
        }
        let (ours, _) = written(index(OURS, What::Add(session(2))), Some(&others));
        let (ours, _) = written(index(OURS, What::Add(session(3))), Some(&ours));
        let Applied::Nothing(listed) = index(OURS, What::List).apply(Some(&ours), NOW).unwrap()
        else {
            panic!("nothing is to be written");
        };
        assert_eq!(listed, [session(2), session(3)]);
    }

    #[test]
    fn what_a_full_list_has_no_room_for_is_told_so_that_it_can_be_ended() {
        let mut list = None;
        for number in 0..=Index::MAX {
            let mut next = session(0);
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            next.key = StoreKey::from_bytes(key);
            // The first ends first.
            next.ends = next.ends + std::time::Duration::from_secs(number as u64);
            let (bytes, crowded_out) = written(index(OURS, What::Add(next)), list.as_deref());
            let expected = usize::from(number == Index::MAX);
            assert_eq!(crowded_out.len(), expected, "{number}");
            list = Some(bytes);
        }
    }
}
