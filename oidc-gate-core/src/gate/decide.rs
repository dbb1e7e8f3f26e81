//! From a route and a credential to a decision.

use super::asker::{Asker, Asking, LedBy, is_prefetch};
use super::credential::{BearerVerdict, Credential, Demand, LiveSession};
use super::csrf::{CrossSite, cross_site, is_sensitive};
use super::decision::{
    AnswerForm, Cache, Caller, Challenge, ChallengeError, Decision, Refusal, Scheme, SessionEffect,
    Verdict,
};
use super::head::{Head, Target};
use super::policy::Policy;
use super::preflight::{Preflights, is_preflight};
use super::requirement::{Requirement, StepUp, Unmet};
use super::route::{Endpoint, Requirements, Route};
use super::settings::{Accepts, InvalidBearer};
use crate::check::{Check, CheckFailed};
use crate::form::Form;
use crate::identity::{Identity, Via};
use crate::resource::is_bearer;
use crate::session::{Freshness, SameSite};
use crate::time::UnixTime;
use http::{StatusCode, header::AUTHORIZATION};
use std::borrow::Cow;

impl Policy {
    /// What happens to a request.
    ///
    /// Pure: the same arguments, the same decision. `route` comes from [`route`](Self::route) for the same head.
    pub fn decide(
        &self,
        head: &Head<'_>,
        route: &Route<'_>,
        credential: Credential<'_>,
        now: UnixTime,
    ) -> Decision {
        let credential = match credential {
            // Not known here is not there: nothing passes by a kind of credential that was not switched on.
            Credential::Bearer(_) if !self.accepts.bearer() => Credential::None,
            Credential::Session(_) | Credential::Expired(_) | Credential::Unreadable(_)
                if !self.accepts.sessions() =>
            {
                Credential::None
            }
            known => known,
        };
        let preflight = is_preflight(head.method, head.headers);
        // It carries none, and whoever sends one with it gets no further by it.
        let credential = if preflight {
            Credential::None
        } else {
            credential
        };
        match route {
            Route::Bypass => Decision {
                verdict: Verdict::Admit(Caller::Bypassed),
                session: SessionEffect::Keep,
                cache: Cache::Untouched,
            },
            Route::Open => self.open(head, credential, Cache::Vary(self.accepts)),
            Route::OpenToNetwork(requirements)
                if is_sensitive(head) && self.check_other_site(head).is_err() =>
            {
                self.protected(head, requirements, credential, now)
            }
            // Where a client comes from is no header that `Vary` could name.
            Route::OpenToNetwork(_) => self.open(head, credential, Cache::Private(self.accepts)),
            Route::Protected(_) if preflight => self.preflight(head),
            Route::Protected(requirements) => self.protected(head, requirements, credential, now),
            Route::Endpoint(endpoint) => by_status(self.endpoint(head, endpoint, credential)),
            Route::UnknownEndpoint => by_status(self.refuse(
                head,
                Check::UnknownEndpoint,
                "the gate has no endpoint of this name",
                StatusCode::NOT_FOUND,
            )),
        }
    }

    /// Answers a refusal from inside the application as the gate itself would have.
    ///
    /// `asking` is read from the request before it is handed on, or by who refuses; make it
    /// [`as_json`](Asking::as_json) where [`answers_json`](Self::answers_json) says so.
    pub fn answer_demand(&self, asking: Asking, demand: Demand) -> Verdict {
        match demand {
            // A login cannot mend a header.
            Demand::SignIn if asking.bearer && self.accepts.bearer() => {
                let cause = "a signed-in caller is demanded and the bearer token names none";
                let failed = CheckFailed::new(Check::BearerInvalid, cause);
                self.invalid_bearer(asking, &failed, LiveSession::Present)
            }
            Demand::SignIn => self.unauthenticated(
                asking,
                Check::Unauthenticated,
                "a signed-in caller is demanded by the application",
            ),
            Demand::Unmet { unmet, via } => self.unmet(asking, unmet, via),
        }
    }

    /// Answers a demand for a signed-in caller from inside an open route, whose token has this verdict: as on a protected path.
    pub fn answer_demand_of_bearer(&self, asking: Asking, bearer: BearerVerdict<'_>) -> Verdict {
        match bearer {
            BearerVerdict::Invalid { failed, session } => {
                self.invalid_bearer(asking, failed, session)
            }
            BearerVerdict::IssuerUnavailable => issuer_unavailable(&asking),
            BearerVerdict::Valid(_) => self.answer_demand(asking, Demand::SignIn),
        }
    }

    /// `cache` is how an answer to nobody may be kept.
    fn open(&self, head: &Head<'_>, credential: Credential<'_>, cache: Cache) -> Decision {
        let identified = match credential {
            // Another site may send a visitor here, and does not get to act as one who is signed in.
            Credential::Session(_) => !is_sensitive(head) || self.check_site(head).is_ok(),
            Credential::Bearer(BearerVerdict::Valid(_)) => self.check_basic(head).is_ok(),
            Credential::Bearer(
                BearerVerdict::Invalid { .. } | BearerVerdict::IssuerUnavailable,
            )
            | Credential::None
            | Credential::Expired(_)
            | Credential::Unreadable(_)
            | Credential::StoreUnavailable => false,
        };
        Decision {
            verdict: Verdict::Admit(if identified {
                Caller::Identified
            } else {
                Caller::Anonymous
            }),
            session: SessionEffect::Keep,
            cache: if identified {
                Cache::Private(self.accepts)
            } else {
                cache
            },
        }
    }

    fn preflight(&self, head: &Head<'_>) -> Decision {
        match self.preflights {
            Preflights::Pass => Decision {
                verdict: Verdict::Admit(Caller::Anonymous),
                session: SessionEffect::Keep,
                cache: Cache::Untouched,
            },
            Preflights::Refuse => {
                let cause = "a browser asks before a request of another origin's page";
                let asking = self.asking(head);
                own(
                    self.challenge(&asking, Check::Preflight, cause, None),
                    SessionEffect::Keep,
                )
            }
        }
    }

    fn protected(
        &self,
        head: &Head<'_>,
        requirements: &Requirements<'_>,
        credential: Credential<'_>,
        now: UnixTime,
    ) -> Decision {
        match self.recognise(head, credential) {
            Recognised::As(who, session) => {
                match Requirement::check_all(requirements.iter(), who, now) {
                    Ok(()) => Decision {
                        verdict: Verdict::Admit(Caller::Identified),
                        session,
                        cache: Cache::Private(self.accepts),
                    },
                    Err(unmet) => own(self.unmet(self.asking(head), unmet, who.via()), session),
                }
            }
            Recognised::Not(decision) => decision,
        }
    }

    fn endpoint(
        &self,
        head: &Head<'_>,
        endpoint: &Endpoint,
        credential: Credential<'_>,
    ) -> Decision {
        if !endpoint.allows(head.method) {
            let mut refusal = Refusal::new(
                Check::MethodNotAllowed,
                format!("expected {}", endpoint.allow()),
                StatusCode::METHOD_NOT_ALLOWED,
                form(self.asking(head).asker),
            );
            refusal.allow = Some(endpoint.allow());
            return own(Verdict::Refuse(refusal), SessionEffect::Keep);
        }
        let serve = || Verdict::Serve(endpoint.clone());
        match endpoint {
            // By GET too: a picture on another site must not sign anyone out.
            Endpoint::SignOut => match self.check_site(head) {
                Ok(()) => own(serve(), SessionEffect::Keep),
                Err(cause) => self.refuse(head, Check::CrossSite, cause, StatusCode::FORBIDDEN),
            },
            Endpoint::Start if Asker::may_begin(head.method, head.headers) => {
                own(serve(), SessionEffect::Keep)
            }
            Endpoint::Start => own(
                self.not_a_navigation(&self.asking(head)),
                SessionEffect::Keep,
            ),
            // A code is good once, and nobody has come yet.
            Endpoint::Callback(_) if is_prefetch(head.headers) => {
                let cause = "a login ends when somebody comes, and this is fetched ahead";
                let asking = self.asking(head);
                let verdict = self.challenge(&asking, Check::NotANavigation, cause, None);
                own(verdict, SessionEffect::Keep)
            }
            Endpoint::Userinfo => {
                match self.recognise_asking(head, credential, || self.asking(head).as_json()) {
                    // So may a page say of itself that it asks this by itself.
                    Recognised::As(_, SessionEffect::Touch) if extends_nothing(head) => {
                        own(serve(), SessionEffect::Keep)
                    }
                    Recognised::As(_, session) => own(serve(), session),
                    Recognised::Not(decision) => decision,
                }
            }
            Endpoint::Session => self.session_asked_about(head, serve(), credential),
            // It ends nothing, and another site is where one comes from.
            Endpoint::SignIn
            | Endpoint::SignedOut
            | Endpoint::Callback(_)
            | Endpoint::Auth
            | Endpoint::Ping
            | Endpoint::Ready
            | Endpoint::Metrics
            | Endpoint::BackchannelLogout
            | Endpoint::FrontchannelLogout => own(serve(), SessionEffect::Keep),
        }
    }

    /// A question about the caller's session, which changes nothing of it: whoever asks every minute is still gone.
    fn session_asked_about(
        &self,
        head: &Head<'_>,
        serve: Verdict,
        credential: Credential<'_>,
    ) -> Decision {
        let credential = match credential {
            // A token has no session.
            Credential::Bearer(_) => Credential::None,
            other => other,
        };
        let recognised = self.recognise_asking(head, credential, || self.asking(head).as_json());
        let mut decision = match recognised {
            Recognised::As(..) => own(serve, SessionEffect::Keep),
            Recognised::Not(decision) => decision,
        };
        decision.session = SessionEffect::Keep;
        if let Verdict::Refuse(refusal) = &mut decision.verdict
            && let Some(challenge) = &mut refusal.challenge
        {
            challenge.scheme = Scheme::Session;
        }
        decision
    }

    fn recognise<'a>(&self, head: &Head<'_>, credential: Credential<'a>) -> Recognised<'a> {
        self.recognise_asking(head, credential, || self.asking(head))
    }

    /// Who the caller is where somebody has to be signed in, or how nobody is answered.
    fn recognise_asking<'a>(
        &self,
        head: &Head<'_>,
        credential: Credential<'a>,
        asking: impl Fn() -> Asking,
    ) -> Recognised<'a> {
        let refused = |check, cause: &'static str, status| {
            let refusal = Refusal::new(check, cause, status, form(asking().asker));
            Recognised::Not(own(Verdict::Refuse(refusal), SessionEffect::Keep))
        };
        match credential {
            Credential::Session(view) => {
                if is_sensitive(head)
                    && let Err(cause) = self.check_site(head)
                {
                    return refused(Check::CrossSite, cause, StatusCode::FORBIDDEN);
                }
                Recognised::As(view.identity, self.session_effect(head, view.freshness))
            }
            Credential::Bearer(BearerVerdict::Valid(who)) => match self.check_basic(head) {
                Ok(()) => Recognised::As(who, SessionEffect::Keep),
                Err(cause) => refused(Check::CrossSite, cause, StatusCode::FORBIDDEN),
            },
            Credential::Bearer(BearerVerdict::Invalid { failed, session }) => Recognised::Not(own(
                self.invalid_bearer(asking(), failed, session),
                SessionEffect::Keep,
            )),
            Credential::Bearer(BearerVerdict::IssuerUnavailable) => {
                Recognised::Not(own(issuer_unavailable(&asking()), SessionEffect::Keep))
            }
            Credential::StoreUnavailable => refused(
                Check::StoreUnavailable,
                "expected the session, the store does not answer",
                StatusCode::SERVICE_UNAVAILABLE,
            ),
            Credential::None => Recognised::Not(own(
                self.unauthenticated(
                    asking(),
                    Check::Unauthenticated,
                    "expected a signed-in caller, nobody is",
                ),
                SessionEffect::Keep,
            )),
            // What cannot be opened here is not removed either: while keys are changed, a replica that does not know the
            // new one yet would sign users out. A login overwrites it.
            Credential::Unreadable(check) => Recognised::Not(own(
                self.unauthenticated(asking(), check, check.rule()),
                SessionEffect::Keep,
            )),
            Credential::Expired(check) => {
                // Only a navigation removes it. What a page asks by itself may be answered after a login in another tab, whose
                // cookie has the same name. An old one does no harm meanwhile; and what nobody looks at sets no cookie at all.
                let effect = match Asker::of(head.method, head.headers) {
                    Asker::Navigation if !is_prefetch(head.headers) => SessionEffect::Clear,
                    _ => SessionEffect::Keep,
                };
                Recognised::Not(own(
                    self.unauthenticated(asking(), check, check.rule()),
                    effect,
                ))
            }
        }
    }

    fn unauthenticated(&self, asking: Asking, check: Check, cause: &'static str) -> Verdict {
        match asking {
            // There is no circle: the second time it is a page of this application that leads here.
            Asking {
                return_to: Some(return_to),
                led_by: LedBy::AnotherSite,
                ..
            } if self.accepts.sessions()
                && self.same_site == SameSite::Strict
                && check == Check::Unauthenticated =>
            {
                Verdict::ComeAgain(return_to)
            }
            Asking {
                return_to: Some(return_to),
                ..
            } if self.accepts.sessions() => Verdict::LogIn {
                check,
                return_to,
                step_up: None,
            },
            asking if check == Check::Unauthenticated && is_no_tab(asking.asker) => {
                self.not_a_navigation(&asking)
            }
            asking => self.challenge(&asking, check, cause, None),
        }
    }

    fn invalid_bearer(
        &self,
        asking: Asking,
        failed: &CheckFailed,
        session: LiveSession,
    ) -> Verdict {
        let (check, cause) = (failed.check(), failed.cause().to_owned());
        let refusal = |status| Refusal::new(check, cause, status, form(asking.asker));
        // What cannot be read stays so after a login.
        let readable = check != Check::BearerHeader;
        match (self.invalid_bearer, session, &asking.return_to) {
            (InvalidBearer::Login, LiveSession::Absent, Some(return_to))
                if self.accepts.sessions() && readable =>
            {
                Verdict::LogIn {
                    check,
                    return_to: return_to.clone(),
                    step_up: None,
                }
            }
            (InvalidBearer::Login | InvalidBearer::Challenge, ..) => {
                let (status, error) = match check {
                    Check::BearerHeader => (
                        StatusCode::BAD_REQUEST,
                        Some(ChallengeError::InvalidRequest),
                    ),
                    // Another scheme is no token that could be wrong (RFC 6750 § 3.1).
                    Check::BearerDpop => (StatusCode::UNAUTHORIZED, None),
                    _ => (StatusCode::UNAUTHORIZED, Some(ChallengeError::InvalidToken)),
                };
                Verdict::Refuse(refusal(status).challenge(self.bearer_challenge(error)))
            }
            (InvalidBearer::Forbidden, ..) => Verdict::Refuse(refusal(StatusCode::FORBIDDEN)),
        }
    }

    fn bearer_challenge(&self, error: Option<ChallengeError>) -> Challenge {
        Challenge::new(Scheme::Bearer, error).realm(self.realm.clone())
    }

    fn unmet(&self, asking: Asking, unmet: Unmet, via: Via) -> Verdict {
        match unmet {
            Unmet::Forbidden {
                requirement,
                scopes,
            } => {
                let refusal = Refusal::new(
                    Check::Forbidden,
                    format!("expected {requirement}"),
                    StatusCode::FORBIDDEN,
                    form(asking.asker),
                );
                Verdict::Refuse(match via {
                    Via::Session => refusal,
                    Via::Bearer => refusal.challenge(
                        self.bearer_challenge(Some(ChallengeError::InsufficientScope { scopes })),
                    ),
                })
            }
            Unmet::StepUp(way) => match (via, asking.return_to) {
                (Via::Session, Some(return_to)) if self.accepts.sessions() => Verdict::LogIn {
                    check: Check::StepUp,
                    return_to,
                    step_up: Some(way),
                },
                _ => {
                    let cause = step_up_cause(&way);
                    let scheme = match via {
                        Via::Session => Scheme::Session,
                        Via::Bearer => Scheme::Bearer,
                    };
                    let status = StatusCode::UNAUTHORIZED;
                    Verdict::Refuse(
                        Refusal::new(Check::StepUp, cause, status, form(asking.asker))
                            .challenge(self.step_up_challenge(scheme, way)),
                    )
                }
            },
        }
    }

    /// The answer where a handler wants a login to begin and none can: `asker` is nobody who can be sent to one.
    pub fn no_tab(&self, asker: Asker) -> Verdict {
        self.not_a_navigation(&Asking {
            asker,
            return_to: None,
            bearer: false,
            led_by: LedBy::SomebodyElse,
        })
    }

    fn not_a_navigation(&self, asking: &Asking) -> Verdict {
        self.challenge(
            asking,
            Check::NotANavigation,
            "a login begins in a tab of its own only",
            None,
        )
    }

    fn challenge(
        &self,
        asking: &Asking,
        check: Check,
        cause: &'static str,
        error: Option<ChallengeError>,
    ) -> Verdict {
        Verdict::Refuse(
            Refusal::new(check, cause, StatusCode::UNAUTHORIZED, form(asking.asker))
                .challenge(Challenge::new(self.scheme(), error).realm(self.realm.clone())),
        )
    }

    /// The challenge for whoever has to prove more.
    pub(super) fn step_up_challenge(&self, scheme: Scheme, way: StepUp) -> Challenge {
        Challenge::new(scheme, Some(ChallengeError::StepUp(way))).realm(self.realm.clone())
    }

    /// The challenge for whoever comes without a credential.
    pub fn bare_challenge(&self) -> Challenge {
        Challenge::new(self.scheme(), None).realm(self.realm.clone())
    }

    /// The scheme by which whoever comes without a credential is challenged.
    pub fn scheme(&self) -> Scheme {
        match self.accepts {
            Accepts::Sessions => Scheme::Session,
            Accepts::SessionsAndBearer | Accepts::Bearer => Scheme::Bearer,
        }
    }

    fn refuse(
        &self,
        head: &Head<'_>,
        check: Check,
        cause: impl Into<Cow<'static, str>>,
        status: StatusCode,
    ) -> Decision {
        let refusal = Refusal::new(check, cause, status, form(self.asking(head).asker));
        own(Verdict::Refuse(refusal), SessionEffect::Keep)
    }

    fn asking(&self, head: &Head<'_>) -> Asking {
        let asking = Asking::of(head);
        if self.answers_json(head) {
            asking.as_json()
        } else {
            asking
        }
    }

    fn check_site(&self, head: &Head<'_>) -> Result<(), &'static str> {
        cross_site(head.headers, self.origin.as_deref()).map_err(|why| why.what())
    }

    /// As `check_site`, for what is no browser's credential alone: a request that says nothing of where it comes from is a
    /// program's.
    fn check_other_site(&self, head: &Head<'_>) -> Result<(), &'static str> {
        match cross_site(head.headers, self.origin.as_deref()) {
            Ok(()) | Err(CrossSite::Unknown) => Ok(()),
            Err(why) => Err(why.what()),
        }
    }

    /// A browser that knows a user and a password for `Basic` sends them along with whatever another site makes it send.
    fn check_basic(&self, head: &Head<'_>) -> Result<(), &'static str> {
        let by_itself = || !(head.headers.get_all(AUTHORIZATION).iter()).all(is_bearer);
        match is_sensitive(head) && by_itself() {
            true => self.check_other_site(head),
            false => Ok(()),
        }
    }

    fn session_effect(&self, head: &Head<'_>, freshness: Freshness) -> SessionEffect {
        match freshness {
            Freshness::Fresh => SessionEffect::Keep,
            Freshness::RefreshDue => SessionEffect::RefreshNow,
            // What is fetched ahead is no sign of life.
            Freshness::Touch | Freshness::Reseal | Freshness::RefreshAhead
                if is_prefetch(head.headers) =>
            {
                SessionEffect::Keep
            }
            Freshness::Reseal => SessionEffect::Reseal,
            // Nor is what a page asks by itself.
            Freshness::Touch if self.polling.covers(head.method, head.path()) => {
                SessionEffect::Keep
            }
            Freshness::Touch => SessionEffect::Touch,
            Freshness::RefreshAhead => SessionEffect::RefreshAhead,
        }
    }
}

enum Recognised<'a> {
    As(&'a Identity, SessionEffect),
    Not(Decision),
}

/// There is no telling whether the token is good, so it is not called bad.
fn issuer_unavailable(asking: &Asking) -> Verdict {
    Verdict::Refuse(Refusal::new(
        Check::ProviderUnreachable,
        "expected the keys of the token's issuer, they cannot be had",
        StatusCode::SERVICE_UNAVAILABLE,
        form(asking.asker),
    ))
}

/// A decision whose answer is the gate's own.
fn own(verdict: Verdict, session: SessionEffect) -> Decision {
    Decision {
        verdict,
        session,
        cache: Cache::NoStore,
    }
}

/// Whether the query says so, in `extend=false`.
fn extends_nothing(head: &Head<'_>) -> bool {
    let Target::Whole(uri) = head.target else {
        return false;
    };
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    query.is_ok_and(|query| query.get("extend") == Some("false"))
}

/// A browser asks, and not for a page in a tab.
fn is_no_tab(asker: Asker) -> bool {
    matches!(asker, Asker::Frame | Asker::Prefetch | Asker::Worker)
}

fn form(asker: Asker) -> AnswerForm {
    match asker {
        Asker::Navigation | Asker::Frame => AnswerForm::Page,
        Asker::Script => AnswerForm::Json,
        Asker::Grpc => AnswerForm::Grpc,
        Asker::Prefetch | Asker::Worker | Asker::WebSocket => AnswerForm::Empty,
    }
}

/// The gate's own endpoints speak no gRPC, whose refusals have the status 200: a proxy that asks at a wrong one of them would
/// take that for an admission.
fn by_status(mut decision: Decision) -> Decision {
    if let Verdict::Refuse(refusal) = &mut decision.verdict
        && refusal.form == AnswerForm::Grpc
    {
        refusal.form = AnswerForm::Json;
    }
    decision
}

fn step_up_cause(way: &StepUp) -> String {
    let acr = match way.acr_values.as_slice() {
        [] => String::new(),
        values => format!(" of class {}", values.join(" or ")),
    };
    let age = way.max_age.map_or_else(String::new, |age| {
        format!(" at most {} seconds ago", age.as_secs())
    });
    format!("expected a sign-in{acr}{age}")
}

#[cfg(test)]
mod tests;
