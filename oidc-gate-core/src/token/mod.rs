//! Tokens, from the side of the client: what is asked of a token endpoint, its answer, and the ID token in it.

mod claims;
mod exchange;
mod id_token;
mod poll;
mod request;
mod response;

pub use claims::{IdTokenClaims, IdTokenOrigin};
pub use exchange::{Exchanged, TokenKind, TypedToken};
pub use id_token::{Expectations, UnverifiedIdToken};
pub(crate) use id_token::{Forgotten, IdTokenTimes, check_presented, check_type};
pub use poll::PollDevice;
pub use request::TokenRequest;
pub use response::{TokenResponse, TokenType};
