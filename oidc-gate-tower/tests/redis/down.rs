//! A server that is down, hangs, or dies in the middle of something.

use crate::{
    MINUTE, key, put,
    server::{Server, free_port},
};
use oidc_gate_tower::{SessionBackend as _, Store, store::StoreErrorKind};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Loads until it succeeds, as somebody does who must know.
async fn load(store: &Store, key: &[u8; 32]) -> Option<(Vec<u8>, u64)> {
    let begun = Instant::now();
    loop {
        match store.load(key).await {
            Ok(found) => return found,
            Err(error) if begun.elapsed() > Duration::from_secs(20) => panic!("{error}"),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn nobody_there_is_told_at_once_and_found_when_somebody_is() {
    let port = free_port();
    let store = Store::redis(format!("redis://127.0.0.1:{port}"));
    let begun = Instant::now();
    for n in 0..100 {
        let error = store.load(&key(n)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    let _server = Server::start_on(port, &[]);
    assert_eq!(load(&store, &key(1)).await, None);
    put(&store, &key(1), b"x").await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_in_time_and_then_at_once() {
    let server = Server::start(&[]);
    let store = Store::redis(format!("{}?timeout_ms=400", server.url()));
    put(&store, &key(1), b"x").await;
    server.signal("STOP");
    let begun = Instant::now();
    assert_eq!(
        store.load(&key(1)).await.unwrap_err().kind(),
        StoreErrorKind::Unavailable
    );
    let took = begun.elapsed();
    assert!(
        (Duration::from_millis(300)..Duration::from_millis(1500)).contains(&took),
        "{took:?}"
    );
    // Connecting hangs too: some wait for it, and whoever comes afterwards is told what is known.
    let begun = Instant::now();
    let all: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&key(n)).await.is_err() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    server.signal("CONT");
    assert!(load(&store, &key(1)).await.is_some());
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_costs_nobody_an_error() {
    let server = Server::start(&[]);
    let store = Store::redis(server.url());
    let mut version = put(&store, &key(1), b"x").await;
    for _ in 0..5 {
        server.ask(&["client", "kill", "type", "normal"]);
        // Until the end has been read, it would be sent into a connection that nobody hears.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(
            store
                .compare_and_swap(&key(1), version, b"y".to_vec(), MINUTE)
                .await
                .unwrap()
        );
        version = put(&store, &key(1), b"z").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_true_is_there_after_a_crash_and_no_version_comes_back() {
    let mut server = Server::start(&[]);
    let store = Store::redis(format!("{}?timeout_ms=1000", server.url()));
    let stop = Arc::new(AtomicBool::new(false));
    let (swapped, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            let (swapped, failed) = (Arc::clone(&swapped), Arc::clone(&failed));
            tokio::spawn(async move {
                let key = key(n);
                let mut versions = HashMap::new();
                let (mut told, mut seen) = (0_u64, 0);
                while !stop.load(Ordering::Relaxed) {
                    let next = told + 1;
                    let value = next.to_be_bytes().to_vec();
                    let done = store.compare_and_swap(&key, seen, value, MINUTE * 10).await;
                    let found = load(&store, &key).await;
                    let now = found.as_ref().map_or(0, |(value, _)| {
                        u64::from_be_bytes(value[..].try_into().unwrap())
                    });
                    match done {
                        Ok(true) => assert_eq!(now, next, "told true, and it is not there"),
                        Ok(false) => panic!("told false, and nobody else has written"),
                        Err(_) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            assert!(now == next || now == told, "{now} after {told}");
                        }
                    }
                    swapped.fetch_add(u64::from(now == next), Ordering::Relaxed);
                    told = now;
                    seen = found.map_or(0, |(_, version)| version);
                    if seen != 0 {
                        assert_eq!(
                            *versions.entry(seen).or_insert(now),
                            now,
                            "a version came back"
                        );
                    }
                }
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.restart();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(swapped.load(Ordering::Relaxed) > 50 && failed.load(Ordering::Relaxed) > 0);
}
