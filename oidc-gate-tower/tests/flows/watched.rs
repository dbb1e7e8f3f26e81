//! A store that counts, and that stops answering when it is told to.

use oidc_gate_tower::{SessionBackend, Store, StoreError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Memory that answers so many questions more. Clones are the same.
#[derive(Clone)]
pub(crate) struct Watched(Arc<Inner>);

struct Inner {
    memory: Store,
    answers_left: AtomicUsize,
    writes: AtomicUsize,
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            memory: Store::memory(),
            answers_left: AtomicUsize::new(usize::MAX),
            writes: AtomicUsize::new(0),
        }))
    }

    /// As replicas share one.
    pub(crate) fn store(&self) -> Store {
        Store::custom(self.clone())
    }

    pub(crate) fn answer(&self, questions: usize) {
        self.0.answers_left.store(questions, Ordering::SeqCst);
    }

    /// How often it was written to.
    pub(crate) fn writes(&self) -> usize {
        self.0.writes.load(Ordering::SeqCst)
    }

    fn asked(&self) -> Result<(), StoreError> {
        let one = |left: usize| left.checked_sub(1);
        let left = self
            .0
            .answers_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one);
        left.map(|_| ())
            .map_err(|_| StoreError::unavailable("it is down on purpose"))
    }
}

impl SessionBackend for Watched {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        self.asked()?;
        self.0.memory.load(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        self.asked()?;
        self.0.writes.fetch_add(1, Ordering::SeqCst);
        self.0.memory.compare_and_swap(key, seen, value, keep).await
    }
}
