//! The provider has ended sessions.

use super::SessionsError;
use crate::{
    core::{
        logout::LogoutOf,
        session::coordinate::{Changed, LogOut, Marks, UpdateError},
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
        let all = all.map_err(|error| match error {
            UpdateError::Failed(_) => SessionsError::Unreadable,
            _ => SessionsError::StoreDown,
        })?;
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
        failed.map_or(Ok(count), Err)
    }
}
