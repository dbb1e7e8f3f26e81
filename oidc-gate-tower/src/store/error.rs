//! Why a store did not do what it was asked.

use std::{error::Error, fmt};

/// A store has not answered, or has refused.
///
/// Neither `Display` nor `Debug` shows a key, a value or a password, as long as the [source](Self::because) does not.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What can be done about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It does not answer, or not in time, or cannot do this now. A swap may have happened.
    Unavailable,
    /// There is no room for this value. It was not swapped in.
    Full,
    /// It would refuse every time until somebody changes something. Nothing was swapped in.
    Misconfigured,
}

impl StoreError {
    /// There was no answer, or none that says what happened.
    pub fn unavailable(message: &'static str) -> Self {
        Self::new(StoreErrorKind::Unavailable, message)
    }

    /// There is no room.
    pub fn full(message: &'static str) -> Self {
        Self::new(StoreErrorKind::Full, message)
    }

    /// An operator has to change something first.
    pub fn misconfigured(message: &'static str) -> Self {
        Self::new(StoreErrorKind::Misconfigured, message)
    }

    /// This was the cause.
    ///
    /// # Security
    ///
    /// It goes into the log. An error that quotes what was sent is not for this.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What can be done about it.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    fn new(kind: StoreErrorKind, message: &'static str) -> Self {
        Self {
            kind,
            message,
            source: None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static))
    }
}
