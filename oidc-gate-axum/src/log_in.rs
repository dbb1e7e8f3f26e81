//! A login as what a handler returns.

use axum::response::{IntoResponse, Response};
use oidc_gate_tower::{self as tower, NoCaller, Prompt};
use std::time::Duration;

/// A login that a handler asks for: returned, it sends the browser to the provider, after a POST too. Whoever is signed in
/// keeps the session until the login succeeds.
///
/// ```
/// use axum::extract::Path;
/// use oidc_gate_axum::{LogIn, Prompt};
///
/// /// Under an `open` rule; the address may as well come from a form.
/// async fn sign_in(Path(email): Path<String>) -> LogIn {
///     LogIn::to("/account").login_hint(email)
/// }
///
/// async fn switch_account() -> LogIn {
///     LogIn::to("/account").prompt(Prompt::SelectAccount)
/// }
///
/// /// Signs in whoever is signed in at the provider already, and bothers nobody else.
/// async fn welcome() -> LogIn {
///     LogIn::silently("/dashboard", "/landing")
/// }
/// ```
///
/// It is the whole answer: a layer between the handler and the gate that makes a response of its own answers in the gate's
/// place. Where the handler is fetched ahead, by a script or into a frame, or lies under a
/// [`json`](crate::GateBuilder::json) pattern, no login begins and the answer is 401. Without a gate, and under a `bypass` rule, it is 500 and says which of the two it is.
///
/// A user who only has to sign in, or to prove more, needs none: a rule of the gate asks for that by itself, see
/// [`GateBuilder::require`](crate::GateBuilder::require) with [`acr`](crate::acr) and [`max_age`](crate::max_age).
#[derive(Clone, Debug)]
#[must_use = "a login begins when the handler returns it"]
pub struct LogIn(tower::LogIn);

impl LogIn {
    /// A login that leads to `return_to`: a path in this application, or an address at an origin that
    /// [`return_to_origin`](crate::GateBuilder::return_to_origin) names. What is neither is dropped, and the first page takes
    /// its place: the text may come from a user.
    pub fn to(return_to: impl Into<String>) -> Self {
        Self(tower::LogIn::to(return_to))
    }

    /// A login that asks the user nothing (`prompt=none`): whoever is signed in at the provider comes back to `return_to`
    /// signed in, everybody else to `otherwise`, without an error and with the session that was there. Where the two
    /// do not fit into one cookie, the first page takes the place of `return_to`.
    ///
    /// `otherwise` must be a page that needs no login and tries none of these again, or the browser goes round in circles.
    pub fn silently(return_to: impl Into<String>, otherwise: impl Into<String>) -> Self {
        Self(tower::LogIn::silently(return_to, otherwise))
    }

    /// What the user is asked for in any case. Several may be asked for, one after the other.
    pub fn prompt(self, prompt: Prompt) -> Self {
        Self(self.0.prompt(prompt))
    }

    /// Who is probably going to sign in: an email address or a user name, for the provider's form. What is longer than 512
    /// bytes or holds control characters is left out.
    pub fn login_hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.login_hint(hint))
    }

    /// One more scope than every login asks for. One that is none is a mistake: 500, and the log says so.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self(self.0.scope(scope))
    }

    /// Where the access token is going to be used, in the place of [`Provider::resource`](crate::Provider::resource):
    /// absolute URIs without a fragment. What is none is a mistake: 500, and the log says so; so is an empty list.
    pub fn resource(self, uris: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(self.0.resource(uris))
    }

    /// Single claims, in the place of [`Provider::request_claims`](crate::Provider::request_claims) and enforced as they
    /// are; a level or a time of the sign-in that is essential there stays so. What is no such request is a mistake: 500, and the log says so.
    pub fn request_claims(self, request: serde_json::Value) -> Self {
        Self(self.0.request_claims(request))
    }

    /// The languages to ask in, the best first, as language tags. What is none is left out.
    pub fn ui_locales(self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(self.0.ui_locales(tags))
    }

    /// The authentication context classes of which one has to be reached. Enforced when the user comes back, who
    /// has to be [the same one](crate::step_up) where somebody is signed in. None at all is a mistake: 500, and the log says so.
    pub fn acr(self, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(self.0.acr(classes))
    }

    /// How long ago the user may have signed in at the provider, in whole seconds; zero asks for a fresh sign-in. Enforced
    /// when the user comes back, who has to be [the same one](crate::step_up) where somebody is signed in.
    pub fn max_age(self, age: Duration) -> Self {
        Self(self.0.max_age(age))
    }

    /// A parameter of the provider's own: `kc_idp_hint`, `domain_hint`, … It comes before one of the same name that
    /// [`Provider::authorize_param`](crate::Provider::authorize_param) has set. What the gate sets itself is refused: 500,
    /// and the log says which it was.
    pub fn param(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self(self.0.param(name, value))
    }
}

impl IntoResponse for LogIn {
    fn into_response(self) -> Response {
        self.0.plain(NoCaller::NO_GATE_FOR_LOGIN.into())
    }
}
