//! `session`: how long the caller's session lives on, for a page that wants to warn before it ends.

use crate::{answer, core::time::UnixTime, keeping::SessionState};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

/// Times in seconds since 1970, by the gate's clock; and how many seconds are left, for a page whose own clock is wrong.
#[derive(Serialize)]
struct Told {
    created: u64,
    /// Unless it is used; never after `expires_at`.
    idle_expires_at: u64,
    idle_expires_in: u64,
    /// However it is used.
    expires_at: u64,
    expires_in: u64,
}

/// The policy has refused whoever is not signed in, and sees to it that nothing of the session is changed by the question.
pub(super) fn serve(state: Option<SessionState>, now: UnixTime) -> Response<Bytes> {
    let Some(state) = state else {
        return answer::empty(StatusCode::UNAUTHORIZED);
    };
    let left = |end: UnixTime| end.since(now).as_secs();
    let told = Told {
        created: state.created().as_secs(),
        idle_expires_at: state.idle_ends().as_secs(),
        idle_expires_in: left(state.idle_ends()),
        expires_at: state.ends().as_secs(),
        expires_in: left(state.ends()),
    };
    answer::json(StatusCode::OK, &told)
}
