//! One answer for what is sent twice: a form whose button is pressed again, a page that is reloaded while it loads.
//!
//! A code is redeemed once, so the second request has nothing to redeem. It waits for what comes of the first and is answered
//! the same, because a browser shows the answer to the last one only.

use crate::core::{check::CheckFailed, time::UnixTime};
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::Response;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// What came of a provider's answer.
pub(crate) enum Ended {
    /// It was answered so.
    Answered(Response<Bytes>),
    /// It had ended before, here or in another process.
    Over(CheckFailed),
}

/// What callbacks were answered, each kept for a minute from its beginning, and what those that are under way will be.
///
/// # Security
///
/// Such an answer holds a session. It is given to whoever brings both the provider's answer, to the letter, and the cookie of
/// the login, which is what a session was given for in the first place. What was ended meanwhile stays ended: the cookies are
/// the same ones.
#[derive(Default)]
pub(crate) struct Submits {
    shards: [Mutex<HashMap<Key, Submit>>; SHARDS],
}

type Key = [u8; 32];

const SHARDS: usize = 16;

/// How many a shard keeps. An answer is a page of some ten kilobytes, so all of them are some twenty megabytes.
const PER_SHARD: usize = 128;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

/// What comes of one callback, once it has.
#[derive(Clone)]
pub(crate) struct Submit {
    until: UnixTime,
    ended: watch::Receiver<Option<Arc<Ended>>>,
}

/// Tells all that wait. If it is dropped before, nobody tells them any more.
pub(crate) struct Tell(watch::Sender<Option<Arc<Ended>>>);

/// A callback that has come.
pub(crate) enum Board {
    /// Its work is to be done, and told.
    First(Submit, Tell),
    /// Its work is done or being done.
    Again(Submit),
}

impl Submits {
    /// Notes that this answer of the provider's has come, with this cookie. Atomic: of two calls with the same, one is the
    /// first.
    ///
    /// What is too much makes room by what began first. That is harmless: its state is still used.
    pub(crate) fn board(&self, answer: &[u8], cookie: &[u8], now: UnixTime) -> Board {
        let key = key(answer, cookie);
        let [first, ..] = key;
        // Nothing panics while a shard is locked; if something ever does, the map is still whole.
        let mut shard = self.shards[usize::from(first) % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.retain(|_, submit| submit.until > now);
        if let Some(submit) = shard.get(&key) {
            return Board::Again(submit.clone());
        }
        if shard.len() >= PER_SHARD
            && let Some(oldest) = shard
                .iter()
                .min_by_key(|(_, submit)| submit.until)
                .map(|(key, _)| *key)
        {
            shard.remove(&oldest);
        }
        let (tell, ended) = watch::channel(None);
        let submit = Submit {
            until: now + KEPT,
            ended,
        };
        shard.insert(key, submit.clone());
        Board::First(submit, Tell(tell))
    }
}

impl Submit {
    /// Waits for it. `None` if it was broken off.
    pub(crate) async fn ended(mut self) -> Option<Arc<Ended>> {
        let ended = self.ended.wait_for(Option::is_some).await.ok()?;
        ended.clone()
    }
}

impl Tell {
    pub(crate) fn tell(self, ended: Ended) {
        self.0.send_replace(Some(Arc::new(ended)));
    }
}

/// Of both, so that neither is enough. A length is put between them, so that no two pairs can be written as one.
fn key(answer: &[u8], cookie: &[u8]) -> Key {
    let mut context = Context::new(&SHA256);
    context.update(&(answer.len() as u64).to_le_bytes());
    context.update(answer);
    context.update(cookie);
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    const fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn answered(status: u16) -> Ended {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ended::Answered(response)
    }

    async fn status(submit: Submit) -> Option<u16> {
        match submit.ended().await.as_deref()? {
            Ended::Answered(response) => Some(response.status().as_u16()),
            Ended::Over(_) => None,
        }
    }

    fn first(board: Board) -> Option<(Submit, Tell)> {
        match board {
            Board::First(submit, tell) => Some((submit, tell)),
            Board::Again(_) => None,
        }
    }

    fn again(board: Board) -> Option<Submit> {
        match board {
            Board::First(..) => None,
            Board::Again(submit) => Some(submit),
        }
    }

    #[tokio::test]
    async fn whoever_brings_the_same_is_told_the_same_and_nobody_else() {
        let submits = Submits::default();
        let (one, tell) = first(submits.board(b"code=a", b"cookie", at(0))).unwrap();
        let two = again(submits.board(b"code=a", b"cookie", at(1))).unwrap();
        for (answer, cookie) in [
            (&b"code=b"[..], &b"cookie"[..]),
            (b"code=a", b"Cookie"),
            (b"code=ac", b"ookie"),
        ] {
            assert!(first(submits.board(answer, cookie, at(1))).is_some());
        }
        tell.tell(answered(303));
        assert_eq!(
            (status(one).await, status(two).await),
            (Some(303), Some(303))
        );
        let late = again(submits.board(b"code=a", b"cookie", at(59))).unwrap();
        assert_eq!(status(late).await, Some(303));
        assert!(first(submits.board(b"code=a", b"cookie", at(60))).is_some());
    }

    #[tokio::test]
    async fn what_is_broken_off_is_waited_for_no_longer() {
        let submits = Submits::default();
        let (submit, tell) = first(submits.board(b"a", b"b", at(0))).unwrap();
        drop(tell);
        assert_eq!(status(submit).await, None);
    }

    #[test]
    fn it_stays_within_its_bound_and_lets_go_of_what_is_too_old() {
        let submits = Submits::default();
        let kept = || -> usize {
            let shards = submits.shards.iter();
            shards.map(|shard| shard.lock().unwrap().len()).sum()
        };
        for i in 0..10_000u32 {
            assert!(first(submits.board(&i.to_le_bytes(), b"", at(0))).is_some());
        }
        assert_eq!(kept(), SHARDS * PER_SHARD);
        for i in 0..1000u32 {
            submits.board(&i.to_le_bytes(), b"later", at(60));
        }
        assert!(kept() <= 1000);
    }
}
