//! What signing out does.

use super::GateBuilder;
use crate::{
    SignOut, SiteData, TokensAtSignOut,
    config::{Family, Settings},
};

impl GateBuilder {
    /// How far a sign-out goes: to the provider, where its metadata has an `end_session_endpoint`, unless set. Then
    /// `…/oauth2/signed_out`, below the base URL, has to be registered there as a `post_logout_redirect_uri`: a provider that
    /// does not know it shows its own page, or an error. See [`logout`](crate::logout).
    ///
    /// The session here ends first and in any case. A provider that is down keeps nobody signed in: the browser then sees a page
    /// that says so.
    pub fn sign_out(mut self, sign_out: SignOut) -> Self {
        self.sign_out.how = sign_out;
        self
    }

    /// What becomes of a session's tokens when its user signs out, or the application ends it; they are revoked unless set.
    pub fn tokens_at_sign_out(mut self, tokens: TokensAtSignOut) -> Self {
        self.sign_out.tokens = tokens;
        self
    }

    /// What the browser is told to forget of this origin when a session ends: `Clear-Site-Data` in the answers to sign-outs.
    /// Nothing unless set. Browsers do it over https alone.
    ///
    /// [`SiteData::Cookies`] would take along what is remembered of a sign-out that goes to the provider. So it is said when the
    /// browser is back from there.
    pub fn clear_site_data(mut self, data: impl IntoIterator<Item = SiteData>) -> Self {
        self.sign_out.clear = data.into_iter().collect();
        self
    }

    /// Takes over what was said outside of the code.
    pub(super) fn said_of_sign_out(&mut self, said: &Settings) {
        match &said.sign_out {
            Some(how) => self.sign_out.how = how.value,
            // Nobody has registered an address to come back to, where oauth2-proxy was before.
            None if said.asked_by == Some(Family::OAuth2Proxy) => {
                self.sign_out.how = SignOut::Here;
            }
            None => {}
        }
        if let Some(tokens) = &said.tokens_at_sign_out {
            self.sign_out.tokens = tokens.value;
        }
        if let Some(data) = &said.clear_site_data {
            self.sign_out.clear = data.value.iter().copied().collect();
        }
    }
}
