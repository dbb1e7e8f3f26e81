//! Which store it is.

use super::{Capacity, Peek, SessionBackend, StoreError, erased::DynBackend, memory::Memory};
use std::{fmt, sync::Arc, time::Duration};

/// A place for sessions: memory, Redis, or a [`SessionBackend`] of your own. Clones are the same place.
///
/// ```
/// use oidc_gate_tower::Store;
/// let store = Store::memory();
/// ```
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Memory(Arc<Memory>),
    Custom(Arc<dyn DynBackend>),
}

impl Store {
    /// This process's memory, as much of it as [`Capacity`] has by default.
    ///
    /// What is there ends with the process, and other replicas do not see it.
    pub fn memory() -> Self {
        Self::memory_of(Capacity::new())
    }

    /// This process's memory, as much of it as that.
    ///
    /// When it is full, what is over makes room; otherwise what is new is refused. A session that is to be kept is never
    /// dropped for another.
    pub fn memory_of(capacity: Capacity) -> Self {
        Self {
            backend: Backend::Memory(Arc::new(Memory::new(capacity))),
        }
    }

    /// A backend of your own, which is taken for one that all replicas share.
    pub fn custom(backend: impl SessionBackend) -> Self {
        Self {
            backend: Backend::Custom(Arc::new(backend)),
        }
    }

    /// What is wrong with it, each as `what is wrong; what to do`.
    #[allow(dead_code, reason = "until the gate keeps sessions in stores")]
    pub(crate) fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether replicas see the same.
    #[allow(dead_code, reason = "until the gate keeps sessions in stores")]
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self.backend, Backend::Memory(_))
    }

    /// What it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self.backend {
            Backend::Memory(_) => "memory",
            Backend::Custom(_) => "custom",
        }
    }
}

/// For programs that keep something of their own in the place that they have set up for sessions, and for tests.
impl SessionBackend for Store {
    async fn load(&self, key: &[u8; 32]) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.load(key)),
            Backend::Custom(backend) => backend.load(key).await,
        }
    }

    async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: Vec<u8>,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        match &self.backend {
            Backend::Memory(memory) => memory.compare_and_swap(key, seen, value, keep),
            Backend::Custom(backend) => backend.compare_and_swap(key, seen, value, keep).await,
        }
    }

    fn peek(&self, key: &[u8; 32]) -> Peek {
        match &self.backend {
            Backend::Memory(memory) => Peek::Known(memory.load(key)),
            Backend::Custom(backend) => backend.peek(key),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Store");
        debug.field("kind", &self.kind());
        debug.finish_non_exhaustive()
    }
}
