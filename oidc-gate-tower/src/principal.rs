//! The caller, as the gate found it.

use crate::core::{
    gate::{Requirement, Unmet},
    identity::Identity,
    time::UnixTime,
};
use std::{net::SocketAddr, ops::Deref, sync::Arc};

/// The signed-in caller: in the request extensions of every request that the gate admitted for somebody. Cheap to clone.
///
/// It derefs to [`Identity`]. Only a gate can put one there: what a request brings along is taken off first.
///
/// ```
/// use oidc_gate_tower::Principal;
/// fn greet<B>(request: &http::Request<B>) -> String {
///     match request.extensions().get::<Principal>() {
///         Some(user) => format!("hello {}", user.display_name()),
///         None => "hello stranger".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Principal {
    identity: Arc<Identity>,
    seen_at: UnixTime,
}

impl Principal {
    /// The caller of a request that was decided about at `seen_at`.
    pub(crate) fn new(identity: impl Into<Arc<Identity>>, seen_at: UnixTime) -> Self {
        Self {
            identity: identity.into(),
            seen_at,
        }
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the caller meets a requirement, at the time at which the gate looked at the request.
    ///
    /// # Errors
    ///
    /// What is lacking, and whether a stronger sign-in would mend it.
    pub fn meets(&self, requirement: &Requirement) -> Result<(), Unmet> {
        requirement.check(&self.identity, self.seen_at)
    }
}

impl Deref for Principal {
    type Target = Identity;
    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl AsRef<Identity> for Principal {
    fn as_ref(&self) -> &Identity {
        &self.identity
    }
}

/// In the extensions of a request that was admitted without a caller, on an open route. Tells "nobody" from "no gate".
#[derive(Clone, Copy, Debug)]
pub struct Anonymous {
    _private: (),
}

impl Anonymous {
    pub(crate) const MARK: Self = Self { _private: () };
}

/// The address of the direct peer. Whoever accepts connections puts it into the request's extensions; nothing that a
/// request says is taken for it. The gate names it in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);
