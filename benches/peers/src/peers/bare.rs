//! axum alone.

use super::named;
use crate::{
    app::{Given, Signed, User, bare},
    contender::{App, Contender, What},
};
use std::sync::Arc;

/// The name of what has nothing in front.
pub(crate) const BARE: &str = "bare";

pub(super) fn contenders() -> Vec<Contender> {
    let signed = Signed(Arc::new(User::the_one()));
    let who = format!("{BARE} {}", named("axum"));
    vec![
        Contender::new(who.clone(), What::Open, App::Router(bare())),
        Contender::new(who, What::Session, App::Given(Given(bare(), signed))),
    ]
}
