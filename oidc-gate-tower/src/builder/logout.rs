//! Whether the provider may end sessions.

use super::GateBuilder;
use crate::core::gate::Endpoint;

/// The ways in which the provider may end sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByProvider {
    back_channel: bool,
    front_channel: bool,
}

impl GateBuilder {
    /// Takes logouts that the provider sends itself: the user signed out there or at another application, was disabled, or an
    /// administrator has ended a session
    /// ([OpenID Connect Back-Channel Logout](https://openid.net/specs/openid-connect-backchannel-1_0.html)). All sessions of a
    /// user end, or those that began with one session there, as the provider says; at once, in every replica, for copies of
    /// their cookies too. A login that was under way meanwhile ends without a session.
    ///
    /// Register at the provider, as `backchannel_logout_uri`: `{base_url}/oauth2/backchannel_logout`, with
    /// [`prefix`](Self::prefix) in the place of `/oauth2` where one is set. The provider has to reach it, without a login of any
    /// kind in front. `backchannel_logout_session_required` may be set or not.
    ///
    /// What each way of keeping sessions can do: [`logout`](crate::logout).
    ///
    /// # Errors
    ///
    /// `build` refuses it for sessions that are in browsers' cookies alone: nobody knows of them, so nobody can end them from
    /// elsewhere. Set [`store`](Self::store), or [`coordinator`](Self::coordinator) to one that replicas share. A store in
    /// memory is right for one process: of several, a logout reaches one.
    ///
    /// # Security
    ///
    /// A logout is believed that the provider has signed for this client, once, by the rules of ID tokens: see the checks
    /// `logout.…` of the [catalogue](crate::core::check::catalogue).
    ///
    /// ```
    /// use oidc_gate_tower::{ClientAuth, CookieKeys, Gate, Store};
    /// let gate = Gate::builder()
    ///     .issuer("https://id.example.com")
    ///     .client("app", ClientAuth::none())
    ///     .base_url("https://app.example.com")
    ///     .cookie_keys(CookieKeys::ephemeral())
    ///     .store(Store::memory())
    ///     .backchannel_logout()
    ///     .build()?;
    /// # Ok::<_, oidc_gate_tower::ConfigError>(())
    /// ```
    pub fn backchannel_logout(mut self) -> Self {
        self.by_provider.back_channel = true;
        self
    }

    /// Takes logouts that the provider sends through the browser, which it has load this application in a frame when a user
    /// signs out there ([OpenID Connect Front-Channel Logout](https://openid.net/specs/openid-connect-frontchannel-1_0.html)).
    /// Sessions end that began with the session there that the address names; the frame's cookies decide nothing, so it works
    /// where browsers send none into frames of other sites.
    ///
    /// Register at the provider, as `frontchannel_logout_uri`: `{base_url}/oauth2/frontchannel_logout`, and
    /// `frontchannel_logout_session_required`: without `iss` and `sid` nobody is logged out.
    ///
    /// It is the lesser way. The browser has to be there, has to load every frame and is not to be closed too early; nobody hears
    /// of a logout that failed, and none reaches an application whose user was disabled. Where the provider can do both, use
    /// [`backchannel_logout`](Self::backchannel_logout).
    ///
    /// # Errors
    ///
    /// As of `backchannel_logout`.
    ///
    /// # Security
    ///
    /// Nobody signs such a request: whoever knows the name that the provider has given a session (`sid`) can end it, and do
    /// nothing else by it. Tokens are not revoked at the provider, and nothing is stored for a session that is not there.
    pub fn frontchannel_logout(mut self) -> Self {
        self.by_provider.front_channel = true;
        self
    }

    /// Takes over what was said outside of the code.
    pub(super) fn said_of_logouts(
        mut self,
        back_channel: Option<bool>,
        front_channel: Option<bool>,
    ) -> Self {
        let by = &mut self.by_provider;
        by.back_channel = back_channel.unwrap_or(by.back_channel);
        by.front_channel = front_channel.unwrap_or(by.front_channel);
        self
    }
}

/// Whom there is to log out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Sessions, and a list of each user's.
    Kept,
    /// Sessions that nobody knows of but their browsers.
    None,
    /// Nobody signs in.
    NoSessions,
}

impl ByProvider {
    fn ways(self) -> impl Iterator<Item = (&'static str, Endpoint)> {
        let back = ("backchannel_logout", Endpoint::BackchannelLogout);
        let front = ("frontchannel_logout", Endpoint::FrontchannelLogout);
        let back = self.back_channel.then_some(back);
        back.into_iter().chain(self.front_channel.then_some(front))
    }

    pub(super) fn endpoints(self) -> impl Iterator<Item = Endpoint> {
        self.ways().map(|(_, endpoint)| endpoint)
    }

    pub(super) fn problems(self, listing: Listing) -> Vec<String> {
        let problem = match listing {
            Listing::Kept => return Vec::new(),
            Listing::None => {
                "sessions are in browsers' cookies alone, and nobody can end them from elsewhere; set `store`, or \
                 `coordinator` to one that replicas share"
            }
            Listing::NoSessions => {
                "nobody signs in at a gate that takes bearer tokens alone; leave it out"
            }
        };
        let told = |(name, _)| format!("{name}: {problem}");
        self.ways().map(told).collect()
    }
}
