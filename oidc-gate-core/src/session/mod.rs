//! What is remembered of a login: its state, how it is sealed, and the cookies it travels in.

mod bytes;
mod chunk;
mod cookie;
mod cookie_header;
pub mod coordinate;
mod domain;
mod draft;
mod due;
mod entry;
mod in_store;
mod kept;
mod keys;
mod landing;
mod lifetime;
mod predecessor;
mod rotation;
mod seal;
mod set_cookie;
mod standing;
mod state;
mod store;
mod ticket;
mod tokens;

#[cfg(test)]
mod tests;

pub(crate) use bytes::{Reader, put, put_time, put_u64};
pub use cookie::{Carried, CookieLifetime, CookieNames, GateCookies, Other, SameSite};
pub use domain::{CookieDomain, DomainError};
pub(crate) use draft::{Draft, SealNonce};
pub use due::{CLOCKS, RefreshRules};
pub use entry::SealedTokens;
pub use in_store::{InStore, OpenedEntry};
pub use kept::{Found, KeptIn, KeptSession};
pub use keys::{CookieKeys, KeyError, KeyId, KeyOrigin, Purpose, SealedBy};
pub use landing::Landings;
pub use lifetime::{Freshness, Lifetimes};
pub use predecessor::Predecessor;
pub(crate) use seal::{SealError, is_sealed_by_first, open, open_bytes, seal, seal_bytes};
pub use set_cookie::SetCookie;
pub use standing::Standing;
pub use state::{Session, TokensNote};
pub use store::{StoreDown, StoreKey, Stored, Swap};
pub use ticket::Ticket;
pub use tokens::{KeepTokens, Tokens};
