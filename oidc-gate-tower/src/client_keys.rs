//! The keys of clients that publish them, at an authorization server.

use crate::{
    Clock, HttpClient, SystemClock,
    core::{
        address::is_public,
        check::CheckFailed,
        client_auth::KeysWanted,
        flow::{Failure, Input, KeyQuery, Step},
        jose::JwkSet,
        provider::{
            FetchKeys,
            cache::{Cache, Decision, Reason},
        },
        url::EndpointUrl,
    },
    outside::Outside,
};
use http::Uri;
use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Fetches what clients have registered as `jwks_uri`
/// ([RFC 7591 § 2](https://www.rfc-editor.org/rfc/rfc7591#section-2)) and keeps it for a while: for
/// [`KeysWanted`]. Cheap to clone; clones share what they know.
///
/// 1. https only, no redirect, at most 512 KiB within ten seconds; no address that is written as a number and is not
///    public.
/// 2. One fetch at a time for each address. A key that is not there is looked for again once in 30 seconds, whoever asks:
///    nobody can have a server fetch without end by making names of keys up.
/// 3. A failure is remembered for a second at first, then twice as long each time, up to 30. What is known is used
///    meanwhile.
///
/// # Security
///
/// Where clients register themselves, the addresses are theirs to choose. Then the HTTP client must connect to public
/// addresses only, as [`ReqwestClient::for_public_addresses`](crate::ReqwestClient::for_public_addresses) does; a name is
/// not looked up here.
///
/// ```no_run
/// use oidc_gate_tower::{ClientKeySets, ReqwestClient};
///
/// let keys = ClientKeySets::new(ReqwestClient::for_public_addresses()?);
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ClientKeySets(Arc<Inner>);

struct Inner {
    outside: Outside,
    /// As many as there are clients with an address.
    sets: Mutex<HashMap<EndpointUrl, Arc<Set>>>,
}

#[derive(Default)]
struct Set {
    cache: Mutex<Cache<JwkSet>>,
    /// Held by whoever fetches.
    fetching: tokio::sync::Mutex<()>,
}

impl Set {
    fn cache(&self) -> MutexGuard<'_, Cache<JwkSet>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientKeySets {
    /// Fetches with this client.
    pub fn new(http: impl HttpClient) -> Self {
        Self::with_clock(http, SystemClock)
    }

    /// The same by another clock.
    pub fn with_clock(http: impl HttpClient, clock: impl Clock) -> Self {
        Self(Arc::new(Inner {
            outside: Outside {
                http: Arc::new(http),
                signer: None,
                clock: Arc::new(clock),
                metrics: None,
            },
            sets: Mutex::default(),
        }))
    }

    /// The keys that are wanted, or none if they cannot be had: what
    /// [`KeysWanted::resume`] goes on with.
    pub async fn find(&self, wanted: &KeysWanted<'_>) -> Option<Arc<JwkSet>> {
        self.at(wanted.uri(), &wanted.query()).await
    }

    async fn at(&self, address: &EndpointUrl, query: &KeyQuery) -> Option<Arc<JwkSet>> {
        if !is_fit(address) {
            tracing::warn!(
                address = address.as_str(),
                "a client's keys are at an address that nothing is fetched from"
            );
            return None;
        }
        let set = self.set(address);
        match self.decide(&set, query) {
            Held::Use(keys) => return Some(keys),
            Held::Unavailable => return None,
            Held::Fetch(_) => {}
        }
        // In a task of its own: a request that is broken off must neither stop the fetch that others wait for nor keep it
        // from being counted.
        let (this, address, query) = (self.clone(), address.clone(), query.clone());
        let fetched = tokio::spawn(async move { this.fetch(&set, address, &query).await });
        fetched.await.ok().flatten()
    }

    async fn fetch(
        &self,
        set: &Set,
        address: EndpointUrl,
        query: &KeyQuery,
    ) -> Option<Arc<JwkSet>> {
        let _only = set.fetching.lock().await;
        // Somebody else may have fetched meanwhile.
        let reason = match self.decide(set, query) {
            Held::Use(keys) => return Some(keys),
            Held::Unavailable => return None,
            Held::Fetch(reason) => reason,
        };
        set.cache().begin(self.0.outside.clock.now(), reason);
        let mut flow = FetchKeys::new(address.clone());
        let mut input = Input::Start;
        let fetched = loop {
            input = match self.0.outside.resume(&mut flow, input) {
                Step::Done(fetched) => break fetched,
                Step::Send(exchange) => self.0.outside.send(exchange).await,
                Step::Wait(time) => self.0.outside.wait(time).await,
                // To fetch keys takes neither; the flow ends with what it makes of it.
                Step::FindKeys(_) | Step::Sign(_) => Input::Failed(Failure::NotSent),
            };
        };
        let now = self.0.outside.clock.now();
        match fetched {
            Ok(fetched) => Some(set.cache().loaded(now, fetched)),
            Err(why) => {
                report(&address, &why);
                set.cache().failed(now, why);
                match self.decide(set, query) {
                    Held::Use(keys) => Some(keys),
                    Held::Fetch(_) | Held::Unavailable => None,
                }
            }
        }
    }

    fn decide(&self, set: &Set, query: &KeyQuery) -> Held {
        match set
            .cache()
            .decide(self.0.outside.clock.now(), |keys| keys.answers(query))
        {
            Decision::UseHeld(keys) => Held::Use(keys),
            // Nothing runs behind a request here. If it fails, what is held does.
            Decision::UseHeldAndRefresh(_) => Held::Fetch(Reason::Ordinary),
            Decision::Fetch(reason) => Held::Fetch(reason),
            Decision::Unavailable { .. } => Held::Unavailable,
        }
    }

    fn set(&self, address: &EndpointUrl) -> Arc<Set> {
        let mut sets = self.0.sets.lock().unwrap_or_else(PoisonError::into_inner);
        sets.entry(address.clone()).or_default().clone()
    }
}

enum Held {
    Use(Arc<JwkSet>),
    Fetch(Reason),
    Unavailable,
}

/// https, and no address in numbers that is not public: such a one is looked up by nobody.
fn is_fit(address: &EndpointUrl) -> bool {
    let Ok(uri) = address.as_str().parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let number = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    uri.scheme_str() == Some("https") && number.map_or(host != "localhost", is_public)
}

fn report(address: &EndpointUrl, why: &CheckFailed) {
    tracing::warn!(
        check = %why.check(), cause = why.cause(), address = address.as_str(),
        "a client's keys could not be fetched"
    );
}

impl fmt::Debug for ClientKeySets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.0.sets.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(sets.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TransportError,
        core::{
            flow::Exchange,
            jose::{Alg, SigningKey},
            time::UnixTime,
        },
    };
    use serde_json::json;
    use std::{
        future::Future as _,
        sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
        time::Duration,
    };

    /// A client's own server, with one key.
    #[derive(Clone, Debug)]
    struct Site(Arc<State>);

    #[derive(Debug)]
    struct State {
        key: SigningKey,
        asked: AtomicU32,
        down: AtomicBool,
        now: AtomicU64,
    }

    impl HttpClient for Site {
        async fn send(&self, _: Exchange) -> Result<http::Response<Vec<u8>>, TransportError> {
            self.0.asked.fetch_add(1, Relaxed);
            // So that others come while it is under way.
            tokio::task::yield_now().await;
            if self.0.down.load(Relaxed) {
                return Err(TransportError::not_sent("down"));
            }
            let keys = json!({"keys": [self.0.key.public_jwk()]}).to_string();
            let response = http::Response::builder().header("content-type", "application/json");
            Ok(response.body(keys.into_bytes()).unwrap())
        }
    }

    impl Clock for Site {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(self.0.now.load(Relaxed))
        }
    }

    impl Site {
        fn new() -> (Self, ClientKeySets) {
            let site = Self(Arc::new(State {
                key: SigningKey::generate(Alg::ES256).unwrap(),
                asked: AtomicU32::new(0),
                down: AtomicBool::new(false),
                now: AtomicU64::new(1_700_000_000),
            }));
            let sets = ClientKeySets::with_clock(site.clone(), site.clone());
            (site, sets)
        }

        fn asked(&self) -> u32 {
            self.0.asked.load(Relaxed)
        }

        fn wait(&self, time: Duration) {
            self.0.now.fetch_add(time.as_secs(), Relaxed);
        }
    }

    fn address() -> EndpointUrl {
        EndpointUrl::parse("https://client.example/jwks").unwrap()
    }

    fn query(kid: &str) -> KeyQuery {
        KeyQuery::new(Some(kid.into()), Alg::ES256)
    }

    #[tokio::test]
    async fn keys_are_fetched_once_however_many_want_them() {
        let (site, sets) = Site::new();
        let wanted = query(site.0.key.kid());
        let at = address();
        let all = (0..50).map(|_| sets.at(&at, &wanted));
        for found in futures_join(all).await {
            assert!(found.unwrap().answers(&wanted));
        }
        assert_eq!(site.asked(), 1);
    }

    #[tokio::test]
    async fn requests_that_are_broken_off_cost_no_more() {
        let (site, sets) = Site::new();
        let known = query(site.0.key.kid());
        sets.at(&address(), &known).await.unwrap();
        for name in 0..100 {
            let (at, made_up) = (address(), query(&format!("made-up-{name}")));
            let mut broken = Box::pin(sets.at(&at, &made_up));
            std::future::poll_fn(|cx| {
                drop(broken.as_mut().poll(cx));
                std::task::Poll::Ready(())
            })
            .await;
            drop(broken);
            tokio::task::yield_now().await;
        }
        assert_eq!(site.asked(), 2);
        // Who asks for a key that is there waits for none of them.
        assert!(sets.at(&address(), &known).await.is_some());
    }

    #[tokio::test]
    async fn made_up_names_cost_one_fetch_in_half_a_minute() {
        let (site, sets) = Site::new();
        let known = query(site.0.key.kid());
        sets.at(&address(), &known).await.unwrap();
        for turn in 1..=3 {
            for name in 0..1000 {
                let found = sets
                    .at(&address(), &query(&format!("made-up-{name}")))
                    .await;
                assert!(!found.unwrap().answers(&query("made-up")));
            }
            assert_eq!(site.asked(), 1 + turn);
            site.wait(Duration::from_secs(30));
        }
        assert!(sets.at(&address(), &known).await.is_some());
    }

    #[tokio::test]
    async fn a_client_that_is_down_is_not_asked_again_at_once_and_what_is_known_is_used() {
        let (site, sets) = Site::new();
        let known = query(site.0.key.kid());
        site.0.down.store(true, Relaxed);
        for _ in 0..100 {
            assert!(sets.at(&address(), &known).await.is_none());
        }
        assert_eq!(site.asked(), 1);
        site.0.down.store(false, Relaxed);
        site.wait(Duration::from_secs(1));
        assert!(sets.at(&address(), &known).await.is_some());
        // An hour is how long they are fresh where nobody says; then they are asked for again, in vain.
        site.0.down.store(true, Relaxed);
        site.wait(Duration::from_secs(7200));
        assert!(sets.at(&address(), &known).await.unwrap().answers(&known));
        assert_eq!(site.asked(), 3);
    }

    #[tokio::test]
    async fn nothing_is_sent_to_an_address_that_is_not_public() {
        let (site, sets) = Site::new();
        for text in [
            "https://127.0.0.1/jwks",
            "https://169.254.169.254/jwks",
            "https://[::1]/jwks",
            "https://[::ffff:10.0.0.1]/jwks",
            "https://0x7f.1/jwks",
            "https://2130706433/jwks",
            "https://localhost/jwks",
            "http://localhost/jwks",
            "http://127.0.0.1/jwks",
        ] {
            let address = EndpointUrl::parse(text).unwrap();
            assert!(sets.at(&address, &query("x")).await.is_none(), "{text}");
        }
        assert_eq!(site.asked(), 0);
    }

    async fn futures_join<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
        let mut all: Vec<_> = all.map(Box::pin).collect();
        let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
        std::future::poll_fn(|cx| {
            for (future, done) in all.iter_mut().zip(&mut done) {
                if done.is_none()
                    && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
                {
                    *done = Some(output);
                }
            }
            match done.iter().all(Option::is_some) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        done.into_iter().flatten().collect()
    }
}
