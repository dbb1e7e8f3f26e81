//! The end of sessions at the provider, and who has to hear of it.

use super::{
    ClientLogout, DevProvider, LogoutFault, LogoutHabit,
    client_logout::{ClientLogouts, Session},
    deliver::{LogoutDelivery, Sites},
    state::{Bounded, key},
};
use crate::core::form::with_query;
use std::collections::{BTreeSet, VecDeque};

/// What is remembered of logouts.
pub(super) struct Logouts {
    pub(super) clients: ClientLogouts,
    pub(super) faults: BTreeSet<LogoutFault>,
    pub(super) habits: BTreeSet<LogoutHabit>,
    /// Which clients have signed somebody in under which session.
    visits: Bounded<Visit>,
    /// What was sent, the latest last.
    pub(super) sent: VecDeque<LogoutDelivery>,
    pub(super) sites: Sites,
}

/// A client that has signed somebody in under a session of ours.
#[derive(Clone)]
struct Visit {
    client_id: String,
    subject: String,
    sid: String,
}

/// Whom to tell that sessions have ended.
#[derive(Clone, Default)]
pub(super) struct Ended {
    /// Logout tokens, on their way.
    pub(super) letters: Vec<Letter>,
    /// Addresses of frames.
    pub(super) frames: Vec<String>,
}

/// A logout token on its way.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) client_id: String,
    pub(super) uri: String,
    pub(super) token: String,
}

impl Logouts {
    pub(super) fn new(max: usize) -> Self {
        Self {
            clients: ClientLogouts::new(),
            faults: BTreeSet::new(),
            habits: BTreeSet::new(),
            visits: Bounded::new(max),
            sent: VecDeque::new(),
            sites: Sites::default(),
        }
    }
}

impl DevProvider {
    /// Signs this user out everywhere: every session at this provider ends, and its clients are told. What came of it, once
    /// each client has answered or had its time; the same as [`deliveries`](Self::deliveries) adds.
    ///
    /// A client is told that registered an address for it, see [`ClientLogout`], and has signed the user in. Tokens that were
    /// issued before stay good, and so does a code that is not redeemed yet.
    ///
    /// ```
    /// # async fn a_test(provider: oidc_gate_tower::dev::DevProvider) {
    /// let told = provider.log_out("alice").await;
    /// assert!(told.iter().all(|delivery| delivery.was_taken()));
    /// # }
    /// ```
    pub async fn log_out(&self, subject: &str) -> Vec<LogoutDelivery> {
        let ended = self.end_sessions(|visit_subject, _| visit_subject == subject);
        self.send(ended).await
    }

    /// Ends one session at this provider, by the `sid` that its ID tokens carry, and tells its clients, as
    /// [`log_out`](Self::log_out) does.
    pub async fn log_out_session(&self, sid: &str) -> Vec<LogoutDelivery> {
        let ended = self.end_sessions(|_, visit_sid| visit_sid == sid);
        self.send(ended).await
    }

    /// A client signs somebody in.
    pub(super) fn visited(&self, client_id: &str, subject: &str, sid: &str) {
        let visit = Visit {
            client_id: client_id.to_owned(),
            subject: subject.to_owned(),
            sid: sid.to_owned(),
        };
        let name = key(&format!("{sid} {client_id}"));
        self.state().logouts.visits.insert(name, visit);
    }

    /// Ends the sessions of which `which` says so by subject and `sid`. Nobody is told yet.
    pub(super) fn end_sessions(&self, which: impl Fn(&str, &str) -> bool) -> Ended {
        let mut over: Vec<(Visit, ClientLogout)> = {
            let mut state = self.state();
            state
                .sessions
                .retain(|session| !which(session.user.subject(), &session.sid));
            let logouts = &mut state.logouts;
            let all = logouts
                .visits
                .take(|visit| which(&visit.subject, &visit.sid));
            all.into_iter()
                .filter_map(|visit| {
                    Some((
                        visit.clone(),
                        logouts.clients.get(&visit.client_id)?.clone(),
                    ))
                })
                .collect()
        };
        over.sort_by(|(a, _), (b, _)| (&a.client_id, &a.sid).cmp(&(&b.client_id, &b.sid)));
        let issuer = self.issuer();
        let mut ended = Ended::default();
        let mut by_subject = BTreeSet::new();
        for (visit, client) in over {
            if let Some(uri) = client.frontchannel {
                ended.frames.push(match client.frontchannel_session {
                    Session::Required => with_query(&uri, [("iss", &*issuer), ("sid", &visit.sid)]),
                    Session::Optional => uri,
                });
            }
            let Some(uri) = client.backchannel else {
                continue;
            };
            let (subject, sid) = self.named(client.backchannel_session, &visit.subject, &visit.sid);
            let told = (visit.client_id.clone(), visit.subject.clone());
            if sid.is_none() && !by_subject.insert(told) {
                continue;
            }
            // Without randomness there are no sessions either.
            if let Ok(token) = self.make_logout_token(&visit.client_id, subject, sid) {
                ended.letters.push(Letter {
                    client_id: visit.client_id,
                    uri,
                    token,
                });
            }
        }
        ended
    }
}
