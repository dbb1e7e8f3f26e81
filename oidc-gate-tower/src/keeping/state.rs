//! What is known of a session's time.

use crate::core::{
    session::{Lifetimes, Session},
    time::UnixTime,
};
use std::time::Duration;

/// When a session began and when it ends, by the gate's clock: see [`Principal::session_state`](crate::Principal::session_state).
/// It says nothing of whose it is, and nobody can come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    created: UnixTime,
    seen: UnixTime,
    ends: UnixTime,
    idle_ends: UnixTime,
}

impl SessionState {
    pub(crate) fn of(session: &Session, limits: &Lifetimes) -> Self {
        // The limits of now count where they are shorter than those it began under.
        let ends = session.ends().min(session.created() + limits.absolute());
        Self {
            created: session.created(),
            seen: session.seen(),
            ends,
            idle_ends: (session.seen() + limits.idle()).min(ends),
        }
    }

    /// When its user signed in.
    pub fn created(&self) -> UnixTime {
        self.created
    }

    /// When it was last written down as used: to a tenth of the idle limit.
    pub fn seen(&self) -> UnixTime {
        self.seen
    }

    /// When it ends unless it is used; never after [`ends`](Self::ends). What comes first is this.
    pub fn idle_ends(&self) -> UnixTime {
        self.idle_ends
    }

    /// When it ends however it is used. Only a new login makes it later.
    pub fn ends(&self) -> UnixTime {
        self.ends
    }

    /// How long it lives on at `now`, unless it is used.
    pub fn left(&self, now: UnixTime) -> Duration {
        self.idle_ends.since(now)
    }
}
