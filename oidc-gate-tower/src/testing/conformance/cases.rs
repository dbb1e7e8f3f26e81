//! One function for each claim. `Err` says what was seen instead.

use super::{
    Pass,
    keys::{all, key, polled},
};
use crate::store::{Peek, SessionBackend, StoreError};
use std::{collections::HashSet, error::Error as _, time::Duration};

type Case = Result<(), String>;

const MINUTE: Duration = Duration::from_secs(60);

/// How many at once.
const MANY: u8 = 64;

fn no_error(error: &StoreError) -> String {
    let cause = error.source().map(|cause| format!(" ({cause})"));
    format!(
        "it answered with an error: {error}{}",
        cause.unwrap_or_default()
    )
}

async fn load(
    backend: &impl SessionBackend,
    key: &[u8; 32],
) -> Result<Option<(Vec<u8>, u64)>, String> {
    backend.load(key).await.map_err(|error| no_error(&error))
}

async fn swap(
    backend: &impl SessionBackend,
    key: &[u8; 32],
    seen: u64,
    value: &[u8],
    keep: Duration,
) -> Result<bool, String> {
    backend
        .compare_and_swap(key, seen, value.to_vec(), keep)
        .await
        .map_err(|error| no_error(&error))
}

/// Swaps this in, whatever is there, and answers with its version.
async fn put(
    backend: &impl SessionBackend,
    key: &[u8; 32],
    value: &[u8],
    keep: Duration,
) -> Result<u64, String> {
    let seen = load(backend, key).await?.map_or(0, |(_, version)| version);
    if !swap(backend, key, seen, value, keep).await? {
        return Err(format!(
            "a swap that had seen what is there (version {seen}) was told false"
        ));
    }
    expect(backend, key, value).await
}

/// This is there; its version.
async fn expect(
    backend: &impl SessionBackend,
    key: &[u8; 32],
    value: &[u8],
) -> Result<u64, String> {
    match load(backend, key).await? {
        Some((found, version)) if found == value => Ok(version),
        Some((found, _)) => Err(format!(
            "{} other bytes are there instead of the {} that were swapped in",
            found.len(),
            value.len()
        )),
        None => Err("nothing is there after a swap was told true".to_owned()),
    }
}

fn claim(holds: bool, otherwise: &str) -> Case {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

pub(super) async fn nothing_at_first(backend: &impl SessionBackend, _: Pass) -> Case {
    claim(load(backend, &key()).await?.is_none(), "something is there")
}

pub(super) async fn loads_what_was_swapped(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    put(backend, &key, b"one", MINUTE).await?;
    put(backend, &key, b"another", MINUTE).await.map(drop)
}

pub(super) async fn wrong_version(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let first = put(backend, &key, b"one", MINUTE).await?;
    let second = put(backend, &key, b"two", MINUTE).await?;
    // Of the past, of the future, of nowhere.
    for seen in [
        first,
        second.wrapping_add(1),
        second.wrapping_sub(1),
        !second,
        u64::MAX,
    ] {
        if seen == second || seen == 0 {
            continue;
        }
        if swap(backend, &key, seen, b"three", MINUTE).await? {
            return Err(format!(
                "a swap that has seen {seen} was told true where {second} is"
            ));
        }
        let after = expect(backend, &key, b"two").await?;
        claim(
            after == second,
            "a swap that was told false changed the version",
        )?;
    }
    Ok(())
}

pub(super) async fn version_of_nothing(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    for seen in [1, u64::MAX, 1 << 63] {
        if swap(backend, &key, seen, b"x", MINUTE).await? {
            return Err(format!(
                "a swap that has seen {seen} was told true where nothing is"
            ));
        }
    }
    claim(
        load(backend, &key).await?.is_none(),
        "a swap that was told false wrote something",
    )
}

pub(super) async fn nothing_of_something(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    put(backend, &key, b"one", MINUTE).await?;
    let done = swap(backend, &key, 0, b"two", MINUTE).await?;
    claim(!done, "it was told true")?;
    expect(backend, &key, b"one").await.map(drop)
}

/// Swaps as many at once as there are, and finds that the one that was told `true` is what is there.
async fn race(backend: &impl SessionBackend, key: &[u8; 32], seen: u64) -> Case {
    let swaps = (0..MANY).map(|n| async move { (n, swap(backend, key, seen, &[n], MINUTE).await) });
    let mut winners = Vec::new();
    for (n, done) in all(swaps).await {
        if done? {
            winners.push(n);
        }
    }
    match winners[..] {
        [winner] => expect(backend, key, &[winner]).await.map(drop),
        _ => Err(format!("of {MANY}, {} were told true", winners.len())),
    }
}

pub(super) async fn one_creates(backend: &impl SessionBackend, _: Pass) -> Case {
    race(backend, &key(), 0).await
}

pub(super) async fn one_replaces(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let seen = put(backend, &key, b"first", MINUTE).await?;
    race(backend, &key, seen).await
}

pub(super) async fn no_lost_update(backend: &impl SessionBackend, _: Pass) -> Case {
    const EACH: u64 = 8;
    const WRITERS: u64 = 8;
    let key = &key();
    put(backend, key, &0_u64.to_be_bytes(), MINUTE).await?;
    let writers = (0..WRITERS).map(|_| async move {
        let mut done = 0;
        while done < EACH {
            let Some((value, version)) = load(backend, key).await? else {
                return Err("the value has gone".to_owned());
            };
            let count = value.try_into().map(u64::from_be_bytes).unwrap_or_default();
            if swap(backend, key, version, &(count + 1).to_be_bytes(), MINUTE).await? {
                done += 1;
            } else {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    });
    all(writers).await.into_iter().collect::<Case>()?;
    let (value, _) = load(backend, key).await?.ok_or("the value has gone")?;
    let count = value.try_into().map(u64::from_be_bytes).unwrap_or_default();
    if count == EACH * WRITERS {
        return Ok(());
    }
    Err(format!(
        "{} additions were told true, and the sum is {count}",
        EACH * WRITERS
    ))
}

pub(super) async fn versions_differ(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let mut seen = HashSet::new();
    for n in 0..MANY {
        let version = put(backend, &key, &[n], MINUTE).await?;
        claim(version != 0, "the version is 0")?;
        claim(seen.insert(version), "a version came back")?;
    }
    Ok(())
}

pub(super) async fn same_value_other_version(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let before = put(backend, &key, b"a", MINUTE).await?;
    put(backend, &key, b"b", MINUTE).await?;
    put(backend, &key, b"a", MINUTE).await?;
    let done = swap(backend, &key, before, b"c", MINUTE).await?;
    claim(
        !done,
        "whoever has seen it before it went and returned was told true",
    )
}

pub(super) async fn no_version_after_expiry(backend: &impl SessionBackend, pass: Pass) -> Case {
    let key = key();
    let mut seen = HashSet::new();
    for n in 0..3_u8 {
        for m in 0..3_u8 {
            let version = put(backend, &key, &[n, m], pass.short()).await?;
            claim(
                seen.insert(version),
                "what is new under the key has a version that was there before",
            )?;
        }
        gone(backend, &key, pass).await?;
    }
    Ok(())
}

pub(super) async fn empty_value(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let version = put(backend, &key, b"", MINUTE).await?;
    let done = swap(backend, &key, 0, b"x", MINUTE).await?;
    claim(!done, "an empty value was taken for nothing")?;
    let done = swap(backend, &key, version, b"", MINUTE).await?;
    claim(done, "an empty value was not replaced by another")
}

pub(super) async fn any_byte(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let bytes: Vec<u8> = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
    put(backend, &key, &bytes, MINUTE).await?;
    // What ends a string, a line, or is no UTF-8.
    for value in [
        &b"\0"[..],
        b"\r\n",
        b"a\0b",
        b"\xff\xfe\0\n",
        b"\"\\'",
        b"\xf0\x28\x8c\x28",
    ] {
        put(backend, &key, value, MINUTE).await?;
    }
    Ok(())
}

pub(super) async fn large_value(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let value: Vec<u8> = (b' '..=b'~').cycle().take(1 << 20).collect();
    put(backend, &key, &value, MINUTE).await?;
    // Gives the room back.
    put(backend, &key, b"short", MINUTE).await.map(drop)
}

pub(super) async fn neighbours(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let version = put(backend, &key, b"mine", MINUTE).await?;
    for byte in 0..32 {
        let mut other = key;
        other[byte] ^= 1 << (byte % 8);
        claim(
            load(backend, &other).await?.is_none(),
            "a value is seen under another key",
        )?;
        put(backend, &other, &[byte as u8], MINUTE).await?;
    }
    claim(
        expect(backend, &key, b"mine").await? == version,
        "a swap of another key changed the version of this one",
    )
}

pub(super) async fn many_keys(backend: &impl SessionBackend, _: Pass) -> Case {
    let keys: Vec<_> = (0..MANY).map(|n| (n, key())).collect();
    let writes = keys.iter().map(|(n, key)| async move {
        for round in 0..4 {
            put(backend, key, &[*n, round], MINUTE).await?;
        }
        Ok(())
    });
    all(writes).await.into_iter().collect::<Case>()?;
    for (n, key) in &keys {
        expect(backend, key, &[*n, 3]).await?;
    }
    Ok(())
}

/// Waits until nothing is there, for as long as a backend may take to clear up and be tested.
async fn gone(backend: &impl SessionBackend, key: &[u8; 32], pass: Pass) -> Case {
    pass.by(pass.short()).await;
    for _ in 0..100 {
        if load(backend, key).await?.is_none() {
            return Ok(());
        }
        pass.by(pass.short() / 3).await;
    }
    Err("what was to be kept for a moment is there for good".to_owned())
}

pub(super) async fn kept(backend: &impl SessionBackend, pass: Pass) -> Case {
    let key = key();
    let keep = pass.short() * 4;
    let begun = tokio::time::Instant::now();
    put(backend, &key, b"x", keep).await?;
    pass.by(pass.short() * 2).await;
    let found = load(backend, &key).await?;
    // On a machine that is too busy, this shows nothing.
    claim(
        found.is_some() || begun.elapsed() >= keep,
        "it has gone before its time",
    )
}

pub(super) async fn cleared(backend: &impl SessionBackend, pass: Pass) -> Case {
    let key = key();
    put(backend, &key, b"x", pass.short()).await?;
    gone(backend, &key, pass).await?;
    // Nothing is there, in every sense.
    let done = swap(backend, &key, 0, b"y", MINUTE).await?;
    claim(
        done,
        "nothing is loaded, and a swap that has seen nothing is told false",
    )?;
    expect(backend, &key, b"y").await.map(drop)
}

pub(super) async fn lengthened(backend: &impl SessionBackend, pass: Pass) -> Case {
    let key = key();
    put(backend, &key, b"x", pass.short()).await?;
    put(backend, &key, b"y", pass.short() * 100).await?;
    pass.by(pass.short() * 2).await;
    expect(backend, &key, b"y")
        .await
        .map(drop)
        .map_err(|_| "it has gone at the time of the value before it".to_owned())
}

pub(super) async fn shortened(backend: &impl SessionBackend, pass: Pass) -> Case {
    let key = key();
    put(backend, &key, b"x", pass.short() * 10_000).await?;
    put(backend, &key, b"y", pass.short()).await?;
    gone(backend, &key, pass).await
}

pub(super) async fn for_ever(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    put(backend, &key, b"x", Duration::MAX).await?;
    put(backend, &key, b"y", Duration::from_millis(1))
        .await
        .map(drop)
        .or_else(|why| {
            // It may have gone before it was loaded.
            if why.starts_with("nothing is there") {
                Ok(())
            } else {
                Err(why)
            }
        })
}

pub(super) async fn seen_at_once(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = &key();
    for n in 0..MANY {
        put(backend, key, &[n], MINUTE).await?;
        let loads = all((0..8).map(|_| load(backend, key))).await;
        for found in loads {
            let found = found?.map(|(value, _)| value);
            claim(
                found == Some(vec![n]),
                "a load after the swap answered with something older",
            )?;
        }
    }
    Ok(())
}

pub(super) async fn dropped_swaps(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let mut version = put(backend, &key, b"0", MINUTE).await?;
    for times in 0..u32::from(MANY) {
        let value = vec![times as u8; 10_000];
        let swap = backend.compare_and_swap(&key, version, value.clone(), MINUTE);
        let told = polled(swap, times % 8).await;
        let (found, now) = load(backend, &key).await?.ok_or("the value has gone")?;
        if let Some(Ok(told)) = told {
            claim(
                told == (now != version),
                "it was told otherwise than it happened",
            )?;
        }
        let whole = found == value || now == version;
        claim(
            whole,
            "a part of the value is there, or the version is another and the value is not",
        )?;
        version = settle(backend, &key).await?;
    }
    Ok(())
}

/// Like [`put`], where a swap that was dropped may yet come in between.
async fn settle(backend: &impl SessionBackend, key: &[u8; 32]) -> Result<u64, String> {
    let mut last = put(backend, key, b"0", MINUTE).await;
    for _ in 0..10 {
        if last.is_ok() {
            break;
        }
        last = put(backend, key, b"0", MINUTE).await;
    }
    last
}

pub(super) async fn nothing_left_behind(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let mut held = Vec::new();
    for times in 0..8 {
        // Begun and not ended: neither dropped nor ever polled again.
        let mut future = Box::pin(backend.compare_and_swap(&key, 0, b"x".to_vec(), MINUTE));
        for _ in 0..times {
            let polled = std::future::poll_fn(|context| {
                std::task::Poll::Ready(future.as_mut().poll(context).is_ready())
            })
            .await;
            if polled {
                break;
            }
            tokio::task::yield_now().await;
        }
        held.push(future);
    }
    drop(held);
    load(backend, &key).await?;
    put(backend, &self::key(), b"y", MINUTE).await.map(drop)
}

pub(super) async fn at_hand(backend: &impl SessionBackend, _: Pass) -> Case {
    let key = key();
    let known = |peek, found: Option<&(Vec<u8>, u64)>| match peek {
        Peek::Known(at_hand) => at_hand.as_ref() == found,
        Peek::Elsewhere => true,
    };
    claim(
        known(backend.peek(&key), None),
        "something is at hand where nothing is",
    )?;
    for value in [&b"one"[..], b"two"] {
        put(backend, &key, value, MINUTE).await?;
        let found = load(backend, &key).await?;
        claim(
            known(backend.peek(&key), found.as_ref()),
            "what is at hand is not what is there",
        )?;
    }
    Ok(())
}
