//! What a request's `Authorization` comes to.

use crate::{
    Identity,
    core::{
        check::CheckFailed,
        gate::{BearerVerdict, LiveSession},
    },
    ports::Boxed,
};
use std::sync::Arc;

/// What a request's `Authorization` comes to.
pub(crate) enum Sight {
    /// To no credential of the gate's.
    Nothing,
    Good(Arc<Identity>),
    Bad(CheckFailed),
    /// The issuer's keys cannot be had.
    NoTelling,
    /// The keys have to be fetched first.
    Later(Boxed<'static, Sight>),
}

/// A token that was presented and names nobody, for a handler that demands somebody all the same.
#[derive(Clone, Debug)]
pub(crate) enum Unusable {
    Bad(Box<CheckFailed>, LiveSession),
    NoTelling,
}

impl Unusable {
    pub(crate) fn verdict(&self) -> BearerVerdict<'_> {
        match self {
            Self::Bad(failed, session) => BearerVerdict::Invalid {
                failed,
                session: *session,
            },
            Self::NoTelling => BearerVerdict::IssuerUnavailable,
        }
    }
}
