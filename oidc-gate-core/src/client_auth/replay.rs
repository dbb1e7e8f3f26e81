//! What is good once.

use super::Refusal;
use crate::{check::Check, jose::base64url, time::UnixTime};
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// What an assertion is remembered by: a digest of who used it and of its `jti`.
///
/// The parts go into the digest with their lengths, so that no two pairs have the same key, and no client can use up the
/// ids of another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReplayKey {
    digest: [u8; 32],
    purpose: Purpose,
}

/// What an assertion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// It authenticates a client.
    Client,
    /// It is a grant.
    Grant,
}

impl ReplayKey {
    pub(crate) fn of(purpose: Purpose, issuer: &str, id: &str) -> Self {
        let name = match purpose {
            Purpose::Client => "client",
            Purpose::Grant => "grant",
        };
        let mut digest = Context::new(&SHA256);
        for part in [name, issuer, id] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest.finish().as_ref());
        Self {
            digest: key,
            purpose,
        }
    }

    /// The key, for a store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Debug for ReplayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayKey({})", base64url::encode(&self.digest))
    }
}

/// What a store did with a [`ReplayKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever asks a store has to say what came"
)]
pub enum Inserted {
    /// It was not there and is now.
    First,
    /// It was there.
    Again,
    /// Nobody knows: the store failed. Nothing is granted then.
    Failed,
}

/// What is granted once an assertion is known to be new.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "whoever grants has to handle both")]
pub enum Owed<T> {
    /// Nothing is left to do.
    Nothing(T),
    /// A key has to be inserted first.
    Insert(Insertion<T>),
}

/// A key that has to be inserted into a store before anything is granted: the last check of all, so that a request that
/// fails for another reason uses nothing up ([RFC 7523 § 3](https://www.rfc-editor.org/rfc/rfc7523#section-3), rule 7).
///
/// # Security
///
/// The store has to insert [`key`](Self::key) **if it is absent, in one atomic step**, and keep it until
/// [`until`](Self::until). To look first and to insert then lets two requests at once both pass.
#[derive(Debug)]
#[must_use = "nothing may be granted before the key is inserted"]
pub struct Insertion<T> {
    key: ReplayKey,
    until: UnixTime,
    rest: Vec<(ReplayKey, UnixTime)>,
    then: T,
}

impl<T> Owed<T> {
    /// In this order: the client's own key comes first, so that a client's replay uses no grant up.
    pub(crate) fn new(keys: Vec<(ReplayKey, UnixTime)>, then: T) -> Self {
        let mut keys = keys.into_iter();
        match keys.next() {
            None => Self::Nothing(then),
            Some((key, until)) => Self::Insert(Insertion {
                key,
                until,
                rest: keys.collect(),
                then,
            }),
        }
    }

    /// Pays everything through `insert`, where a store answers at once.
    ///
    /// # Errors
    ///
    /// As [`Insertion::resolve`].
    pub fn resolve_with(
        mut self,
        mut insert: impl FnMut(&ReplayKey, UnixTime) -> Inserted,
    ) -> Result<T, Refusal> {
        loop {
            self = match self {
                Self::Nothing(then) => return Ok(then),
                Self::Insert(owed) => {
                    let inserted = insert(&owed.key, owed.until);
                    owed.resolve(inserted)?
                }
            };
        }
    }
}

impl<T> Insertion<T> {
    /// What has to be inserted.
    pub fn key(&self) -> &ReplayKey {
        &self.key
    }

    /// Until when it has to be kept.
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// What the store did.
    ///
    /// # Errors
    ///
    /// [`Check::AssertionReplayed`] where the key was there, [`Check::ServerStore`] where the store failed.
    pub fn resolve(self, inserted: Inserted) -> Result<Owed<T>, Refusal> {
        match inserted {
            Inserted::First => Ok(Owed::new(self.rest, self.then)),
            Inserted::Again => {
                let cause = "an assertion with this `jti` was used before";
                let refusal = Refusal::new(Check::AssertionReplayed, cause);
                Err(match self.key.purpose {
                    Purpose::Client => refusal,
                    Purpose::Grant => refusal.of_grant(),
                })
            }
            Inserted::Failed => Err(Refusal::new(
                Check::ServerStore,
                "what was used before is not known: the store failed",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let keys = [
            ReplayKey::of(Purpose::Client, "a", "bc"),
            ReplayKey::of(Purpose::Client, "ab", "c"),
            ReplayKey::of(Purpose::Grant, "a", "bc"),
        ];
        assert_ne!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
        assert_eq!(keys[0], ReplayKey::of(Purpose::Client, "a", "bc"));
    }

    #[test]
    fn nothing_is_granted_before_every_key_is_in() {
        let owed = || {
            let until = UnixTime::from_secs(9);
            let keys = ["a", "b"].map(|id| (ReplayKey::of(Purpose::Client, "app", id), until));
            Owed::new(keys.to_vec(), "granted")
        };
        let mut asked = 0;
        let first = owed().resolve_with(|key, until| {
            let id = ["a", "b"][asked];
            assert_eq!(*key, ReplayKey::of(Purpose::Client, "app", id));
            asked += 1;
            assert_eq!(until.as_secs(), 9);
            Inserted::First
        });
        assert_eq!((first.unwrap(), asked), ("granted", 2));
        for failing in 0..2 {
            for (inserted, check) in [
                (Inserted::Again, Check::AssertionReplayed),
                (Inserted::Failed, Check::ServerStore),
            ] {
                let mut asked = 0;
                let got = owed().resolve_with(|_, _| {
                    asked += 1;
                    if asked > failing {
                        inserted
                    } else {
                        Inserted::First
                    }
                });
                assert_eq!(got.unwrap_err().check(), check);
            }
        }
    }
}
