//! The machines that run in a replica, as one type.

use super::super::{
    Begin, Begun, Changed, Effect, End, Enlist, Enlisted, Listed, LogOut, Machine, Once, Outcome,
    Outlive, ReadList, RefreshSession, Settle, Tell, Told, Touch, Update, UpdateError,
};
use crate::{
    flow::{Env, Step},
    session::{StoreDown, StoreKey, Stored},
};

/// What a replica does.
#[derive(Debug)]
pub(super) enum Job {
    /// What a request begins with.
    Look(StoreKey),
    Refresh(Box<RefreshSession>),
    Begin(Box<Update<Begin>>),
    Touch(Update<Touch>),
    Settle(Update<Settle>),
    End(Update<End>),
    Outlive(Update<Outlive>),
    Enlist(Update<Enlist>),
    LogOut(Update<LogOut>),
    Tell(Update<Tell>),
    ReadList(Update<ReadList>),
    Once(Update<Once>),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    Looked(Result<Option<Stored>, StoreDown>),
    Refreshed(Outcome),
    Began(Result<Begun, UpdateError>),
    Changed(Result<Changed, UpdateError>),
    Enlisted(Result<Enlisted, UpdateError>),
    Listed(Result<Vec<Listed>, UpdateError>),
    LoggedOut(Result<Vec<Listed>, UpdateError>),
}

impl Job {
    pub(super) fn resume(&mut self, told: Told, env: &mut Env<'_>) -> Effect<Done> {
        match self {
            Self::Look(key) => match told {
                Told::Loaded(found) => Effect::done(Done::Looked(found)),
                _ => Effect::Load(*key),
            },
            Self::Refresh(machine) => map(machine.resume(told, env), Done::Refreshed),
            Self::Begin(machine) => map(machine.resume(told, env), Done::Began),
            Self::Touch(machine) => map(machine.resume(told, env), Done::Changed),
            Self::Settle(machine) => map(machine.resume(told, env), Done::Changed),
            Self::End(machine) => map(machine.resume(told, env), Done::Changed),
            Self::Outlive(machine) => map(machine.resume(told, env), Done::Changed),
            Self::Enlist(machine) => map(machine.resume(told, env), Done::Enlisted),
            Self::LogOut(machine) => map(machine.resume(told, env), Done::LoggedOut),
            Self::Tell(machine) => map(machine.resume(told, env), Done::Changed),
            Self::ReadList(machine) => map(machine.resume(told, env), Done::Listed),
            Self::Once(machine) => map(machine.resume(told, env), Done::Changed),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Look(_) => "look",
            Self::Refresh(_) => "refresh",
            Self::Begin(_) => "begin",
            Self::Touch(_) => "touch",
            Self::Settle(_) => "settle",
            Self::End(_) => "end",
            Self::Outlive(_) => "outlive",
            Self::Enlist(_) => "enlist",
            Self::LogOut(_) => "log out",
            Self::Tell(_) => "tell",
            Self::ReadList(_) => "read list",
            Self::Once(_) => "once",
        }
    }

    pub(super) fn is_refresh(&self) -> bool {
        matches!(self, Self::Refresh(_))
    }
}

fn map<T>(effect: Effect<T>, done: impl FnOnce(T) -> Done) -> Effect<Done> {
    match effect {
        Effect::Load(key) => Effect::Load(key),
        Effect::Swap(swap) => Effect::Swap(swap),
        Effect::Flow(Step::Send(exchange)) => Effect::Flow(Step::Send(exchange)),
        Effect::Flow(Step::FindKeys(query)) => Effect::Flow(Step::FindKeys(query)),
        Effect::Flow(Step::Sign(input)) => Effect::Flow(Step::Sign(input)),
        Effect::Flow(Step::Wait(time)) => Effect::Flow(Step::Wait(time)),
        Effect::Flow(Step::Done(output)) => Effect::done(done(output)),
    }
}
