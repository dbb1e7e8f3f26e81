//! Connections that outlive their request, and the end of the session they belong to: here, and in another replica.

use crate::{
    refresh::{stored, strict},
    world::{
        APP, CLIENT_SECRET, COOKIE_SECRET, ISSUER, World, principal, serve, world, world_with,
    },
};
use oidc_gate_tower::{
    ClientAuth, Clock as _, CookieKeys, Gate, GateBuilder, SessionBackend, SessionEnd, Store,
    StoreError,
    core::{
        flow::{Entropy, EntropyUnavailable, Env, Step},
        secret::ClientSecret,
        session::{
            CookieKeys as CoreKeys, StoreKey, Stored,
            coordinate::{Effect, Machine as _, News, Tell, Told},
        },
    },
    dev::Fault,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Memory that several gates share, and what they ask it.
#[derive(Clone)]
struct Shared {
    memory: Store,
    down: Arc<AtomicBool>,
    /// Nothing is told there: whoever was to tell has died before it could.
    silent: Arc<AtomicBool>,
    loads: Arc<Mutex<Vec<StoreKey>>>,
}

impl Shared {
    fn new() -> Self {
        Self {
            memory: Store::memory(),
            down: Arc::default(),
            silent: Arc::default(),
            loads: Arc::default(),
        }
    }

    fn store(&self) -> Store {
        Store::custom(self.clone())
    }

    fn fails(&self, key: &[u8; 32]) -> Result<(), StoreError> {
        let is_silent = self.silent.load(Ordering::SeqCst) && key == News::key().as_bytes();
        match self.down.load(Ordering::SeqCst) || is_silent {
            true => Err(StoreError::unavailable("it is down on purpose")),
            false => Ok(()),
        }
    }

    /// How often the news were read, and how often anything else, since this was asked last.
    fn loads(&self) -> (usize, usize) {
        let loads = std::mem::take(&mut *self.loads.lock().unwrap());
        let news = loads.iter().filter(|key| **key == News::key()).count();
        (news, loads.len() - news)
    }

    /// Has somebody tell of these sessions, sealed with these keys.
    async fn tell(&self, w: &World, secret: &str, sessions: Vec<StoreKey>) {
        let mut tell = Tell::of(&CoreKeys::parse(secret).unwrap(), sessions);
        let mut told = Told::Start;
        loop {
            let mut env = Env {
                now: w.clock.now(),
                entropy: &mut NoEntropy,
            };
            told = match tell.resume(told, &mut env) {
                Effect::Load(key) => {
                    let found = self.memory.load(key.as_bytes()).await.unwrap();
                    let found = found.map(|(bytes, version)| Stored::new(bytes, version));
                    Told::Loaded(Ok(found))
                }
                Effect::Swap(swap) => {
                    let key = *swap.key.as_bytes();
                    let swapped = self
                        .memory
                        .compare_and_swap(&key, swap.seen, swap.bytes, swap.keep);
                    Told::Swapped(Ok(swapped.await.unwrap()))
                }
                Effect::Flow(Step::Done(told)) => return assert!(told.is_ok()),
                Effect::Flow(_) => unreachable!("nobody is asked"),
            };
        }
    }
}

impl SessionBackend for Shared {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        self.loads.lock().unwrap().push(StoreKey::from_bytes(*key));
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("it is down on purpose"));
        }
        self.memory.load(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        self.fails(key)?;
        self.memory.compare_and_swap(key, seen, value, keep).await
    }
}

/// Telling takes none.
#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

/// Somebody who waits for the end of a session.
struct Connection(JoinHandle<SessionEnd>);

impl Connection {
    /// Is open, and has looked once.
    async fn open(gate: &Gate, cookies: &str) -> Self {
        let user = principal(gate, cookies).await;
        let waiting = tokio::spawn(async move { user.session_end().await });
        sleep(Duration::from_millis(1)).await;
        Self(waiting)
    }

    /// How it ends, if it does so soon.
    async fn end_within(&mut self, limit: Duration) -> Option<SessionEnd> {
        timeout(limit, &mut self.0).await.ok().map(Result::unwrap)
    }
}

/// Another process of the same application, at the same provider.
fn replica(w: &World, keep: impl FnOnce(GateBuilder) -> GateBuilder) -> Gate {
    let secret = ClientSecret::new(CLIENT_SECRET);
    let gate = Gate::builder()
        .issuer(ISSUER)
        .client("app", ClientAuth::client_secret_basic(secret))
        .base_url(APP)
        .cookie_keys(CookieKeys::parse(COOKIE_SECRET).unwrap())
        .http_client(w.wire.clone())
        .clock(w.clock.clone());
    keep(gate).build().unwrap()
}

/// Two replicas that share a store, and alice, who has signed in at the first.
async fn two(shared: &Shared) -> (World, Gate, String) {
    let mut w = world_with(|gate| gate.store(shared.store()));
    let other = replica(&w, |gate| gate.store(shared.store()));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    (w, other, cookies)
}

type Keep = fn(GateBuilder) -> GateBuilder;

const WAYS: [(&str, Keep); 3] = [
    ("cookies", |gate| gate),
    ("memory", |gate| gate.store(Store::memory())),
    ("a shared store", |gate| gate.store(Shared::new().store())),
];

#[tokio::test(start_paused = true)]
async fn a_sign_out_is_told_at_once_in_its_own_process() {
    for (name, keep) in WAYS {
        let mut w = world_with(keep);
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let mut both = [
            Connection::open(&w.gate, &cookies).await,
            Connection::open(&w.gate, &cookies).await,
        ];
        let mut other = w.another_browser();
        std::mem::swap(&mut w.browser, &mut other);
        w.sign_in("bob", "/me").await;
        let mut bobs = Connection::open(&w.gate, &w.cookie_line()).await;
        assert_eq!(w.sign_out(&cookies).await.status, 200);
        for connection in &mut both {
            let end = connection.end_within(Duration::from_millis(1)).await;
            assert_eq!(end, Some(SessionEnd::SignedOut), "{name}");
        }
        assert_eq!(bobs.end_within(10 * MINUTE).await, None, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_connects_with_a_session_that_has_ended_meanwhile_is_told_at_once() {
    let mut w = world();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let user = principal(&w.gate, &cookies).await;
    w.sign_out(&cookies).await;
    let end = timeout(Duration::from_millis(1), user.session_end()).await;
    assert_eq!(end, Ok(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn an_end_by_the_application_is_told() {
    let mut w = world_with(|gate| gate.store(Store::memory()));
    w.sign_in("alice", "/me").await;
    let mut connection = Connection::open(&w.gate, &w.cookie_line()).await;
    let all = w.gate.sessions_of(ISSUER, "alice").await.unwrap();
    w.gate.end_session(&all[0]).await.unwrap();
    let end = connection.end_within(Duration::from_millis(1)).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn who_has_only_a_connection_open_is_ended_with_all_sessions_of_the_user() {
    let mut w = world_with(|gate| gate.store(Store::memory()).session_limits(MINUTE, HOUR));
    w.sign_in("alice", "/me").await;
    let mut connection = Connection::open(&w.gate, &w.cookie_line()).await;
    w.advance(600);
    assert_eq!(connection.end_within(MINUTE).await, None);
    // It has idled out meanwhile.
    assert_eq!(w.gate.end_sessions_of(ISSUER, "alice").await, Ok(0));
    let end = connection.end_within(Duration::from_millis(1)).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn another_users_sign_in_ends_it_at_once_and_the_same_users_after_a_minute() {
    for (name, keep) in WAYS {
        let mut w = world_with(keep);
        w.sign_in("alice", "/me").await;
        let mut first = Connection::open(&w.gate, &w.cookie_line()).await;
        let url = w.callback("alice", "/me").await;
        w.browser.get(&url).await;
        let mut second = Connection::open(&w.gate, &w.cookie_line()).await;
        w.advance(59);
        assert_eq!(first.end_within(SECOND / 2).await, None, "{name}");
        w.advance(1);
        let end = first.end_within(MINUTE).await;
        assert_eq!(end, Some(SessionEnd::Replaced), "{name}");

        let url = w.callback("bob", "/me").await;
        w.browser.get(&url).await;
        let end = second.end_within(Duration::from_millis(1)).await;
        assert_eq!(end, Some(SessionEnd::SignedOut), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_absolute_limit_is_told_to_the_second_and_the_idle_limit_is_none() {
    for (name, keep) in WAYS {
        let mut w = world_with(|gate| keep(gate).session_limits(MINUTE, HOUR));
        w.sign_in("alice", "/me").await;
        let mut connection = Connection::open(&w.gate, &w.cookie_line()).await;
        w.advance(3590);
        assert_eq!(connection.end_within(MINUTE).await, None, "{name}");
        w.advance(10);
        // It has looked since, and knows how long there is to wait.
        let end = connection.end_within(10 * SECOND).await;
        assert_eq!(end, Some(SessionEnd::Limit), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_refresh_the_provider_refuses_is_told() {
    let mut w = stored();
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let mut connection = Connection::open(&w.gate, &cookies).await;
    w.advance(295);
    w.fault(Fault::RefreshRefused);
    assert_eq!(w.script(&cookies).await.status, 401);
    let end = connection.end_within(Duration::from_millis(1)).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_in_other_replicas() {
    let shared = Shared::new();
    let mut w = strict(|provider| provider, |gate| gate.store(shared.store()));
    let other = replica(&w, |gate| gate.store(shared.store()));
    w.sign_in("alice", "/me").await;
    let cookies = w.cookie_line();
    let mut connection = Connection::open(&other, &cookies).await;
    w.advance(295);
    w.fault(Fault::RefreshRefused);
    assert_eq!(w.script(&cookies).await.status, 401);
    let end = connection.end_within(SECOND / 2).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_ends_is_told_within_half_a_second() {
    type Way = (&'static str, fn(GateBuilder, Store) -> GateBuilder);
    let ways: [Way; 3] = [
        ("stored", |gate, store| gate.store(store)),
        ("coordinated", |gate, store| gate.coordinator(store)),
        ("cached", |gate, store| {
            gate.store(store.local_cache(MINUTE))
        }),
    ];
    for (name, keep) in ways {
        let shared = Shared::new();
        let mut w = world_with(|gate| keep(gate, shared.store()));
        let other = replica(&w, |gate| keep(gate, shared.store()));
        w.sign_in("alice", "/me").await;
        let cookies = w.cookie_line();
        let mut connections = Vec::new();
        for _ in 0..3 {
            connections.push(Connection::open(&other, &cookies).await);
        }
        // However long they have been open, and whatever was told meanwhile.
        shared.tell(&w, COOKIE_SECRET, vec![key(1)]).await;
        sleep(10 * MINUTE).await;
        assert_eq!(w.sign_out(&cookies).await.status, 200);
        for connection in &mut connections {
            let end = connection.end_within(SECOND / 2).await;
            assert_eq!(end, Some(SessionEnd::SignedOut), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_meanwhile_loses_nothing() {
    let shared = Shared::new();
    let (w, other, cookies) = two(&shared).await;
    let mut connection = Connection::open(&other, &cookies).await;
    sleep(MINUTE / 2).await;
    // For the other replica alone: what this one does is written.
    let elsewhere = Shared {
        down: Arc::default(),
        ..shared.clone()
    };
    let third = replica(&w, |gate| gate.store(elsewhere.store()));
    shared.down.store(true, Ordering::SeqCst);
    assert_eq!(connection.end_within(MINUTE).await, None);
    let out = sign_out(&third, &cookies).await;
    assert_eq!(out, 200);
    third.drain(SECOND).await.unwrap();
    assert_eq!(connection.end_within(10 * MINUTE).await, None);
    shared.down.store(false, Ordering::SeqCst);
    let end = connection.end_within(SECOND + SECOND / 2).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn of_an_end_that_nobody_tells_the_others_know_within_a_minute() {
    let shared = Shared::new();
    let (w, other, cookies) = two(&shared).await;
    let mut connection = Connection::open(&other, &cookies).await;
    shared.silent.store(true, Ordering::SeqCst);
    assert_eq!(w.sign_out(&cookies).await.status, 200);
    // Each looks by itself then, and they do not all look together.
    assert_eq!(connection.end_within(44 * SECOND).await, None);
    let end = connection.end_within(16 * SECOND).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_be_told_what_has_happened_looks_within_a_second() {
    let another = "b3RoZXIga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhIT8=";
    let many: Vec<_> = (0..2000).map(key).collect();
    // More than are listed; and a list that does not open.
    for (secret, sessions) in [(COOKIE_SECRET, many), (another, vec![key(1)])] {
        let shared = Shared::new();
        let (w, other, cookies) = two(&shared).await;
        let mut connection = Connection::open(&other, &cookies).await;
        shared.silent.store(true, Ordering::SeqCst);
        assert_eq!(w.sign_out(&cookies).await.status, 200);
        shared.tell(&w, secret, sessions).await;
        let end = connection.end_within(SECOND + SECOND / 2).await;
        assert_eq!(end, Some(SessionEnd::SignedOut));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_by_name_does_not_wait_for_its_turn() {
    let another = "b3RoZXIga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMhIT8=";
    // Turns differ by session: of so many, some would have had to wait.
    for _ in 0..8 {
        let shared = Shared::new();
        let (w, other, cookies) = two(&shared).await;
        let mut connection = Connection::open(&other, &cookies).await;
        shared.tell(&w, another, vec![key(1)]).await;
        sleep(SECOND / 4).await;
        assert_eq!(sign_out(&other, &cookies).await, 200);
        let end = connection.end_within(Duration::from_millis(1)).await;
        assert_eq!(end, Some(SessionEnd::SignedOut));
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_reads_once_for_all_its_connections_and_no_more_when_they_are_gone() {
    let shared = Shared::new();
    let (w, other, cookies) = two(&shared).await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(Connection::open(&other, &cookies).await);
    }
    sleep(SECOND / 2).await;
    shared.loads();
    sleep(10 * SECOND).await;
    assert_eq!(shared.loads(), (40, 0));
    // They are nothing that a process would have to finish.
    assert_eq!(other.drain(Duration::ZERO).await, Ok(()));

    let last = connections.pop();
    for connection in connections {
        connection.0.abort();
    }
    sleep(SECOND).await;
    shared.loads();
    sleep(SECOND).await;
    assert_eq!(shared.loads(), (4, 0));
    last.unwrap().0.abort();
    sleep(SECOND).await;
    shared.loads();
    sleep(HOUR).await;
    assert_eq!(shared.loads(), (0, 0));

    // Whoever comes later is told as well.
    let mut connection = Connection::open(&other, &cookies).await;
    sleep(SECOND).await;
    assert_eq!(w.sign_out(&cookies).await.status, 200);
    let end = connection.end_within(SECOND / 2).await;
    assert_eq!(end, Some(SessionEnd::SignedOut));
}

#[tokio::test(start_paused = true)]
async fn to_ask_in_a_loop_costs_no_more_than_to_ask_once() {
    let shared = Shared::new();
    let (w, _, cookies) = two(&shared).await;
    let user = principal(&w.gate, &cookies).await;
    shared.loads();
    for _ in 0..1000 {
        tokio::select! {
            biased;
            () = user.session_ended() => panic!("it has not ended"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(shared.loads(), (0, 1));
    w.sign_out(&cookies).await;
    let end = timeout(Duration::from_millis(1), user.session_end()).await;
    assert_eq!(end, Ok(SessionEnd::SignedOut));
}

/// The key of some session that nobody here has.
fn key(number: u16) -> StoreKey {
    let [high, low] = number.to_be_bytes();
    let mut key = [0; 32];
    (key[0], key[1]) = (high, low);
    StoreKey::from_bytes(key)
}

/// Signs out at this replica.
async fn sign_out(gate: &Gate, cookies: &str) -> u16 {
    let request = http::Request::post("/oauth2/sign_out")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", cookies)
        .body(http_body_util::Full::default());
    let Ok(answer) = serve(gate, request.unwrap()).await;
    answer.status().as_u16()
}
