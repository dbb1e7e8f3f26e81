//! The half of a gate that signs users in and recognises them afterwards.

use crate::{
    cookie_keys::InForce,
    core::{
        form,
        gate::{Endpoint, StepUp},
        login::{Places, ReturnTo},
        logout::NoExpiry,
        session::CookieNames,
        time::UnixTime,
        url::BaseUrl,
    },
    endpoint::Submits,
    gate::Common,
    keeping::Keeping,
    pages::SignInPage,
    remember::Remembered,
    sign_out::SignOutSettings,
    upstream::Upstream,
};
use std::sync::Arc;

/// All that logins and sessions take. A gate that takes bearer tokens alone has none of it.
pub(crate) struct Sessions {
    pub(crate) common: Arc<Common>,
    pub(crate) keys: InForce,
    pub(crate) names: CookieNames,
    pub(crate) base: BaseUrl,
    pub(crate) places: Places,
    pub(crate) keeping: Keeping,
    pub(crate) upstream: Upstream,
    /// Where the provider sends browsers back to.
    pub(crate) callback: Endpoint,
    /// States that were used, until their login has expired.
    pub(crate) used_states: Remembered,
    /// What callbacks were answered, for who sends the same once more.
    pub(crate) submits: Submits,
    /// What a link to `start` may carry beside what is harmless everywhere.
    pub(crate) start_params: Vec<String>,
    pub(crate) sign_in_page: SignInPage,
    /// What becomes of logout tokens that do not say when they expire.
    pub(crate) no_expiry: NoExpiry,
    pub(crate) sign_out: SignOutSettings,
}

impl Sessions {
    /// As [`Gate::sign_in_path`](crate::Gate::sign_in_path).
    pub(crate) fn sign_in_path(&self, return_to: &str) -> String {
        self.common.sign_in_path(return_to)
    }

    /// As `sign_in_path`, for whoever has to prove more.
    pub(crate) fn step_up_path(&self, return_to: &str, way: &StepUp) -> String {
        let start = self.common.policy.endpoint_path(&Endpoint::Start);
        let classes = way.acr_values.join(" ");
        let age = way.max_age.map(|age| age.as_secs().to_string());
        let acr = Some(("acr_values", &*classes)).filter(|_| !classes.is_empty());
        let age = age.as_deref().map(|age| ("max_age", age));
        let pairs = [("rd", return_to)].into_iter().chain(acr).chain(age);
        form::with_query(&start, pairs)
    }

    /// As [`Gate::sign_out_path`](crate::Gate::sign_out_path).
    pub(crate) fn sign_out_path(&self) -> String {
        self.common.policy.endpoint_path(&Endpoint::SignOut)
    }

    /// As `sign_in_path`, for whoever is signed in as the wrong user: the provider asks again.
    pub(crate) fn sign_in_as_someone_else(&self) -> String {
        let start = self.common.policy.endpoint_path(&Endpoint::Start);
        form::with_query(&start, [("rd", self.home().as_str()), ("prompt", "login")])
    }

    /// The application's first page.
    pub(crate) fn home(&self) -> ReturnTo {
        self.places.home()
    }

    /// The place that a request asks to be led to. Whatever names one from outside is read here.
    pub(crate) fn place(&self, text: &str) -> Option<ReturnTo> {
        let place = self.places.read(text);
        if place.is_none() {
            tracing::debug!(
                "a place to return to is not one of this application: see `return_to_origin`"
            );
        }
        place
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.common.now()
    }
}
