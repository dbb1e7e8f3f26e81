//! What a browser keeps of logins, beside a session.

use crate::{
    Gate,
    core::session::{Landings, Other},
};
use http::HeaderMap;

/// What a browser keeps of logins, beside a session.
#[derive(Default)]
pub(crate) struct Underway {
    /// Those that have begun, oldest first.
    logins: Vec<String>,
    /// When some ended well, sealed.
    landed: Vec<Box<[u8]>>,
}

/// How many logins can be under way in one browser. Each is a cookie of half a kilobyte.
const MAX_LOGINS: usize = 5;

/// How many of these cookies are looked at. An honest browser has a handful; whoever sends thousands gets no more work out
/// of it.
const MAX_SEEN: usize = 20;

impl Underway {
    /// Those that make room for one more. Browsers send older cookies first (RFC 6265 § 5.4), so these are the oldest.
    pub(crate) fn crowd(&self) -> impl Iterator<Item = &str> {
        let crowd = (self.logins.len() + 1).saturating_sub(MAX_LOGINS);
        self.logins.iter().take(crowd).map(String::as_str)
    }
}

impl Gate {
    /// What the browser keeps of logins.
    pub(crate) fn underway(&self, headers: &HeaderMap) -> Underway {
        let mut underway = Underway::default();
        for other in self.0.names.others(headers).take(MAX_SEEN) {
            match other {
                Other::Login(name) if underway.logins.iter().any(|seen| seen == name) => {}
                Other::Login(name) => underway.logins.push(name.to_owned()),
                Other::Landed(value) => underway.landed.push(value.into()),
            }
        }
        underway
    }

    /// When logins ended well in the browser that keeps this.
    pub(crate) fn landings(&self, underway: &Underway) -> Landings {
        let values = underway.landed.iter().map(|value| &**value);
        Landings::open(values, &self.0.keys, &self.0.names, self.now())
    }
}
