//! What a client of a provider is made of.

use super::{Inner, TokenClient};
use crate::{
    ClientAuth, Clock, ConfigError, HttpClient, SystemClock,
    builder::parse_issuer,
    config::Settings,
    core::{client_auth::Client, provider::cache::Cache},
    http_client::http_client,
    outside::Outside,
    ports::DynHttpClient,
};
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

/// Builds a [`TokenClient`].
#[must_use]
pub struct TokenClientBuilder {
    issuer: String,
    client_id: String,
    auth: ClientAuth,
    http: Option<Box<dyn DynHttpClient>>,
    ca_files: Vec<String>,
    clock: Option<Arc<dyn Clock>>,
}

impl TokenClientBuilder {
    pub(super) fn new(issuer: String, client_id: String, auth: ClientAuth) -> Self {
        Self {
            issuer,
            client_id,
            auth,
            http: None,
            ca_files: Vec::new(),
            clock: None,
        }
    }

    /// What the environment says: `OIDC_GATE_ISSUER_URL`, `OIDC_GATE_CA_FILE`, and everything about the client, as
    /// [`GateBuilder::env`](crate::GateBuilder::env) lists it.
    ///
    /// # Errors
    ///
    /// If something is missing there, or cannot be meant.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(Settings::from_variables(|name| std::env::var_os(name)))
    }

    fn read(said: Settings) -> Result<Self, ConfigError> {
        let missing = |name: &str| format!("{name}: missing");
        let client = said
            .client()
            .unwrap_or_else(|| Err(missing("OIDC_GATE_CLIENT_ID")));
        let issuer = (said.issuer_url).ok_or_else(|| missing("OIDC_GATE_ISSUER_URL"));
        match (issuer, client) {
            (Ok(issuer), Ok((id, auth))) => Ok(Self {
                ca_files: said.ca_file.map(|said| said.value).unwrap_or_default(),
                ..Self::new(issuer.value, id, auth)
            }),
            (issuer, client) => Err(ConfigError::new(
                issuer.err().into_iter().chain(client.err()).collect(),
            )),
        }
    }

    /// An HTTP client of one's own, in the place of the one that comes along.
    pub fn http_client(mut self, client: impl HttpClient) -> Self {
        self.http = Some(Box::new(client));
        self
    }

    /// Certificate authorities to trust beside the system's: a PEM file. May be called several times.
    pub fn ca_pem_file(mut self, path: impl Into<String>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// A clock of one's own: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The client. Does no IO but reading the files that were named; the provider is looked up when it is first needed.
    ///
    /// # Errors
    ///
    /// Every problem of what was said.
    pub fn build(self) -> Result<TokenClient, ConfigError> {
        let mut problems = Vec::new();
        let issuer = parse_issuer(&self.issuer, &mut problems);
        if self.client_id.trim().is_empty() {
            problems.push("client: the client id is empty".to_owned());
        }
        if let Some(problem) = self.auth.problem(&self.client_id) {
            problems.push(format!("client: {problem}"));
        }
        let certificate = self.auth.certificate;
        let http = http_client(self.http, &self.ca_files, certificate, &mut problems);
        let (Some(issuer), Some(http), true) = (issuer, http, problems.is_empty()) else {
            return Err(ConfigError::new(problems));
        };
        Ok(TokenClient(Arc::new(Inner {
            issuer,
            client: Client::new(self.client_id, self.auth.choice),
            outside: Outside {
                http: http.into(),
                signer: self.auth.signer,
                clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
                metrics: None,
            },
            metadata: Mutex::new(Cache::new()),
        })))
    }
}

impl fmt::Debug for TokenClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClientBuilder")
            .field("client_id", &self.client_id)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}
