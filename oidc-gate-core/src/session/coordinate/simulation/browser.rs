//! A browser: a jar of cookies that all its tabs share.

use crate::session::SetCookie;
use http::{HeaderMap, HeaderValue, header::COOKIE};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Browser {
    /// Who sits in front of it.
    pub(super) user: usize,
    /// How often it comes before everything heals.
    pub(super) bursts: u64,
    /// Who is signed in at the provider, and in which session of it.
    pub(super) at_provider: Option<(usize, usize)>,
    jar: BTreeMap<String, String>,
}

impl Browser {
    pub(super) fn new(user: usize, bursts: u64) -> Self {
        Self {
            user,
            bursts,
            at_provider: None,
            jar: BTreeMap::new(),
        }
    }

    pub(super) fn headers(&self) -> HeaderMap {
        let pairs: Vec<String> = (self.jar.iter())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if pairs.is_empty() {
            return HeaderMap::new();
        }
        let line = HeaderValue::from_str(&pairs.join("; ")).expect("cookies are text");
        std::iter::once((COOKIE, line)).collect()
    }

    pub(super) fn has_cookies(&self) -> bool {
        !self.jar.is_empty()
    }

    /// A response has arrived, whenever it was sent.
    pub(super) fn take(&mut self, cookies: &[SetCookie]) {
        for cookie in cookies {
            if cookie.is_removal() {
                self.jar.remove(cookie.name());
            } else if let Some((name, value)) = cookie.pair().split_once('=') {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
