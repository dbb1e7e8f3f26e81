//! A provider, as an application configures it.

use crate::{
    ClientAuth,
    core::{jose::AlgSet, login::SignInRules},
};
use std::{sync::Arc, time::Duration};

/// An OpenID provider, and who we are there.
///
/// [`GateBuilder::issuer`](crate::GateBuilder::issuer) and [`client`](crate::GateBuilder::client) are short for the
/// unnamed one with its defaults. A named provider has a redirect URI of its own, `/oauth2/callback/{name}`.
///
/// # Defaults
///
/// Scopes `openid profile email`; groups in the claim `groups`; 30 seconds of leeway between clocks; no audience
/// trusted beside the client.
#[derive(Clone, Debug)]
#[must_use]
pub struct Provider {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) auth: ClientAuth,
    pub(crate) scopes: Vec<String>,
    pub(crate) groups_path: Vec<String>,
    pub(crate) trusted_audiences: Vec<String>,
    pub(crate) leeway: Duration,
}

impl Provider {
    /// The most that clocks may be allowed to differ.
    pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(300);

    /// The provider `issuer`, called `name` here (letters, digits, `-` and `_`), at which the application is registered
    /// as `client_id`.
    pub fn new(
        name: impl Into<String>,
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        auth: ClientAuth,
    ) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            client_id: client_id.into(),
            auth,
            scopes: ["openid", "profile", "email"].map(String::from).into(),
            groups_path: vec!["groups".to_owned()],
            trusted_audiences: Vec::new(),
            leeway: Duration::from_secs(30),
        }
    }

    /// As [`new`](Self::new), without a name: its redirect URI is `/oauth2/callback`.
    pub fn unnamed(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        auth: ClientAuth,
    ) -> Self {
        Self::new("", issuer, client_id, auth)
    }

    /// The scopes to ask for. `openid` is added if it is missing.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Where the groups are in the claims: one name per level, because claim names hold dots and slashes. Keycloak's
    /// realm roles are at `["realm_access", "roles"]`.
    pub fn groups_at(mut self, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.groups_path = path.into_iter().map(Into::into).collect();
        self
    }

    /// An audience that an ID token may name beside the client.
    ///
    /// # Security
    ///
    /// Whoever is named there is trusted not to pass users' tokens on to this application.
    pub fn trust_audience(mut self, audience: impl Into<String>) -> Self {
        self.trusted_audiences.push(audience.into());
        self
    }

    /// How far this machine's clock and the provider's may differ; at most five minutes.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Whether a provider can be called so: the name is a part of its redirect URI.
    pub(crate) fn is_name(name: &str) -> bool {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    }

    /// What is wrong with it, each as `setting: problem`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !Self::is_name(&self.name) {
            let name = &self.name;
            problems.push(format!(
                "provider: the name {name:?} may hold letters, digits, `-` and `_` only"
            ));
        }
        if self.client_id.trim().is_empty() {
            problems.push(
                "client: the client id is empty; it is what the provider calls this application"
                    .to_owned(),
            );
        }
        if let Some(problem) = self.auth.problem() {
            problems.push(format!("client: {problem}"));
        }
        let word = |text: &String| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        };
        if self.scopes.is_empty() {
            problems
                .push("scopes: empty; leave the setting out for `openid profile email`".to_owned());
        }
        for scope in self.scopes.iter().filter(|scope| !word(scope)) {
            problems.push(format!(
                "scopes: {scope:?} is no scope; give each scope as a text of its own"
            ));
        }
        if self.groups_path.is_empty() || self.groups_path.iter().any(String::is_empty) {
            problems.push(
                "groups_at: empty; give the name of a claim, or leave the setting out for `groups`"
                    .to_owned(),
            );
        }
        if self.trusted_audiences.iter().any(String::is_empty) {
            problems.push(
                "trust_audience: empty; give the audience exactly as the provider writes it"
                    .to_owned(),
            );
        }
        if self.leeway > Self::MAX_LEEWAY {
            let secs = self.leeway.as_secs();
            problems.push(format!("leeway: {secs} s; clocks may differ by at most 300 s, so set this machine's clock right"));
        }
        problems
    }

    /// The name as it stands in the path of the redirect URI, if it has one that is fit.
    pub(crate) fn in_paths(&self) -> Option<Arc<str>> {
        (!self.name.is_empty() && Self::is_name(&self.name)).then(|| self.name.as_str().into())
    }

    pub(crate) fn rules(&self) -> SignInRules {
        let mut rules = SignInRules::default();
        rules.provider = self.name.as_str().into();
        rules.leeway = self.leeway;
        rules.trusted_audiences = self.trusted_audiences.clone();
        rules.algs = AlgSet::all();
        rules.groups_path = self.groups_path.clone();
        rules
    }
}
