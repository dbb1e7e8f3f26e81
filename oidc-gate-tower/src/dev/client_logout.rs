//! What a client registers for logouts.

use super::DevProvider;
use std::collections::BTreeMap;

/// How a client learns that a session has ended, and where it takes users back to
/// ([Back-Channel Logout § 2.2](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRegistration),
/// [Front-Channel Logout § 2](https://openid.net/specs/openid-connect-frontchannel-1_0.html#RPLogout),
/// [RP-Initiated Logout § 3.1](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#ClientMetadata)).
///
/// ```
/// use oidc_gate_tower::dev::{ClientLogout, DevProvider};
/// let provider = DevProvider::builder()
///     .client("app", None, "https://app.test/oauth2/callback")
///     .client_logout("app", ClientLogout::of_gate("https://app.test"))
///     .build();
/// # drop(provider);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ClientLogout {
    pub(super) backchannel: Option<String>,
    pub(super) backchannel_session: Session,
    pub(super) frontchannel: Option<String>,
    pub(super) frontchannel_session: Session,
    pub(super) post_logout_redirect_uris: Vec<String>,
}

/// Whether a client has to be told which session ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Session {
    /// It can be told.
    #[default]
    Optional,
    /// It wants nothing else.
    Required,
}

impl ClientLogout {
    /// A client that is told nothing, and has no address to come back to.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a gate at this base URL has to offer, with its usual paths: `/oauth2/backchannel_logout`,
    /// `/oauth2/frontchannel_logout`, and `/oauth2/signed_out` to come back to. Both channels want to know the session.
    pub fn of_gate(base_url: &str) -> Self {
        let base = base_url.trim_end_matches('/');
        Self::new()
            .backchannel(format!("{base}/oauth2/backchannel_logout"))
            .backchannel_session_required()
            .frontchannel(format!("{base}/oauth2/frontchannel_logout"))
            .frontchannel_session_required()
            .back_at(format!("{base}/oauth2/signed_out"))
    }

    /// Where logout tokens are sent (`backchannel_logout_uri`).
    pub fn backchannel(mut self, uri: impl Into<String>) -> Self {
        self.backchannel = Some(uri.into());
        self
    }

    /// Logout tokens for it have a `sid` (`backchannel_logout_session_required`), whatever the provider's habits are.
    pub fn backchannel_session_required(mut self) -> Self {
        self.backchannel_session = Session::Required;
        self
    }

    /// What the page that signs out shows in a frame (`frontchannel_logout_uri`).
    pub fn frontchannel(mut self, uri: impl Into<String>) -> Self {
        self.frontchannel = Some(uri.into());
        self
    }

    /// The frame's address says `iss` and `sid` (`frontchannel_logout_session_required`). Without this, it says neither.
    pub fn frontchannel_session_required(mut self) -> Self {
        self.frontchannel_session = Session::Required;
        self
    }

    /// One more address that a browser is sent to after a logout that the client has asked for
    /// (`post_logout_redirect_uris`), character by character.
    pub fn back_at(mut self, uri: impl Into<String>) -> Self {
        self.post_logout_redirect_uris.push(uri.into());
        self
    }
}

/// What is known of each client, by its id.
pub(super) type ClientLogouts = BTreeMap<String, ClientLogout>;

impl DevProvider {
    /// What this client registers for logouts from now on: where it is only known after the provider was made.
    /// See [`DevProviderBuilder::client_logout`](super::DevProviderBuilder::client_logout).
    pub fn register_logout(&self, client_id: impl Into<String>, logout: ClientLogout) {
        let id = client_id.into();
        self.state().logouts.clients.insert(id, logout);
    }
}
