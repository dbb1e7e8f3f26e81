//! A login that is over comes again: the back button, a reload, a bookmark, a tab that was left open, a browser that has
//! forgotten it meanwhile. Nobody did anything wrong, so nobody is told off.

use super::{failed::Failed, find, lead};
use crate::{
    answer,
    core::{
        check::{Check, CheckFailed},
        gate::Asker,
        login::{Arrival, Lead, Manner, ReturnTo, Wanted},
        secret::State,
    },
    decline::Answer,
    recognise::Recognised,
    sessions::Sessions,
};
use bytes::Bytes;
use http::{HeaderMap, Response, request::Parts};
use std::sync::Arc;

/// A login that has ended before, well or not, has expired, or of which nothing is left in this browser.
pub(super) struct Over {
    /// Which of these it is.
    pub(super) why: CheckFailed,
    pub(super) state: State,
    /// What a person has answered at the provider.
    pub(super) declined: Option<Check>,
    /// Where its cookie says that it leads. That is never too long to be said.
    pub(super) return_to: Option<ReturnTo>,
}

/// Whether the browser is asked for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    /// It comes from the provider, and may have kept its session back.
    First,
    /// It comes from a page of ours, with all its cookies.
    Second,
}

impl Over {
    /// The same login as it was said to be over at first, in a browser that has come again with all its cookies.
    pub(super) fn again(
        sessions: &Arc<Sessions>,
        check: Check,
        state: State,
        headers: &HeaderMap,
    ) -> Self {
        let cookie = sessions.names.transaction(&state);
        let transaction = find(sessions, headers, &cookie).ok();
        let cause = "the browser holds no session either; the event before this one says what came";
        Self {
            why: CheckFailed::new(check, cause),
            state,
            declined: None,
            return_to: transaction.map(|(_, transaction)| transaction.return_to().clone()),
        }
    }

    /// What the browser is answered. Nothing is redeemed, and no session is changed.
    ///
    /// 1. Whoever is signed in is led to where the login led.
    /// 2. A browser that may have kept its session back is asked once more.
    /// 3. Whoever has declined at the provider is not asked again.
    /// 4. Otherwise the login begins anew, if its state is one of ours, and not for the third time in a row.
    pub(super) async fn respond(
        self,
        sessions: &Arc<Sessions>,
        parts: &Parts,
        present: &Recognised,
        leg: Leg,
    ) -> Response<Bytes> {
        let headers = &parts.headers;
        let (check, cause) = (self.why.check(), self.why.cause());
        let said = Lead::open(&sessions.keys.now(), &self.state);
        // Which places are the application's may have changed since.
        let read = |place: &ReturnTo| sessions.place(place.as_str());
        let place = (self.return_to.as_ref())
            .or(said.as_ref().and_then(Lead::return_to))
            .and_then(read)
            .unwrap_or_else(|| sessions.home());
        let cookie = sessions.names.transaction(&self.state);
        let found = sessions.names.find(headers, &cookie).next().is_some();
        let clear = found.then(|| sessions.names.clear(&cookie));

        let mut response = if let Some(session) = present.session() {
            tracing::info!(check = check.id(), cause, "a login that is over came again");
            let met = said.is_none_or(|said| said.is_met_by(session.created()));
            let place = if met { place } else { sessions.home() };
            match leg {
                Leg::First => lead(sessions, place.as_str()),
                Leg::Second => answer::redirect(place.as_str()),
            }
        } else if matches!(present, Recognised::StoreDown) {
            let cause = "expected the session, the store does not answer";
            let failed = CheckFailed::new(Check::StoreUnavailable, cause);
            return Failed::from(failed)
                .on_the_way_to(place)
                .respond(sessions, None);
        } else if let Some(again) = self.once_more(sessions, leg) {
            tracing::info!(
                check = check.id(),
                cause,
                "a login is over; the browser is asked for its session"
            );
            // Its cookie stays until then: it knows places that are too long for a state.
            return lead(sessions, &again);
        } else {
            match (said, self.declined) {
                (Some(said), Some(declined)) => match said.otherwise() {
                    Some(otherwise) if declined == Check::LoginRequired => {
                        let otherwise = read(otherwise).unwrap_or_else(|| sessions.home());
                        lead(sessions, otherwise.as_str())
                    }
                    _ => {
                        let cause =
                            "the provider says so of a login that this browser does not hold";
                        let failed = Failed::from(CheckFailed::new(declined, cause));
                        failed.on_the_way_to(place).respond(sessions, None)
                    }
                },
                (Some(said), None) => match said.anew(sessions.now()) {
                    Some(anew) if Asker::may_begin(&parts.method, headers) => {
                        tracing::info!(
                            check = check.id(),
                            cause,
                            "a login is over; it begins anew"
                        );
                        let mut wanted = Wanted::to(place);
                        wanted.anew = anew;
                        if let Some(otherwise) = said.otherwise() {
                            let otherwise = read(otherwise).unwrap_or_else(|| sessions.home());
                            wanted.manner = Manner::Silent { otherwise };
                        }
                        begin(sessions, wanted, headers, present).await
                    }
                    _ => Failed::from(self.why)
                        .on_the_way_to(place)
                        .respond(sessions, None),
                },
                (None, _) => Failed::from(self.why)
                    .on_the_way_to(place)
                    .respond(sessions, None),
            }
        };
        answer::set_cookies(&mut response, clear);
        response
    }

    /// Where a browser is led that may hold a session which did not come along: one that is kept from other sites, or from
    /// their forms. It comes back to this endpoint with it, and with nothing that could be redeemed.
    fn once_more(&self, sessions: &Arc<Sessions>, leg: Leg) -> Option<String> {
        if leg == Leg::Second || self.declined.is_some() || !sessions.sessions_stay_behind() {
            return None;
        }
        let callback = sessions.common.policy.endpoint_path(&sessions.callback);
        Arrival::over(self.why.check(), &self.state).map(|query| format!("{callback}?{query}"))
    }
}

async fn begin(
    sessions: &Arc<Sessions>,
    wanted: Wanted,
    headers: &HeaderMap,
    present: &Recognised,
) -> Response<Bytes> {
    let underway = sessions.underway(headers, present);
    let answer = sessions
        .circle(&wanted.return_to, &underway)
        .unwrap_or_else(|| sessions.log_in(wanted, underway));
    match answer {
        Answer::Now(response) => response,
        Answer::Later(response) => response.await,
    }
}
