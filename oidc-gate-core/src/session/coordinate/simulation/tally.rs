//! What has been simulated, in numbers.

use super::{book::Fault, world::Event};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) worlds: u64,
    pub(super) events: u64,
    pub(super) requests: u64,
    pub(super) logins: u64,
    pub(super) sign_outs: u64,
    /// Of the provider, which were done.
    pub(super) logouts: u64,
    /// Logins that a logout of the provider has overtaken.
    pub(super) overtaken: u64,
    pub(super) step_ups: u64,
    /// Connections that were left open.
    pub(super) watches: u64,
    /// Of those, which learnt that their session had ended.
    pub(super) learnt: u64,
    pub(super) refreshes: u64,
    pub(super) redemptions: u64,
    /// Results that others had.
    pub(super) adoptions: u64,
    pub(super) crashes: u64,
    pub(super) lost_answers: u64,
    pub(super) stalls: u64,
    pub(super) lost_tokens: u64,
    pub(super) over: u64,
    pub(super) exceptions: BTreeMap<Fault, u64>,
    order: u64,
    orders: HashSet<u64>,
}

impl Tally {
    /// Adds an event to what tells this order of events from all others.
    pub(super) fn mix(&mut self, now: u64, event: &Event) {
        let (kind, which) = match event {
            Event::Burst(browser) => (1, *browser),
            Event::Arrive(request) => (2, *request),
            Event::Patience(request) => (3, *request),
            Event::Deliver(browser, _) => (4, *browser),
            Event::Apply { run, .. } => (5, *run),
            Event::Present { run, .. } => (6, *run),
            Event::Tell { run, .. } => (7, *run),
            Event::Send(request) => (8, *request),
            Event::LogOut(logout) => (10, *logout),
            Event::Read(replica) => (11, *replica),
            Event::Look { watch, .. } => (12, *watch),
            Event::Many => (13, 0),
            Event::Heal => (9, 0),
        };
        // Not when, but in which order.
        let _ = now;
        let word = (kind << 32) ^ which as u64;
        self.order = (self.order.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.worlds += 1;
        self.events += other.events;
        self.requests += other.requests;
        self.logins += other.logins;
        self.sign_outs += other.sign_outs;
        self.logouts += other.logouts;
        self.overtaken += other.overtaken;
        self.step_ups += other.step_ups;
        self.watches += other.watches;
        self.learnt += other.learnt;
        self.refreshes += other.refreshes;
        self.redemptions += other.redemptions;
        self.adoptions += other.adoptions;
        self.crashes += other.crashes;
        self.lost_answers += other.lost_answers;
        self.stalls += other.stalls;
        self.lost_tokens += other.lost_tokens;
        self.over += other.over;
        for (fault, times) in other.exceptions {
            *self.exceptions.entry(fault).or_default() += times;
        }
        self.orders.insert(other.order);
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        let (worlds, orders) = (other.worlds, std::mem::take(&mut other.orders));
        self.add(other);
        self.worlds += worlds - 1;
        self.orders.remove(&0);
        self.orders.extend(orders);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {} different interleavings of {} events",
            self.worlds,
            self.orders.len(),
            self.events
        )?;
        writeln!(
            f,
            "{} requests, {} logins, {} sign-outs, {} requests to sessions that were over",
            self.requests, self.logins, self.sign_outs, self.over
        )?;
        writeln!(
            f,
            "{} logouts by the provider, {} logins that one has overtaken, {} step-ups",
            self.logouts, self.overtaken, self.step_ups
        )?;
        writeln!(
            f,
            "{} open connections, {} ends of sessions that one has learnt of",
            self.watches, self.learnt
        )?;
        writeln!(
            f,
            "{} refreshes, {} redemptions, {} adoptions",
            self.refreshes, self.redemptions, self.adoptions
        )?;
        writeln!(
            f,
            "{} crashes, {} lost answers, {} stalls, {} requests to sessions that had lost their tokens",
            self.crashes, self.lost_answers, self.stalls, self.lost_tokens
        )?;
        write!(
            f,
            "redeemed again, because nobody could know: {:?}",
            self.exceptions
        )
    }
}
