//! How long what a provider publishes may be used before it is asked again.

use super::Provider;
use crate::core::provider::Fetched;
use std::time::Duration;

/// The most that is set, if any is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyCache(Option<Duration>);

impl Provider {
    /// For how long the provider's keys and metadata may be used before it is asked for them again, from one minute to 24
    /// hours. Unless set, it is what the provider's `Cache-Control` says, between five minutes and a day.
    ///
    /// A provider that allows less is asked more often. For five minutes afterwards nobody waits: what is known is used while
    /// it is fetched anew. A key that is not known is looked for at once, and what is known outlasts a provider that is down
    /// by a day at most.
    ///
    /// # Security
    ///
    /// A key that the provider has withdrawn is believed for as long, and for these five minutes.
    pub fn key_cache(mut self, age: Duration) -> Self {
        self.key_cache = KeyCache::of(age);
        self
    }
}

impl KeyCache {
    const LEAST: Duration = Duration::from_secs(60);
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);

    pub(crate) fn of(age: Duration) -> Self {
        Self(Some(age))
    }

    /// The shorter one: what is fetched once for both must not be kept too long for either.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0.into_iter().chain(other.0).min())
    }

    pub(crate) fn is_set(self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn limit<T>(self, fetched: Fetched<T>) -> Fetched<T> {
        match self.0 {
            Some(most) => fetched.at_most(most),
            None => fetched,
        }
    }

    /// What is wrong with it, as `setting: problem`.
    pub(crate) fn problem(self) -> Option<String> {
        let age = self.0?;
        let what = match age {
            age if age < Self::LEAST => "the provider would be asked all the time",
            age if age > Self::MOST => "a withdrawn key has to go away",
            _ => return None,
        };
        Some(format!(
            "key_cache: {} s; {what}, so use 60 s to 86400 s",
            age.as_secs()
        ))
    }
}
