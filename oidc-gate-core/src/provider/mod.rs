//! What a provider says of itself: its metadata and its keys, how they are fetched, and how long they are good.

pub mod cache;
mod fetch;
mod metadata;

pub use fetch::{Discovery, FetchKeys, Fetched};
pub use metadata::Metadata;
