//! What a provider says of itself: its metadata and its keys, how they are fetched, and how long they are good.

pub mod cache;
mod endpoint;
mod fetch;
mod issuer;
mod members;
mod metadata;
mod server;

pub use endpoint::Endpoint;
pub use fetch::{Discovery, FetchKeys, Fetched};
pub use issuer::{IssuerMetadata, NamesKeys};
pub use metadata::Metadata;
pub use server::ServerMetadata;

use crate::check::Check;

/// Whether a login that failed at this check may have failed because the metadata it went by is outdated: an endpoint has
/// moved, the algorithm has changed, a setting was mended at the provider. Worth asking again
/// ([`Cache::doubt`](cache::Cache::doubt)) before the next login, instead of failing each until the old metadata has
/// expired.
///
/// None of these is in the hand of whoever sends the gate a request.
pub fn may_be_outdated(check: Check) -> bool {
    matches!(
        check,
        Check::TokenUnavailable
            | Check::TokenMalformed
            | Check::ProviderUnreachable
            | Check::IdTokenAlg
            | Check::CodeFlowUnsupported
            | Check::PkceUnsupported
            | Check::ClientAuthUnsupported
            | Check::EndpointUnsupported
            | Check::BackchannelUnavailable
            | Check::BackchannelMalformed
            | Check::NoCommonAlgorithm
            | Check::ClaimsUnsupported
            | Check::ResponseModeUnsupported
            | Check::UserinfoUnsupported
            | Check::UserinfoUnavailable
            | Check::UserinfoMalformed
    )
}
