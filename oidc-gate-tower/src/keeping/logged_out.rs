//! The provider has ended sessions.

use super::{SessionsError, listed::unread};
use crate::{
    core::{
        logout::LogoutOf,
        session::coordinate::{Changed, Delist, LogOut, Marks, Scope},
    },
    metrics::EndedBy,
    sessions::Sessions,
};
use std::sync::Arc;

impl Sessions {
    /// Ends the sessions that a provider has ended, and sees to it that no login that is under way becomes one. Says how many
    /// it has ended, which are counted as ended `by` that.
    ///
    /// # Errors
    ///
    /// If the store does not answer, or the list does not open. What was to be ended may have been in part; to ask again is
    /// harmless, and a session that has been ended is not counted again.
    pub(crate) async fn log_out(
        self: &Arc<Self>,
        logout: &LogoutOf,
        marks: Marks,
        by: EndedBy,
    ) -> Result<usize, SessionsError> {
        let keys = self.keys.now();
        let all = self.surely(|| LogOut::of(&keys, logout, marks)).await;
        let mut all = all.map_err(unread)?;
        let listed: Vec<_> = all.iter().map(|session| session.key).collect();
        if let Some(mut nameless) = LogOut::nameless(&keys, logout, marks) {
            all.extend(self.run(&mut nameless).await.map_err(unread)?);
        }
        let (mut ended, mut failed) = (Vec::new(), None);
        for session in all {
            match self.end_untold(session.key, session.ends).await {
                Ok(Changed::Yes) => {
                    self.common.metrics.session_ended(by);
                    ended.push(session.key);
                }
                Ok(Changed::No) => {}
                // One that cannot be ended now is no reason to leave the others.
                Err(_) => failed = Some(SessionsError::StoreDown),
            }
        }
        let count = ended.len();
        self.tell(ended);
        if let Some(failed) = failed {
            return Err(failed);
        }
        if !listed.is_empty() {
            // Last: until then it is a logout that can be asked for again.
            self.in_background(Delist::of(&keys, Scope::of(logout), listed));
        }
        Ok(count)
    }
}
