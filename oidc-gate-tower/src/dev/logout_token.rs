//! What a client is told when a session has ended
//! ([Back-Channel Logout § 2.4](https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken)).

use super::{
    DevProvider, LogoutHabit,
    client_logout::Session,
    logout_fault::sign,
    state::{NoRandomness, new_handle},
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The member of `events` that makes a token one of a logout.
pub(super) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a logout token is valid.
const LIFE: Duration = Duration::from_secs(120);

impl DevProvider {
    /// A logout token for this client, signed as every other of this provider's tokens, and with its faults and habits. It
    /// names the user, the session, or both; nothing ends at the provider, and nobody is told: for tests that post it
    /// themselves.
    ///
    /// ```
    /// use oidc_gate_tower::dev::DevProvider;
    /// let provider = DevProvider::demo();
    /// let token = provider.logout_token("app", Some("alice"), None);
    /// assert_eq!(token.split('.').count(), 3);
    /// ```
    ///
    /// # Panics
    ///
    /// If the system has no randomness to give.
    pub fn logout_token(
        &self,
        client_id: &str,
        subject: Option<&str>,
        sid: Option<&str>,
    ) -> String {
        match self.make_logout_token(client_id, subject, sid) {
            Ok(token) => token,
            Err(NoRandomness) => panic!("no randomness for a logout token"),
        }
    }

    pub(super) fn make_logout_token(
        &self,
        client_id: &str,
        subject: Option<&str>,
        sid: Option<&str>,
    ) -> Result<String, NoRandomness> {
        let now = self.now();
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("iss", self.issuer().into());
        set("aud", client_id.into());
        set("iat", now.as_secs().into());
        set("exp", (now + LIFE).as_secs().into());
        set("jti", new_handle()?.into());
        set("events", json!({ EVENT: {} }));
        if let Some(subject) = subject {
            set("sub", subject.into());
        }
        if let Some(sid) = sid {
            set("sid", sid.into());
        }
        self.spoil_logout_claims(&mut claims);
        let (faults, habits) = {
            let logouts = &self.state().logouts;
            (logouts.faults.clone(), logouts.habits.clone())
        };
        sign(self.keys().signing(), claims, &faults, &habits).map_err(|_| NoRandomness)
    }

    /// Which of user and session a logout token names.
    pub(super) fn named<'a>(
        &self,
        session: Session,
        subject: &'a str,
        sid: &'a str,
    ) -> (Option<&'a str>, Option<&'a str>) {
        let by_subject = self.does_at_logout(LogoutHabit::SubjectOnly);
        let by_session = self.does_at_logout(LogoutHabit::SessionOnly);
        match (by_subject, by_session, session) {
            (true, false, Session::Optional) => (Some(subject), None),
            (false, true, _) => (None, Some(sid)),
            _ => (Some(subject), Some(sid)),
        }
    }
}
