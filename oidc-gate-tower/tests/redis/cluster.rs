//! A cluster of three.

use crate::{MINUTE, key, put, server::Server};
use oidc_gate_tower::{
    SessionBackend as _, Store,
    store::StoreErrorKind,
    testing::conformance::{self, Pass},
};
use std::{process::Command, time::Duration};

struct Cluster([Server; 3]);

impl Cluster {
    fn start() -> Self {
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let servers = [(); 3].map(|()| Server::start(&options));
        let output = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(
                servers
                    .iter()
                    .map(|server| format!("127.0.0.1:{}", server.port)),
            )
            .arg("--cluster-yes")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        let cluster = Self(servers);
        cluster.is_well();
        cluster
    }

    /// Waits until every server says so.
    fn is_well(&self) {
        for server in &self.0 {
            server.until("the cluster is well", || {
                server
                    .ask(&["cluster", "info"])
                    .contains("cluster_state:ok")
            });
        }
    }

    /// Only the first is named: the others have to be found.
    fn store(&self) -> Store {
        Store::redis(format!("redis-cluster://127.0.0.1:{}", self.0[0].port))
    }

    /// Which of the three has the slot.
    fn owner(&self, slot: &str) -> usize {
        let slot: u32 = slot.parse().unwrap();
        let nodes = self.0[0].ask(&["cluster", "nodes"]);
        let has = |range: &str| match range.split_once('-') {
            Some((first, last)) => {
                (first.parse().unwrap()..=last.parse::<u32>().unwrap()).contains(&slot)
            }
            None => range.parse() == Ok(slot),
        };
        let line = nodes
            .lines()
            .find(|line| {
                line.split(' ')
                    .skip(8)
                    .any(|range| !range.starts_with('[') && has(range))
            })
            .unwrap();
        let at = |server: &Server| line.contains(&format!("127.0.0.1:{}@", server.port));
        self.0.iter().position(at).unwrap()
    }
}

fn name(key: &[u8; 32]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("oidc-gate:{}", URL_SAFE_NO_PAD.encode(key))
}

#[tokio::test]
async fn a_cluster_keeps_every_sentence_and_all_of_it_is_used() {
    let cluster = Cluster::start();
    let store = cluster.store();
    conformance::check(&store, Pass::Wait).await;
    for n in 0..60 {
        put(&store, &key(n), b"x").await;
    }
    for server in &cluster.0 {
        let count: u32 = server.ask(&["dbsize"]).parse().unwrap();
        assert!(count > 5, "{count}");
    }
    // A client that knows one server only is told that it has the wrong address.
    let one = Store::redis(cluster.0[0].url());
    let mut kinds = Vec::new();
    for n in 0..60 {
        kinds.extend(one.load(&key(n)).await.err().map(|error| error.kind()));
    }
    assert!(
        kinds.len() > 10
            && kinds
                .iter()
                .all(|kind| *kind == StoreErrorKind::Misconfigured)
    );
}

#[tokio::test]
async fn a_slot_that_moves_is_followed_while_it_moves_and_afterwards() {
    let cluster = Cluster::start();
    let store = cluster.store();
    let key = key(7);
    let mut version = put(&store, &key, b"before").await;
    let slot = cluster.0[0].ask(&["cluster", "keyslot", &name(&key)]);
    let from = cluster.owner(&slot);
    let to = (from + 1) % 3;
    let id = |n: usize| cluster.0[n].ask(&["cluster", "myid"]);
    let (from_id, to_id) = (id(from), id(to));
    assert_eq!(
        cluster.0[to].ask(&["cluster", "setslot", &slot, "importing", &from_id]),
        "OK"
    );
    assert_eq!(
        cluster.0[from].ask(&["cluster", "setslot", &slot, "migrating", &to_id]),
        "OK"
    );
    // Not moved yet: still there.
    assert_eq!(
        store.load(&key).await.unwrap(),
        Some((b"before".to_vec(), version))
    );
    let port = cluster.0[to].port.to_string();
    assert_eq!(
        cluster.0[from].ask(&["migrate", "127.0.0.1", &port, &name(&key), "0", "5000"]),
        "OK"
    );
    // Moved, and the slot has not: the old server says whom to ask this once.
    assert_eq!(
        store.load(&key).await.unwrap(),
        Some((b"before".to_vec(), version))
    );
    assert!(
        store
            .compare_and_swap(&key, version, b"during".to_vec(), MINUTE)
            .await
            .unwrap()
    );
    assert!(
        !store
            .compare_and_swap(&key, version, b"late".to_vec(), MINUTE)
            .await
            .unwrap()
    );
    version = store.load(&key).await.unwrap().unwrap().1;
    for server in [to, from] {
        cluster.0[server].ask(&["cluster", "setslot", &slot, "node", &to_id]);
    }
    assert_eq!(
        store.load(&key).await.unwrap(),
        Some((b"during".to_vec(), version))
    );
    put(&store, &key, b"after").await;
}

#[tokio::test]
async fn a_server_that_is_gone_takes_its_own_keys_with_it_until_it_is_back() {
    let mut cluster = Cluster::start();
    for server in &cluster.0 {
        server.ask(&["config", "set", "cluster-require-full-coverage", "no"]);
    }
    let store = cluster.store();
    for n in 0..30 {
        put(&store, &key(n), b"x").await;
    }
    // The one that the store was told of: the others are known by now.
    cluster.0[0].kill();
    let (mut there, mut gone) = (0, 0);
    for n in 0..30 {
        match store.load(&key(n)).await {
            Ok(found) => {
                assert!(found.is_some());
                there += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                gone += 1;
            }
        }
    }
    assert!(there > 5 && gone > 5, "{there} are there, {gone} gone");
    cluster.0[0].restart();
    cluster.is_well();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for n in 0..30 {
        put(&store, &key(n), b"y").await;
    }
}
