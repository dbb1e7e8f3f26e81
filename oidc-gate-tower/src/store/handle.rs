//! Which store it is.

#[cfg(feature = "redis")]
use super::redis::{AddressError, Redis};
use super::{
    Capacity, Peek, SessionBackend, StoreError, cache::Cache, erased::DynBackend, memory::Memory,
};
use std::{fmt, sync::Arc, time::Duration};

/// A place for sessions: memory, Redis, or a [`SessionBackend`] of your own. Clones are the same place.
///
/// ```
/// use oidc_gate_tower::Store;
/// let store = Store::memory();
/// ```
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    cache: Option<Arc<Cache>>,
}

#[derive(Clone)]
enum Backend {
    Memory(Arc<Memory>),
    #[cfg(feature = "redis")]
    Redis(Arc<Redis>),
    /// An address that is none. It is told of when the gate is built.
    #[cfg(feature = "redis")]
    NoRedis(AddressError),
    Custom(Arc<dyn DynBackend>),
}

/// What came of a swap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Swapped {
    No,
    /// It happened; only loading tells the version.
    Yes,
    /// It happened, and this is the version.
    #[cfg_attr(
        not(feature = "redis"),
        expect(dead_code, reason = "redis alone tells")
    )]
    As(u64),
}

/// A cache that may be older would keep ended sessions alive for longer than anybody expects.
const OLDEST: Duration = Duration::from_secs(60);

impl Store {
    /// This process's memory, as much of it as [`Capacity`] has by default.
    ///
    /// What is there ends with the process, and other replicas do not see it.
    pub fn memory() -> Self {
        Self::memory_of(Capacity::new())
    }

    /// This process's memory, as much of it as that.
    ///
    /// When it is full, what is over makes room; otherwise what is new is refused. A session that is to be kept is never
    /// dropped for another.
    pub fn memory_of(capacity: Capacity) -> Self {
        Self::over(Backend::Memory(Arc::new(Memory::new(capacity))))
    }

    /// Redis, for all replicas: 6.0 or later, tested with 7.0.
    ///
    /// | address | is |
    /// |---|---|
    /// | `redis://[[user]:password@]host[:port][/db]` | one server |
    /// | `redis+unix://[[user]:password@]/path` | one server on this machine; `?db=` |
    /// | `redis-cluster://[[user]:password@]host:port,…` | some servers of a cluster, which tell of the others |
    /// | `redis-sentinel://[[user]:password@]host:port,…/master[/db]` | sentinels, and the name of the master that they watch |
    ///
    /// `rediss://`, `rediss-cluster://` and `rediss-sentinel://` are the same over TLS; the certificate has to be for the name, or
    /// the IP address, that was connected to. User and password are those of the servers that keep values, and what is special in
    /// them is percent-encoded. Parameters:
    ///
    /// * `prefix`: what all keys begin with. Default: `oidc-gate:`. Two applications in one database need two.
    /// * `timeout_ms`: how long an operation may take, connecting included, from 50 to 10000. Default: 2000.
    /// * `ca`: a PEM file. Over TLS its authorities are trusted, and no others. Default: whom the platform trusts.
    /// * `sentinel_user`, `sentinel_password`: for the sentinels. Default: none.
    ///
    /// An address with a mistake is told of when the gate is built. Nothing is connected to before it is needed, and a connection
    /// that has ended is made anew. While Redis cannot be reached, most operations are told so at once.
    ///
    /// Loading is one `GET`, a swap one `EVALSHA`, each on one key. A user of Redis's ACL needs no more than
    /// `~oidc-gate:* +get +getrange +set +eval +evalsha`, with Sentinel also `+role`, with Cluster `+cluster|slots`.
    ///
    /// # What Redis can lose
    ///
    /// A swap is answered once the server has it in its memory. What a server tells its replicas, and writes to its disk, comes after
    /// that, unless it is told otherwise:
    ///
    /// * A server that crashes forgets what it has not written: with `appendfsync always` nothing that it has answered, with
    ///   `appendfsync everysec` about a second, without an append-only file everything since the last snapshot.
    /// * A replica that takes over, by Sentinel or in a cluster, has not got what the old primary had answered and not passed on. A
    ///   primary that is cut off goes on answering until it finds out; `min-replicas-to-write 1` and `min-replicas-max-lag` bound for
    ///   how long, and do not end it.
    ///
    /// For sessions that means: for a moment a session may be as it was before, and its last change has to be made again. A session
    /// that was ended in this moment may be there again. Versions are random, so a client that has seen one that was lost is told
    /// `false` and never overwrites what it has not seen.
    ///
    /// Configure `maxmemory-policy noeviction`. With another, Redis drops sessions when its memory is full, and what it drops first may
    /// be the record that one has ended.
    ///
    /// Replicas are never read from: one that is behind would answer with a session that has ended.
    #[cfg(feature = "redis")]
    pub fn redis(url: impl Into<String>) -> Self {
        Self::over(match Redis::new(&url.into()) {
            Ok(redis) => Backend::Redis(Arc::new(redis)),
            Err(error) => Backend::NoRedis(error),
        })
    }

    /// A backend of your own, which is taken for one that all replicas share.
    pub fn custom(backend: impl SessionBackend) -> Self {
        Self::over(Backend::Custom(Arc::new(backend)))
    }

    /// Believes what was loaded for that long before it is loaded again: over nothing and up to a minute.
    ///
    /// Requests of a session then seldom wait for the store. In exchange, what another replica has changed is seen here that
    /// much later: a session that was ended there lives on here for that long at most, counted from when it was loaded. What
    /// this replica changes it sees at once. That there is nothing is never believed, and whoever is about to change something
    /// loads it first.
    ///
    /// It holds 8192 values and 64 MiB at most. For [`Store::memory`] it is refused: there is nothing to gain.
    #[must_use]
    pub fn local_cache(mut self, staleness: Duration) -> Self {
        self.cache = Some(Arc::new(Cache::new(staleness)));
        self
    }

    /// What is wrong with it, each as `what is wrong; what to do`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match &self.backend {
            #[cfg(feature = "redis")]
            Backend::NoRedis(error) => problems.push(format!("the address of redis: {error}")),
            #[cfg(feature = "redis")]
            Backend::Redis(redis) => problems.extend(redis.check().err().map(|error| {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                format!(
                    "redis: {error}{}",
                    cause.map_or(String::new(), |cause| format!(" ({cause})"))
                )
            })),
            Backend::Memory(_) if self.cache.is_some() => {
                problems.push(
                    "a local cache of what is in memory; leave .local_cache(…) out".to_owned(),
                );
            }
            Backend::Memory(_) | Backend::Custom(_) => {}
        }
        if let Some(cache) = &self.cache
            && !(Duration::from_millis(1)..=OLDEST).contains(&cache.staleness())
        {
            problems.push(format!(
                "a local cache of {:?}; choose from a millisecond to {OLDEST:?}",
                cache.staleness()
            ));
        }
        problems
    }

    /// Whether replicas see the same.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self.backend, Backend::Memory(_))
    }

    /// What it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self.backend {
            Backend::Memory(_) => "memory",
            #[cfg(feature = "redis")]
            Backend::Redis(_) | Backend::NoRedis(_) => "redis",
            Backend::Custom(_) => "custom",
        }
    }

    fn over(backend: Backend) -> Self {
        Self {
            backend,
            cache: None,
        }
    }

    async fn load_from_backend(
        &self,
        key: &[u8; 32],
    ) -> Result<Option<(Arc<[u8]>, u64)>, StoreError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.load(key)),
            #[cfg(feature = "redis")]
            Backend::Redis(redis) => redis.load(key).await,
            #[cfg(feature = "redis")]
            Backend::NoRedis(error) => Err(no_redis(error)),
            Backend::Custom(backend) => backend.load(key).await.map(shared),
        }
    }

    /// What is under the key, and its version: as [`SessionBackend::load`], without a copy of what is at hand.
    pub(crate) async fn load_shared(
        &self,
        key: &[u8; 32],
    ) -> Result<Option<(Arc<[u8]>, u64)>, StoreError> {
        let Some(cache) = &self.cache else {
            return self.load_from_backend(key).await;
        };
        let begun = cache.begin_load(key);
        let found = self.load_from_backend(key).await?;
        cache.loaded(key, begun, found.clone());
        Ok(found)
    }

    /// As [`SessionBackend::peek`], without a copy.
    pub(crate) fn peek_shared(&self, key: &[u8; 32]) -> AtHand {
        let in_cache = || {
            let found = self.cache.as_ref().and_then(|cache| cache.get(key));
            found.map_or(AtHand::Elsewhere, |found| AtHand::Known(Some(found)))
        };
        match &self.backend {
            Backend::Memory(memory) => AtHand::Known(memory.load(key)),
            Backend::Custom(backend) => match backend.peek(key) {
                Peek::Elsewhere => in_cache(),
                Peek::Known(found) => AtHand::Known(shared(found)),
            },
            #[cfg(feature = "redis")]
            Backend::Redis(_) | Backend::NoRedis(_) => in_cache(),
        }
    }
}

/// What is known without waiting.
pub(crate) enum AtHand {
    Known(Option<(Arc<[u8]>, u64)>),
    Elsewhere,
}

fn shared(found: Option<(Vec<u8>, u64)>) -> Option<(Arc<[u8]>, u64)> {
    found.map(|(value, version)| (value.into(), version))
}

fn own((value, version): (Arc<[u8]>, u64)) -> (Vec<u8>, u64) {
    (value.to_vec(), version)
}

#[cfg(feature = "redis")]
fn no_redis(error: &AddressError) -> StoreError {
    StoreError::misconfigured("the address of redis is none").because(error.clone())
}

/// For programs that keep something of their own where they have sessions kept, and for tests.
///
/// [`peek`](SessionBackend::peek) answers from the [local cache](Store::local_cache), if there is one; a load always asks
/// the store.
impl SessionBackend for Store {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        Ok(self.load_shared(key).await?.map(own))
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let Some(cache) = &self.cache else {
            let swapped = self.swap_in_backend(key, seen, value, keep).await?;
            return Ok(swapped != Swapped::No);
        };
        let begun = cache.begin_swap(key);
        let held = Arc::from(&*value);
        let swapped = self.swap_in_backend(key, seen, value, keep).await;
        match swapped {
            Ok(Swapped::As(version)) => cache.swapped(key, begun, Some((held, version))),
            Ok(Swapped::Yes) => cache.swapped(key, begun, None),
            Ok(Swapped::No) | Err(_) => cache.lost(key),
        }
        Ok(swapped? != Swapped::No)
    }

    fn peek(&self, key: &[u8; 32]) -> Peek {
        match self.peek_shared(key) {
            AtHand::Known(found) => Peek::Known(found.map(own)),
            AtHand::Elsewhere => Peek::Elsewhere,
        }
    }
}

impl Store {
    async fn swap_in_backend(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<Swapped, StoreError> {
        let untold = |done| if done { Swapped::Yes } else { Swapped::No };
        match &self.backend {
            Backend::Memory(memory) => memory.compare_and_swap(key, seen, value, keep).map(untold),
            #[cfg(feature = "redis")]
            Backend::Redis(redis) => {
                let version = redis.compare_and_swap(key, seen, &value, keep).await?;
                Ok(version.map_or(Swapped::No, Swapped::As))
            }
            #[cfg(feature = "redis")]
            Backend::NoRedis(error) => Err(no_redis(error)),
            Backend::Custom(backend) => backend
                .compare_and_swap(key, seen, value, keep)
                .await
                .map(untold),
        }
    }
}

/// What it is and where. No password.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Store");
        debug.field("kind", &self.kind());
        #[cfg(feature = "redis")]
        if let Backend::Redis(redis) = &self.backend {
            debug.field("at", redis);
        }
        if let Some(cache) = &self.cache {
            debug.field("local_cache", &cache.staleness());
        }
        debug.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, SessionBackend as _, Store};
    use std::time::Duration;

    #[test]
    fn a_cache_has_to_be_of_use_and_not_too_old() {
        let memory = Store::memory().local_cache(Duration::from_secs(5));
        assert_eq!(
            memory.problems(),
            ["a local cache of what is in memory; leave .local_cache(…) out"]
        );
        let custom = |staleness| {
            Store::custom(Store::memory())
                .local_cache(staleness)
                .problems()
        };
        for wrong in [Duration::ZERO, Duration::from_secs(61), Duration::MAX] {
            assert_eq!(
                custom(wrong),
                [format!(
                    "a local cache of {wrong:?}; choose from a millisecond to 60s"
                )]
            );
        }
        for right in [Duration::from_millis(1), Duration::from_secs(60)] {
            assert!(custom(right).is_empty());
        }
    }

    #[tokio::test]
    async fn clones_are_the_same_place() {
        let store = Store::memory();
        let clone = store.clone();
        let swap = clone.compare_and_swap(&[1; 32], 0, b"x".to_vec(), OLDEST);
        assert!(swap.await.is_ok_and(|done| done));
        assert!(
            store
                .load(&[1; 32])
                .await
                .is_ok_and(|found| found.is_some())
        );
    }

    #[test]
    fn memory_is_one_replicas_own() {
        assert!(!Store::memory().is_shared());
        assert!(Store::custom(Store::memory()).is_shared());
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_wrong_address_is_told_of_without_its_password() {
        let store = Store::redis("redis://gate:s3cret@");
        assert_eq!(
            store.problems(),
            ["the address of redis: a host is missing"]
        );
        let missing = Store::redis("rediss://gate:s3cret@cache?ca=/missing/ca.pem");
        let [problem] = &missing.problems()[..] else {
            panic!("one problem")
        };
        assert!(
            problem.starts_with("redis: the file of `ca` cannot be read (No such file"),
            "{problem}"
        );
        assert!(
            Store::redis("redis://gate:s3cret@cache")
                .problems()
                .is_empty()
        );
    }

    #[cfg(feature = "redis")]
    #[test]
    fn it_shows_where_it_is_and_no_password() {
        let url = "redis-sentinel://gate:s3cret@s1,s2/main?sentinel_password=s3cret";
        let store = Store::redis(url).local_cache(Duration::from_secs(5));
        assert_eq!(
            format!("{store:?}"),
            r#"Store { kind: "redis", at: s1:26379,s2:26379/main, local_cache: 5s }"#
        );
    }
}
