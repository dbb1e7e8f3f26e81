//! What a token endpoint that gives no tokens has done to the refresh token.

use super::{Refreshed, Spent};
use crate::{
    backchannel::AskError,
    check::{Check, CheckFailed},
    flow::Failure,
    login::parties::unanswered,
    oauth_error::ErrorCode,
};
use http::StatusCode;

/// Reads an answer without tokens, which is an `error` with this `status`.
///
/// 1. 429: whoever limits requests has not looked at this one.
/// 2. 5xx: nobody knows how far it came.
/// 3. `invalid_grant`, and codes that ask for the user: the token is worth nothing.
/// 4. `server_error` and `temporarily_unavailable`, with any status: as 5xx.
/// 5. Any other code, 401 and 403 without one: the client or its request is not taken, so nothing was redeemed.
/// 6. A success that cannot be read: it was redeemed.
/// 7. Anything else (a redirect, a page that was not found) was answered by who knows whom.
pub(super) fn refused(error: AskError, status: StatusCode) -> Refreshed {
    let retry_after = error.retry_after();
    let spent = match error.code() {
        _ if status == StatusCode::TOO_MANY_REQUESTS => Spent::No,
        _ if status.is_server_error() => Spent::Perhaps,
        Some(
            ErrorCode::InvalidGrant
            | ErrorCode::LoginRequired
            | ErrorCode::InteractionRequired
            | ErrorCode::ConsentRequired
            | ErrorCode::AccountSelectionRequired,
        ) => {
            let cause = error.cause().to_owned();
            return Refreshed::Refused(CheckFailed::new(Check::RefreshRefused, cause));
        }
        Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable) => Spent::Perhaps,
        Some(_) => Spent::No,
        None if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Spent::No,
        None if status.is_success() => Spent::Yes,
        None => Spent::Perhaps,
    };
    Refreshed::NotRenewed {
        failed: error.into(),
        token: spent,
        retry_after,
    }
}

/// There was no answer.
pub(super) fn lost(failure: Failure) -> Refreshed {
    let spent = match failure {
        Failure::NotSent => Spent::No,
        Failure::Unknown | Failure::TooLarge => Spent::Perhaps,
    };
    not_renewed(unanswered(failure), spent)
}

pub(super) fn not_renewed(failed: CheckFailed, token: Spent) -> Refreshed {
    Refreshed::NotRenewed {
        failed,
        token,
        retry_after: None,
    }
}
