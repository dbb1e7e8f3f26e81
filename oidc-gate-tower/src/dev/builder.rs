//! What a development provider is made of.

use super::{
    ClientLogout, DevProvider, Shared,
    clients::{Anchors, Strictness, Wanted, register},
    keys::Keys,
    state::{Issuer, State},
    token::TOKEN_LIFE,
};
use crate::{
    Clock, Identity, SystemClock,
    core::{
        client_auth::{Authenticator, Registration},
        grant::{RefreshPolicy, TrustedIssuer},
        jose::Alg,
        secret::ClientSecret,
    },
};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Describes a [`DevProvider`].
///
/// # Defaults
///
/// - Issuer: `http://localhost:3001`, or the port given to [`DevProvider::listen`].
/// - Clients: any client id with any secret or none, and redirect URIs on a loopback host or under `.test`.
/// - Algorithm: `ES256`. RSA keys take a moment to make, so they are made when asked for.
/// - Access tokens: valid for an hour. Refresh tokens where `offline_access` was asked for: replaced at each use, with ten
///   seconds of grace for clients that prove who they are.
/// - Users: none; a name can be typed.
/// - Endpoints, under the issuer: `/authorize`, `/token`, `/device_authorization`, `/device`, `/jwks`, `/userinfo`,
///   `/end_session`, `/revocation`.
#[must_use]
pub struct DevProviderBuilder {
    issuer: Option<String>,
    users: Vec<Identity>,
    clients: Vec<(Wanted, Vec<String>)>,
    logouts: Vec<(String, ClientLogout)>,
    trusted: Vec<TrustedIssuer>,
    anchors: Anchors,
    strictness: Strictness,
    alg: Alg,
    claims_in_userinfo_only: bool,
    refresh_policy: RefreshPolicy,
    access_token_life: Duration,
    clock: Box<dyn Clock>,
}

impl DevProviderBuilder {
    pub(super) fn new() -> Self {
        Self {
            issuer: None,
            users: Vec::new(),
            clients: Vec::new(),
            logouts: Vec::new(),
            trusted: Vec::new(),
            anchors: None,
            strictness: Box::new(|server| server),
            alg: Alg::ES256,
            claims_in_userinfo_only: false,
            refresh_policy: RefreshPolicy::default(),
            access_token_life: TOKEN_LIFE,
            clock: Box::new(SystemClock),
        }
    }

    /// The issuer identifier: an `http` or `https` URL without query and fragment. A path is fine; every endpoint is
    /// under it. Once given, [`DevProvider::listen`] leaves it alone.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// One more user. Subject, name, address, groups and claims are the identity's; its issuer is replaced by this
    /// provider's. A user of the same subject is replaced.
    ///
    /// A claim may be anything that JSON can say, so another provider's way to put things can be tried:
    ///
    /// ```
    /// use oidc_gate_tower::{Identity, dev::DevProvider};
    /// use serde_json::json;
    ///
    /// let alice = Identity::builder("", "alice")
    ///     .claim("upn", "alice@example.com")
    ///     .claim("realm_access", json!({ "roles": ["admin"] }))
    ///     .build();
    /// let provider = DevProvider::builder().user(alice).build();
    /// # assert_eq!(provider.users().len(), 1);
    /// ```
    pub fn user(mut self, user: Identity) -> Self {
        match self
            .users
            .iter_mut()
            .find(|other| other.subject() == user.subject())
        {
            Some(other) => *other = user,
            None => self.users.push(user),
        }
        self
    }

    /// The three users of [`DevProvider::demo`].
    pub fn demo_users(self) -> Self {
        let user = |subject: &str, name: &str, department: &str, groups: &[&str]| {
            let user = Identity::builder("", subject)
                .name(name)
                .email(format!("{subject}@example.com"))
                .preferred_username(subject)
                .claim("department", department)
                .claim("locale", "en");
            groups.iter().fold(user, |user, g| user.group(g)).build()
        };
        self.user(user(
            "alice",
            "Alice Adams",
            "Operations",
            &["admins", "staff"],
        ))
        .user(user("bob", "Bob Brown", "Research", &["staff"]))
        .user(user("carol", "Carol Clark", "Sales", &[]))
    }

    /// One more registration. With the first one, unknown clients, wrong secrets and redirect URIs that differ by one
    /// character are refused. A client without a secret is public; a client of several redirect URIs is registered
    /// several times.
    pub fn client(
        mut self,
        id: impl Into<String>,
        secret: Option<ClientSecret>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        let id = id.into();
        self.clients
            .push((Wanted::Simple { id, secret }, vec![redirect_uri.into()]));
        self
    }

    /// One more registration, with everything a registration can say: the method, the grants, scopes and resources. Its
    /// keys have to be registered with it; nothing is fetched from a `jwks_uri`. As with [`client`](Self::client), the first
    /// one ends the time when everybody was welcome.
    ///
    /// ```
    /// use oidc_gate_tower::{
    ///     core::{
    ///         client_auth::{ClientKeys, RegisteredMethod, Registration},
    ///         grant::{GrantType, ScopeSet},
    ///         jose::{Alg, JwkSet, SigningKey},
    ///     },
    ///     dev::DevProvider,
    /// };
    /// use serde_json::json;
    ///
    /// let key = SigningKey::generate(Alg::ES256)?;
    /// let keys = JwkSet::parse(json!({"keys": [key.public_jwk()]}).to_string().as_bytes())?;
    /// let method = RegisteredMethod::PrivateKeyJwt(ClientKeys::Here(keys.into()), Some(Alg::ES256));
    /// let service = Registration::new("service", method)
    ///     .grants([GrantType::ClientCredentials])
    ///     .scopes(ScopeSet::parse("read write").unwrap_or_default());
    /// let provider = DevProvider::builder().registered(service, []).build();
    /// # drop(provider);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn registered<'a>(
        mut self,
        client: Registration,
        redirect_uris: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let uris = redirect_uris.into_iter().map(str::to_owned).collect();
        self.clients.push((Wanted::Whole(Box::new(client)), uris));
        self
    }

    /// What a client registers for logouts: where it is told that a session has ended, and where users come back to. It may
    /// be said of clients without a registration too.
    ///
    /// Where a client has said nothing of coming back, it is taken to `…/signed_out` beside its redirect URI `…/callback`; one
    /// without a registration anywhere on this machine or under `.test`.
    pub fn client_logout(mut self, client_id: impl Into<String>, logout: ClientLogout) -> Self {
        self.logouts.push((client_id.into(), logout));
        self
    }

    /// Whose assertions are grants here
    /// ([RFC 7523 § 2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)).
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.trusted.push(issuer);
        self
    }

    /// How strict the token endpoint is, where it is not to be as strict as can be:
    ///
    /// ```
    /// use oidc_gate_tower::{core::client_auth::Bodies, dev::DevProvider};
    /// let provider = DevProvider::builder()
    ///     .client_authentication(|server| server.bodies(Bodies::FormOrJson))
    ///     .build();
    /// # drop(provider);
    /// ```
    pub fn client_authentication(
        mut self,
        settings: impl Fn(Authenticator) -> Authenticator + Send + Sync + 'static,
    ) -> Self {
        self.strictness = Box::new(settings);
        self
    }

    /// The authorities whose certificates clients of `tls_client_auth` may show. The certificate of a connection comes in
    /// the request's extensions, as a [`ClientCertificate`](crate::core::client_auth::certificate::ClientCertificate): this
    /// provider speaks no TLS itself.
    #[cfg(feature = "mtls-server")]
    pub fn anchors(mut self, anchors: crate::core::client_auth::certificate::TrustAnchors) -> Self {
        self.anchors = Some(anchors.into());
        self
    }

    /// What ID tokens are signed with: an asymmetric algorithm.
    ///
    /// # Panics
    ///
    /// Building panics with a symmetric one: this provider keeps key pairs only.
    pub fn signing_alg(mut self, alg: Alg) -> Self {
        self.alg = alg;
        self
    }

    /// ID tokens say who the user is (`sub`) and nothing more of them; name, address, groups and all other claims are given
    /// by userinfo alone, as some providers do unless told otherwise
    /// ([OpenID Connect Core § 5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)).
    pub fn claims_in_userinfo_only(mut self) -> Self {
        self.claims_in_userinfo_only = true;
        self
    }

    /// Whose refresh tokens are replaced when they are used, and how long the old one gets its successor once more. One that
    /// comes again after that ends all that came of the login.
    ///
    /// As strict as can be, each is good once and an answer that was lost ends the login:
    ///
    /// ```
    /// use oidc_gate_tower::{
    ///     core::grant::{RefreshPolicy, Rotation},
    ///     dev::DevProvider,
    /// };
    /// use std::time::Duration;
    ///
    /// let provider = DevProvider::builder()
    ///     .refresh_tokens(RefreshPolicy { rotation: Rotation::Always, grace: Duration::ZERO })
    ///     .build();
    /// # drop(provider);
    /// ```
    pub fn refresh_tokens(mut self, policy: RefreshPolicy) -> Self {
        self.refresh_policy = policy;
        self
    }

    /// How long access tokens are valid, in whole seconds. An hour unless said; ID tokens are valid for an hour in any case.
    pub fn access_token_life(mut self, life: Duration) -> Self {
        self.access_token_life = life;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The provider, its first key made.
    ///
    /// # Panics
    ///
    /// If the issuer is not a URL, a registration does not fit together, or the cryptography library cannot make a key. All
    /// are found on the first run, on a developer's machine.
    pub fn build(self) -> DevProvider {
        let given = self.issuer.is_some();
        let text = self
            .issuer
            .unwrap_or_else(|| format!("http://localhost:{}", DevProvider::DEFAULT_PORT));
        let issuer = Issuer::parse(&text, given).unwrap_or_else(|| {
            panic!(
                "issuer {text:?} must be an http or https URL without user name, query and fragment, \
                 such as http://localhost:3001"
            )
        });
        let clients = register(self.clients, &self.anchors).unwrap_or_else(|why| panic!("{why}"));
        let mut state = State::new(issuer);
        state.logouts.clients.extend(self.logouts);
        DevProvider {
            shared: Arc::new(Shared {
                users: self.users,
                clients,
                trusted: self.trusted,
                anchors: self.anchors,
                strictness: self.strictness,
                claims_in_userinfo_only: self.claims_in_userinfo_only,
                refresh_policy: self.refresh_policy,
                access_token_life: self.access_token_life,
                clock: self.clock,
                keys: Mutex::new(Keys::generate(self.alg)),
                state: Mutex::new(state),
            }),
        }
    }
}

impl fmt::Debug for DevProviderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevProviderBuilder")
            .field("issuer", &self.issuer)
            .field("users", &self.users)
            .field("alg", &self.alg)
            .finish_non_exhaustive()
    }
}
