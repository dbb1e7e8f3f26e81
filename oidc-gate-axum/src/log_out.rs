//! A sign-out as what a handler returns.

use axum::response::{IntoResponse, Response};
use oidc_gate_tower::{self as tower, NoCaller};

/// A sign-out that a handler asks for: returned, it does what the gate's own endpoint `sign_out` does. The session of the request
/// ends, its tokens are revoked, its cookies are removed, and the browser goes to the provider, where sign-outs
/// [go there](crate::SignOut), and from there to the place named here.
///
/// ```
/// use oidc_gate_axum::LogOut;
///
/// /// For POST: what deletes an account signs out, too.
/// async fn delete_account() -> LogOut {
///     LogOut::to("/bye")
/// }
/// ```
///
/// Where nobody is signed in, nothing ends, and the browser is led to the place. A script cannot follow a redirect to the provider:
/// it gets 200 and `{"location": "…"}`. What a browser fetches ahead signs nobody out and is answered with 401. While the session
/// store does not answer, nobody is signed out, and the answer is 503. It is the whole answer, as a [`LogIn`](crate::LogIn) is.
///
/// # Security
///
/// The gate refuses what another site makes a browser send with a method that changes something. It lets a link to a page
/// through, and so a handler for GET that signs out can be reached by a link of anybody's: let it be one for POST.
#[derive(Clone, Debug, Default)]
#[must_use = "a sign-out happens when the handler returns it"]
pub struct LogOut(tower::LogOut);

impl LogOut {
    /// A sign-out that ends at the gate's page that says so.
    pub fn new() -> Self {
        Self::default()
    }

    /// A sign-out that leads to `place` in the end: a path in this application that needs no login, or an address at an origin
    /// that [`return_to_origin`](crate::GateBuilder::return_to_origin) names. What is neither is dropped, and the gate's own page
    /// takes its place: the text may come from a user.
    pub fn to(place: impl Into<String>) -> Self {
        Self(tower::LogOut::to(place))
    }
}

impl IntoResponse for LogOut {
    fn into_response(self) -> Response {
        self.0.plain(NoCaller::NO_GATE_FOR_LOGOUT.into())
    }
}
