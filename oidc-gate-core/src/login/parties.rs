//! What every conversation that brings tokens knows, and how it reads them.

use super::{Asked, Registration, SignInRules};
use crate::{
    check::{Check, CheckFailed},
    claims::{ClaimsSource, Userinfo},
    flow::{Failure, KeyQuery},
    identity::Identity,
    jose::{AlgSet, JwkSet},
    provider::Metadata,
    secret::ClientSecret,
    token::{IdTokenClaims, UnverifiedIdToken},
    url::EndpointUrl,
};
use std::sync::Arc;

/// Who talks to whom, and by which rules.
#[derive(Clone, Debug)]
pub(super) struct Parties {
    pub(super) metadata: Arc<Metadata>,
    pub(super) registration: Arc<Registration>,
    pub(super) rules: Arc<SignInRules>,
}

/// Where the key of an ID token is.
pub(super) enum KeyOf<'a> {
    /// At hand: no published one is ever asked for.
    Client(&'a ClientSecret),
    /// Among those that the provider publishes.
    Provider(KeyQuery),
}

/// What a believed ID token is read by.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) claims: &'a IdTokenClaims,
    /// The scopes that were asked for.
    pub(super) asked: &'a str,
    /// Those that the token response names.
    pub(super) granted: Option<&'a str>,
    /// Who is signed in already.
    pub(super) known: Option<&'a Identity>,
}

/// What there is to do with a believed ID token.
pub(super) enum Next<'a> {
    /// It says all there is to know.
    Enough(Identity),
    /// Userinfo is to be asked.
    Ask(&'a EndpointUrl),
}

/// The algorithm that the client is registered for; else what the provider announces, as far as it is allowed. None
/// of it comes from the token
/// ([OpenID Connect Core § 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation), step
/// 7).
pub(crate) fn id_token_algs(
    registration: &Registration,
    rules: &SignInRules,
    metadata: &Metadata,
) -> AlgSet {
    match registration.id_token_alg {
        Some(alg) => [alg].into_iter().collect(),
        None => rules.algs.intersection(metadata.id_token_algs()),
    }
}

impl Parties {
    pub(super) fn algs(&self) -> AlgSet {
        id_token_algs(&self.registration, &self.rules, &self.metadata)
    }

    /// Where the key of this token is.
    ///
    /// # Errors
    ///
    /// [`Check::IdTokenAlg`], and [`Check::IdTokenSecret`] where it would be the client's secret and there is none.
    pub(super) fn key_of(&self, token: &UnverifiedIdToken) -> Result<KeyOf<'_>, CheckFailed> {
        let query = token.key_query(self.algs())?;
        if !query.alg.is_symmetric() {
            return Ok(KeyOf::Provider(query));
        }
        let missing = || CheckFailed::new(Check::IdTokenSecret, "the client has no secret");
        let secret = self.registration.client.secret().ok_or_else(missing)?;
        Ok(KeyOf::Client(secret))
    }

    /// Whether userinfo is to be asked, and who it is otherwise.
    ///
    /// # Errors
    ///
    /// What the rules for claims demand, where userinfo cannot mend it.
    pub(super) fn next(&self, told: Told<'_>) -> Result<Next<'_>, CheckFailed> {
        let rules = &self.rules.claims;
        match (rules.source, self.metadata.userinfo_endpoint()) {
            (ClaimsSource::IdToken, _) | (_, None) => self.identity(told, None).map(Next::Enough),
            (ClaimsSource::UserinfoAlways, Some(endpoint)) => Ok(Next::Ask(endpoint)),
            (ClaimsSource::UserinfoWhenNeeded, Some(endpoint)) => match self.identity(told, None) {
                Ok(identity) if !rules.misses(told.claims.as_map(), &identity, told.asked) => {
                    Ok(Next::Enough(identity))
                }
                // What userinfo says may mend a refusal.
                _ => Ok(Next::Ask(endpoint)),
            },
        }
    }

    /// Who it is, now that userinfo was asked.
    ///
    /// # Errors
    ///
    /// What userinfo failed with, unless it declined and is asked [when needed](ClaimsSource::UserinfoWhenNeeded) only; and
    /// what the rules for claims demand.
    pub(super) fn answered(
        &self,
        told: Told<'_>,
        userinfo: Result<Userinfo, CheckFailed>,
    ) -> Result<(Identity, Asked), CheckFailed> {
        let declined = match userinfo {
            Ok(userinfo) => return Ok((self.identity(told, Some(userinfo))?, Asked::Answered)),
            // The access token is for another API, as some providers make them. That is no fault of the user's.
            Err(declined)
                if declined.check() == Check::UserinfoRefused
                    && self.rules.claims.source == ClaimsSource::UserinfoWhenNeeded =>
            {
                declined
            }
            Err(failed) => return Err(failed),
        };
        let identity = self.identity(told, None).map_err(|failed| {
            let cause = format!("{}; {}", failed.cause(), declined.cause());
            CheckFailed::new(failed.check(), cause)
        })?;
        Ok((identity, Asked::Declined(declined)))
    }

    fn identity(
        &self,
        told: Told<'_>,
        userinfo: Option<Userinfo>,
    ) -> Result<Identity, CheckFailed> {
        let (rules, claims) = (&*self.rules, told.claims.clone());
        let scopes = told.granted.unwrap_or(told.asked);
        match told.known {
            None => claims.into_identity(&rules.provider, &rules.claims, userinfo, scopes),
            Some(known) => claims.into_renewed(known, &rules.claims, userinfo, scopes),
        }
    }
}

/// An ID token whose key is being looked for among the published ones.
#[derive(Debug)]
pub(super) struct Seeking {
    token: UnverifiedIdToken,
    /// Keys were tried in vain.
    again: bool,
}

/// What came of looking.
pub(super) enum Sought {
    /// These keys are the ones to hold the token against.
    Found(UnverifiedIdToken, Arc<JwkSet>),
    /// The provider is to be asked for others.
    Others(Seeking, KeyQuery),
}

impl Seeking {
    pub(super) fn key_of(token: UnverifiedIdToken) -> Self {
        Self {
            token,
            again: false,
        }
    }

    /// Takes the keys that were found, or asks for [others](UnverifiedIdToken::other_keys), once.
    pub(super) fn among(self, keys: Arc<JwkSet>) -> Sought {
        let others = match self.again {
            true => None,
            false => self.token.other_keys(&keys),
        };
        match others {
            None => Sought::Found(self.token, keys),
            Some(query) => Sought::Others(
                Self {
                    again: true,
                    ..self
                },
                query,
            ),
        }
    }
}

/// Whoever holds the client's key did not sign.
pub(super) fn unsigned(failure: Failure) -> CheckFailed {
    let cause = match failure {
        Failure::NotSent | Failure::TooLarge => "whoever holds the client's key did not sign",
        Failure::Unknown => "whoever holds the client's key did not answer in time",
    };
    CheckFailed::new(Check::ClientKey, cause)
}

/// The token request came to nothing.
pub(super) fn unanswered(failure: Failure) -> CheckFailed {
    match failure {
        Failure::NotSent => CheckFailed::new(
            Check::ProviderUnreachable,
            "the token request could not be sent",
        ),
        Failure::Unknown => {
            CheckFailed::new(Check::TokenUnavailable, "the token endpoint did not answer")
        }
        Failure::TooLarge => {
            CheckFailed::new(Check::ProviderTooLarge, "the token response is too large")
        }
    }
}
