//! The decision about a request that a proxy has in hand.

use super::credential::{BearerVerdict, Credential};
use super::decision::{
    AnswerForm, Cache, Caller, Decision, Refusal, Scheme, SessionEffect, Verdict,
};
use super::head::Head;
use super::narrow::Narrow;
use super::policy::Policy;
use super::route::{Found, Route};
use crate::check::Check;
use crate::identity::Identity;
use crate::time::UnixTime;
use http::StatusCode;

impl Policy {
    /// Which rules apply to a request that a proxy has in hand: those that would apply here. Where the proxy demands
    /// anything itself, somebody has to be signed in, on open paths too: nobody meets a demand without being known.
    pub fn route_forwarded(&self, head: &Head<'_>, narrow: &Narrow) -> Route<'_> {
        match self.route(head) {
            Route::Bypass | Route::Open | Route::OpenToNetwork(_) if !narrow.is_nothing() => {
                self.anywhere()
            }
            route => route,
        }
    }

    /// What applies where a proxy asks without saying what about: what holds for every protected path.
    pub fn anywhere(&self) -> Route<'_> {
        Route::Protected(self.requirements(Found::default()))
    }

    /// Whether a request that a proxy has in hand may pass. `head` is made of what the proxy says, with the headers of the
    /// request; `route` comes from [`route_forwarded`](Self::route_forwarded) or [`anywhere`](Self::anywhere).
    ///
    /// The gate's own endpoints are nothing to be let through to: a proxy sends requests for them to the gate and asks
    /// nobody. Nothing is ever served here, so a verdict is an admission, a login, a page to come again from, or a refusal.
    pub fn decide_forwarded(
        &self,
        head: &Head<'_>,
        route: &Route<'_>,
        narrow: &Narrow,
        credential: Credential<'_>,
        now: UnixTime,
    ) -> Decision {
        if let Route::Endpoint(_) | Route::UnknownEndpoint = route {
            return refused(
                Check::ForwardedOwn,
                "the path is under the gate's own prefix",
                AnswerForm::Empty,
            );
        }
        let decision = self.decide(head, route, credential, now);
        match (&decision.verdict, identity(credential)) {
            _ if narrow.is_nothing() => decision,
            (Verdict::Admit(Caller::Identified), Some(who)) if narrow.admits(who) => decision,
            (Verdict::Admit(_), _) => refused(
                Check::Forbidden,
                "expected what the proxy demands in the query of its question",
                AnswerForm::Page,
            ),
            _ => decision,
        }
    }

    /// The same verdict for a proxy that makes nothing but a status of it: 401 where signing in would help, and 403 for what
    /// does not pass otherwise. Other statuses a proxy would call its own failure, but for 503.
    ///
    /// Who is signed in and has to sign in more strongly is told 403 as well: the proxy answers 401 by a login that cannot
    /// ask for that, and would send the browser round in circles.
    pub fn as_status(&self, verdict: Verdict) -> Verdict {
        let mut refusal = match verdict {
            Verdict::Refuse(refusal) => refusal,
            Verdict::LogIn { check, step_up, .. } => {
                let mut refusal = empty(check, check.rule(), StatusCode::UNAUTHORIZED);
                refusal.challenge = Some(match step_up {
                    Some(way) => self.step_up_challenge(Scheme::Session, way),
                    None => self.bare_challenge(),
                });
                refusal
            }
            Verdict::ComeAgain(_) => {
                let check = Check::Unauthenticated;
                let mut refusal = empty(check, check.rule(), StatusCode::UNAUTHORIZED);
                refusal.challenge = Some(self.bare_challenge());
                refusal
            }
            Verdict::Serve(_) => empty(
                Check::ForwardedOwn,
                "nothing is served to a proxy that asks",
                StatusCode::FORBIDDEN,
            ),
            Verdict::Admit(caller) => return Verdict::Admit(caller),
        };
        refusal.form = AnswerForm::Empty;
        refusal.allow = None;
        refusal.status = match refusal.status {
            _ if refusal.check == Check::StepUp => StatusCode::FORBIDDEN,
            kept @ (StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE) => kept,
            _ => StatusCode::FORBIDDEN,
        };
        Verdict::Refuse(refusal)
    }
}

fn empty(check: Check, cause: &'static str, status: StatusCode) -> Refusal {
    Refusal::new(check, cause, status, AnswerForm::Empty)
}

fn identity(credential: Credential<'_>) -> Option<&Identity> {
    match credential {
        Credential::Session(view) => Some(view.identity),
        Credential::Bearer(BearerVerdict::Valid(who)) => Some(who),
        Credential::Bearer(BearerVerdict::Invalid { .. } | BearerVerdict::IssuerUnavailable)
        | Credential::None
        | Credential::Expired(_)
        | Credential::Unreadable(_)
        | Credential::StoreUnavailable => None,
    }
}

fn refused(check: Check, cause: &'static str, form: AnswerForm) -> Decision {
    Decision {
        verdict: Verdict::Refuse(Refusal::new(check, cause, StatusCode::FORBIDDEN, form)),
        session: SessionEffect::Keep,
        cache: Cache::NoStore,
    }
}

#[cfg(test)]
mod tests;
