//! Sign-out at the provider, which the application begins
//! ([OpenID Connect RP-Initiated Logout](https://openid.net/specs/openid-connect-rpinitiated-1_0.html)).

use crate::{
    check::{Check, CheckFailed},
    flow::Env,
    form::Form,
    login::{Locales, RequestUrl, ReturnTo},
    provider::Metadata,
    secret::{IdToken, State},
    session::{CookieKeys, CookieNames, Purpose, Reader, SetCookie, open, put, put_time, seal},
    time::UnixTime,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use std::{fmt, time::Duration};
use zeroize::Zeroizing;

/// What is said to the provider.
#[derive(Debug)]
#[non_exhaustive]
pub struct EndSession<'a> {
    /// Who this application is there.
    pub client_id: &'a str,
    /// Where the provider sends the browser back to: absolute, and registered there exactly so.
    pub back: &'a str,
    /// An ID token of the session that has ended, over or not: a provider that knows it need not ask the user
    /// ([§ 4](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#ValidationAndErrorHandling)).
    pub hint: Option<&'a IdToken>,
    /// The languages of the provider's pages.
    pub ui_locales: Option<&'a Locales>,
}

/// A sign-out on its way to the provider.
pub struct SigningOut {
    /// The address there, for `Location`. It holds an ID token: no log may have it.
    pub location: String,
    /// What the browser is to keep until it comes back.
    pub leaving: Leaving,
}

impl fmt::Debug for SigningOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.location.split('?').next().unwrap_or_default();
        f.debug_struct("SigningOut")
            .field("to", &to)
            .field("leaving", &self.leaving)
            .finish_non_exhaustive()
    }
}

impl<'a> EndSession<'a> {
    /// The longest address that is made, in bytes. Servers have room for a request line of 8,000
    /// ([RFC 9112 § 3](https://www.rfc-editor.org/rfc/rfc9112#section-3)), and many that stand in front of them for half of
    /// that.
    pub const MAX_BYTES: usize = 4000;

    /// The sign-out of this client, which comes back to that address.
    pub fn new(client_id: &'a str, back: &'a str) -> Self {
        Self {
            client_id,
            back,
            hint: None,
            ui_locales: None,
        }
    }

    /// Where to send the browser, and what it is to keep: `place` is where the user goes afterwards. `None` where the provider
    /// has no endpoint for it.
    ///
    /// Where the address would be longer than [`MAX_BYTES`](Self::MAX_BYTES), the hint is left out, and the provider asks the
    /// user.
    ///
    /// # Errors
    ///
    /// [`Check::MetadataMalformed`] where the endpoint's own query has a parameter that this has to set.
    /// [`Check::Randomness`] if there is none.
    pub fn start(
        &self,
        metadata: &Metadata,
        place: Option<ReturnTo>,
        env: &mut Env<'_>,
    ) -> Result<Option<SigningOut>, CheckFailed> {
        let Some(endpoint) = metadata.end_session_endpoint() else {
            return Ok(None);
        };
        let mut random = Zeroizing::new([0; 32]);
        env.entropy
            .fill(&mut random[..])
            .map_err(|error| CheckFailed::new(Check::Randomness, error.to_string()))?;
        let leaving = Leaving {
            state: State::new(URL_SAFE_NO_PAD.encode(&random[..])),
            place,
            began: env.now,
        };
        let location = |hint| self.location(endpoint.as_str(), hint, &leaving.state);
        let whole = location(self.hint)?;
        let location = match whole.len() <= Self::MAX_BYTES {
            true => whole,
            false => location(None)?,
        };
        Ok(Some(SigningOut { location, leaving }))
    }

    fn location(
        &self,
        endpoint: &str,
        hint: Option<&IdToken>,
        state: &State,
    ) -> Result<String, CheckFailed> {
        let hint = hint.map(|token| ("id_token_hint", token.expose()));
        let locales = self.ui_locales.filter(|locales| !locales.is_empty());
        let pairs = [
            ("client_id", self.client_id),
            ("post_logout_redirect_uri", self.back),
            ("state", state.expose()),
        ];
        let locales = locales.map(|locales| ("ui_locales", locales.as_str()));
        let mut url = RequestUrl::new("end_session_endpoint", endpoint);
        for (name, value) in hint.into_iter().chain(pairs).chain(locales) {
            url.add(name, value)?;
        }
        Ok(url.finish())
    }
}

/// A sign-out that has gone to the provider, sealed into a cookie of the browser that it was in.
pub struct Leaving {
    state: State,
    place: Option<ReturnTo>,
    began: UnixTime,
}

/// Why a browser that comes from the provider's sign-out is led nowhere. Who has sent it is not known, so it sees a page and
/// no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotOurs {
    /// There is no `state`.
    Missing,
    /// What came along cannot be read in one way, or says a parameter twice.
    Malformed,
    /// This browser keeps no sign-out of this state.
    Unknown,
    /// It has taken too long.
    Expired,
}

impl Leaving {
    /// How long a user may take to sign out at the provider.
    pub const MAX_AGE: Duration = Duration::from_secs(15 * 60);

    /// The cookie that keeps it.
    ///
    /// # Errors
    ///
    /// [`Check::Randomness`].
    pub fn seal(&self, keys: &CookieKeys, names: &CookieNames) -> Result<SetCookie, CheckFailed> {
        let mut plain = Vec::with_capacity(128);
        put_time(&mut plain, self.began);
        put(&mut plain, self.state.expose().as_bytes());
        let place = self.place.as_ref().map_or("", ReturnTo::as_str);
        put(&mut plain, place.as_bytes());
        let name = names.leaving();
        let sealed = seal(keys, Purpose::SignOut, name, &plain)
            .map_err(|_| CheckFailed::new(Check::Randomness, "a sign-out could not be sealed"))?;
        Ok(names.set_leaving(&sealed, Self::MAX_AGE))
    }

    fn open(keys: &CookieKeys, names: &CookieNames, sealed: &[u8]) -> Option<Self> {
        let plain = open(keys, Purpose::SignOut, names.leaving(), sealed)?.plain;
        let mut reader = Reader(&plain);
        Some(Self {
            began: reader.time()?,
            state: State::new(reader.text()?),
            place: match reader.text()? {
                "" => None,
                place => Some(ReturnTo::unseal(place)?),
            },
        })
    }

    /// Where the user goes who comes back from the provider with this query, if it was this browser's sign-out: to the place
    /// that was named when it began, or nowhere in particular.
    ///
    /// # Errors
    ///
    /// Why it is none of this browser's.
    pub fn come_back(
        query: &[u8],
        headers: &HeaderMap,
        keys: &CookieKeys,
        names: &CookieNames,
        now: UnixTime,
    ) -> Result<Option<ReturnTo>, NotOurs> {
        let query = Form::parse(query).map_err(|_| NotOurs::Malformed)?;
        let state = query.get("state").filter(|state| !state.is_empty());
        let state = state.ok_or(NotOurs::Missing)?;
        let found = names
            .find(headers, names.leaving())
            .take(MAX_CANDIDATES)
            .filter_map(|sealed| Self::open(keys, names, sealed))
            .find(|leaving| leaving.state.ct_eq(state))
            .ok_or(NotOurs::Unknown)?;
        match now.since(found.began) < Self::MAX_AGE {
            true => Ok(found.place),
            false => Err(NotOurs::Expired),
        }
    }
}

/// How many cookies of the name are tried. One is ours; whoever plants more only keeps us from looking further.
const MAX_CANDIDATES: usize = 4;

impl fmt::Debug for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaving")
            .field("place", &self.place)
            .field("began", &self.began)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
