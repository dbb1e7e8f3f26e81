//! A login that succeeds and whose session never comes back would begin again, and a provider that remembers the user would
//! send the browser round for ever. So the browser keeps for a minute when logins ended well in it.

use super::{CookieKeys, CookieNames, Purpose, Reader, SetCookie, open, put_time, seal};
use crate::{
    check::{Check, CheckFailed},
    time::UnixTime,
};
use http::HeaderMap;
use std::time::Duration;

/// How often in a minute a browser is signed in and sent to sign in again.
const ENOUGH: usize = 3;
/// How long a landing counts.
const WINDOW: Duration = Duration::from_secs(60);

/// When logins ended well in a browser, within the last minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landings(Vec<UnixTime>);

impl Landings {
    /// What a request says of them.
    pub fn of(headers: &HeaderMap, keys: &CookieKeys, names: &CookieNames, now: UnixTime) -> Self {
        let values = names.find(headers, names.landed());
        Self::open(values, keys, names, now)
    }

    /// The first of these values of the cookie that opens. Others may have been planted by another host.
    pub fn open<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
        keys: &CookieKeys,
        names: &CookieNames,
        now: UnixTime,
    ) -> Self {
        let plain = values
            .into_iter()
            .take(ENOUGH)
            .find_map(|sealed| open(keys, Purpose::Landings, names.landed(), sealed))
            .map(|opened| opened.plain);
        let Some(plain) = plain else {
            return Self::default();
        };
        let mut reader = Reader(&plain);
        let times = std::iter::from_fn(|| reader.time()).take(ENOUGH);
        Self(times.filter(|time| now.since(*time) < WINDOW).collect())
    }

    /// These, and one more now.
    #[must_use]
    pub fn and_now(mut self, now: UnixTime) -> Self {
        if self.0.len() == ENOUGH {
            self.0.remove(0);
        }
        self.0.push(now);
        self
    }

    /// The cookie that keeps them.
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal(&self, keys: &CookieKeys, names: &CookieNames) -> Result<SetCookie, CheckFailed> {
        let mut plain = Vec::with_capacity(8 * ENOUGH);
        self.0.iter().for_each(|time| put_time(&mut plain, *time));
        let name = names.landed();
        let sealed = seal(keys, Purpose::Landings, name, &plain)
            .map_err(|_| CheckFailed::new(Check::Randomness, "a landing could not be sealed"))?;
        Ok(names.set(name, &sealed, WINDOW))
    }

    /// Whether a login may begin that nobody has asked for, but a page that was opened.
    ///
    /// # Errors
    ///
    /// [`Check::LoginLoop`].
    pub fn judge(&self) -> Result<(), CheckFailed> {
        if self.0.len() < ENOUGH {
            return Ok(());
        }
        let cause = format!(
            "{ENOUGH} logins ended well in this browser within {} s, and it comes without a session again",
            WINDOW.as_secs()
        );
        Err(CheckFailed::new(Check::LoginLoop, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::BaseUrl;
    use http::{HeaderValue, header::COOKIE};

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn after(secs: u64) -> UnixTime {
        NOW + Duration::from_secs(secs)
    }

    #[test]
    fn the_third_landing_within_a_minute_is_enough_and_older_ones_do_not_count() {
        let keys = CookieKeys::ephemeral();
        let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
        let mut headers = HeaderMap::new();
        for (secs, enough) in [
            (0, false),
            (20, false),
            (40, true),
            (50, true),
            // At 79 those of 20, 40 and 50 counted until now; the first has just gone.
            (79, true),
            (140, false),
        ] {
            let now = after(secs);
            let landings = Landings::of(&headers, &keys, &names, now).and_now(now);
            assert_eq!(landings.judge().is_err(), enough, "{secs}");
            let cookie = landings.seal(&keys, &names).unwrap();
            assert!(cookie.pair().len() < 150);
            headers.insert(COOKIE, HeaderValue::try_from(cookie.pair()).unwrap());
        }
        let of = |now| Landings::of(&headers, &keys, &names, now);
        assert_ne!(of(after(199)), Landings::default());
        assert_eq!(of(after(200)), Landings::default());
        // Another key's, and another purpose's.
        assert_eq!(
            Landings::of(&headers, &CookieKeys::ephemeral(), &names, after(140)),
            Landings::default()
        );
        let other = seal(&keys, Purpose::Transaction, names.landed(), &[0; 24]).unwrap();
        let values = [other.as_bytes()];
        assert_eq!(
            Landings::open(values, &keys, &names, NOW),
            Landings::default()
        );
    }
}
