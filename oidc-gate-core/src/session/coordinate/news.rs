//! Which sessions something has happened to lately, for replicas that have connections of theirs open.
//!
//! One short list under one key, which every replica with open connections looks at a few times a second. It is a hint where to
//! look: what has become of a session stands under the session's own key.

use super::super::{
    CookieKeys, Purpose, Reader, StoreKey, Stored, due::CLOCKS, open_bytes, put_time, seal_bytes,
};
use super::change::{Applied, Change, Changed, Update};
use crate::{
    check::{Check, CheckFailed},
    time::UnixTime,
};
use std::{collections::HashSet, time::Duration};

/// What has happened lately.
#[derive(Clone, Debug, Default)]
pub struct News {
    items: Vec<Item>,
    /// When the newest of those happened that are not listed any more.
    forgotten: Option<UnixTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Item {
    of: [u8; 16],
    at: UnixTime,
}

const VERSION: u8 = 1;

/// How long something is new: a replica that has not looked for so long looks after all its sessions.
const NEW: Duration = Duration::from_secs(60);

/// How many are listed. When more end at once, replicas look after all their sessions.
const MAX: usize = 1000;

impl News {
    /// Under what they stand.
    pub fn key() -> StoreKey {
        StoreKey::of("news", &[])
    }

    /// Reads what stands there. What does not open is of a key that is not known here: nothing is known then.
    pub fn open(keys: &CookieKeys, stored: &Stored) -> Option<Self> {
        Self::decode(keys, &stored.bytes)
    }

    /// What they say that those before did not.
    pub fn beside(&self, before: Option<&Self>) -> Happened {
        let known: HashSet<_> = before.iter().flat_map(|news| news.items.iter()).collect();
        let new = self.items.iter().filter(|item| !known.contains(item));
        Happened(new.map(|item| item.of).collect())
    }

    /// Whether all is listed that has happened since then, by the clock of whoever asks.
    pub fn is_whole_since(&self, then: UnixTime) -> bool {
        self.forgotten
            .is_none_or(|forgotten| forgotten + CLOCKS < then)
    }

    fn decode(keys: &CookieKeys, bytes: &[u8]) -> Option<Self> {
        let opened = open_bytes(keys, Purpose::Entry, Self::key().as_bytes(), bytes.to_vec())?;
        let mut reader = Reader(opened.plain.strip_prefix(&[VERSION])?);
        let forgotten = Some(reader.time()?).filter(|at| at.as_secs() > 0);
        let mut items = Vec::with_capacity(reader.0.len() / 24);
        while !reader.0.is_empty() {
            items.push(Item {
                of: reader.array()?,
                at: reader.time()?,
            });
        }
        Some(Self { items, forgotten })
    }

    fn add(&mut self, sessions: &[StoreKey], now: UnixTime) {
        let names: HashSet<_> = sessions.iter().map(name).collect();
        let mut at_least = now;
        self.items.retain(|item| {
            let is_told_again = names.contains(&item.of);
            if is_told_again {
                // What happened in the same second is news all the same.
                at_least = at_least.max(item.at + Duration::from_secs(1));
            }
            !is_told_again
        });
        // In the order in which they were told, each once.
        let mut left = names;
        let new = sessions.iter().map(name).filter(|of| left.remove(of));
        self.items.extend(new.map(|of| Item { of, at: at_least }));
        let too_many = self.items.len().saturating_sub(MAX);
        let mut forgotten = self.forgotten;
        let mut at = 0;
        self.items.retain(|item| {
            at += 1;
            let stays = at > too_many && item.at + NEW > now;
            if !stays {
                forgotten = forgotten.max(Some(item.at));
            }
            stays
        });
        self.forgotten = forgotten;
    }
}

/// The sessions to which something has happened.
#[derive(Clone, Debug)]
pub struct Happened(HashSet<[u8; 16]>);

impl Happened {
    /// Whether something has happened to this one.
    pub fn is_to(&self, session: &StoreKey) -> bool {
        self.0.contains(&name(session))
    }
}

/// Half of it tells sessions apart well enough.
fn name(session: &StoreKey) -> [u8; 16] {
    let mut name = [0; 16];
    name.copy_from_slice(&session.as_bytes()[..16]);
    name
}

/// Tells that something has happened to sessions.
#[derive(Debug)]
pub struct Tell {
    keys: CookieKeys,
    sessions: Vec<StoreKey>,
}

impl Tell {
    /// Of these.
    pub fn of(keys: &CookieKeys, sessions: Vec<StoreKey>) -> Update<Self> {
        let keys = keys.clone();
        Update::of(News::key(), Self { keys, sessions })
    }
}

impl Change for Tell {
    type Output = Changed;

    fn apply(
        &mut self,
        found: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Applied<Changed>, CheckFailed> {
        let mut news = match found.map(|bytes| News::decode(&self.keys, bytes)) {
            None => News::default(),
            Some(Some(news)) => news,
            // Whatever stood there is not known.
            Some(None) => News {
                items: Vec::new(),
                forgotten: Some(now),
            },
        };
        news.add(&self.sessions, now);
        let mut plain = Vec::with_capacity(16 + news.items.len() * 24);
        plain.push(VERSION);
        put_time(&mut plain, news.forgotten.unwrap_or(UnixTime::from_secs(0)));
        for item in &news.items {
            plain.extend_from_slice(&item.of);
            put_time(&mut plain, item.at);
        }
        let bytes = seal_bytes(&self.keys, Purpose::Entry, News::key().as_bytes(), &plain)
            .map_err(|_| CheckFailed::new(Check::Randomness, "the news could not be sealed"))?;
        Ok(Applied::Write {
            bytes,
            // What was forgotten counts for as long as a replica may not have looked.
            keep: NEW * 60,
            then: Changed::Yes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn session(number: usize) -> StoreKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        StoreKey::from_bytes(key)
    }

    fn told(keys: &CookieKeys, found: Option<&Stored>, all: &[usize], now: UnixTime) -> Stored {
        let sessions = all.iter().map(|number| session(*number)).collect();
        let (_, mut tell) = Tell::of(keys, sessions).into_parts();
        let found = found.map(|stored| &stored.bytes[..]);
        match tell.apply(found, now).unwrap() {
            Applied::Write { bytes, .. } => Stored::new(bytes, 1),
            Applied::Nothing(_) => panic!("nothing was written"),
        }
    }

    #[test]
    fn what_has_happened_is_new_for_a_minute_and_then_known_to_be_forgotten() {
        let keys = CookieKeys::ephemeral();
        let first = told(&keys, None, &[1, 2], NOW);
        let news = News::open(&keys, &first).unwrap();
        let happened = news.beside(None);
        assert!(happened.is_to(&session(1)) && happened.is_to(&session(2)));
        assert!(!happened.is_to(&session(3)));
        // The next who read tell those alone of which they had not heard.
        let more = told(&keys, Some(&first), &[2, 3], NOW);
        let more = News::open(&keys, &more).unwrap().beside(Some(&news));
        assert!(!more.is_to(&session(1)) && more.is_to(&session(2)) && more.is_to(&session(3)));
        assert!(news.is_whole_since(NOW - NEW));
        let later = told(&keys, Some(&first), &[3], NOW + NEW);
        let news = News::open(&keys, &later).unwrap();
        let happened = news.beside(None);
        assert!(!happened.is_to(&session(1)) && happened.is_to(&session(3)));
        assert!(!news.is_whole_since(NOW + CLOCKS));
        assert!(news.is_whole_since(NOW + CLOCKS + SECOND));
    }

    #[test]
    fn when_more_end_than_are_listed_everybody_looks() {
        let keys = CookieKeys::ephemeral();
        let first = told(&keys, None, &[0], NOW);
        let many: Vec<_> = (1..=MAX).collect();
        let then = NOW + SECOND;
        let news = News::open(&keys, &told(&keys, Some(&first), &many, then)).unwrap();
        let happened = news.beside(None);
        assert!(!happened.is_to(&session(0)));
        assert!(happened.is_to(&session(1)) && happened.is_to(&session(MAX)));
        assert!(!news.is_whole_since(NOW));
    }

    #[test]
    fn who_cannot_read_them_knows_nothing_and_who_writes_them_anew_says_so() {
        let (ours, others) = (CookieKeys::ephemeral(), CookieKeys::ephemeral());
        let first = told(&others, None, &[1], NOW);
        assert!(News::open(&ours, &first).is_none());
        let news = News::open(&ours, &told(&ours, Some(&first), &[2], NOW)).unwrap();
        assert!(news.beside(None).is_to(&session(2)) && !news.is_whole_since(NOW));
    }
}
