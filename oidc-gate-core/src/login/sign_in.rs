//! From a code to an identity.

use super::{ClaimsRequest, Grant, Registration, ReturnTo, check_compatible};
use crate::{
    check::{Check, CheckFailed, quote},
    flow::{Env, Exchange, Failure, Flow, Input, Step},
    identity::Identity,
    jose::{AlgSet, TrustedKeys},
    provider::Metadata,
    time::UnixTime,
    token::{Expectations, TokenResponse, UnverifiedIdToken, request},
};
use std::{mem, sync::Arc, time::Duration};

/// What a sign-in is held to, beyond the specification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignInRules {
    /// The configured name of the provider; empty for the unnamed one.
    pub provider: Box<str>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Audiences beside the client that an ID token may name.
    pub trusted_audiences: Vec<String>,
    /// The algorithms to accept, of those that the provider announces. Where the registration
    /// [names one](Registration::id_token_alg), that one alone is accepted and this is not asked.
    pub algs: AlgSet,
    /// Where in the claims the groups are: one name per level, because claim names hold dots and slashes.
    pub groups_path: Vec<String>,
}

/// # Defaults
///
/// 30 seconds of leeway, no further audience, every asymmetric algorithm there is, groups at `groups`.
impl Default for SignInRules {
    fn default() -> Self {
        Self {
            provider: "".into(),
            leeway: Duration::from_secs(30),
            trusted_audiences: Vec::new(),
            algs: AlgSet::asymmetric(),
            groups_path: vec!["groups".to_owned()],
        }
    }
}

/// Redeems a code and checks what comes of it: token request, keys, ID token
/// ([OpenID Connect Core § 3.1.3](https://openid.net/specs/openid-connect-core-1_0.html#TokenEndpoint)).
///
/// From its first step on it cannot be repeated: the code is used up. Whoever drives it must not drop it half-way.
#[derive(Debug)]
pub struct SignIn {
    metadata: Arc<Metadata>,
    registration: Arc<Registration>,
    rules: Arc<SignInRules>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin(Box<Grant>),
    Exchange(Box<Grant>),
    Keys(Box<Received>),
    Over,
}

/// What the token endpoint answered.
#[derive(Debug)]
struct Received {
    grant: Box<Grant>,
    tokens: TokenResponse,
    unverified: UnverifiedIdToken,
}

/// What a sign-in comes to.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who signed in.
    pub identity: Identity,
    /// The session's name at the provider, if it has one.
    pub provider_session: Option<String>,
    /// Where the user wanted to go.
    pub return_to: ReturnTo,
    /// What the provider issued.
    pub tokens: TokenResponse,
}

impl SignIn {
    /// The sign-in that `grant` allows.
    pub fn new(
        metadata: Arc<Metadata>,
        registration: Arc<Registration>,
        rules: Arc<SignInRules>,
        grant: Grant,
    ) -> Self {
        Self {
            metadata,
            registration,
            rules,
            stage: Stage::Begin(Box::new(grant)),
        }
    }

    fn exchange(&mut self, grant: Box<Grant>) -> Result<Step<Output>, CheckFailed> {
        // The login began at one issuer; if the configuration has changed meanwhile, its code is not for this one.
        if grant.issuer() != self.metadata.issuer() {
            let (begun, now) = (
                quote(grant.issuer().as_str()),
                quote(self.metadata.issuer().as_str()),
            );
            let cause = format!("the login began at {begun}, the provider is now {now}");
            return Err(CheckFailed::new(Check::CallbackIssuer, cause));
        }
        check_compatible(&self.metadata, &self.registration)?;
        let request = request::authorization_code(
            self.metadata.token_endpoint(),
            &self.registration.client,
            &grant.code,
            &self.registration.redirect_uri,
            &grant.verifier,
            &self.registration.wishes.resource,
        )
        .map_err(|_| CheckFailed::new(Check::MetadataMalformed, "the token endpoint is no URI"))?;
        self.stage = Stage::Exchange(grant);
        Ok(Step::Send(Exchange::new(request)))
    }

    fn answered(
        &mut self,
        grant: Box<Grant>,
        response: &http::Response<Vec<u8>>,
        now: UnixTime,
    ) -> Result<Step<Output>, CheckFailed> {
        let tokens = TokenResponse::parse(response)?;
        let missing = || {
            CheckFailed::new(
                Check::IdTokenMissing,
                "the token response carries no id_token",
            )
        };
        let unverified = UnverifiedIdToken::parse(tokens.id_token.as_ref().ok_or_else(missing)?)?;
        let query = unverified.key_query(self.algs())?;
        let received = Box::new(Received {
            grant,
            tokens,
            unverified,
        });
        if query.alg.is_symmetric() {
            // The key is at hand: no published one is ever asked for.
            let secret = self.registration.client.method().secret().ok_or_else(|| {
                CheckFailed::new(Check::IdTokenSecret, "the client has no secret")
            })?;
            return self.believe(*received, secret.into(), now);
        }
        self.stage = Stage::Keys(received);
        Ok(Step::FindKeys(query))
    }

    /// The algorithm that the client is registered for; else what the provider announces, as far as it is allowed. None
    /// of it comes from the token
    /// ([OpenID Connect Core § 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation), step
    /// 7).
    fn algs(&self) -> AlgSet {
        match self.registration.id_token_alg {
            Some(alg) => [alg].into_iter().collect(),
            None => self.rules.algs.intersection(self.metadata.id_token_algs()),
        }
    }

    fn believe(
        &self,
        received: Received,
        keys: TrustedKeys<'_>,
        now: UnixTime,
    ) -> Result<Step<Output>, CheckFailed> {
        let Received {
            grant,
            tokens,
            unverified,
        } = received;
        let expected = Expectations {
            issuer: self.metadata.issuer(),
            client_id: self.registration.client.id(),
            nonce: Some(&grant.nonce),
            algs: self.algs(),
            trusted_audiences: &self.rules.trusted_audiences,
            leeway: self.rules.leeway,
            access_token: Some(&tokens.access_token),
            acr_values: &grant.demand.acr_values,
            // Recent when it was asked for: who reads what there is to agree to must not be too late by it. Zero would let
            // nobody through who takes longer than the leeway.
            max_age: (grant.demand.max_age).map(|age| age.saturating_add(now.since(grant.created))),
        };
        let claims = unverified.verify(keys, &expected, now)?;
        let wishes = &self.registration.wishes;
        if claims.auth_time().is_none()
            && wishes
                .claims
                .as_ref()
                .is_some_and(ClaimsRequest::demands_auth_time)
        {
            let cause = "`claims` demands `auth_time`, and there is none";
            return Err(CheckFailed::new(Check::IdTokenAuthTime, cause));
        }
        let provider_session = claims.sid().map(str::to_owned);
        let scope = tokens.scope.as_deref().unwrap_or(&self.registration.scopes);
        let identity = claims.into_identity(&self.rules.provider, &self.rules.groups_path, scope);
        Ok(Step::Done(Ok(SignedIn {
            identity,
            provider_session,
            return_to: grant.return_to,
            tokens,
        })))
    }

    fn step(&mut self, input: Input, env: &mut Env<'_>) -> Result<Step<Output>, CheckFailed> {
        match (mem::replace(&mut self.stage, Stage::Over), input) {
            (Stage::Begin(grant), Input::Start) => self.exchange(grant),
            (Stage::Exchange(grant), Input::Response(response)) => {
                self.answered(grant, &response, env.now)
            }
            (Stage::Exchange(_), Input::Failed(failure)) => Err(unanswered(failure)),
            (Stage::Keys(received), Input::Keys(keys)) => {
                self.believe(*received, keys?.as_ref().into(), env.now)
            }
            _ => Err(CheckFailed::new(
                Check::Misuse,
                "a sign-in was told what it had not asked",
            )),
        }
    }
}

type Output = Result<SignedIn, CheckFailed>;

fn unanswered(failure: Failure) -> CheckFailed {
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

impl Flow for SignIn {
    type Output = Output;

    fn resume(&mut self, input: Input, env: &mut Env<'_>) -> Step<Output> {
        self.step(input, env)
            .unwrap_or_else(|failed| Step::Done(Err(failed)))
    }
}
