//! Extractors and responses for axum.
