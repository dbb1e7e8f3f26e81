//! What an error of Redis's means for the operation that met it.

use super::address::Host;
use crate::store::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use std::{error::Error, fmt};

/// Why a server did not do it.
#[derive(Debug)]
pub(super) enum Failure {
    /// It does not know the script yet. Nothing has happened.
    NoScript,
    /// Another server has this key. Nothing has happened.
    Moved { to: Option<Host>, ask: bool },
    /// It is no primary, not any more, or not yet. Nothing has happened.
    NotNow(StoreError),
    /// The answer, if there is one, will not be known: the connection is of no use any more.
    Broken(StoreError),
    /// It says no, and would again.
    Refused(StoreError),
}

impl Failure {
    /// What the error of a command means that was sent to `asked`.
    pub(super) fn of(error: &RedisError, asked: Option<&Host>) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::Server(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => {
                Self::Moved {
                    to: error
                        .redirect_node()
                        .and_then(|(node, _)| redirect(node, asked)),
                    ask: kind == ServerErrorKind::Ask,
                }
            }
            ErrorKind::Server(
                ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::TryAgain,
            ) => Self::NotNow(
                StoreError::unavailable("redis cannot do this now").because(Said::of(error)),
            ),
            ErrorKind::Server(ServerErrorKind::NoPerm) => Self::Refused(
                StoreError::misconfigured(
                    "redis does not allow this user what is needed: GET, GETRANGE, SET, EVAL and EVALSHA on its keys",
                )
                .because(Said::of(error)),
            ),
            ErrorKind::AuthenticationFailed => Self::Refused(unknown_user(error)),
            ErrorKind::Server(_) | ErrorKind::Extension => match error.code() {
                Some("OOM") => Self::Refused(
                    StoreError::full("redis has no room left (maxmemory)").because(Said::of(error)),
                ),
                Some("WRONGTYPE") => Self::Refused(not_ours()),
                Some("NOAUTH" | "WRONGPASS") => Self::Refused(unknown_user(error)),
                // MISCONF, NOREPLICAS and whatever comes.
                _ => Self::Refused(
                    StoreError::unavailable("redis refuses").because(Said::of(error)),
                ),
            },
            _ => Self::Broken(
                StoreError::unavailable("the connection to redis broke").because(Said::of(error)),
            ),
        }
    }

    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::NoScript => StoreError::unavailable("redis forgets its scripts"),
            Self::Moved { .. } => {
                StoreError::unavailable("the servers of the cluster do not agree who has this key")
            }
            Self::NotNow(error) | Self::Broken(error) | Self::Refused(error) => error,
        }
    }
}

/// Something is under a key of the gate's that the gate has not written.
pub(super) fn not_ours() -> StoreError {
    StoreError::misconfigured(
        "redis has something else under a key of the gate's; give each application a prefix or a database of its own",
    )
}

fn unknown_user(error: &RedisError) -> StoreError {
    StoreError::misconfigured("redis does not know this user and password").because(Said::of(error))
}

/// `127.0.0.1:7001`, `::1:7001`, or `:7001` for the host that was asked.
fn redirect(node: &str, asked: Option<&Host>) -> Option<Host> {
    let (name, port) = node.rsplit_once(':')?;
    let name = match name.trim_start_matches('[').trim_end_matches(']') {
        "" | "?" => asked?.name.clone(),
        name => name.to_owned(),
    };
    Some(Host {
        name,
        port: port.parse().ok()?,
    })
}

/// What may be shown of an error: its kind and its code. Its text may quote the command, and with it a key.
#[derive(Debug)]
pub(super) struct Said {
    category: String,
    code: Option<String>,
}

impl Said {
    fn of(error: &RedisError) -> Self {
        // What the operating system and TLS say quotes nothing that was sent.
        let cause = error
            .source()
            .filter(|_| error.is_io_error())
            .map(ToString::to_string);
        Self {
            category: cause.unwrap_or_else(|| error.category().to_owned()),
            code: error.code().map(str::to_owned),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "redis answered {code}"),
            None => f.write_str(&self.category),
        }
    }
}

impl Error for Said {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    fn failure(line: &str) -> Failure {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let asked = Host {
            name: "10.0.0.1".to_owned(),
            port: 7000,
        };
        Failure::of(&value.extract_error().unwrap_err(), Some(&asked))
    }

    fn moved_to(line: &str) -> (String, bool) {
        match failure(line) {
            Failure::Moved { to: Some(to), ask } => (to.to_string(), ask),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_has_the_key_instead_is_read_in_each_of_its_forms() {
        let to = |host: &str, ask| (host.to_owned(), ask);
        assert_eq!(
            moved_to("MOVED 1 10.0.0.2:7001"),
            to("10.0.0.2:7001", false)
        );
        assert_eq!(moved_to("ASK 1 10.0.0.2:7001"), to("10.0.0.2:7001", true));
        assert_eq!(moved_to("MOVED 1 ::1:7001"), to("[::1]:7001", false));
        assert_eq!(moved_to("MOVED 1 :7001"), to("10.0.0.1:7001", false));
        assert_eq!(moved_to("MOVED 1 ?:7001"), to("10.0.0.1:7001", false));
    }

    #[test]
    fn what_passes_is_asked_again_and_what_does_not_is_not() {
        for passing in [
            "READONLY x",
            "LOADING x",
            "CLUSTERDOWN x",
            "MASTERDOWN x",
            "TRYAGAIN x",
        ] {
            assert!(matches!(failure(passing), Failure::NotNow(_)), "{passing}");
        }
        let kind = |line: &str| match failure(line) {
            Failure::Refused(error) => error.kind(),
            other => panic!("{other:?}"),
        };
        assert_eq!(kind("OOM command not allowed"), StoreErrorKind::Full);
        for stays in ["WRONGTYPE x", "NOAUTH x", "WRONGPASS x", "NOPERM x"] {
            assert_eq!(kind(stays), StoreErrorKind::Misconfigured, "{stays}");
        }
        for server in ["MISCONF x", "NOREPLICAS x", "ERR x", "NEW x"] {
            assert_eq!(kind(server), StoreErrorKind::Unavailable, "{server}");
        }
        assert!(matches!(failure("NOSCRIPT x"), Failure::NoScript));
    }

    #[test]
    fn what_redis_quotes_of_a_command_is_not_shown() {
        let error =
            failure("ERR unknown command, with args beginning with: 'the-key'").into_error();
        let shown = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(!shown.contains("the-key"), "{shown}");
        assert!(shown.contains("ERR"), "{shown}");
    }
}
