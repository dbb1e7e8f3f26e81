//! Which server of a cluster has a key.

use super::{
    address::Host,
    connect::{Dial, Target},
    failure::Failure,
    node::{Node, Whereabouts},
    slot::slot,
};
use crate::store::StoreError;
use redis::{Value, from_redis_value};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

pub(super) struct Cluster {
    seeds: Vec<Host>,
    dial: Arc<Dial>,
    patience: Duration,
    known: Mutex<Known>,
    /// Held while the servers are asked who has what: one asks for all.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// The last slot of each range with who has it, in order.
    ranges: Vec<Range>,
    nodes: HashMap<Host, Arc<Node>>,
    /// When the ranges were asked for. `None` when they are in doubt.
    asked: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    primary: Host,
}

impl Cluster {
    pub(super) fn new(seeds: &[Host], dial: &Arc<Dial>, patience: Duration) -> Self {
        Self {
            seeds: seeds.to_vec(),
            dial: Arc::clone(dial),
            patience,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Who has the key, as far as is known.
    pub(super) async fn node_of(
        &self,
        key: &[u8],
        deadline: Instant,
    ) -> Result<Arc<Node>, Failure> {
        let slot = slot(key);
        if self.known().asked.is_none() {
            self.ask(deadline).await?;
        }
        let primary = self.known().primary_of(slot).ok_or_else(|| {
            Failure::NotNow(StoreError::unavailable(
                "no server of the cluster has this key",
            ))
        })?;
        Ok(self.node(&primary))
    }

    /// The server at that place, whether it was known before or not.
    pub(super) fn node(&self, host: &Host) -> Arc<Node> {
        let mut known = self.known();
        let node = known.nodes.entry(host.clone()).or_insert_with(|| {
            let target = Target::Host(host.clone());
            Arc::new(Node::new(
                Whereabouts::Fixed(target),
                &self.dial,
                self.patience,
            ))
        });
        Arc::clone(node)
    }

    /// Who has what is in doubt.
    pub(super) fn doubt(&self) {
        self.known().asked = None;
    }

    /// Asks those who are known, and then those who were named, until one answers.
    async fn ask(&self, deadline: Instant) -> Result<(), Failure> {
        let _asking = self.asking.lock().await;
        if self.known().asked.is_some() {
            return Ok(());
        }
        let mut hosts: Vec<Host> = self
            .known()
            .ranges
            .iter()
            .map(|range| range.primary.clone())
            .collect();
        hosts.extend(self.seeds.iter().cloned());
        let mut seen = std::collections::HashSet::new();
        hosts.retain(|host| seen.insert(host.clone()));
        let mut last = None;
        let command = redis::cmd("CLUSTER").arg("SLOTS").to_owned();
        for host in hosts {
            // One that hangs does not take the time of those that would answer.
            let until = deadline.min(Instant::now() + self.patience);
            match self.node(&host).send(&command, false, until).await {
                Ok(answer) => {
                    if let Some(ranges) = read(answer, &host).filter(|ranges| !ranges.is_empty()) {
                        self.known().learn(ranges);
                        return Ok(());
                    }
                }
                Err(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| {
            Failure::NotNow(StoreError::unavailable("no server knows the cluster"))
        }))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it is locked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn primary_of(&self, slot: u16) -> Option<Host> {
        let at = self.ranges.partition_point(|range| range.last < slot);
        self.ranges
            .get(at)
            .filter(|range| range.first <= slot)
            .map(|range| range.primary.clone())
    }

    fn learn(&mut self, ranges: Vec<Range>) {
        self.nodes
            .retain(|host, _| ranges.iter().any(|range| range.primary == *host));
        self.ranges = ranges;
        self.asked = Some(Instant::now());
    }
}

/// The answer to `CLUSTER SLOTS`: of each range its first and last slot and its primary; replicas follow.
fn read(answer: Value, asked: &Host) -> Option<Vec<Range>> {
    let entries: Vec<Vec<Value>> = from_redis_value(answer).ok()?;
    let mut ranges = entries
        .into_iter()
        .map(|entry| {
            let mut entry = entry.into_iter();
            let first = from_redis_value(entry.next()?).ok()?;
            let last = from_redis_value(entry.next()?).ok()?;
            let mut primary = from_redis_value::<Vec<Value>>(entry.next()?)
                .ok()?
                .into_iter();
            let name: Option<String> = from_redis_value(primary.next()?).ok()?;
            let port = from_redis_value(primary.next()?).ok()?;
            // A server that does not know its own address is where it was asked.
            let name = name
                .filter(|name| !name.is_empty() && name != "?")
                .unwrap_or_else(|| asked.name.clone());
            Some(Range {
                first,
                last,
                primary: Host { name, port },
            })
        })
        .collect::<Option<Vec<_>>>()?;
    ranges.sort_by_key(|range| range.first);
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Host {
        Host {
            name: name.to_owned(),
            port,
        }
    }

    fn known(answer: &str) -> Known {
        let answer = redis::parse_redis_value(answer.replace('\n', "\r\n").as_bytes()).unwrap();
        let mut known = Known::default();
        known.learn(read(answer, &host("asked", 1)).unwrap());
        known
    }

    #[test]
    fn ranges_are_found_in_whatever_order_they_are_told() {
        let known = known(
            "*2\n*4\n:8000\n:16383\n*2\n$1\nb\n:7001\n*2\n$1\nc\n:7002\n*3\n:0\n:5000\n*3\n$1\na\n:7000\n$2\nid\n",
        );
        assert_eq!(known.primary_of(0), Some(host("a", 7000)));
        assert_eq!(known.primary_of(5000), Some(host("a", 7000)));
        assert_eq!(known.primary_of(5001), None);
        assert_eq!(known.primary_of(7999), None);
        assert_eq!(known.primary_of(8000), Some(host("b", 7001)));
        assert_eq!(known.primary_of(16_383), Some(host("b", 7001)));
    }

    #[test]
    fn a_server_without_an_address_is_where_it_was_asked() {
        for nameless in ["$0\n\n", "$-1\n", "$1\n?\n"] {
            let known = known(&format!("*1\n*3\n:0\n:16383\n*2\n{nameless}:7000\n"));
            assert_eq!(
                known.primary_of(1),
                Some(host("asked", 7000)),
                "{nameless:?}"
            );
        }
    }
}
