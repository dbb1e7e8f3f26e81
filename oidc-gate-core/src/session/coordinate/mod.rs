//! What requests and replicas do to one session at the same time, as machines over a store of two operations.
//!
//! A [`Machine`] says what it needs, one [`Effect`] at a time, and is told what came of it. Each can be dropped between any
//! two effects, as a crash would, and another run of it finds what it left.

mod begin;
mod change;
mod index;
mod look;
mod news;
mod refresh;
#[cfg(test)]
mod simulation;

pub use begin::{Begin, BeginError, Begun};
pub use change::{
    Applied, Before, Change, Changed, End, EndAndTake, Last, Once, Outlive, Reseal, Settle, Touch,
    Update, UpdateError,
};
pub use index::{Delist, Enlist, Enlisted, Listed, LogOut, Marks, ReadList, Scope};
pub use look::{Look, Seen};
pub use news::{Happened, News, Tell};
pub use refresh::{Base, Kept, Outcome, Redeem, RefreshSession, Witness};

use super::{StoreDown, StoreKey, Stored, Swap};
use crate::flow::{Env, Input, Step};

/// What a machine needs next. Exhaustive on purpose: a driver that does not know an effect must not compile.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a driver has to handle every effect"
)]
pub enum Effect<T> {
    /// Look what stands under this key, at the store itself. Answered with [`Told::Loaded`].
    Load(StoreKey),
    /// Write this if nothing has been written since. Answered with [`Told::Swapped`].
    Swap(Swap),
    /// As of any conversation with the provider. Answered with [`Told::Flow`].
    Flow(Step<T>),
}

impl<T> Effect<T> {
    /// It is over.
    pub(super) fn done(output: T) -> Self {
        Self::Flow(Step::Done(output))
    }
}

/// What came of an effect. Exhaustive on purpose, as [`Effect`] is.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "mirrors Effect")]
pub enum Told {
    /// Begin.
    Start,
    /// What stands there.
    Loaded(Result<Option<Stored>, StoreDown>),
    /// Whether it was written. Where the store did not answer, it may have been.
    Swapped(Result<bool, StoreDown>),
    /// As in any conversation with the provider.
    Flow(Input),
}

/// Something that is done to a session.
pub trait Machine {
    /// What comes of it.
    type Output;

    /// Takes the result of the last effect and says what is needed next.
    ///
    /// What does not answer the last effect is a fault of the driver; the machine ends with an error of its own rather than
    /// guess.
    fn resume(&mut self, told: Told, env: &mut Env<'_>) -> Effect<Self::Output>;
}
