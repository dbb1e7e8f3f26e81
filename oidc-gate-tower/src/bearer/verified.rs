//! Tokens that were verified, so that the next request with the same one costs a look and no signature.

use crate::{
    Identity,
    core::{secret::AccessToken, time::UnixTime},
};
use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// A bounded set of verified tokens.
///
/// 1. A token is looked for by its [`Tail`] and known by all of it, byte by byte. What is known of one token is never said of
///    another.
/// 2. Only what was verified gets in. Whoever makes tokens up drives none out, and leaves nothing behind.
/// 3. An entry is good until the token expires, and at most [`LOOK_AGAIN`], so that keys do not get old behind it; and
///    only as long as its issuer has published nothing new.
/// 4. There are at most so many tokens ([`HALF`]), and so many bytes of them ([`HALF_BYTES`]).
/// 5. Reading takes a lock that one of [`SHARDS`] readers shares, and that nobody holds for longer than a look.
///
/// # Security
///
/// A hash of the whole token would be dearer than all the rest of a request that comes with a known one (SHA-256: 690 ns of
/// 1.2 KB, comparing: 12 ns), so the tokens are kept: as secrets, which are wiped when they are forgotten. That is when one comes
/// that is over, and when others come after [`LOOK_AGAIN`]; where nobody comes any more, the last ones stay.
///
/// How long a look takes tells nobody anything of a token that is not theirs. The first comparison is of tails whose keyed
/// hashes are alike, so that a guess that is nearer to a tail is not nearer to its place. The second is with one token alone,
/// for those who know its tail: most of a signature, which nobody has without the token.
pub(crate) struct VerifiedTokens([RwLock<Shard>; SHARDS]);

const SHARDS: usize = 16;
/// Each shard has two halves of so many: about 16 000 tokens altogether.
const HALF: usize = 512;
/// Each half has so many bytes of tokens: 16 MiB altogether. What is known of a token is about as large as the token.
const HALF_BYTES: usize = 512 * 1024;
/// For how long at most a token is not verified again.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// The end of a token, which is all of its signature or a part of it of 384 bits: no algorithm that is accepted has shorter
/// ones. Nobody but the issuer has an influence on it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tail([u8; 64]);

impl Tail {
    fn of(token: &[u8]) -> Option<Self> {
        token.last_chunk().copied().map(Self)
    }
}

impl Hash for Tail {
    /// 96 bits of a signature tell tokens apart; two that are alike in them are compared as a whole.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0[48..]);
    }
}

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

struct Kept {
    token: AccessToken,
    entry: Entry,
    until: UnixTime,
}

#[derive(Default)]
struct Half {
    tokens: HashMap<Tail, Kept>,
    /// How long the tokens are, together.
    bytes: usize,
}

/// The young ones become the old ones when there are too many or they are older than [`LOOK_AGAIN`], and the old ones are
/// forgotten. What is used moves back.
#[derive(Default)]
struct Shard {
    young: Half,
    old: Half,
    /// When they last did.
    turned: Option<UnixTime>,
}

/// What is not known any more. To be dropped when the shard is free again: wiping it takes its time.
#[must_use]
struct Forgotten(#[expect(dead_code, reason = "it is there to be dropped")] Option<Half>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| RwLock::default()))
    }

    /// What is known of a token. `generation` is what an issuer has published by now.
    pub(super) fn get(
        &self,
        token: &[u8],
        now: UnixTime,
        generation: impl Fn(usize) -> u64,
    ) -> Option<Arc<Identity>> {
        let tail = &Tail::of(token)?;
        let shard = self.shard(tail);
        let (identity, is_old) = {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            let (kept, is_old) = match shard.young.tokens.get(tail) {
                Some(kept) => (kept, false),
                None => (shard.old.tokens.get(tail)?, true),
            };
            if kept.token.expose().as_bytes() != token {
                return None;
            }
            let good = now < kept.until && kept.entry.generation == generation(kept.entry.issuer);
            (good.then(|| kept.entry.identity.clone()), is_old)
        };
        let write = || shard.write().unwrap_or_else(PoisonError::into_inner);
        match (&identity, is_old) {
            (Some(_), false) => {}
            (Some(_), true) => {
                let forgotten = write().make_young(tail, now);
                drop(forgotten);
            }
            (None, _) => {
                let over = write().remove(tail);
                drop(over);
            }
        }
        identity
    }

    pub(super) fn insert(&self, token: &str, entry: Entry, now: UnixTime) {
        let until = entry.expires_at.min(now + LOOK_AGAIN);
        let Some(tail) = Tail::of(token.as_bytes()) else {
            return;
        };
        if now >= until {
            return;
        }
        let token = AccessToken::new(token);
        let kept = Kept {
            token,
            entry,
            until,
        };
        let forgotten = {
            let shard = self.shard(&tail);
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.keep(tail, kept, now)
        };
        drop(forgotten);
    }

    fn shard(&self, tail: &Tail) -> &RwLock<Shard> {
        let sum = tail.0.iter().fold(0_u8, |sum, b| sum.wrapping_add(*b));
        &self.0[usize::from(sum) % SHARDS]
    }
}

impl Shard {
    fn keep(&mut self, tail: Tail, kept: Kept, now: UnixTime) -> Forgotten {
        let full = self.young.tokens.len() >= HALF || self.young.bytes >= HALF_BYTES;
        let full = full && !self.young.tokens.contains_key(&tail);
        let aged = now >= *self.turned.get_or_insert(now) + LOOK_AGAIN;
        let forgotten = (full || aged).then(|| {
            self.turned = Some(now);
            std::mem::replace(&mut self.old, std::mem::take(&mut self.young))
        });
        self.young.insert(tail, kept);
        Forgotten(forgotten)
    }

    fn remove(&mut self, tail: &Tail) -> [Option<Kept>; 2] {
        [self.young.remove(tail), self.old.remove(tail)]
    }

    fn make_young(&mut self, tail: &Tail, now: UnixTime) -> Forgotten {
        match self.old.remove(tail) {
            Some(kept) => self.keep(*tail, kept, now),
            // Somebody else was quicker.
            None => Forgotten(None),
        }
    }
}

impl Half {
    fn insert(&mut self, tail: Tail, kept: Kept) {
        self.bytes += kept.len();
        if let Some(before) = self.tokens.insert(tail, kept) {
            self.bytes -= before.len();
        }
    }

    fn remove(&mut self, tail: &Tail) -> Option<Kept> {
        let kept = self.tokens.remove(tail)?;
        self.bytes -= kept.len();
        Some(kept)
    }
}

impl Kept {
    fn len(&self) -> usize {
        self.token.expose().len()
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

    /// As long as a token is at least.
    fn token(name: &str) -> String {
        format!("{name:.>99}")
    }

    fn knows(tokens: &VerifiedTokens, token: &str, now: u64) -> bool {
        tokens
            .get(token.as_bytes(), at(now), |issuer| u64::from(issuer == 3))
            .is_some()
    }

    fn with(token: &str, entry: Entry, now: u64) -> VerifiedTokens {
        let tokens = VerifiedTokens::new();
        tokens.insert(token, entry, at(now));
        tokens
    }

    fn held(tokens: &VerifiedTokens) -> usize {
        let shards = tokens.0.iter().map(|shard| shard.read().unwrap());
        shards
            .map(|shard| shard.young.tokens.len() + shard.old.tokens.len())
            .sum()
    }

    #[test]
    fn what_is_over_is_forgotten_when_it_comes_and_when_others_come_later() {
        let it = token("a.b.c");
        let tokens = with(&it, entry(1, 1000), 0);
        assert_eq!(held(&tokens), 1);
        assert!(!knows(&tokens, &it, 300));
        assert_eq!(held(&tokens), 0);
        // All of them have the same tail, and so the same shard, but for three characters whose sum is the same.
        let tokens = VerifiedTokens::new();
        for (name, now) in [("abc", 0), ("acb", 299), ("bac", 300), ("bca", 600)] {
            tokens.insert(&token(name), entry(1, 10_000), at(now));
        }
        assert!(!knows(&tokens, &token("abc"), 0));
        assert!(!knows(&tokens, &token("acb"), 300));
        assert!(knows(&tokens, &token("bac"), 599));
        assert!(knows(&tokens, &token("bca"), 600));
        assert_eq!(held(&tokens), 2);
    }

    #[test]
    fn a_token_is_known_as_a_whole() {
        let it = token("a.b.c");
        let tokens = with(&it, entry(1, 1000), 0);
        assert!(knows(&tokens, &it, 0));
        let longer = format!("{it} ");
        for other in ["", "a.b.c", &longer, &it[1..], &it[..98]] {
            assert!(!knows(&tokens, other, 0), "{other}");
        }
        // Whichever of its characters is another one: those of its tail, and those before.
        for place in 0..it.len() {
            let mut other = it.clone();
            other.replace_range(place..=place, "A");
            assert!(!knows(&tokens, &other, 0), "{place}");
        }
    }

    #[test]
    fn what_is_too_short_for_a_token_is_not_kept() {
        let short = "a".repeat(63);
        assert!(!knows(&with(&short, entry(1, 1000), 0), &short, 0));
        let long = "a".repeat(64);
        assert!(knows(&with(&long, entry(1, 1000), 0), &long, 0));
    }

    #[test]
    fn of_two_with_the_same_tail_the_later_is_known() {
        let (one, other) = (format!("1{}", token("")), format!("2{}", token("")));
        let tokens = with(&one, entry(1, 1000), 0);
        tokens.insert(&other, entry(1, 1000), at(0));
        assert!(!knows(&tokens, &one, 0) && knows(&tokens, &other, 0));
        assert_eq!(bytes(&tokens), other.len());
    }

    #[test]
    fn it_is_known_until_it_expires_and_no_longer() {
        let it = token("t");
        let tokens = with(&it, entry(1, 100), 0);
        assert!(knows(&tokens, &it, 99) && !knows(&tokens, &it, 100));
        // In its leeway it is verified each time.
        assert!(!knows(&with(&it, entry(1, 100), 110), &it, 110));
    }

    #[test]
    fn it_is_looked_at_again_now_and_then() {
        let it = token("t");
        let tokens = with(&it, entry(1, 100_000), 0);
        assert!(knows(&tokens, &it, 299) && !knows(&tokens, &it, 300));
    }

    #[test]
    fn it_is_not_known_once_its_issuer_has_published_something_new() {
        let it = token("t");
        assert!(!knows(&with(&it, entry(0, 1000), 0), &it, 0));
    }

    #[test]
    fn there_is_a_bound_and_what_is_in_use_stays() {
        let in_use = token("in use");
        let tokens = with(&in_use, entry(1, 1000), 0);
        for n in 0..100_000 {
            tokens.insert(&token(&n.to_string()), entry(1, 1000), at(0));
            assert!(n % 100 != 0 || knows(&tokens, &in_use, 0), "{n}");
        }
        let kept = tokens.0.iter().map(|shard| {
            let shard = shard.read().unwrap();
            shard.young.tokens.len() + shard.old.tokens.len()
        });
        assert!(kept.sum::<usize>() <= 2 * HALF * SHARDS);
        assert!(!knows(&tokens, &token("0"), 0));
    }

    #[test]
    fn long_tokens_have_a_bound_too() {
        const LONG: usize = 16 * 1024;
        let tokens = VerifiedTokens::new();
        for n in 0..3_000 {
            tokens.insert(&format!("{n:.>LONG$}"), entry(1, 1000), at(0));
        }
        let most = 2 * SHARDS * (HALF_BYTES + LONG);
        assert!(HALF_BYTES < bytes(&tokens) && bytes(&tokens) <= most);
        assert!(knows(&tokens, &format!("{:.>LONG$}", 2_999), 0));
    }

    /// How many bytes are said to be kept, which are as many as there are.
    fn bytes(tokens: &VerifiedTokens) -> usize {
        let of = |half: &Half| {
            let all: usize = half.tokens.values().map(Kept::len).sum();
            assert_eq!(half.bytes, all);
            all
        };
        let shards = tokens.0.iter().map(|shard| shard.read().unwrap());
        shards.map(|shard| of(&shard.young) + of(&shard.old)).sum()
    }
}
