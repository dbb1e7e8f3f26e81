//! What the gate answers to whoever is not admitted: a refusal, or a login.

use crate::{
    Gate, answer,
    core::{
        check::Check,
        flow::Env,
        gate::{Caller, Refusal, Verdict},
        login::{Demand, Manner, ReturnTo, Wanted},
        provider::Metadata,
    },
    endpoint,
    pages::SignInPage,
    ports::{Boxed, OsEntropy},
    report,
    sessions::Sessions,
    underway::Underway,
    upstream::Unavailable,
};
use bytes::Bytes;
use http::{Response, StatusCode, header::WWW_AUTHENTICATE};
use std::{net::SocketAddr, sync::Arc};
use tracing::Instrument as _;

/// An answer of the gate, at hand or to come.
pub(crate) enum Answer {
    Now(Response<Bytes>),
    Later(Boxed<'static, Response<Bytes>>),
}

impl Gate {
    /// Answers a verdict other than admission.
    pub(crate) fn answer(
        &self,
        verdict: &Verdict,
        underway: Underway,
        peer: Option<SocketAddr>,
    ) -> Answer {
        about(peer, || match (&self.0.sessions, verdict) {
            (Some(sessions), verdict) => sessions.decline(verdict, underway),
            (None, Verdict::Refuse(refusal)) => {
                Answer::Now(self.0.common.answers.refusal(refusal, String::new))
            }
            // Nobody is sent to a login where there is none.
            (
                None,
                Verdict::LogIn { .. }
                | Verdict::ComeAgain(_)
                | Verdict::Serve(_)
                | Verdict::Admit(_),
            ) => Answer::Now(answer::empty(StatusCode::NOT_FOUND)),
        })
    }
}

impl Sessions {
    /// Begins a login that a handler has asked for, about a request of `caller`.
    pub(crate) fn log_in_asked_for(
        self: &Arc<Self>,
        wanted: Wanted,
        caller: Caller,
        underway: Underway,
        peer: Option<SocketAddr>,
    ) -> Answer {
        about(peer, || match caller {
            // A session comes along, so whatever the handler asks for, it is no circle of the gate's.
            Caller::Identified => self.log_in(wanted, underway),
            Caller::Anonymous | Caller::Bypassed => self
                .circle(&wanted.return_to, &underway)
                .unwrap_or_else(|| self.log_in(wanted, underway)),
        })
    }

    fn decline(self: &Arc<Self>, verdict: &Verdict, underway: Underway) -> Answer {
        match verdict {
            Verdict::LogIn {
                check,
                return_to,
                step_up,
            } => {
                if step_up.is_none() && self.sign_in_page == SignInPage::Show {
                    return Answer::Now(self.offer(*check, return_to));
                }
                if let Some(circle) = self.circle(return_to, &underway) {
                    return circle;
                }
                tracing::debug!(check = check.id(), ?return_to, "a login begins");
                let demand = step_up
                    .as_ref()
                    .map_or_else(Demand::default, |step_up| Demand {
                        acr_values: step_up.acr_values.clone(),
                        max_age: step_up.max_age,
                    });
                self.log_in(Wanted::to(return_to.clone()).demand(demand), underway)
            }
            Verdict::ComeAgain(place) => Answer::Now(self.common.answers.lead(place.as_str())),
            Verdict::Refuse(refusal) => Answer::Now(
                self.common
                    .answers
                    .refusal(refusal, || self.way_on(refusal)),
            ),
            // An endpoint is served where the request's body is at hand, and an admission is no answer.
            Verdict::Serve(_) | Verdict::Admit(_) => {
                Answer::Now(answer::empty(StatusCode::NOT_FOUND))
            }
        }
    }

    /// The sign-in page in the place of a page that demands a login.
    ///
    /// 401, because that is what it is: whoever has a credential gets in
    /// ([RFC 9110 § 15.5.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2)). 200 would be taken for the page that was
    /// asked for, and 403 says that no credential helps.
    fn offer(&self, check: Check, return_to: &ReturnTo) -> Response<Bytes> {
        tracing::debug!(check = check.id(), ?return_to, "the sign-in page is shown");
        let mut response = endpoint::sign_in(self, return_to, StatusCode::UNAUTHORIZED);
        let challenge = self.common.policy.bare_challenge();
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, challenge.header_value());
        response
    }

    /// Where a person can go from a refusal.
    pub(crate) fn way_on(&self, refusal: &Refusal) -> String {
        match refusal.check {
            Check::Forbidden => self.sign_in_as_someone_else(),
            // A form that was sent: the page it came from is no place that is known.
            Check::StepUp => match refusal.step_up() {
                Some(way) => self.step_up_path(self.home().as_str(), way),
                None => self.sign_in_path(self.home().as_str()),
            },
            _ if refusal.status == StatusCode::UNAUTHORIZED => {
                self.sign_in_path(self.home().as_str())
            }
            _ => self.home().as_str().to_owned(),
        }
    }

    /// What is answered in the place of a login that would lead round in circles.
    pub(crate) fn circle(&self, return_to: &ReturnTo, underway: &Underway) -> Option<Answer> {
        let failed = self.landings(underway).judge().err()?;
        let again = self.sign_in_path(return_to.as_str());
        Some(Answer::Now(
            self.common.answers.login_failed(&failed, None, &again),
        ))
    }

    /// Sends a browser to the provider: at once, if the provider is known.
    pub(crate) fn log_in(self: &Arc<Self>, mut wanted: Wanted, underway: Underway) -> Answer {
        // Where the application lives under a path, the origin's first page is somebody else's.
        if wanted.return_to.as_str() == "/" && !self.base.path().is_empty() {
            wanted.return_to = self.home();
        }
        wanted.predecessor.clone_from(&underway.session);
        // What is demanded of somebody is done by nobody else; who signs in otherwise is the user's to say.
        if wanted.demands_more() && !wanted.offers_a_choice() {
            wanted.same_user.clone_from(&underway.user);
        }
        if let Some(metadata) = self.upstream.metadata_at_hand() {
            return Answer::Now(self.begin(&metadata, wanted, &underway));
        }
        let sessions = self.clone();
        Answer::Later(Box::pin(async move {
            match sessions.upstream.metadata().await {
                Ok(metadata) => sessions.begin(&metadata, wanted, &underway),
                Err(Unavailable { why, retry_after }) => {
                    // Said already, where it was asked.
                    if let Manner::Silent { otherwise } = &wanted.manner {
                        return answer::redirect(otherwise.as_str());
                    }
                    let again = sessions.sign_in_path(wanted.return_to.as_str());
                    sessions
                        .common
                        .answers
                        .login_failed(&why, Some(retry_after), &again)
                }
            }
        }))
    }

    fn begin(
        &self,
        metadata: &Arc<Metadata>,
        wanted: Wanted,
        underway: &Underway,
    ) -> Response<Bytes> {
        let place = wanted.return_to.clone();
        let mut env = Env {
            now: self.now(),
            entropy: &mut OsEntropy,
        };
        let keys = self.keys.now();
        // Before the user goes away, not when the code comes back.
        let begun = self
            .upstream
            .prepared(metadata)
            .and_then(|login| login.start(wanted, &keys, &mut env))
            .and_then(|started| started.keep(&keys, &self.names, || self.home()));
        match begun {
            Ok((location, cookie)) => {
                self.common.metrics.login_started();
                tracing::debug!(issuer = %self.upstream.issuer(), "a browser was sent to the provider");
                let mut response = answer::redirect(location);
                let crowd = underway.crowd(cookie.pair_bytes());
                let removed = crowd.map(|name| self.names.clear(name));
                answer::set_cookies(&mut response, removed.chain([cookie]));
                response
            }
            Err(failed) => {
                self.upstream.failed(failed.check());
                self.common
                    .answers
                    .login_failed(&failed, None, &self.sign_in_path(place.as_str()))
            }
        }
    }
}

/// An answer to whoever is at the other end of the connection.
fn about(peer: Option<SocketAddr>, answer: impl FnOnce() -> Answer) -> Answer {
    let span = report::span(peer);
    match span.in_scope(answer) {
        Answer::Later(work) => Answer::Later(Box::pin(work.instrument(span))),
        now @ Answer::Now(_) => now,
    }
}
