//! How a gate is configured.

use crate::{
    ClientAuth, Clock, ConfigError, Gate, HttpClient, Provider, SystemClock,
    core::{
        claims::{ClaimPath, Shape},
        client_auth::Client,
        gate::{Endpoint, Pattern, Policy, PolicySettings, Requirement, RuleKind},
        login::{Places, Registration, ResponseMode, check_compatible},
        session::{CookieDomain, CookieKeys, CookieNames, KeyOrigin, Lifetimes, SameSite},
        url::{BaseUrl, Issuer, Origin},
    },
    env::Env,
    gate::Inner,
    ports::DynHttpClient,
    provider::MetadataSource,
    remember::Remembered,
    tasks::Tasks,
    upstream::Upstream,
};
use std::{fmt, sync::Arc, time::Duration};

/// Configures a [`Gate`]. Nothing is checked before [`build`](Self::build), which names every problem at once.
///
/// What concerns this application is said here: its addresses, its cookies, its rules. What concerns the provider (what it is
/// asked, what its claims mean, where its metadata is) is said of a [`Provider`], which goes into
/// [`provider`](Self::provider). [`issuer`](Self::issuer), [`client`](Self::client), [`scopes`](Self::scopes) and
/// [`groups_at`](Self::groups_at) are short for an application that needs no more of that.
#[must_use = "a gate is made by `build`"]
#[derive(Default)]
pub struct GateBuilder {
    providers: Vec<Provider>,
    issuer: Option<String>,
    /// Or what the environment says wrong about it.
    client: Option<Result<(String, ClientAuth), String>>,
    scopes: Option<Vec<String>>,
    response_mode: Option<ResponseMode>,
    groups_at: Vec<ClaimPath>,
    base_url: Option<String>,
    return_to_origins: Vec<String>,
    /// Or what the environment says wrong about them.
    keys: Option<Result<CookieKeys, String>>,
    limits: Option<(Duration, Duration)>,
    cookie_domain: Option<String>,
    policy: PolicySettings,
    http: Option<Http>,
    ca_file: Option<String>,
    env_problems: Vec<String>,
    clock: Option<Arc<dyn Clock>>,
    demanded_claims: Option<Shape>,
}

/// Whose HTTP client it is.
enum Http {
    /// The application's.
    Own(Box<dyn DynHttpClient>),
    /// The development provider's, which reaches nobody else.
    #[cfg(feature = "dev-provider")]
    Embedded(Box<dyn DynHttpClient>),
}

impl Http {
    fn is_embedded(&self) -> bool {
        !matches!(self, Self::Own(_))
    }
}

impl GateBuilder {
    /// The provider: its issuer identifier, exactly as it writes it itself, with or without a trailing slash.
    pub fn issuer(mut self, url: impl Into<String>) -> Self {
        self.issuer = Some(url.into());
        self
    }

    /// Who this application is at the provider, and how it proves so.
    pub fn client(mut self, id: impl Into<String>, auth: ClientAuth) -> Self {
        self.client = Some(Ok((id.into(), auth)));
        self
    }

    /// The scopes to ask for, in the place of the provider's; `openid profile email` unless set. `openid` is added if it is
    /// missing.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Where the groups are in the claims, in the place of the provider's places; the claim `groups` unless set. See
    /// [`Provider::groups_at`].
    pub fn groups_at(mut self, place: impl Into<ClaimPath>) -> Self {
        self.groups_at.push(place.into());
        self
    }

    /// The provider, with more to say about it than [`issuer`](Self::issuer) and [`client`](Self::client) do; in the place of
    /// the two.
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, Provider, ResponseMode};
    /// # let secret = String::from("…");
    ///
    /// let gate = Gate::builder()
    ///     .provider(
    ///         Provider::unnamed("https://id.example.com", "my-app", ClientAuth::client_secret_basic(secret))
    ///             .response_mode(ResponseMode::FormPost)
    ///             .roles_at("roles"),
    ///     )
    ///     .base_url("https://app.example.com")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn provider(mut self, provider: Provider) -> Self {
        self.providers.push(provider);
        self
    }

    /// Where browsers find the application: `https://app.example.com`, however many proxies are in between. Every absolute
    /// address the gate makes comes from here, and none from a request.
    ///
    /// What is registered at the provider begins with it: the redirect URI, `{base_url}/oauth2/callback`, and where users
    /// can start from the provider's own pages, `initiate_login_uri`, which is `{base_url}/oauth2/start`
    /// ([OpenID Connect Core § 4](https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin)).
    ///
    /// If the application lives under a path, that path is part of it, and requests have to arrive with the path: rules
    /// and endpoints are matched against what the browser asked for.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Another origin that a login or a sign-out may lead to: `https://wiki.example.com`, exactly, without a path or a
    /// wildcard. May be called several times. Meant together with one session cookie for several subdomains; without it,
    /// whoever is led there is not signed in there.
    ///
    /// # Security
    ///
    /// Whoever makes a link to this application can send its visitors to any page of that origin
    /// ([RFC 9700 § 4.11.1](https://www.rfc-editor.org/rfc/rfc9700#section-4.11.1)). Name only what you run yourself. No
    /// code or token goes there.
    pub fn return_to_origin(mut self, origin: impl Into<String>) -> Self {
        self.return_to_origins.push(origin.into());
        self
    }

    /// What seals the cookies: [`CookieKeys::parse`]. The same in every replica.
    pub fn cookie_keys(mut self, keys: CookieKeys) -> Self {
        self.keys = Some(Ok(keys));
        self
    }

    /// How long a session may stay unused, and how long it may live at all; 24 hours and 7 days unless set.
    pub fn session_limits(mut self, idle: Duration, absolute: Duration) -> Self {
        self.limits = Some((idle, absolute));
        self
    }

    /// Whether a session comes along when another site leads a user here; [`SameSite::Lax`] unless set, so that it does.
    ///
    /// With [`SameSite::Strict`] whoever follows a link from another site gets a page of the gate first, which leads the
    /// browser to the same place at once; the session comes along then. The link's fragment (`#…`) does not: only a
    /// script could keep it. Pages that are [`open`](Self::open) do not recognise a user whom another site has led there.
    ///
    /// # Security
    ///
    /// A request that such a page leads on to says `Sec-Fetch-Site: same-origin`, whoever made the link. With `Strict` as
    /// with `Lax`, a GET must change nothing.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.policy.same_site = same_site;
        self
    }

    /// One login for all hosts of a domain: `example.com` where the application is `app.example.com` and another of the
    /// same client is `wiki.example.com`. Each host has a gate of its own with the same client id, cookie keys and domain;
    /// signing out on one signs out on all.
    ///
    /// # Security
    ///
    /// Every host of the domain gets the cookie and can set it: whoever runs one of them is trusted with all sessions.
    /// Leave it out wherever it is not needed. A copy of a session's cookie that was taken before the user signed out is
    /// refused by the gate that signed out, and not by its siblings.
    ///
    /// A session is taken as the gate made it that the user signed in at. What a gate reads as a group, a role or an
    /// address, and what it demands of a sign-in, has to be the same at all of them: else a user becomes at one what
    /// another would not have believed.
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie_domain = Some(domain.into());
        self
    }

    /// Anyone may pass here. Whoever is signed in is recognised; nobody is sent to a login.
    ///
    /// A request that changes something counts as signed in only if it comes from the application's own pages.
    pub fn open(self, pattern: Pattern) -> Self {
        self.rule(pattern, RuleKind::Open)
    }

    /// The gate stays out of it here: no session, no login, no change to the response. For assets and health checks.
    ///
    /// [Headers that claim an identity](crate::core::gate::STRIPPED) are removed here too.
    pub fn bypass(self, pattern: Pattern) -> Self {
        self.rule(pattern, RuleKind::Bypass)
    }

    /// Whoever is signed in may pass here. The default for every path without a rule; of use inside of what is open.
    pub fn protect(self, pattern: Pattern) -> Self {
        self.rule(pattern, RuleKind::Protect)
    }

    /// Whoever is signed in and meets the requirement may pass here. Requirements add up, and hold inside of what is
    /// open.
    pub fn require(self, pattern: Pattern, requirement: Requirement) -> Self {
        self.rule(pattern, RuleKind::Require(requirement))
    }

    fn rule(mut self, pattern: Pattern, kind: RuleKind) -> Self {
        self.policy = self.policy.rule(pattern, kind);
        self
    }

    /// Where the gate's own endpoints lie, `/oauth2` unless set. The provider has to know the redirect URI under it.
    pub fn prefix(mut self, path: impl Into<String>) -> Self {
        self.policy.prefix = path.into();
        self
    }

    /// Every answer of the gate is JSON here and none a redirect, whatever the headers say.
    pub fn json(mut self, pattern: Pattern) -> Self {
        self.policy.json.push(pattern);
        self
    }

    /// Claims of this shape are demanded at sign-in: a user without them is told there, once, and not by each handler that
    /// takes `Claims<T>`.
    pub fn claims<T: serde::de::DeserializeOwned>(mut self) -> Self {
        self.demanded_claims = Some(Shape::of::<T>());
        self
    }

    /// An HTTP client of one's own, in the place of the one that comes along.
    pub fn http_client(mut self, client: impl HttpClient) -> Self {
        self.http = Some(Http::Own(Box::new(client)));
        self
    }

    /// Certificate authorities to trust beside the system's when talking to the provider: a PEM file.
    pub fn ca_pem_file(mut self, path: impl Into<String>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// A clock of one's own: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The embedded development provider, reached inside the process. If browsers are to reach it too, let it
    /// [`listen`](crate::dev::DevProvider::listen) first: that settles its issuer.
    ///
    /// A [`provider`](Self::provider) that is set too, before or after, keeps its settings, so that what runs in production
    /// can be tried. If its issuer is another, issuer, client, algorithm and metadata are the development provider's.
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, Provider, dev::DevProvider, role};
    /// # use oidc_gate_tower::Pattern;
    ///
    /// let keycloak = Provider::unnamed("https://id.example.com/realms/acme", "my-app", ClientAuth::none())
    ///     .roles_at(["realm_access", "roles"]);
    /// let gate = Gate::builder()
    ///     .provider(keycloak)
    ///     .dev_provider(&DevProvider::demo())
    ///     .base_url("http://localhost:3000")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .require(Pattern::prefix("/admin"), role("admin"))
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    #[cfg(feature = "dev-provider")]
    pub fn dev_provider(mut self, provider: &crate::dev::DevProvider) -> Self {
        self.http = Some(Http::Embedded(Box::new(provider.http_client())));
        self.client = Some(Ok(("dev".to_owned(), ClientAuth::none())));
        self.issuer(provider.issuer())
    }

    /// Takes over what the environment says, in the place of what was set so far:
    ///
    /// | variable | is |
    /// |---|---|
    /// | `OIDC_GATE_ISSUER_URL` | the provider |
    /// | `OIDC_GATE_CLIENT_ID` | who this application is there |
    /// | `OIDC_GATE_CLIENT_SECRET` | the client's secret |
    /// | `OIDC_GATE_CLIENT_AUTH` | `client_secret_basic` (the default), `client_secret_post` or `none` |
    /// | `OIDC_GATE_SCOPES` | the scopes, separated by spaces |
    /// | `OIDC_GATE_BASE_URL` | where browsers find the application |
    /// | `OIDC_GATE_COOKIE_SECRET` | base64 of 32 random bytes or more; several separated by commas, newest first |
    /// | `OIDC_GATE_CA_FILE` | certificate authorities to trust beside the system's, in PEM |
    /// | `OIDC_GATE_RESPONSE_MODE` | `query` (the default) or `form_post`: how the provider hands its answers back |
    /// | `OIDC_GATE_SAME_SITE` | `lax` (the default) or `strict`: whether sessions are kept from other sites' links |
    pub fn env(self) -> Self {
        self.apply(Env::read(|name| std::env::var(name).ok()))
    }

    fn apply(mut self, env: Env) -> Self {
        if let Some(issuer) = env.issuer {
            if self.is_embedded() {
                (self.http, self.issuer, self.client) = (None, None, None);
            }
            match self.providers.as_mut_slice() {
                [provider] => provider.issuer = issuer,
                _ => self.issuer = Some(issuer),
            }
            if env.client.is_none() && self.client.is_none() && self.providers.is_empty() {
                self.client = Some(Err(
                    "OIDC_GATE_CLIENT_ID: missing; OIDC_GATE_ISSUER_URL is set, so say who this application is there".to_owned(),
                ));
            }
        }
        match (env.client, self.providers.as_mut_slice()) {
            (Some(Ok((id, auth))), [provider]) => {
                (provider.client_id, provider.auth) = (id, auth);
            }
            (Some(client), _) => self.client = Some(client),
            (None, _) => {}
        }
        self.scopes = env.scopes.or(self.scopes);
        self.base_url = env.base_url.or(self.base_url);
        self.ca_file = env.ca_file.or(self.ca_file);
        self.response_mode = env.response_mode.or(self.response_mode);
        self.policy.same_site = env.same_site.unwrap_or(self.policy.same_site);
        self.env_problems = env.problems;
        if let Some(secret) = env.cookie_secret {
            let keys = CookieKeys::parse(&secret);
            self.keys = Some(keys.map_err(|problem| format!("OIDC_GATE_COOKIE_SECRET: {problem}")));
        }
        self
    }

    /// The gate. Does no IO: the provider is looked up when it is first needed, so an application starts while its
    /// provider is down.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration, each with the setting, the value and what to do.
    pub fn build(mut self) -> Result<Gate, ConfigError> {
        let mut problems = std::mem::take(&mut self.env_problems);
        let provider = self.the_provider(&mut problems);
        let issuer = provider.as_ref().and_then(|provider| {
            problems.extend(provider.problems());
            parse_issuer(&provider.issuer, &mut problems)
        });
        let source = provider
            .as_ref()
            .zip(issuer.as_ref())
            .and_then(|(p, issuer)| {
                let source = p.discovery.source(issuer, p.auth.method.name());
                source.map_err(|found| problems.extend(found)).ok()
            });
        let base = self.parse_base_url(&mut problems);
        let places = base.as_ref().map(|base| self.places(base, &mut problems));
        let domain = self.parse_cookie_domain(base.as_ref(), &mut problems);
        let keys = self.take_keys(&mut problems);
        let limits = self.lifetimes(&mut problems);
        let http = self.http_client_or_default(&mut problems);
        let callback = Endpoint::Callback(provider.as_ref().and_then(Provider::in_paths));
        let same_site = self.policy.same_site;
        let policy = self.compile(base.as_ref(), &callback, &mut problems);
        let (
            Some(provider),
            Some(issuer),
            Some(source),
            Some(base),
            Some(places),
            Some(keys),
            Some(limits),
            Some(http),
            Some(policy),
        ) = (
            provider, issuer, source, base, places, keys, limits, http, policy,
        )
        else {
            return Err(ConfigError::new(problems));
        };
        if !problems.is_empty() {
            return Err(ConfigError::new(problems));
        }
        if keys.origin() == KeyOrigin::Ephemeral && base.is_secure() {
            tracing::warn!(
                "the cookie keys were made at start: everybody is signed out by a restart, and replicas do not \
                 understand each other; configure them with CookieKeys::parse"
            );
        }
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let tasks = Arc::new(Tasks::new());
        let redirect_uri = format!("{}{}", base.origin(), policy.endpoint_path(&callback));
        let mut rules = provider.rules();
        rules.claims.demanded = self.demanded_claims;
        let mode = provider.request.response_mode;
        let names = cookie_names(&provider.client_id, &base, same_site, mode, domain);
        let id_token_alg = provider.registered_alg();
        let client = Client::new(provider.client_id, provider.auth.method);
        let mut registration = Registration::new(client, redirect_uri, &provider.request.scopes);
        registration.id_token_alg = id_token_alg;
        registration.response_mode = mode;
        registration.wishes = provider.request.wishes();
        if let MetadataSource::Known(metadata) = &source
            && let Err(failed) = check_compatible(metadata, &registration)
        {
            let cause = failed.cause();
            return Err(ConfigError::new(vec![format!(
                "metadata: {cause}; no login would succeed, so correct it or leave the member out"
            )]));
        }
        let upstream = Upstream::new(
            issuer,
            source,
            registration,
            rules,
            http,
            clock.clone(),
            tasks.clone(),
        );
        Ok(Gate(Arc::new(Inner {
            policy,
            keys,
            names,
            base,
            places,
            limits,
            upstream,
            callback,
            clock,
            tasks,
            ended: Remembered::new(MAX_ENDED_SESSIONS),
            used_states: Remembered::new(MAX_USED_STATES),
            start_params: provider.request.start_params(),
        })))
    }

    fn parse_base_url(&self, problems: &mut Vec<String>) -> Option<BaseUrl> {
        let Some(url) = &self.base_url else {
            problems.push(
                "base_url: missing; set .base_url(\"https://…\") to where browsers find it"
                    .to_owned(),
            );
            return None;
        };
        let base = BaseUrl::parse(url)
            .map_err(|problem| {
                let url = without_userinfo(url);
                problems.push(format!(
                    "base_url: {url:?} {problem}; session cookies are bound to it"
                ));
            })
            .ok()?;
        // What other libraries are given, and would be appended once more.
        let callback = format!("{}/callback", self.policy.prefix);
        if base.path().ends_with(&callback) {
            problems.push(format!(
                "base_url: {url:?} is the redirect URI; leave {callback} out, the gate appends it"
            ));
        }
        Some(base)
    }

    fn places(&self, base: &BaseUrl, problems: &mut Vec<String>) -> Places {
        let mut places = Places::new(base.clone(), &self.policy.prefix);
        for url in &self.return_to_origins {
            let problem = match Origin::parse(url) {
                Ok(origin) if origin.is_secure() || !base.is_secure() => {
                    places = places.allow(origin);
                    continue;
                }
                Ok(_) => "must begin with https://, as base_url does".to_owned(),
                Err(problem) => problem.to_string(),
            };
            let url = without_userinfo(url);
            problems.push(format!(
                "return_to_origin: {url:?} {problem}; logins may lead to any page there"
            ));
        }
        places
    }

    fn parse_cookie_domain(
        &self,
        base: Option<&BaseUrl>,
        problems: &mut Vec<String>,
    ) -> Option<CookieDomain> {
        let domain = self.cookie_domain.as_deref()?;
        CookieDomain::parse(domain, base?)
            .map_err(|problem| problems.push(format!("cookie_domain: {domain:?} {problem}")))
            .ok()
    }

    fn take_keys(&mut self, problems: &mut Vec<String>) -> Option<CookieKeys> {
        let missing = || {
            Err(
                "cookie_keys: missing; make a secret with `openssl rand -base64 32` and set \
                 .cookie_keys(CookieKeys::parse(…)?)"
                    .to_owned(),
            )
        };
        let keys = self.keys.take().unwrap_or_else(missing);
        keys.map_err(|problem| problems.push(problem)).ok()
    }

    fn lifetimes(&self, problems: &mut Vec<String>) -> Option<Lifetimes> {
        let Some((idle, absolute)) = self.limits else {
            return Some(Lifetimes::default());
        };
        let limits = Lifetimes::new(idle, absolute);
        if limits.is_none() {
            problems.push(format!(
                "session_limits: idle {idle:?}, absolute {absolute:?}; both have to be at least a second, idle not \
                 longer than absolute, absolute at most 400 days"
            ));
        }
        limits
    }

    fn compile(
        &mut self,
        base: Option<&BaseUrl>,
        callback: &Endpoint,
        problems: &mut Vec<String>,
    ) -> Option<Policy> {
        let mut settings = std::mem::take(&mut self.policy);
        settings.endpoints = vec![
            Endpoint::Start,
            callback.clone(),
            Endpoint::SignOut,
            Endpoint::Userinfo,
        ];
        if let Some(base) = base {
            settings.base_path = base.path().to_owned();
            settings.origin = Some(base.origin().to_owned());
        }
        Policy::compile(settings)
            .map_err(|found| problems.extend(found.iter().map(ToString::to_string)))
            .ok()
    }

    /// Whether the development provider answers.
    fn is_embedded(&self) -> bool {
        self.http.as_ref().is_some_and(Http::is_embedded)
    }

    /// The one provider, from whichever way it was said.
    fn the_provider(&mut self, problems: &mut Vec<String>) -> Option<Provider> {
        let embedded = self.is_embedded();
        match (self.issuer.take(), self.client.take(), self.providers.as_mut_slice()) {
            (Some(issuer), Some(Ok((id, auth))), [provider]) if embedded => {
                provider.move_to(issuer, id, auth);
            }
            (None, None, [_, ..]) => {}
            (None, Some(Err(problem)), [_, ..]) => problems.push(problem),
            (_, _, [_, ..]) => problems.push(
                "provider: set beside issuer or client, which are short for one; give them to Provider::unnamed"
                    .to_owned(),
            ),
            (Some(issuer), Some(Ok((id, auth))), []) => {
                self.providers.push(Provider::unnamed(issuer, id, auth));
            }
            (Some(issuer), client, []) => {
                parse_issuer(&issuer, problems);
                problems.push(client.and_then(Result::err).unwrap_or_else(|| {
                    "client: missing; set .client(\"…\", ClientAuth::client_secret_basic(…)) as registered at the \
                     provider"
                        .to_owned()
                }));
            }
            (None, Some(client), []) => {
                problems.push("issuer: missing; set .issuer(\"https://…\") to the provider's address".to_owned());
                problems.extend(client.err());
            }
            (None, None, []) => problems.push(
                "issuer: missing; set .issuer(\"https://…\") and .client(…), so that somebody can sign in".to_owned(),
            ),
        }
        if self.providers.len() > 1 {
            problems.push(
                "provider: more than one; a gate signs in with one provider so far".to_owned(),
            );
        }
        let mut provider = self.providers.pop()?;
        if let Some(scopes) = self.scopes.take() {
            provider.request.scopes = scopes;
        }
        if let Some(mode) = self.response_mode {
            provider.request.response_mode = mode;
        }
        if !self.groups_at.is_empty() {
            provider.claims.groups_at = std::mem::take(&mut self.groups_at);
        }
        Some(provider)
    }

    fn http_client_or_default(
        &mut self,
        problems: &mut Vec<String>,
    ) -> Option<Box<dyn DynHttpClient>> {
        let own = self.http.take().map(|http| match http {
            Http::Own(http) => http,
            #[cfg(feature = "dev-provider")]
            Http::Embedded(http) => http,
        });
        if let Some(http) = own {
            if let Some(path) = &self.ca_file {
                problems.push(format!(
                    "ca_pem_file: {path:?}, but an HTTP client of your own is set; let that one trust the authority"
                ));
            }
            return Some(http);
        }
        default_http_client(self.ca_file.as_deref(), problems)
    }
}

#[cfg(feature = "reqwest")]
fn default_http_client(
    ca_file: Option<&str>,
    problems: &mut Vec<String>,
) -> Option<Box<dyn DynHttpClient>> {
    let made = match ca_file {
        Some(path) => crate::ReqwestClient::with_ca_file(path),
        None => crate::ReqwestClient::new(),
    };
    made.map_err(|error| problems.extend(error.problems().map(String::from)))
        .ok()
        .map(|client| Box::new(client) as _)
}

#[cfg(not(feature = "reqwest"))]
fn default_http_client(
    _: Option<&str>,
    problems: &mut Vec<String>,
) -> Option<Box<dyn DynHttpClient>> {
    problems.push(
        "http_client: missing; enable the feature `reqwest` or set .http_client(…) to one of your own".to_owned(),
    );
    None
}

fn cookie_names(
    client_id: &str,
    base: &BaseUrl,
    same_site: SameSite,
    mode: ResponseMode,
    domain: Option<CookieDomain>,
) -> CookieNames {
    let mut names = CookieNames::derive(client_id, base).same_site(same_site);
    if mode == ResponseMode::FormPost {
        names = names.logins_are_posted();
    }
    match domain {
        Some(domain) => names.shared(client_id, domain),
        None => names,
    }
}

fn parse_issuer(url: &str, problems: &mut Vec<String>) -> Option<Issuer> {
    let issuer = Issuer::parse(url)
        .map_err(|problem| problems.push(format!("issuer: {:?} {problem}", without_userinfo(url))))
        .ok()?;
    if url.contains("/.well-known/") {
        problems.push(format!(
            "issuer: {url:?} is where the metadata lies; give what the document there calls `issuer`"
        ));
        return None;
    }
    Some(issuer)
}

/// The address with `***` for what may be a password, so that no error shows one.
pub(crate) fn without_userinfo(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(begin);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}***{}", &rest[at..]),
        None => url.to_owned(),
    }
}

/// About fifty bytes each, for as long as the ended sessions would have lived.
const MAX_ENDED_SESSIONS: usize = 1 << 20;
/// For a quarter of an hour each.
const MAX_USED_STATES: usize = 1 << 16;

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder")
            .field("issuer", &self.issuer.as_deref().map(without_userinfo))
            .field("providers", &self.providers)
            .field("base_url", &self.base_url.as_deref().map(without_userinfo))
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "reqwest"))]
mod tests;
