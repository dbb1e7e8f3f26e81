//! Tokens, from the side of the client: the answer of a token endpoint, and the ID token in it.

mod claims;
mod id_token;
pub mod request;
mod response;

pub use claims::{IdTokenClaims, IdTokenOrigin};
pub use id_token::{Expectations, UnverifiedIdToken};
pub use response::TokenResponse;
