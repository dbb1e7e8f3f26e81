//! What a way of keeping sessions can promise.

use crate::core::session::{KeptIn, KeyOrigin};
use std::fmt;

/// Something that an application relies on, and that not every way of keeping sessions can promise. Said with
/// [`GateBuilder::guarantee`](crate::GateBuilder::guarantee), it makes `build` refuse a gate that cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guarantee {
    /// A refresh token is redeemed once, whichever replicas a session's requests come to.
    OneRefreshInAllReplicas,
    /// A session that was signed out is over in every replica, also for a copy of its cookie: at once, or where a store has a
    /// [local cache](crate::Store::local_cache) within the time that it may be behind.
    SignOutInAllReplicas,
    /// A login's answer from the provider is taken once, whichever replica it comes to.
    OneTimeLoginInAllReplicas,
    /// Sessions live on when the processes of the application end, with what was refreshed last.
    SurvivesRestart,
    /// The sessions of a user can be listed, and ended one by one.
    SessionsOfAUser,
    /// Tokens can be refreshed after the answer to a request has gone: for sockets and background work.
    RefreshAtAnyTime,
}

impl Guarantee {
    /// All there are, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::OneRefreshInAllReplicas,
        Self::SignOutInAllReplicas,
        Self::OneTimeLoginInAllReplicas,
        Self::SurvivesRestart,
        Self::SessionsOfAUser,
        Self::RefreshAtAnyTime,
    ];

    /// Whether sessions that are kept there have it. `shared`: all replicas see the same store, and it outlives them. What keys
    /// seal that are made at start, no other process opens.
    pub(crate) fn holds(self, kept_in: KeptIn, shared: bool, keys: KeyOrigin) -> bool {
        let shared = shared && keys == KeyOrigin::Configured;
        match self {
            Self::OneRefreshInAllReplicas
            | Self::SignOutInAllReplicas
            | Self::OneTimeLoginInAllReplicas
            | Self::SurvivesRestart => shared,
            Self::SessionsOfAUser | Self::RefreshAtAnyTime => shared || kept_in == KeptIn::Store,
        }
    }
}

/// As a setting is written.
impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneRefreshInAllReplicas => "one_refresh_in_all_replicas",
            Self::SignOutInAllReplicas => "sign_out_in_all_replicas",
            Self::OneTimeLoginInAllReplicas => "one_time_login_in_all_replicas",
            Self::SurvivesRestart => "survives_restart",
            Self::SessionsOfAUser => "sessions_of_a_user",
            Self::RefreshAtAnyTime => "refresh_at_any_time",
        })
    }
}
