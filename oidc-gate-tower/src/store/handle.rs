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

    /// Redis 6.2 or later, or Valkey, for all replicas.
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
    #[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
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
    #[allow(dead_code, reason = "until the gate keeps sessions in stores")]
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
    #[allow(dead_code, reason = "until the gate keeps sessions in stores")]
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
    ) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.load(key)),
            #[cfg(feature = "redis")]
            Backend::Redis(redis) => redis.load(key).await,
            #[cfg(feature = "redis")]
            Backend::NoRedis(error) => Err(no_redis(error)),
            Backend::Custom(backend) => backend.load(key).await,
        }
    }
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
        let Some(cache) = &self.cache else {
            return self.load_from_backend(key).await;
        };
        let begun = cache.begin_load(key);
        let found = self.load_from_backend(key).await?;
        let held = found.as_ref().map(|(value, version)| (&**value, *version));
        cache.loaded(key, begun, held);
        Ok(found)
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let Some(cache) = &self.cache else {
            return self
                .swap_in_backend(key, seen, value, keep)
                .await
                .map(|done| done.is_some());
        };
        let begun = cache.begin_swap(key);
        let held = value.clone();
        match self.swap_in_backend(key, seen, value, keep).await {
            Ok(Some(version)) => {
                cache.swapped(key, begun, version.map(|version| (&*held, version)));
                Ok(true)
            }
            Ok(None) => {
                cache.lost(key);
                Ok(false)
            }
            Err(error) => {
                cache.lost(key);
                Err(error)
            }
        }
    }

    fn peek(&self, key: &[u8; 32]) -> Peek {
        match &self.backend {
            Backend::Memory(memory) => Peek::Known(memory.load(key)),
            Backend::Custom(backend) => match backend.peek(key) {
                Peek::Elsewhere => self.peek_in_cache(key),
                known @ Peek::Known(_) => known,
            },
            #[cfg(feature = "redis")]
            Backend::Redis(_) | Backend::NoRedis(_) => self.peek_in_cache(key),
        }
    }
}

impl Store {
    /// `None`: it was not swapped. Otherwise the version, where the backend tells.
    #[expect(
        clippy::option_option,
        reason = "whether it happened, and what is known if it did; nobody else sees this"
    )]
    async fn swap_in_backend(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<Option<Option<u64>>, StoreError> {
        let untold = |done: bool| done.then_some(None);
        match &self.backend {
            Backend::Memory(memory) => memory.compare_and_swap(key, seen, value, keep).map(untold),
            #[cfg(feature = "redis")]
            Backend::Redis(redis) => {
                let version = redis.compare_and_swap(key, seen, &value, keep).await?;
                Ok(version.map(Some))
            }
            #[cfg(feature = "redis")]
            Backend::NoRedis(error) => Err(no_redis(error)),
            Backend::Custom(backend) => backend
                .compare_and_swap(key, seen, value, keep)
                .await
                .map(untold),
        }
    }

    fn peek_in_cache(&self, key: &[u8; 32]) -> Peek {
        match self.cache.as_ref().and_then(|cache| cache.get(key)) {
            Some(found) => Peek::Known(Some(found)),
            None => Peek::Elsewhere,
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
