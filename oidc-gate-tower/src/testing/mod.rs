//! What an application's own tests need. A feature, so that no release build can sign anybody in.

mod access;
mod browser;
mod clock;
pub mod conformance;
mod cookies;
mod forms;
mod page;
mod real;
mod signed_in;

pub use access::{Access, AccessTable, access};
pub use browser::Browser;
pub use clock::ManualClock;
pub use cookies::{Cookie, SameSite};
pub use page::Page;
pub use real::{bearer, gate, session};
pub use signed_in::{SignedIn, SignedInLayer, principal, signed_in, signed_out};

use crate::{Identity, core::identity::IdentityBuilder};

/// A made-up user of the made-up issuer `https://id.test`.
///
/// ```
/// use oidc_gate_tower::testing;
/// let alice = testing::user("alice").name("Alice").group("admins").build();
/// assert_eq!(alice.display_name(), "Alice");
/// ```
pub fn user(subject: &str) -> IdentityBuilder {
    Identity::builder("https://id.test", subject)
}
