//! A master and a replica that Sentinel watches.

use crate::{MINUTE, key, put, server::Server};
use oidc_gate_tower::{
    SessionBackend as _, Store,
    store::StoreErrorKind,
    testing::conformance::{self, Pass},
};
use std::time::{Duration, Instant};

struct Watched {
    master: Server,
    replica: Server,
    sentinel: Server,
}

impl Watched {
    fn start() -> Self {
        let master = Server::start(&[]);
        let port = master.port.to_string();
        let replica = Server::start(&["--replicaof", &format!("127.0.0.1 {port}")]);
        replica.until("the replica follows", || {
            replica
                .ask(&["info", "replication"])
                .contains("master_link_status:up")
        });
        let sentinel = Server::sentinel(master.port);
        let watched = Self {
            master,
            replica,
            sentinel,
        };
        watched.sentinel.until("sentinel knows the replica", || {
            watched
                .sentinel
                .ask(&["sentinel", "replicas", "mymaster"])
                .contains(&watched.replica.port.to_string())
        });
        watched
    }

    /// The first sentinel that is named is not there.
    fn store(&self) -> Store {
        let port = self.sentinel.port;
        Store::redis(format!(
            "redis-sentinel://127.0.0.1:1,127.0.0.1:{port}/mymaster"
        ))
    }

    fn named(&self) -> String {
        let address = self
            .sentinel
            .ask(&["sentinel", "get-master-addr-by-name", "mymaster"]);
        address.lines().last().unwrap_or_default().to_owned()
    }
}

/// Swaps until it succeeds.
async fn eventually(store: &Store, key: &[u8; 32], value: &[u8]) {
    let begun = Instant::now();
    loop {
        if let Ok(found) = store.load(key).await {
            let seen = found.map_or(0, |(_, version)| version);
            match store
                .compare_and_swap(key, seen, value.to_vec(), MINUTE)
                .await
            {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "not within 30 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_master_is_found_and_keeps_every_sentence() {
    let watched = Watched::start();
    conformance::check(&watched.store(), Pass::Wait).await;
    let other = Store::redis(format!(
        "redis-sentinel://127.0.0.1:{}/other",
        watched.sentinel.port
    ));
    let error = other.load(&key(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn the_store_goes_to_the_new_master_and_back() {
    let mut watched = Watched::start();
    let store = watched.store();
    put(&store, &key(1), b"one").await;
    watched.replica.until("the replica has it", || {
        watched.replica.ask(&["dbsize"]) == "1"
    });
    // It has to know for a while that the replica is well.
    watched.sentinel.until("sentinel takes the replica", || {
        watched.sentinel.ask(&["sentinel", "failover", "mymaster"]) == "OK"
    });
    let new = watched.replica.port.to_string();
    // Swapping all the while.
    let begun = Instant::now();
    while watched.named() != new {
        eventually(&store, &key(2), b"during").await;
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "no failover within 30 s"
        );
    }
    eventually(&store, &key(2), b"two").await;
    let old = &watched.master;
    old.until("the old master follows", || {
        old.ask(&["info", "replication"])
            .contains("master_link_status:up")
    });
    // What is swapped now is swapped at the new one.
    eventually(&store, &key(3), b"three").await;
    let (value, _) = store.load(&key(1)).await.unwrap().unwrap();
    assert_eq!(value, b"one");
    assert_eq!(watched.replica.ask(&["dbsize"]), "3");

    // It dies, and Sentinel finds out by itself.
    old.until("the old master has it all", || old.ask(&["dbsize"]) == "3");
    watched.replica.kill();
    eventually(&store, &key(4), b"four").await;
    assert_eq!(watched.named(), watched.master.port.to_string());
    let (value, _) = store.load(&key(3)).await.unwrap().unwrap();
    assert_eq!(value, b"three");
}

/// What `Store::redis` says that Redis can lose.
#[tokio::test]
async fn what_the_replica_had_not_got_is_lost_and_who_has_seen_it_overwrites_nothing() {
    let mut watched = Watched::start();
    let store = watched.store();
    let before = put(&store, &key(1), b"before").await;
    watched.replica.until("the replica has it", || {
        watched.replica.ask(&["dbsize"]) == "1"
    });
    // With the connection between them, or it would be given what waits there.
    watched.replica.signal("STOP");
    watched.master.ask(&["client", "kill", "type", "replica"]);
    let lost = put(&store, &key(1), b"told true").await;
    watched.master.kill();
    watched.replica.signal("CONT");
    eventually(&store, &key(2), b"x").await;
    assert_eq!(
        store.load(&key(1)).await.unwrap(),
        Some((b"before".to_vec(), before))
    );
    assert!(
        !store
            .compare_and_swap(&key(1), lost, b"next".to_vec(), MINUTE)
            .await
            .unwrap()
    );
}
