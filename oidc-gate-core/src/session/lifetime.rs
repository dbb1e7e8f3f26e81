//! How long a session lives.

use super::{SealedBy, Session};
use crate::{check::Check, time::UnixTime};
use std::time::Duration;

/// The limits of a session, enforced here and not by the browser.
///
/// | limit | counts from | moved by | ends a session with |
/// |---|---|---|---|
/// | idle | when the session was last used | every use that is written down: a tenth of the limit after the last one | `session.idle` |
/// | absolute | the login | nothing | `session.expired` |
/// | the provider's | it is a time: the claim [`session_expiry`](crate::token::IdTokenClaims::session_expiry) | a refresh, to an earlier time | `session.expired` |
///
/// The first that is reached ends the session. No use of it is a request on an open or bypassed path, one that is fetched
/// ahead, or one that [polls](crate::gate::PolicySettings::polling). A shorter limit in the settings holds for sessions that are
/// there already; a longer one holds for new ones. What a browser keeps beyond is worth nothing; what it forgets before, as at
/// its end ([`CookieLifetime`](super::CookieLifetime)), ends the session for that browser alone.
///
/// # Defaults
///
/// Idle 24 hours: somebody who comes back every working day stays signed in. Absolute 7 days, the limit oauth2-proxy has.
/// The life of an access token is another thing and ends no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    idle: Duration,
    absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(24 * 3600),
            absolute: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

impl Lifetimes {
    /// The longest a session may live: browsers keep no cookie longer
    /// ([RFC 6265bis § 5.5](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.5)).
    pub const MAX: Duration = Duration::from_secs(400 * 24 * 3600);

    /// An idle limit and an absolute one, both longer than zero, the first not longer than the second, the second not
    /// longer than [`MAX`](Self::MAX). `None` otherwise.
    pub fn new(idle: Duration, absolute: Duration) -> Option<Self> {
        let fits = idle >= Duration::from_secs(1) && idle <= absolute && absolute <= Self::MAX;
        fits.then_some(Self { idle, absolute })
    }

    /// How long a session may stay unused.
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// How long a session may live however it is used.
    pub fn absolute(&self) -> Duration {
        self.absolute
    }

    /// What the clocks say of a session.
    ///
    /// # Errors
    ///
    /// [`Check::SessionExpired`] or [`Check::SessionIdle`].
    pub fn judge(&self, session: &Session, now: UnixTime) -> Result<Freshness, Check> {
        if now >= session.ends() || now.since(session.created()) >= self.absolute {
            return Err(Check::SessionExpired);
        }
        let unused = now.since(session.seen());
        if unused >= self.idle {
            return Err(Check::SessionIdle);
        }
        // Writing down each use would set a cookie on each answer. A tenth of the idle limit is exact enough.
        Ok(if unused >= self.idle / 10 {
            Freshness::Touch
        } else {
            Freshness::Fresh
        })
    }
}

/// What a live session needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a gate has to decide about each")]
pub enum Freshness {
    /// Nothing.
    Fresh,
    /// It should be sealed anew, with the key that seals now. Its idle time goes on.
    Reseal,
    /// Its use should be written down, so that it does not idle out.
    Touch,
    /// Its tokens expire soon: they can be renewed while the request goes on.
    RefreshAhead,
    /// Its tokens have expired: they must be renewed before they are used.
    RefreshDue,
}

impl Freshness {
    /// The same of a session that this key has sealed. Whatever else is due seals it anew too.
    #[must_use]
    pub fn sealed_by(self, key: SealedBy) -> Self {
        match (self, key) {
            (Self::Fresh, SealedBy::Older) => Self::Reseal,
            (other, SealedBy::First | SealedBy::Older) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoreKey;
    use super::*;
    use crate::identity::Identity;

    const fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn both_limits_hold_to_the_second() {
        let limits = Lifetimes::new(secs(100), secs(1000)).unwrap();
        let start = UnixTime::from_secs(1_000_000);
        let session = Session::begin(
            StoreKey::from_bytes([0; 32]),
            Identity::builder("i", "s").build(),
            None,
            &limits,
            start,
        );
        for (after, verdict) in [
            (0, Ok(Freshness::Fresh)),
            (9, Ok(Freshness::Fresh)),
            (10, Ok(Freshness::Touch)),
            (99, Ok(Freshness::Touch)),
            (100, Err(Check::SessionIdle)),
            (999, Err(Check::SessionIdle)),
            (1000, Err(Check::SessionExpired)),
        ] {
            assert_eq!(
                limits.judge(&session, start + secs(after)),
                verdict,
                "{after} s"
            );
        }
        let used = session.touched(start + secs(950));
        assert_eq!(limits.judge(&used, start + secs(999)), Ok(Freshness::Touch));
        assert_eq!(
            limits.judge(&used, start + secs(1000)),
            Err(Check::SessionExpired)
        );
        // A clock that was set back ends nothing and overflows nothing.
        assert_eq!(
            limits.judge(&session, UnixTime::from_secs(0)),
            Ok(Freshness::Fresh)
        );
    }

    #[test]
    fn a_shorter_limit_holds_for_sessions_that_are_already_there() {
        let long = Lifetimes::new(secs(1000), secs(1000)).unwrap();
        let short = Lifetimes::new(secs(10), secs(10)).unwrap();
        let start = UnixTime::from_secs(1_000_000);
        let session = Session::begin(
            StoreKey::from_bytes([0; 32]),
            Identity::builder("i", "s").build(),
            None,
            &long,
            start,
        );
        assert_eq!(
            short.judge(&session, start + secs(10)),
            Err(Check::SessionExpired)
        );
    }

    #[test]
    fn a_longer_limit_prolongs_no_session_that_is_already_there() {
        let limits = |absolute| Lifetimes::new(secs(1), secs(absolute)).unwrap();
        let start = UnixTime::from_secs(1_000_000);
        let session = Session::begin(
            StoreKey::from_bytes([0; 32]),
            Identity::builder("i", "s").build(),
            None,
            &limits(10),
            start,
        )
        .touched(start + secs(9));
        let judged = |at| limits(1000).judge(&session, start + secs(at));
        assert_eq!(judged(9), Ok(Freshness::Fresh));
        assert_eq!(judged(10), Err(Check::SessionExpired));
    }

    #[test]
    fn a_session_ends_when_the_provider_says_so_and_not_later_than_its_own_limit() {
        let limits = Lifetimes::new(secs(100), secs(1000)).unwrap();
        let start = UnixTime::from_secs(1_000_000);
        let session = Session::begin(
            StoreKey::from_bytes([0; 32]),
            Identity::builder("i", "s").build(),
            None,
            &limits,
            start,
        );
        for (until, ends) in [
            (None, 1000),
            (Some(50), 50),
            (Some(1000), 1000),
            (Some(2000), 1000),
        ] {
            let session = session.clone();
            let capped = match until {
                None => session,
                Some(until) => session.ending(start + secs(until)),
            };
            assert_eq!(capped.ends(), start + secs(ends), "{until:?}");
        }
        let capped = session.ending(start + secs(50)).touched(start + secs(49));
        assert!(limits.judge(&capped, start + secs(49)).is_ok());
        assert_eq!(
            limits.judge(&capped, start + secs(50)),
            Err(Check::SessionExpired)
        );
        // What a refresh says makes it shorter, and never longer.
        let capped = capped.ending(start + secs(90));
        assert_eq!(capped.ends(), start + secs(50));
    }

    #[test]
    fn limits_may_be_as_long_as_a_browser_keeps_a_cookie() {
        assert!(Lifetimes::new(secs(1), Lifetimes::MAX).is_some());
        assert!(Lifetimes::new(secs(1), Lifetimes::MAX + secs(1)).is_none());
    }

    #[test]
    fn limits_that_make_no_sense_are_not_made() {
        for (idle, absolute) in [(0, 10), (11, 10), (10, 401 * 24 * 3600)] {
            assert_eq!(Lifetimes::new(secs(idle), secs(absolute)), None);
        }
    }
}
