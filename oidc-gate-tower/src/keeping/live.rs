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
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

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
    sessions: HashMap<StoreKey, Connections>,
    /// Who reads what other replicas tell.
    reader: Option<AbortHandle>,
}

/// Those of one session.
struct Connections {
    count: usize,
    call: watch::Sender<Call>,
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

/// How often while the store does not answer.
const LOOK_WHILE_DOWN: Duration = Duration::from_secs(1);

/// How often at most all look because something was missed.
const ALL_LOOK: Duration = Duration::from_secs(10);

/// When to look again at a session to which something may have happened, where the store does not answer.
const AGAIN: Duration = Duration::from_secs(5);

impl Live {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, key: StoreKey) -> Watch {
        let mut waiting = self.lock();
        let connections = waiting.sessions.entry(key).or_insert_with(|| Connections {
            count: 0,
            call: watch::Sender::new(Call::Look),
        });
        connections.count += 1;
        let (live, call) = (self.clone(), connections.call.subscribe());
        Watch { live, key, call }
    }

    /// Has one task read, if none does.
    fn read_by(&self, begin: impl FnOnce() -> AbortHandle) {
        let mut waiting = self.lock();
        // Its runtime may have gone before it was done.
        let is_over = |reader: &AbortHandle| reader.is_finished();
        if waiting.reader.as_ref().is_none_or(is_over) {
            waiting.reader = Some(begin());
        }
    }

    /// Whether nobody waits any more: then nobody has to read, and whoever waits next begins to.
    fn is_over(&self) -> bool {
        let mut waiting = self.lock();
        if waiting.sessions.is_empty() {
            waiting.reader = None;
        }
        waiting.sessions.is_empty()
    }

    fn tell(&self, sessions: &[StoreKey]) {
        let waiting = self.lock();
        for session in sessions.iter().filter_map(|key| waiting.sessions.get(key)) {
            session.call.send_replace(Call::Look);
        }
    }

    fn tell_whoever(&self, call: Call, is_meant: impl Fn(&StoreKey) -> bool) {
        let waiting = self.lock();
        for (_, session) in waiting.sessions.iter().filter(|(key, _)| is_meant(key)) {
            session.call.send_replace(call);
        }
    }
}

/// Somebody who waits, for as long as it does.
struct Watch {
    live: Live,
    key: StoreKey,
    call: watch::Receiver<Call>,
}

impl Watch {
    /// Waits until it is to look.
    async fn called(&mut self) {
        // The sender lives as long as this watch does.
        let _ = self.call.changed().await;
        let call = *self.call.borrow_and_update();
        if let Call::LookInTurn = call {
            // Who is called by name meanwhile does not wait for its turn.
            let by_name = self.call.wait_for(|call| matches!(call, Call::Look));
            let _ = timeout(turn(&self.key), by_name).await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut waiting = self.live.lock();
        let Some(connections) = waiting.sessions.get_mut(&self.key) else {
            return;
        };
        connections.count -= 1;
        if connections.count == 0 {
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
        self.keeping.live.tell(&sessions);
        if self.keeping.is_shared() {
            // What is not written here is found a minute later.
            self.in_background(Tell::of(&self.keys.now(), sessions));
        }
    }

    /// Reads what other replicas tell, until nobody here waits any more.
    fn read_news(self: &Arc<Self>) {
        if !self.keeping.is_shared() {
            return;
        }
        let (sessions, live) = (Arc::downgrade(self), self.keeping.live.clone());
        // What happened before, whoever waits from now on sees by itself.
        let mut read = Read::since(self.now());
        let reading = async move {
            let mut pause = LOOK;
            loop {
                sleep(pause).await;
                let Some(sessions) = Weak::upgrade(&sessions).filter(|_| !live.is_over()) else {
                    return;
                };
                pause = match sessions.read_once(&mut read).await {
                    Ok(()) => LOOK,
                    Err(StoreDown) => LOOK_WHILE_DOWN,
                };
            }
        };
        // No work that has to be finished, so none of those that `drain` waits for.
        (self.keeping.live).read_by(|| tokio::spawn(reading).abort_handle());
    }

    async fn read_once(&self, read: &mut Read) -> Result<(), StoreDown> {
        let (live, now) = (&self.keeping.live, self.now());
        let found = self.keeping.load(&News::key()).await?;
        let version = found.as_ref().map_or(0, |found| found.version);
        let before = std::mem::replace(&mut read.at, now);
        if std::mem::replace(&mut read.version, version) != version {
            let keys = self.keys.now();
            let news = found.and_then(|found| News::open(&keys, &found));
            if !(news.as_ref()).is_some_and(|news| news.is_whole_since(before)) {
                read.missed = Missed::Something;
            }
            if let Some(news) = &news {
                let happened = news.beside(read.news.as_ref());
                live.tell_whoever(Call::Look, |key| happened.is_to(key));
            }
            read.news = news;
        }
        // Not at every look: while very many sessions end, something is missed all the time.
        let all_looked = |at: Instant| at.elapsed() < ALL_LOOK;
        if read.missed == Missed::Something && !read.all_looked.is_some_and(all_looked) {
            live.tell_whoever(Call::LookInTurn, |_| true);
            (read.missed, read.all_looked) = (Missed::Nothing, Some(Instant::now()));
        }
        Ok(())
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
struct Read {
    version: u64,
    at: UnixTime,
    news: Option<News>,
    missed: Missed,
    /// When all were told to look.
    all_looked: Option<Instant>,
}

/// Whether something may have happened of which nobody was told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missed {
    Nothing,
    Something,
}

impl Read {
    /// Nothing, since then.
    fn since(at: UnixTime) -> Self {
        Self {
            version: 0,
            at,
            news: None,
            missed: Missed::Nothing,
            all_looked: None,
        }
    }
}

impl Sessions {
    /// Waits for the end of a session that ends at `until` however it is used.
    async fn end_of(self: Arc<Self>, key: StoreKey, mut until: UnixTime) -> SessionEnd {
        // Before the first look, so that nothing happens between the two.
        let mut watch = self.keeping.live.wait(key);
        self.read_news();
        let mut end = SessionEnd::Limit;
        // How soon to look again if the store does not answer.
        let mut haste = AGAIN;
        loop {
            let mut patience = backstop(&key);
            match self.standing(&key).await {
                Ok(Standing::Ended) => return SessionEnd::SignedOut,
                Ok(Standing::Replaced { until: soon }) => {
                    (until, end) = (soon.min(until), SessionEnd::Replaced);
                }
                // A limit of the provider's may have come nearer.
                Ok(Standing::Lives { until: soon }) => until = soon.min(until),
                Ok(Standing::Unknown) => {}
                Err(StoreDown) => patience = haste,
            }
            let left = until.since(self.now());
            if left.is_zero() {
                return end;
            }
            if let Ok(()) = timeout(left.min(patience), watch.called()).await {
                haste = AGAIN;
            } else if patience != haste {
                haste = BACKSTOP;
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

/// Connections that were opened together, as after a restart, do not look together.
fn backstop(key: &StoreKey) -> Duration {
    let [_, second, ..] = key.as_bytes();
    BACKSTOP - BACKSTOP / 4 * u32::from(*second) / 255
}

/// When it is a session's turn, within a second.
fn turn(key: &StoreKey) -> Duration {
    let [first, ..] = key.as_bytes();
    LOOK * u32::from(*first) / 64
}
