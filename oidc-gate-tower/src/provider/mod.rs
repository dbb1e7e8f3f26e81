//! A provider, as an application configures it: who it is and who we are there. What its claims mean, what is asked of it
//! and where its metadata is stand in files of their own, each with its settings.

mod claims;
mod discovery;
mod key_cache;
mod request;

pub use discovery::ProviderMetadata;
pub(crate) use discovery::{DiscoverySettings, MetadataSource};
pub(crate) use key_cache::KeyCache;
pub(crate) use request::RequestSettings;

use crate::{
    ClientAuth,
    core::{claims::ClaimRules, jose::Alg, login::SignInRules, logout::NoExpiry},
};
use std::{sync::Arc, time::Duration};

/// An OpenID provider, and who we are there.
///
/// [`GateBuilder::issuer`](crate::GateBuilder::issuer) and [`client`](crate::GateBuilder::client) are short for the
/// unnamed one with its defaults. A named provider has a redirect URI of its own, `/oauth2/callback/{name}`.
///
/// | about | is said by |
/// |---|---|
/// | what claims mean | [`groups_at`](Self::groups_at), [`roles_at`](Self::roles_at), [`email_at`](Self::email_at), [`name_at`](Self::name_at), [`username_at`](Self::username_at), [`map_claims`](Self::map_claims), [`claims_from`](Self::claims_from) |
/// | addresses | [`email`](Self::email), [`danger_trust_unverified_email`](Self::danger_trust_unverified_email) |
/// | what a session keeps | [`keep_claims`](Self::keep_claims), [`drop_claims`](Self::drop_claims) |
/// | what every login asks for | [`scopes`](Self::scopes), [`prompt`](Self::prompt), [`ui_locales`](Self::ui_locales), [`max_age`](Self::max_age), [`acr_values`](Self::acr_values), [`request_claims`](Self::request_claims), [`resource`](Self::resource), [`authorize_param`](Self::authorize_param) |
/// | what a link may ask for | [`start_param`](Self::start_param) |
/// | how the answer comes | [`response_mode`](Self::response_mode) |
/// | ID tokens | [`id_token_alg`](Self::id_token_alg), [`trust_audience`](Self::trust_audience), [`leeway`](Self::leeway) |
/// | logout tokens | [`danger_accept_logout_without_exp`](Self::danger_accept_logout_without_exp) |
/// | where metadata is | [`discovery_url`](Self::discovery_url), [`metadata`](Self::metadata) |
/// | how long metadata and keys are used | [`key_cache`](Self::key_cache) |
///
/// What one login asks for is said by [`LogIn`](crate::LogIn).
///
/// ```
/// use oidc_gate_tower::{ClientAuth, EmailRule, Provider};
/// # let (secret, tenant) = (String::from("…"), "8f1c");
///
/// // Keycloak: roles of the realm and of the client, without their source in the session.
/// Provider::unnamed("https://id.example.com/realms/acme", "my-app", ClientAuth::client_secret_basic(secret.clone()))
///     .roles_at(["realm_access", "roles"])
///     .roles_at(["resource_access", "my-app", "roles"])
///     .drop_claims(["realm_access", "resource_access"]);
///
/// // Microsoft Entra: users of one organisation, whose address may stand in `upn` and is never called verified.
/// let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
/// Provider::unnamed(issuer, "my-app", ClientAuth::client_secret_basic(secret))
///     .email_at("email")
///     .email_at("upn")
///     .email(EmailRule::Verified)
///     .danger_trust_unverified_email()
///     .roles_at("roles");
/// ```
///
/// # Defaults
///
/// Scopes `openid profile email`; userinfo asked when something is missing; groups in the claim `groups`; no address
/// demanded; all claims kept; 30 seconds of leeway between clocks; no audience
/// trusted beside the client; ID tokens signed with any asymmetric algorithm that the provider announces.
#[derive(Clone, Debug)]
#[must_use]
pub struct Provider {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) auth: ClientAuth,
    pub(crate) request: RequestSettings,
    pub(crate) claims: ClaimRules,
    pub(crate) discovery: DiscoverySettings,
    pub(crate) trusted_audiences: Vec<String>,
    pub(crate) leeway: Duration,
    pub(crate) key_cache: KeyCache,
    pub(crate) no_expiry: NoExpiry,
    id_token_alg: Option<String>,
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
        auth: impl Into<ClientAuth>,
    ) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            client_id: client_id.into(),
            auth: auth.into(),
            request: RequestSettings::default(),
            claims: ClaimRules::default(),
            discovery: DiscoverySettings::default(),
            trusted_audiences: Vec::new(),
            leeway: Duration::from_secs(30),
            key_cache: KeyCache::default(),
            no_expiry: NoExpiry::default(),
            id_token_alg: None,
        }
    }

    /// As [`new`](Self::new), without a name: its redirect URI is `/oauth2/callback`.
    pub fn unnamed(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        auth: impl Into<ClientAuth>,
    ) -> Self {
        Self::new("", issuer, client_id, auth)
    }

    /// Makes it the provider `issuer`. What was said about another one's registration and addresses would be wrong there; what
    /// is asked and what claims mean stays.
    pub(crate) fn move_to(&mut self, issuer: String, client_id: String, auth: ClientAuth) {
        if self.issuer == issuer {
            return;
        }
        (self.issuer, self.client_id, self.auth) = (issuer, client_id, auth);
        self.discovery = DiscoverySettings::default();
        self.id_token_alg = None;
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

    /// Takes logout tokens that do not say when they expire, for two minutes after they were issued: those of a provider that
    /// follows a draft of [back-channel logout](crate::GateBuilder::backchannel_logout) from before `exp` was demanded. One that
    /// says when is held to it as before.
    ///
    /// # Security
    ///
    /// The specification demands `exp` so that a token of another kind is not taken for a logout, nor one that was held back. Set
    /// this for a provider that leaves it out, and for no other.
    pub fn danger_accept_logout_without_exp(mut self) -> Self {
        self.no_expiry = NoExpiry::TakenWhileNew;
        self
    }

    /// Whether a provider can be called so: the name is a part of its redirect URI.
    pub(crate) fn is_name(name: &str) -> bool {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    }

    /// The one algorithm that the provider signs ID tokens for this client with, as it is registered there
    /// (`id_token_signed_response_alg`): `RS256`, `ES256`, `EdDSA`, … Tokens signed with another are refused then, and
    /// what the provider announces is not asked.
    ///
    /// # Security
    ///
    /// `HS256`, `HS384` and `HS512` make the client secret the key, so whoever can read it can sign in as anybody. They are
    /// accepted if they are set here and never otherwise, and need a secret of at least 32, 48 or 64 bytes
    /// ([RFC 7518 § 3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)). A provider that can do better should.
    pub fn id_token_alg(mut self, name: impl Into<String>) -> Self {
        self.id_token_alg = Some(name.into());
        self
    }

    /// The algorithm of that name, if one was set and it is one.
    pub(crate) fn registered_alg(&self) -> Option<Alg> {
        self.id_token_alg.as_deref().and_then(Alg::from_name)
    }

    fn alg_problem(&self) -> Option<String> {
        let name = self.id_token_alg.as_deref()?;
        let Some(alg) = self.registered_alg() else {
            let known: Vec<_> = Alg::ALL.iter().map(|alg| alg.name()).collect();
            return Some(format!(
                "id_token_alg: {name:?} is not verified; the algorithms are {}",
                known.join(", ")
            ));
        };
        let least = alg.min_secret_bytes()?;
        match self
            .auth
            .choice
            .secret()
            .map(|secret| secret.expose().len())
        {
            None => Some(format!(
                "id_token_alg: {alg} takes the client's secret, and the client has none; register an algorithm with a \
                 key pair, such as RS256"
            )),
            Some(bytes) if bytes < least => Some(format!(
                "id_token_alg: {alg} takes a client secret of at least {least} bytes, this one has {bytes}; get a longer \
                 one, or register an algorithm with a key pair, such as RS256"
            )),
            Some(_) => None,
        }
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
        if let Some(problem) = self.auth.problem(&self.client_id) {
            problems.push(format!("client: {problem}"));
        }
        problems.extend(self.alg_problem());
        problems.extend(self.request.problems());
        problems.extend(self.claims.problems());
        problems.extend(self.discovery.problems());
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
        problems.extend(self.key_cache.problem());
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
        rules.claims = self.claims.clone();
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(alg: &str, auth: ClientAuth) -> Vec<String> {
        Provider::new("", "https://id.example", "app", auth)
            .id_token_alg(alg)
            .problems()
    }

    #[test]
    fn an_algorithm_is_taken_if_it_can_be_verified() {
        let secret = || ClientAuth::client_secret_post("x".repeat(64));
        for alg in Alg::ALL {
            assert_eq!(problems(alg.name(), secret()), [""; 0], "{alg}");
        }
        for other in ["none", "", "rs256", "ES256K"] {
            let found = problems(other, secret());
            let [problem] = found.as_slice() else {
                panic!("{other}: {found:?}")
            };
            assert!(problem.starts_with(&format!(
                "id_token_alg: {other:?} is not verified; the algorithms are RS256, "
            )));
        }
    }

    #[test]
    fn a_symmetric_algorithm_takes_a_long_secret() {
        for (alg, bytes) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
            let short = ClientAuth::client_secret_basic("x".repeat(bytes - 1));
            assert_eq!(
                problems(alg, short),
                [format!(
                    "id_token_alg: {alg} takes a client secret of at least {bytes} bytes, this one has {}; get a longer \
                     one, or register an algorithm with a key pair, such as RS256",
                    bytes - 1
                )]
            );
            let long = ClientAuth::client_secret_basic("x".repeat(bytes));
            assert_eq!(problems(alg, long), [""; 0]);
            assert_eq!(
                problems(alg, ClientAuth::none()),
                [format!(
                    "id_token_alg: {alg} takes the client's secret, and the client has none; register an algorithm with a \
                     key pair, such as RS256"
                )]
            );
        }
    }
}
