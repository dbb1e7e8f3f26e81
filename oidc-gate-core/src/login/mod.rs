//! The conversations of a relying party.

mod callback;
mod claims_request;
mod compatible;
mod extent;
mod lead;
mod params;
mod parties;
pub mod pkce;
mod places;
mod prepared;
mod refresh;
mod request_url;
mod response_mode;
mod return_to;
mod same_user;
mod sign_in;
mod start;
mod transaction;
mod wanted;

pub use callback::{Answered, Callback, ConsumeState, Grant, Use};
pub use claims_request::ClaimsRequest;
pub use compatible::{check_claims_source, check_compatible};
use extent::{AuthTime, Extent};
pub use lead::{Anew, Lead};
pub use params::{Locales, LoginHint, ParamError, Params};
pub(crate) use parties::id_token_algs;
pub use places::Places;
pub use prepared::Prepared;
pub use refresh::{Refresh, RefreshOf, Refreshed, Renewed, Spent};
pub(crate) use request_url::RequestUrl;
pub use response_mode::{Arrival, ResponseMode, is_over};
pub use return_to::ReturnTo;
pub use same_user::SameUser;
pub use sign_in::{Asked, SignIn, SignInRules, SignedIn};
pub use start::{Registration, Started, start};
pub use transaction::{Demand, Transaction};
pub use wanted::{Manner, Prompt, Wanted, Wishes};

#[cfg(test)]
mod tests;
