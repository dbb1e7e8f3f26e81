//! Where sessions are kept, and what is done to them there.

mod begin;
mod ended;
mod flight;
mod found;
mod guarantee;
mod handle;
mod listed;
mod live;
mod logged_out;
mod opened;
mod state;
mod written;

pub use guarantee::Guarantee;
pub use handle::TokenError;
pub(crate) use handle::{SessionHandle, Written};
pub use listed::{SessionInfo, SessionsError};
pub use live::SessionEnd;
pub(crate) use opened::Ring;
pub use state::SessionState;

use crate::{
    Store, StoreError,
    core::{
        flow::{Env, Step},
        session::{
            CLOCKS, KeepTokens, KeptIn, Lifetimes, RefreshRules, StoreDown, StoreKey, Stored, Swap,
            coordinate::{Changed, Effect, End, Machine, Outlive, Told, UpdateError},
        },
        time::UnixTime,
    },
    outside::chain,
    ports::OsEntropy,
    sessions::Sessions,
    store::{AtHand, SessionBackend as _, StoreErrorKind},
};
use flight::Flights;
use live::Live;
use std::{sync::Arc, time::Duration};

/// Where sessions are kept, and by which rules.
pub(crate) struct Keeping {
    /// Of stored sessions all; of sessions in cookies what is newer than the cookie.
    store: Store,
    pub(crate) kept_in: KeptIn,
    pub(crate) limits: Lifetimes,
    pub(crate) rules: RefreshRules,
    pub(crate) keep: Keep,
    flights: Flights,
    live: Live,
}

/// Which tokens are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Those that are kept by default, if there is room for them.
    IfTheyFit(KeepTokens),
    /// Those that the application has asked for. A login without room for them fails.
    Demanded(KeepTokens),
}

impl Keep {
    pub(crate) fn tokens(self) -> KeepTokens {
        match self {
            Self::IfTheyFit(keep) | Self::Demanded(keep) => keep,
        }
    }
}

/// How long requests that are under way may still come with a session that another has taken the place of.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

impl Keeping {
    pub(crate) fn new(
        store: Store,
        kept_in: KeptIn,
        limits: Lifetimes,
        rules: RefreshRules,
        keep: Keep,
    ) -> Self {
        Self {
            store,
            kept_in,
            limits,
            rules,
            keep,
            flights: Flights::default(),
            live: Live::default(),
        }
    }

    /// Whether other replicas see what is written here.
    pub(crate) fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// How far the clocks may be apart of those who write there.
    fn clocks_apart(&self) -> Duration {
        match self.is_shared() {
            true => CLOCKS,
            false => Duration::ZERO,
        }
    }

    /// What stands under a key, where that is known without waiting.
    pub(crate) fn peek(&self, key: &StoreKey) -> Option<Option<Stored>> {
        match self.store.peek_shared(key.as_bytes()) {
            AtHand::Known(found) => Some(found.map(|(bytes, version)| Stored::new(bytes, version))),
            AtHand::Elsewhere => None,
        }
    }

    pub(crate) async fn load(&self, key: &StoreKey) -> Result<Option<Stored>, StoreDown> {
        match self.store.load_shared(key.as_bytes()).await {
            Ok(found) => Ok(found.map(|(bytes, version)| Stored::new(bytes, version))),
            Err(error) => {
                let (cause, remedy) = (chain(&error), remedy(&error));
                tracing::warn!(?key, %error, cause, remedy, "the session store could not be read");
                Err(StoreDown)
            }
        }
    }

    async fn swap(&self, swap: Swap) -> Result<bool, StoreDown> {
        let Swap {
            key,
            seen,
            bytes,
            keep,
            ..
        } = swap;
        // A replica whose clock is behind must not miss what is over for others.
        let keep = keep + Duration::from_secs(60);
        let swapped = self
            .store
            .compare_and_swap(key.as_bytes(), seen, bytes, keep);
        swapped.await.map_err(|error| {
            let (cause, remedy) = (chain(&error), remedy(&error));
            tracing::warn!(?key, %error, cause, remedy, "the session store could not be written");
            StoreDown
        })
    }
}

/// Whether the store has answered each time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Came,
    Lost,
}

/// What helps, for whoever reads the log.
fn remedy(error: &StoreError) -> &'static str {
    match error.kind() {
        StoreErrorKind::Full => {
            "give it more room: `Capacity` of memory (every session that was refreshed or signed out takes some until its \
             absolute limit), `maxmemory` of Redis"
        }
        StoreErrorKind::Misconfigured => "correct the store's address, or its rights and passwords",
        _ => "check the store; no session is lost meanwhile",
    }
}

impl Sessions {
    /// Carries out what a machine asks for, each effect once, until it is done.
    pub(crate) async fn run<M: Machine + Send>(&self, machine: &mut M) -> M::Output {
        let mut told = Told::Start;
        loop {
            let effect = {
                let mut env = Env {
                    now: self.now(),
                    entropy: &mut OsEntropy,
                };
                machine.resume(told, &mut env)
            };
            told = match effect {
                Effect::Load(key) => Told::Loaded(self.keeping.load(&key).await),
                Effect::Swap(swap) => Told::Swapped(self.keeping.swap(swap).await),
                Effect::Flow(Step::Done(output)) => return output,
                Effect::Flow(step) => match self.upstream.carry_out(step).await {
                    Ok(input) => Told::Flow(input),
                    Err(output) => return output,
                },
            };
        }
    }

    /// Does something to a session that no request waits for.
    pub(crate) fn in_background<M>(self: &Arc<Self>, mut machine: M)
    where
        M: Machine<Output = Result<Changed, UpdateError>> + Send + 'static,
    {
        let sessions = self.clone();
        drop(self.common.tasks.spawn(async move {
            // What the store has not taken is done at the next request, and what was not told is seen when watchers look
            // unasked.
            let _ = sessions.run(&mut machine).await;
        }));
    }

    /// Ends a session, of which nothing can be left after `until`.
    pub(crate) async fn end(
        self: &Arc<Self>,
        key: StoreKey,
        until: UnixTime,
    ) -> Result<Changed, UpdateError> {
        let ended = self.end_untold(key, until).await;
        if ended != Ok(Changed::No) {
            self.tell(vec![key]);
        }
        ended
    }

    /// As [`end`](Self::end), for whoever [tells](Self::tell) of many at once.
    async fn end_untold(&self, key: StoreKey, until: UnixTime) -> Result<Changed, UpdateError> {
        match self.tried(|| End::of(&self.keys.now(), key, until)).await {
            // Most likely by the try whose answer was lost.
            (Ok(Changed::No), Answers::Lost) => Ok(Changed::Yes),
            (ended, _) => ended,
        }
    }

    /// Makes a change, and makes it again if the store's answer was lost: it is one that can be made twice.
    pub(crate) async fn surely<M, T>(&self, change: impl Fn() -> M) -> Result<T, UpdateError>
    where
        M: Machine<Output = Result<T, UpdateError>> + Send,
    {
        self.tried(change).await.0
    }

    /// As [`surely`](Self::surely), and whether an answer was lost: what has changed then may have been changed before.
    async fn tried<M, T>(&self, change: impl Fn() -> M) -> (Result<T, UpdateError>, Answers)
    where
        M: Machine<Output = Result<T, UpdateError>> + Send,
    {
        match self.run(&mut change()).await {
            Err(UpdateError::Store) => (self.run(&mut change()).await, Answers::Lost),
            made => (made, Answers::Came),
        }
    }

    /// Lets a session whose user has signed in again live on for requests that are under way.
    pub(crate) async fn outlive(
        self: &Arc<Self>,
        key: StoreKey,
        ends: UnixTime,
    ) -> Result<Changed, UpdateError> {
        let mut outlive = Outlive::of(&self.keys.now(), key, ends, GRACE);
        let outlives = self.run(&mut outlive).await;
        if outlives != Ok(Changed::No) {
            self.tell(vec![key]);
        }
        outlives
    }
}
