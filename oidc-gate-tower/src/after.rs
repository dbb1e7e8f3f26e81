//! What is done to the application's response.

use crate::{
    Demand, Gate, LogIn, LogOut, NoCaller, answer,
    bearer::Unusable,
    caller_info::Told,
    core::{
        self,
        check::Check,
        gate::{Accepts, Asker, Cache, Caller, Head},
        session::SetCookie,
        time::UnixTime,
    },
    decline::Answer,
    endpoint::{self, to_the_end},
    keeping::{SessionHandle, Written},
    passing::Said,
    service::timed,
    sign_out::By,
    underway::{SetAside, Underway},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response,
    header::{CACHE_CONTROL, Entry, SET_COOKIE, VARY},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// How old the cookies may be that an answer takes along.
const LATE: Duration = Duration::from_secs(30);

/// Whether it is known who has sent the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Clear,
    /// There is a session's cookie, and the store does not answer.
    StoreDown,
}

/// What is done to the application's response. It is moved about with the future of the application, so it is small.
pub(crate) struct After {
    pub(crate) gate: Gate,
    pub(crate) peer: Option<SocketAddr>,
    /// When it was decided about the request, and its cookies were made.
    pub(crate) decided: UnixTime,
    /// The caller's session, which a handler may have refreshed or ended.
    pub(crate) session: Option<Arc<SessionHandle>>,
    pub(crate) caller: Caller,
    pub(crate) sight: Sight,
    pub(crate) style: Style,
    pub(crate) cache: Cache,
    /// What the browser keeps of logins.
    pub(crate) aside: Option<Box<SetAside>>,
    /// What most requests have nothing of.
    pub(crate) more: Option<Box<More>>,
}

/// What most requests have nothing of.
#[derive(Default)]
pub(crate) struct More {
    pub(crate) told: Told,
    pub(crate) cookies: Vec<SetCookie>,
    /// Who the caller is, in headers of the answer.
    pub(crate) said: Said,
    /// The token that was presented and names nobody.
    pub(crate) unusable: Option<Unusable>,
}

impl More {
    /// These, where one of them is something.
    #[inline]
    pub(crate) fn of(
        told: Told,
        cookies: Vec<SetCookie>,
        said: Said,
        unusable: Option<Unusable>,
    ) -> Option<Box<Self>> {
        let is_nothing =
            told.is_nothing() && cookies.is_empty() && said.is_empty() && unusable.is_none();
        let more = || Self {
            told,
            cookies,
            said,
            unusable,
        };
        (!is_nothing).then(|| Box::new(more()))
    }
}

/// How a refusal from inside is answered.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    /// As whoever asks can use it.
    AsAsked,
    /// In JSON, whatever the headers say.
    Json,
    /// As whoever asks can use it, who is no tab of a browser: a login would be lost on it.
    OutsideATab(Asker),
}

impl Style {
    pub(crate) fn of(gate: &Gate, head: &Head<'_>) -> Self {
        if gate.0.common.policy.answers_json(head) {
            Self::Json
        } else {
            head.outside_a_tab()
                .map_or(Self::AsAsked, Self::OutsideATab)
        }
    }
}

impl After {
    /// Of a request that has gone through unseen.
    pub(crate) fn bypassed(gate: Gate, told: Told, peer: Option<SocketAddr>) -> Self {
        Self {
            gate,
            peer,
            // It takes no cookies along that could be late.
            decided: UnixTime::from_secs(0),
            session: None,
            caller: Caller::Bypassed,
            sight: Sight::Clear,
            style: Style::AsAsked,
            cache: Cache::Untouched,
            aside: None,
            more: More::of(told, Vec::new(), Said::new(), None),
        }
    }

    /// The cookies that the answer takes along, whoever makes it.
    pub(crate) fn take_cookies(&mut self) -> Vec<SetCookie> {
        (self.more.as_mut()).map_or_else(Vec::new, |more| std::mem::take(&mut more.cookies))
    }

    fn set_cookies(&mut self, cookies: Vec<SetCookie>) {
        self.more.get_or_insert_default().cookies = cookies;
    }

    fn take_told(&mut self) -> Told {
        (self.more.as_mut()).map_or_else(Told::default, |more| std::mem::take(&mut more.told))
    }

    /// The answer to a refusal from inside, if the response is one. The application's own body is dropped.
    pub(crate) fn refused<R>(&mut self, response: &mut Response<R>) -> Option<Answer> {
        let answer = self.refusal(response)?;
        let told = self.take_told();
        Some(match answer {
            Answer::Now(mut response) => {
                told.with(response.extensions_mut());
                Answer::Now(response)
            }
            Answer::Later(work) => {
                let metrics = self.gate.0.common.metrics.clone();
                Answer::Later(Box::pin(timed(work, metrics, told)))
            }
        })
    }

    fn refusal<R>(&mut self, response: &mut Response<R>) -> Option<Answer> {
        if response.extensions().is_empty() {
            return None;
        }
        if response.extensions_mut().remove::<NoCaller>().is_some() {
            return Some(Answer::Now(self.no_caller()));
        }
        if let Some(log_in) = response.extensions_mut().remove::<LogIn>() {
            return Some(self.log_in(log_in));
        }
        if let Some(log_out) = response.extensions_mut().remove::<LogOut>() {
            return Some(self.log_out(log_out));
        }
        let demand = response.extensions_mut().remove::<Demand>()?;
        let asking = match self.style {
            Style::AsAsked | Style::OutsideATab(_) => demand.asking,
            Style::Json => demand.asking.as_json(),
        };
        let policy = &self.gate.0.common.policy;
        let unusable = (self.more.as_ref()).and_then(|more| more.unusable.as_ref());
        let verdict = match (unusable, demand.demand) {
            (Some(token), core::gate::Demand::SignIn) => {
                policy.answer_demand_of_bearer(asking, token.verdict())
            }
            (_, demand) => policy.answer_demand(asking, demand),
        };
        let underway = self.take_underway();
        Some(self.gate.answer(&verdict, underway, self.peer))
    }

    /// The answer to a handler that wants the user to sign in.
    fn log_in(&mut self, log_in: LogIn) -> Answer {
        if self.caller == Caller::Bypassed {
            return Answer::Now(self.mistake(Check::Bypassed, LogIn::BYPASSED, LogIn::BYPASSED));
        }
        let no_tab = match self.style {
            Style::AsAsked => None,
            Style::Json => Some(Asker::Script),
            Style::OutsideATab(asker) => Some(asker),
        };
        let underway = self.take_underway();
        if let Some(asker) = no_tab {
            let verdict = self.gate.0.common.policy.no_tab(asker);
            return self.gate.answer(&verdict, underway, self.peer);
        }
        let Some(sessions) = &self.gate.0.sessions else {
            let why = LogIn::NO_SESSIONS;
            return Answer::Now(self.mistake(Check::LogInMisshapen, why, why));
        };
        match log_in.wanted(sessions) {
            Ok(wanted) => sessions.log_in_asked_for(wanted, self.caller, underway, self.peer),
            Err(misshapen) => Answer::Now(self.mistake(
                Check::LogInMisshapen,
                &misshapen.to_string(),
                LogIn::MISSHAPEN,
            )),
        }
    }

    /// The answer to a handler that signs the user out.
    fn log_out(&mut self, log_out: LogOut) -> Answer {
        if self.caller == Caller::Bypassed {
            return Answer::Now(self.mistake(Check::Bypassed, LogOut::BYPASSED, LogOut::BYPASSED));
        }
        let Some(sessions) = &self.gate.0.sessions else {
            let why = LogOut::NO_SESSIONS;
            return Answer::Now(self.mistake(Check::LogOutWithoutSessions, why, why));
        };
        let by = match self.style {
            Style::AsAsked => By::Tab,
            // A page that is fetched ahead has been opened by nobody.
            Style::OutsideATab(asker @ Asker::Prefetch) => {
                let verdict = self.gate.0.common.policy.no_tab(asker);
                let underway = self.take_underway();
                return self.gate.answer(&verdict, underway, self.peer);
            }
            Style::Json | Style::OutsideATab(_) => By::Script,
        };
        let place = (log_out.place).and_then(|place| sessions.place(&place));
        if self.sight == Sight::StoreDown {
            let cause = "expected the session's end to be written down, the store does not answer";
            let check = Check::StoreUnavailable;
            let refused = endpoint::refuse(sessions, check, cause.to_owned(), None);
            return Answer::Now(refused);
        }
        let Some(session) = self.session.take() else {
            let to = place.map_or_else(
                || sessions.signed_out_path(),
                |place| place.as_str().to_owned(),
            );
            return Answer::Now(answer::redirect(&to));
        };
        let names = &sessions.names;
        let underway = sessions.underway_beside(self.aside.take());
        let others = underway.cookies(names);
        let cookies = names
            .clear_every_piece()
            .into_iter()
            .chain(others.map(|name| names.clear(name)))
            .collect();
        let sessions = sessions.clone();
        // What a request writes down of a session that goes on.
        drop(self.take_cookies());
        Answer::Later(Box::pin(async move {
            let work = async move { session.log_out(place, cookies, by).await };
            to_the_end(&sessions, work).await
        }))
    }

    /// What the browser keeps of logins, and who is signed in there.
    fn take_underway(&mut self) -> Underway {
        let aside = self.aside.take();
        let session = (self.session.as_ref()).map(|session| session.kept().session());
        let underway = (self.gate.0.sessions.as_ref())
            .map(|sessions| sessions.underway_beside(aside))
            .unwrap_or_default();
        underway.of(session)
    }

    fn no_caller(&self) -> Response<Bytes> {
        let (check, why) = match self.caller {
            Caller::Bypassed => (Check::Bypassed, NoCaller::BYPASSED),
            Caller::Anonymous | Caller::Identified => (Check::CallerLost, NoCaller::LOST),
        };
        self.mistake(check, why, why)
    }

    /// The answer to a mistake of the programmer's: all of it in the log, a text without anything from outside for the caller.
    fn mistake(&self, check: Check, cause: &str, text: &'static str) -> Response<Bytes> {
        tracing::error!(
            check = check.id(),
            cause,
            remedy = check.remedy(),
            "a handler asks the gate for what it cannot give"
        );
        let answers = &self.gate.0.common.answers;
        answers.metrics.refused(check);
        let mut response = answer::empty(check.status());
        answers.telling.why(&mut response, check);
        *response.body_mut() = Bytes::from_static(text.as_bytes());
        response
    }

    /// What is done to a response of the application's.
    pub(crate) fn finish<R>(&mut self, response: &mut Response<R>) {
        if self.more.is_some() {
            (self.take_told()).with_admitted(response.extensions_mut());
        }
        // The answer is as the application has made it.
        if self.caller == Caller::Bypassed {
            return;
        }
        let life = self.write_what_was_refreshed();
        let headers = response.headers_mut();
        let (said, cookies) = match self.more.take() {
            Some(more) => (Some(more.said), Some(more.cookies)),
            None => (None, None),
        };
        self.gate.0.common.passing.say(said, headers);
        match self.cache {
            Cache::Untouched => {}
            Cache::Vary(of) => vary(headers, of),
            Cache::Private(of) => {
                vary(headers, of);
                private(headers);
            }
            Cache::NoStore => no_store(headers),
        }
        if life == Life::Ended
            && let Some(sessions) = &self.gate.0.sessions
        {
            sessions.sign_out.clear.tell(headers);
        }
        let Some(cookies) = cookies.filter(|cookies| !cookies.is_empty()) else {
            return;
        };
        // What sets a cookie must not be handed to anybody else (RFC 9111 § 7.3).
        no_store(headers);
        for cookie in &cookies {
            headers.append(SET_COOKIE, cookie.to_header());
        }
    }

    /// What a handler has refreshed leaves with the head of its answer, in the place of what was written before.
    pub(crate) fn write_what_was_refreshed(&mut self) -> Life {
        let session = self.session.take();
        match session.map_or(Written::Nothing, |mut session| session.head_goes()) {
            Written::Renewed(cookies) => self.set_cookies(cookies),
            Written::Ended(cookies) => {
                self.set_cookies(cookies);
                return Life::Ended;
            }
            Written::Nothing => {
                let late = || self.gate.now().since(self.decided) > LATE;
                if (self.more.as_ref()).is_some_and(|more| !more.cookies.is_empty() && late()) {
                    // Others have answered meanwhile, and the browser may have newer ones.
                    self.take_cookies();
                }
            }
        }
        Life::GoesOn
    }
}

/// Whether the caller's session, if any, goes on after the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    GoesOn,
    /// A handler has ended it.
    Ended,
}

fn vary(headers: &mut HeaderMap, of: Accepts) {
    headers.append(VARY, of.vary());
}

fn no_store(headers: &mut HeaderMap) {
    const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
    headers.insert(CACHE_CONTROL, NO_STORE);
}

/// What a signed-in user sees is that user's: unless the application has forbidden more, shared caches must not keep it.
fn private(headers: &mut HeaderMap) {
    const PRIVATE: HeaderValue = HeaderValue::from_static("private");
    if let Entry::Vacant(nothing_said) = headers.entry(CACHE_CONTROL) {
        nothing_said.insert(PRIVATE);
        return;
    }
    let says = |wanted: &str| {
        headers.get_all(CACHE_CONTROL).iter().any(|line| {
            let mut directives = line.to_str().unwrap_or_default().split(',');
            directives.any(|directive| directive.trim().eq_ignore_ascii_case(wanted))
        })
    };
    if says("private") || says("no-store") {
        return;
    }
    let kept = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|directive| {
            let name = directive.split('=').next().unwrap_or_default();
            // These two speak to shared caches alone.
            !directive.is_empty()
                && !name.eq_ignore_ascii_case("public")
                && !name.eq_ignore_ascii_case("s-maxage")
        });
    let line = std::iter::once("private")
        .chain(kept)
        .collect::<Vec<_>>()
        .join(", ");
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::try_from(line).unwrap_or(PRIVATE),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn what_a_user_sees_is_kept_from_shared_caches_and_nothing_is_allowed_that_was_not() {
        for (said, becomes) in [
            (&[][..], "private"),
            (&["public"], "private"),
            (&["public, max-age=600"], "private, max-age=600"),
            (&["max-age=600"], "private, max-age=600"),
            (&["s-maxage=600, max-age=5"], "private, max-age=5"),
            (&["PUBLIC, S-MaxAge=9"], "private"),
            (&["public", "max-age=5"], "private, max-age=5"),
            (
                &["no-cache, must-revalidate"],
                "private, no-cache, must-revalidate",
            ),
            // Of one header only, so of the rest it says nothing.
            (
                &["private=\"set-cookie\""],
                "private, private=\"set-cookie\"",
            ),
            (&[", ,"], "private"),
            (&["private, max-age=5"], "private, max-age=5"),
            (&["Private"], "Private"),
            (&["no-store"], "no-store"),
            (&["max-age=5, No-Store"], "max-age=5, No-Store"),
        ] {
            let mut headers: HeaderMap = said
                .iter()
                .map(|line| (CACHE_CONTROL, HeaderValue::from_static(line)))
                .collect();
            private(&mut headers);
            let lines: Vec<_> = headers.get_all(CACHE_CONTROL).iter().collect();
            assert_eq!(lines, [becomes], "{said:?}");
        }
        let mut headers: HeaderMap = [(
            CACHE_CONTROL,
            HeaderValue::from_bytes(b"public, x=\xff").unwrap(),
        )]
        .into_iter()
        .collect();
        private(&mut headers);
        assert_eq!(headers[CACHE_CONTROL], "private");
    }
}
