//! What the gate counts. What each metric means stands in [`observability`](crate::observability).
//!
//! Every label is one of a list that is known when the gate is compiled, so nothing that a request says makes a new series.

mod cells;
#[cfg(test)]
mod tests;
mod text;

use self::{
    cells::{BOUNDS, Counters, Histogram, Shares},
    text::{Family, Kind, Text},
};
use crate::core::{
    check::Check,
    flow::{Failure, Purpose},
    gate::{Caller, Verdict},
    peers::Peers,
    session::coordinate::{self, Kept},
};
use http::StatusCode;
use std::time::Duration;

/// Who gets `/oauth2/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the choices are the design")]
pub enum MetricsEndpoint {
    /// Nobody: there is no such endpoint. [`Gate::metrics`](crate::Gate::metrics) gives the text to whoever serves it
    /// elsewhere.
    #[default]
    Off,
    /// Whoever asks from one of these addresses, the direct peers of the connection. Nobody else is told that it is there,
    /// and nobody at all where the peer's address is not known.
    ForPeers(Peers),
    /// Whoever asks.
    ForAnybody,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Identified,
    Anonymous,
    Bypassed,
    LogIn,
    ComeAgain,
    Refused,
    Endpoint,
}

impl Outcome {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Identified, "identified"),
        (Self::Anonymous, "anonymous"),
        (Self::Bypassed, "bypassed"),
        (Self::LogIn, "log_in"),
        (Self::ComeAgain, "come_again"),
        (Self::Refused, "refused"),
        (Self::Endpoint, "endpoint"),
    ];

    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Admit(Caller::Identified) => Self::Identified,
            Verdict::Admit(Caller::Anonymous) => Self::Anonymous,
            Verdict::Admit(Caller::Bypassed) => Self::Bypassed,
            Verdict::LogIn { .. } => Self::LogIn,
            Verdict::ComeAgain(_) => Self::ComeAgain,
            Verdict::Refuse(_) => Self::Refused,
            Verdict::Serve(_) => Self::Endpoint,
        }
    }
}

/// What became of a request to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Answered(StatusCode),
    Unanswered(Failure),
}

impl Asked {
    const NAMES: [&'static str; 3] = ["success", "error", "no_answer"];

    fn index(self) -> usize {
        match self {
            Self::Answered(status) if status.is_success() => 0,
            Self::Answered(_) => 1,
            Self::Unanswered(_) => 2,
        }
    }
}

/// What ended a session before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    SignOut,
    AnotherUser,
    /// It takes the refresh token no more.
    Provider,
    /// Through the gate's own functions.
    Application,
    /// The provider has said so itself.
    BackChannel,
    /// The provider has had a browser say so.
    FrontChannel,
}

impl EndedBy {
    const ALL: [(Self, &'static str); 6] = [
        (Self::SignOut, "sign_out"),
        (Self::AnotherUser, "another_user"),
        (Self::Provider, "provider"),
        (Self::Application, "application"),
        (Self::BackChannel, "back_channel"),
        (Self::FrontChannel, "front_channel"),
    ];
}

/// What a refresh came to.
fn refreshed(outcome: &coordinate::Outcome) -> usize {
    match outcome {
        coordinate::Outcome::Renewed(..) => 0,
        coordinate::Outcome::Ended(_) => 1,
        coordinate::Outcome::Kept(Kept::NotNow { .. }) => 2,
        coordinate::Outcome::Kept(Kept::Lost(_)) => 3,
        coordinate::Outcome::Kept(Kept::Busy) => 4,
        coordinate::Outcome::Kept(Kept::StoreDown) => 5,
    }
}

const REFRESHED: [&str; 6] = ["renewed", "ended", "not_now", "lost", "busy", "store_down"];

/// What a bearer token came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOutcome {
    Valid,
    /// It was verified before.
    Cached,
    Invalid,
    /// The issuer's keys could not be had.
    Unavailable,
}

impl TokenOutcome {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Valid, "valid"),
        (Self::Cached, "cached"),
        (Self::Invalid, "invalid"),
        (Self::Unavailable, "unavailable"),
    ];
}

const CHECKS: usize = Check::ALL.len();
const PURPOSES: usize = Purpose::ALL.len();

/// What a gate has counted since it was made.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Shares<{ Outcome::ALL.len() }>,
    tokens: Shares<{ TokenOutcome::ALL.len() }>,
    refusals: Checks,
    logins_started: Counters<1>,
    logins_succeeded: Counters<1>,
    logins_failed: Counters<1>,
    sessions_ended: Counters<{ EndedBy::ALL.len() }>,
    refreshes: Counters<{ REFRESHED.len() }>,
    provider: [ToProvider; PURPOSES],
    answers: Histogram,
}

#[derive(Debug, Default)]
struct Checks(Counters<CHECKS>);

#[derive(Debug, Default)]
struct ToProvider {
    outcomes: Counters<{ Asked::NAMES.len() }>,
    took: Histogram,
}

impl Metrics {
    pub(crate) fn decided(&self, verdict: &Verdict) {
        self.requests.count(Outcome::of(verdict) as usize);
    }

    pub(crate) fn token_came_to(&self, outcome: TokenOutcome) {
        self.tokens.count(outcome as usize);
    }

    pub(crate) fn refused(&self, check: Check) {
        if let Ok(at) = Check::ALL.binary_search(&check) {
            self.refusals.0.count(at);
        }
    }

    pub(crate) fn login_started(&self) {
        self.logins_started.count(0);
    }

    pub(crate) fn login_succeeded(&self) {
        self.logins_succeeded.count(0);
    }

    pub(crate) fn login_failed(&self, check: Check) {
        self.logins_failed.count(0);
        self.refused(check);
    }

    pub(crate) fn session_ended(&self, by: EndedBy) {
        self.sessions_ended.count(by as usize);
    }

    pub(crate) fn refreshed(&self, outcome: &coordinate::Outcome) {
        self.refreshes.count(refreshed(outcome));
    }

    pub(crate) fn asked_provider(&self, purpose: Purpose, came: Asked, took: Duration) {
        if let Some(of) = self.provider.get(purpose as usize) {
            of.outcomes.count(came.index());
            of.took.observe(took);
        }
    }

    pub(crate) fn answered(&self, took: Duration) {
        self.answers.observe(took);
    }

    /// Everything, as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Text::default();
        text.family(&REQUESTS);
        for (outcome, name) in Outcome::ALL {
            let value = self.requests.read(outcome as usize);
            text.sample(&REQUESTS, "", &[name], None, value);
        }
        text.family(&BEARER);
        for (outcome, name) in TokenOutcome::ALL {
            let value = self.tokens.read(outcome as usize);
            text.sample(&BEARER, "", &[name], None, value);
        }
        text.family(&REFUSALS);
        for (at, check) in Check::ALL.iter().enumerate() {
            let value = self.refusals.0.read(at);
            text.sample(&REFUSALS, "", &[check.id()], None, value);
        }
        for (family, counter) in [
            (&LOGINS_STARTED, &self.logins_started),
            (&LOGINS_SUCCEEDED, &self.logins_succeeded),
            (&LOGINS_FAILED, &self.logins_failed),
        ] {
            text.family(family);
            text.sample(family, "", &[], None, counter.read(0));
        }
        text.family(&SESSIONS_ENDED);
        for (by, name) in EndedBy::ALL {
            let value = self.sessions_ended.read(by as usize);
            text.sample(&SESSIONS_ENDED, "", &[name], None, value);
        }
        text.family(&REFRESHES);
        for (at, outcome) in REFRESHED.into_iter().enumerate() {
            let value = self.refreshes.read(at);
            text.sample(&REFRESHES, "", &[outcome], None, value);
        }
        let provider = || Purpose::ALL.iter().zip(&self.provider);
        text.family(&PROVIDER_REQUESTS);
        for (purpose, of) in provider() {
            for (at, outcome) in Asked::NAMES.into_iter().enumerate() {
                let labels = [purpose.name(), outcome];
                text.sample(&PROVIDER_REQUESTS, "", &labels, None, of.outcomes.read(at));
            }
        }
        text.family(&PROVIDER_DURATION);
        for (purpose, of) in provider() {
            histogram(&mut text, &PROVIDER_DURATION, &[purpose.name()], &of.took);
        }
        text.family(&ANSWER_DURATION);
        histogram(&mut text, &ANSWER_DURATION, &[], &self.answers);
        text.finish()
    }
}

fn histogram(text: &mut Text, family: &Family, labels: &[&str], histogram: &Histogram) {
    let (cumulated, count) = histogram.cumulated();
    for ((bound, _), value) in BOUNDS.iter().zip(cumulated) {
        text.sample(family, "_bucket", labels, Some(bound), value);
    }
    text.sample(family, "_bucket", labels, Some("+Inf"), count);
    text.sample(family, "_sum", labels, None, histogram.sum());
    text.sample(family, "_count", labels, None, count);
}

const REQUESTS: Family = Family {
    name: "oidc_gate_requests_total",
    kind: Kind::Counter,
    labels: "verdict",
    help: "Requests by what the gate decided about them.",
};
const BEARER: Family = Family {
    name: "oidc_gate_bearer_total",
    kind: Kind::Counter,
    labels: "verdict",
    help: "Bearer tokens by what they came to.",
};
const REFUSALS: Family = Family {
    name: "oidc_gate_refusals_total",
    kind: Kind::Counter,
    labels: "check",
    help: "Requests and logins that were refused, by the check that failed.",
};
const LOGINS_STARTED: Family = Family {
    name: "oidc_gate_logins_started_total",
    kind: Kind::Counter,
    labels: "",
    help: "Browsers that were sent to the provider.",
};
const LOGINS_SUCCEEDED: Family = Family {
    name: "oidc_gate_logins_succeeded_total",
    kind: Kind::Counter,
    labels: "",
    help: "Logins that ended in a session.",
};
const LOGINS_FAILED: Family = Family {
    name: "oidc_gate_logins_failed_total",
    kind: Kind::Counter,
    labels: "",
    help: "Logins that ended with an error page, before or after the provider.",
};
const SESSIONS_ENDED: Family = Family {
    name: "oidc_gate_sessions_ended_total",
    kind: Kind::Counter,
    labels: "by",
    help: "Sessions that were ended before their time.",
};
const REFRESHES: Family = Family {
    name: "oidc_gate_refreshes_total",
    kind: Kind::Counter,
    labels: "outcome",
    help: "Refreshes of sessions by what this process's attempt came to; one attempt serves all requests of a session.",
};
const PROVIDER_REQUESTS: Family = Family {
    name: "oidc_gate_provider_requests_total",
    kind: Kind::Counter,
    labels: "endpoint outcome",
    help: "Requests to the provider.",
};
const PROVIDER_DURATION: Family = Family {
    name: "oidc_gate_provider_request_duration_seconds",
    kind: Kind::Histogram,
    labels: "endpoint",
    help: "How long the provider took to answer, or to be given up.",
};
const ANSWER_DURATION: Family = Family {
    name: "oidc_gate_answer_duration_seconds",
    kind: Kind::Histogram,
    labels: "",
    help: "How long answers took that the gate had to work for: its endpoints, and logins that waited for the provider.",
};

/// All of them, in the order of the text.
#[cfg(test)]
const FAMILIES: [&Family; 11] = [
    &REQUESTS,
    &BEARER,
    &REFUSALS,
    &LOGINS_STARTED,
    &LOGINS_SUCCEEDED,
    &LOGINS_FAILED,
    &SESSIONS_ENDED,
    &REFRESHES,
    &PROVIDER_REQUESTS,
    &PROVIDER_DURATION,
    &ANSWER_DURATION,
];
