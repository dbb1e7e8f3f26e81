//! Sessions that were opened a moment ago.

use super::Caller;
use arc_swap::ArcSwapOption;
use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

const SLOTS: usize = 1024;
/// The end of a cookie is its tag, which nobody chooses without the key.
const TAG: usize = 22;

struct Kept {
    value: Box<[u8]>,
    caller: Caller,
}

/// A table of fixed size. Only what was opened gets in, and what is found is compared as a whole.
pub(super) struct Recent {
    slots: Box<[ArcSwapOption<Kept>]>,
    hasher: RandomState,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            slots: std::iter::repeat_with(ArcSwapOption::empty)
                .take(SLOTS)
                .collect(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn get(&self, value: &[u8]) -> Option<Caller> {
        let kept = self.slot(value)?.load();
        let kept = kept.as_ref().filter(|kept| *kept.value == *value)?;
        kept.caller.is_alive().then(|| kept.caller.clone())
    }

    pub(super) fn put(&self, value: &[u8], caller: &Caller) {
        let kept = Kept {
            value: value.into(),
            caller: caller.clone(),
        };
        if let Some(slot) = self.slot(value) {
            slot.store(Some(Arc::new(kept)));
        }
    }

    fn slot(&self, value: &[u8]) -> Option<&ArcSwapOption<Kept>> {
        let (_, tag) = value.split_at_checked(value.len().checked_sub(TAG)?)?;
        let hash = self.hasher.hash_one(tag);
        self.slots.get(usize::try_from(hash).ok()? % SLOTS)
    }
}
