//! A process of the application: runs of machines, driven effect by effect.

use super::{
    book::{Broken, Held},
    job::{Done, Job},
    provider::{self, Came},
    request::For,
    setting::Keeping,
    watch::Reader,
    world::{Event, Operation, World},
};
use crate::{
    flow::{Env, Exchange, Failure, Input, Step},
    session::{
        StoreDown, StoreKey,
        coordinate::{Effect, Told},
    },
};
use http::{Request, StatusCode};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Replica {
    /// The refreshes that are under way: one for each generation of a session.
    pub(super) flights: BTreeMap<(StoreKey, u64), usize>,
    pub(super) reader: Reader,
}

#[derive(Debug)]
pub(super) struct Run {
    job: Job,
    replica: usize,
    purpose: For,
    /// Which effect it waits for.
    turn: u32,
    stalled: bool,
}

impl World {
    /// Where a replica keeps what it keeps.
    pub(super) fn store_of(&self, replica: usize) -> usize {
        match self.setting.keeping {
            Keeping::Store | Keeping::Coordinated => 0,
            Keeping::Memory => replica,
        }
    }

    /// Begins a run, and drives it to its first effect.
    pub(super) fn start(
        &mut self,
        replica: usize,
        job: Job,
        holder: Option<[u8; 16]>,
        purpose: For,
    ) -> Result<usize, Broken> {
        let run = self.book.runs(holder);
        self.note(|| {
            format!(
                "run {run} in replica {replica}: {} for {purpose:?}",
                job.name()
            )
        });
        if job.is_refresh() {
            self.tally.refreshes += 1;
            self.book.notes[run].refreshes = true;
        }
        self.runs.push(Some(Run {
            job,
            replica,
            purpose,
            turn: 0,
            stalled: false,
        }));
        self.tell(run, 0, Told::Start)?;
        Ok(run)
    }

    /// A run is told what came of its effect, unless its process dies first, or is stalled.
    pub(super) fn tell(&mut self, run: usize, turn: u32, told: Told) -> Held {
        let Some(mut it) = self.runs[run].take() else {
            return Ok(());
        };
        if it.turn != turn {
            self.runs[run] = Some(it);
            return Ok(());
        }
        if turn > 0 && self.dice.chance(self.faults.crash) {
            let replica = it.replica;
            self.runs[run] = Some(it);
            self.crash(replica);
            return Ok(());
        }
        if turn > 0 && !it.stalled && self.dice.chance(self.faults.stall) {
            let long = self.dice.pick(&[1_000, 12_000, 50_000, 90_000]);
            self.note(|| format!("run {run} is stalled for {long} ms"));
            self.tally.stalls += 1;
            self.book.notes[run].slow = true;
            it.stalled = true;
            // What it has been told first counts.
            it.turn += 1;
            let turn = it.turn;
            self.runs[run] = Some(it);
            self.after(long, Event::Tell { run, turn, told });
            return Ok(());
        }
        it.turn += 1;
        let turn = it.turn;
        self.note(|| format!("run {run} is told {told:?}"));
        let now = self.clock(it.replica);
        let env = &mut Env {
            now,
            entropy: &mut self.dice,
        };
        let effect = it.job.resume(told, env);
        let replica = it.replica;
        if let (Job::LogOut(_), For::LogOut(hearing)) = (&it.job, &it.purpose) {
            self.is_at(hearing.logout);
        }
        if let Effect::Flow(Step::Done(done)) = effect {
            self.note(|| format!("run {run} is done: {}", shown(&done)));
            self.book.finished(run);
            return self.finished(replica, it.purpose, done);
        }
        let is_refresh = it.job.is_refresh();
        self.runs[run] = Some(it);
        match effect {
            Effect::Load(key) => self.ask_store(run, turn, Operation::Load(key), replica),
            Effect::Swap(swap) => self.ask_store(run, turn, Operation::Swap(swap), replica),
            Effect::Flow(Step::Wait(time)) => {
                let told = Told::Flow(Input::Elapsed);
                let time = u64::try_from(time.as_millis()).expect("nobody waits for ever");
                self.after(time, Event::Tell { run, turn, told });
            }
            Effect::Flow(Step::Send(exchange)) => self.ask_provider(run, turn, exchange),
            other => panic!("a refresh ({is_refresh}) of this world needs none: {other:?}"),
        }
        Ok(())
    }

    fn ask_store(&mut self, run: usize, turn: u32, operation: Operation, _: usize) {
        let apply = |operation, answer| Event::Apply {
            run,
            turn,
            operation,
            answer,
        };
        if self.setting.keeping == Keeping::Memory {
            return self.after(0, apply(operation, Some(0)));
        }
        let there = self.dice.between(1, 20);
        let back = self.dice.between(1, 20);
        let down = || match operation {
            Operation::Load(_) => Told::Loaded(Err(StoreDown)),
            Operation::Swap(_) => Told::Swapped(Err(StoreDown)),
        };
        if self.now < self.store_down || self.dice.chance(self.faults.store_error) {
            self.book.notes[run].slow = true;
            let told = down();
            let after = self.dice.pick(&[10, 500, 2_000]);
            self.after(after, Event::Tell { run, turn, told });
            let applied = match self.dice.below(3) {
                _ if self.now < self.store_down => return,
                0 => return,
                1 => there,
                // When nobody thinks of it any more.
                _ => after + self.dice.below(30_000),
            };
            return self.after(applied, apply(operation, None));
        }
        let (mut there, mut back) = (there, back);
        if self.dice.chance(self.faults.store_slow) {
            self.book.notes[run].slow = true;
            let long = self.dice.pick(&[800, 4_000, 8_000, 60_000]);
            match self.dice.below(2) {
                0 => there += long,
                _ => back += long,
            }
        }
        self.after(there, apply(operation, Some(back)));
    }

    /// The store does it, also for whoever has died meanwhile: it was sent.
    pub(super) fn apply(
        &mut self,
        run: usize,
        turn: u32,
        operation: Operation,
        answer: Option<u64>,
    ) -> Held {
        let dead = self.book.notes[run].dead;
        if dead && (self.setting.keeping == Keeping::Memory || self.dice.chance(500)) {
            return Ok(());
        }
        let replica = self.runs[run].as_ref().map_or(0, |it| it.replica);
        let store = self.store_of(replica);
        let now = self.now;
        let told = match operation {
            Operation::Load(key) => Told::Loaded(Ok(self.stores[store].load(key, now))),
            Operation::Swap(swap) => {
                let written = self.stores[store].swap(&swap, now);
                self.note(|| format!("store: run {run} wrote {swap:?}: {written}"));
                if written {
                    let value = (&swap.key, &swap.bytes[..]);
                    self.book.written(&self.common.keys, run, value, now)?;
                    if swap.key == self.common.news {
                        self.told(run);
                    }
                }
                Told::Swapped(Ok(written))
            }
        };
        if let Some(after) = answer {
            self.after(after, Event::Tell { run, turn, told });
        }
        Ok(())
    }

    fn ask_provider(&mut self, run: usize, turn: u32, exchange: Exchange) {
        let deadline = u64::try_from(exchange.deadline.as_millis()).expect("it is short");
        if self.dice.chance(self.faults.provider_error / 4) {
            let told = Told::Flow(Input::Failed(Failure::NotSent));
            return self.after(20, Event::Tell { run, turn, told });
        }
        let mut there = self.dice.between(5, 300);
        if self.dice.chance(self.faults.lost_answer / 8) {
            // On its way for longer than anybody waits for the answer.
            there += 20_000;
            let told = Told::Flow(Input::Failed(Failure::Unknown));
            self.after(deadline, Event::Tell { run, turn, told });
        }
        let request = exchange.request;
        let deadline = self.now + deadline;
        self.after(
            there,
            Event::Present {
                run,
                turn,
                request,
                deadline,
            },
        );
    }

    /// A request has come to the provider, which answers it whatever became of whoever has sent it.
    pub(super) fn present(
        &mut self,
        run: usize,
        turn: u32,
        request: &Request<Vec<u8>>,
        deadline: u64,
    ) -> Held {
        let back = self.dice.between(5, 300);
        let back = if self.dice.chance(100) {
            back + self.dice.below(6_000)
        } else {
            back
        };
        let lost = self.now + back >= deadline || self.dice.chance(self.faults.lost_answer);
        let error = match self.dice.chance(self.faults.provider_error) {
            true => self.dice.below(5),
            false => u64::MAX,
        };
        let (status, body) = match (error, request.uri() == provider::USERINFO) {
            (0, _) => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
            (1, _) => (StatusCode::TOO_MANY_REQUESTS, String::new()),
            (_, true) => {
                let bearer = request.headers()["authorization"].to_str().unwrap_or("");
                let token = bearer.strip_prefix("Bearer ").unwrap_or("");
                let told = self.provider.userinfo(token);
                match told.filter(|_| error > 4) {
                    Some(_) if self.dice.chance(self.faults.another_user) && !lost => {
                        self.note(|| format!("provider: run {run} is told another user"));
                        self.book.another_user(run);
                        (StatusCode::OK, r#"{"sub":"somebody-else"}"#.into())
                    }
                    Some(body) => (StatusCode::OK, body),
                    None => (StatusCode::BAD_GATEWAY, String::new()),
                }
            }
            (error, false) => {
                let now = self.now;
                let answer = self.provider.refreshed(request.body(), now);
                let (status, body) = match error {
                    2 => (StatusCode::BAD_GATEWAY, String::new()),
                    // Of a success; an error stays what it is.
                    3 | 4 if answer.came == Came::Redeemed => (StatusCode::OK, "{".into()),
                    _ => (answer.status, answer.body.clone()),
                };
                let spoilt = matches!(error, 3 | 4) && answer.came == Came::Redeemed;
                let unread = lost || error == 2 || spoilt;
                self.note(|| {
                    let (came, token) = (answer.came, &answer.token);
                    format!("provider: run {run} brings {token}: {came:?}, {status}, lost {lost}")
                });
                self.book.presented(run, &answer, unread, &self.setting)?;
                (status, body)
            }
        };
        if lost {
            self.tally.lost_answers += 1;
            let told = Told::Flow(Input::Failed(Failure::Unknown));
            // The connection breaks, or nothing comes.
            let after = match self.dice.below(2) {
                0 => back.min(deadline.saturating_sub(self.now)),
                _ => deadline.saturating_sub(self.now),
            };
            self.after(after, Event::Tell { run, turn, told });
        }
        // In time, and then perhaps once more; or later than anybody waits for it.
        let late = deadline.saturating_sub(self.now).max(back) + 1;
        let times: &[u64] = match (lost, self.dice.chance(100)) {
            (false, false) => &[back],
            (false, true) => &[back, late],
            (true, false) => &[],
            (true, true) => &[late],
        };
        for after in times {
            let mut response = provider::response(status, body.clone());
            if status == StatusCode::TOO_MANY_REQUESTS {
                let seconds = self.dice.between(1, 30);
                response.headers_mut().insert("retry-after", seconds.into());
            }
            let told = Told::Flow(Input::Response(response));
            self.after(*after, Event::Tell { run, turn, told });
        }
        Ok(())
    }

    /// A process dies and comes again. What was in its memory is gone.
    fn crash(&mut self, replica: usize) {
        self.tally.crashes += 1;
        self.note(|| format!("replica {replica} dies"));
        self.replicas[replica] = Replica::default();
        self.closes(replica);
        for run in 0..self.runs.len() {
            if self.runs[run]
                .as_ref()
                .is_some_and(|it| it.replica == replica)
            {
                self.runs[run] = None;
                self.book.died(run);
            }
        }
        for request in &mut self.requests {
            if request.replica == replica && request.arrived {
                request.answered = true;
            }
        }
        if self.setting.keeping == Keeping::Memory {
            self.stores[replica].forget();
            for life in 0..self.book.lives.len() {
                if self.replica_of(self.book.lives[life].browser) == replica {
                    self.book.forgotten(life, self.now);
                }
            }
        }
    }

    /// What a run is for, if it is not over.
    pub(super) fn purpose(&self, run: usize) -> Option<&For> {
        self.runs[run].as_ref().map(|it| &it.purpose)
    }

    /// Whoever has found a refresh under way waits for it too.
    pub(super) fn joins(&mut self, run: usize, waiting: &[usize]) {
        if let Some(Run {
            purpose: For::Flight(_, all),
            ..
        }) = &mut self.runs[run]
        {
            all.extend_from_slice(waiting);
        }
    }

    /// The replica that a browser comes to, where that is always the same.
    pub(super) fn replica_of(&self, browser: usize) -> usize {
        browser % self.replicas.len()
    }
}

fn shown(done: &Done) -> String {
    format!("{done:?}").chars().take(160).collect()
}
