//! What an issuer publishes, shared by all requests: its metadata and its keys, each fetched once however many ask.

use crate::{
    core::{
        check::{Check, CheckFailed},
        flow::{Flow, Input, KeyQuery, Step},
        jose::JwkSet,
        provider::{
            FetchKeys, Fetched, NamesKeys,
            cache::{Cache, Decision, Reason},
        },
        time::UnixTime,
        url::{EndpointUrl, Issuer},
    },
    outside::Outside,
    ports::Boxed,
    provider::{KeyCache, MetadataSource},
    snapshot::Snapshot,
    tasks::Tasks,
};
use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// An issuer: where its documents are, what is known of them, and the effects that a [`Flow`] needs. `M` is as much of the
/// metadata as is read.
pub(crate) struct Published<M>(Arc<Inner<M>>);

impl<M> Clone for Published<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<M> {
    issuer: Issuer,
    source: MetadataSource<M>,
    key_cache: KeyCache,
    metadata: Arc<Shared<M>>,
    keys: Snapshot<KeysAt>,
    /// How often something new was published. Whatever was verified before may not be so again.
    generation: AtomicU64,
    outside: Outside,
    tasks: Arc<Tasks>,
}

/// The provider cannot be asked now.
#[derive(Clone, Debug)]
pub(crate) struct Unavailable {
    pub(crate) why: CheckFailed,
    pub(crate) retry_after: Duration,
}

impl<M: NamesKeys> Published<M> {
    pub(crate) fn new(
        issuer: Issuer,
        source: MetadataSource<M>,
        key_cache: KeyCache,
        outside: Outside,
        tasks: Arc<Tasks>,
    ) -> Self {
        Self(Arc::new(Inner {
            issuer,
            source,
            key_cache,
            metadata: Arc::default(),
            keys: Snapshot::default(),
            generation: AtomicU64::new(0),
            outside,
            tasks,
        }))
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    #[cfg(feature = "openidconnect")]
    pub(crate) fn http(&self) -> Arc<dyn crate::ports::DynHttpClient> {
        self.0.outside.http.clone()
    }

    /// Changes whenever documents were fetched. To be read before the keys are.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// What is known may be outdated.
    pub(crate) fn doubt(&self) {
        let now = self.0.outside.clock.now();
        self.0.metadata.cache.change(|cache| cache.doubt(now));
    }

    /// Keys that answer the query, if they are at hand. Never waits.
    pub(crate) fn keys_at_hand(&self, query: &KeyQuery) -> Option<Arc<JwkSet>> {
        let metadata = self.metadata_at_hand()?;
        let keys = self.0.keys.read();
        if keys.address.as_ref() != Some(metadata.jwks_uri()) || keys.before.is_some() {
            return None;
        }
        match keys
            .shared
            .decide(self.0.outside.clock.now(), |keys| keys.answers(query))
        {
            Decision::UseHeld(found) if found.answers(query) => Some(found),
            // Who waits for them can have them renewed, too.
            Decision::UseHeld(_)
            | Decision::UseHeldAndRefresh(_)
            | Decision::Fetch(_)
            | Decision::Unavailable { .. } => None,
        }
    }

    /// The metadata, if it is at hand. Never waits.
    pub(crate) fn metadata_at_hand(&self) -> Option<Arc<M>> {
        if let MetadataSource::Known(metadata) = &self.0.source {
            return Some(metadata.clone());
        }
        match self.0.metadata.decide(self.0.outside.clock.now(), |_| true) {
            Decision::UseHeld(metadata) => Some(metadata),
            // Who waits for it can have it renewed, too.
            Decision::UseHeldAndRefresh(_) | Decision::Fetch(_) | Decision::Unavailable { .. } => {
                None
            }
        }
    }

    /// The metadata, fetched if need be.
    pub(crate) async fn metadata(&self) -> Result<Arc<M>, Unavailable> {
        self.metadata_that(|_| true).await
    }

    /// The metadata, fetched if need be: because none is known, or because what is known does not suit.
    async fn metadata_that(
        &self,
        suits: impl Fn(&M) -> bool + Send + Sync + 'static,
    ) -> Result<Arc<M>, Unavailable> {
        let flow = match &self.0.source {
            MetadataSource::Known(metadata) => return Ok(metadata.clone()),
            MetadataSource::WellKnown => M::discovery(self.0.issuer.clone()),
            MetadataSource::At(url) => M::discovery_at(self.0.issuer.clone(), url.clone()),
        };
        let fetch = |this: Self| async move { this.drive(flow).await };
        self.get(self.0.metadata.clone(), suits, fetch).await
    }

    /// The keys, fetched if need be: because none are known, or because this one is not among them.
    pub(crate) fn keys(&self, query: KeyQuery) -> Boxed<'_, Result<Arc<JwkSet>, Unavailable>> {
        // Boxed, because fetching keys drives a flow, and driving a flow may look for keys.
        Box::pin(async move {
            let jwks_uri = self.metadata().await?.jwks_uri().clone();
            let found = self.keys_at(&jwks_uri, &query).await;
            if found.as_ref().is_ok_and(|keys| keys.answers(&query)) {
                return found;
            }
            // The keys may have moved since the metadata was fetched.
            let before = jwks_uri.clone();
            match self
                .metadata_that(move |metadata| *metadata.jwks_uri() != before)
                .await
            {
                Ok(metadata) if *metadata.jwks_uri() != jwks_uri => {
                    self.keys_at(metadata.jwks_uri(), &query).await
                }
                _ => found,
            }
        })
    }

    async fn keys_at(
        &self,
        jwks_uri: &EndpointUrl,
        query: &KeyQuery,
    ) -> Result<Arc<JwkSet>, Unavailable> {
        let (shared, before) = self.keys_of(jwks_uri);
        let (address, wanted) = (jwks_uri.clone(), query.clone());
        let fetch = |this: Self| async move {
            let fetched = this.drive(FetchKeys::new(address)).await;
            if let Ok(fetched) = &fetched {
                report_skipped(&fetched.value, &this.0.issuer);
            }
            fetched
        };
        let found = self
            .get(shared, move |keys| keys.answers(&wanted), fetch)
            .await;
        let Some(before) = before else { return found };
        match found {
            Ok(keys) => {
                self.0.keys.change(|keys| keys.settle(jwks_uri));
                Ok(keys)
            }
            Err(unavailable) => before
                .fresh(self.0.outside.clock.now())
                .filter(|keys| keys.answers(query))
                .ok_or(unavailable),
        }
    }

    /// The keys of this address, and those of the address before as long as this one has not answered.
    fn keys_of(
        &self,
        jwks_uri: &EndpointUrl,
    ) -> (Arc<Shared<JwkSet>>, Option<Arc<Shared<JwkSet>>>) {
        let keys = self.0.keys.read();
        if keys.address.as_ref() == Some(jwks_uri) {
            return (keys.shared.clone(), keys.before.clone());
        }
        self.0.keys.change(|keys| {
            if keys.move_to(jwks_uri) {
                tracing::info!(issuer = %self.0.issuer, "the provider's keys are at another address now");
            }
            (keys.shared.clone(), keys.before.clone())
        })
    }

    /// Carries out what a flow asks for, each step once, until it is done.
    pub(crate) async fn drive<F: Flow + Send>(&self, mut flow: F) -> F::Output {
        let mut input = Input::Start;
        loop {
            let step = self.0.outside.resume(&mut flow, input);
            input = match self.carry_out(step).await {
                Ok(input) => input,
                Err(output) => return output,
            };
        }
    }

    /// Carries out one step, once: what came of it, or what the flow has come to.
    pub(crate) async fn carry_out<T>(&self, step: Step<T>) -> Result<Input, T> {
        let outside = &self.0.outside;
        Ok(match step {
            Step::Done(output) => return Err(output),
            Step::Send(exchange) => outside.send(exchange).await,
            Step::FindKeys(query) => {
                let keys = self.keys(query).await;
                Input::Keys(keys.map_err(|unavailable| unavailable.why))
            }
            Step::Wait(time) => outside.wait(time).await,
            Step::Sign(input) => outside.sign(input).await,
        })
    }

    /// One fetch at a time, however many ask.
    async fn get<T, Fut>(
        &self,
        shared: Arc<Shared<T>>,
        suits: impl Fn(&T) -> bool + Send + Sync + 'static,
        fetch: impl FnOnce(Self) -> Fut + Send + 'static,
    ) -> Result<Arc<T>, Unavailable>
    where
        T: Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched<T>, CheckFailed>> + Send + 'static,
    {
        match shared.decide(self.0.outside.clock.now(), &suits) {
            Decision::UseHeld(value) => return Ok(value),
            Decision::UseHeldAndRefresh(value) => {
                let upstream = self.clone();
                // Detached: the request goes on with what is there.
                drop(
                    self.0
                        .tasks
                        .spawn(async move { upstream.refresh(&shared, fetch).await }),
                );
                return Ok(value);
            }
            Decision::Unavailable { retry_after, why } => {
                return Err(Unavailable { why, retry_after });
            }
            Decision::Fetch(_) => {}
        }
        // In a task of the gate's own: a request that is broken off must neither stop the fetch that others wait for nor
        // keep its failure from being remembered.
        let upstream = self.clone();
        let fetched = self.0.tasks.spawn(async move {
            let _only = shared.fetching.lock().await;
            // Somebody else may have fetched while we waited.
            match shared.decide(upstream.0.outside.clock.now(), &suits) {
                Decision::UseHeld(value) | Decision::UseHeldAndRefresh(value) => Ok(value),
                Decision::Unavailable { retry_after, why } => Err(Unavailable { why, retry_after }),
                Decision::Fetch(Reason::Unknown) => {
                    upstream.fetch(&shared, Reason::Unknown, fetch).await
                }
                Decision::Fetch(Reason::Ordinary) => {
                    let fetched = upstream.fetch(&shared, Reason::Ordinary, fetch).await;
                    // What is held is better than nothing, while it may be used at all.
                    fetched.or_else(|unavailable| {
                        match shared.decide(upstream.0.outside.clock.now(), &suits) {
                            Decision::UseHeld(value) | Decision::UseHeldAndRefresh(value) => {
                                Ok(value)
                            }
                            Decision::Fetch(_) | Decision::Unavailable { .. } => Err(unavailable),
                        }
                    })
                }
            }
        });
        fetched.await.unwrap_or_else(|_| {
            let why = CheckFailed::new(Check::Misuse, "the fetch was broken off");
            Err(Unavailable {
                why,
                retry_after: Duration::from_secs(1),
            })
        })
    }

    async fn refresh<T, Fut>(&self, shared: &Shared<T>, fetch: impl FnOnce(Self) -> Fut)
    where
        T: Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched<T>, CheckFailed>>,
    {
        // Whoever holds the lock is fetching already.
        if let Ok(_only) = shared.fetching.try_lock() {
            // A failure is logged where it happens; what is held stays.
            drop(self.fetch(shared, Reason::Ordinary, fetch).await);
        }
    }

    /// To be called by the holder of the `fetching` lock.
    async fn fetch<T, Fut>(
        &self,
        shared: &Shared<T>,
        reason: Reason,
        fetch: impl FnOnce(Self) -> Fut,
    ) -> Result<Arc<T>, Unavailable>
    where
        Fut: Future<Output = Result<Fetched<T>, CheckFailed>>,
    {
        shared
            .cache
            .change(|cache| cache.begin(self.0.outside.clock.now(), reason));
        let fetched = fetch(self.clone()).await;
        let now = self.0.outside.clock.now();
        match fetched {
            Ok(fetched) => {
                let fetched = self.0.key_cache.limit(fetched);
                let value = shared.cache.change(|cache| cache.loaded(now, fetched));
                // Afterwards: whoever reads the new number has the new value.
                self.0.generation.fetch_add(1, Ordering::Release);
                Ok(value)
            }
            Err(why) => {
                let retry_after = shared.cache.change(|cache| cache.failed(now, why.clone()));
                tracing::warn!(
                    check = %why.check(), cause = why.cause(), remedy = why.check().remedy(), issuer = %self.0.issuer,
                    "the provider could not be asked"
                );
                Err(Unavailable { why, retry_after })
            }
        }
    }
}

/// A key that is not used is ordinary, unless the provider has given a secret away with it.
fn report_skipped(keys: &JwkSet, issuer: &Issuer) {
    for skipped in keys.skipped() {
        if skipped.is_leak() {
            tracing::error!(%issuer, key = %skipped, "the provider has published a secret; its operator has to replace the key");
        } else {
            tracing::debug!(%issuer, key = %skipped, "a key of the provider is not used");
        }
    }
}

impl<M> fmt::Debug for Published<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}

/// Something that is fetched for everybody.
struct Shared<T> {
    cache: Snapshot<Cache<T>>,
    /// Held while a fetch is under way.
    fetching: tokio::sync::Mutex<()>,
}

impl<T> Shared<T> {
    fn decide(&self, now: UnixTime, suits: impl FnOnce(&T) -> bool) -> Decision<T> {
        self.cache.read().decide(now, suits)
    }

    fn fresh(&self, now: UnixTime) -> Option<Arc<T>> {
        self.cache.read().fresh(now).cloned()
    }

    fn has_any(&self) -> bool {
        self.cache.read().held().is_some()
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            cache: Snapshot::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }
}

/// The keys, and the address they are from. What another address has published verifies nothing: it may have been given
/// up because its keys had leaked.
#[derive(Clone, Default)]
struct KeysAt {
    address: Option<EndpointUrl>,
    shared: Arc<Shared<JwkSet>>,
    /// What the address before has published. Until the new one has answered, it is used as long as it is fresh: the
    /// provider has said so.
    before: Option<Arc<Shared<JwkSet>>>,
}

impl KeysAt {
    /// Whether there was another address before.
    fn move_to(&mut self, address: &EndpointUrl) -> bool {
        if self.address.as_ref() == Some(address) {
            return false;
        }
        let moved = self.address.replace(address.clone()).is_some();
        let left = std::mem::take(&mut self.shared);
        if left.has_any() {
            self.before = Some(left);
        }
        moved
    }

    /// This address has answered.
    fn settle(&mut self, address: &EndpointUrl) {
        if self.address.as_ref() == Some(address) {
            self.before = None;
        }
    }
}

/// What an unavailable provider comes to when the check itself does not say it better.
impl From<Unavailable> for CheckFailed {
    fn from(unavailable: Unavailable) -> Self {
        unavailable.why
    }
}
