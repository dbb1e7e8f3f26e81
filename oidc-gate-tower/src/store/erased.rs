//! Backends without their type.

use super::{Peek, SessionBackend, StoreError};
use crate::ports::Boxed;
use std::time::Duration;

/// What is there, and its version.
type Found = Option<(Vec<u8>, u64)>;

/// [`SessionBackend`] without its type.
pub(crate) trait DynBackend: Send + Sync {
    fn load<'a>(&'a self, key: &'a [u8; 32]) -> Boxed<'a, Result<Found, StoreError>>;

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Boxed<'a, Result<bool, StoreError>>;

    fn peek(&self, key: &[u8; 32]) -> Peek;
}

impl<T: SessionBackend> DynBackend for T {
    fn load<'a>(&'a self, key: &'a [u8; 32]) -> Boxed<'a, Result<Found, StoreError>> {
        Box::pin(SessionBackend::load(self, key))
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a [u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Boxed<'a, Result<bool, StoreError>> {
        Box::pin(SessionBackend::compare_and_swap(
            self, key, seen, value, keep,
        ))
    }

    fn peek(&self, key: &[u8; 32]) -> Peek {
        SessionBackend::peek(self, key)
    }
}
