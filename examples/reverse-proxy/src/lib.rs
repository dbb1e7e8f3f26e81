//! The gate in front of other servers: whoever is let in is passed on to one of them, with headers that say who it is.
//!
//! A request's way: what `probes` answers nobody else sees; `front` reads it as nobody further in has to (what belongs to the connection goes, who says where it
//! came from is settled), the gate decides, [`Proxy`] finds the upstream and passes it on.

mod answer;
mod configured;
mod files;
mod front;
mod headers;
mod metrics;
mod patience;
mod probes;
mod proxy;
mod remote;
mod serve;
mod settings;
mod tls;
mod tunnel;
mod upstreams;

pub use metrics::serve_metrics;
pub use probes::Probes;
pub use proxy::Proxy;
pub use serve::{Server, serve};
pub use settings::{Certificates, Host, Paths, Settings, WebSockets};
pub use tls::{ListenTls, OldestTls};
pub use upstreams::{Target, Upstream, Upstreams};

/// Whatever can go wrong while a body streams.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is answered: an upstream's body as it streams, a file's, or a short text.
pub type Body = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, BoxError>;
