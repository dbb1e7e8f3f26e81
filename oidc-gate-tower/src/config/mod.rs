//! What a gate is told from outside its code: by the environment, and with the feature `config` by files.

mod client;
mod keeping;
mod parse;
mod settings;
mod sign_out;
mod value;

#[cfg(feature = "config")]
mod bearers;
#[cfg(feature = "config")]
mod file;
#[cfg(feature = "config")]
mod nearest;
#[cfg(feature = "config")]
mod oauth2_proxy;
#[cfg(feature = "config")]
mod reader;
#[cfg(feature = "config")]
mod report;
#[cfg(feature = "config")]
mod rules;
#[cfg(feature = "config")]
mod server;
#[cfg(feature = "config")]
mod sources;
#[cfg(feature = "config")]
mod whole;

pub(crate) use keeping::KeptAt;
pub(crate) use settings::Settings;
pub(crate) use value::{Family, Place, Said};

#[cfg(feature = "config")]
pub use {
    report::Report,
    server::{Server, Target, TlsVersion, Upstream},
    sources::Sources,
    whole::Config,
};

/// Every setting, by our own names.
///
#[doc = include_str!("reference.md")]
#[cfg(feature = "config")]
pub mod reference {}

/// From oauth2-proxy to a gate: every option, and what becomes of it.
///
#[doc = include_str!("from_oauth2_proxy.md")]
#[cfg(feature = "config")]
pub mod from_oauth2_proxy {}

#[cfg(test)]
#[cfg(all(feature = "config", feature = "reqwest"))]
mod pages;
#[cfg(test)]
#[cfg(all(feature = "config", feature = "reqwest"))]
mod tests;
