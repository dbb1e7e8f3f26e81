//! OpenID Connect login around any tower service, in the application's own process.
//!
//! [`Gate`] decides, [`GateLayer`] puts it around a service, and a handler finds the caller as a [`Principal`] in the
//! request's extensions. An axum application uses `oidc-gate-axum` instead, which adds extractors.

mod after;
mod answer;
mod bearer;
mod body;
mod builder;
mod caller_info;
mod client_auth;
mod client_keys;
#[cfg(feature = "config")]
pub mod config;
#[cfg(not(feature = "config"))]
mod config;
mod config_error;
mod cookie_keys;
mod decline;
mod demand;
mod endpoint;
mod forward_auth;
mod future;
mod gate;
mod html;
mod http_client;
mod keeping;
mod log_in;
mod metrics;
mod outside;
mod passing;
mod ports;
mod principal;
mod provider;
mod published;
mod recognise;
mod remember;
mod report;
mod require;
#[cfg(feature = "reqwest")]
mod reqwest_client;
mod service;
mod sessions;
mod sign_out;
mod snapshot;
mod tasks;
mod token_client;
mod trailers;
mod underway;
mod upstream;

#[cfg(feature = "openidconnect")]
pub mod bridge;
#[cfg(feature = "dev-provider")]
pub mod dev;
#[doc = include_str!("live.md")]
pub mod live_connections {}
#[doc = include_str!("logout.md")]
pub mod logout {}
#[doc = include_str!("observability.md")]
pub mod observability {}
pub mod pages;
#[doc = include_str!("rotation.md")]
pub mod rotation {}
#[doc = include_str!("session_storage.md")]
pub mod session_storage {}
#[doc = include_str!("step_up.md")]
pub mod step_up {}
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use bearer::Bearer;
pub use body::GateBody;
pub use builder::GateBuilder;
pub use caller_info::CallerInfo;
pub use client_auth::{AutomaticAuth, ClientAuth, ClientCert, ClientKey};
pub use client_keys::ClientKeySets;
pub use config_error::ConfigError;
pub use demand::{Demand, DemandBuilder, Demands, NoCaller, OriginalTarget};
pub use forward_auth::ForwardAuth;
pub use future::GateFuture;
pub use gate::Gate;
pub use keeping::{Guarantee, SessionEnd, SessionInfo, SessionState, SessionsError, TokenError};
pub use log_in::LogIn;
pub use metrics::MetricsEndpoint;
pub use oidc_gate_core as core;
pub use oidc_gate_core::{
    check::{Check, CheckFailed},
    claims::{ClaimPath, ClaimsSource, EmailRule},
    gate::{
        AddressHeader, Explanation, HeaderSource, IdentityHeaders, InvalidBearer, Pattern,
        Requirement, RuleTable, StepUp, TrustedProxies, Unmet, acr, claim, email, email_domain,
        email_in, group, max_age, predicate, role, scope, signed_in, user,
    },
    identity::{ClaimsMismatch, Identity, IdentityKind, Via},
    jose::{Alg, KeyProblem, SigningKey},
    login::{Prompt, ResponseMode},
    peers::{PeerError, Peers},
    resource::{BearerKind, Marker},
    session::{CookieKeys, CookieLifetime, KeepTokens, KeyError, KeyId, RefreshRules, SameSite},
};
pub use ports::{Clock, HttpClient, Signer, SignerError, SystemClock, TransportError};
pub use principal::{Anonymous, PeerAddr, Principal};
pub use provider::{Provider, ProviderMetadata};
pub use require::{RequireFuture, RequireLayer, RequireService};
#[cfg(feature = "reqwest")]
pub use reqwest_client::ReqwestClient;
pub use service::{GateLayer, GateService};
pub use sign_out::{LogOut, SignOut, SiteData, TokensAtSignOut};
pub use store::{Capacity, SessionBackend, Store, StoreError, StoreErrorKind};
pub use tasks::Unfinished;
pub use token_client::{TokenClient, TokenClientBuilder};
pub use trailers::CleanTrailers;

// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
