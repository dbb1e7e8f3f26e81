//! Sign users in to an axum application with OpenID Connect, in its own process.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use oidc_gate_axum::{AuthenticatedUser, ClientAuth, CookieKeys, Gate, GateExt as _, Pattern, core::secret::ClientSecret};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Gate::builder()
//!     .issuer("https://id.example.com")
//!     .client("my-app", ClientAuth::client_secret_basic(ClientSecret::new(std::env::var("CLIENT_SECRET")?)))
//!     .base_url("https://app.example.com")
//!     .cookie_keys(CookieKeys::parse(&std::env::var("COOKIE_SECRET")?)?)
//!     .open(Pattern::get("/"))
//!     .build()?;
//!
//! let app = Router::new().route("/me", get(me));
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//! axum::serve(listener, gate.protect(app)).await?;
//! # Ok(())
//! # }
//!
//! async fn me(user: AuthenticatedUser) -> String {
//!     format!("hello {}", user.display_name())
//! }
//! ```
//!
//! Everything an application names is here; `tower` and `core` are the crates underneath, for the rare need.

mod access_token;
mod demands;
mod extract;
mod log_in;
mod log_out;
mod protect;
mod require;

pub use access_token::{AccessToken, AccessTokenRejection};
pub use demands::Demands;
pub use extract::{AuthRejection, AuthenticatedUser, Claims, ClaimsRejection, Has, Permission};
pub use log_in::LogIn;
pub use log_out::LogOut;
#[cfg(feature = "reqwest")]
pub use oidc_gate_tower::ReqwestClient;
#[cfg(feature = "openidconnect")]
pub use oidc_gate_tower::bridge;
#[cfg(feature = "config")]
pub use oidc_gate_tower::config;
#[cfg(feature = "dev-provider")]
pub use oidc_gate_tower::dev;
#[cfg(feature = "testing")]
pub use oidc_gate_tower::testing;
pub use oidc_gate_tower::{
    self as tower, AddressHeader, Alg, AutomaticAuth, Bearer, BearerKind, CallerInfo, Check,
    CheckFailed, ClaimPath, ClaimsMismatch, ClaimsSource, ClientAuth, ClientCert, ClientKey, Clock,
    ConfigError, CookieKeys, CookieLifetime, Demand, EmailRule, Explanation, ForwardAuth, Gate,
    GateBuilder, Guarantee, HeaderSource, HttpClient, Identity, IdentityHeaders, IdentityKind,
    InvalidBearer, KeepTokens, KeyError, KeyId, KeyProblem, Marker, MetricsEndpoint, Pattern,
    PeerError, Peers, Principal, Prompt, Provider, ProviderMetadata, RefreshRules, Requirement,
    ResponseMode, RuleTable, SameSite, SessionBackend, SessionEnd, SessionInfo, SessionState,
    SessionsError, SignOut, Signer, SignerError, SigningKey, SiteData, StepUp, Store, StoreError,
    SystemClock, TokenClient, TokenClientBuilder, TokenError, TokensAtSignOut, TransportError,
    TrustedProxies, Unfinished, Unmet, Via, acr, claim,
    core::{
        self,
        flow::Exchange,
        secret::{ClientSecret, HeaderSecret},
        time::UnixTime,
    },
    email, email_domain, email_in, group, live_connections, logout, max_age, observability, pages,
    predicate, role, rotation, scope, session_storage, signed_in, step_up, user,
};
pub use protect::{
    AxumBody, AxumBodyFuture, GateExt, GateFuture, GateLayer, GateService, Protected,
};
pub use require::{RequireFuture, RequireLayer, RequireService, require};

// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
