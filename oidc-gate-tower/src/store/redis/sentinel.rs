//! Asking sentinels for the master.

use super::{
    address::Host,
    connect::{Connection, Dial, Target},
};
use crate::store::StoreError;
use redis::{Value, from_redis_value};
use std::time::Duration;
use tokio::time::timeout;

pub(super) struct Sentinels {
    sentinels: Vec<Host>,
    master: String,
    /// To the sentinels, not to the master.
    dial: Dial,
    /// How long one of them is waited for.
    patience: Duration,
}

impl Sentinels {
    pub(super) fn new(sentinels: &[Host], master: &str, dial: Dial, patience: Duration) -> Self {
        // Half of the time is for the master.
        let each = patience / 2 / u32::try_from(sentinels.len()).unwrap_or(u32::MAX).max(1);
        Self {
            sentinels: sentinels.to_vec(),
            master: master.to_owned(),
            dial,
            patience: each,
        }
    }

    /// A connection to whom a sentinel names, if that one says that it is the master.
    ///
    /// A sentinel that has just started, or that is cut off from the others, may name yesterday's; so the server is asked too, and
    /// the next sentinel if it denies it. See [Redis's guidelines for clients](https://redis.io/docs/latest/develop/reference/sentinel-clients/).
    pub(super) async fn connect(&self, dial: &Dial) -> Result<Connection, StoreError> {
        let mut last = None;
        for sentinel in &self.sentinels {
            let named = match timeout(self.patience, self.ask(sentinel)).await {
                Ok(Ok(named)) => named,
                Ok(Err(error)) => {
                    last = Some(error);
                    continue;
                }
                Err(_) => continue,
            };
            match is_master(dial, named).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| StoreError::unavailable("no sentinel answers")))
    }

    async fn ask(&self, sentinel: &Host) -> Result<Host, StoreError> {
        let connection = self.dial.connect(&Target::Host(sentinel.clone())).await?;
        let named: Option<(String, u16)> = redis::cmd("SENTINEL")
            .arg("get-master-addr-by-name")
            .arg(&self.master)
            .query_async(&mut connection.commands.clone())
            .await
            .map_err(|error| super::failure::Failure::of(&error, Some(sentinel)).into_error())?;
        let (name, port) = named.ok_or_else(|| {
            StoreError::misconfigured("the sentinels watch no master of this name")
        })?;
        Ok(Host { name, port })
    }
}

async fn is_master(dial: &Dial, host: Host) -> Result<Connection, StoreError> {
    let connection = dial.connect(&Target::Host(host.clone())).await?;
    let role: Vec<Value> = redis::cmd("ROLE")
        .query_async(&mut connection.commands.clone())
        .await
        .map_err(|error| super::failure::Failure::of(&error, Some(&host)).into_error())?;
    match role.into_iter().next().map(from_redis_value::<String>) {
        Some(Ok(role)) if role == "master" => Ok(connection),
        _ => Err(StoreError::unavailable(
            "the server that sentinel calls the master says that it is none",
        )),
    }
}
