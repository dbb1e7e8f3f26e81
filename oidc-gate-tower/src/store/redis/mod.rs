//! The store in Redis.
//!
//! A value is one string, its version in the first eight bytes. Loading it is one `GET`. A swap is one script on one key,
//! which Redis runs alone: it reads the eight bytes, compares, and sets value and expiry in one go.
//!
//! Which server is asked is decided here and not in the crate `redis`, of which this uses the protocol alone: a client
//! that follows a cluster by itself also sends again what may have arrived, and a swap that was sent twice is told
//! `false` by itself. Here nothing is sent again but what was certainly not done.

mod address;
mod cluster;
mod connect;
mod failure;
mod node;
mod sentinel;
mod slot;

use super::{LONGEST, StoreError};
use address::{Address, Place};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cluster::Cluster;
use connect::{Dial, Target};
use failure::Failure;
use node::{Node, Whereabouts, too_late};
use redis::{Cmd, Value};
use sentinel::Sentinels;
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};

pub(crate) use address::AddressError;

pub(crate) struct Redis {
    address: Address,
    dial: Arc<Dial>,
    servers: Servers,
}

enum Servers {
    /// One for all keys.
    One(Arc<Node>),
    Cluster(Cluster),
}

/// `KEYS[1]`: where. `ARGV`: the version that was seen, empty for none; version and value; how long, in milliseconds.
const SWAP: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// The length of 32 bytes in base64.
const KEY_CHARS: usize = 43;

/// How often what was certainly not done is tried again.
const ATTEMPTS: u32 = 5;

const PAUSE: Duration = Duration::from_millis(25);

impl Redis {
    pub(crate) fn new(url: &str) -> Result<Self, AddressError> {
        let address = Address::parse(url)?;
        let dial = Arc::new(Dial::to_servers(&address));
        let patience = address.timeout / 2;
        let one = |whereabouts| Servers::One(Arc::new(Node::new(whereabouts, &dial, patience)));
        let servers = match &address.place {
            Place::Server(host) => one(Whereabouts::Fixed(Target::Host(host.clone()))),
            Place::Unix(path) => one(Whereabouts::Fixed(Target::Unix(path.clone()))),
            Place::Sentinel { sentinels, master } => {
                let dial = Dial::to_sentinels(&address);
                one(Whereabouts::Sentinels(Sentinels::new(
                    sentinels, master, dial, patience,
                )))
            }
            Place::Cluster(seeds) => Servers::Cluster(Cluster::new(seeds, &dial, patience)),
        };
        Ok(Self {
            dial,
            servers,
            address,
        })
    }

    /// Whether it could be connected to, as far as can be told without connecting.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.dial.check()
    }

    pub(crate) async fn load(
        &self,
        key: &[u8; 32],
    ) -> Result<Option<(Arc<[u8]>, u64)>, StoreError> {
        let key = self.key(key);
        // Of the primary: a replica may answer with what was there before the last swap.
        let answer = self.run(&key, || get(&key), None).await?;
        let value = match answer {
            Value::Nil => return Ok(None),
            Value::BulkString(value) => value,
            _ => return Err(failure::not_ours()),
        };
        let Some((version, value)) = value.split_first_chunk() else {
            return Err(failure::not_ours());
        };
        Ok(Some((value.into(), u64::from_be_bytes(*version))))
    }

    /// The version that it has now, if it did.
    pub(crate) async fn compare_and_swap(
        &self,
        key: &[u8; 32],
        seen: u64,
        value: &[u8],
        keep: Duration,
    ) -> Result<Option<u64>, StoreError> {
        let key = self.key(key);
        let version = new_version(seen)?;
        let seen = match seen {
            0 => Vec::new(),
            seen => seen.to_be_bytes().to_vec(),
        };
        let mut content = Vec::with_capacity(size_of::<u64>() + value.len());
        content.extend_from_slice(&version.to_be_bytes());
        content.extend_from_slice(value);
        let keep = milliseconds(keep);
        let script = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command
                .arg(script)
                .arg(1)
                .arg(&key)
                .arg(&seen)
                .arg(&content)
                .arg(keep);
            command
        };
        // The script whole only to a server that does not know it yet.
        let answer = self
            .run(
                &key,
                || script("EVALSHA", sha1_of_swap()),
                Some(&|| script("EVAL", SWAP)),
            )
            .await?;
        match answer {
            Value::Int(1) => Ok(Some(version)),
            Value::Int(0) => Ok(None),
            _ => Err(StoreError::unavailable("redis answered something else")),
        }
    }

    /// Finds the server, sends the command there, and follows redirections.
    async fn run(
        &self,
        key: &[u8],
        command: impl Fn() -> Cmd,
        unknown_script: Option<&(dyn Fn() -> Cmd + Sync)>,
    ) -> Result<Value, StoreError> {
        let deadline = Instant::now() + self.address.timeout;
        let mut command = command();
        // Where the last answer said, and not for good.
        let mut aside = None;
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            let failure = match self.find(key, aside.as_ref(), deadline).await {
                Ok(node) => match node.send(&command, aside.is_some(), deadline).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            aside = None;
            match (failure, &self.servers) {
                (Failure::NoScript, _) => match unknown_script {
                    Some(whole) => {
                        command = whole();
                        last = Some(Failure::NoScript);
                    }
                    None => return Err(Failure::NoScript.into_error()),
                },
                (Failure::Moved { .. }, Servers::One(_)) => {
                    return Err(StoreError::misconfigured(
                        "this redis is a part of a cluster; write redis-cluster:// instead",
                    ));
                }
                (Failure::Moved { to, ask }, Servers::Cluster(cluster)) => {
                    if ask {
                        aside.clone_from(&to);
                    } else {
                        cluster.doubt();
                    }
                    last = Some(Failure::Moved { to, ask });
                }
                (failure, servers) => {
                    if let (Failure::Broken(_) | Failure::NotNow(_), Servers::Cluster(cluster)) =
                        (&failure, servers)
                    {
                        cluster.doubt();
                    }
                    if !matches!(failure, Failure::NotNow(_)) {
                        return Err(failure.into_error());
                    }
                    if timeout_at(deadline, sleep(PAUSE * 2_u32.pow(attempt)))
                        .await
                        .is_err()
                    {
                        return Err(too_late());
                    }
                    last = Some(failure);
                }
            }
        }
        Err(last.map_or_else(too_late, Failure::into_error))
    }

    async fn find(
        &self,
        key: &[u8],
        aside: Option<&address::Host>,
        deadline: Instant,
    ) -> Result<Arc<Node>, Failure> {
        match (&self.servers, aside) {
            (Servers::One(node), _) => Ok(Arc::clone(node)),
            (Servers::Cluster(cluster), Some(host)) => Ok(cluster.node(host)),
            (Servers::Cluster(cluster), None) => cluster.node_of(key, deadline).await,
        }
    }

    fn key(&self, key: &[u8; 32]) -> Vec<u8> {
        let prefix = &self.address.prefix;
        let mut text = String::with_capacity(prefix.len() + KEY_CHARS);
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(key, &mut text);
        text.into_bytes()
    }
}

fn get(key: &[u8]) -> Cmd {
    let mut command = redis::cmd("GET");
    command.arg(key);
    command
}

/// The kind of servers and who they are, without user and password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}

/// Random each time: it is then of no earlier swap, whoever was the client and however long the key has been away.
fn new_version(seen: u64) -> Result<u64, StoreError> {
    loop {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| StoreError::unavailable("the operating system has no randomness"))?;
        let version = u64::from_be_bytes(bytes);
        if version != 0 && version != seen {
            return Ok(version);
        }
    }
}

/// Rounded up: never shorter. Redis knows no expiry of 0.
fn milliseconds(keep: Duration) -> u64 {
    let millis = keep.min(LONGEST).as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX).max(1)
}

/// How Redis names the script.
fn sha1_of_swap() -> &'static str {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, SWAP.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_rounded_up_and_never_nothing() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_nanos(1_000_001)), 2);
        assert_eq!(milliseconds(Duration::from_secs(1)), 1000);
        assert_eq!(u128::from(milliseconds(Duration::MAX)), LONGEST.as_millis());
    }
}
