//! The development provider.
