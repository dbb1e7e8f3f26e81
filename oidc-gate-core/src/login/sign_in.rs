//! From a code to an identity.

use super::{AuthTime, Grant, Registration, ReturnTo, check_claims_source, check_compatible};
use crate::{
    backchannel::Question as _,
    check::{Check, CheckFailed, quote},
    claims::{ClaimRules, ClaimsSource, Userinfo},
    client_auth::{Access, Credentials, Proving, Unproven},
    flow::{Env, Failure, Flow, Input, Step},
    identity::Identity,
    jose::{AlgSet, TrustedKeys},
    provider::{Endpoint, Metadata},
    time::UnixTime,
    token::{Expectations, IdTokenClaims, TokenRequest, TokenResponse, UnverifiedIdToken},
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
    /// How claims become an identity.
    pub claims: ClaimRules,
}

/// # Defaults
///
/// 30 seconds of leeway, no further audience, every asymmetric algorithm there is, and those of [`ClaimRules`].
impl Default for SignInRules {
    fn default() -> Self {
        Self {
            provider: "".into(),
            leeway: Duration::from_secs(30),
            trusted_audiences: Vec::new(),
            algs: AlgSet::asymmetric(),
            claims: ClaimRules::default(),
        }
    }
}

/// Redeems a code and checks what comes of it: token request, keys, ID token
/// ([OpenID Connect Core § 3.1.3](https://openid.net/specs/openid-connect-core-1_0.html#TokenEndpoint)), then userinfo if
/// the [rules](ClaimsSource) ask for it.
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
    /// Somebody else signs for the client.
    Signature(Box<Grant>, Access, Unproven),
    Exchange(Box<Grant>),
    Keys(Box<Received>),
    /// The keys at hand were tried in vain.
    OtherKeys(Box<Received>),
    Userinfo(Box<Believed>),
    Over,
}

/// What the token endpoint answered.
#[derive(Debug)]
struct Received {
    grant: Box<Grant>,
    tokens: TokenResponse,
    unverified: UnverifiedIdToken,
}

/// What is left to do once the ID token is believed: to say who it is.
#[derive(Debug)]
struct Believed {
    return_to: ReturnTo,
    /// What was asked for.
    scopes: Box<str>,
    tokens: TokenResponse,
    claims: IdTokenClaims,
}

/// What became of userinfo in a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a log has to know each")]
pub enum Asked {
    /// It was not asked: nothing was missing, or the provider does not have it.
    No,
    /// It was asked, and what it said is in the identity.
    Answered,
    /// It did not take the access token, and the sign-in went on without it. Something that the configuration speaks of
    /// is missing; an operator should know.
    Declined(CheckFailed),
}

/// What a sign-in comes to.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who signed in.
    pub identity: Identity,
    /// The session's name at the provider, if it has one.
    pub provider_session: Option<String>,
    /// Until when a session may live that comes of it, where the provider says so: see
    /// [`IdTokenClaims::session_expiry`](crate::token::IdTokenClaims::session_expiry).
    pub session_expiry: Option<UnixTime>,
    /// Where the user wanted to go.
    pub return_to: ReturnTo,
    /// What the provider issued.
    pub tokens: TokenResponse,
    /// What became of userinfo.
    pub userinfo: Asked,
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

    fn begin(&mut self, grant: Box<Grant>, env: &mut Env<'_>) -> Result<Step<Output>, CheckFailed> {
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
        check_claims_source(&self.metadata, self.rules.claims.source)?;
        let access = (self.registration.client).at(&self.metadata, Endpoint::Token)?;
        match access.prove(env)? {
            Proving::Done(credentials) => self.exchange(grant, &access, credentials),
            Proving::ToBeSigned(input, unproven) => {
                self.stage = Stage::Signature(grant, access, unproven);
                Ok(Step::Sign(input))
            }
        }
    }

    fn exchange(
        &mut self,
        grant: Box<Grant>,
        access: &Access,
        credentials: Credentials,
    ) -> Result<Step<Output>, CheckFailed> {
        let (redirect_uri, resources) = (&self.registration.redirect_uri, &grant.extent.resource);
        let exchange =
            TokenRequest::authorization_code(&grant.code, redirect_uri, &grant.verifier, resources)
                .exchange(access, credentials)?;
        self.stage = Stage::Exchange(grant);
        Ok(Step::Send(exchange))
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
            let secret = self.registration.client.secret().ok_or_else(|| {
                CheckFailed::new(Check::IdTokenSecret, "the client has no secret")
            })?;
            let believed = self.believe(*received, secret.into(), now)?;
            return self.ask(believed);
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
    ) -> Result<Believed, CheckFailed> {
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
        if claims.auth_time().is_none() && grant.extent.auth_time == AuthTime::Essential {
            let cause = "`claims` demands `auth_time`, and there is none";
            return Err(CheckFailed::new(Check::IdTokenAuthTime, cause));
        }
        Ok(Believed {
            return_to: grant.return_to,
            scopes: grant.extent.scopes,
            tokens,
            claims,
        })
    }

    /// Asks for userinfo, if it is to be asked; ends the sign-in otherwise.
    fn ask(&mut self, believed: Believed) -> Result<Step<Output>, CheckFailed> {
        let rules = &self.rules.claims;
        let endpoint = match (rules.source, self.metadata.userinfo_endpoint()) {
            (ClaimsSource::IdToken, _) | (_, None) => return self.end(believed, None, Asked::No),
            (ClaimsSource::UserinfoAlways, Some(endpoint)) => endpoint,
            (ClaimsSource::UserinfoWhenNeeded, Some(endpoint)) => {
                match self.identity(&believed, None) {
                    Ok(identity)
                        if !rules.misses(believed.claims.as_map(), &identity, &believed.scopes) =>
                    {
                        return Ok(done(identity, believed, Asked::No));
                    }
                    // What userinfo says may mend a refusal.
                    _ => endpoint,
                }
            }
        };
        let exchange = Userinfo::request(endpoint, &believed.tokens.access_token)?;
        self.stage = Stage::Userinfo(Box::new(believed));
        Ok(Step::Send(exchange))
    }

    fn told(
        &self,
        believed: Believed,
        response: &http::Response<Vec<u8>>,
    ) -> Result<Step<Output>, CheckFailed> {
        match Userinfo::parse(response, believed.claims.subject()) {
            Ok(userinfo) => self.end(believed, Some(userinfo), Asked::Answered),
            // The access token is for another API, as some providers make them. That is no fault of the user's.
            Err(declined)
                if declined.check() == Check::UserinfoRefused
                    && self.rules.claims.source == ClaimsSource::UserinfoWhenNeeded =>
            {
                self.end(believed, None, Asked::Declined(declined))
            }
            Err(failed) => Err(failed),
        }
    }

    fn end(
        &self,
        believed: Believed,
        userinfo: Option<Userinfo>,
        asked: Asked,
    ) -> Result<Step<Output>, CheckFailed> {
        let identity = self
            .identity(&believed, userinfo)
            .map_err(|failed| match &asked {
                Asked::Declined(why) => {
                    let cause = format!("{}; {}", failed.cause(), why.cause());
                    CheckFailed::new(failed.check(), cause)
                }
                Asked::No | Asked::Answered => failed,
            })?;
        Ok(done(identity, believed, asked))
    }

    fn identity(
        &self,
        believed: &Believed,
        userinfo: Option<Userinfo>,
    ) -> Result<Identity, CheckFailed> {
        let rules = &*self.rules;
        let granted = believed.tokens.scope.as_deref();
        let scopes = granted.unwrap_or(&believed.scopes);
        let claims = believed.claims.clone();
        claims.into_identity(&rules.provider, &rules.claims, userinfo, scopes)
    }

    fn step(&mut self, input: Input, env: &mut Env<'_>) -> Result<Step<Output>, CheckFailed> {
        match (mem::replace(&mut self.stage, Stage::Over), input) {
            (Stage::Begin(grant), Input::Start) => self.begin(grant, env),
            (Stage::Signature(grant, access, unproven), Input::Signature(signature)) => {
                self.exchange(grant, &access, unproven.signed_with(&signature))
            }
            (Stage::Signature(..), Input::Failed(failure)) => Err(unsigned(failure)),
            (Stage::Exchange(grant), Input::Response(response)) => {
                self.answered(grant, &response, env.now)
            }
            (Stage::Exchange(_), Input::Failed(failure)) => Err(unanswered(failure)),
            (Stage::Keys(received), Input::Keys(keys)) => {
                let keys = keys?;
                if let Some(query) = received.unverified.other_keys(&keys) {
                    self.stage = Stage::OtherKeys(received);
                    return Ok(Step::FindKeys(query));
                }
                let believed = self.believe(*received, keys.as_ref().into(), env.now)?;
                self.ask(believed)
            }
            (Stage::OtherKeys(received), Input::Keys(keys)) => {
                let believed = self.believe(*received, keys?.as_ref().into(), env.now)?;
                self.ask(believed)
            }
            (Stage::Userinfo(believed), Input::Response(response)) => {
                self.told(*believed, &response)
            }
            (Stage::Userinfo(_), Input::Failed(failure)) => Err(Userinfo::unanswered(failure)),
            _ => Err(CheckFailed::new(
                Check::Misuse,
                "a sign-in was told what it had not asked",
            )),
        }
    }
}

type Output = Result<SignedIn, CheckFailed>;

fn done(identity: Identity, believed: Believed, userinfo: Asked) -> Step<Output> {
    Step::Done(Ok(SignedIn {
        identity,
        provider_session: believed.claims.sid().map(str::to_owned),
        session_expiry: believed.claims.session_expiry(),
        return_to: believed.return_to,
        tokens: believed.tokens,
        userinfo,
    }))
}

fn unsigned(failure: Failure) -> CheckFailed {
    let cause = match failure {
        Failure::NotSent | Failure::TooLarge => "whoever holds the client's key did not sign",
        Failure::Unknown => "whoever holds the client's key did not answer in time",
    };
    CheckFailed::new(Check::ClientKey, cause)
}

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
