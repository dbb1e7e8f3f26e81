//! What a request came with, as `decide` is told of it, and what an application demands.

use super::requirement::Unmet;
use crate::check::{Check, CheckFailed};
use crate::identity::{Identity, Via};
use crate::session::Freshness;

/// The credential a request came with, as far as it could be read.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum Credential<'a> {
    /// None, or none that the gate looks at.
    None,
    /// A session that lives.
    Session(SessionView<'a>),
    /// A session that lived: idle too long, at its limit, ended.
    Expired(Check),
    /// A cookie of ours that cannot be opened.
    Unreadable(Check),
    /// A bearer token. Where one is presented it decides, and a session beside it does not.
    Bearer(BearerVerdict<'a>),
    /// There may be a session, and the store does not answer.
    StoreUnavailable,
}

/// A session that lives.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionView<'a> {
    /// Whose.
    pub identity: &'a Identity,
    /// What is due.
    pub freshness: Freshness,
}

impl<'a> SessionView<'a> {
    /// The session of `identity`.
    pub fn new(identity: &'a Identity, freshness: Freshness) -> Self {
        Self {
            identity,
            freshness,
        }
    }
}

/// What became of a bearer token.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum BearerVerdict<'a> {
    /// It is good.
    Valid(&'a Identity),
    /// It is not.
    Invalid {
        /// Why.
        failed: &'a CheckFailed,
        /// Whether a session came beside it.
        session: LiveSession,
    },
    /// The issuer's keys cannot be had, so there is no telling.
    IssuerUnavailable,
}

/// Whether a live session came with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a session lives or it does not")]
pub enum LiveSession {
    /// One did.
    Present,
    /// None did.
    Absent,
}

/// What an extractor or a route inside the application demands when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new case must be handled")]
pub enum Demand {
    /// Somebody has to be signed in.
    SignIn,
    /// The caller does not meet a requirement.
    Unmet {
        /// Which, and what could mend it.
        unmet: Unmet,
        /// How the caller was recognised.
        via: Via,
    },
}
