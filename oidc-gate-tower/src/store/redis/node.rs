//! One server, or one name of a master: its connection, made when it is needed and made anew when it has ended.

use super::{
    address::Host,
    connect::{Connection, Dial, Target},
    failure::Failure,
    sentinel::Sentinels,
};
use crate::store::StoreError;
use redis::{Cmd, Value};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout, timeout_at},
};

pub(super) struct Node {
    whereabouts: Whereabouts,
    dial: Arc<Dial>,
    /// How long connecting may take: less than an operation, so that those who wait for it are told.
    patience: Duration,
    /// Locked while connecting: whoever else needs the connection waits for the same one.
    state: Mutex<State>,
}

/// How the server is found.
pub(super) enum Whereabouts {
    Fixed(Target),
    Sentinels(Sentinels),
}

#[derive(Default)]
struct State {
    live: Option<Arc<Connection>>,
    /// Attempts to connect that have failed, one after the other.
    failures: u32,
    /// Until then, nobody tries: it is known to be down.
    rest: Option<Instant>,
}

const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(1);

impl Node {
    pub(super) fn new(whereabouts: Whereabouts, dial: &Arc<Dial>, patience: Duration) -> Self {
        Self {
            whereabouts,
            dial: Arc::clone(dial),
            patience,
            state: Mutex::default(),
        }
    }

    /// Sends one command and waits for its answer. It is never sent twice.
    pub(super) async fn send(
        &self,
        command: &Cmd,
        asking: bool,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let connection = match timeout_at(deadline, self.connection()).await {
            Ok(connection) => connection.map_err(Failure::Broken)?,
            Err(_) => return Err(Failure::Broken(too_late())),
        };
        let mut commands = connection.commands.clone();
        let answer = async {
            if !asking {
                return commands.send_packed_command(command).await;
            }
            let mut both = redis::pipe();
            both.cmd("ASKING").ignore().add_command(command.clone());
            let mut answers = commands.send_packed_commands(&both, 0, 2).await?;
            Ok(answers.pop().unwrap_or(Value::Nil))
        };
        let failure = match timeout_at(deadline, answer).await {
            Ok(Ok(value)) => match value.extract_error() {
                Ok(value) => return Ok(value),
                Err(error) => Failure::of(&error, self.host()),
            },
            Ok(Err(error)) => Failure::of(&error, self.host()),
            Err(_) => Failure::Broken(too_late()),
        };
        // A server that says that it is no primary may be one that Sentinel has replaced.
        if matches!(failure, Failure::Broken(_) | Failure::NotNow(_)) {
            self.forget(&connection).await;
        }
        Err(failure)
    }

    async fn connection(&self) -> Result<Arc<Connection>, StoreError> {
        let mut state = self.state.lock().await;
        if let Some(live) = state.live.as_ref().filter(|live| !live.is_over()) {
            return Ok(Arc::clone(live));
        }
        if state.rest.is_some_and(|rest| Instant::now() < rest) {
            return Err(StoreError::unavailable(
                "redis was not reached a moment ago",
            ));
        }
        state.live = None;
        let connected = match timeout(self.patience, self.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(too_late()),
        };
        match connected {
            Ok(connection) => {
                let connection = Arc::new(connection);
                *state = State {
                    live: Some(Arc::clone(&connection)),
                    ..State::default()
                };
                Ok(connection)
            }
            Err(error) => {
                let rest = FIRST_REST * 2_u32.pow(state.failures.min(5));
                state.failures = state.failures.saturating_add(1);
                state.rest = Some(Instant::now() + rest.min(LONGEST_REST));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        match &self.whereabouts {
            Whereabouts::Fixed(target) => self.dial.connect(target).await,
            Whereabouts::Sentinels(sentinels) => sentinels.connect(&self.dial).await,
        }
    }

    /// The next command goes over another connection.
    async fn forget(&self, connection: &Arc<Connection>) {
        let mut state = self.state.lock().await;
        if state
            .live
            .as_ref()
            .is_some_and(|live| Arc::ptr_eq(live, connection))
        {
            state.live = None;
        }
    }

    fn host(&self) -> Option<&Host> {
        match &self.whereabouts {
            Whereabouts::Fixed(Target::Host(host)) => Some(host),
            Whereabouts::Fixed(Target::Unix(_)) | Whereabouts::Sentinels(_) => None,
        }
    }
}

pub(super) fn too_late() -> StoreError {
    StoreError::unavailable("redis did not answer in time")
}
