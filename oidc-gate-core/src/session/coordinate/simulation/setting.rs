//! What world a seed makes: where sessions are kept, what the provider is like, and what goes wrong.

use super::dice::Dice;
use crate::session::{KeptIn, Lifetimes};
use std::time::Duration;

/// Where sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// In a store that all replicas share.
    Store,
    /// In cookies, with a store that all replicas share beside them.
    Coordinated,
    /// In cookies, with the memory of one process beside them. A browser always comes to the same one.
    Memory,
}

impl Keeping {
    pub(super) fn kept_in(self) -> KeptIn {
        match self {
            Self::Store => KeptIn::Store,
            Self::Coordinated | Self::Memory => KeptIn::Cookies,
        }
    }
}

/// How far clocks of replicas are apart at most, in milliseconds: nine seconds, and they know whole ones.
pub(super) const CLOCKS_DIFFER: u64 = 10_000;

/// What the provider does with refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotation {
    /// Each is good once, and one that comes again ends all that came of its login.
    Strict,
    /// Each is good once.
    Single,
    /// One is good until the user is.
    Never,
}

#[derive(Debug)]
pub(super) struct Setting {
    pub(super) keeping: Keeping,
    pub(super) rotation: Rotation,
    /// How far each replica's clock is off, in milliseconds.
    pub(super) clocks: Vec<i64>,
    pub(super) browsers: usize,
    /// How long an access token lives, in seconds.
    pub(super) life: u64,
    /// Whether userinfo is asked at each refresh.
    pub(super) userinfo: bool,
    pub(super) limits: Lifetimes,
    /// How often the browsers come before everything heals.
    pub(super) bursts: u64,
    /// Whether all browsers are one user's, until somebody else sits down.
    pub(super) one_user: bool,
    /// Whether the provider names its sessions.
    pub(super) sids: bool,
    /// How often the provider ends a session of its own, or all of a user's, of a thousand bursts.
    pub(super) logouts: u64,
    /// How often a user has to sign in again, of a thousand bursts.
    pub(super) step_ups: u64,
    /// How often a request leaves a connection open, of a thousand times.
    pub(super) watches: u64,
    /// How often a replica does not read for a while what others tell, of a thousand bursts.
    pub(super) pauses: u64,
    pub(super) faults: Faults,
}

/// How often what goes wrong, of a thousand times. None of it is left once everything heals.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// A process dies between two effects.
    pub(super) crash: u64,
    /// What a run waits for is told to it up to a minute and a half late.
    pub(super) stall: u64,
    /// The provider's answer does not arrive, or not in time, or the request itself is that late.
    pub(super) lost_answer: u64,
    /// The provider fails, before or after it has looked at the token, or limits requests, or answers what nobody can read.
    pub(super) provider_error: u64,
    /// The store answers with an error: nothing was done, or it was, or will be.
    pub(super) store_error: u64,
    /// The store takes its time, up to a minute.
    pub(super) store_slow: u64,
    /// The store is down for a while, after a burst.
    pub(super) store_down: u64,
    /// A response does not reach the browser.
    pub(super) response_lost: u64,
    /// The provider revokes what it has issued to a user, after a burst.
    pub(super) revoked: u64,
    /// The provider says that the token is about somebody else.
    pub(super) another_user: u64,
}

impl Faults {
    /// Whether nothing goes wrong that could cost a session its tokens.
    pub(super) fn is_calm(&self) -> bool {
        let Self {
            crash,
            stall,
            lost_answer,
            provider_error,
            store_error,
            store_slow,
            store_down,
            // These cost nothing, or a session by right.
            response_lost: _,
            revoked: _,
            another_user: _,
        } = self;
        [
            crash,
            stall,
            lost_answer,
            provider_error,
            store_error,
            store_slow,
            store_down,
        ]
        .iter()
        .all(|often| **often == 0)
    }

    fn draw(dice: &mut Dice) -> Self {
        let mut faults = Self {
            response_lost: dice.pick(&[0, 20, 100]),
            revoked: dice.pick(&[0, 0, 60]),
            another_user: dice.pick(&[0, 0, 10]),
            ..Self::default()
        };
        let kind = dice.below(10);
        let all = kind >= 7;
        if kind == 2 || all {
            faults.crash = dice.pick(&[3, 10, 30]);
        }
        if kind == 3 || all {
            faults.lost_answer = dice.pick(&[20, 100, 300]);
        }
        if kind == 4 || all {
            faults.store_error = dice.pick(&[0, 10, 60, 200]);
            faults.store_slow = dice.pick(&[0, 10, 100]);
            faults.store_down = dice.pick(&[0, 100]);
        }
        if kind == 5 || all {
            faults.stall = dice.pick(&[3, 10, 40]);
        }
        if kind == 6 || all {
            faults.provider_error = dice.pick(&[30, 150, 400]);
        }
        faults
    }
}

impl Setting {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let keeping = dice.pick(&[
            Keeping::Store,
            Keeping::Store,
            Keeping::Coordinated,
            Keeping::Coordinated,
            Keeping::Memory,
        ]);
        let replicas = dice.between(1, 3) as usize;
        let off = dice.pick(&[0, 0, 4_500]);
        let clocks = (0..replicas)
            .map(|_| dice.between(0, 2 * off) as i64 - off as i64)
            .collect();
        let (idle, absolute) = match dice.below(8) {
            0 => (600, 600),
            1..=2 => (900, 2_400),
            _ => (86_400, 604_800),
        };
        Self {
            keeping,
            rotation: dice.pick(&[
                Rotation::Strict,
                Rotation::Strict,
                Rotation::Single,
                Rotation::Never,
            ]),
            clocks,
            browsers: dice.between(1, 3) as usize,
            life: dice.pick(&[60, 120, 300]),
            userinfo: dice.chance(250),
            limits: Lifetimes::new(Duration::from_secs(idle), Duration::from_secs(absolute))
                .expect("they make sense"),
            bursts: dice.between(3, 6),
            one_user: dice.chance(300),
            sids: dice.chance(750),
            logouts: dice.pick(&[0, 40, 120]),
            step_ups: dice.pick(&[0, 100]),
            watches: dice.pick(&[0, 0, 150]),
            pauses: dice.pick(&[0, 150]),
            faults: Faults::draw(dice),
        }
    }
}
