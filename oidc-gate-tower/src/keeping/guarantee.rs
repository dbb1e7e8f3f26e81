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
    /// [Connections](crate::live_connections) that are open when their session is ended are told, whichever replica they are
    /// open in.
    ConnectionsEndInAllReplicas,
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
    pub const ALL: [Self; 7] = [
        Self::OneRefreshInAllReplicas,
        Self::SignOutInAllReplicas,
        Self::ConnectionsEndInAllReplicas,
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
            | Self::ConnectionsEndInAllReplicas
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
            Self::ConnectionsEndInAllReplicas => "connections_end_in_all_replicas",
            Self::OneTimeLoginInAllReplicas => "one_time_login_in_all_replicas",
            Self::SurvivesRestart => "survives_restart",
            Self::SessionsOfAUser => "sessions_of_a_user",
            Self::RefreshAtAnyTime => "refresh_at_any_time",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use std::fmt::Write as _;

    const PAGE: &str = include_str!("../session_storage.md");
    const BEGIN: &str = "<!-- guarantees -->\n";
    const END: &str = "<!-- end of guarantees -->\n";

    impl Guarantee {
        /// In words, for the table.
        fn words(self) -> &'static str {
            match self {
                Self::OneRefreshInAllReplicas => "one refresh for all requests in all replicas",
                Self::SignOutInAllReplicas => {
                    "a sign-out ends the session in all replicas, for a copy of its cookie too"
                }
                Self::ConnectionsEndInAllReplicas => {
                    "open connections end with their session, in all replicas"
                }
                Self::OneTimeLoginInAllReplicas => {
                    "a login's answer is taken once, in all replicas"
                }
                Self::SurvivesRestart => {
                    "sessions outlive all processes, with what was refreshed last"
                }
                Self::SessionsOfAUser => "a user's sessions can be listed and ended",
                Self::RefreshAtAnyTime => "tokens are refreshed after the answer, too",
            }
        }
    }

    /// What the table says beside: each by itself, in the order of the columns.
    const ALWAYS: [&str; 4] = [
        "one refresh for all requests in one process",
        "a sign-out ends the session in the process that it came to, for a copy of its cookie too",
        "open connections end with their session, in the process that ended it",
        "a login's answer is taken once, in one process",
    ];
    const MORE: [[&str; 5]; 4] = [
        [
            "a restart of the process, after [`drain`](crate::Gate::drain)",
            "sessions live on; a refresh on its way to the browser is lost",
            "nothing is lost",
            "all sessions end",
            "nothing is lost",
        ],
        [
            "a restart of Redis, with `appendfsync always`",
            "",
            "nothing is lost",
            "",
            "nothing is lost",
        ],
        [
            "a failover of Redis",
            "",
            "the last moment can be: refreshes, ends",
            "",
            "the last moment can be: logins, refreshes, ends",
        ],
        [
            "room for a session and its tokens",
            "8 KB",
            "8 KB",
            "the store's capacity",
            "1 MiB",
        ],
    ];

    fn table() -> String {
        let (shared, own) = (Store::custom(Store::memory()), Store::memory());
        let ways = [
            (KeptIn::Cookies, own.is_shared()),
            (KeptIn::Cookies, shared.is_shared()),
            (KeptIn::Store, own.is_shared()),
            (KeptIn::Store, shared.is_shared()),
        ];
        let mut table = String::from(
            "| | cookies | cookies, and Redis as coordinator | memory | Redis |\n|---|---|---|---|---|\n",
        );
        for words in ALWAYS {
            writeln!(table, "| {words} | yes | yes | yes | yes |").unwrap();
        }
        for guarantee in Guarantee::ALL {
            write!(table, "| {} (`{guarantee}`) |", guarantee.words()).unwrap();
            for (kept_in, shared) in ways {
                let holds = match guarantee.holds(kept_in, shared, KeyOrigin::Configured) {
                    true => "yes",
                    false => "no",
                };
                write!(table, " {holds} |").unwrap();
            }
            table.push('\n');
        }
        for row in MORE {
            let row = row.map(|cell| if cell.is_empty() { "—" } else { cell });
            writeln!(table, "| {} |", row.join(" | ")).unwrap();
        }
        table
    }

    #[test]
    fn the_table_of_the_guide_is_what_build_goes_by() {
        let (before, rest) = PAGE.split_once(BEGIN).unwrap();
        let (written, after) = rest.split_once(END).unwrap();
        let table = table();
        if std::env::var_os("OIDC_GATE_WRITE_PAGES").is_some() {
            std::fs::write(
                concat!(env!("CARGO_MANIFEST_DIR"), "/src/session_storage.md"),
                format!("{before}{BEGIN}{table}{END}{after}"),
            )
            .unwrap();
        }
        assert!(
            written == table,
            "the table is stale: run `OIDC_GATE_WRITE_PAGES=1 cargo test -p oidc-gate-core -p oidc-gate-tower --all-features \
             --lib guarantee`"
        );
    }
}
