//! What the gate knows of the provider that it signs users in with.

use crate::{
    core::{
        check::{Check, CheckFailed},
        identity::Identity,
        login::{Prepared, Registration, SignInRules, check_claims_source, check_compatible},
        provider::{Metadata, may_be_outdated},
        url::Issuer,
    },
    outside::Outside,
    provider::{KeyCache, MetadataSource},
    published::Published,
    tasks::Tasks,
};
use arc_swap::ArcSwapOption;
use std::{fmt, ops::Deref, sync::Arc};

pub(crate) use crate::published::Unavailable;

/// The provider: what it publishes, who we are there, and what makes a login one.
#[derive(Clone)]
pub(crate) struct Upstream {
    published: Published<Metadata>,
    registration: Arc<Registration>,
    rules: Arc<SignInRules>,
    /// What logins begin with, as long as the metadata is the same.
    prepared: Arc<ArcSwapOption<Prepared>>,
}

impl Upstream {
    pub(crate) fn new(
        issuer: Issuer,
        source: MetadataSource,
        key_cache: KeyCache,
        registration: Registration,
        rules: SignInRules,
        outside: Outside,
        tasks: Arc<Tasks>,
    ) -> Self {
        Self {
            published: Published::new(issuer, source, key_cache, outside, tasks),
            registration: Arc::new(registration),
            rules: Arc::new(rules),
            prepared: Arc::default(),
        }
    }

    /// What it publishes, for whoever verifies its tokens.
    pub(crate) fn published(&self) -> &Published<Metadata> {
        &self.published
    }

    /// Whether an identity comes from this provider.
    pub(crate) fn vouches_for(&self, identity: &Identity) -> bool {
        let (provider, ours) = (identity.provider(), &*self.rules.provider);
        // Most have no name, and an empty box points to no memory: see `keeping::opened`.
        let is_ours = provider.len() == ours.len() && (ours.is_empty() || provider == ours);
        is_ours && identity.issuer() == self.issuer().as_str()
    }

    pub(crate) fn registration(&self) -> &Arc<Registration> {
        &self.registration
    }

    pub(crate) fn rules(&self) -> &Arc<SignInRules> {
        &self.rules
    }

    /// Whether a login can work with this metadata at all.
    pub(crate) fn check(&self, metadata: &Metadata) -> Result<(), CheckFailed> {
        check_compatible(metadata, &self.registration)?;
        check_claims_source(metadata, self.rules.claims.source)
    }

    /// What logins with this metadata begin with, if one can work at all.
    pub(crate) fn prepared(&self, metadata: &Arc<Metadata>) -> Result<Arc<Prepared>, CheckFailed> {
        if let Some(known) = &*self.prepared.load()
            && known.is_of(metadata)
        {
            return Ok(known.clone());
        }
        let made = Arc::new(Prepared::new(metadata.clone(), self.registration.clone())?);
        check_claims_source(metadata, self.rules.claims.source)?;
        self.prepared.store(Some(made.clone()));
        Ok(made)
    }

    /// A login failed at this check. If outdated metadata would explain that, the next login asks for new metadata.
    pub(crate) fn failed(&self, check: Check) {
        if may_be_outdated(check) {
            self.published.doubt();
        }
    }
}

impl Deref for Upstream {
    type Target = Published<Metadata>;

    fn deref(&self) -> &Published<Metadata> {
        &self.published
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("issuer", self.issuer())
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}
