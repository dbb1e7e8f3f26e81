//! Where sessions are kept.

use super::{GateBuilder, logout::Listing};
use crate::{
    Guarantee, Store,
    config::{KeptAt, Settings},
    core::session::{KeepTokens, KeptIn, KeyOrigin, Lifetimes, RefreshRules},
    keeping::{Keep, Keeping},
    store::Capacity,
};
use std::num::NonZeroUsize;

/// What was said of keeping sessions.
#[derive(Default)]
pub(super) struct KeepingSettings {
    store: Option<Store>,
    coordinator: Option<Store>,
    keep: Option<KeepTokens>,
    refresh: RefreshRules,
    guarantees: Vec<Guarantee>,
    pub(super) remembered: Remembered,
}

/// How many opened cookies are remembered.
pub(super) struct Remembered(pub(super) usize);

/// Some two megabytes where identities are as large as most are.
impl Default for Remembered {
    fn default() -> Self {
        Self(2048)
    }
}

impl GateBuilder {
    /// Keeps sessions in a store: a browser then has the name of its session alone. Without it, sessions are in the
    /// browsers' cookies. What each way promises is in the
    /// [table](crate::session_storage).
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, Store};
    /// let gate = Gate::builder()
    ///     .issuer("https://id.example.com")
    ///     .client("app", ClientAuth::none())
    ///     .base_url("https://app.example.com")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .store(Store::memory())
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn store(mut self, store: Store) -> Self {
        self.keeping.store = Some(store);
        self
    }

    /// Leaves sessions in the browsers' cookies, and lets replicas agree through a store on who refreshes one and which have
    /// ended. Every request with a session then asks the store (or its [local cache](Store::local_cache)), and is refused with 503
    /// while that does not answer: the session may have been signed out elsewhere.
    ///
    /// # Defaults
    ///
    /// This process's memory, which asks nobody. Replicas then know nothing of each other: a provider that rotates refresh
    /// tokens may see one twice, and a refusal of one ends no session, since it may be another replica's doing. Every session
    /// that is refreshed or signed out takes some two hundred bytes of that memory until its absolute limit; a million have
    /// room, and after that no more are refreshed or signed out until the first are over.
    pub fn coordinator(mut self, store: Store) -> Self {
        self.keeping.coordinator = Some(store);
        self
    }

    /// Which of the provider's tokens a session keeps. What is set is kept: a login without room for it fails, and says what to
    /// do. An application whose handlers take access tokens from sessions in cookies sets it for that reason.
    ///
    /// # Defaults
    ///
    /// Access and refresh tokens, if there is room: a session in cookies has a second cookie for them, of some kilobytes, and
    /// one without room goes without them, and the log says so. Where a [sign-out](Self::sign_out) goes to the provider, the ID
    /// token too, by which that knows what to end: in a store always, in cookies if all of it together stays below 6,000 bytes. Once in the life of an access token, one request of a session
    /// in cookies waits for the provider: three seconds at most while the token is good, fifteen when it has ended. An
    /// application that only wants to know who is there needs none of it: [`KeepTokens::none`], which is the default for sessions
    /// in cookies where a proxy asks ([`forward_auth`](Self::forward_auth)), since its admissions take one cookie along.
    pub fn keep_tokens(mut self, tokens: KeepTokens) -> Self {
        self.keeping.keep = Some(tokens);
        self
    }

    /// When tokens are renewed; a minute before the access token ends unless set. Where the provider does not say when that is,
    /// nothing is renewed unless [`every`](RefreshRules::every) says how often.
    pub fn refresh(mut self, rules: RefreshRules) -> Self {
        self.keeping.refresh = rules;
        self
    }

    /// How many of the sessions' cookies that came lately stay opened in this process's memory, 2,048 unless set. A page brings its
    /// cookie with every picture and script; from the third time on it is compared and not decrypted. Whether the session lives is
    /// asked each time.
    ///
    /// What stays there is the cookie, and what it says of its user, until another takes its place or the keys change; with a store,
    /// as many of its values too. Together they take a kilobyte each where identities are small, and are left out above some four; an
    /// identity whose claims a handler has read takes those besides.
    ///
    /// Zero, and each is opened each time: where nothing of a user may stay in memory beyond a request.
    pub fn remember_opened(mut self, cookies: usize) -> Self {
        self.keeping.remembered = Remembered(cookies);
        self
    }

    /// What the application relies on. May be called several times. `build` refuses a gate whose way of keeping sessions
    /// cannot promise it, and says which can.
    pub fn guarantee(mut self, guarantee: Guarantee) -> Self {
        self.keeping.guarantees.push(guarantee);
        self
    }
}

impl KeepingSettings {
    /// Takes over what was said outside of the code, in the place of what was set so far.
    pub(super) fn said(&mut self, said: &Settings, problems: &mut Vec<String>) {
        match said.store.as_ref().map(|said| &said.value) {
            Some(KeptAt::Store(store)) => self.store = Some(store.clone()),
            Some(KeptAt::Cookies) => self.store = None,
            None => {}
        }
        if let Some(coordinator) = &said.coordinator {
            self.coordinator = Some(coordinator.value.clone());
        }
        if let Some(staleness) = &said.store_local_cache {
            let stores = [&mut self.store, &mut self.coordinator];
            let mut stores = stores.into_iter().flatten().peekable();
            if stores.peek().is_none() {
                problems.push(format!(
                    "{}: without {}; sessions in cookies alone are not read from anywhere",
                    staleness.place,
                    staleness.place.beside("store")
                ));
            }
            for store in stores {
                *store = store.clone().local_cache(staleness.value);
            }
        }
        if let Some(keep) = &said.keep_tokens {
            self.keep = Some(keep.value);
        }
        if let Some(ahead) = &said.refresh_ahead {
            self.refresh = self.refresh.ahead(ahead.value);
        }
        if let Some(every) = &said.refresh_every {
            self.refresh = self.refresh.every(every.value);
        }
        for guarantee in said.guarantees.iter().flat_map(|said| &said.value) {
            if !self.guarantees.contains(guarantee) {
                self.guarantees.push(*guarantee);
            }
        }
    }

    pub(super) fn problems(&self, keys: KeyOrigin) -> Vec<String> {
        let mut problems = Vec::new();
        if self.store.is_some() && self.coordinator.is_some() {
            problems.push(
                "coordinator: set beside store; stored sessions are coordinated by their store, so leave one of the two out"
                    .to_owned(),
            );
        }
        for (name, store) in [("store", &self.store), ("coordinator", &self.coordinator)] {
            let found = store.iter().flat_map(Store::problems);
            problems.extend(found.map(|problem| format!("{name}: {problem}")));
        }
        problems.extend(
            self.refresh
                .problem()
                .map(|problem| format!("refresh: {problem}")),
        );
        let (kept_in, shared) = self.place();
        for guarantee in &self.guarantees {
            let holds = |kept_in, shared| guarantee.holds(kept_in, shared, keys);
            if keys == KeyOrigin::Ephemeral && !guarantee.holds(KeptIn::Store, true, keys) {
                problems.push(format!(
                    "guarantee: {guarantee} is more than keys that are made at start can promise; configure them with \
                     CookieKeys::parse"
                ));
            } else if !holds(kept_in, shared) {
                problems.push(format!(
                    "guarantee: {guarantee} is more than {} can promise; {}",
                    match (kept_in, shared) {
                        (KeptIn::Cookies, _) => "sessions in cookies without a shared coordinator",
                        (KeptIn::Store, _) => "a store in this process's memory",
                    },
                    match holds(KeptIn::Store, false) {
                        true => "set `store`, or `coordinator` to one that replicas share",
                        false =>
                            "set `store` or `coordinator` to one that replicas share, as Redis is",
                    },
                ));
            }
        }
        problems
    }

    /// Whether anybody knows which sessions there are.
    pub(super) fn listing(&self) -> Listing {
        match self.place() {
            (KeptIn::Cookies, false) => Listing::None,
            (KeptIn::Cookies, true) | (KeptIn::Store, _) => Listing::Kept,
        }
    }

    /// Which tokens sessions are to keep.
    pub(super) fn tokens(&self) -> KeepTokens {
        self.keep.unwrap_or_default()
    }

    fn place(&self) -> (KeptIn, bool) {
        match (&self.store, &self.coordinator) {
            (Some(store), _) => (KeptIn::Store, store.is_shared()),
            (None, coordinator) => {
                let shared = coordinator.as_ref().is_some_and(Store::is_shared);
                (KeptIn::Cookies, shared)
            }
        }
    }

    /// `asked_by_a_proxy`: an admission takes one cookie along, and a session with tokens is two. `hint`: a sign-out goes to the
    /// provider, which is told an ID token.
    pub(super) fn keeping(self, limits: Lifetimes, asked_by_a_proxy: bool, hint: bool) -> Keeping {
        let (kept_in, _) = self.place();
        let store = self.store.or(self.coordinator);
        let keep = match self.keep {
            None if asked_by_a_proxy && kept_in == KeptIn::Cookies => {
                Keep::IfTheyFit(KeepTokens::none())
            }
            None if hint => Keep::IfTheyFit(KeepTokens::default().id()),
            None => Keep::IfTheyFit(KeepTokens::default()),
            Some(keep) => Keep::Demanded(keep),
        };
        Keeping::new(
            store.unwrap_or_else(coordinator_in_memory),
            kept_in,
            limits,
            self.refresh,
            keep,
        )
    }
}

/// What sessions in cookies need where replicas know nothing of each other: small values, and many.
fn coordinator_in_memory() -> Store {
    const VALUES: NonZeroUsize = NonZeroUsize::new(1_000_000).expect("it is not zero");
    Store::memory_of(Capacity::new().values(VALUES))
}
