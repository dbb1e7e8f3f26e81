//! Connections that outlive their request, and who tells them that their session has ended.
//!
//! A replica with open connections reads every quarter of a second what others tell. Of those reads only the ones happen here
//! that find something new: the others leave nothing but when they were.

use super::{
    super::{News, Tell, refresh::Without},
    book::{Held, Invariant},
    job::Job,
    request::For,
    setting::{CLOCKS_DIFFER, Keeping},
    world::{Event, World},
};
use crate::session::{Standing, StoreKey};
use std::collections::BTreeMap;

/// How often a replica reads what others tell.
const READ: u64 = 250;
/// How often a connection looks after its session unasked.
const BACKSTOP: u64 = 60_000;
/// When it looks again where the store does not answer.
const AGAIN: u64 = 5_000;
/// When it is a session's turn, where all are called.
const TURN: u64 = 1_000;

/// A connection.
#[derive(Debug)]
pub(super) struct Watch {
    replica: usize,
    key: StoreKey,
    /// When it is closed, whatever becomes of the session.
    closes: u64,
    /// Which look is to come: one that was put forward is not made twice.
    turn: u32,
    /// When it was last called, or looked.
    knows: u64,
    open: bool,
}

/// What a replica reads.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Since when it does, with nobody to read for before.
    since: Option<u64>,
    version: u64,
    /// When it last read, if that is longer ago than it should be.
    held: Option<u64>,
    /// Until when its process does nothing.
    paused: u64,
    /// When it reads next, if there is anything.
    next: Option<u64>,
}

/// What others have been told.
#[derive(Debug, Default)]
pub(super) struct Watches {
    all: Vec<Watch>,
    told: BTreeMap<StoreKey, u64>,
}

impl World {
    fn is_watched(&self) -> bool {
        self.watches.all.iter().any(|watch| watch.open)
    }

    /// A request leaves a connection open.
    pub(super) fn opens(&mut self, replica: usize, key: StoreKey) {
        let closes = self.now + self.dice.between(5_000, 400_000);
        let id = self.watches.all.len();
        self.watches.all.push(Watch {
            replica,
            key,
            closes,
            turn: 0,
            knows: self.now,
            open: true,
        });
        self.tally.watches += 1;
        self.after(0, Event::Look { watch: id, turn: 0 });
        self.reads(replica);
    }

    /// A replica that has connections open begins to read, if it does not yet.
    fn reads(&mut self, replica: usize) {
        let reader = &mut self.replicas[replica].reader;
        if self.setting.keeping == Keeping::Memory || reader.since.is_some() {
            return;
        }
        (reader.since, reader.held, reader.version) = (Some(self.now), None, 0);
        self.reads_next(replica, self.now + READ);
    }

    /// It reads as soon as it is time.
    fn reads_next(&mut self, replica: usize, from: u64) {
        let reader = &mut self.replicas[replica].reader;
        let Some(since) = reader.since else { return };
        // The next quarter of a second after, counted from when it began.
        let from = from.max(reader.paused).max(self.now);
        let at = since + (from - since).div_ceil(READ).max(1) * READ;
        if reader
            .next
            .is_some_and(|next| next <= at && next >= self.now)
        {
            return;
        }
        reader.next = Some(at);
        let after = at - self.now;
        self.after(after, Event::Read(replica));
    }

    /// A process that has connections open does nothing with them for a while. Meanwhile one of their sessions may end, and so
    /// many others that this is not listed any more.
    pub(super) fn pauses(&mut self) {
        let open: Vec<_> = self.watches.all.iter().filter(|watch| watch.open).collect();
        if open.is_empty() {
            return;
        }
        let at = self.dice.below(open.len() as u64) as usize;
        let (replica, key, now) = (open[at].replica, open[at].key, self.now);
        let long = self.dice.pick(&[20_000, 70_000, 200_000]);
        if self.dice.chance(500) {
            let life = self.book.life_of(&key).expect("it has begun");
            let after = self.dice.below(long / 2);
            self.provider_ends(self.book.lives[life].browser, after);
            if self.dice.chance(300) {
                let after = self.dice.between(after, long);
                self.after(after, Event::Many);
            }
        }
        self.note(|| format!("replica {replica} reads nothing for {long} ms"));
        let reader = &mut self.replicas[replica].reader;
        let Some(since) = reader.since else { return };
        let last = since + (now - since) / READ * READ;
        reader.held.get_or_insert(last);
        reader.paused = reader.paused.max(now + long);
    }

    /// A replica reads what others tell.
    pub(super) fn news(&mut self, replica: usize) -> Held {
        let now = self.now;
        let open = |watch: &Watch| watch.open && watch.replica == replica;
        let is_over = !self.watches.all.iter().any(open);
        let fails = now < self.store_down || self.dice.chance(self.faults.store_error);
        let reader = &mut self.replicas[replica].reader;
        let (Some(since), Some(next)) = (reader.since, reader.next) else {
            return Ok(());
        };
        if next != now {
            return Ok(());
        }
        reader.next = None;
        if is_over {
            reader.since = None;
            return Ok(());
        }
        let before = (now - READ).max(since);
        if now < reader.paused || fails {
            reader.held.get_or_insert(before);
            self.reads_next(replica, (now + 1).max(self.store_down));
            return Ok(());
        }
        let before = reader.held.take().unwrap_or(before);
        let before = (before > since).then_some(before);
        let found = self.stores[0].load(News::key(), now);
        let version = found.as_ref().map_or(0, |found| found.version);
        if std::mem::replace(&mut reader.version, version) == version {
            return Ok(());
        }
        let news = found.and_then(|found| News::open(&self.common.keys, &found));
        let whole = |news: &News| {
            self.without == Without::Forgotten
                || before.is_some_and(|before| news.is_whole_since(self.clock_at(replica, before)))
        };
        let news = news.filter(whole);
        self.note(|| format!("replica {replica} reads {news:?}"));
        for id in 0..self.watches.all.len() {
            let watch = &self.watches.all[id];
            if !open(watch) {
                continue;
            }
            let is_meant = news
                .as_ref()
                .is_none_or(|news| news.beside(None).is_to(&watch.key));
            let told = self.watches.told.get(&watch.key).copied();
            let knows = told.is_none_or(|told| told <= watch.knows);
            if !is_meant && !knows {
                return Invariant::Learns.broken(format!(
                    "connection {id} was not called, though it was told of its session at {told:?}"
                ));
            }
            if is_meant {
                let turn = if news.is_some() {
                    0
                } else {
                    self.dice.below(TURN)
                };
                self.watches.all[id].knows = now;
                self.called(id, turn);
            }
        }
        Ok(())
    }

    fn called(&mut self, id: usize, after: u64) {
        let watch = &mut self.watches.all[id];
        watch.turn += 1;
        let turn = watch.turn;
        self.after(after, Event::Look { watch: id, turn });
    }

    /// A connection looks how its session stands.
    pub(super) fn looks(&mut self, id: usize, turn: u32) -> Held {
        let watch = &self.watches.all[id];
        if !watch.open || watch.turn != turn {
            return Ok(());
        }
        let (replica, key, closes) = (watch.replica, watch.key, watch.closes);
        let paused = self.replicas[replica].reader.paused;
        if self.now < paused {
            self.called(id, paused - self.now);
            return Ok(());
        }
        if self.now >= closes {
            self.watches.all[id].open = false;
            return Ok(());
        }
        let store = self.store_of(replica);
        let is_memory = self.setting.keeping == Keeping::Memory;
        if !is_memory && (self.now < self.store_down || self.dice.chance(self.faults.store_error)) {
            self.called(id, AGAIN);
            return Ok(());
        }
        let stored = self.stores[store].load(key, self.now);
        let clock = self.clock(replica);
        let standing = Standing::of(&self.common.keys, &key, stored.as_ref(), clock);
        let life = self.book.life_of(&key).expect("it has begun");
        if standing == Standing::Ended {
            self.note(|| format!("connection {id} learns that session {life} has ended"));
            self.tally.learnt += 1;
            self.watches.all[id].open = false;
            return Ok(());
        }
        let it = &self.book.lives[life];
        // What has ended is not remembered for longer than a cookie of it may come.
        if it.ended && !it.memory_lost && self.now + CLOCKS_DIFFER < it.ends {
            return Invariant::Learns.broken(format!(
                "connection {id} of session {life}, which is over: {standing:?}"
            ));
        }
        let left = match standing {
            Standing::Replaced { until } | Standing::Lives { until } => until.since(clock),
            _ => Self::at(self.book.lives[life].ends).since(clock),
        };
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            self.watches.all[id].open = false;
            return Ok(());
        }
        let now = self.now;
        self.watches.all[id].knows = now;
        self.called(id, BACKSTOP.min(left).min(closes - now));
        Ok(())
    }

    /// Something has become of sessions: those who have connections of them open are told, here and everywhere.
    pub(super) fn tells(&mut self, replica: usize, keys: Vec<StoreKey>) -> Held {
        if keys.is_empty() || !self.is_watched() {
            return Ok(());
        }
        for id in 0..self.watches.all.len() {
            let watch = &self.watches.all[id];
            if watch.open && watch.replica == replica && keys.contains(&watch.key) {
                self.called(id, 0);
            }
        }
        if self.setting.keeping == Keeping::Memory {
            return Ok(());
        }
        let tell = Tell::of(&self.common.keys, keys.clone());
        self.start(replica, Job::Tell(tell), None, For::Tell(keys))
            .map(|_| ())
    }

    /// So many sessions end elsewhere that nobody can list them.
    pub(super) fn tells_of_many(&mut self) -> Held {
        let keys = (0..1_001).map(|_| StoreKey::from_bytes(self.dice.bytes()));
        let keys = keys.collect();
        let replica = self.dice.below(self.replicas.len() as u64) as usize;
        self.tells(replica, keys)
    }

    /// The store has taken news. Of a teller that has died since nothing is asked.
    pub(super) fn told(&mut self, run: usize) {
        let now = self.now;
        if let Some(For::Tell(keys)) = self.purpose(run) {
            let told = keys.iter().map(|key| (*key, now)).collect::<Vec<_>>();
            self.watches.told.extend(told);
        }
        for replica in 0..self.replicas.len() {
            self.reads_next(replica, now);
        }
    }

    /// The process has died that had them open.
    pub(super) fn closes(&mut self, replica: usize) {
        for watch in &mut self.watches.all {
            watch.open &= watch.replica != replica;
        }
    }
}
