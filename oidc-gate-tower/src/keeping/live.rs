//! Connections that outlive their request, and the end of the session they belong to.

use crate::{
    core::{
        session::{
            Standing, StoreDown, StoreKey,
            coordinate::{News, Tell},
        },
        time::UnixTime,
    },
    keeping::SessionHandle,
    sessions::Sessions,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{sync::watch, task::AbortHandle, time::sleep};

/// How a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEnd {
    /// Its user, the provider, the application or another user's sign-in has ended it.
    SignedOut,
    /// It has come to its absolute limit, or to that of the provider.
    Limit,
    /// Its user has signed in again: a new connection belongs to the new session.
    Replaced,
}

/// Who waits in this process for the end of which session.
#[derive(Clone, Default)]
pub(super) struct Live(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    sessions: HashMap<StoreKey, watch::Sender<Call>>,
    reader: Reader,
}

/// Whether somebody reads what other replicas tell.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    None,
    Reads,
}

/// Something may have happened to a session.
#[derive(Clone, Copy)]
enum Call {
    /// To this one.
    Look,
    /// To any: nobody knows what was missed. All look, and not all at once.
    LookInTurn,
}

/// How often what other replicas tell is read: what is told there is known here in less than half a second.
const LOOK: Duration = Duration::from_millis(250);

/// How often a session is looked after of which nothing is told. A teller may have died before it had told.
const BACKSTOP: Duration = Duration::from_secs(60);

/// When to look again where the store does not answer.
const AGAIN: Duration = Duration::from_secs(5);

impl Live {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, key: StoreKey) -> Watch {
        let mut waiting = self.lock();
        let call = waiting
            .sessions
            .entry(key)
            .or_insert_with(|| watch::Sender::new(Call::Look))
            .subscribe();
        let live = self.clone();
        Watch { live, key, call }
    }

    /// Whether it is for the caller to read what other replicas tell.
    fn is_reader(&self) -> bool {
        let mut waiting = self.lock();
        std::mem::replace(&mut waiting.reader, Reader::Reads) == Reader::None
    }

    /// Whether nobody waits any more: then nobody has to read, and whoever waits next begins to.
    fn is_over(&self) -> bool {
        let mut waiting = self.lock();
        if waiting.sessions.is_empty() {
            waiting.reader = Reader::None;
        }
        waiting.sessions.is_empty()
    }

    fn tell(&self, call: Call, is_meant: impl Fn(&StoreKey) -> bool) {
        let waiting = self.lock();
        for (_, session) in waiting.sessions.iter().filter(|(key, _)| is_meant(key)) {
            session.send_replace(call);
        }
    }
}

/// Somebody who waits, for as long as it does.
struct Watch {
    live: Live,
    key: StoreKey,
    call: watch::Receiver<Call>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut waiting = self.live.lock();
        // This one is still counted.
        let is_last = |call: &watch::Sender<Call>| call.receiver_count() <= 1;
        if waiting.sessions.get(&self.key).is_some_and(is_last) {
            waiting.sessions.remove(&self.key);
        }
    }
}

impl Sessions {
    /// Tells whoever has a connection of these sessions open that something has become of them: here at once, in other replicas
    /// as soon as they look.
    pub(crate) fn tell(self: &Arc<Self>, sessions: Vec<StoreKey>) {
        if sessions.is_empty() {
            return;
        }
        (self.keeping.live).tell(Call::Look, |key| sessions.contains(key));
        if self.keeping.is_shared() {
            // What is not written here is found a minute later.
            self.in_background(Tell::of(&self.keys.now(), sessions));
        }
    }

    /// Reads what other replicas tell, until nobody here waits any more.
    fn read_news(self: &Arc<Self>) {
        if !self.keeping.is_shared() || !self.keeping.live.is_reader() {
            return;
        }
        let (sessions, live) = (Arc::downgrade(self), self.keeping.live.clone());
        // No work that has to be finished, so none of those that `drain` waits for.
        tokio::spawn(async move {
            let mut read = Read::default();
            loop {
                sleep(LOOK).await;
                let Some(sessions) = Weak::upgrade(&sessions).filter(|_| !live.is_over()) else {
                    return;
                };
                sessions.read_once(&mut read).await;
            }
        });
    }

    async fn read_once(&self, read: &mut Read) {
        let (live, now) = (&self.keeping.live, self.now());
        let Ok(found) = self.keeping.load(&News::key()).await else {
            return;
        };
        let version = found.as_ref().map_or(0, |found| found.version);
        let before = read.at.replace(now);
        if std::mem::replace(&mut read.version, version) == version {
            return;
        }
        let keys = self.keys.now();
        match found.and_then(|found| News::open(&keys, &found)) {
            Some(news) if before.is_some_and(|before| news.is_whole_since(before)) => {
                live.tell(Call::Look, |key| news.is_of(key));
            }
            _ => live.tell(Call::LookInTurn, |_| true),
        }
    }

    async fn standing(&self, key: &StoreKey) -> Result<Standing, StoreDown> {
        let stored = self.keeping.load(key).await?;
        Ok(Standing::of(
            &self.keys.now(),
            key,
            stored.as_ref(),
            self.now(),
        ))
    }
}

/// What was read last.
#[derive(Default)]
struct Read {
    version: u64,
    at: Option<UnixTime>,
}

impl Sessions {
    /// Waits for the end of a session that ends at `until` however it is used.
    async fn end_of(self: Arc<Self>, key: StoreKey, mut until: UnixTime) -> SessionEnd {
        // Before the first look, so that nothing happens between the two.
        let mut watch = self.keeping.live.wait(key);
        self.read_news();
        let mut end = SessionEnd::Limit;
        loop {
            let mut patience = BACKSTOP;
            match self.standing(&key).await {
                Ok(Standing::Ended) => return SessionEnd::SignedOut,
                Ok(Standing::Replaced { until: soon }) => {
                    (until, end) = (soon.min(until), SessionEnd::Replaced);
                }
                // A limit of the provider's may have come nearer.
                Ok(Standing::Lives { until: soon }) => until = soon.min(until),
                Ok(Standing::Unknown) => {}
                Err(StoreDown) => patience = AGAIN,
            }
            let left = until.since(self.now());
            if left.is_zero() {
                return end;
            }
            tokio::select! {
                // The sender lives as long as this watch does.
                _ = watch.call.changed() => {
                    let call = *watch.call.borrow_and_update();
                    if let Call::LookInTurn = call {
                        sleep(turn(&key)).await;
                    }
                }
                () = sleep(left.min(patience)) => {}
            }
        }
    }
}

/// The end of a session that somebody waits for: one task, however often it is asked about, for as long as somebody could ask.
pub(super) struct Ending {
    end: watch::Receiver<Option<SessionEnd>>,
    task: AbortHandle,
}

impl Ending {
    fn of(sessions: Arc<Sessions>, key: StoreKey, until: UnixTime) -> Self {
        let (tell, end) = watch::channel(None);
        // No work that has to be finished, so none of those that `drain` waits for.
        let task = tokio::spawn(async move {
            let end = sessions.end_of(key, until).await;
            tell.send_replace(Some(end));
        });
        let task = task.abort_handle();
        Self { end, task }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SessionHandle {
    /// Waits for the end of the session.
    pub(crate) async fn ended(&self) -> SessionEnd {
        let ending = self.ending.get_or_init(|| {
            let session = self.kept().session();
            Ending::of(self.sessions.clone(), session.key(), session.ends())
        });
        let mut end = ending.end.clone();
        let told = end
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|end| *end);
        // The task ends with the runtime, and so does whoever waits here.
        match told {
            Some(end) => end,
            None => std::future::pending().await,
        }
    }
}

/// When it is a session's turn, within a second.
fn turn(key: &StoreKey) -> Duration {
    let [first, ..] = key.as_bytes();
    LOOK * u32::from(*first) / 64
}
