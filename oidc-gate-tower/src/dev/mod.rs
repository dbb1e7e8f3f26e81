//! An OpenID provider inside the process, for development and tests.
//!
//! It signs in whoever asks, as whomever they pick, without a password. That is what makes it useful on a laptop and in
//! a test, and unfit for everything else: it says so on its pages, in the log, and by listening on the loopback
//! interface alone.
//!
//! One value, three uses:
//!
//! - [`listen`](DevProvider::listen): a provider on a port, for a browser;
//! - [`http_client`](DevProvider::http_client): the same provider as an [`HttpClient`](crate::HttpClient), without a
//!   port, for the gate's own requests;
//! - a [`tower_service::Service`], for a browser without a network or an application's own server.
//!
//! It speaks the authorization code flow with PKCE (`S256`, always) and every other grant of
//! [`GrantType`](crate::core::grant::GrantType), every client authentication method, userinfo, revocation, and logout by the
//! relying party, over the back channel and over the front channel. Its token endpoint is the one of [`core::grant`](crate::core::grant): as strict as a real one. What it does not
//! speak is refused by name. Everything it remembers is in memory and bounded.
//!
//! A test can have it go wrong ([`Fault`]), and do what other providers do differently without being wrong ([`Habit`]); what
//! it says at a logout has a list of its own for each ([`LogoutFault`], [`LogoutHabit`]).
//!
//! ```
//! use oidc_gate_tower::dev::DevProvider;
//! let provider = DevProvider::demo();
//! let users: Vec<_> = provider.users().iter().map(|user| user.subject()).collect();
//! assert_eq!(users, ["alice", "bob", "carol"]);
//! ```

mod access_token;
mod answer;
mod authorize;
mod authorize_request;
mod bad_claims;
mod bad_signature;
mod builder;
mod client_logout;
mod clients;
mod deliver;
mod device;
mod discovery;
mod end_session;
mod fault;
mod grants;
mod habit;
mod id_token;
mod in_process;
mod keys;
mod listen;
mod logout;
mod logout_fault;
mod logout_token;
mod mishap;
mod page;
mod pages;
#[cfg(feature = "testing")]
mod plant;
mod reply;
mod revocation;
mod service;
mod state;
mod token;
mod userinfo;

pub use builder::DevProviderBuilder;
pub use client_logout::ClientLogout;
pub use deliver::{LogoutDelivery, LogoutOutcome};
pub use fault::{Endpoint, Fault, Mishap};
pub use habit::Habit;
pub use in_process::InProcess;
pub use logout_fault::{LogoutFault, LogoutHabit};
pub use revocation::Revocations;

use crate::{
    Clock, Identity,
    core::{
        grant::{RefreshPolicy, TrustedIssuer},
        time::UnixTime,
    },
};
use clients::{Anchors, Client, Strictness};
use keys::Keys;
use state::State;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// An OpenID provider for development. A handle: clones are the same provider.
#[derive(Clone)]
pub struct DevProvider {
    shared: Arc<Shared>,
}

struct Shared {
    users: Vec<Identity>,
    clients: Vec<Client>,
    trusted: Vec<TrustedIssuer>,
    anchors: Anchors,
    strictness: Strictness,
    claims_in_userinfo_only: bool,
    refresh_policy: RefreshPolicy,
    access_token_life: Duration,
    clock: Box<dyn Clock>,
    /// Never held across an await or while another lock is taken.
    keys: Mutex<Keys>,
    state: Mutex<State>,
}

impl DevProvider {
    /// The port that the issuer names until [`listen`](Self::listen) is called or an issuer is given.
    pub const DEFAULT_PORT: u16 = 3001;

    /// A provider to be described: issuer, users, clients.
    pub fn builder() -> DevProviderBuilder {
        DevProviderBuilder::new()
    }

    /// A provider with three users, each with a name, a verified address and a department:
    ///
    /// | subject | name | groups |
    /// |---|---|---|
    /// | `alice` | Alice Adams | `admins`, `staff` |
    /// | `bob` | Bob Brown | `staff` |
    /// | `carol` | Carol Clark | none |
    ///
    /// # Panics
    ///
    /// As [`DevProviderBuilder::build`] does.
    pub fn demo() -> Self {
        Self::builder().demo_users().build()
    }

    /// The issuer identifier, as it stands in metadata and tokens.
    pub fn issuer(&self) -> String {
        self.state().issuer.text.clone()
    }

    /// The users on the sign-in page. Whoever is typed there is not added.
    pub fn users(&self) -> &[Identity] {
        &self.shared.users
    }

    /// From now on, the user of this subject is this one: in the tokens of logins and refreshes, and in what userinfo says to
    /// those. [`users`](Self::users) shows who it was.
    ///
    /// ```
    /// use oidc_gate_tower::{Identity, dev::DevProvider};
    /// let provider = DevProvider::demo();
    /// provider.change_user(Identity::builder("", "alice").group("retired").build());
    /// ```
    pub fn change_user(&self, user: Identity) {
        let subject = user.subject().to_owned();
        self.state().changed_users.insert(subject, user);
    }

    /// Takes this redirect URI, exactly as written, from any client. Without registrations, addresses on a loopback host
    /// or under `.test` are taken anyway.
    pub fn allow_redirect_uri(&self, uri: impl Into<String>) {
        self.state().redirect_uris.insert(uri.into());
    }

    /// Signs with a new key from now on. The keys before it stay published, so tokens signed with them stay valid.
    ///
    /// # Panics
    ///
    /// If the cryptography library cannot make a key.
    pub fn rotate_keys(&self) {
        self.keys().rotate();
    }

    /// Signs with a new key from now on and publishes that one alone: tokens signed before cannot be verified any more.
    ///
    /// # Panics
    ///
    /// If the cryptography library cannot make a key.
    pub fn rotate_keys_and_forget(&self) {
        self.keys().rotate_and_forget();
    }

    /// Switches a fault on. It stays until [`clear_faults`](Self::clear_faults); several may be on at once.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.insert(fault);
    }

    /// Switches every fault off.
    pub fn clear_faults(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.logouts.faults.clear();
    }

    /// This provider as an HTTP client: requests to its issuer's origin are answered in the process, any other is not
    /// sent.
    pub fn http_client(&self) -> InProcess {
        InProcess::new(self.clone())
    }

    fn has(&self, fault: Fault) -> bool {
        self.state().faults.contains(&fault)
    }

    fn now(&self) -> UnixTime {
        self.shared.clock.now()
    }

    // A panic while a lock is held leaves nothing half done that matters here, so poison is no reason to stop.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.shared
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DevProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<_> = self.users().iter().map(Identity::subject).collect();
        let state = self.state();
        f.debug_struct("DevProvider")
            .field("issuer", &state.issuer.text)
            .field("users", &users)
            .field("clients", &self.shared.clients)
            .field("faults", &state.faults)
            .field("habits", &state.habits)
            .field("logout_faults", &state.logouts.faults)
            .field("logout_habits", &state.logouts.habits)
            .finish_non_exhaustive()
    }
}
