//! One refresh of a session at a time in this process, however many requests want it.

use crate::{
    core::{
        check::{Check, CheckFailed},
        flow::{Entropy as _, Flow},
        login::{Refresh, RefreshOf, Refreshed, Registration, SignInRules},
        provider::Metadata,
        session::{
            KeptIn, KeptSession, Session, StoreKey, Tokens,
            coordinate::{Base, Kept, Outcome, Redeem, RefreshSession, Witness},
        },
    },
    metrics::EndedBy,
    ports::OsEntropy,
    report,
    sessions::Sessions,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// The refreshes under way, by the session and the generation that they began from: what comes of an older cookie is nothing to
/// whoever has a newer one.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<(StoreKey, u64), Flight>>>);

/// What becomes of a refresh, once it has.
pub(crate) type Flight = watch::Receiver<Option<Arc<Outcome>>>;

/// How long a request waits for a refresh. The refresh goes on, and the request goes on without it: soon, where its token is
/// good for a while.
const PATIENCE: Duration = Duration::from_secs(15);
const PATIENCE_AHEAD: Duration = Duration::from_secs(3);

/// How long nobody asks again where the provider's metadata could not be had.
const METADATA: Duration = Duration::from_secs(5);

impl Flights {
    /// The flight of this session; and if there was none, what to tell it by.
    fn board(&self, key: (StoreKey, u64)) -> (Flight, Option<Landing>) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return (flight.clone(), None);
        }
        let (tell, flight) = watch::channel(None);
        flights.insert(key, flight.clone());
        let landing = Landing {
            flights: self.clone(),
            key,
            tell,
        };
        (flight, Some(landing))
    }
}

/// The end of a flight, also of one that breaks off: then those who wait find that nobody tells them any more.
struct Landing {
    flights: Flights,
    key: (StoreKey, u64),
    tell: watch::Sender<Option<Arc<Outcome>>>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = (self.flights.0.lock()).unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.key);
    }
}

impl Sessions {
    /// Refreshes a session, or waits for a refresh that is under way; not longer than a request can wait. `None` where there
    /// is nothing to refresh with, or it takes too long. The work itself belongs to the gate, and nobody breaks it off.
    ///
    /// `tokens` are those that came along, of a session that is a cookie.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        kept: &KeptSession,
        tokens: Option<Tokens>,
    ) -> Option<Arc<Outcome>> {
        let mut flight = self.start_refresh(kept, tokens)?;
        let patience = match kept.is_token_fresh(self.now()) {
            true => PATIENCE_AHEAD,
            false => PATIENCE,
        };
        let told = flight.wait_for(Option::is_some);
        let told = tokio::time::timeout(patience, told).await.ok()?;
        told.ok()?.clone()
    }

    /// Begins to refresh a session, if nobody is at it.
    pub(crate) fn start_refresh(
        self: &Arc<Self>,
        kept: &KeptSession,
        tokens: Option<Tokens>,
    ) -> Option<Flight> {
        let (key, generation) = (kept.session().key(), kept.session().generation());
        let sid = kept.session().provider_session().map(Into::into);
        let base = kept.base(self.keeping.kept_in, tokens)?;
        let (flight, landing) = self.keeping.flights.board((key, generation));
        if let Some(landing) = landing {
            let sessions = self.clone();
            drop(self.common.tasks.spawn(async move {
                let outcome = sessions.fly(key, base).await;
                let outcome = sessions.under_its_name(outcome, sid).await;
                landing.tell.send_replace(Some(Arc::new(outcome)));
            }));
        }
        Some(flight)
    }

    /// Lists a session under the name that the provider has given it with a refresh, if it has another now: by that one it is
    /// going to be ended.
    async fn under_its_name(
        self: &Arc<Self>,
        outcome: Outcome,
        before: Option<Box<str>>,
    ) -> Outcome {
        let session = match &outcome {
            Outcome::Renewed(session, _) if session.provider_session() != before.as_deref() => {
                session
            }
            _ => return outcome,
        };
        match self.enlist_anew(session).await {
            Err(failed) if failed.check() == Check::SignedOutMeanwhile => Outcome::Ended(failed),
            // Where the store does not answer, it is found under its user all the same.
            _ => outcome,
        }
    }

    async fn fly(self: &Arc<Self>, key: StoreKey, base: Base) -> Outcome {
        let later = |failed| {
            let until = self.now() + METADATA;
            let failed = Some(failed);
            Outcome::Kept(Kept::NotNow { failed, until })
        };
        let metadata = match self.upstream.metadata().await {
            Ok(metadata) => metadata,
            Err(unavailable) => return later(unavailable.why),
        };
        let mut run = [0; 16];
        if let Err(error) = OsEntropy.fill(&mut run) {
            return later(CheckFailed::new(Check::Randomness, error.to_string()));
        }
        let redeem = Box::new(AtProvider {
            metadata,
            registration: self.upstream.registration().clone(),
            rules: self.upstream.rules().clone(),
        });
        let witness = match self.keeping.kept_in == KeptIn::Store || self.keeping.is_shared() {
            true => Witness::Complete,
            false => Witness::ThisProcess,
        };
        let mut machine = RefreshSession::new(self.keys.now(), key, base, witness, redeem, run);
        let outcome = self.run(&mut machine).await;
        // A sign-out that came first has revoked the token before them, and could not know of these.
        self.revoke(machine.take_dropped());
        report::refreshed(&outcome, machine.note(), self.upstream.issuer());
        self.common.metrics.refreshed(&outcome);
        if let Outcome::Ended(failed) = &outcome
            && failed.check() != Check::SessionEnded
        {
            self.common.metrics.session_ended(EndedBy::Provider);
            self.tell(vec![key]);
        }
        outcome
    }
}

/// Redeems at the provider that users sign in with.
struct AtProvider {
    metadata: Arc<Metadata>,
    registration: Arc<Registration>,
    rules: Arc<SignInRules>,
}

impl fmt::Debug for AtProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtProvider").finish_non_exhaustive()
    }
}

impl Redeem for AtProvider {
    fn redeem(
        &self,
        session: &Session,
        tokens: &Tokens,
    ) -> Option<Box<dyn Flow<Output = Refreshed> + Send>> {
        let of = RefreshOf {
            token: tokens.refresh.clone()?,
            identity: session.identity().clone(),
            provider_session: session.provider_session().map(Into::into),
            scope: tokens.scope.clone(),
            nonce: tokens.nonce.clone(),
            resources: tokens.resources.clone(),
        };
        let (metadata, registration) = (self.metadata.clone(), self.registration.clone());
        let flow = Refresh::new(metadata, registration, self.rules.clone(), of);
        Some(Box::new(flow))
    }
}
