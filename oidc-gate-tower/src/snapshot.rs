//! A value that all requests read and few change.

use arc_swap::{ArcSwap, Guard};
use std::sync::{Arc, Mutex, PoisonError};

/// A value that is read without a lock, as it was at one moment. Who changes it puts a changed copy in its place, one after
/// the other.
#[derive(Default)]
pub(crate) struct Snapshot<T> {
    now: ArcSwap<T>,
    changing: Mutex<()>,
}

impl<T: Clone> Snapshot<T> {
    /// As it is now.
    pub(crate) fn read(&self) -> Guard<Arc<T>> {
        self.now.load()
    }

    /// Changes it. What others see meanwhile is what was there before.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let _only = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut value = T::clone(&self.now.load());
        let result = change(&mut value);
        self.now.store(Arc::new(value));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_is_lost_and_none_is_half_seen() {
        let pair = Snapshot::<(u32, u32)>::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        pair.change(|(one, other)| (*one, *other) = (*one + 1, *other + 1));
                        let (one, other) = **pair.read();
                        assert_eq!(one, other);
                    }
                });
            }
        });
        assert_eq!(**pair.read(), (2000, 2000));
    }
}
