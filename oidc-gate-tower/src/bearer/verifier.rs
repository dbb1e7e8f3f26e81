//! From a request's headers to a caller: what was verified before at once, the rest as soon as the issuer's keys are there.

use super::{
    Accepted, Sight,
    verified::{Entry, VerifiedTokens},
};
use crate::{
    core::{
        check::CheckFailed,
        flow::KeyQuery,
        jose::JwkSet,
        provider::{IssuerMetadata, Metadata},
        resource::{BasicTokens, Bearers, Candidate, Verified, offered},
        secret::AccessToken,
        time::UnixTime,
        url::Issuer,
    },
    metrics::{Metrics, TokenOutcome},
    outside::Outside,
    ports::Clock,
    provider::KeyCache,
    published::{Published, Unavailable},
    tasks::Tasks,
    upstream::Upstream,
};
use http::HeaderMap;
use std::{fmt, sync::Arc};

/// The tokens that a gate accepts, and the keys of their issuers.
pub(crate) struct Verifier {
    bearers: Bearers,
    rings: Vec<Ring>,
    basic: BasicTokens,
    verified: VerifiedTokens,
    clock: Arc<dyn Clock>,
    /// Where it is counted what tokens come to, if it is.
    metrics: Option<Arc<Metrics>>,
}

/// An issuer's keys.
enum Ring {
    /// The provider's, which logins use too.
    Provider(Published<Metadata>),
    Other(Published<IssuerMetadata>),
}

impl Ring {
    fn issuer(&self) -> &Issuer {
        match self {
            Self::Provider(published) => published.issuer(),
            Self::Other(published) => published.issuer(),
        }
    }

    fn generation(&self) -> u64 {
        match self {
            Self::Provider(published) => published.generation(),
            Self::Other(published) => published.generation(),
        }
    }

    fn keys_at_hand(&self, query: &KeyQuery) -> Option<Arc<JwkSet>> {
        match self {
            Self::Provider(published) => published.keys_at_hand(query),
            Self::Other(published) => published.keys_at_hand(query),
        }
    }

    async fn keys(&self, query: KeyQuery) -> Result<Arc<JwkSet>, Unavailable> {
        match self {
            Self::Provider(published) => published.keys(query).await,
            Self::Other(published) => published.keys(query).await,
        }
    }
}

/// What verifying takes of the world.
pub(crate) struct World {
    pub(crate) outside: Outside,
    pub(crate) tasks: Arc<Tasks>,
}

impl Verifier {
    /// Tokens by these rules. Rules of one issuer share its keys, and those of the provider share its with the logins; of two
    /// that say differently where the keys are, the first decides, and of two that say how long they may be used, the shorter.
    pub(crate) fn new(accepted: Vec<Accepted>, provider: Option<&Upstream>, world: World) -> Self {
        let clock = world.outside.clock.clone();
        let metrics = world.outside.metrics.clone();
        let (mut rings, mut rules, mut basic) =
            (Vec::<Ring>::new(), Vec::new(), BasicTokens::Ignored);
        let caches: Vec<_> = (accepted.iter())
            .map(|one| (one.rules.issuer.clone(), one.key_cache))
            .collect();
        for one in accepted {
            if one.basic == BasicTokens::Taken {
                basic = BasicTokens::Taken;
            }
            let issuer = one.rules.issuer.clone();
            if !rings.iter().any(|ring| *ring.issuer() == issuer) {
                let (outside, tasks) = (world.outside.clone(), world.tasks.clone());
                rings.extend(match (one.source, provider) {
                    (Some(source), _) => {
                        let of_it = caches.iter().filter(|(of, _)| *of == issuer);
                        let cache =
                            of_it.fold(KeyCache::default(), |most, (_, one)| most.and(*one));
                        let published = Published::new(issuer, source, cache, outside, tasks);
                        Some(Ring::Other(published))
                    }
                    (None, provider) => {
                        provider.map(|upstream| Ring::Provider(upstream.published().clone()))
                    }
                });
            }
            rules.push(one.rules);
        }
        Self {
            bearers: Bearers::new(rules),
            rings,
            basic,
            verified: VerifiedTokens::new(),
            clock,
            metrics,
        }
    }

    /// Whose request it is, by its `Authorization`.
    pub(crate) fn look(self: &Arc<Self>, headers: &HeaderMap, now: UnixTime) -> Sight {
        let token = match offered(headers, self.basic) {
            Ok(Some(token)) => token,
            Ok(None) => return Sight::Nothing,
            Err(failed) => return self.counted(Sight::Bad(failed)),
        };
        let generation = |issuer: usize| self.rings.get(issuer).map_or(0, Ring::generation);
        if let Some(identity) = self.verified.get(token.bytes(), now, generation) {
            self.count(TokenOutcome::Cached);
            return Sight::Good(identity);
        }
        match token.read() {
            Ok(token) => self.look_at(token.expose(), now),
            Err(failed) => self.counted(Sight::Bad(failed)),
        }
    }

    /// The same for a token that is not known.
    fn look_at(self: &Arc<Self>, token: &str, now: UnixTime) -> Sight {
        let candidate = match self.bearers.read(token) {
            Ok(candidate) => candidate,
            Err(failed) => return self.counted(Sight::Bad(failed)),
        };
        let Some((ring, generation)) = self.ring(&candidate) else {
            return self.counted(Sight::NoTelling);
        };
        let at_hand = self
            .rings
            .get(ring)
            .and_then(|ring| ring.keys_at_hand(&candidate.key_query()));
        if let Some(keys) = at_hand {
            let verified = candidate.verify(&keys, now);
            let other_keys = |failed| candidate.other_keys(failed, &keys);
            if verified.as_ref().err().and_then(other_keys).is_none() {
                return self.counted(self.judge(verified, (ring, generation), token, now));
            }
        }
        let (this, token) = (self.clone(), AccessToken::new(token));
        Sight::Later(Box::pin(async move {
            let sight = this.wait(&token).await;
            this.counted(sight)
        }))
    }

    /// What a token came to that was not known, counted.
    fn counted(&self, sight: Sight) -> Sight {
        match &sight {
            Sight::Good(_) => self.count(TokenOutcome::Valid),
            Sight::Bad(_) => self.count(TokenOutcome::Invalid),
            Sight::NoTelling => self.count(TokenOutcome::Unavailable),
            // There is none, or it is counted when it has come to something.
            Sight::Nothing | Sight::Later(_) => {}
        }
        sight
    }

    fn count(&self, outcome: TokenOutcome) {
        if let Some(metrics) = &self.metrics {
            metrics.token_came_to(outcome);
        }
    }

    /// As `look`, with the keys fetched if need be.
    async fn wait(&self, token: &AccessToken) -> Sight {
        let token = token.expose();
        let candidate = match self.bearers.read(token) {
            Ok(candidate) => candidate,
            Err(failed) => return Sight::Bad(failed),
        };
        let Some((at, mut generation)) = self.ring(&candidate) else {
            return Sight::NoTelling;
        };
        let Some(ring) = self.rings.get(at) else {
            return Sight::NoTelling;
        };
        let Ok(keys) = ring.keys(candidate.key_query()).await else {
            return Sight::NoTelling;
        };
        let mut verified = candidate.verify(&keys, self.clock.now());
        if let Err(failed) = &verified
            && let Some(other) = candidate.other_keys(failed, &keys)
        {
            generation = ring.generation();
            if let Ok(newer) = ring.keys(other).await {
                verified = candidate.verify(&newer, self.clock.now());
            }
        }
        self.judge(verified, (at, generation), token, self.clock.now())
    }

    /// Asks every issuer for its metadata, unless that is known.
    pub(crate) async fn ready(&self) -> Result<(), CheckFailed> {
        for ring in &self.rings {
            match ring {
                Ring::Provider(published) => drop(published.metadata().await?),
                Ring::Other(published) => drop(published.metadata().await?),
            }
        }
        Ok(())
    }

    /// Which keys are a token's, and what was published when they were looked for.
    fn ring(&self, candidate: &Candidate<'_>) -> Option<(usize, u64)> {
        let at = (self.rings.iter()).position(|ring| ring.issuer() == candidate.issuer())?;
        Some((at, self.rings.get(at)?.generation()))
    }

    /// What a token comes to, which is remembered if it is good.
    fn judge(
        &self,
        verified: Result<Verified, CheckFailed>,
        (issuer, generation): (usize, u64),
        token: &str,
        now: UnixTime,
    ) -> Sight {
        let verified = match verified {
            Ok(verified) => verified,
            Err(failed) => return Sight::Bad(failed),
        };
        let identity = Arc::new(verified.identity);
        let entry = Entry {
            identity: identity.clone(),
            issuer,
            generation,
            expires_at: verified.expires_at,
        };
        self.verified.insert(token, entry, now);
        Sight::Good(identity)
    }

    /// Which issuer's tokens are made for which audience, for tests that make some.
    #[cfg(feature = "testing")]
    pub(crate) fn rules(&self) -> &[crate::core::resource::TokenRules] {
        self.bearers.rules()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("bearers", &self.bearers)
            .finish_non_exhaustive()
    }
}
