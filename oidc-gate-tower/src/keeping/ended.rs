//! What is left of sessions that have ended: the tokens that the provider would take for good.

use super::Answers;
use crate::{
    core::{
        session::{
            StoreKey, Tokens,
            coordinate::{Before, Changed, EndAndTake, Last, UpdateError},
        },
        time::UnixTime,
    },
    recognise::Present,
    sessions::Sessions,
};
use http::HeaderMap;
use std::sync::Arc;

/// Sessions that have ended at once.
pub(crate) struct Ended {
    /// Whether one of them lived until then, as far as is known.
    pub(crate) changed: Changed,
    pub(crate) tokens: Vec<Tokens>,
}

impl Default for Ended {
    fn default() -> Self {
        Self {
            changed: Changed::No,
            tokens: Vec::new(),
        }
    }
}

impl Ended {
    /// One more. `in_cookies` are the tokens that came along with it, which count where a store has none. Those of a session
    /// that was over are worth nothing: whoever ended it has seen to them.
    pub(super) fn add(&mut self, last: Last, in_cookies: impl FnOnce() -> Option<Tokens>) {
        if last.changed == Changed::Yes {
            self.changed = Changed::Yes;
        }
        self.tokens.extend(match last.before {
            Before::Over => None,
            Before::Nothing => in_cookies(),
            Before::Live { tokens, .. } => tokens.or_else(in_cookies),
        });
    }
}

impl Sessions {
    /// As [`end`](Self::end), and says what the store had of it.
    pub(crate) async fn end_and_take(
        self: &Arc<Self>,
        key: StoreKey,
        until: UnixTime,
    ) -> Result<Last, UpdateError> {
        let last = self.end_and_take_untold(key, until).await;
        if !matches!(&last, Ok(last) if last.changed == Changed::No) {
            self.tell(vec![key]);
        }
        last
    }

    /// As [`end_and_take`](Self::end_and_take), for whoever [tells](Self::tell) of many at once.
    pub(super) async fn end_and_take_untold(
        &self,
        key: StoreKey,
        until: UnixTime,
    ) -> Result<Last, UpdateError> {
        let end = || EndAndTake::of(&self.keys.now(), key, until);
        match self.tried(end).await {
            // Most likely by the try whose answer was lost, and what stood there with it. What came in cookies is known.
            (Ok(mut last), Answers::Lost) if last.changed == Changed::No => {
                (last.changed, last.before) = (Changed::Yes, Before::Nothing);
                Ok(last)
            }
            (last, _) => last,
        }
    }

    /// All tokens of a session that a request brings, wherever they are.
    pub(crate) fn all_tokens_in(&self, present: &Present, headers: &HeaderMap) -> Option<Tokens> {
        let keys = self.keys.now();
        let kept = present.kept();
        kept.tokens(&keys, |session| {
            session.open_tokens(&keys, &self.names, headers)
        })
    }
}
