//! The keys of the cookies, while the gate runs.

use crate::{
    Gate,
    core::session::{CookieKeys, KeyError},
    keeping::Ring,
};
use arc_swap::{ArcSwap, Guard};
use std::{fmt, sync::Arc};

/// The ring that is in force. Reading it takes no lock: every request does.
pub(crate) struct InForce(ArcSwap<Ring>);

impl InForce {
    /// These keys, and room for so many cookies that they have opened.
    pub(crate) fn new(keys: CookieKeys, room: usize) -> Self {
        Self(ArcSwap::from_pointee(Ring::new(keys, room)))
    }

    /// The ring as it is now, for a moment, without counting a reference: all processors would wait for that count.
    pub(crate) fn ring(&self) -> Guard<Arc<Ring>> {
        self.0.load()
    }

    /// The ring as it is now. What is opened, or sealed, with one ring is so as a whole: a caller that needs it twice for
    /// one thing keeps it.
    pub(crate) fn now(&self) -> CookieKeys {
        self.ring().keys.clone()
    }

    /// Puts what `change` makes of the ring in its place. If another change comes first, it is made again of that one's
    /// result: none is lost.
    fn change(
        &self,
        mut change: impl FnMut(&CookieKeys) -> Result<CookieKeys, KeyError>,
    ) -> Result<CookieKeys, KeyError> {
        let mut known = self.0.load_full();
        loop {
            let next = change(&known.keys)?;
            known.keys.check_next(&next)?;
            let ring = known.with(next.clone());
            let found = self.0.compare_and_swap(&known, Arc::new(ring));
            if Arc::ptr_eq(&known, &found) {
                return Ok(next);
            }
            known = Arc::clone(&found);
        }
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.now().fmt(f)
    }
}

impl Gate {
    /// The keys that are in force. `None` for a gate that signs nobody in and so seals nothing.
    pub fn cookie_keys(&self) -> Option<CookieKeys> {
        Some(self.0.sessions.as_ref()?.keys.now())
    }

    /// Puts other keys in force, from the next request on: of this process. For whoever keeps the secrets in a file and reads
    /// it again; the first secret seals, so a new one stands behind until every replica has read it. The steps, and when to
    /// take which, are told by [`rotation`](crate::rotation).
    ///
    /// # Errors
    ///
    /// As [`change_cookie_keys`](Self::change_cookie_keys).
    ///
    /// ```
    /// # use oidc_gate_tower::{ClientAuth, CookieKeys, Gate};
    /// # let [one, two] = ["dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=", "q2FtYmVyIHdhbHJ1cyBvcmFuZ2UgNDIgdHVsaXAgcGllcg=="];
    /// # let gate = Gate::builder().issuer("https://id.example.com").client("app", ClientAuth::none())
    /// #     .base_url("https://app.example.com").cookie_keys(CookieKeys::parse(one)?).build()?;
    /// # let read_secrets = || format!("{one},{two}");
    /// gate.set_cookie_keys(CookieKeys::parse(&read_secrets())?)?;
    /// # assert_eq!(gate.cookie_keys().map(|keys| keys.ids().len()), Some(2));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_cookie_keys(&self, keys: CookieKeys) -> Result<(), KeyError> {
        self.change_cookie_keys(|_| Ok(keys.clone())).map(drop)
    }

    /// Makes other keys of those in force, from the next request on: of this process. Returns what is in force then.
    /// `change` may be called more than once, if another change comes between.
    ///
    /// # Errors
    ///
    /// What `change` says. [`KeyError::Sealing`] if the key that seals now would be gone: promote another one first.
    /// [`KeyError::OtherOrigin`] if keys that were made at start would take the place of configured ones, or the other way
    /// round. [`KeyError::NoSessions`] if this gate signs nobody in. Nothing has changed then.
    ///
    /// ```
    /// # use oidc_gate_tower::{ClientAuth, CookieKeys, Gate};
    /// # let [one, two] = ["dGhlIGNvb2tpZSBrZXkgaXMgMzIgYnl0ZXMgbG9uZyE=", "q2FtYmVyIHdhbHJ1cyBvcmFuZ2UgNDIgdHVsaXAgcGllcg=="];
    /// # let gate = Gate::builder().issuer("https://id.example.com").client("app", ClientAuth::none())
    /// #     .base_url("https://app.example.com").cookie_keys(CookieKeys::parse(one)?).build()?;
    /// # let (secret, old) = (two, gate.cookie_keys().unwrap().ids().next().unwrap());
    /// # let new = CookieKeys::parse(two)?.ids().next().unwrap();
    /// let more = CookieKeys::parse(secret)?;
    /// gate.change_cookie_keys(|keys| keys.with_added(&more))?;
    /// // When every replica has done that:
    /// gate.change_cookie_keys(|keys| keys.promoted(new))?;
    /// // When the longest session from before has ended:
    /// gate.change_cookie_keys(|keys| keys.without(old))?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn change_cookie_keys(
        &self,
        change: impl FnMut(&CookieKeys) -> Result<CookieKeys, KeyError>,
    ) -> Result<CookieKeys, KeyError> {
        let sessions = self.0.sessions.as_ref().ok_or(KeyError::NoSessions)?;
        let keys = sessions.keys.change(change)?;
        tracing::info!(?keys, "other cookie keys are in force; the first one seals");
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn ring(first: u8) -> CookieKeys {
        let secret: Vec<u8> = (first..).take(32).collect();
        CookieKeys::from_secrets([&secret[..]]).unwrap()
    }

    #[test]
    fn of_two_changes_at_once_none_is_lost() {
        let keys = InForce::new(ring(1), 0);
        let calls = Cell::new(0);
        let changed = keys.change(|known| {
            calls.set(calls.get() + 1);
            if calls.get() == 1 {
                keys.change(|known| known.with_added(&ring(2))).unwrap();
            }
            known.with_added(&ring(3))
        });
        assert_eq!(calls.get(), 2);
        let all = [1, 2, 3].map(|first| ring(first).ids().next().unwrap());
        assert!(changed.unwrap().ids().eq(all));
        assert!(keys.now().ids().eq(all));
    }
}
