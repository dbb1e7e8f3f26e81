//! Refusals from inside the application.

use crate::{
    Principal,
    core::{
        gate::{self, Asking, Head, Requirement, Target, Unmet},
        identity::Via,
    },
};
use http::{HeaderMap, Method, Response, StatusCode, Uri};

/// Left in the extensions of a *response* by whoever refuses inside the application: an extractor, a route's requirement.
///
/// They have no gate in hand. The gate outside turns the demand into the answer it would have given itself: a login, a
/// stronger one, 401 or 403. Without a gate the plain response stands.
#[derive(Clone, Debug)]
pub struct Demand {
    pub(crate) asking: Asking,
    pub(crate) demand: gate::Demand,
}

impl Demand {
    /// A demand about the request with this head.
    pub fn of<'a>(
        method: &'a Method,
        headers: &'a HeaderMap,
        target: Target<'a>,
    ) -> DemandBuilder<'a> {
        DemandBuilder {
            head: Head::new(method, target, headers),
        }
    }

    /// The status without a gate's help.
    pub fn status(&self) -> StatusCode {
        match &self.demand {
            gate::Demand::Unmet {
                unmet: Unmet::Forbidden { .. },
                ..
            } => StatusCode::FORBIDDEN,
            gate::Demand::SignIn
            | gate::Demand::Unmet {
                unmet: Unmet::StepUp(_),
                ..
            } => StatusCode::UNAUTHORIZED,
        }
    }

    /// The response to send: it carries the demand, and stands as it is where no gate is outside.
    pub fn plain<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// A request about which something is demanded.
#[derive(Debug)]
pub struct DemandBuilder<'a> {
    head: Head<'a>,
}

impl DemandBuilder<'_> {
    /// Somebody has to be signed in.
    pub fn sign_in(self) -> Demand {
        Demand {
            asking: Asking::of(&self.head),
            demand: gate::Demand::SignIn,
        }
    }

    /// The demand is made later, if at all.
    pub fn later(self) -> Demands {
        Demands {
            asking: Asking::of(&self.head),
        }
    }

    /// The caller, recognised by `via`, lacks something.
    pub fn unmet(self, unmet: Unmet, via: Via) -> Demand {
        Demand {
            asking: Asking::of(&self.head),
            demand: gate::Demand::Unmet { unmet, via },
        }
    }
}

/// What a handler can demand of its caller while it runs: kept from the request, which is gone by then.
///
/// ```
/// use oidc_gate_tower::{Demand, Demands, Principal, core::gate::Target, max_age};
/// use http::{Request, Response};
/// use std::time::Duration;
///
/// fn transfer(request: Request<String>) -> Response<String> {
///     let target = Target::Whole(request.uri());
///     let demands = Demand::of(request.method(), request.headers(), target).later();
///     let Some(user) = request.extensions().get::<Principal>() else {
///         return demands.sign_in().plain();
///     };
///     let large = request.body().len() > 4;
///     match demands.of(user, &max_age(Duration::from_secs(300))) {
///         Err(demand) if large => demand.plain(),
///         _ => Response::new("done".to_owned()),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Demands {
    asking: Asking,
}

impl Demands {
    /// Nothing, if `user` meets this.
    ///
    /// # Errors
    ///
    /// The demand to answer with: the gate outside refuses, or sends the browser to a stronger sign-in where that would do.
    pub fn of(&self, user: &Principal, requirement: &Requirement) -> Result<(), Box<Demand>> {
        user.meets(requirement).map_err(|unmet| {
            Box::new(Demand {
                asking: self.asking.clone(),
                demand: gate::Demand::Unmet {
                    unmet,
                    via: user.via(),
                },
            })
        })
    }

    /// Somebody has to be signed in.
    pub fn sign_in(&self) -> Demand {
        Demand {
            asking: self.asking.clone(),
            demand: gate::Demand::SignIn,
        }
    }
}

/// Where the target of a request stands that a router may have cut.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an adapter has to know which of the three holds"
)]
pub enum OriginalTarget<'a> {
    /// In the request itself: nothing has cut it.
    Whole,
    /// Here.
    Is(&'a Uri),
    /// Nowhere any more. No `open` or `bypass` rule can match then.
    Lost,
}

impl<'a> OriginalTarget<'a> {
    /// The target of a request whose own URI is `uri`.
    ///
    /// # Security
    ///
    /// What a router has cut is the end of the original, or nothing but `/`. Anything else was rewritten on the way: the
    /// rules would be asked about one path and the application would go by another, so the original counts as lost.
    pub fn of(self, uri: &'a Uri) -> Target<'a> {
        match self {
            Self::Whole => Target::Whole(uri),
            Self::Is(original) if uri.path() == "/" || original.path().ends_with(uri.path()) => {
                Target::Whole(original)
            }
            Self::Is(_) | Self::Lost => Target::Cut,
        }
    }
}

/// Left in the extensions of a *response* by an extractor that found neither a caller nor the mark of an open route. The
/// developer has made a mistake, and the gate, if there is one, knows which.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NoCaller;

impl NoCaller {
    /// What is said where no gate says it better.
    pub const NO_GATE: &'static str = "no gate has looked at this request: wrap the application with \
         `gate.protect(router)`, and put nothing that takes a user outside of it";

    /// The same, about a login that a handler asks for.
    pub const NO_GATE_FOR_LOGIN: &'static str = "no gate has looked at this request, so no login begins: wrap the \
         application with `gate.protect(router)`";

    /// The same, about a sign-out that a handler asks for.
    pub const NO_GATE_FOR_LOGOUT: &'static str = "no gate has looked at this request, so nobody is signed out: wrap the \
         application with `gate.protect(router)`";

    pub(crate) const LOST: &'static str = "the gate has admitted this request, and something between the gate and the \
         handler has taken the caller out of the request's extensions";

    pub(crate) const BYPASSED: &'static str = "this path is under a `bypass` rule, so the gate has not looked for a \
         user: use an `open` rule where a handler takes one";

    /// 500, with this body.
    pub fn plain<B>(body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(Self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_original_that_does_not_end_as_the_request_does_is_lost() {
        for (original, cut, is_whole) in [
            ("/app/x", "/x", true),
            ("/app/x?y", "/x?y", true),
            ("/app", "/", true),
            ("/app/", "/", true),
            ("http://localhost/app/x", "/x", true),
            ("/app/public", "/admin", false),
            ("/x", "/app/x", false),
        ] {
            let (original, cut) = (original.parse().unwrap(), cut.parse().unwrap());
            let target = OriginalTarget::Is(&original).of(&cut);
            assert_eq!(
                matches!(target, Target::Whole(uri) if *uri == original),
                is_whole,
                "{original} {cut}"
            );
        }
    }
}
