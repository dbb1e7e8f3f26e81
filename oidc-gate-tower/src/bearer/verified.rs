//! Tokens that were verified, so that the next request with the same one costs a look and no signature.

use crate::{Identity, core::flow::Entropy as _, core::time::UnixTime, ports::OsEntropy};
use aws_lc_rs::hmac;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// A bounded set of verified tokens.
///
/// 1. A token is known by a keyed hash of all of it; the tokens themselves are not kept.
/// 2. Only what was verified gets in. Whoever makes tokens up drives none out.
/// 3. An entry is good until the token expires, and at most [`LOOK_AGAIN`], so that keys do not get old behind it; and
///    only as long as its issuer has published nothing new.
/// 4. Reading takes a lock that one of [`SHARDS`] readers shares, and that nobody holds for longer than a look.
pub(crate) struct VerifiedTokens {
    /// Nothing is kept where the system gives no randomness.
    key: Option<hmac::Key>,
    shards: [RwLock<Shard>; SHARDS],
}

const SHARDS: usize = 16;
/// Each shard has two halves of so many: about 16 000 tokens altogether.
const HALF: usize = 512;
/// For how long at most a token is not verified again.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// What a token is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 32]);

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) identity: Arc<Identity>,
    /// Which of the issuers.
    pub(super) issuer: usize,
    /// What the issuer had published when the token was verified.
    pub(super) generation: u64,
    /// From when on the token is not valid any more.
    pub(super) expires_at: UnixTime,
}

#[derive(Clone)]
struct Kept {
    entry: Entry,
    until: UnixTime,
}

/// The young ones become the old ones when there are too many, and the old ones are forgotten. What is used moves back.
#[derive(Default)]
struct Shard {
    young: HashMap<Name, Kept>,
    old: HashMap<Name, Kept>,
}

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        let key = (OsEntropy.fill(&mut key).ok()).map(|()| hmac::Key::new(hmac::HMAC_SHA256, &key));
        Self {
            key,
            shards: std::array::from_fn(|_| RwLock::default()),
        }
    }

    pub(super) fn name(&self, token: &str) -> Option<Name> {
        let tag = hmac::sign(self.key.as_ref()?, token.as_bytes());
        tag.as_ref().try_into().ok().map(Name)
    }

    /// What is known of a token. `generation` is what an issuer has published by now.
    pub(super) fn get(
        &self,
        name: Name,
        now: UnixTime,
        generation: impl Fn(usize) -> u64,
    ) -> Option<Arc<Identity>> {
        let (kept, is_old) = {
            let shard = self
                .shard(name)
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            match shard.young.get(&name) {
                Some(kept) => (kept.clone(), false),
                None => (shard.old.get(&name)?.clone(), true),
            }
        };
        let good = now < kept.until && kept.entry.generation == generation(kept.entry.issuer);
        let identity = good.then(|| kept.entry.identity.clone())?;
        if is_old {
            self.keep(name, kept);
        }
        Some(identity)
    }

    pub(super) fn insert(&self, name: Name, entry: Entry, now: UnixTime) {
        let until = entry.expires_at.min(now + LOOK_AGAIN);
        if now < until {
            self.keep(name, Kept { entry, until });
        }
    }

    fn keep(&self, name: Name, kept: Kept) {
        let mut shard = self
            .shard(name)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if shard.young.len() >= HALF && !shard.young.contains_key(&name) {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(name, kept);
    }

    fn shard(&self, Name([first, ..]): Name) -> &RwLock<Shard> {
        &self.shards[usize::from(first) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn entry(generation: u64, expires_at: u64) -> Entry {
        Entry {
            identity: Arc::new(Identity::builder("i", "alice").build()),
            issuer: 3,
            generation,
            expires_at: at(expires_at),
        }
    }

    fn knows(tokens: &VerifiedTokens, token: &str, now: u64) -> bool {
        let name = tokens.name(token).unwrap();
        tokens
            .get(name, at(now), |issuer| u64::from(issuer == 3))
            .is_some()
    }

    fn with(token: &str, entry: Entry, now: u64) -> VerifiedTokens {
        let tokens = VerifiedTokens::new();
        tokens.insert(tokens.name(token).unwrap(), entry, at(now));
        tokens
    }

    #[test]
    fn a_token_is_known_as_a_whole() {
        let tokens = with("a.b.c", entry(1, 1000), 0);
        assert!(knows(&tokens, "a.b.c", 0));
        for other in ["a.b.d", "a.b.", "a.b.c ", "A.b.c", ""] {
            assert!(!knows(&tokens, other, 0), "{other}");
        }
    }

    #[test]
    fn it_is_known_until_it_expires_and_no_longer() {
        let tokens = with("t", entry(1, 100), 0);
        assert!(knows(&tokens, "t", 99) && !knows(&tokens, "t", 100));
        // In its leeway it is verified each time.
        assert!(!knows(&with("t", entry(1, 100), 110), "t", 110));
    }

    #[test]
    fn it_is_looked_at_again_now_and_then() {
        let tokens = with("t", entry(1, 100_000), 0);
        assert!(knows(&tokens, "t", 299) && !knows(&tokens, "t", 300));
    }

    #[test]
    fn it_is_not_known_once_its_issuer_has_published_something_new() {
        assert!(!knows(&with("t", entry(0, 1000), 0), "t", 0));
    }

    #[test]
    fn there_is_a_bound_and_what_is_in_use_stays() {
        let tokens = with("in use", entry(1, 1000), 0);
        for n in 0..100_000 {
            tokens.insert(tokens.name(&n.to_string()).unwrap(), entry(1, 1000), at(0));
            assert!(n % 100 != 0 || knows(&tokens, "in use", 0), "{n}");
        }
        let kept = tokens.shards.iter().map(|shard| {
            let shard = shard.read().unwrap();
            shard.young.len() + shard.old.len()
        });
        assert!(kept.sum::<usize>() <= 2 * HALF * SHARDS);
        assert!(!knows(&tokens, "0", 0));
    }
}
