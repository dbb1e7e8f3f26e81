//! The gate.

use crate::{
    GateBuilder, MetricsEndpoint, Unfinished,
    answer::Answers,
    bearer::Verifier,
    caller_info::Telling,
    core::{
        check::CheckFailed,
        form,
        gate::{Endpoint, Explanation, Policy, RuleTable, TrustedProxies},
        identity::Identity,
        time::UnixTime,
    },
    endpoint::operations,
    forward_auth::Forward,
    metrics::Metrics,
    passing::Passing,
    ports::Clock,
    sessions::Sessions,
    tasks::Tasks,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// Decides who passes, and signs users in. One concrete type without parameters; a clone is a reference count.
///
/// ```
/// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, Pattern, core::secret::ClientSecret, group};
///
/// let gate = Gate::builder()
///     .issuer("https://id.example.com")
///     .client("my-app", ClientAuth::client_secret_basic(ClientSecret::new("…")))
///     .base_url("https://app.example.com")
///     .cookie_keys(CookieKeys::ephemeral())
///     .open(Pattern::get("/"))
///     .require(Pattern::prefix("/admin"), group("admins"))
///     .build()?;
///
/// struct AppState {
///     gate: Gate,
/// }
/// # let _ = AppState { gate };
/// # Ok::<_, oidc_gate_tower::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) common: Arc<Common>,
    /// What signs users in; absent where nobody does.
    pub(crate) sessions: Option<Arc<Sessions>>,
    /// What believes bearer tokens; absent where they are no credential.
    pub(crate) bearer: Option<Arc<Verifier>>,
}

/// What every gate has, whatever credentials it takes.
pub(crate) struct Common {
    pub(crate) policy: Policy,
    /// The proxy that asks about requests it has in hand, if one may.
    pub(crate) forward: Option<Forward>,
    /// Who is believed about where a client comes from.
    pub(crate) proxies: Option<TrustedProxies>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) passing: Passing,
    pub(crate) answers: Answers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) metrics_endpoint: MetricsEndpoint,
    pub(crate) telling: Telling,
    /// What testing makes tokens with.
    #[cfg(feature = "dev-provider")]
    #[cfg_attr(
        not(feature = "testing"),
        expect(dead_code, reason = "tests ask for it")
    )]
    pub(crate) dev: Option<crate::dev::DevProvider>,
}

#[cfg(feature = "testing")]
impl Common {
    /// The development provider, where it is the gate's.
    pub(crate) fn dev(&self) -> Option<&crate::dev::DevProvider> {
        self.dev.as_ref()
    }
}

impl Common {
    pub(crate) fn sign_in_path(&self, return_to: &str) -> String {
        let start = self.policy.endpoint_path(&Endpoint::Start);
        form::with_query(&start, [("rd", return_to)])
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// From where the client comes of a request that `peer` has sent.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        match &self.proxies {
            Some(proxies) => proxies.client(peer, headers),
            None => peer,
        }
    }
}

impl Gate {
    /// A gate to be configured.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// Asks the provider, and every other issuer of bearer tokens, for its metadata, unless that is known, and holds the configuration against it: for a readiness
    /// probe, or for an application that would rather not start without its provider. A gate that is never asked looks the
    /// provider up when it is first needed.
    ///
    /// # Errors
    ///
    /// Which check failed, and why.
    pub async fn ready(&self) -> Result<(), CheckFailed> {
        if let Some(sessions) = &self.0.sessions {
            let metadata = sessions.upstream.metadata().await?;
            sessions.upstream.check(&metadata)?;
        }
        match &self.0.bearer {
            Some(verifier) => verifier.ready().await,
            None => Ok(()),
        }
    }

    /// What the endpoint `ping` answers: the process is up. For whoever answers probes at another path, in front of the gate.
    pub fn ping(&self) -> Response<Bytes> {
        operations::ping()
    }

    /// What the endpoint `ready` answers: 200 if [`ready`](Self::ready) says so, and otherwise 503, without why.
    ///
    /// Whoever asks often makes nobody ask the provider often: what is known is known for all, and a failure holds for as long
    /// as it does for logins.
    pub async fn readiness(&self) -> Response<Bytes> {
        operations::ready(self).await
    }

    /// What the gate has counted, as Prometheus reads it: see [`observability`](crate::observability). For an application
    /// that serves such things on a port of their own; in axum
    ///
    /// ```
    /// # let gate = oidc_gate_tower::Gate::builder().issuer("https://id.example.com")
    /// #     .client("app", oidc_gate_tower::ClientAuth::none()).base_url("https://app.example.com")
    /// #     .cookie_keys(oidc_gate_tower::CookieKeys::ephemeral()).build()?;
    /// let metrics = move || {
    ///     let text = gate.metrics();
    ///     ([("content-type", "text/plain; version=0.0.4")], text)
    /// };
    /// // let router = Router::new().route("/metrics", get(async move || metrics()));
    /// assert!(metrics().1.starts_with("# HELP oidc_gate_requests_total "));
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn metrics(&self) -> String {
        self.0.common.metrics.text()
    }

    /// Where a link points that starts a login and leads back to `return_to`: a path in this application with an optional
    /// query and fragment, or an absolute URL at the base URL's origin or at one that
    /// [`return_to_origin`](GateBuilder::return_to_origin) names. Anything else leads to the first page.
    ///
    /// A fragment (`#tab`) is kept if it stands in `return_to`. That of the address bar is never sent to a server: a
    /// browser carries it along through redirects by itself, and loses it where the provider shows a page in between. A
    /// page that routes by it starts the login by a link, with `location.hash` in `rd`.
    ///
    /// The link may say more, and so may the fields of a form that is posted to `/oauth2/start`:
    ///
    /// | parameter | is |
    /// |---|---|
    /// | `rd` | where to go afterwards |
    /// | `prompt` | `login`, `select_account` or `create`; any other is ignored |
    /// | `login_hint` | who is probably going to sign in |
    /// | `ui_locales` | languages, separated by spaces |
    /// | a [`start_param`](crate::Provider::start_param) | what the provider makes of it |
    /// | `acr_values`, `max_age` | of who is signed in: a [stronger or a more recent sign-in](crate::step_up) |
    /// | `iss`, `target_link_uri` | a login that starts at the provider: the configured issuer, and where to go |
    ///
    /// Anybody can make such a link. What only the application may ask for is a [`LogIn`](crate::LogIn).
    ///
    /// ```
    /// # use oidc_gate_tower::{ClientAuth, CookieKeys, Gate};
    /// # let gate = Gate::builder().issuer("https://id.example.com").client("app", ClientAuth::none())
    /// #     .base_url("https://app.example.com").cookie_keys(CookieKeys::ephemeral()).build()?;
    /// assert_eq!(gate.sign_in_path("/me#tab"), "/oauth2/start?rd=%2Fme%23tab");
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn sign_in_path(&self, return_to: &str) -> String {
        self.0.common.sign_in_path(return_to)
    }

    /// Where a form posts to that signs the user out.
    pub fn sign_out_path(&self) -> String {
        self.0.common.policy.endpoint_path(&Endpoint::SignOut)
    }

    /// Which rule decides about a request, and why.
    pub fn explain(&self, method: &Method, path: &str, who: Option<&Identity>) -> Explanation {
        let common = &self.0.common;
        common.policy.explain(method, path, who, common.now())
    }

    /// All rules, in the order in which they decide, and the gate's own endpoints. Its `Display` form is a table for people
    /// and for a snapshot test.
    pub fn rules(&self) -> RuleTable {
        self.0.common.policy.table()
    }

    /// The proxies in front, if [any are believed](GateBuilder::trusted_proxies): for whoever has to judge their headers too.
    pub fn trusted_proxies(&self) -> Option<&TrustedProxies> {
        self.0.common.proxies.as_ref()
    }

    /// Waits until the logins and refreshes that are being finished are finished; at most until the deadline. To be called after the
    /// server has stopped to accept requests.
    ///
    /// # Errors
    ///
    /// How much was left at the deadline.
    pub async fn drain(&self, deadline: Duration) -> Result<(), Unfinished> {
        self.0.common.tasks.drain(deadline).await
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.0.common.now()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions = self.0.sessions.as_deref();
        f.debug_struct("Gate")
            .field("base_url", &sessions.map(|sessions| &sessions.base))
            .field("upstream", &sessions.map(|sessions| &sessions.upstream))
            .field("keys", &sessions.map(|sessions| &sessions.keys))
            .field("bearer", &self.0.bearer)
            .finish_non_exhaustive()
    }
}
