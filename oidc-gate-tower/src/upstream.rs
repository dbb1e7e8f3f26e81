//! What the gate knows of its provider, shared by all requests.

use crate::{
    core::{
        check::{Check, CheckFailed},
        flow::{Env, Failure, Flow, Input, KeyQuery, Step},
        identity::Identity,
        jose::JwkSet,
        login::{Registration, SignInRules},
        provider::{
            Discovery, FetchKeys, Fetched, Metadata,
            cache::{Cache, Decision, Reason},
        },
        url::Issuer,
    },
    ports::{Boxed, Clock, DynHttpClient, OsEntropy},
    tasks::Tasks,
};
use std::{
    fmt,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// The provider: how to reach it, what it has said of itself, and the effects a [`Flow`] needs.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    registration: Arc<Registration>,
    rules: Arc<SignInRules>,
    metadata: Shared<Metadata>,
    keys: Shared<JwkSet>,
    http: Box<dyn DynHttpClient>,
    clock: Arc<dyn Clock>,
    tasks: Arc<Tasks>,
}

/// The provider cannot be asked now.
#[derive(Clone, Debug)]
pub(crate) struct Unavailable {
    pub(crate) why: CheckFailed,
    pub(crate) retry_after: Duration,
}

impl Upstream {
    pub(crate) fn new(
        issuer: Issuer,
        registration: Registration,
        rules: SignInRules,
        http: Box<dyn DynHttpClient>,
        clock: Arc<dyn Clock>,
        tasks: Arc<Tasks>,
    ) -> Self {
        Self(Arc::new(Inner {
            issuer,
            registration: Arc::new(registration),
            rules: Arc::new(rules),
            metadata: Shared::default(),
            keys: Shared::default(),
            http,
            clock,
            tasks,
        }))
    }

    /// Whether an identity comes from this provider.
    pub(crate) fn vouches_for(&self, identity: &Identity) -> bool {
        identity.issuer() == self.0.issuer.as_str()
            && identity.provider() == &*self.0.rules.provider
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    pub(crate) fn registration(&self) -> &Arc<Registration> {
        &self.0.registration
    }

    pub(crate) fn rules(&self) -> &Arc<SignInRules> {
        &self.0.rules
    }

    /// The metadata, if it is at hand. Never waits.
    pub(crate) fn metadata_at_hand(&self) -> Option<Arc<Metadata>> {
        match self.0.metadata.decide(self.0.clock.now(), |_| true) {
            Decision::UseHeld(metadata) => Some(metadata),
            // Who waits for it can have it renewed, too.
            Decision::UseHeldAndRefresh(_) | Decision::Fetch(_) | Decision::Unavailable { .. } => {
                None
            }
        }
    }

    /// The metadata, fetched if need be.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, Unavailable> {
        let fetch =
            |this: Self| async move { this.drive(Discovery::new(this.0.issuer.clone())).await };
        self.get(|inner| &inner.metadata, |_| true, fetch).await
    }

    /// The keys, fetched if need be: because none are known, or because this one is not among them.
    fn keys(&self, query: KeyQuery) -> Boxed<'_, Result<Arc<JwkSet>, Unavailable>> {
        // Boxed, because fetching keys drives a flow, and driving a flow may look for keys.
        Box::pin(async move {
            let jwks_uri = self.metadata().await?.jwks_uri().clone();
            let fetch = |this: Self| async move {
                let fetched = this.drive(FetchKeys::new(jwks_uri)).await;
                if let Ok(fetched) = &fetched {
                    report_skipped(&fetched.value, &this.0.issuer);
                }
                fetched
            };
            self.get(|inner| &inner.keys, move |keys| keys.answers(&query), fetch)
                .await
        })
    }

    /// Carries out what a flow asks for, each step once, until it is done.
    pub(crate) async fn drive<F: Flow + Send>(&self, mut flow: F) -> F::Output {
        let mut input = Input::Start;
        loop {
            // Made anew for each step: it borrows the generator, which must not be held while waiting.
            let step = flow.resume(
                input,
                &mut Env {
                    now: self.0.clock.now(),
                    entropy: &mut OsEntropy,
                },
            );
            input = match step {
                Step::Done(output) => return output,
                Step::Send(exchange) => {
                    let address = address(exchange.request.uri());
                    self.0.http.send(exchange).await.map_or_else(
                        |error| {
                            tracing::warn!(address, cause = chain(&error), "{error}");
                            Input::Failed(error.failure())
                        },
                        Input::Response,
                    )
                }
                Step::FindKeys(query) => Input::Keys(
                    self.keys(query)
                        .await
                        .map_err(|unavailable| unavailable.why),
                ),
                Step::Wait(time) => {
                    tokio::time::sleep(time).await;
                    Input::Elapsed
                }
                // No configuration leads here until there are external signers.
                Step::Sign(_) => Input::Failed(Failure::NotSent),
            };
        }
    }

    /// One fetch at a time, however many ask.
    async fn get<T, Fut>(
        &self,
        shared: fn(&Inner) -> &Shared<T>,
        suits: impl Fn(&T) -> bool + Send + Sync + 'static,
        fetch: impl FnOnce(Self) -> Fut + Send + 'static,
    ) -> Result<Arc<T>, Unavailable>
    where
        T: Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched<T>, CheckFailed>> + Send + 'static,
    {
        let this = shared(&self.0);
        match this.decide(self.0.clock.now(), &suits) {
            Decision::UseHeld(value) => return Ok(value),
            Decision::UseHeldAndRefresh(value) => {
                let upstream = self.clone();
                // Detached: the request goes on with what is there.
                drop(
                    self.0
                        .tasks
                        .spawn(async move { upstream.refresh(shared, fetch).await }),
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
            let this = shared(&upstream.0);
            let _only = this.fetching.lock().await;
            // Somebody else may have fetched while we waited.
            match this.decide(upstream.0.clock.now(), &suits) {
                Decision::UseHeld(value) | Decision::UseHeldAndRefresh(value) => Ok(value),
                Decision::Unavailable { retry_after, why } => Err(Unavailable { why, retry_after }),
                Decision::Fetch(reason) => upstream.fetch(shared, reason, fetch).await,
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

    async fn refresh<T, Fut>(
        &self,
        shared: fn(&Inner) -> &Shared<T>,
        fetch: impl FnOnce(Self) -> Fut,
    ) where
        T: Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched<T>, CheckFailed>>,
    {
        // Whoever holds the lock is fetching already.
        if let Ok(_only) = shared(&self.0).fetching.try_lock() {
            // A failure is logged where it happens; what is held stays.
            drop(self.fetch(shared, Reason::Ordinary, fetch).await);
        }
    }

    /// To be called by the holder of the `fetching` lock.
    async fn fetch<T, Fut>(
        &self,
        shared: fn(&Inner) -> &Shared<T>,
        reason: Reason,
        fetch: impl FnOnce(Self) -> Fut,
    ) -> Result<Arc<T>, Unavailable>
    where
        Fut: Future<Output = Result<Fetched<T>, CheckFailed>>,
    {
        let cache = &shared(&self.0).cache;
        cache
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .begin(self.0.clock.now(), reason);
        let fetched = fetch(self.clone()).await;
        let now = self.0.clock.now();
        let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(fetched) => Ok(cache.loaded(now, fetched)),
            Err(why) => {
                let retry_after = cache.failed(now, why.clone());
                drop(cache);
                tracing::warn!(
                    check = %why.check(), cause = why.cause(), remedy = why.check().remedy(), issuer = %self.0.issuer,
                    "the provider could not be asked"
                );
                Err(Unavailable { why, retry_after })
            }
        }
    }
}

/// Where a request goes, without its query.
fn address(uri: &http::Uri) -> String {
    let (scheme, host) = (
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |a| a.as_str()),
    );
    format!("{scheme}://{host}{}", uri.path())
}

/// Why, down to the ground: "error sending request" helps nobody, "invalid peer certificate" does.
fn chain(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        // Some libraries repeat the text of the source in their own.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
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

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("issuer", &self.0.issuer)
            .field("registration", &self.0.registration)
            .finish_non_exhaustive()
    }
}

/// Something that is fetched for everybody.
struct Shared<T> {
    /// Held for no longer than a decision takes.
    cache: RwLock<Cache<T>>,
    /// Held while a fetch is under way.
    fetching: tokio::sync::Mutex<()>,
}

impl<T> Shared<T> {
    fn decide(
        &self,
        now: crate::core::time::UnixTime,
        suits: impl FnOnce(&T) -> bool,
    ) -> Decision<T> {
        self.cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .decide(now, suits)
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            cache: RwLock::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }
}

/// What an unavailable provider comes to when the check itself does not say it better.
impl From<Unavailable> for CheckFailed {
    fn from(unavailable: Unavailable) -> Self {
        unavailable.why
    }
}
