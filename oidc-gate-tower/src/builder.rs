//! How a gate is configured. `build` has the file beside it: it holds the settings against each other and makes the gate.

mod build;
mod keeping;
mod logout;
mod said;
mod sign_out;

pub(crate) use build::parse_issuer;

use crate::{
    Bearer, ClientAuth, Clock, ForwardAuth, HttpClient, MetricsEndpoint, Provider,
    caller_info::Telling,
    config::Settings,
    config_error::without_userinfo,
    core::{
        claims::{ClaimPath, Shape},
        gate::{
            IdentityHeaders, InvalidBearer, Pattern, PolicySettings, Preflights, Requirement,
            RuleKind, TrustedProxies,
        },
        login::ResponseMode,
        peers::Peers,
        session::{CookieKeys, CookieLifetime, SameSite},
    },
    pages::{Pages, SignInPage},
    passing::{OwnCookies, PassingSettings},
    ports::DynHttpClient,
    sign_out::SignOutSettings,
};
use std::{fmt, sync::Arc, time::Duration};

/// Configures a [`Gate`](crate::Gate). Nothing is checked before [`build`](Self::build), which names every problem at once.
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
    cookie_lifetime: CookieLifetime,
    policy: PolicySettings,
    http: Option<Http>,
    ca_files: Vec<String>,
    /// What was said outside of the code, for what is the provider's and for the names in errors.
    said: Box<Settings>,
    /// Who is believed about where a client comes from.
    proxies: Option<TrustedProxies>,
    /// What was found wrong while settings were taken.
    problems: Vec<String>,
    clock: Option<Arc<dyn Clock>>,
    demanded_claims: Option<Shape>,
    passing: PassingSettings,
    bearers: Vec<Bearer>,
    pages: Option<Box<dyn Pages>>,
    sign_in_page: SignInPage,
    metrics_endpoint: MetricsEndpoint,
    telling: Telling,
    forward_auth: Vec<ForwardAuth>,
    keeping: keeping::KeepingSettings,
    by_provider: logout::ByProvider,
    sign_out: SignOutSettings,
    #[cfg(feature = "dev-provider")]
    dev: Option<crate::dev::DevProvider>,
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
    pub fn client(mut self, id: impl Into<String>, auth: impl Into<ClientAuth>) -> Self {
        self.client = Some(Ok((id.into(), auth.into())));
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

    /// What seals the cookies: [`CookieKeys::parse`]. The same in every replica. They can be changed while the gate runs: see
    /// [`rotation`](crate::rotation).
    pub fn cookie_keys(mut self, keys: CookieKeys) -> Self {
        self.keys = Some(Ok(keys));
        self
    }

    /// How long a session may stay unused, and how long it may live at all; 24 hours and 7 days unless set. The provider may
    /// say that it ends earlier ([`session_expiry`](crate::core::session::Lifetimes)).
    pub fn session_limits(mut self, idle: Duration, absolute: Duration) -> Self {
        self.limits = Some((idle, absolute));
        self
    }

    /// How long a browser keeps a session: [`CookieLifetime::Persistent`] unless set, so for as long as it can live. With
    /// [`CookieLifetime::BrowserSession`] it forgets it when it is closed. The limits hold in either case.
    pub fn cookie_lifetime(mut self, lifetime: CookieLifetime) -> Self {
        self.cookie_lifetime = lifetime;
        self
    }

    /// What pages ask by themselves, to learn whether there is something new: `Pattern::get("/notifications")`. A request there
    /// extends no session, so that a page that is left open keeps nobody signed in; whoever is signed in passes as before.
    ///
    /// It is compared as generously as what restricts, in upper and lower case and with or without a slash at the end. What
    /// renews a session's tokens is not the idle limit, and goes on. For the gate's own `userinfo` a page says it itself:
    /// `/oauth2/userinfo?extend=false`.
    pub fn polling(mut self, pattern: Pattern) -> Self {
        self.policy.polling.push(pattern);
        self
    }

    /// Whether a session comes along when another site leads a user here; [`SameSite::Lax`] unless set, so that it does.
    ///
    /// With [`SameSite::Strict`] whoever follows a link from another site gets a page of the gate first, which leads the
    /// browser to the same place at once; the session comes along then. The link's fragment (`#…`) does not: only a script
    /// could keep it. Pages that are [`open`](Self::open) do not recognise a user whom another site has led there.
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

    /// Whoever is signed in and meets this may use the application at all: it holds on every protected path, beside the
    /// requirements of rules, and adds up. Open and bypassed paths are not protected.
    ///
    /// ```
    /// # use oidc_gate_tower::{Gate, email_domain, group};
    /// # let _ =
    /// Gate::builder().admit(email_domain("example.com").or(group("guests")))
    /// # ;
    /// ```
    pub fn admit(mut self, requirement: Requirement) -> Self {
        self.policy = self.policy.admit(requirement);
        self
    }

    /// Clients from these networks pass without a login wherever no rule says anything. `protect` and `require` hold for
    /// them too, and whoever of them is signed in is recognised.
    ///
    /// Behind a proxy every client comes from the proxy's address, until [`trusted_proxies`](Self::trusted_proxies) says
    /// which proxy is believed about it.
    ///
    /// # Security
    ///
    /// An address is not a person: whoever gets into the network gets into the application. This is not where proxies are
    /// named; a proxy's own address here opens everything to everybody.
    pub fn open_to<T: AsRef<str>>(mut self, networks: impl IntoIterator<Item = T>) -> Self {
        match Peers::new(networks) {
            Ok(networks) => self.policy.open_to = Some(networks),
            Err(problem) => self.problems.push(format!("open_to: {problem}")),
        }
        self
    }

    /// The proxies in front of the application, which are believed about where a client comes from: by `X-Forwarded-For`,
    /// or by the header that [`TrustedProxies::header`] names. Without any, nobody is believed.
    ///
    /// ```
    /// # use oidc_gate_tower::Gate;
    /// use oidc_gate_tower::{AddressHeader, Peers, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::from(Peers::new(["10.0.0.0/8"])?).header(AddressHeader::XRealIp);
    /// # let _ =
    /// Gate::builder().trusted_proxies(proxies)
    /// # ;
    /// # Ok::<_, oidc_gate_tower::PeerError>(())
    /// ```
    pub fn trusted_proxies(mut self, proxies: impl Into<TrustedProxies>) -> Self {
        self.proxies = Some(proxies.into());
        self
    }

    /// A browser's question before a request of another origin's page (a preflight: `OPTIONS` with `Origin` and
    /// `Access-Control-Request-Method`) reaches the application on protected paths too, which sees nobody. For an application
    /// that answers them itself. A layer around the gate that answers them is better, and needs none of this.
    ///
    /// # Security
    ///
    /// Anybody can send such a request: a handler that takes any method must not do anything for `OPTIONS`.
    pub fn pass_preflights(mut self) -> Self {
        self.policy.preflights = Preflights::Pass;
        self
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

    /// Tells the application in headers of the request who the caller is: for services behind it that read nothing else, a
    /// proxy's upstreams above all. None unless set. A handler reads the [`Principal`](crate::Principal).
    ///
    /// Whatever a request brings under these names, in whatever spelling, is removed on every path. They are written where
    /// somebody is recognised, on [open](Self::open) paths too, and absent otherwise.
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, HeaderSource, IdentityHeaders};
    ///
    /// let gate = Gate::builder()
    ///     .issuer("https://id.example.com")
    ///     .client("my-app", ClientAuth::none())
    ///     .base_url("https://app.example.com")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .identity_headers(
    ///         IdentityHeaders::forwarded().header("X-Department", HeaderSource::claim("department")),
    ///     )
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn identity_headers(mut self, headers: IdentityHeaders) -> Self {
        self.passing.request = headers;
        self
    }

    /// Says in headers of the application's answers who the caller is: for a proxy in front that asks this application. It has
    /// to take them off, because browsers, scripts and logs of others see them otherwise. None unless set.
    pub fn identity_response_headers(mut self, headers: IdentityHeaders) -> Self {
        self.passing.response = headers;
        self
    }

    /// Lets the application see the gate's own cookies, which are kept from it unless this is set: who reads a session's
    /// cookie can be the user.
    pub fn pass_own_cookies(mut self) -> Self {
        self.passing.own_cookies = OwnCookies::Pass;
        self
    }

    /// Answers a proxy that asks about requests it has in hand: see [`ForwardAuth`]. Without it, `/oauth2/auth` says whether
    /// whoever asks is signed in, and no header that describes another request is looked at.
    ///
    /// ```
    /// # use oidc_gate_tower::{ClientAuth, CookieKeys, ForwardAuth, Gate, Pattern, group};
    /// let gate = Gate::builder()
    ///     .issuer("https://id.example.com")
    ///     .client("my-app", ClientAuth::client_secret_basic(String::from("…")))
    ///     .base_url("https://app.example.com")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .forward_auth(ForwardAuth::nginx().trust(["127.0.0.1"]))
    ///     .open(Pattern::prefix("/public"))
    ///     .require(Pattern::prefix("/admin"), group("admins"))
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn forward_auth(mut self, proxy: ForwardAuth) -> Self {
        self.forward_auth.push(proxy);
        self
    }

    /// Bearer tokens that are accepted beside sessions. May be called several times: for other issuers, and for other
    /// audiences and kinds of one; a token that one of them lets in is let in.
    ///
    /// A gate that says nothing of logins (no [`client`](Self::client), [`base_url`](Self::base_url) or
    /// [`cookie_keys`](Self::cookie_keys)) takes bearer tokens alone. Then [`issuer`](Self::issuer) is short for
    /// [`Bearer::issuer`].
    ///
    /// Where a request presents a token, the token decides and the cookie is not looked at; what is not a token of the
    /// gate's (another scheme, `Basic` among them) is none of its business. Requests with a token need no protection from
    /// other sites' pages, which cannot send one.
    ///
    /// ```
    /// use oidc_gate_tower::{Bearer, ClientAuth, CookieKeys, Gate, InvalidBearer};
    /// let gate = Gate::builder()
    ///     .issuer("https://id.example.com")
    ///     .client("shop", ClientAuth::none())
    ///     .base_url("https://shop.example.com")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .bearer(Bearer::audience("https://shop.example.com/api"))
    ///     .bearer(Bearer::audience("shop").issuer("https://ci.example.com"))
    ///     .invalid_bearer(InvalidBearer::Challenge)
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn bearer(mut self, bearer: Bearer) -> Self {
        self.bearers.push(bearer);
        self
    }

    /// What a token that is not valid leads to on a protected path; [`InvalidBearer::Login`] unless set.
    pub fn invalid_bearer(mut self, then: InvalidBearer) -> Self {
        self.policy.invalid_bearer = then;
        self
    }

    /// What challenges (`WWW-Authenticate`) call the application, in words for a person; nothing unless set.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.policy.realm = Some(realm.into());
        self
    }

    /// What the gate's pages look like: [`Branding`](crate::pages::Branding), or a theme of one's own.
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages = Some(Box::new(pages));
        self
    }

    /// Whether whoever opens a page that demands a login sees the sign-in page first, or is led to the provider at once, as
    /// they are unless this is set. The sign-in page is always there: `/oauth2/sign_in`, with `rd` for where to go
    /// afterwards.
    ///
    /// Scripts and whatever else cannot be led to a login are answered the same with either.
    pub fn sign_in_page(mut self, sign_in_page: SignInPage) -> Self {
        self.sign_in_page = sign_in_page;
        self
    }

    /// Who gets `/oauth2/metrics`: nobody unless this is set. What is there: [`observability`](crate::observability).
    ///
    /// ```
    /// use oidc_gate_tower::{Gate, MetricsEndpoint, core::peers::{PeerError, Peers}};
    ///
    /// let scraper = Peers::new(["10.0.0.0/8"])?;
    /// let builder = Gate::builder().metrics_endpoint(MetricsEndpoint::ForPeers(scraper));
    /// # let _ = builder;
    /// # Ok::<_, PeerError>(())
    /// ```
    ///
    /// # Security
    ///
    /// What is counted tells how many people come and what is wrong with the provider. The peer is whoever is at the other
    /// end of the connection: behind a proxy that is the proxy, for everybody.
    pub fn metrics_endpoint(mut self, who: MetricsEndpoint) -> Self {
        self.metrics_endpoint = who;
        self
    }

    /// Every response that leaves the gate says who its caller was, in its extensions: a [`CallerInfo`](crate::CallerInfo) for
    /// an access log around the gate.
    pub fn caller_in_response_extensions(mut self) -> Self {
        self.telling = Telling::Caller;
        self
    }

    /// An HTTP client of one's own, in the place of the one that comes along.
    pub fn http_client(mut self, client: impl HttpClient) -> Self {
        self.http = Some(Http::Own(Box::new(client)));
        self
    }

    /// Certificate authorities to trust beside the system's when talking to the provider: a PEM file. May be called several
    /// times.
    pub fn ca_pem_file(mut self, path: impl Into<String>) -> Self {
        self.ca_files.push(path.into());
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
        self.dev = Some(provider.clone());
        self.issuer(provider.issuer())
    }

    /// Takes over what the environment says, in the place of what was set so far:
    ///
    #[doc = include_str!("config/env.md")]
    pub fn env(self) -> Self {
        self.said(Settings::from_variables(|name| std::env::var_os(name)))
    }
}

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
