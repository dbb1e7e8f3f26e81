//! A sign-out that a handler asks for.

use http::{Response, StatusCode};
use std::fmt;

/// Left in the extensions of a *response* by a handler that has signed the user out. The gate outside does what its own
/// endpoint `sign_out` does: the session of the request ends, its tokens are revoked, its cookies are removed, and the browser
/// goes to the provider, where sign-outs [go there](crate::SignOut), and from there to the place named here.
///
/// ```
/// use http::Response;
/// use oidc_gate_tower::LogOut;
///
/// /// For `POST /account/leave`.
/// fn leave() -> Response<String> {
///     LogOut::to("/bye").plain(String::new())
/// }
/// # assert_eq!(leave().status(), 500);
/// ```
///
/// Where nobody is signed in, nothing ends, and the browser is led to the place. A script that fetches the handler cannot
/// follow a redirect to the provider: it gets 200 and `{"location": "…"}`, to go there itself. What a browser fetches ahead signs
/// nobody out and is answered with 401. While the session store does not answer, nobody is signed out, and the answer is 503.
/// Without a gate, and under a `bypass` rule, it is 500 and says which of the two it is.
///
/// # Security
///
/// The gate refuses what another site makes a browser send with a method that changes something. It lets a link to a page
/// through, and so a handler for GET that signs out can be reached by a link of anybody's: let it be one for POST.
///
/// [`Principal::sign_out`](crate::Principal::sign_out) ends the session here and leaves the answer to the handler.
#[derive(Clone, Default)]
#[must_use = "a sign-out happens when the response that carries it has left the handler"]
pub struct LogOut {
    pub(crate) place: Option<String>,
}

impl LogOut {
    /// A sign-out that ends at the gate's page that says so.
    pub fn new() -> Self {
        Self::default()
    }

    /// A sign-out that leads to `place` in the end: a path in this application that needs no login, or an address at an origin
    /// that [`return_to_origin`](crate::GateBuilder::return_to_origin) names. What is neither is dropped, and the gate's own page
    /// takes its place: the text may come from a user.
    pub fn to(place: impl Into<String>) -> Self {
        Self {
            place: Some(place.into()),
        }
    }

    /// The response to send: it carries the sign-out, and stands as it is where no gate is outside: 500, with this body.
    pub fn plain<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }

    /// What the gate says to a sign-out under a `bypass` rule.
    pub(crate) const BYPASSED: &'static str =
        "this path is under a `bypass` rule, so the gate signs nobody out here: use an `open` rule";

    /// What the gate says to a sign-out where it signs nobody in.
    pub(crate) const NO_SESSIONS: &'static str =
        "this gate takes bearer tokens alone, so there is no session to end";
}

impl fmt::Debug for LogOut {
    // Where a user goes is not for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOut").finish_non_exhaustive()
    }
}
