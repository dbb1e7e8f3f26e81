//! A store that does not answer loses nobody, and lets nobody in.

use crate::world::{NAVIGATION, World, world_with};
use oidc_gate_tower::{SessionBackend, Store, StoreError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Memory that does not answer while it is told not to.
#[derive(Clone)]
struct Flaky {
    memory: Store,
    down: Arc<AtomicBool>,
}

impl Flaky {
    fn answer(&self) -> Result<(), StoreError> {
        match self.down.load(Ordering::SeqCst) {
            true => Err(StoreError::unavailable("it is down on purpose")),
            false => Ok(()),
        }
    }
}

impl SessionBackend for Flaky {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        self.answer()?;
        self.memory.load(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        self.answer()?;
        self.memory.compare_and_swap(key, seen, value, keep).await
    }
}

/// A world with this store, and what it is for there.
type Way = (fn(Store) -> World, &'static str);

/// Sessions that are stored, and sessions in cookies that replicas coordinate.
fn both() -> [Way; 2] {
    [
        (|store| world_with(|gate| gate.store(store)), "stored"),
        (
            |store| world_with(|gate| gate.coordinator(store)),
            "coordinated",
        ),
    ]
}

pub(crate) fn flaky() -> (Store, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(false));
    let backend = Flaky {
        memory: Store::memory(),
        down: down.clone(),
    };
    (Store::custom(backend), down)
}

#[tokio::test]
async fn requests_are_503_meanwhile_and_nobody_has_lost_a_session() {
    for (world, name) in both() {
        let (store, down) = flaky();
        let mut w = world(store);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        down.store(true, Ordering::SeqCst);
        w.log.clear();
        let answer = w.script(&cookies).await;
        assert_eq!(
            (answer.status, answer.set_cookies().len()),
            (503, 0),
            "{name}"
        );
        assert_eq!(w.log.checks(), ["session.store_unavailable"]);
        assert_ne!(answer.header("retry-after"), "");
        // Nobody is recognised on an open path, and nobody refused.
        let open = w.fetch("/", &cookies).await;
        assert_eq!((open.status, open.set_cookies().len()), (200, 0), "{name}");
        assert!(open.body.starts_with("/ nobody"), "{}", open.body);
        let auth = w.fetch("/oauth2/auth", &cookies).await;
        assert_eq!(auth.status, 503, "{name}");
        down.store(false, Ordering::SeqCst);
        assert_eq!(w.script(&cookies).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn nobody_is_told_to_be_signed_out_who_is_not() {
    for (world, name) in both() {
        let (store, down) = flaky();
        let mut w = world(store);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        down.store(true, Ordering::SeqCst);
        let answer = w.sign_out(&cookies).await;
        assert_eq!(
            (answer.status, answer.set_cookies().len()),
            (503, 0),
            "{name}"
        );
        down.store(false, Ordering::SeqCst);
        assert_eq!(w.script(&cookies).await.status, 200, "{name}");
        assert_eq!(w.sign_out(&cookies).await.status, 200, "{name}");
        assert_eq!(w.script(&cookies).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_written_down_is_none_and_says_so() {
    let (store, down) = flaky();
    let mut w = world_with(|gate| gate.store(store));
    let url = w.callback("alice", "/me").await;
    down.store(true, Ordering::SeqCst);
    w.log.clear();
    let cookies = w.cookie_line();
    let headers = [NAVIGATION, &[("cookie", &*cookies)]].concat();
    let target = url.strip_prefix(crate::world::APP).unwrap();
    let answer = w.request("GET", target, &headers).await;
    assert_eq!(answer.status, 503);
    assert_eq!(w.log.checks(), ["session.store_unavailable"]);
}
